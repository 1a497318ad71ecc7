"""Libraries for assignment problems: the same score matrices, one call each, assignments of the same value."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment

from torch_peer import Tensors, WrongPeerError

Assignment = tuple[np.ndarray, np.ndarray]


def lapjvs(scores: np.ndarray) -> Assignment:
    """The fastest of lapx's solvers of dense problems; it extends rectangles to squares."""
    return importlib.import_module("lap").lapjvs(scores, extend_cost=True, return_cost=False)


class AssignmentPeer:
    """A batch of score matrices, minimised."""

    def __init__(self, _case: str, tensors: Tensors) -> None:
        self._scores = list(tensors["in0"].numpy())
        self._columns = tensors["out0"].numpy()

    def forms(self) -> dict[str, Callable[[], list[Assignment]]]:
        """The runs to be timed, by the name of the library."""
        solvers = {"scipy": linear_sum_assignment}
        if importlib.util.find_spec("lap"):
            solvers["lapx"] = lapjvs
        return {name: lambda solve=solve: [solve(scores) for scores in self._scores] for name, solve in solvers.items()}

    def check(self, run: Callable[[], list[Assignment]]) -> None:
        """Throws WrongPeerError unless the engine's assignments have the same sums of scores."""
        for i, (scores, columns, theirs) in enumerate(zip(self._scores, self._columns, run(), strict=True)):
            if len(set(columns)) != len(columns):
                raise WrongPeerError(f"problem {i}: a column is given twice")
            ours = scores[np.arange(len(columns)), columns].sum(dtype=np.float64)
            best = scores[theirs].sum(dtype=np.float64)
            if abs(ours - best) > 1e-5 * max(1.0, abs(best)):
                raise WrongPeerError(f"problem {i}: our sum is {ours}, the peer's {best}")
