"""Results of cases, and the bars of the families to which they belong."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

# From this share of the limit on the peer leaves no room for being faster.
PEER_AT_LIMIT = 0.9


@dataclass
class Result:
    """One case: times of both sides, their ratio (peer / ours) and our share of the limit.

    The peer's time and the ratio are those of its better form; `form_ratios` has the ratios of all its forms. Peaks of
    memory are kept where a bar wants them.
    """

    suite: str
    case: str
    ours_ms: float
    peer_ms: float
    peer_form: str
    ratio: float
    form_ratios: dict[str, float]
    limit_share: float | None = None
    memory_mb: float | None = None
    peer_memory_mb: float | None = None


@dataclass(frozen=True)
class Family:
    """Cases with common bars: geometric mean and minimum of the ratio, minima against forms of the peer, least share of
    the limit, largest share of the peer's memory, longest time."""

    name: str
    pattern: str
    mean: float | None = None
    minimum: float | None = None
    minimum_at_limit: float | None = None
    limit_share: float | None = None
    most_us: float | None = None
    form_minimums: dict[str, float] = field(default_factory=dict)
    memory_share: float | None = None

    def contains(self, case: str) -> bool:
        """Whether a case has this family's bars, unless an earlier family contains it."""
        return re.search(self.pattern, case) is not None

    def shortcomings(self, result: Result) -> list[str]:
        """The bars that a case misses."""
        missed = []
        minimum = self.minimum
        if self.minimum_at_limit is not None:
            peer_share = result.limit_share * result.ours_ms / result.peer_ms
            minimum = self.minimum_at_limit if peer_share >= PEER_AT_LIMIT else minimum
        if minimum is not None and result.ratio < minimum:
            missed.append(f"ratio {result.ratio:.2f} < {minimum}")
        for form, least in self.form_minimums.items():
            if result.form_ratios[form] < least:
                missed.append(f"{form} {result.form_ratios[form]:.2f} < {least}")
        if self.memory_share is not None and result.memory_mb > self.memory_share * result.peer_memory_mb:
            missed.append(f"memory {result.memory_mb / result.peer_memory_mb:.2f} > {self.memory_share}")
        if self.limit_share is not None and result.limit_share < self.limit_share:
            missed.append(f"{result.limit_share:.0%} of the limit < {self.limit_share:.0%}")
        if self.most_us is not None and 1e3 * result.ours_ms > self.most_us:
            missed.append(f"{1e3 * result.ours_ms:.2f} us > {self.most_us} us")
        return missed


def geometric_mean(results: Iterable[Result]) -> float:
    """Of the ratios."""
    logs = [math.log(result.ratio) for result in results]
    return math.exp(sum(logs) / len(logs))


def family_of(families: Iterable[Family], case: str) -> Family | None:
    """The first family that contains a case."""
    return next((family for family in families if family.contains(case)), None)
