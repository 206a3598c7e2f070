"""The roles that one applies for, and the topics that their interviews turn on.

The topics are a choice of this course after what candidates report, not a standard.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """A role that one applies for.

    Attributes:
        name: a key, such as `research_scientist`.
        topics: of the bank, those that come before others.
    """

    name: str
    topics: tuple[str, ...] = ()


ROLES = {
    "research scientist": Role(
        "research_scientist",
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
