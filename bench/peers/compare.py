#!/usr/bin/env python3
"""Times ops and networks against PyTorch's: the same inputs, the same results, slices of both interleaved.

Example: compare.py --suite engine --filter '^softmax/' --json softmax.json
Exit status: 0 when every bar is held, 1 when one is missed or a peer is wrong, 2 when there is nothing to compare.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import logging
import os
import re
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import ModuleType

from engine_client import Bench
from families import Family, Result, family_of
from report import HEADER, furthest, limits_line, row, summary

ROOT = Path(__file__).resolve().parents[2]


class UsageError(RuntimeError):
    """Why nothing can be compared."""


def parse_arguments() -> argparse.Namespace:
    """The command line's; ends the program where they make no sense."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=["engine", "kernels", "classifier"], default="engine")
    parser.add_argument("--filter", type=re.compile, default=re.compile(""), help="regular expression within a name")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved slices of each side (default 7)")
    parser.add_argument("--runs", type=int, default=3, help="that must agree on a missed bar (default 3)")
    parser.add_argument("--threads", type=int, default=2, help="of each side (default 2)")
    parser.add_argument("--list", action="store_true", help="name the cases and stop")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    parser.add_argument("--photographs", type=Path, help="folder of .jpg files, for the classifier suite's samples")
    parser.add_argument("--bench", type=Path, default=ROOT / "build/cpu-release/bin/bench", help="the bench program")
    arguments = parser.parse_args()
    for name in ("rounds", "runs", "threads"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} must be at least 1")
    return arguments


def load_suite(name: str, threads: int) -> ModuleType:
    """The suite's module, with PyTorch set up for it."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(ROOT / "build/peers-compiled"))
    try:
        import torch
    except ImportError as error:
        raise UsageError(
            f"{error}: make the peers' environment with scripts/install_peers.sh and start with "
            "build/peers/bin/python bench/peers/compare.py"
        ) from error
    torch.set_num_threads(threads)
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # that there is no GPU is no matter here
    return importlib.import_module(f"suites.{name}")


def chosen_cases(arguments: argparse.Namespace, suite: ModuleType) -> list[str]:
    """The names of the cases to run, in the order of their families."""
    if not arguments.bench.exists():
        raise UsageError(
            f"{arguments.bench} is missing: cmake --preset cpu-release && cmake --build build/cpu-release -t bench"
        )
    names = suite.CASES + Bench.case_names(arguments.bench, arguments.photographs)
    names = [name for name in names if arguments.filter.search(name)]
    chosen = [name for family in suite.FAMILIES for name in names if family_of(suite.FAMILIES, name) is family]
    if not chosen:
        raise UsageError(f'no case matches "{arguments.filter.pattern}"; --list shows all')
    return chosen


class Runner:
    """Runs cases, prints their rows, and remembers those that failed."""

    def __init__(self, families: list[Family], compare_case: Callable[[str], Result], runs: int) -> None:
        self.results: dict[str, Result] = {}
        self.failures: list[str] = []
        self._families = families
        self._compare_case = compare_case
        self._runs = runs

    def run(self, case: str) -> list[str]:
        """Compares one case and returns the bars that it misses."""
        try:
            result = self._compare_case(case)
        except Exception as error:  # one that either side refuses must not end the others
            self.failures.append(f"{case}: {type(error).__name__}: {error}")
            print(self.failures[-1], flush=True)
            return []
        self.results[case] = result
        missed = family_of(self._families, case).shortcomings(result)
        print(row(result, missed), flush=True)
        return missed

    def run_all(self, cases: list[str]) -> None:
        """Runs cases, and again those that missed a bar: one has failed when all its runs agree."""
        cases = [case for case in cases if self.run(case)]
        for attempt in range(2, self._runs + 1):
            if cases:
                print(f"\nrun {attempt} of {self._runs} of what missed a bar:")
            cases = [case for case in cases if self.run(case)]
        self.failures += [f"{case}: missed its bar in {self._runs} run(s)" for case in cases]


def compare(arguments: argparse.Namespace) -> int:
    """The whole comparison; returns the exit status."""
    suite = load_suite(arguments.suite, arguments.threads)
    cases = chosen_cases(arguments, suite)
    if arguments.list:
        print("\n".join(cases))
        return 0
    with closing(suite.Comparison(suite, arguments)) as comparison:
        print(f"{limits_line(comparison.limits())}\n{HEADER}", flush=True)
        runner = Runner(suite.FAMILIES, comparison.run, arguments.runs)
        runner.run_all(cases)
    results = list(runner.results.values())
    if arguments.json:
        arguments.json.write_text(json.dumps([dataclasses.asdict(result) for result in results], indent=1) + "\n")
    lines, missed_means = summary(suite.FAMILIES, results)
    failures = runner.failures + missed_means
    print("\n" + "\n".join(lines))
    if hasattr(suite, "BOUNDS"):
        print("\n" + "\n".join(furthest(results, suite.BOUNDS)))
    for failure in failures:
        print(f"FAILED {failure}")
    return 1 if failures else 0


def main() -> int:
    """Returns the exit status."""
    try:
        return compare(parse_arguments())
    except UsageError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
