#!/usr/bin/env python3
"""Writes how torchvision's random choices are distributed, for tests/data and tests/train (pip install torchvision safetensors).

  tests/fixtures/images/draws.safetensors
    erasing 40 50   mean and deviation of top, left, height, width of RandomErasing's rectangle on 40 x 50 pixels
    cutmix 24 32    the same of CutMix (alpha 1) on 24 x 32 pixels, empty ones left out
    lighting        covariance of what lighting of deviation 0.1 adds to red, green and blue (fb.resnet.torch's numbers)
"""
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from torchvision.transforms import RandomErasing, v2

OUTPUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "images" / "draws.safetensors"
SAMPLES = 100_000


def moments(samples):
    values = np.array(samples, np.float64)
    return np.stack([values.mean(0), values.std(0)])


def erasing(height, width):
    image = torch.zeros(3, height, width)
    draw = lambda: RandomErasing.get_params(image, (0.02, 0.33), (0.3, 3.3), [0.0])[:4]
    return moments([draw() for _ in range(SAMPLES)])


def cutmix(height, width):
    mix = v2.CutMix(alpha=1.0, num_classes=2)
    batch = [torch.zeros(2, 3, height, width)]
    boxes = np.array([mix.make_params(batch)["box"] for _ in range(SAMPLES)])
    left, top, right, bottom = boxes[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])].T
    return moments(np.stack([top, left, bottom - top, right - left], 1))


def lighting(deviation):
    values = np.diag([0.2175, 0.0188, 0.0045])
    vectors = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
    return deviation**2 * vectors @ values @ values @ vectors.T


if __name__ == "__main__":
    torch.manual_seed(1)
    save_file({"erasing 40 50": erasing(40, 50), "cutmix 24 32": cutmix(24, 32), "lighting": lighting(0.1)}, OUTPUT)
