# SPDX-License-Identifier: BSD-3-Clause
"""Records -> tidy tables: first every number of a record, then what the figures are drawn from."""
from __future__ import annotations

import json

import numpy as np
import pandas as pd

from load import Record
from machine import device_of

SOUND = ("ok", "partial")  # statuses whose figures of merit count
NOISY = 0.10  # median absolute deviation / median above which a time is called unsteady
MEASURES = {  # metric -> how it is called; the first that all have is drawn
    "mean_rel_l2": "mean relative L² error",
    "rel_l2": "relative L² error",
    "l2re": "relative L² error",
}
TRIVIAL = ("mean", "nearest-neighbour", "linear-map", "halfspace-average", "initial-state",
           "initial-mean")  # answers that a network has to beat # fmt: skip
# keys of a case that are not the problem's: how it was run, and parameters of linear-map
NOT_ASKED = {"method", "ranks", "repeats", "warmup", "min_time", "ceilings", "fit", "iterations",
             "rate", "tolerance", "initial", "intercept", "initial_seed"}  # fmt: skip


def is_training(record: Record) -> bool:
    return "train_seconds" in record["metrics"] and record["status"] != "failed"


def unsteady(timing: dict) -> bool:
    """Whether the samples of a timing scatter too much to be quoted; two cannot tell."""
    many = len(timing["samples"]) > 2 and timing["median"] > 0
    return bool(many and timing["mad"] / timing["median"] > NOISY)


# ---- one row per fact ----------------------------------------------------------------------------


def case_table(records: list[Record]) -> pd.DataFrame:
    """One row per case: study, id, status, ranks, utc, sha, device ("" = host), error, and every
    `case.<key>`. The same case has the same id on a host and on a device."""
    rows = []
    for r in records:
        run = r["provenance"]["run"]
        row = {
            "study": r["study"],
            "id": r["id"],
            "status": r["status"],
            "ranks": run["ranks"],
            "nodes": run["nodes"],
            "utc": run["utc"],
            "sha": r["provenance"]["git"]["sha"],
            "device": device_of(r),
            "error": r.get("error", ""),
        }
        row |= {f"case.{k}": _flat(v) for k, v in r["case"].items()}
        rows.append(row)
    return pd.DataFrame(rows)


def _flat(value):
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _long(records: list[Record], rows_of) -> pd.DataFrame:
    rows = [
        {"study": r["study"], "id": r["id"], "device": device_of(r), **row}
        for r in records
        for row in rows_of(r)
    ]
    columns = None if rows else ["study", "id", "device", "name", "value"]
    return pd.DataFrame(rows, columns=columns)


def check_table(records: list[Record]) -> pd.DataFrame:
    """One row per check: study, id, name, value, relation, limit, pass."""
    return _long(records, lambda r: r["checks"])


def metric_table(records: list[Record]) -> pd.DataFrame:
    """One row per number: study, id, name, value (lists get name[i])."""

    def rows(r):
        for name, value in r["metrics"].items():
            values = value if isinstance(value, list) else None
            for i, v in enumerate(values if values is not None else [value]):
                yield {
                    "name": f"{name}[{i}]" if values is not None else name,
                    "value": np.nan if v is None else v,
                }

    return _long(records, rows)


def counter_table(records: list[Record]) -> pd.DataFrame:
    """One row per counter: study, id, name, value."""
    return _long(records, lambda r: ({"name": k, "value": v} for k, v in r["counters"].items()))


def timing_table(records: list[Record]) -> pd.DataFrame:
    """One row per region: study, id, name, unit, median, mad, lo, hi (ci95), n, rank_min, ..."""

    def rows(r):
        for name, t in r["timings"].items():
            lo, hi = (np.nan if v is None else v for v in t["ci95"])
            yield {
                "name": name,
                "unit": t["unit"],
                "median": t["median"],
                "mad": t["mad"],
                "lo": lo,
                "hi": hi,
                "n": len(t["samples"]),
                "rank_min": t["rank_min"],
                "rank_max": t["rank_max"],
                "warmup": t["warmup"],
            }

    return _long(records, rows)


def fom_table(records: list[Record]) -> pd.DataFrame:
    """One row per figure of merit: study, id, name, value (NaN = void), unit, better."""

    def rows(r):
        for f in r["fom"]:
            yield {**f, "value": np.nan if f["value"] is None else f["value"]}

    return _long(records, rows)


# ---- what the figures are drawn from -------------------------------------------------------------


def accuracy_table(curves: pd.DataFrame) -> pd.DataFrame:
    """One row per point and quantity with a truth: name, wave, mode, period, quantity, error.

    The error is relative.
    """
    parts = []
    for quantity in ("phase", "group"):
        known = curves[np.isfinite(curves[f"truth_{quantity}"]) & np.isfinite(curves[quantity])]
        error = np.abs(known[quantity] / known[f"truth_{quantity}"] - 1.0)
        parts.append(
            known[["name", "wave", "mode", "period", "status"]].assign(
                quantity=quantity, error=error
            )
        )
    return pd.concat(parts, ignore_index=True)


def merit(record: Record, name: str) -> float:
    values = [f["value"] for f in record["fom"] if f["name"] == name and f["value"] is not None]
    return float(values[0]) if values else np.nan


def gemm_fraction(record: Record) -> float:
    """Share of the machine's measured matrix-product rate: metric `gemm_fraction`, else
    counters.flops / median apply time / provenance.host.gemm; NaN where not recorded."""
    if (value := record["metrics"].get("gemm_fraction")) is not None:
        return float(value)
    gemm = record["provenance"]["host"].get("gemm")
    flops, apply = record["counters"].get("flops"), record["timings"].get("apply")
    if not gemm or not flops or not apply or not apply["median"]:
        return np.nan
    return flops / apply["median"] / gemm


def varying_keys(records: list[Record], without: tuple[str, ...]) -> list[str]:
    """Keys of `case` that differ between these records (a key that some lack counts), in order."""
    keys = dict.fromkeys(k for r in records for k in r["case"] if k not in without)
    return [k for k in keys if len({json.dumps(r["case"].get(k)) for r in records}) > 1]


METHOD_KEYS = ("method", "fit", "order", "iterations", "rate", "initial")  # who answers, and how


def telling_keys(records: list[Record], without: tuple[str, ...] = ()) -> list[str]:
    """The fewest keys of `case` that tell these records apart, METHOD_KEYS first."""
    keys = varying_keys(records, without)
    keys.sort(key=lambda k: METHOD_KEYS.index(k) if k in METHOD_KEYS else len(METHOD_KEYS))
    chosen: list[str] = []
    groups = 1
    for key in keys:
        found = {json.dumps([r["case"].get(k) for k in (*chosen, key)]) for r in records}
        if len(found) > groups:
            chosen, groups = [*chosen, key], len(found)
    return chosen


def label(record: Record, keys: list[str]) -> str:
    """A series' name: the values of `keys`, each with its key unless it is a word of its own."""
    parts = []
    for key in keys:
        value = record["case"].get(key)
        if value is not None:
            text = f"{value:g}" if isinstance(value, float) else _flat(value)
            words = value if isinstance(value, list) else [value]
            named = all(isinstance(word, str) for word in words)
            parts.append(str(text) if named else f"{key} = {text}")
    return ", ".join(parts) or record["case"]["method"]
