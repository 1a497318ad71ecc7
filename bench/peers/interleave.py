"""One case: prepared on both sides, checked, and timed in alternating slices."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from safetensors.torch import load_file

from engine_client import Bench, Cost
from families import Result
from torch_peer import OpPeer, Peer, WrongPeerError, milliseconds

SLICE_MS = 25  # of one side: long enough for its caches to be its own
PAUSE_S = 0.012  # until the threads of the other side have stopped spinning: some 4 ms after OpenMP work
# Where files between the sides lie; None: where temporary files usually do.
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None

# Runs a number of times and returns the mean time in milliseconds.
Timer = Callable[[int], float]


class Comparison:
    """Compares cases of a suite by means of one bench process."""

    def __init__(self, suite: ModuleType, arguments: argparse.Namespace) -> None:
        self._suite = suite
        self._name = arguments.suite
        self._rounds = arguments.rounds
        self._bench = Bench(arguments.bench, arguments.threads)
        self._folder = tempfile.TemporaryDirectory(dir=MEMORY)

    def limits(self) -> dict:
        """What the machine can do at most."""
        return self._bench.limits()

    def run(self, case: str) -> Result:
        """Throws BenchError and WrongPeerError."""
        cost, peer = self._prepare(case)
        timers: dict[str, Timer] = {"ours": self._bench.time}
        for form, run in peer.forms().items():
            peer.check(run)
            timers[form] = lambda repeats, run=run: milliseconds(run, repeats)
        slices = alternate(timers, self._rounds)
        self._bench.release()
        return result_of(self._name, case, slices, cost.limit_ms)

    def close(self) -> None:
        """Ends the bench process."""
        self._bench.close()
        self._folder.cleanup()

    def _prepare(self, case: str) -> tuple[Cost, Peer]:
        file = Path(self._folder.name) / "tensors"
        cost = self._bench.prepare(case, file)
        tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
        file.unlink()
        op = case.partition("/")[0]
        if op in self._suite.PEERS:
            return cost, self._suite.PEERS[op](case, tensors)
        if op in self._suite.FORMULAS:
            return cost, OpPeer(case, tensors, self._suite.FORMULAS[op])
        raise WrongPeerError(f"the suite has no formula for {op}")


def result_of(suite: str, case: str, slices: dict[str, list[float]], limit_ms: float | None = None) -> Result:
    """What the slices of "ours" and of each form of the peer say."""
    medians = {name: statistics.median(times) for name, times in slices.items()}
    ours_ms = medians.pop("ours")
    form = min(medians, key=medians.__getitem__)
    ratios = {
        name: statistics.median(peer / own for peer, own in zip(slices[name], slices["ours"], strict=True))
        for name in medians
    }
    return Result(
        suite=suite,
        case=case,
        ours_ms=ours_ms,
        peer_ms=medians[form],
        peer_form=form,
        ratio=ratios[form],
        form_ratios=ratios,
        limit_share=None if limit_ms is None else limit_ms / ours_ms,
    )


def alternate(timers: dict[str, Timer], rounds: int, warm_up: int = 2) -> dict[str, list[float]]:
    """The times of each timer's slices, taken in turn; memory and plans are there after `warm_up` runs."""
    repeats = {}
    for name, timer in timers.items():
        timer(warm_up)
        repeats[name] = max(1, round(SLICE_MS / timer(1)))
    slices: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timer in timers.items():
            time.sleep(PAUSE_S)
            slices[name].append(timer(repeats[name]))
    return slices
