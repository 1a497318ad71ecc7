"""Training and use of classifiers: updates and predictions of networks, training samples, the start of a program."""

from __future__ import annotations

from families import Family
from network_compare import Comparison  # noqa: F401

# What only this suite has: see Comparison.run.
START = "start/resnet18_N64_64x64/fp32/update"
START_OPTIONS = [
    *("--model", "resnet18", "--stem", "imagenet", "--image-size", "64", "--batch-size", "64", "--max-steps", "1"),
    *("--log-every", "1", "--eval-every", "0"),
]
CASES = [START]


def forms(case: str) -> list[str]:
    """The forms of the peer."""
    return ["eager"] if case.endswith("/sample") else ["eager", "compiled"]


def has_memory_bar(case: str) -> bool:
    """Whether the peak memory of both sides is wanted."""
    return case.endswith("/update")


# Against each form of the peer; peak memory as a share of the eager one's.
FAMILIES = [
    Family(
        "ResNet-50 update, bf16",
        r"^resnet50/.*/bf16/update$",
        form_minimums={"eager": 1.15, "compiled": 1.05},
        memory_share=0.8,
    ),
    Family(
        "network updates",
        r"^res.*/update$",
        form_minimums={"eager": 1.25, "compiled": 1.05},
        memory_share=0.8,
    ),
    Family("ResNet-50 prediction", r"^resnet50/.*/predict$", form_minimums={"eager": 1.35, "compiled": 1.0}),
    Family("training samples", r"/sample$", form_minimums={"eager": 1.5}),
    Family("start to first update", r"^start/", most_us=5e5),
]
