"""PyTorch's and torchvision's side of a case of the classifier suite, in a process of its own.

Run as `network_peer.py FORM THREADS`; the form is eager or compiled. Follows the commands of bench/serve.h but limits
and release: `prepare CASE FILE` reads the tensors that the engine wrote, and fails unless it comes to its results.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision import models, transforms

from torch_peer import Tensors, WrongPeerError, check_close, milliseconds, numbered, to_nchw

Run = Callable[[], object]

# Of the first loss and of logits, relative to the largest value: sums in other orders, in bf16 rounded in every layer.
TOLERANCE = {"fp32": 1e-3, "bf16": 5e-2}
# Of the losses after updates, two of which halve it: batch norm over few images lets the fp32 errors of ResNet-50's
# first gradient grow to 0.4 % of the next loss.
UPDATED_TOLERANCE = 2e-2
# Of normalised samples, on the mean: decoders differ by single levels, of which there are 57 in a unit.
SAMPLE_TOLERANCE = 0.02


def cifar_form(network: nn.Module) -> nn.Module:
    """With a first layer for images of a few dozen pixels."""
    network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    network.maxpool = nn.Identity()
    return network


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet50": models.resnet50,
    "resnext50_32x4d": models.resnext50_32x4d,
    "resnet18_cifar": lambda: cifar_form(models.resnet18(num_classes=10)),
}


class NetworkPeer:
    """A network with the engine's weights and batch, channels_last."""

    def __init__(self, case: str, tensors: Tensors, form: str) -> None:
        name, _, self._dtype, _ = case.split("/")
        state = {key.removeprefix("state."): t for key, t in tensors.items() if key.startswith("state.")}
        self._network = NETWORKS[name]().to(memory_format=torch.channels_last)
        self._network.load_state_dict(state)
        self._images = to_nchw(tensors["images"])
        self._labels = tensors["labels"]
        self._is_compiled = form == "compiled"

    def _autocast(self) -> torch.autocast:
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._dtype == "bf16")

    def _compiled(self, function: Callable) -> Callable:
        return torch.compile(function, dynamic=False) if self._is_compiled else function


class UpdatePeer(NetworkPeer):
    """Forward, loss, backward and a step of SGD."""

    def __init__(self, case: str, tensors: Tensors, form: str) -> None:
        super().__init__(case, tensors, form)
        self._loss = self._compiled(lambda images, labels: F.cross_entropy(self._network(images).float(), labels))
        self._optimizer = torch.optim.SGD(
            self._network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, fused=True
        )
        expected = numbered(tensors, "loss")
        losses = torch.stack([self.run() for _ in expected])
        check_close("the first loss", expected[0], losses[0], TOLERANCE[self._dtype])
        check_close("the losses after updates", torch.stack(expected), losses, UPDATED_TOLERANCE)

    def run(self) -> Tensor:
        """One update; returns the loss before it."""
        self._optimizer.zero_grad()
        with self._autocast():
            loss = self._loss(self._images, self._labels)
        loss.backward()
        self._optimizer.step()
        return loss.detach()


class PredictPeer(NetworkPeer):
    """A forward pass in evaluation; compiled with the weights as constants, so that norms fold into convolutions."""

    def __init__(self, case: str, tensors: Tensors, form: str) -> None:
        super().__init__(case, tensors, form)
        torch._inductor.config.freezing = True
        self._logits = self._compiled(self._network.eval())
        check_close("logits", tensors["logits"], self.run().float(), TOLERANCE[self._dtype])

    @torch.no_grad()
    def run(self) -> Tensor:
        """The logits."""
        with self._autocast():
            return self._logits(self._images)


class SamplePeer:
    """Training samples of photographs by Pillow and torchvision, on one thread."""

    def __init__(self, case: str, tensors: Tensors, form: str) -> None:
        torch.set_num_threads(1)
        files = {name.removeprefix("photograph."): t for name, t in tensors.items() if name.startswith("photograph.")}
        self._files = [t.numpy().tobytes() for t in files.values()]
        to_sample = [transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
        self._augment = transforms.Compose([transforms.RandomResizedCrop(224), *to_sample])
        fixed = transforms.Compose([transforms.Resize(224), transforms.CenterCrop(224), *to_sample])
        for name, file in zip(files, self._files, strict=True):
            difference = (to_nchw(tensors[f"sample.{name}"][None])[0] - fixed(self._open(file))).abs().mean().item()
            if not difference <= SAMPLE_TOLERANCE:
                raise WrongPeerError(f"the sample of {name} differs by {difference:.3g} on the mean")

    def run(self) -> None:
        """A sample of each photograph."""
        for file in self._files:
            self._augment(self._open(file))

    @staticmethod
    def _open(file: bytes) -> Image.Image:
        return Image.open(io.BytesIO(file)).convert("RGB")


PEERS = {"update": UpdatePeer, "predict": PredictPeer, "sample": SamplePeer}


def status_mb(key: str) -> float:
    """A size in /proc/self/status, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1.024e-3 * next(float(line.split()[1]) for line in lines if line.startswith(key + ":"))


class PeerServer:
    """What the commands act on."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._run: Run | None = None
        self._mb_before = 0.0

    def answer(self, line: str) -> dict:
        """The answer to a command."""
        command, *rest = line.strip().split(maxsplit=2)
        if command == "prepare":
            self._prepare(*rest)
            return {}
        if command == "time":
            return {"ms": milliseconds(self._run, int(rest[0]))}
        if command == "memory":
            return {"mb": status_mb("VmHWM") - self._mb_before}
        raise ValueError(f'unknown command "{line}"; prepare, time or memory')

    def _prepare(self, case: str, file: str) -> None:
        self._mb_before = status_mb("VmRSS")
        tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
        self._run = PEERS[case.rpartition("/")[2]](case, tensors, self._form).run
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew


def main() -> int:
    """Returns the exit status."""
    form, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    server = PeerServer(form)
    for line in sys.stdin:
        try:
            answer = server.answer(line)
        except Exception as error:  # told to the other side, which goes on with the next case
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
