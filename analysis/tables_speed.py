# SPDX-License-Identifier: BSD-3-Clause
"""Records -> tables of speed: throughput, scaling, other codes."""
from __future__ import annotations

import json

import numpy as np
import pandas as pd

from load import Record
from tables import SOUND, gemm_fraction, label, merit, varying_keys


AXES = {"layers": "layers", "periods": "periods", "modes": "modes", "models": "models in a batch"}


def at_usual(records: list[Record], axes) -> list[Record]:
    """The cases in which each of `axes` stands at the value that most of them have (the first of
    several), so that one figure shows one dependence."""
    for axis in axes:
        values = [json.dumps(r["case"].get(axis)) for r in records]
        if len(set(values)) > 1:
            usual = max(dict.fromkeys(values), key=values.count)
            records = [r for r, value in zip(records, values) if value == usual]
    return records


def throughput_table(records: list[Record]) -> pd.DataFrame:
    """Sound cases with `curves_per_second` of studies that vary `layers`; what else of AXES varies
    stands at its usual value.

    Columns: series, layers, curves_per_second, lo, hi (95 % interval, from that of the apply time),
    layer_evaluations_per_second, gemm_fraction.
    """
    sound = [
        r
        for r in records
        if r["status"] in SOUND
        and _number(r, "layers")
        and np.isfinite(merit(r, "curves_per_second"))
    ]
    depths = {
        s: len({_number(r, "layers") for r in sound if r["study"] == s})
        for s in dict.fromkeys(r["study"] for r in sound)
    }
    sound = at_usual(
        [r for r in sound if depths[r["study"]] > 1], [a for a in AXES if a != "layers"]
    )
    keys = varying_keys(sound, ("layers",))
    rows = []
    for r in sound:
        rate, apply = merit(r, "curves_per_second"), r["timings"].get("apply")
        lo, hi = _interval(apply)
        median = apply["median"] if apply else np.nan
        rows.append(
            {
                "study": r["study"],
                "id": r["id"],
                "series": label(r, keys),
                "layers": r["case"]["layers"],
                "curves_per_second": rate,
                "lo": rate * median / hi,
                "hi": rate * median / lo,
                "layer_evaluations_per_second": merit(r, "layer_evaluations_per_second"),
                "gemm_fraction": gemm_fraction(r),
            }
        )
    table = pd.DataFrame(
        rows,
        columns=[
            "study",
            "id",
            "series",
            "layers",
            "curves_per_second",
            "lo",
            "hi",
            "layer_evaluations_per_second",
            "gemm_fraction",
        ],
    )
    return table.sort_values(["series", "layers"], ignore_index=True)


def _interval(timing: dict | None) -> tuple[float, float]:
    lo, hi = timing["ci95"] if timing else (None, None)
    return (lo or np.nan), (hi or np.nan)


def axes_table(records: list[Record]) -> pd.DataFrame:
    """How speed depends on one axis at a time: sound cases with roots counted, of studies that vary
    layers, periods, modes or models. Every other axis stands at the value that most cases have.

    Columns: study, id, axis, value, series, roots_per_second, lo, hi (95 % interval).
    """
    rows = []
    sound = [
        r
        for r in records
        if r["status"] in SOUND and "apply" in r["timings"] and r["counters"].get("roots")
    ]
    for study in dict.fromkeys(r["study"] for r in sound):
        mine = [r for r in sound if r["study"] == study]
        varying = [axis for axis in AXES if len({_number(r, axis) for r in mine} - {None}) > 1]
        for axis in varying:
            here = at_usual(mine, ["ranks", *(other for other in varying if other != axis)])
            keys = varying_keys(here, (axis,))
            rows += [_axis_row(r, axis, label(r, keys)) for r in here if _number(r, axis)]
    columns = ["study", "id", "axis", "value", "series", "roots_per_second", "lo", "hi"]
    table = pd.DataFrame(rows, columns=columns)
    if len(table):
        table = table[table.groupby(["study", "axis"])["value"].transform("nunique") > 1]
    return table.sort_values(["axis", "series", "value"], ignore_index=True)


def _number(r: Record, axis: str) -> float | None:
    """The size that a case has on an axis; None where it has none, or a list."""
    value = r["case"].get(axis)
    return value if isinstance(value, (int, float)) else None


def _axis_row(r: Record, axis: str, series: str) -> dict:
    lo, hi = _interval(r["timings"]["apply"])
    roots = r["counters"]["roots"]
    return {
        "study": r["study"],
        "id": r["id"],
        "axis": axis,
        "value": r["case"][axis],
        "series": series,
        "roots_per_second": roots / r["timings"]["apply"]["median"],
        "lo": roots / hi,
        "hi": roots / lo,
    }


