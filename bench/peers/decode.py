#!/usr/bin/env python3
"""Decoding of photographs + random resized crop 224 + normalisation, on one core, in turns with Pillow + torchvision.

  decode.py --bench build/cpu-release/bin/bench_decode FILE.jpg...

Prints the milliseconds a picture: median and best of the rounds. Each side draws its own crops, from one distribution.
"""
import argparse
import io
import pathlib
import statistics
import subprocess
import time

import torch
from PIL import Image
from torchvision import transforms

TRANSFORM = transforms.Compose(
    [transforms.RandomResizedCrop(224), transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
)


def peer_pass(files):
    start = time.perf_counter()
    for data in files:
        TRANSFORM(Image.open(io.BytesIO(data)).convert("RGB"))
    return (time.perf_counter() - start) * 1000 / len(files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--min-reductions", type=float, nargs="*", default=[0, 2, 1])
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    torch.set_num_threads(1)
    files = [pathlib.Path(name).read_bytes() for name in options.files]
    ours = subprocess.Popen([options.bench, *options.files], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def own_pass(seed, min_reduction):
        print(seed, min_reduction, file=ours.stdin, flush=True)
        return float(ours.stdout.readline())

    times = {"Pillow + torchvision": []} | {f"Longview, min_reduction {r:g}": [] for r in options.min_reductions}
    peer, *names = times
    peer_pass(files)
    for seed in range(options.rounds):
        times[peer].append(peer_pass(files))
        for name, reduction in zip(names, options.min_reductions):
            times[name].append(own_pass(seed, reduction))
    ours.stdin.close()
    ours.wait()
    for name, values in times.items():
        ratio = statistics.median(times[peer]) / statistics.median(values)
        print(f"{name:<32} median {statistics.median(values):6.2f} ms  best {min(values):6.2f} ms  {ratio:5.2f}x")


if __name__ == "__main__":
    main()
