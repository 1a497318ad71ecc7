#!/usr/bin/env python3
"""Times ops alone and beside processes that keep a CPU busy, in turns.

A fair scheduler leaves each thread and each busy neighbour CPUs / (threads + neighbours) of a CPU, so that much of the speed
alone should be left. Far less means that threads wait for one another while a neighbour has their CPU.
Example: busy_neighbour.py --filter '^(relu|softmax|layer_norm)/.*/fp32/forward'
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench/peers"))
from engine_client import Bench  # noqa: E402


class Neighbours:
    """Processes that run endlessly whenever they are let."""

    def __init__(self, count: int) -> None:
        self._processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
        self._send(signal.SIGSTOP)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Lets them run in the scope."""
        self._send(signal.SIGCONT)
        try:
            yield
        finally:
            self._send(signal.SIGSTOP)

    def close(self) -> None:
        """Ends them."""
        self._send(signal.SIGKILL)
        for process in self._processes:
            process.wait()

    def _send(self, what: signal.Signals) -> None:
        for process in self._processes:
            process.send_signal(what)


def milliseconds(bench: Bench, neighbours: Neighbours, rounds: int, slice_ms: float) -> tuple[float, float]:
    """The prepared case's mean time of a run alone and beside the neighbours, medians over the rounds."""
    repeats = max(1, round(slice_ms / bench.time(1)))
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(bench.time(repeats))
        with neighbours.running():
            beside.append(bench.time(repeats))
    return median(alone), median(beside)


def main() -> None:
    cpus = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--filter", type=re.compile, required=True, help="regular expression within a case's name")
    parser.add_argument("--neighbours", type=int, default=1, help="busy processes (default 1)")
    parser.add_argument("--threads", type=int, default=cpus, help=f"of the engine (default {cpus})")
    parser.add_argument("--rounds", type=int, default=5, help="slices of each kind (default 5)")
    parser.add_argument("--slice-ms", type=float, default=200, help="length of a slice alone (default 200)")
    parser.add_argument("--bench", type=Path, default=ROOT / "build/cpu-release/bin/bench", help="the bench program")
    arguments = parser.parse_args()

    threads, neighbours = arguments.threads, arguments.neighbours
    fair = min(1.0, cpus / (threads + neighbours))
    print(f"{cpus} CPUs, {threads} threads, {neighbours} busy neighbours: a fair share is {fair:.2f} of the speed alone")
    print(f"{'case':<64} {'alone ms':>10} {'beside ms':>10} {'left':>6}")
    names = [name for name in Bench.case_names(arguments.bench) if arguments.filter.search(name)]
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Bench(arguments.bench, threads)) as bench,
        closing(Neighbours(neighbours)) as busy,
    ):
        for name in names:
            bench.prepare(name, Path(folder) / "case.safetensors")
            alone, beside = milliseconds(bench, busy, arguments.rounds, arguments.slice_ms)
            print(f"{name:<64} {alone:>10.4f} {beside:>10.4f} {alone / beside:>6.2f}", flush=True)


if __name__ == "__main__":
    main()
