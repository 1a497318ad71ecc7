"""The fused kernels of the networks, against compositions in PyTorch and libraries for assignments."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from assignment_peer import AssignmentPeer
from families import Family
from interleave import Comparison  # noqa: F401
from torch_peer import Formula


def downsample(x: Tensor) -> Tensor:
    """Means of 2 x 2 cells, after the last row or column of an odd size is repeated."""
    for axis in (2, 3):
        if x.shape[axis] % 2:  # F.pad's gradient cannot be compiled for channels_last
            x = torch.cat((x, x.narrow(axis, x.shape[axis] - 1, 1)), axis)
    return F.avg_pool2d(x, 2)


def upsample_add(shape: str) -> Callable:
    """Named "nearest_..." and "affine_relu_..." where these follow."""
    options: dict = {"mode": "nearest"} if shape.startswith("nearest_") else {"mode": "bilinear", "align_corners": False}

    def add(small: Tensor, full: Tensor, scale: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
        doubled = F.interpolate(small, scale_factor=2, **options)
        y = full + doubled[:, :, : full.shape[2], : full.shape[3]]
        if scale is not None:
            y = F.relu(y * scale[:, None, None] + shift[:, None, None])
        return y

    return add


FORMULAS: dict[str, Formula] = {
    "elastic_downsample": Formula(lambda shape: downsample, images=[0]),
    "elastic_upsample_add": Formula(upsample_add, images=[0, 1]),
}
PEERS: dict[str, Callable] = {"hungarian_match": AssignmentPeer}

CASES: list[str] = []  # besides the bench program's
FAMILIES = [
    Family("elastic resampling", r"^elastic_", mean=5.0, limit_share=0.8),
    Family("matching, large", r"^hungarian_match/B1_1024x1024/", minimum=1.0),
    Family("matching", r"^hungarian_match/", minimum=5.0),
]
