"""Cases of the classifier suite: every side in a process of its own, checked, and timed in alternating slices."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from types import ModuleType

from engine_client import Bench, BenchError, Server
from families import Result
from interleave import MEMORY, Timer, alternate, result_of

HERE = Path(__file__).resolve().parent


class Comparison:
    """Compares cases of a suite that names, for each, the forms of the peer."""

    def __init__(self, suite: ModuleType, arguments: argparse.Namespace) -> None:
        self._suite = suite
        self._arguments = arguments

    def limits(self) -> dict:
        """What the machine can do at most."""
        with closing(Bench(self._arguments.bench, self._arguments.threads)) as bench:
            return bench.limits()

    def run(self, case: str) -> Result:
        """Throws BenchError, also for a peer with other results."""
        if case == self._suite.START:
            return self._run_start(case)
        with ExitStack() as stack:
            file = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY))) / "tensors"
            bench = stack.enter_context(
                closing(Bench(self._arguments.bench, self._arguments.threads, self._arguments.photographs))
            )
            cost = bench.prepare(case, file)
            peers = {}
            for form in self._suite.forms(case):
                command = [sys.executable, HERE / "network_peer.py", form, str(self._arguments.threads)]
                peers[form] = stack.enter_context(closing(Server(command)))
                peers[form].ask(f"prepare {case} {file}")
            file.unlink()
            timers: dict[str, Timer] = {"ours": bench.time} | {form: peer.time for form, peer in peers.items()}
            slices = alternate(timers, self._arguments.rounds, warm_up=1)
            result = result_of(self._arguments.suite, case, slices, cost.limit_ms)
            if self._suite.has_memory_bar(case):
                result.memory_mb = bench.memory()
                result.peer_memory_mb = peers["eager"].memory()
            return result

    def close(self) -> None:
        """Nothing outlives a case."""

    def _run_start(self, case: str) -> Result:
        """From the start of each process to the end of its first update."""
        threads = str(self._arguments.threads)
        slices: dict[str, list[float]] = {"ours": [], "eager": []}
        with tempfile.TemporaryDirectory() as folder:
            for i in range(self._arguments.rounds):
                program = self._arguments.bench.parent / "train_classifier"
                ours = [program, *self._suite.START_OPTIONS, "--threads", threads, "--run-dir", f"{folder}/{i}"]
                slices["ours"].append(first_line(ours, "step 1/1 "))
                slices["eager"].append(first_line([sys.executable, HERE / "first_update.py", threads], "step 1/1 "))
        return result_of(self._arguments.suite, case, slices)


def first_line(command: list[str | Path], beginning: str) -> float:
    """The milliseconds from the start of a program until it has printed a line that begins so."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith(beginning):
                elapsed = time.perf_counter() - start
                process.stdout.read()
                return 1e3 * elapsed
    raise BenchError(f'{Path(command[0]).name} never printed "{beginning}"')
