# SPDX-License-Identifier: BSD-3-Clause
"""Outputs of moho-bench -> tables: rates and shares of the machine's own rates, rooflines, the same
benchmark on a host and on a device."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from load import Micro
from machine import Machine, by_machine

UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
MICRO = [
    "machine", "name", "of_gemm", "of_gemm_lo", "of_gemm_hi", "of_stream", "of_stream_lo",
    "of_stream_hi", "gflops", "gbytes", "gemm", "stream", "precision", "seconds", "seconds_lo",
    "seconds_hi", "work", "default", "n", "unsteady", "noisy",
]  # fmt: skip


# ---- one row per benchmark -----------------------------------------------------------------------


def micro_table(outputs: list[Micro]) -> pd.DataFrame:
    """One row per machine (machine.by_machine) and benchmark, medians over its repetitions.

    Columns: MICRO. of_gemm, of_stream: shares of the machine's rates, with lo, hi (least and
    largest); gflops, gbytes: 1e9 flop/s and byte/s by what it declares; gemm, stream: the machine's
    rates around it, flop/s and byte/s; precision: of that product; seconds: of a call, NaN where
    that is no positive number; work: counts of one call, all ranks together; default: whether a
    policy is the one taken by itself (NaN: no policy); n: repetitions that count, unsteady: those
    left out as the machine's rates changed meanwhile. noisy: all did, and all are counted. What
    ended in an error is left out.
    """
    rows = [
        _row(machine, name, found)
        for machine, part in by_machine(outputs).items()
        for name, found in _samples(part).items()
    ]
    return pd.DataFrame(rows, columns=MICRO)


def _samples(outputs: list[Micro]) -> dict[str, list[dict]]:
    """name -> its repetitions."""
    samples: dict[str, list[dict]] = {}
    for output in outputs:
        for one in output.benchmarks:
            if one.get("run_type") == "aggregate" or one.get("error_occurred"):
                continue
            name = one.get("run_name", one["name"])
            name = name.removesuffix("/manual_time").removesuffix("/real_time")
            samples.setdefault(name, []).append(one)
    return samples


def _number(one: dict, key: str) -> float:
    value = one.get(key)
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value)
    return float(value) if good else np.nan


def _seconds(one: dict) -> float:
    """Of a call; NaN where it is not known or not positive."""
    value = _number(one, "real_time") * UNITS.get(one.get("time_unit", "ns"), np.nan)
    return value if value > 0 else np.nan


def _positive(values) -> np.ndarray:
    values = np.asarray(values, float)
    values = values[np.isfinite(values) & (values > 0)]
    return values if values.size else np.full(1, np.nan)


def _row(machine: Machine, name: str, found: list[dict]) -> dict:
    steady = [one for one in found if not one.get("noisy")]
    used = steady or found
    row = {"machine": machine, "name": name, "precision": precision(name)}
    for key in ("of_gemm", "of_stream"):
        values = [v for one in used if np.isfinite(v := _number(one, key))] or [np.nan]
        row |= {key: np.median(values), f"{key}_lo": min(values), f"{key}_hi": max(values)}
    for rate, unit, share, ceiling in (
        ("gflops", "GFLOP/s", "of_gemm", "gemm"),
        ("gbytes", "GB/s", "of_stream", "stream"),
    ):
        row[rate] = np.median(_positive([_number(one, unit) for one in used]))
        # what a sample was quoted against is its rate over its share
        known = [_number(one, unit) / _number(one, share) for one in used if one.get(share)]
        row[ceiling] = np.median(1e9 * _positive(known))
    seconds = _positive([_seconds(one) for one in used])
    row |= {"seconds": np.median(seconds), "seconds_lo": seconds.min()}
    row |= {"seconds_hi": seconds.max(), "work": _work(used[0]), "n": len(used)}
    row |= {"default": _number(used[0], "default"), "noisy": not steady}
    return row | {"unsteady": len(found) - len(steady)}


def precision(name: str) -> str:
    """The product that a benchmark is quoted against: sgemm of kernels in float32, dgemm of all
    others (benchmarks/micro/harness.hpp)."""
    parts = name.split("/")
    return "float32" if "f32" in parts or parts[0] == "sgemm" else "float64"


def _work(one: dict) -> dict[str, float]:
    """Counts of a call that moho-bench quotes per second as well; of a benchmark without any, its
    operations or bytes."""
    counts = {k: _number(one, k) for k in one if f"{k}/s" in one}
    seconds = _seconds(one)
    for name, unit in (("flops", "GFLOP/s"), ("bytes", "GB/s")):
        if not counts and np.isfinite(_number(one, unit)):
            counts = {name: 1e9 * _number(one, unit) * seconds}
    return counts


# ---- rooflines -----------------------------------------------------------------------------------


@dataclass
class Roof:
    """A machine's roofline. points: name, family, intensity (flop/byte), flops (flop/s), share (of
    the roof), noisy; stream: least, median and largest of the rates measured around its benchmarks,
    byte/s; gemm: the same of matrix products by precision, flop/s."""

    machine: Machine
    points: pd.DataFrame
    stream: tuple[float, float, float]
    gemm: dict[str, tuple[float, float, float]] = field(default_factory=dict)

    def attainable(self, intensity, precision: str = "float64"):
        """flop/s: the lower of the two ceilings."""
        return np.minimum(self.gemm[precision][1], self.stream[1] * np.asarray(intensity))


def _ceiling(values: pd.Series) -> tuple[float, float, float] | None:
    values = values[np.isfinite(values)]
    return (values.min(), values.median(), values.max()) if len(values) else None


def roofs(table: pd.DataFrame) -> tuple[list[Roof], list[str]]:
    """(rooflines of the machines in a micro_table, what is missing and why). Ceilings rest on
    steady benchmarks alone."""
    found, missing = [], []
    for machine, part in table.groupby("machine", sort=False):
        steady = part[~part["noisy"].astype(bool)]
        stream = _ceiling(steady["stream"])
        gemm = {
            p: rate
            for p in ("float64", "float32")
            if (rate := _ceiling(steady[steady["precision"] == p]["gemm"])) is not None
        }
        points = part[(part["gflops"] > 0) & (part["gbytes"] > 0)]
        if stream is None or "float64" not in gemm or points.empty:
            lacks = [w for w, lost in (("a steady STREAM rate", stream is None),
                                       ("a steady rate of dgemm", "float64" not in gemm),
                                       ("a benchmark that declares operations and bytes",
                                        points.empty)) if lost]  # fmt: skip
            missing.append(
                f"roofline of {machine.text} (without {' and '.join(lacks)}; run moho-bench "
                "without a filter on a quiet machine)"
            )
            continue
        points = pd.DataFrame(
            {
                "name": points["name"],
                "family": [name.split("/")[0] for name in points["name"]],
                "intensity": points["gflops"] / points["gbytes"],
                "flops": 1e9 * points["gflops"],
                # the roof at this intensity is the lower ceiling, so the larger share is that of it
                "share": points[["of_gemm", "of_stream"]].max(axis=1),
                "noisy": points["noisy"].astype(bool),
            }
        ).reset_index(drop=True)
        found.append(Roof(machine, points, stream, gemm))
    return found, missing


# ---- a host and a device -------------------------------------------------------------------------

SAME_WORK = 0.05  # relative: counts of evaluations may differ by rounding, sizes may not
PARTNERS = [
    "name", "group", "host_name", "device_name", "host_seconds", "device_seconds", "ratio", "lo",
    "hi", "n_host", "n_device", "noisy", "usual",
]  # fmt: skip


@dataclass
class Partners:
    """The same benchmarks on a host and a device. table: PARTNERS; ratio: time on the host over
    time on the device (medians; lo, hi: of the extremes of the repetitions); noisy: one side had no
    steady repetition; usual: neither side runs a policy that it would not choose by itself."""

    host: Machine
    device: Machine
    table: pd.DataFrame
    refused: list[tuple[str, str]]  # name, why
    only_host: list[str]
    only_device: list[str]


def partners(table: pd.DataFrame, host: Machine, device: Machine) -> Partners:
    """Benchmarks of one name, as that names kernel, size and precision; and, as `default`, policies
    that each side chooses by itself. What does other work under the same name is refused: chunks of
    a device are larger, and ranks add theirs up."""
    ours, theirs = (_named(table[table["machine"] == machine]) for machine in (host, device))
    rows, refused = [], []
    for name in (n for n in theirs if n in ours):
        a, b = ours[name], theirs[name]
        why = _unlike(a, b)
        if why:
            refused.append((name, why))
        else:
            rows.append(_pair(name, a, b))
    families = list(dict.fromkeys(row["name"].split("/")[0] for row in rows))
    rows.sort(key=lambda row: families.index(row["name"].split("/")[0]))
    found = pd.DataFrame(rows, columns=PARTNERS)
    alone = [[n for n in one if n not in other and "/default/" not in n]
             for one, other in ((ours, theirs), (theirs, ours))]  # fmt: skip
    return Partners(host, device, found, refused, *alone)


def _named(part: pd.DataFrame) -> dict[str, object]:
    """name -> row; policies that are taken by themselves under the name of `default` as well."""
    found = {row.name: row for row in part.rename_axis("at").itertuples(index=False)}
    for name, row in list(found.items()):
        if row.default == 1:
            first, _, *rest = name.split("/")
            found["/".join([first, "default", *rest])] = row
    return found


def _unlike(a, b) -> str:
    """Why two samples of one name cannot be compared; "" where they can."""
    for side, row in (("host", a), ("device", b)):
        if not np.isfinite(row.seconds):
            return f"the {side} has no positive time"
    if a.machine.precision != b.machine.precision:
        return f"products round otherwise ({a.machine.precision}, {b.machine.precision})"
    for what in a.work.keys() & b.work.keys():
        one, other = a.work[what], b.work[what]
        if not abs(one - other) <= SAME_WORK * max(abs(one), abs(other)):
            return f"a call does other work (host {one:g} {what}, device {other:g})"
    if not a.work.keys() & b.work.keys():
        return "nothing tells that a call does the same work"
    return ""


def _pair(name: str, a, b) -> dict:
    return {
        "name": name,
        "host_name": a.name,
        "device_name": b.name,
        "host_seconds": a.seconds,
        "device_seconds": b.seconds,
        "ratio": a.seconds / b.seconds,
        "lo": a.seconds_lo / b.seconds_hi,
        "hi": a.seconds_hi / b.seconds_lo,
        "n_host": a.n,
        "n_device": b.n,
        "noisy": bool(a.noisy or b.noisy),
        # a policy is compared as `default`: what a host would not choose is no baseline
        "usual": "/default/" in name or (np.isnan(a.default) and np.isnan(b.default)),
        "group": group(name),
    }


def group(name: str) -> str:
    """What is shown in one row: "nn/train, float32", "dispersion_solve/love"."""
    words = [word for word in name.split("/") if ":" not in word]
    return "/".join(words[:2]) + (", float32" if precision(name) == "float32" else "")
