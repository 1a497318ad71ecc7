"""Tests of the comparison with peers: the bench program's answers, the bars, and that a wrong peer is noticed.

Run by ctest as `peers_test.py BENCH`. What needs PyTorch is skipped where it is missing.
"""

from __future__ import annotations

import importlib.util
import json
import struct
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

from engine_client import Bench, BenchError
from families import Family, Result, family_of, geometric_mean
from report import furthest, summary

HERE = Path(__file__).resolve().parent
BENCH = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[1] / "build/cpu-release/bin/bench"
needs_torch = unittest.skipUnless(importlib.util.find_spec("torch"), "PyTorch is not installed")


def read_floats(file: Path) -> dict[str, tuple[float, ...]]:
    """The fp32 tensors of a safetensors file."""
    content = file.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = struct.unpack_from(f"<{(end - begin) // 4}f", content, 8 + length + begin)
    return tensors


def result(case: str, ratio: float, **changes: float | None) -> Result:
    """A result with a given ratio."""
    values = {"ours_ms": 1.0, "peer_ms": ratio, "ratio": ratio, "form_ratios": {"eager": ratio}, "limit_share": 0.5}
    values |= changes
    return Result(suite="engine", case=case, peer_form="eager", **values)


class ServeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.bench = Bench(BENCH, threads=1)
        self.addCleanup(self.bench.close)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = Path(self.folder.name) / "tensors"

    def test_a_prepared_case_hands_over_its_tensors_and_is_timed(self) -> None:
        cost = self.bench.prepare("add/8/fp32/train", self.file)
        self.assertEqual(cost.bytes, 4 * 8 * 4)  # two inputs, a sum, its cotangent; gradients are the cotangent
        tensors = read_floats(self.file)
        self.assertEqual(tensors["grad0"], tensors["cotangent0"])
        for a, b, total in zip(tensors["in0"], tensors["in1"], tensors["out0"], strict=True):
            self.assertAlmostEqual(a + b, total, places=6)
        self.assertGreater(self.bench.time(10), 0)

    def test_the_limits_are_those_of_the_threads_asked_for(self) -> None:
        limits = self.bench.limits()
        self.assertEqual(limits["threads"], 1)
        self.assertGreaterEqual(limits["bf16_gflops"], limits["fp32_gflops"])
        sizes = [size for size, _ in limits["copies"]]
        self.assertEqual(sizes, sorted(sizes))

    def test_memory_is_that_of_the_prepared_case(self) -> None:
        cost = self.bench.prepare("relu/N8_56x56_C64/fp32/forward", self.file)
        self.bench.time(1)
        large = self.bench.memory()
        self.assertGreater(large, 0.95e-6 * cost.bytes)
        self.bench.prepare("add/8/fp32/forward", self.file)
        self.bench.time(1)
        self.assertLess(self.bench.memory(), 0.5 * large)

    def test_what_cannot_be_done_is_said_and_the_next_command_works(self) -> None:
        with self.assertRaisesRegex(BenchError, 'no case is named "nothing"'):
            self.bench.prepare("nothing", self.file)
        with self.assertRaisesRegex(BenchError, "wants a prepared case"):
            self.bench.time(1)
        self.bench.prepare("add/8/fp32/forward", self.file)
        self.bench.release()
        with self.assertRaisesRegex(BenchError, "wants a prepared case"):
            self.bench.time(1)


class FamiliesTest(unittest.TestCase):
    def test_a_minimum_is_lower_where_the_peer_is_at_the_limit(self) -> None:
        family = Family("f", "", minimum=1.0, minimum_at_limit=0.95)
        self.assertTrue(family.shortcomings(result("c", 0.97)))
        self.assertFalse(family.shortcomings(result("c", 0.97, limit_share=0.9)))
        self.assertTrue(family.shortcomings(result("c", 0.94, limit_share=0.9)))

    def test_shares_of_the_limit_and_times_have_bars(self) -> None:
        self.assertTrue(Family("f", "", limit_share=0.9).shortcomings(result("c", 9, limit_share=0.8)))
        self.assertTrue(Family("f", "", most_us=1.5).shortcomings(result("c", 9, ours_ms=0.0016)))
        self.assertFalse(Family("f", "", most_us=1.5).shortcomings(result("c", 9, ours_ms=0.0014)))

    def test_forms_and_memory_have_bars(self) -> None:
        family = Family("f", "", form_minimums={"eager": 1.25, "compiled": 1.05}, memory_share=0.8)

        def missed(eager: float, compiled: float, memory_mb: float) -> int:
            ratios = {"eager": eager, "compiled": compiled}
            return len(
                family.shortcomings(result("c", 1, form_ratios=ratios, memory_mb=memory_mb, peer_memory_mb=100.0))
            )

        self.assertEqual(missed(1.3, 1.1, 79), 0)
        self.assertEqual(missed(1.2, 1.1, 79), 1)
        self.assertEqual(missed(1.3, 1.0, 79), 1)
        self.assertEqual(missed(1.3, 1.1, 81), 1)

    def test_a_case_belongs_to_the_first_family_and_means_are_geometric(self) -> None:
        families = [Family("a", "^a", mean=1.5), Family("all", "")]
        self.assertEqual(family_of(families, "ab").name, "a")
        self.assertEqual(family_of(families, "b").name, "all")
        results = [result("a1", 0.5), result("a2", 2.0), result("b", 8.0)]
        self.assertAlmostEqual(geometric_mean(results[:2]), 1.0)
        lines, missed = summary(families, results)
        self.assertEqual(len(lines), 3)
        self.assertEqual(missed, ["a: geometric mean 1.00 < 1.5"])

    def test_what_bounds_the_ops_furthest_from_the_limit_is_said_once_an_op(self) -> None:
        shares = {"sort/a": 0.02, "sort/b": 0.01, "exp/a": 0.5, "add/a": 0.04, "sum/a": None}
        results = [result(case, 1, limit_share=share) for case, share in shares.items()]
        lines = furthest(results, {"sort": "passes"}, count=2)
        self.assertEqual(lines[0], "  1.0% of the limit: sort/b: passes")
        self.assertIn("4.0% of the limit: add/a: not known", lines[1])
        self.assertEqual(len(lines), 2)


