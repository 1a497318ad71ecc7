#!/usr/bin/env python3
"""Fails on an #include that points against the layers, or that brings a library where it does not belong."""
import pathlib
import re
import subprocess
import sys

# Layer -> the layers it may include besides itself. The longest matching folder decides.
LAYERS = {
    "core": "",
    "kernels": "core",
    "autograd": "core kernels",
    "ops": "core kernels autograd",
    "nn": "core autograd ops",
    "models": "core autograd ops nn",
    "optim": "core kernels autograd",
    "distributed": "core kernels autograd",
    "apps/data": "core",
    "apps/checkpoint": "core",
    "apps/eval": "core ops",
    "apps/train": "core kernels autograd ops nn models optim distributed apps/data apps/checkpoint apps/eval",
    "apps": "core kernels autograd ops nn models optim distributed apps/data apps/checkpoint apps/eval apps/train",
    "tests/specs": "core kernels autograd ops",
    "tests": "*",
    "bench": "*",
}
# Library header -> the folders that may include it.
LIBRARIES = {
    r"cuda|cublas|cudnn|mma\.h|cooperative_groups|cub/|thrust/": "core/cuda kernels/cuda kernels/simt",
    r"nccl": "distributed",
    r"mpi\.h": "distributed tests/distributed",
    r"Eigen/": "kernels/cpu tests",
    r"stb|jpeglib|turbojpeg|zlib|CLI/": "apps tests bench",
    r"nlohmann/": "core apps tests bench",
    r"catch2/": "tests",
    r"benchmark/": "bench",
}
SELF_CONTAINED = "tests/examples/"  # projects of their own, outside the layers


def within(path, folders):
    return any(path.startswith(folder + "/") for folder in folders)


def layer_of(path):
    return max((layer for layer in LAYERS if path.startswith(layer + "/")), key=len, default=None)


def complaint(path, quoted, target, files):
    if not quoted:
        for pattern, folders in LIBRARIES.items():
            if re.match(pattern, target) and not within(path, folders.split()):
                return f"<{target}> belongs to {folders}"
        return None
    if target not in files:
        return f'"{target}" is not a path from the root of the repository'
    layer, other = layer_of(path), layer_of(target)
    if layer is None:
        return "the file is in no layer"
    if layer != other and LAYERS[layer] != "*" and other not in LAYERS[layer].split():
        return f'{layer} may not include {other} ("{target}")'
    return None


def main():
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.h", "*.cpp", "*.cu", "*.cuh"]
    files = {name for name in subprocess.check_output(listing, text=True).split() if pathlib.Path(name).exists()}
    failures = 0
    for path in sorted(files):
        if path.startswith(SELF_CONTAINED):
            continue
        for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            text = found and complaint(path, found[1] == '"', found[2], files)
            if text:
                print(f"{path}:{number}: {text}")
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