# ---- scaling -------------------------------------------------------------------------------------

SCALING_COLUMNS = [
    "study",
    "id",
    "series",
    "ranks",
    "time",
    "lo",
    "hi",
    "speedup",
    "efficiency",
    "balance",
    "exposed",
    "base",
    "same_work",
]
SIZES = ("models",)  # keys of a case that grow with the ranks in weak scaling
# Counters, of which the first that a record has is its amount of work; of training: items of a step.
WORK = ("step_items", "models", "cells")
WORK_TEXT = {"step_items": "items"}


def scaling_table(records: list[Record]) -> pd.DataFrame:
    """Strong scaling: sound cases that differ in `ranks` alone and have the same work, at two rank
    counts or more. Columns: series, ranks, time, lo, hi (s), speedup, efficiency, balance
    (fastest / slowest rank), exposed (of training: share of the steps spent waiting for others), base
    (smallest rank count of the series: speed-up there = base), same_work. The time of a training is
    that of its median step."""
    return _scaling(records, weak=False)


def weak_scaling_table(records: list[Record]) -> pd.DataFrame:
    """Weak scaling: sound cases whose work (WORK) grows with the ranks, all else equal. Columns as
    above; efficiency = time on the fewest ranks / time, speedup = ranks x efficiency; same_work:
    the work per rank is equal."""
    return _scaling(records, weak=True)


def _timed(record: Record) -> dict | None:
    """The timing that tells how a case scales: a step where something was trained, else `apply`."""
    step = record["metrics"].get("step_seconds")
    if "step_seconds" not in record["metrics"]:
        return record["timings"].get("apply")
    if step is None:
        return None
    return {"median": step, "ci95": [None, None], "rank_min": np.nan, "rank_max": np.nan}


def _grows(group: list[Record]) -> bool:
    """The work that was done, not only that asked for, differs between rank counts."""
    return len({_work(r)[1] for r in group}) > 1


def _work(record: Record) -> tuple[str, int | None]:
    """What there was to do, and how much of it."""
    counters = record["counters"]
    return next(((name, counters[name]) for name in WORK if name in counters), ("", None))


def _groups(records: list[Record], weak: bool) -> list[list[Record]]:
    """Cases alike but for the ranks (weak: and for the models, which are so many per rank)."""
    groups: dict[str, list[Record]] = {}
    for r in records:
        if r["status"] not in SOUND or _timed(r) is None or "ranks" not in r["case"]:
            continue
        without = ("ranks", *SIZES) if weak else ("ranks",)
        rest = {k: v for k, v in r["case"].items() if k not in without}
        if weak:
            work = _work(r)[1]
            rest["per rank"] = None if work is None else work / r.ranks
        groups.setdefault(json.dumps([r["study"], rest], sort_keys=True), []).append(r)
    out = [sorted(g, key=lambda r: r.ranks) for g in groups.values()]
    return [g for g in out if len({r.ranks for r in g}) > 1 and _grows(g) == weak]


def _exposed(record: Record) -> float:
    share = record["metrics"].get("exposed_share")
    return np.nan if share is None else float(share)


def _scaling(records: list[Record], weak: bool) -> pd.DataFrame:
    groups = _groups(records, weak)
    keys = varying_keys([r for g in groups for r in g], ("ranks", *SIZES) if weak else ("ranks",))
    rows = []
    for group in groups:
        first = group[0]
        counters = first["counters"]
        for r in group:
            timed = _timed(r)
            lo, hi = _interval(timed)
            faster = _timed(first)["median"] / timed["median"]
            speedup = (r.ranks if weak else first.ranks) * faster
            series = label(r, keys)
            if weak:
                what, amount = _work(first)
                series += f", {amount / first.ranks:g} {WORK_TEXT.get(what, what)} per rank"
            rows.append(
                {
                    "study": r["study"],
                    "id": r["id"],
                    "series": series,
                    "ranks": r.ranks,
                    "time": timed["median"],
                    "lo": lo,
                    "hi": hi,
                    "speedup": speedup,
                    "efficiency": speedup / r.ranks,
                    "balance": timed["rank_min"] / timed["rank_max"]
                    if timed["rank_max"]
                    else np.nan,
                    "exposed": _exposed(r),
                    "base": first.ranks,
                    "same_work": weak or r["counters"] == counters,
                }
            )
    return pd.DataFrame(rows, columns=SCALING_COLUMNS)


