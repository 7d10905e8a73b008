# SPDX-License-Identifier: BSD-3-Clause
"""Records of hosts and devices -> tables: the same case on both, error against time, break-even.

A speed-up is one only at equal error. The time of a solver at the error of a surrogate is read off
the solver's own front of error and time: interpolated in logarithms between cases that differ in
resolution or tolerance alone, and never beyond them.
"""
from __future__ import annotations

import json

import numpy as np
import pandas as pd

import tables
import tables_fem
from load import Record
from machine import HOST, Machine, device_of, of_record
from tables import MEASURES, NOT_ASKED, SOUND, TRIVIAL, is_training, unsteady

# how a case is run, which may differ between a node and a device that answer the same
RUN = {"ranks", "repeats", "warmup", "min_time", "ceilings"}
WORK = ("items", "models", "cells", "unknowns", "nonzeros", "step_items")  # counters of its size
REFINED = {"n", "tolerance"}  # along a solver's front
NOT_QUESTION = NOT_ASKED | REFINED | {"cell", "degree", "form", "reduce"}
ERRORS = MEASURES | tables_fem.NORMS | {"phase_rel_max": "largest relative error of the phase"}
COUNTED = ("items", "curves", "models")  # counters, of which the first that all have is the item


def _bounds(timing: dict) -> tuple[float, float]:
    lo, hi = (np.nan if v is None else float(v) for v in timing["ci95"])
    return lo, hi


def _case(record: Record, without: set[str]) -> str:
    kept = {k: v for k, v in record["case"].items()
            if k not in without and not k.startswith("limit.")}  # fmt: skip
    return json.dumps([record["study"], kept], sort_keys=True)


# ---- the same case on a host and on a device -----------------------------------------------------

PAIRS = [
    "study", "id", "group", "what", "host", "device", "host_seconds", "device_seconds", "ratio",
    "lo", "hi", "noisy", "host_record", "device_record",
]  # fmt: skip


def _timed(record: Record) -> dict[str, dict]:
    """What of a record can be compared: the answer, and the median step of a training."""
    found = {}
    if (apply := record["timings"].get("apply")) and apply["median"] > 0:
        found["answer"] = apply
    if step := record["metrics"].get("step_seconds"):
        found["training step"] = {"median": step, "ci95": [None, None], "mad": 0, "samples": [step]}
    return found


def pairs(records: list[Record]) -> tuple[pd.DataFrame, list[str]]:
    """(sound cases that ran on hosts and on a device with the same configuration but for ranks and
    repeats; what has no partner and why). Of several hosts or rank counts the fastest is compared.

    Columns: PAIRS; host, device: machine.Machine; ratio: time on the host over time on the device
    (medians; lo, hi from the 95 % intervals, NaN where not known); noisy: a time was unsteady.
    """
    sound = [r for r in records if r["status"] in SOUND and _timed(r)]
    hosts: dict[str, list[Record]] = {}
    for r in sound:
        if device_of(r) == HOST:
            hosts.setdefault(_case(r, RUN), []).append(r)
    rows, alone, other = [], [], []
    for r in (r for r in sound if device_of(r) != HOST):
        asked = hosts.get(_case(r, RUN), [])
        same = [h for h in asked if _size(h) == _size(r)]
        if not same:
            (other if asked else alone).append(f"{r['study']}/{r['id']}")
            continue
        for what, timing in _timed(r).items():
            partners = [h for h in same if what in _timed(h)]
            if partners:
                best = min(partners, key=lambda h: _timed(h)[what]["median"])  # noqa: B023
                rows.append(_pair(best, r, what))
    table = pd.DataFrame(rows, columns=PAIRS)
    missing = _few("cases of a device that no sound case of a host has as well", alone)
    missing += _few("cases whose counters say that host and device did other work", other)
    return table, missing


def _few(what: str, ids: list[str]) -> list[str]:
    if not ids:
        return []
    more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
    return [f"{len(ids)} {what}: {', '.join(ids[:3])}{more}"]


def _size(record: Record) -> dict:
    return {name: record["counters"][name] for name in WORK if name in record["counters"]}


def _pair(host: Record, device: Record, what: str) -> dict:
    a, b = _timed(host)[what], _timed(device)[what]
    (a_lo, a_hi), (b_lo, b_hi) = _bounds(a), _bounds(b)
    return {
        "study": device["study"],
        "id": device["id"],
        "group": f"{device['study']}: {device['case']['method']}, {what}",
        "what": what,
        "host": of_record(host),
        "device": of_record(device),
        "host_seconds": a["median"],
        "device_seconds": b["median"],
        "ratio": a["median"] / b["median"],
        "lo": a_lo / b_hi,
        "hi": a_hi / b_lo if b_lo else np.nan,
        "noisy": unsteady(a) or unsteady(b),
        "host_record": host,
        "device_record": device,
    }


