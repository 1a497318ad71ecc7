#!/usr/bin/env python3
"""Plants faults, one at a time, and demands that a named test notices each.

A fault is tests/faults/NAME.patch, a patch from the root of the repository (patch -p1) under the header line
    # test: PRESET PROGRAM ARGUMENTS...
which says what must fail: the program is run with the arguments (for Catch2 a test name, tag or pattern, in quotes if it holds
spaces) in that preset's build, and must pass before the patch and fail with it. Work happens in build/faults, a copy of the tree
with its own builds, so that between two faults only what the patches touch is rebuilt.
"""
import argparse
import dataclasses
import filecmp
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "faults"
TIMEOUT_S = 300
PLAIN_PASS = re.compile(r"^[1-9]\d* passed, 0 failed, \d+ skipped$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    patch: pathlib.Path
    preset: str
    program: str
    arguments: tuple


class FaultError(Exception):
    """The fault could not be judged; says why."""


def read_fault(path):
    header = re.search(r"^# test: (\S+) (\S+) (\S.*)$", path.read_text(), re.MULTILINE)
    if not header:
        sys.exit(f"{path}: no line '# test: PRESET PROGRAM ARGUMENTS...'")
    return Fault(path.stem, path, header[1], header[2], tuple(shlex.split(header[3])))


def sync_tree():
    """Makes the copy equal to the tree; files that are equal keep their time, so nothing is rebuilt for them."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = [name for name in subprocess.check_output(listing, cwd=ROOT, text=True).split("\0") if name]
    wanted = {name for name in names if (ROOT / name).is_file()}
    for name in wanted:
        target = COPY / name
        if not target.exists() or not filecmp.cmp(ROOT / name, target, shallow=False):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
            shutil.copymode(ROOT / name, target)
    for path in COPY.rglob("*"):
        name = path.relative_to(COPY).as_posix()
        if path.is_file() and not name.startswith("build/") and name not in wanted:
            path.unlink()


def run(command, **options):
    return subprocess.run(
        command, cwd=COPY, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )


def build(fault):
    folder = COPY / "build" / fault.preset
    if not (folder / "build.ninja").exists():
        configured = run(["cmake", "--preset", fault.preset])
        if configured.returncode:
            raise FaultError("does not configure:\n" + configured.stdout[-2000:])
    built = run(["cmake", "--build", str(folder), "--target", fault.program])
    if built.returncode:
        raise FaultError("does not compile:\n" + built.stdout[-2000:])


def test_passes(fault):
    """Whether the named test passes and is there at all. A test that does not end counts as failed."""
    program = COPY / "build" / fault.preset / "bin" / fault.program
    environment = {**os.environ, "LV_ALLOC": "debug"}
    try:
        result = run([str(program), *fault.arguments], env=environment, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False
    return result.returncode == 0 and PLAIN_PASS.search(result.stdout) is not None


def judge(fault, known_to_pass):
    """None if the test notices the fault, or else what is wrong."""
    key = (fault.preset, fault.program, fault.arguments)
    try:
        sync_tree()
        if key not in known_to_pass:
            build(fault)
            if not test_passes(fault):
                return "fails (or selects no test) without the fault"
            known_to_pass.add(key)
        patched = run(["patch", "-p1", "--no-backup-if-mismatch", "--fuzz=1", "--input", str(fault.patch)])
        if patched.returncode:
            return "patch does not apply:\n" + patched.stdout
        build(fault)
        return "NOT NOTICED" if test_passes(fault) else None
    except FaultError as error:
        return str(error)


def selected_faults(arguments):
    faults = [read_fault(path) for path in sorted((ROOT / "tests" / "faults").glob("*.patch"))]
    unknown = set(arguments.only or []) - {fault.name for fault in faults}
    if unknown:
        sys.exit("no such fault: " + ", ".join(sorted(unknown)))
    if arguments.only:
        faults = [fault for fault in faults if fault.name in arguments.only]
    if arguments.preset:
        faults = [fault for fault in faults if fault.preset == arguments.preset]
    part, parts = map(int, arguments.part.split("/"))
    # One program after the other: the fewest rebuilds.
    return sorted(faults[part % parts :: parts], key=lambda fault: (fault.preset, fault.program, fault.name))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these faults")
    parser.add_argument("--preset", help="the faults of one preset")
    parser.add_argument("--part", default="0/1", metavar="K/N", help="every Nth fault, from the Kth")
    faults = selected_faults(parser.parse_args())

    missed, known_to_pass = 0, set()
    width = max((len(fault.name) for fault in faults), default=0)
    for fault in faults:
        start = time.monotonic()
        problem = judge(fault, known_to_pass)
        missed += problem is not None
        seconds = time.monotonic() - start
        print(f"{fault.name:{width}}  {fault.preset:13}  {seconds:6.1f} s  {problem or 'noticed'}", flush=True)
    print(f"{len(faults) - missed} passed, {missed} failed, 0 skipped")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
