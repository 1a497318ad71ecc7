"""Every op and optimiser of the engine. Options that a formula needs are in the case's name; results are checked."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from families import Family
from interleave import Comparison  # noqa: F401
from torch_peer import Formula, StepPeer


def plain(function: Callable) -> Formula:
    """An op whose cases have no options."""
    return Formula(lambda shape: function)


def option(shape: str, letter: str, default: int) -> int:
    """The number after a letter among the options at the end of a name, such as s in N8_56x56_C64_O64_k3s2p1."""
    found = re.search(rf"_[a-z\d]*{letter}(\d+)[a-z\d]*$", shape)
    return int(found[1]) if found else default


def sliding(shape: str) -> dict[str, int]:
    """Stride and padding."""
    return {"stride": option(shape, "s", 1), "padding": option(shape, "p", 0)}


def reduced_axes(shape: str) -> tuple[int, ...]:
    """The axes that a reduction named "..._to_<axes that remain>" sums over."""
    remaining = shape.rpartition("_to_")[2]
    return {"C": (0, 1, 2), "NC": (1, 2), "NL": (2,)}.get(remaining, (0,))


def reduction(function: Callable, tolerance: float | None = None) -> Formula:
    """Of function(x, axes)."""
    return Formula(lambda shape: lambda x: function(x, reduced_axes(shape)), tolerance=tolerance)


def softmax_of(function: Callable) -> Formula:
    """Along the axis that the case's name ends with, or the last one."""
    return Formula(lambda shape: lambda x: function(x, dim=1 if shape.endswith("_axis1") else -1))


def conv2d(shape: str) -> Callable:
    """Named "..._k3s2p1", with "g32" where there are groups."""
    options = sliding(shape) | {"groups": option(shape, "g", 1)}
    return lambda x, weight, bias=None: F.conv2d(x, weight, bias, **options)


def linear(shape: str) -> Callable:
    """A linear layer, with the activation that the case's name ends in."""
    if shape.endswith("_gelu"):
        return lambda x, weight, bias: F.gelu(F.linear(x, weight, bias))
    return F.linear


def matmul(shape: str) -> Callable:
    """Named "..._tb" where b is transposed."""
    return (lambda a, b: a @ b.mT) if shape.endswith("_tb") else torch.matmul


def batch_norm(shape: str) -> Callable:
    """Named "..._residual_relu" where these follow."""

    def normalize(x: Tensor, weight: Tensor, bias: Tensor, residual: Tensor | None = None) -> Tensor:
        y = F.batch_norm(x, None, None, weight, bias, training=True)
        if residual is not None:
            y = y + residual
        return F.relu(y) if shape.endswith("_relu") else y

    return normalize


def average_pool(shape: str) -> Callable:
    """Named "..._k2s2p0" or "..._global"."""
    if shape.endswith("_global"):
        return lambda x: F.adaptive_avg_pool2d(x, 1)
    return lambda x: F.avg_pool2d(x, option(shape, "k", 2), **sliding(shape))


def interpolate(shape: str) -> Callable:
    """Named "<mode>_[corners_|antialias_]..._to_<size>"."""
    options: dict = {"mode": shape.partition("_")[0], "size": (int(shape.rpartition("_to_")[2]),) * 2}
    if options["mode"] != "nearest":
        options |= {"align_corners": "_corners_" in shape, "antialias": "_antialias_" in shape}
    if "_antialias_" in shape:  # which PyTorch has in fp32 only
        return lambda x: F.interpolate(x.float(), **options).to(x.dtype)
    return lambda x: F.interpolate(x, **options)