# ---- error against time --------------------------------------------------------------------------

ANSWERS = [
    "question", "measure", "unit", "machine", "series", "trained", "trivial", "seconds", "lo", "hi",
    "error", "uncertainty", "noisy", "partial", "training", "data", "record",
]  # fmt: skip


def answers(records: list[Record]) -> tuple[pd.DataFrame, list[str]]:
    """(sound cases with a time and an error, what is left out). Cases of one `question` share the
    study, the problem and its parameters, the measure of the error and what an item is.

    Columns: ANSWERS; seconds per item with lo, hi (95 % interval), of finite elements without the
    evaluation at points; uncertainty: that of the truth; training, data: s spent on training (all
    sittings) and on drawing its items with their truth, which only the first case that draws them
    pays; NaN where not recorded.
    """
    sound = [r for r in records if r["status"] in SOUND and "apply" in r["timings"]]
    zero = [f"{r['study']}/{r['id']}" for r in sound if not r["timings"]["apply"]["median"] > 0]
    missing = _few("cases whose answers took no time that the clock could see", zero)
    sound = [r for r in sound if r["timings"]["apply"]["median"] > 0]
    rows = []
    for title, part in _questions(sound).items():
        measure = next((m for m in ERRORS if all(_error(r, m) is not None for r in part)), None)
        if measure is None:
            missing += _few(f"answers of {title} without a measure of error that all have",
                            [r["id"] for r in part])  # fmt: skip
            continue
        rows += _answers(title, measure, part)
    return pd.DataFrame(rows, columns=ANSWERS), missing


def _error(record: Record, measure: str) -> float | None:
    value = record["metrics"].get(measure)
    good = isinstance(value, (int, float)) and np.isfinite(value) and value >= 0
    return float(value) if good else None


def _questions(records: list[Record]) -> dict[str, list[Record]]:
    """title -> answers to one question. A parameter of the problem stands in every case of it; one
    that only some have is a method's."""
    found: dict[str, list[Record]] = {}
    for study in dict.fromkeys(r["study"] for r in records):
        mine = [r for r in records if r["study"] == study]
        for problem in dict.fromkeys(r["case"]["problem"] for r in mine):
            part = [r for r in mine if r["case"]["problem"] == problem]
            keys = [
                k
                for k in tables.varying_keys(part, tuple(NOT_QUESTION))
                if all(k in r["case"] for r in part) and not k.startswith("limit.")
            ]
            for r in part:
                title = f"{study}: {problem}" + (f", {tables.label(r, keys)}" if keys else "")
                found.setdefault(title, []).append(r)
    return found


def _answers(title: str, measure: str, part: list[Record]) -> list[dict]:
    counter = next((c for c in COUNTED if all(r["counters"].get(c) for r in part)), None)
    keys = tables.telling_keys(part, tuple((NOT_ASKED - {"method"}) | REFINED))
    keys = [k for k in keys if not k.startswith("limit.")]
    rows = []
    for r in part:
        apply = r["timings"]["apply"]
        spent = apply["median"]
        if "apply.solve" in r["timings"]:
            spent = tables_fem.seconds(r, "apply.assembly", *tables_fem.SOLVE)
        per_item = spent / apply["median"] / (r["counters"][counter] if counter else 1)
        lo, hi = _bounds(apply)
        trained = is_training(r)
        rows.append(
            {
                "question": title,
                "measure": measure,
                "unit": counter.removesuffix("s") if counter else "case",
                "machine": of_record(r),
                "series": tables.label(r, keys) if keys else r["case"]["method"],
                "trained": trained,
                "trivial": r["case"]["method"] in TRIVIAL,
                "seconds": apply["median"] * per_item,
                "lo": lo * per_item,
                "hi": hi * per_item,
                "error": _error(r, measure),
                "uncertainty": _error(r, "truth_uncertainty") or 0.0,
                "noisy": unsteady(apply),
                "partial": r["status"] == "partial",
                "training": tables_fem.seconds(r, "prepare") if trained else np.nan,
                "data": tables_fem.seconds(r, "data") if trained else np.nan,
                "record": r,
            }
        )
    return rows


# ---- break-even ----------------------------------------------------------------------------------

EVEN = [
    "question", "unit", "machine", "surrogate", "error", "seconds", "training", "data", "solver",
    "solver_error", "solver_seconds", "queries", "lo", "hi", "with_data", "noisy", "partial", "why",
    "record", "solver_records",
]  # fmt: skip


