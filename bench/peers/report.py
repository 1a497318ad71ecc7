"""Tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from families import Family, Result, family_of, geometric_mean

HEADER = f"{'case':<60} {'ours ms':>10} {'peer ms':>10}  {'form':<8} {'ratio':>6} {'limit':>6}"


def limits_line(limits: dict) -> str:
    """The limits of which the table gives shares."""
    copies = ", ".join(f"{gigabytes:.0f} GB/s of {size / 2**20:.3g} MiB" for size, gigabytes in limits["copies"][::2])
    return (
        f"limits with {limits['threads']} threads: {limits['fp32_gflops']:.0f} GFLOP/s fp32, "
        f"{limits['bf16_gflops']:.0f} GFLOP/s bf16; copies: {copies}"
    )


def row(result: Result, missed: Sequence[str] = ()) -> str:
    """A line of the table; the bars that were missed at its end."""
    limit = "" if result.limit_share is None else f"{result.limit_share:.1%}"
    line = (
        f"{result.case:<60} {result.ours_ms:>10.4f} {result.peer_ms:>10.4f}  {result.peer_form:<8} "
        f"{result.ratio:>6.2f} {limit:>6}"
    )
    others = [f"{form} {ratio:.2f}" for form, ratio in result.form_ratios.items() if form != result.peer_form]
    if result.memory_mb is not None:
        others.append(f"{result.memory_mb:.0f} of {result.peer_memory_mb:.0f} MB")
    return "  ".join([line, *filter(None, [", ".join(others), ", ".join(missed)])])


def summary(families: Sequence[Family], results: Sequence[Result]) -> tuple[list[str], list[str]]:
    """A line for each family that has results, and what missed the bar of a mean."""
    lines = [f"{'family':<32} {'cases':>5} {'mean':>6} {'bar':>5}  worst case"]
    missed = []
    for family in families:
        members = [result for result in results if family_of(families, result.case) is family]
        if not members:
            continue
        mean = geometric_mean(members)
        worst = min(members, key=lambda result: result.ratio)
        bar = "" if family.mean is None else f"{family.mean:.2f}"
        lines.append(f"{family.name:<32} {len(members):>5} {mean:>6.2f} {bar:>5}  {worst.ratio:.2f} {worst.case}")
        if family.mean is not None and mean < family.mean:
            missed.append(f"{family.name}: geometric mean {mean:.2f} < {family.mean}")
    return lines, missed


def furthest(results: Sequence[Result], bounds: Mapping[str, str], count: int = 5) -> list[str]:
    """The ops furthest from the limit, each with its furthest case and what bounds it."""
    least: dict[str, Result] = {}
    for result in sorted((r for r in results if r.limit_share is not None), key=lambda r: r.limit_share):
        least.setdefault(result.case.partition("/")[0], result)
    return [
        f"{result.limit_share:>6.1%} of the limit: {result.case}: {bounds.get(op, 'not known what bounds it')}"
        for op, result in list(least.items())[:count]
    ]