# ---- other codes ---------------------------------------------------------------------------------


def peer_table(records: list[Record]) -> pd.DataFrame:
    """Sound comparisons with a peer (metrics.ratio, one number per round).

    Columns: study, id, peer, what, waves, modes, layers (NaN = of all kinds), calls, problem,
    ratio, q1, q3 (time of the peer / time of moho: median and quartiles over the rounds), target,
    moho, theirs (s per model), difference (median, relative), busy (largest wall / processor time).
    """
    rows = []
    for r in records:
        m, t = r["metrics"], r["timings"]
        if r["status"] not in SOUND or not isinstance(m.get("ratio"), list):
            continue
        if r["case"].get("what") == "re-assembly":  # tables_fem
            continue
        if not {"moho", "peer"} <= set(t) or not m["ratio"] or None in m["ratio"]:
            continue
        q1, ratio, q3 = np.percentile(m["ratio"], [25, 50, 75])
        rows.append(
            {
                "study": r["study"],
                "id": r["id"],
                "peer": r["case"]["method"],
                "what": r["case"].get("what", ""),
                "waves": " + ".join(r["case"].get("waves", [])),
                "modes": r["case"].get("modes", 1),
                "layers": r["case"].get("layers", np.nan),
                "calls": r["case"].get("calls", ""),
                "problem": r["case"]["problem"],
                "ratio": ratio,
                "q1": q1,
                "q3": q3,
                "target": _known(m.get("target")),
                "moho": t["moho"]["median"],
                "theirs": t["peer"]["median"],
                "difference": _known(m.get("difference_median")),
                "busy": _known(m.get("wall_over_cpu")),
            }
        )
    columns = [
        "study",
        "id",
        "peer",
        "what",
        "waves",
        "modes",
        "layers",
        "calls",
        "problem",
        "ratio",
        "q1",
        "q3",
        "target",
        "moho",
        "theirs",
        "difference",
        "busy",
    ]
    return pd.DataFrame(rows, columns=columns)


def _known(value) -> float:
    return np.nan if value is None else float(value)


RELIABILITY = ("ok", "missing", "jumped", "wrong", "invented")


def reliability_table(records: list[Record]) -> pd.DataFrame:
    """Solvers whose answers to published points were sorted into RELIABILITY (counters).

    Columns: study, id, solver (with its step), points, exceptions, and each word's count. Records
    whose counts do not add up to their points are left out.
    """
    rows = []
    for r in records:
        c, case = r["counters"], r["case"]
        if not {"points", *RELIABILITY} <= set(c) or r["status"] == "failed":
            continue
        if sum(c[word] for word in RELIABILITY) != c["points"] or not c["points"]:
            continue
        solver = case["method"]
        if case.get("step") is not None:
            solver += f", step {case['step']:g} km/s"
        elif case.get("tolerance") is not None:
            solver += f", held to {case['tolerance']:g}"
        row = {"study": r["study"], "id": r["id"], "solver": solver, "points": c["points"]}
        rows.append(row | {w: c[w] for w in RELIABILITY} | {"exceptions": c.get("exceptions", 0)})
    columns = ["study", "id", "solver", "points", *RELIABILITY, "exceptions"]
    table = pd.DataFrame(rows, columns=columns)
    own = ~table["solver"].str.startswith("moho") if len(table) else []
    return table.assign(own=own).sort_values(["own", "id"], kind="stable").drop(columns="own")


# ---- how sure the answers are --------------------------------------------------------------------

STATES = ("ok", "channel", "extended", "multivalued", "failed")


def status_table(records: list[Record]) -> pd.DataFrame:
    """Points by status of studies whose cases are blocks of one set of models (case.block).

    One row per block and state: study, id, series, block, models, state, count, roots (points
    that have a root or owe one). Records that do not count every state are left out.
    """
    rows = []
    blocks = [r for r in records if "block" in r["case"] and r["status"] != "failed"]
    keys = varying_keys(blocks, ("block",))
    for r in blocks:
        counts = {state: r["metrics"].get(f"points_{state}") for state in STATES}
        if any(not isinstance(count, (int, float)) for count in counts.values()):
            continue
        for state, count in counts.items():
            rows.append(
                {
                    "study": r["study"],
                    "id": r["id"],
                    "series": label(r, keys),
                    "block": r["case"]["block"],
                    "models": r["counters"].get("models", 0),
                    "state": state,
                    "count": count,
                    "roots": sum(counts.values()),
                }
            )
    columns = ["study", "id", "series", "block", "models", "state", "count", "roots"]
    return pd.DataFrame(rows, columns=columns)