def front(solver: pd.DataFrame) -> pd.DataFrame:
    """Of answers of one series those that no other beats in error and time, the quickest first."""
    solver = solver.sort_values(["seconds", "error"])
    return solver[solver["error"] < solver["error"].cummin().shift(fill_value=np.inf)]


def at_error(solver: pd.DataFrame, error: float) -> dict | None:
    """Time of one series of solver's answers at an error: the quickest answer that is as good, or
    what lies between it and the next quicker one, linear in the logarithms. None where no answer is
    as good. Keys: seconds, lo, hi (s per item), error, noisy, records."""
    best = front(solver)
    good = best[best["error"] <= error]
    if good.empty:
        return None
    after = good.iloc[0]
    place = list(best.index).index(after.name)
    if place == 0 or after["error"] == error or after["error"] == 0:
        return {"seconds": after["seconds"], "lo": after["lo"], "hi": after["hi"],
                "error": after["error"], "noisy": bool(after["noisy"]),
                "records": [after["record"]]}  # fmt: skip
    before = best.iloc[place - 1]
    weight = np.log(before["error"] / error) / np.log(before["error"] / after["error"])
    with np.errstate(divide="ignore"):  # a lower bound may be zero
        between = {
            key: float(np.exp((1 - weight) * np.log(before[key]) + weight * np.log(after[key])))
            for key in ("seconds", "lo", "hi")
        }
    return between | {
        "error": error,
        "noisy": bool(before["noisy"] or after["noisy"]),
        "records": [before["record"], after["record"]],
    }


def break_even(table: pd.DataFrame) -> pd.DataFrame:
    """Of each trained answer in `answers`: the number of queries from which on training and asking
    it is cheaper than the quickest solver on the same machine at equal or better error,
    N* = T_train / (t_solver - t_surrogate).

    Columns: EVEN; times in s, per item; solver_error: where that is the smaller one the solver has
    no cheaper case, and one would make `queries` larger; lo, hi of `queries` from the 95 %
    intervals of both times; with_data: the same with the time of drawing the training items;
    why: why there is no such number, "" where there is one.
    """
    rows = []
    for question, part in table.groupby("question", sort=False):
        for one in part[part["trained"].astype(bool)].to_dict("records"):
            here = part[part["machine"] == one["machine"]]
            rows.append(_even(question, one, here))
    return pd.DataFrame(rows, columns=EVEN)


def _even(question: str, one: dict, here: pd.DataFrame) -> dict:
    row = {k: one[k] for k in ("unit", "machine", "error", "seconds", "training", "noisy",
                               "partial", "record")}  # fmt: skip
    # only the first case that draws the items pays for them
    drawn = here[here["trained"].astype(bool)]["data"].max()
    row |= {"question": question, "surrogate": one["series"], "data": drawn, "solver": "",
            "solver_records": []}  # fmt: skip
    numbers = ("solver_seconds", "solver_error", "queries", "lo", "hi", "with_data")
    row |= dict.fromkeys(numbers, np.nan)
    solvers = here[~here["trained"].astype(bool) & ~here["trivial"].astype(bool)]
    found = {name: at_error(part, one["error"]) for name, part in solvers.groupby("series")}
    reached = {name: best for name, best in found.items() if best is not None}
    if one["error"] < one["uncertainty"]:
        uncertain = f"the truth itself is uncertain by {one['uncertainty']:.1g}"
        return row | {"why": f"unresolved: {uncertain}"}
    if not np.isfinite(one["training"]):
        return row | {"why": "its record has no time of training (timing prepare)"}
    if solvers.empty:
        return row | {"why": "no sound case of a solver answers the same on this machine"}
    if not reached:
        return row | {"why": f"no solver is as good here (smallest error "
                             f"{solvers['error'].min():.2g}; refine it)"}  # fmt: skip
    name = min(reached, key=lambda n: reached[n]["seconds"])
    best = reached[name]
    row |= {"solver": name, "solver_seconds": best["seconds"], "solver_records": best["records"],
            "solver_error": best["error"], "noisy": one["noisy"] or best["noisy"]}  # fmt: skip
    gain = best["seconds"] - one["seconds"]
    if not gain > 0:
        return row | {"why": "none: it is slower than the solver"}
    most, least = best["hi"] - one["lo"], best["lo"] - one["hi"]
    return row | {
        "queries": one["training"] / gain,
        "lo": one["training"] / most,
        "hi": np.inf if least <= 0 else one["training"] / least,
        "with_data": (one["training"] + drawn) / gain,
        "why": "",
    }


def machines(table: pd.DataFrame) -> list[Machine]:
    """Those of a table of answers, hosts first."""
    return sorted(dict.fromkeys(table["machine"]), key=lambda m: m.on_device)