class CompareTest(unittest.TestCase):
    def compare(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(HERE / "compare.py"), "--bench", str(BENCH), *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    @unittest.skipIf(importlib.util.find_spec("torch"), "PyTorch is installed")
    def test_a_missing_peer_is_explained(self) -> None:
        ended = self.compare("--list")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("scripts/install_peers.sh", ended.stderr)

    @needs_torch
    def test_a_small_case_is_compared_and_written(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "results.json"
            ended = self.compare("--filter", "^matmul/.*_tb/fp32/forward", "--rounds", "2", "--json", str(file))
            self.assertIn(ended.returncode, (0, 1), ended.stderr)
            (entry,) = json.loads(file.read_text())
        self.assertEqual(entry["peer_form"], "eager")
        times = {"suite", "case", "ours_ms", "peer_ms", "peer_form", "ratio", "form_ratios", "limit_share"}
        self.assertEqual(set(entry), times | {"memory_mb", "peer_memory_mb"})

    @needs_torch
    def test_usage_errors_say_what_to_do(self) -> None:
        self.assertIn("no case matches", self.compare("--filter", "^nothing$").stderr)
        self.assertIn("cmake --build", self.compare("--bench", "missing").stderr)
        self.assertEqual(self.compare("--rounds", "0").returncode, 2)

    @needs_torch
    def test_a_wrong_peer_is_noticed(self) -> None:
        import torch

        from torch_peer import Formula, OpPeer, WrongPeerError

        x = torch.linspace(-1, 1, 12)
        tensors = {"in0": x, "out0": x.exp(), "cotangent0": torch.ones(12), "grad0": x.exp()}

        def check(function: Callable) -> None:
            peer = OpPeer("exp/12/fp32/train", dict(tensors), Formula(lambda shape: function, is_compiled=False))
            peer.check(peer.forms()["eager"])

        check(torch.exp)
        with self.assertRaisesRegex(WrongPeerError, "grad0 differs"):
            check(lambda x: x.exp() + 1e-3 * x * x)

    @needs_torch
    def test_a_share_of_outliers_is_allowed_where_a_formula_says_so(self) -> None:
        import torch

        from torch_peer import WrongPeerError, check_close

        ours = torch.ones(1000)
        peers = torch.ones(1000)
        peers[:20] = 0
        check_close("grad0", ours, peers, outliers=0.02)
        for wrong in (0.0, float("nan")):
            peers[20] = wrong
            with self.assertRaisesRegex(WrongPeerError, "0.021 of its elements"):
                check_close("grad0", ours, peers, outliers=0.02)


    @unittest.skipUnless(importlib.util.find_spec("torchvision"), "torchvision is not installed")
    def test_a_network_with_other_losses_is_noticed(self) -> None:
        import torch

        from network_peer import NETWORKS, UpdatePeer, WrongPeerError

        case = "resnet18_cifar/N8_32x32/fp32/update"
        network = NETWORKS["resnet18_cifar"]()
        images, labels = torch.rand(8, 3, 32, 32), torch.arange(8)
        tensors = {f"state.{name}": tensor.clone() for name, tensor in network.state_dict().items()}
        tensors |= {"images": images.permute(0, 2, 3, 1).contiguous(), "labels": labels}
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
        for i in range(3):
            loss = torch.nn.functional.cross_entropy(network(images), labels)
            tensors[f"loss{i}"] = loss.detach()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        UpdatePeer(case, tensors, "eager")
        tensors["loss2"] = tensors["loss1"]
        with self.assertRaisesRegex(WrongPeerError, "losses after updates"):
            UpdatePeer(case, tensors, "eager")


def main() -> int:
    """Runs all tests; returns the exit status."""
    outcome = unittest.main(argv=[sys.argv[0]], exit=False, verbosity=2).result
    failed = len(outcome.failures) + len(outcome.errors)
    skipped = len(outcome.skipped)
    print(f"{outcome.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
