#!/usr/bin/env python3
"""Compiles every kernels/cuda/*.cu with nvcc and writes, or checks, the table of what each kernel uses.

kernels/cuda/resources.tsv has a row for each kernel and architecture: registers, static shared memory, spilled bytes, stack,
and for kernels with __launch_bounds__ the block size and the share of an SM's warps that blocks of that size can fill (dynamic
shared memory, which depends on the call, is left out). Numbers belong to one compiler release, named in the first line.
"""
import argparse
import collections
import concurrent.futures
import csv
import dataclasses
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "kernels" / "cuda" / "resources.tsv"


@dataclasses.dataclass
class Kernel:
    file: str
    kernel: str
    arch: str
    registers: int = 0
    shared_bytes: int = 0
    spill_bytes: int = 0
    stack_bytes: int = 0
    block: str = "-"
    occupancy: str = "-"


FIELDS = [field.name for field in dataclasses.fields(Kernel)]

# What one SM offers: warps, blocks, bytes of shared memory. Registers are 65536 everywhere, handed out to warps by 256.
Sm = collections.namedtuple("Sm", "warps blocks shared_bytes")
SMS = {"80": Sm(64, 32, 167936), "86": Sm(48, 16, 102400), "89": Sm(48, 24, 102400), "90": Sm(64, 32, 233472)}
RESERVED_SHARED_BYTES = 1024  # by the system, in each block


def occupancy(kernel):
    sm, warps = SMS.get(kernel.arch), -(-int(kernel.block) // 32)
    if sm is None:
        return "-"
    registers_of_warp = -(-kernel.registers * 32 // 256) * 256
    blocks = min(
        sm.blocks,
        sm.warps // warps,
        65536 // registers_of_warp // warps,
        sm.shared_bytes // (kernel.shared_bytes + RESERVED_SHARED_BYTES),
    )
    return f"{100 * blocks * warps // sm.warps}%"


def demangle(names):
    text = subprocess.run(["c++filt"], input="\n".join(names), text=True, capture_output=True, check=True).stdout
    return [re.sub(r"^void ", "", line) for line in text.splitlines()]


def parse_ptxas(report, file, arch):
    """Kernels by mangled name. What a function called by the kernel spills is the kernel's."""
    kernels, current = {}, None
    for line in report.splitlines():
        if found := re.search(r"Compiling entry function '(\S+)' for", line):
            current = kernels[found[1]] = Kernel(file, found[1], arch)
        elif found := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            if current:
                current.stack_bytes += int(found[1])
                current.spill_bytes += int(found[2]) + int(found[3])
        elif found := re.search(r"Used (\d+) registers", line):
            current.registers = int(found[1])
            shared = re.search(r"(\d+) bytes smem", line)
            current.shared_bytes = int(shared[1]) if shared else 0
    return kernels


def launch_bounds(ptx):
    bounds = {}
    for name, head in re.findall(r"\.entry\s+(\w+)\((.*?)\{", ptx, re.DOTALL):
        if found := re.search(r"\.maxntid\s+(\d+)(?:,\s*(\d+))?(?:,\s*(\d+))?", head):
            x, y, z = (int(size or 1) for size in found.groups())
            bounds[name] = str(x * y * z)
    return bounds


def compile_kernels(nvcc, file, arch):
    with tempfile.TemporaryDirectory() as folder:
        command = [nvcc, "-std=c++20", "-O2", "-DLV_CUDA_NATIVE", "--expt-relaxed-constexpr", f"-arch=sm_{arch}", "-I", str(ROOT)]
        command += ["-cubin", "-Xptxas", "-v", "--keep", "--keep-dir", folder, "-o", f"{folder}/out.cubin", str(ROOT / file)]
        result = subprocess.run(command, text=True, capture_output=True)
        if result.returncode:
            sys.exit(result.stdout + result.stderr)
        kernels = parse_ptxas(result.stderr, file, arch)
        bounds = launch_bounds(pathlib.Path(folder, pathlib.Path(file).stem + ".ptx").read_text())
    for name, kernel in kernels.items():
        if name in bounds:
            kernel.block = bounds[name]
            kernel.occupancy = occupancy(kernel)
    for kernel, name in zip(kernels.values(), demangle(kernels)):
        kernel.kernel = name
    return list(kernels.values())


def measure(nvcc, archs):
    files = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "kernels" / "cuda").glob("*.cu"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda job: compile_kernels(nvcc, *job), [(file, arch) for file in files for arch in archs])
    return sorted((k for kernels in results for k in kernels), key=lambda k: (k.file, k.kernel, k.arch))


def table_text(release, kernels):
    out = io.StringIO()
    out.write(f"# nvcc {release}\n")
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows(dataclasses.astuple(kernel) for kernel in kernels)
    return out.getvalue()


def recorded_text(archs):
    """The recorded table, of these architectures only."""
    if not TABLE.exists():
        return ""
    head, _, body = TABLE.read_text().partition("\n")
    rows = csv.DictReader(io.StringIO(body), delimiter="\t")
    return table_text(head.removeprefix("# nvcc "), [Kernel(**row) for row in rows if row["arch"] in archs])


def check(release, archs, kernels):
    failures = [f"spills {k.spill_bytes} bytes: {k.kernel} ({k.file}, sm_{k.arch})" for k in kernels if k.spill_bytes]
    recorded, measured = recorded_text(archs), table_text(release, kernels)
    if recorded and recorded.splitlines()[0] != measured.splitlines()[0]:
        print(f"The table is of another compiler ({recorded.splitlines()[0]}; here {release}): only spills are checked.")
    elif recorded != measured:
        old, new = set(recorded.splitlines()), set(measured.splitlines())
        failures += [f"recorded: {row}" for row in sorted(old - new)] + [f"measured: {row}" for row in sorted(new - old)]
        failures.append(f"{TABLE.relative_to(ROOT)} is out of date: run scripts/resource_table.py")
    print("\n".join(failures) or f"{len(kernels)} kernels as recorded, no spills")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the table instead of writing it")
    parser.add_argument("--arch", nargs="+", default=["80", "90"], help="compute capabilities (80 90)")
    arguments = parser.parse_args()
    nvcc = shutil.which("nvcc")
    if not nvcc:
        sys.exit("nvcc is not in PATH")
    version = subprocess.run([nvcc, "--version"], text=True, capture_output=True, check=True).stdout
    release = re.search(r"release \S+, V(\S+)", version)[1]
    kernels = measure(nvcc, arguments.arch)
    if arguments.check:
        return check(release, arguments.arch, kernels)
    TABLE.write_text(table_text(release, kernels))
    print(f"{len(kernels)} rows in {TABLE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
