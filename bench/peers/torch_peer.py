"""PyTorch's side of a comparison: the same inputs, the same results, eager and compiled."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch

Tensors = dict[str, torch.Tensor]

# Largest error over largest value. Both sides round each result once and add in fp32; sums of thousands of terms in
# different orders and bf16 intermediates of compositions account for the rest.
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 4e-2}


class WrongPeerError(RuntimeError):
    """A formula whose results are not the engine's."""


@dataclass(frozen=True)
class Formula:
    """How PyTorch computes an op.

    make(shape) gives, for the shape part of a case's name, the function (*inputs) -> output or tuple of outputs; those
    that only the engine has may be missing at the end. `images` are the inputs, and `filters` the weights of
    convolutions, which it takes as NCHW in channels_last memory: then its four-dimensional outputs are so too. A
    library call gains nothing from being compiled. Random results are compared by the share of zeros. Equal values,
    frequent in bf16, may come in any order where there are ties. `outliers` is the share of a gradient's
    elements, by dtype, that may differ by more than the tolerance. `tolerance` replaces that of bf16.
    """

    make: Callable[[str], Callable]
    images: Sequence[int] = ()
    filters: Sequence[int] = ()
    is_compiled: bool = True
    is_random: bool = False
    has_ties: bool = False
    outliers: Mapping[torch.dtype, float] = field(default_factory=dict)
    tolerance: float | None = None


def to_nchw(nhwc: torch.Tensor) -> torch.Tensor:
    """A view of the same memory, channels_last."""
    return nhwc.permute(0, 3, 1, 2) if nhwc.dim() == 4 else nhwc


def numbered(tensors: Tensors, prefix: str) -> list[torch.Tensor | None]:
    """prefix0, prefix1, ...; None where one is left out."""
    found = {int(name.removeprefix(prefix)): t for name, t in tensors.items() if name.startswith(prefix)}
    return [found.get(i) for i in range(max(found, default=-1) + 1)]


def check_close(
    what: str, ours: torch.Tensor, peers: torch.Tensor, tolerance: float | None = None, outliers: float = 0
) -> None:
    """Throws WrongPeerError unless both tensors are equal within a tolerance, by default that of their dtype.

    A share of the elements, `outliers`, may differ by more.
    """
    if ours.shape != peers.shape or ours.dtype != peers.dtype:
        raise WrongPeerError(f"{what} is {ours.dtype} {list(ours.shape)}, the peer's {peers.dtype} {list(peers.shape)}")
    differences = (ours.double() - peers.double()).abs()
    scale = ours.double().abs().max().item()
    if tolerance is None:
        tolerance = TOLERANCE.get(ours.dtype, 0)
    share = (~(differences <= tolerance * scale)).double().mean().item()
    if share > outliers:
        raise WrongPeerError(
            f"{what} differs by up to {differences.max().item():.3g}, its largest value is {scale:.3g}; "
            f"{share:.2g} of its elements are further off than {tolerance} of that"
        )


def check_zeros(what: str, ours: torch.Tensor, peers: torch.Tensor) -> None:
    """For random results: throws WrongPeerError unless about as many elements are zero."""
    shares = [(t == 0).double().mean().item() for t in (ours, peers)]
    if abs(shares[0] - shares[1]) > 0.01:
        raise WrongPeerError(f"{what} has {shares[0]:.1%} of zeros, the peer's {shares[1]:.1%}")


class Peer(Protocol):
    """The other side of a case."""

    def forms(self) -> dict[str, Callable[[], object]]:
        """The runs to be timed, by the name of the form."""

    def check(self, run: Callable[[], object]) -> None:
        """Throws WrongPeerError unless `run` gives the engine's results."""


