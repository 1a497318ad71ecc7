#!/usr/bin/env python3
"""Writes tests/fixtures/checkpoints: files of torch.save in all forms that the reader knows, and what they hold.

Needs torch, torchvision and safetensors (scripts/install_peers.sh). expected.safetensors has every tensor of FILE as
"FILE/NAME", and the logits of the network in resnet18_module_half.pth on the generator's images as "logits".
"""
import argparse
import collections
import pathlib
import zipfile

import numpy as np
import torch
from safetensors.torch import save_file
from torchvision.models.resnet import BasicBlock, ResNet

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests/fixtures/checkpoints"


def generator(name, shape):
    """tests/fixture_numbers.h"""
    mask = (1 << 64) - 1
    h = 0xCBF29CE484222325
    for byte in f"{name}#1".encode():
        h = ((h ^ byte) * 0x100000001B3) & mask
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits = (z ^ (z >> np.uint64(31))) >> np.uint64(40)
    return torch.from_numpy((bits.astype(np.float64) / 2.0**23 - 1.0).reshape(shape))


class NarrowResNet18(ResNet):
    """The CIFAR form of ResNet-18 with `width` channels in its first stage."""

    def __init__(self, width, classes):
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes=classes)
        self.inplanes = width
        self.conv1 = torch.nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)
        self.maxpool = torch.nn.Identity()
        for stage in range(4):
            layer = self._make_layer(BasicBlock, width << stage, 2, stride=1 if stage == 0 else 2)
            setattr(self, f"layer{stage + 1}", layer)
        self.fc = torch.nn.Linear(8 * width, classes)


def flatten(value, path=""):
    """Every tensor with the path that leads to it."""
    if isinstance(value, torch.Tensor):
        return {path: value.detach()}
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return {}
    result = {}
    for key, item in items:
        result.update(flatten(item, f"{path}.{key}" if path else str(key)))
    return result


def small_network():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))


def contents():
    """File name -> (what it holds, arguments of torch.save)."""
    network = small_network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    network[2](torch.ones(1, 4)).sum().backward()
    optimizer.step()
    base = torch.arange(24.0).reshape(4, 6)
    tied = torch.nn.Parameter(torch.ones(3, 2))
    return {
        "plain.pth": (network.state_dict(), {}),
        "nested.pth": (
            {
                "epoch": 90,
                "best": 76.125,
                "arch": "small",
                "done": True,
                "nothing": None,
                "state_dict": collections.OrderedDict((f"module.{k}", v) for k, v in network.state_dict().items()),
                "optimizer": optimizer.state_dict(),
                "history": [torch.tensor(0.5), (torch.tensor([1, 2]), torch.Size([3, 4]))],
                "args": argparse.Namespace(lr=0.1),
            },
            {},
        ),
        "dtypes.pth": (
            {
                "f32": torch.tensor([1.5, -2.0]),
                "f64": torch.tensor([1e300, -0.0], dtype=torch.float64),
                "f16": torch.tensor([65504.0, 6e-8], dtype=torch.float16),
                "bf16": torch.tensor([3.0e38, 1.0], dtype=torch.bfloat16),
                "i32": torch.tensor([-(2**31), 7], dtype=torch.int32),
                "i64": torch.tensor([2**62, -1]),
                "u8": torch.tensor([0, 255], dtype=torch.uint8),
                "bool": torch.tensor([True, False]),
                "scalar": torch.tensor(3.25),
                "empty": torch.zeros(0, 3),
                "large": 2**40,
            },
            {},
        ),
        "shared.pth": (
            {
                "base": base,
                "row": base[1],
                "transposed": base.t(),
                "every_other": base[::2, 1::3],
                "tail": base.reshape(-1)[20:],
                "encoder.weight": tied,
                "decoder.weight": tied,
            },
            {},
        ),
        "protocol5.pth": ({"a": torch.ones(2), "b": {"c": torch.zeros(1)}}, {"pickle_protocol": 5}),
        "before_1.6.pth": ({"a": torch.ones(2)}, {"_use_new_zipfile_serialization": False}),
    }


def write_old_layout(path):
    """What torch 1.6 put into the archive."""
    source = zipfile.ZipFile(FOLDER / "plain.pth")
    with zipfile.ZipFile(path, "w") as archive:
        for name in source.namelist():
            record = name.split("/", 1)[1]
            if record in ("data.pkl", "version") or record.startswith("data/"):
                archive.writestr(f"archive/{record}", source.read(name))


def write_network(expected):
    network = NarrowResNet18(4, 10).eval()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                scale = 0.1 if value.ndim == 1 else (3.0 / value[0].numel()) ** 0.5
                offset = 1.0 if name.endswith(("bn1.weight", "bn2.weight", "1.weight", "running_var")) else 0.0
                value.copy_(generator(name, value.shape) * scale + offset)
        network.half().float()
        images = 1.5 * generator("input", (2, 3, 32, 32)).float()
        expected["logits"] = network.double()(images.double())
    network.half()
    state = torch.nn.DataParallel(network).state_dict()
    torch.save({"state_dict": state, "epoch": 3}, FOLDER / "resnet18_module_half.pth")


def main():
    torch.manual_seed(0)
    FOLDER.mkdir(exist_ok=True)
    expected = {}
    for name, (value, arguments) in contents().items():
        torch.save(value, FOLDER / name, **arguments)
        for path, tensor in flatten(value).items():
            expected[f"{name}/{path}"] = tensor.clone().contiguous()
    write_old_layout(FOLDER / "torch_1.6.pth")
    torch.serialization.set_crc32_options(False)
    torch.save({"a": torch.ones(2)}, FOLDER / "without_checksums.pth")
    torch.serialization.set_crc32_options(True)
    write_network(expected)
    save_file(expected, FOLDER / "expected.safetensors")


if __name__ == "__main__":
    main()
