"""What mock interviews for different roles weigh, and how long companies take.

Shares and lengths follow what candidates report of such interviews; they are a choice
of this course, not a standard.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Minutes of a telephone screen, one round, a long one, and a day of four rounds.
LENGTHS = {"screen": 30, "round": 45, "long": 60, "loop": 180}


@dataclass(frozen=True)
class Role:
    """A role that one applies for.

    Attributes:
        name: a key of `translations.TABLE`.
        shares: of the time, for each section by its key; they add up to 1.
        topics: which come before others.
    """

    name: str
    shares: Mapping[str, float] = field(default_factory=dict)
    topics: tuple[str, ...] = ()


def shares(
    warm_up: float, concepts: float, derivations: float, coding: float, designs: float
) -> dict[str, float]:
    """The shares of the sections by their keys."""
    return {
        "warm_up": warm_up,
        "concepts": concepts,
        "derivations": derivations,
        "coding": coding,
        "designs": designs,
    }


ANY = Role("any_role", shares(0.10, 0.25, 0.20, 0.30, 0.15))
ROLES = {
    "research scientist": Role(
        "research_scientist",
        shares(0.10, 0.25, 0.30, 0.20, 0.15),
        topics=(
            "diffusion_flow",
            "vae",
            "gan",
            "samplers_distillation",
            "diffusion_architectures",
            "representations",
            "masked_models",
            "metrics",
        ),
    ),
    "applied scientist": Role(
        "applied_scientist",
        shares(0.10, 0.25, 0.15, 0.30, 0.20),
        topics=(
            "text_to_image",
            "control_adapters",
            "editing",
            "metrics",
            "preference_tuning",
            "data_captions",
            "diffusion_flow",
            "training_failures",
            "safety_copyright",
        ),
    ),
    "ml engineer": Role(
        "ml_engineer",
        shares(0.10, 0.20, 0.05, 0.40, 0.25),
        topics=(
            "cost_scale",
            "llm_engineering",
            "data_captions",
            "training_failures",
            "attention",
            "classifiers",
            "metrics",
            "safety_copyright",
        ),
    ),
    "multimodal llm engineer": Role(
        "multimodal_llm_engineer",
        shares(0.10, 0.30, 0.10, 0.30, 0.20),
        topics=(
            "multimodal_models",
            "llm_engineering",
            "attention",
            "text_encoders",
            "autoregressive",
            "captioning",
            "video",
            "preference_tuning",
        ),
    ),
}

# The lessons that teach a topic, for what has no cell of its own to link.
LESSONS = {
    "classifiers": ("01",),
    "autoencoders": ("02",),
    "vae": ("03", "04"),
    "gan": ("05", "09"),
    "training_failures": ("06",),
    "conditional": ("07", "04"),
    "metrics": ("08",),
    "attention": ("12", "09", "11"),
    "autoregressive": ("11", "12"),
    "diffusion_flow": ("13", "14"),
    "text_encoders": ("15",),
    "text_to_image": ("16", "15"),
    "captioning": ("17", "15"),
    "editing": ("17", "03"),
    "cost_scale": ("14", "08"),
    "privacy_responsibility": ("08",),
    "control_adapters": ("07", "14"),
    "diffusion_architectures": ("13", "14"),
    "samplers_distillation": ("14", "13"),
    "preference_tuning": ("08", "14"),
    "data_captions": ("15", "01"),
    "masked_models": ("12", "11"),
    "multimodal_models": ("16", "12", "11"),
    "video": ("14",),
    "representations": ("02", "08"),
    "safety_copyright": ("08",),
    "llm_engineering": ("12", "11"),
}