class OpPeer:
    """An op, forward or with its gradients for given cotangents."""

    def __init__(self, case: str, tensors: Tensors, formula: Formula) -> None:
        _, shape, dtype, _ = case.split("/")
        self._is_bf16 = dtype == "bf16"
        self._function = formula.make(shape)
        self._formula = formula
        self._tensors = tensors
        self._inputs = [self._input(i, t) for i, t in enumerate(numbered(tensors, "in"))]
        self._has_images = bool(formula.images)
        self._cotangents = [self._output(t) for t in numbered(tensors, "cotangent")]
        self._wanted = [i for i, t in enumerate(numbered(tensors, "grad")) if t is not None]
        for i in self._wanted:
            self._inputs[i].requires_grad_()

    def forms(self) -> dict[str, Callable[[], object]]:
        """The runs to be timed, by the name of the form."""
        forms = {"eager": self._runner(self._function)}
        if self._formula.is_compiled:
            torch._dynamo.reset()
            forms["compiled"] = self._runner(torch.compile(self._function, dynamic=False))
        return forms

    def check(self, run: Callable[[], object]) -> None:
        """Throws WrongPeerError unless `run` gives the engine's results."""
        names = [f"grad{i}" for i in self._wanted]
        results = run()
        if not names:
            results = results if isinstance(results, tuple | list) else (results,)
            names = [f"out{i}" for i in range(len(results))]
        for name, result in zip(names, results, strict=True):
            as_given = name.startswith("grad") and int(name.removeprefix("grad")) not in self._formula.images
            if self._has_images and result.dim() == 4 and not as_given:
                result = result.permute(0, 2, 3, 1)
            self._check(name, self._tensors[name], result)

    def _check(self, name: str, ours: torch.Tensor, peers: torch.Tensor) -> None:
        if self._formula.is_random:
            check_zeros(name, ours, peers)
        elif self._formula.has_ties and self._is_bf16:
            if ours.is_floating_point():
                check_close(name, ours.sort().values, peers.sort().values)
        else:
            outliers = self._formula.outliers.get(ours.dtype, 0) if name.startswith("grad") else 0
            check_close(name, ours, peers, self._formula.tolerance if self._is_bf16 else None, outliers)

    def _input(self, i: int, tensor: torch.Tensor | None) -> torch.Tensor | None:
        if i in self._formula.images:
            return None if tensor is None else to_nchw(tensor)
        if i in self._formula.filters:
            return tensor.contiguous(memory_format=torch.channels_last)
        return tensor

    def _output(self, tensor: torch.Tensor | None) -> torch.Tensor | None:
        return to_nchw(tensor) if tensor is not None and self._has_images else tensor

    def _runner(self, function: Callable) -> Callable[[], object]:
        inputs = self._inputs
        if not self._wanted:

            def forward() -> object:
                with torch.no_grad():
                    return function(*inputs)

            return forward
        wanted = [inputs[i] for i in self._wanted]
        cotangents = [t for t in self._cotangents if t is not None]

        def train() -> object:
            outputs = function(*inputs)
            first = outputs if isinstance(outputs, torch.Tensor) else outputs[0]
            return torch.autograd.grad(first, wanted, cotangents)

        return train


class StepPeer:
    """A step of an optimiser with given gradients."""

    def __init__(self, tensors: Tensors, make: Callable[[list[torch.Tensor]], torch.optim.Optimizer]) -> None:
        self._parameters = numbered(tensors, "in")
        self._expected = numbered(tensors, "out")
        for parameter, grad in zip(self._parameters, numbered(tensors, "cotangent"), strict=True):
            parameter.grad = grad
        self._optimizer = make(self._parameters)

    def forms(self) -> dict[str, Callable[[], object]]:
        """The runs to be timed, by the name of the form."""
        return {"fused": self._optimizer.step}

    def check(self, run: Callable[[], object]) -> None:
        """Throws WrongPeerError unless the first step gives the engine's parameters."""
        run()
        for i, (ours, peers) in enumerate(zip(self._expected, self._parameters, strict=True)):
            check_close(f"out{i}", ours, peers)


def milliseconds(run: Callable[[], object], repeats: int) -> float:
    """The mean time of a run."""
    begin = time.perf_counter()
    for _ in range(repeats):
        run()
    return 1e3 * (time.perf_counter() - begin) / repeats