def cross_entropy(shape: str) -> Callable:
    """Named "..._smooth" for label smoothing; label 0 of 21 is ignored."""
    smoothing = 0.1 if shape.endswith("_smooth") else 0.0
    ignored = 0 if shape.endswith("_K21") else -100

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        logits = logits.flatten(0, -2)
        labels = labels.flatten() if labels.dtype == torch.int64 else labels
        return F.cross_entropy(logits, labels, ignore_index=ignored, label_smoothing=smoothing)

    return loss


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Of rows [batch, length, heads, channels]."""
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2)


def index_add(x: Tensor | None, index: Tensor, src: Tensor) -> Tensor:
    """Without x, to as many rows of zeros as the one case has."""
    return src.new_zeros(1568, src.shape[1]).index_add(0, index, src) if x is None else x.index_add(0, index, src)


FORMULAS: dict[str, Formula] = {
    "conv2d": Formula(conv2d, images=[0], filters=[1], is_compiled=False),
    "matmul": Formula(matmul, is_compiled=False),
    "linear": Formula(linear, is_compiled=False),
    "scaled_dot_product_attention": plain(attention),
    # A sum that one side rounds to above zero and the other to below has a gradient behind one side's ReLU only. Of
    # sums about as wide as 1 that is a share of some epsilons: in bf16 a percent, in fp32 one or two of millions,
    # either of which moves the gradients of its channel, one of 256 or more.
    "batch_norm": Formula(batch_norm, images=[0, 3], outliers={torch.bfloat16: 0.03, torch.float32: 0.004}),
    # Eager PyTorch adds the parameters' gradients in bf16: up to a tenth of the largest is lost in a percent of them.
    "layer_norm": Formula(
        lambda shape: lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b), outliers={torch.bfloat16: 0.02}
    ),
    "group_norm": Formula(lambda shape: lambda x, w, b: F.group_norm(x, option(shape, "G", 32), w, b), images=[0]),
    "l2_normalize": plain(lambda x: F.normalize(x, dim=-1)),
    "weight_norm": plain(lambda v, g: torch._weight_norm(v, g, 0)),
    "cosine_similarity": plain(lambda a, b: F.cosine_similarity(a, b, dim=-1)),
    "max_pool2d": Formula(lambda shape: lambda x: F.max_pool2d(x, option(shape, "k", 2), **sliding(shape)), images=[0]),
    "avg_pool2d": Formula(average_pool, images=[0]),
    "interpolate": Formula(interpolate, images=[0]),
    "softmax": softmax_of(F.softmax),
    "log_softmax": softmax_of(F.log_softmax),
    "cross_entropy": Formula(cross_entropy),
    "mse_loss": plain(F.mse_loss),
    "l1_loss": plain(F.l1_loss),
    "smooth_l1_loss": plain(F.smooth_l1_loss),
    "bce_with_logits": plain(F.binary_cross_entropy_with_logits),
    "kl_div": plain(lambda x, t: F.kl_div(x, t, reduction="none").mean()),
    "kl_div_log": plain(lambda x, t: F.kl_div(x, t, reduction="none", log_target=True).mean()),
    "dropout": Formula(lambda shape: lambda x: F.dropout(x, 0.1), is_random=True),
    "add": plain(lambda a, b: a + b),
    "sub": plain(lambda a, b: a - b),
    "mul": plain(lambda a, b: a * b),
    "div": plain(lambda a, b: a / b),
    "pow": plain(torch.pow),
    "minimum": plain(torch.minimum),
    "maximum": plain(torch.maximum),
    "affine": plain(lambda x: -1.5 * x + 0.25),
    "divide_by": plain(lambda x: x / 3.0),
    "divide_into": plain(lambda x: 3.0 / x),
    "square": plain(torch.square),
    "sqrt": plain(torch.sqrt),
    "rsqrt": plain(torch.rsqrt),
    "pow_scalar": plain(lambda x: x.pow(2.5)),
    "exp": plain(torch.exp),
    "expm1": plain(torch.expm1),
    "log": plain(torch.log),
    "log1p": plain(torch.log1p),
    "erf": plain(torch.erf),
    "sin": plain(torch.sin),
    "cos": plain(torch.cos),
    "abs": plain(torch.abs),
    "round": plain(torch.round),
    "floor": plain(torch.floor),
    "clamp": plain(lambda x: x.clamp(-0.5, 1.0)),
    "relu": plain(F.relu),
    "leaky_relu": plain(lambda x: F.leaky_relu(x, 0.125)),
    "sigmoid": plain(torch.sigmoid),
    "tanh": plain(torch.tanh),
    "silu": plain(F.silu),
    "gelu": plain(F.gelu),
    "gelu_tanh": plain(lambda x: F.gelu(x, approximate="tanh")),
    "hardswish": plain(F.hardswish),
    "softplus": plain(lambda x: F.softplus(x, beta=2.0)),
    "where": plain(torch.where),
    "eq": plain(torch.eq),
    "ne": plain(torch.ne),
    "lt": plain(torch.lt),
    "le": plain(torch.le),
    "gt": plain(torch.gt),
    "ge": plain(torch.ge),
    "logical_and": plain(torch.logical_and),
    "logical_or": plain(torch.logical_or),
    "sum": reduction(torch.sum),
    "mean": reduction(torch.mean),
    "amax": reduction(torch.amax),
    "amin": reduction(torch.amin),
    "var": reduction(lambda x, axes: torch.var(x, axes, correction=0)),
    # Gradients come from the rounded result: an error of 2^-9 of 14 is one of 3 % of its exponential, on either side.
    "logsumexp": reduction(torch.logsumexp, tolerance=0.08),
    "norm": reduction(lambda x, axes: torch.linalg.vector_norm(x, dim=axes)),
    "argmax": Formula(lambda shape: lambda x: x.argmax(-1), has_ties=True),
    "argmin": Formula(lambda shape: lambda x: x.argmin(-1), has_ties=True),
    "cumsum": plain(lambda x: x.cumsum(1)),
    "gather": plain(lambda x, index: x.gather(1, index)),
    "scatter_add": plain(lambda x, index, src: x.scatter_add(1, index, src)),
    "index_select": plain(lambda x, index: x.index_select(0, index)),
    "index_add": plain(index_add),
    "embedding": plain(lambda weight, index: F.embedding(index, weight)),
    "pad": plain(lambda x: F.pad(x, (0, 0, 1, 1, 1, 1))),
    "concat": Formula(lambda shape: lambda *parts: torch.cat(parts, 1 if shape.startswith("class_token") else 3)),
    "slice": plain(lambda x: x[..., 32:64]),
    "slice_backward": plain(lambda grad: F.pad(grad, (32, 0))),
    "flip": plain(lambda x: x.flip(2)),
    "roll": plain(lambda x: x.roll((3, 3), (1, 2))),
    "sort": Formula(lambda shape: lambda x: tuple(x.sort(-1)), has_ties=True),
    "topk": Formula(lambda shape: lambda x: tuple(x.topk(option(shape, "k", 1), -1)), has_ties=True),
}


class Lars:
    """LARS as in MoCo v3, in PyTorch's multi-tensor functions: it has no fused one."""

    lr, momentum, weight_decay, trust = 0.01, 0.9, 1e-4, 0.001

    def __init__(self, parameters: list[Tensor]) -> None:
        self._matrices = [p for p in parameters if p.dim() > 1]
        self._vectors = [p for p in parameters if p.dim() <= 1]
        self._averages = {id(p): torch.zeros_like(p) for p in parameters}

    @torch.no_grad()
    def step(self) -> None:
        """Updates all parameters."""
        decayed = torch._foreach_add([p.grad for p in self._matrices], self._matrices, alpha=self.weight_decay)
        norms = zip(torch._foreach_norm(self._matrices), torch._foreach_norm(decayed), strict=True)
        torch._foreach_mul_(decayed, [self.trust * p_norm / u_norm for p_norm, u_norm in norms])
        updates = [*decayed, *(p.grad for p in self._vectors)]
        parameters = self._matrices + self._vectors
        averages = [self._averages[id(p)] for p in parameters]
        torch._foreach_mul_(averages, self.momentum)
        torch._foreach_add_(averages, updates)
        torch._foreach_add_(parameters, averages, alpha=-self.lr)


