"""The engine's side of a comparison: a `bench --serve` process."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path


class BenchError(RuntimeError):
    """What the bench program could not do."""


@dataclass(frozen=True)
class Cost:
    """What one run of a case must move and compute, and the least time that this takes on this machine."""

    bytes: float
    flops: float
    limit_ms: float


class Bench:
    """Starts the program; its commands and answers are described in bench/serve.h."""

    def __init__(self, binary: Path, threads: int) -> None:
        self._process = subprocess.Popen(
            [str(binary), "--serve", "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @staticmethod
    def case_names(binary: Path) -> list[str]:
        """The names of all cases, op/shape/dtype/pass."""
        listed = subprocess.run([str(binary), "--list"], capture_output=True, text=True, check=True)
        return listed.stdout.split()

    def limits(self) -> dict:
        """What the machine can do at most: threads, fp32_gflops, bf16_gflops, and copies as pairs of bytes and GB/s."""
        return self._ask("limits")

    def prepare(self, case: str, file: Path) -> Cost:
        """Makes a case ready to be timed and writes its tensors to `file`."""
        return Cost(**self._ask(f"prepare {case} {file}"))

    def time(self, repeats: int) -> float:
        """The mean time of a run of the prepared case in milliseconds."""
        return self._ask(f"time {repeats}")["ms"]

    def release(self) -> None:
        """Gives the memory of the prepared case back."""
        self._ask("release")

    def close(self) -> None:
        """Ends the program."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _ask(self, command: str) -> dict:
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise BenchError(f"bench ended with status {self._process.wait()} during: {command}")
        answer = json.loads(line)
        if "error" in answer:
            raise BenchError(answer["error"])
        return answer
