"""The search finds questions and problems in both languages."""

import time

import pytest

from digitdreams.interview import bank, problems, search

QUESTIONS = bank.load()
PROBLEMS = problems.load()
INDEX = search.Index(QUESTIONS, PROBLEMS)


def topics(text, limit=5):
    return {hit.item.topic for hit in INDEX.search(text, limit)}


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("mode collapse", "training_failures"),
        ("模式崩溃", "training_failures"),
        ("posterior collapse", "vae"),
        ("后验坍塌", "vae"),
        ("causal mask", "attention"),
        ("因果掩码", "attention"),
        ("classifier-free guidance", "diffusion_flow"),
        ("Fréchet distance", "metrics"),
        ("扩散模型", "diffusion_flow"),
    ],
)
def test_what_is_searched_is_found(text, topic):
    assert topic in topics(text, limit=8)


@pytest.mark.parametrize(
    "text",
    [
        "ControlNet",
        "IP-Adapter",
        "DreamBooth",
        "textual inversion",
        "SDXL",
        "MMDiT",
        "adaLN",
        "img2img",
        "UniPC",
        "Heun",
        "rectified flow",
        "LCM",
        "consistency model",
        "DPO",
        "RLHF",
        "GRPO",
        "reward model",
        "recaptioning",
        "aspect ratio",
        "Chameleon",
        "M-RoPE",
        "hallucination",
        "video",
        "VBench",
        "MaskGIT",
        "VAR",
        "SigLIP",
        "DINO",
        "REPA",
        "CMMD",
        "VQAScore",
        "Kontext",
        "copyright",
        "NSFW",
        "concept erasure",
        "MoE",
        "PagedAttention",
        "tensor parallelism",
        "显存",
        "版权",
        "偏好",
    ],
)
def test_what_interviewers_ask_about_is_there(text):
    hits = INDEX.search(text)
    words = search.WORD.findall(text.lower())
    best = " ".join(search.fields(hits[0].item)).lower() if hits else ""
    assert hits and all(word[:6] in best for word in words if len(word) > 1)


def test_word_forms_do_not_matter():
    assert INDEX.search("discriminators", 3) == INDEX.search("discriminator", 3)


def test_an_id_is_found():
    assert INDEX.search(QUESTIONS[0].id, 1)[0].item == QUESTIONS[0]


def test_a_problem_is_found_by_its_name():
    assert INDEX.search(PROBLEMS[0].name, 1)[0].item == PROBLEMS[0]


def test_where_no_entry_has_all_words_some_are_enough():
    assert INDEX.search("posterior collapse zebra")


def test_a_single_chinese_character_is_searched():
    index = search.Index([], PROBLEMS)
    texts = [one for one in PROBLEMS if "熵" in one.statement.zh + one.title.zh]
    found = {hit.item.name for hit in index.search("熵", 100)}
    assert found >= {one.name for one in texts}


@pytest.mark.parametrize(
    "text", ["", "?!", '"', "AND", "NEAR(a", "a OR", "*", "-x", "'"]
)
def test_signs_of_the_query_language_do_no_harm(text):
    INDEX.search(text)


def test_nothing_is_found_for_nonsense():
    assert INDEX.search("xyzzyqq") == []


def test_chinese_is_split_into_pairs():
    assert search.spaced("用潜变量z").split() == ["用潜", "潜变", "变量", "量", "z"]


def test_the_index_is_quick():
    started = time.process_time()
    search.Index(QUESTIONS, PROBLEMS).search("variational 变分")
    assert time.process_time() - started < 2


def test_a_question_leads_to_a_problem_of_its_topic():
    practised = {one.topic for one in PROBLEMS}
    asked = [one for one in QUESTIONS if one.topic in practised]
    found = [search.companion(one, PROBLEMS) for one in asked]
    assert sum(one is not None for one in found) > len(asked) / 4
    for question, problem in zip(asked, found, strict=True):
        assert problem is None or problem.topic == question.topic