OPTIMIZERS: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer | Lars]] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=1e-4, fused=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.05, fused=True),
    "lars": Lars,
}

PEERS = {op: lambda _case, tensors, make=make: StepPeer(tensors, make) for op, make in OPTIMIZERS.items()}

CASES: list[str] = []  # besides the bench program's

# What keeps ops from the limit that few come near.
BOUNDS = {
    "add": "calls: making a tensor and a graph node takes longer than 8 additions",
    "sort": "passes: keys and places are moved once for each byte of the key, the limit counts one move",
    "topk": "branches: a block with a candidate is looked through one by one, more blocks than not in rows of 1,000",
    "argmax": "lanes: rows of 21 are a vector and a third, and each ends in a search for the place across lanes",
    "argmin": "lanes: rows of 21 are a vector and a third, and each ends in a search for the place across lanes",
    "interpolate": "lanes: images of 3 channels fill 3 of 16",
    "cross_entropy": "lanes and instructions: rows of 21 are a vector and a third, each element an exponential",
    "pow": "instructions: a logarithm and an exponential in double for each float",
    "pow_scalar": "instructions: a logarithm and an exponential in double for each float",
    "logsumexp": "instructions: an exponential for each element that is read, and nothing written",
}

# In this order: a case belongs to the first family that its name matches.
FAMILIES = [
    Family("one small op", r"^add/8/fp32/train$", most_us=1.5),
    Family("grouped convolution", r"^conv2d/.*g\d+/", mean=2.0, minimum=0.9),
    Family("convolution, matrix products", r"^(conv2d|matmul|linear)/", mean=1.1, minimum=0.9),
    Family("optimiser steps", r"/step$", minimum=0.95, limit_share=0.9),
    # All but the views that slices are, and the fused kernels of the networks, which have a suite of their own.
    Family(
        "element-wise and others",
        r"^(?!add/8/|slice/.*/forward|(axial|elastic|hungarian)_).*/(forward|train)$",
        mean=1.3,
        minimum=1.0,
        minimum_at_limit=0.95,
    ),
]
