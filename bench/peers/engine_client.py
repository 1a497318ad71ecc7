"""Processes that follow commands: the engine's `bench --serve`, and peers that work in the same way."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class BenchError(RuntimeError):
    """What a process could not do."""


@dataclass(frozen=True)
class Cost:
    """What one run of a case must move and compute, and the least time that this takes on this machine."""

    bytes: float
    flops: float
    limit_ms: float


class Server:
    """Starts a program that answers lines by lines of JSON; commands and answers are described in bench/serve.h."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self._name = Path(command[0]).name
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def time(self, repeats: int) -> float:
        """The mean time of a run of the prepared case in milliseconds."""
        return self.ask(f"time {repeats}")["ms"]

    def memory(self) -> float:
        """The peak since the case was prepared, above what the process held before that, in MB."""
        return self.ask("memory")["mb"]

    def close(self) -> None:
        """Ends the program."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def ask(self, command: str) -> dict:
        """The answer to a command. Throws BenchError with the error that it names."""
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise BenchError(f"{self._name} ended with status {self._process.wait()} during: {command}")
        answer = json.loads(line)
        if "error" in answer:
            raise BenchError(answer["error"])
        return answer


class Bench(Server):
    """The engine's side."""

    def __init__(self, binary: Path, threads: int, photographs: Path | None = None) -> None:
        super().__init__([binary, "--serve", "--threads", str(threads), *self._options(photographs)])

    @staticmethod
    def case_names(binary: Path, photographs: Path | None = None) -> list[str]:
        """The names of all cases, op/shape/dtype/pass."""
        command = [binary, "--list", *Bench._options(photographs)]
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
        return listed.stdout.split()

    def limits(self) -> dict:
        """What the machine can do at most: threads, fp32_gflops, bf16_gflops, and copies as pairs of bytes and GB/s."""
        return self.ask("limits")

    def prepare(self, case: str, file: Path) -> Cost:
        """Makes a case ready to be timed and writes its tensors to `file`."""
        return Cost(**self.ask(f"prepare {case} {file}"))

    def release(self) -> None:
        """Gives the memory of the prepared case back."""
        self.ask("release")

    @staticmethod
    def _options(photographs: Path | None) -> list[str]:
        return [] if photographs is None else ["--photographs", str(photographs)]
