# SPDX-License-Identifier: BSD-3-Clause
"""Records of finite elements -> tables: assembly beside its floor, other codes, error against time.

Arrays of data.h5 that are not as they should be raise LoadError, whose text names the file.
"""
from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np
import pandas as pd

import tables
from load import LoadError, Record
from tables import SOUND

FAMILY = {"triangle": "P", "tetrahedron": "P", "quadrilateral": "Q", "hexahedron": "Q"}
IN_NAME = (
    "cell", "degree", "form", "problem", "method", "reduce", "ranks", "per_rank", "reference",
)  # fmt: skip
SET_UP = ("prepare.topology", "prepare.space", "prepare.tables")
SOLVE = ("apply.load", "apply.conditions", "apply.preconditioner", "apply.solve")


def element(record: Record) -> str:
    """ "P1 triangle"; "degree 2" where the record does not tell the cell."""
    cell, degree = record["case"].get("cell"), record["case"].get("degree")
    if cell in FAMILY:
        return f"{FAMILY[cell]}{degree} {cell}"
    return f"degree {degree}" if record["case"].get("mesh") else f"P{degree}"


def seconds(record: Record, *names: str) -> float:
    """Sum of the medians of those of these timings that there are; NaN where there is none."""
    found = [record["timings"][n]["median"] for n in names if n in record["timings"]]
    return float(sum(found)) if found else np.nan


# ---- assembly ------------------------------------------------------------------------------------


def is_assembly(record: Record) -> bool:
    """The case asked for a matrix, so that its `apply` is one re-assembly."""
    return record["case"]["problem"] == "assembly"


def matrix_names(records: list[Record]) -> list[str]:
    """What each matrix is called: "poisson, P1 triangle", and what else tells them apart."""
    named = [f"{r['case'].get('form', r['case']['problem'])}, {element(r)}" for r in records]
    for name in dict.fromkeys(named):
        same = [r for r, n in zip(records, named) if n == name]
        keys = tables.varying_keys(same, IN_NAME)
        keys = [k for k in keys if not k.startswith("limit.")]
        if keys:
            more = [tables.label(r, keys) for r in same]
            named = [n if n != name else f"{name}, {more.pop(0)}" for n in named]
    return named


ASSEMBLY = [
    "study", "id", "matrix", "policy", "ranks", "cells", "unknowns", "nonzeros", "set_up", "first",
    "time", "lo", "hi", "best", "hand_off", "rate", "floor", "least", "preconditioner", "solve",
]  # fmt: skip


def assembly_table(records: list[Record]) -> pd.DataFrame:
    """Sound cases that assemble one matrix in each `apply`: problem `assembly`, method `fem`.

    Columns: ASSEMBLY. set_up (pattern, routing, tables), first, time (re-assembly: median) with lo,
    hi (95 % interval) and best, hand_off, preconditioner, solve: s, NaN where not recorded; rate:
    entries per second; floor, least: s in which the bytes of a gather into CSR, or those that
    cannot be avoided, pass at the STREAM rate of the same run, NaN where that was not steady.
    """
    sound = [
        r
        for r in records
        if r["status"] in SOUND
        and (is_assembly(r) or r["case"]["method"] == "fem")
        and "apply.assembly" in r["timings"]
    ]
    rows = []
    for r, name in zip(sound, matrix_names(sound)):
        timing, counters = r["timings"]["apply.assembly"], r["counters"]
        lo, hi = (np.nan if v is None else v for v in timing["ci95"])
        stream = r["provenance"]["host"].get("stream") or np.nan
        rows.append(
            {
                "study": r["study"],
                "id": r["id"],
                "matrix": name,
                "policy": policy(r),
                "ranks": r.ranks,
                "cells": counters.get("cells", np.nan),
                "unknowns": counters.get("unknowns", np.nan),
                "nonzeros": counters.get("nonzeros", np.nan),
                "set_up": seconds(r, *SET_UP),
                "first": seconds(r, "prepare.first_assembly"),
                "time": timing["median"],
                "lo": lo,
                "hi": hi,
                "best": min(timing["samples"]),
                "hand_off": seconds(r, "apply.hand_off"),
                "rate": counters.get("nonzeros", np.nan) / timing["median"],
                "floor": counters.get("bytes", np.nan) / stream,
                "least": counters.get("bytes_least", np.nan) / stream,
                "preconditioner": seconds(r, "apply.preconditioner"),
                "solve": seconds(r, "apply.solve"),
            }
        )
    return pd.DataFrame(rows, columns=ASSEMBLY)


def policy(record: Record) -> str:
    """The policy that made the matrix: of "auto" the one that the record tells, if it does."""
    asked = record["case"].get("reduce", "auto")
    if asked != "auto" or record.data_file is None:
        return asked
    try:
        with h5py.File(record.data_file, "r") as file:
            if "matrix/reduce" not in file:
                return asked
            return file["matrix/reduce"].asstr()[()][0]
    except (OSError, TypeError, ValueError, IndexError):
        return asked


# ---- other codes ---------------------------------------------------------------------------------

PEERS = [
    "study", "id", "peer", "version", "matrix", "form", "dim", "n", "ranks", "nonzeros", "ratio",
    "q1", "q3", "target", "moho", "theirs", "moho_set_up", "moho_first", "set_up", "first",
    "difference",
]  # fmt: skip


def is_peer(record: Record) -> bool:
    """A comparison of assembly with another code."""
    return record["case"].get("what") == "re-assembly"


def peer_table(records: list[Record]) -> pd.DataFrame:
    """Sound comparisons of re-assembly with another code, in turns. Columns: PEERS; ratio: time of
    the peer over time of moho, median and quartiles over the rounds; times in s."""
    rows = []
    for r in records:
        m, t, case = r["metrics"], r["timings"], r["case"]
        if r["status"] not in SOUND or not is_peer(r) or not {"moho", "peer"} <= set(t):
            continue
        if not isinstance(m.get("ratio"), list) or not m["ratio"] or None in m["ratio"]:
            continue
        q1, ratio, q3 = np.percentile(m["ratio"], [25, 50, 75])
        known = {k: float(v) for k, v in m.items() if isinstance(v, (int, float))}
        rows.append(
            {
                "study": r["study"],
                "id": r["id"],
                "peer": case["method"],
                "version": case.get("version", case["method"]),
                "matrix": f"{case['problem']}, P{case.get('degree', 1)}, {case.get('n')}"
                + {2: "²", 3: "³"}.get(case.get("dim"), ""),
                "form": case["problem"],
                "dim": case.get("dim", 0),
                "n": case.get("n", 0),
                "ranks": case.get("ranks", r.ranks),
                "nonzeros": r["counters"].get("nonzeros", np.nan),
                "ratio": ratio,
                "q1": q1,
                "q3": q3,
                "target": known.get("target", np.nan),
                "moho": t["moho"]["median"],
                "theirs": t["peer"]["median"],
                "moho_set_up": known.get("moho_set_up", np.nan),
                "moho_first": known.get("moho_first", np.nan),
                "set_up": known.get("peer_set_up", np.nan),
                "first": known.get("peer_first", np.nan),
                "difference": known.get("difference_median", np.nan),
            }
        )
    table = pd.DataFrame(rows, columns=PEERS)
    return table.sort_values(["ranks", "form", "dim", "n", "matrix", "peer"], ignore_index=True)


# ---- error against time --------------------------------------------------------------------------

NORMS = {"l2_error": "L² error", "h1_error": "H¹ error", "rel_l2": "relative L² error"}
PRECISION = ["study", "id", "panel", "series", "n", "seconds", "lo", "hi", "error", "unknowns"]


def work_precision_table(records: list[Record], error: str = "l2_error") -> pd.DataFrame:
    """Sound cases of method `fem` with a known error: what it takes to assemble and solve once.

    Columns: PRECISION. panel: the problem; series: the element; seconds (median of `apply` without
    the evaluation at points) with lo, hi scaled from the interval of `apply`. Series of fewer than
    two meshes are left out.
    """
    rows = []
    sound = [
        r
        for r in records
        if r["status"] in SOUND
        and r["case"]["method"] == "fem"
        and isinstance(r["metrics"].get(error), (int, float))
        and r["metrics"][error] > 0
        and "apply.solve" in r["timings"]
    ]
    without = ("cell", "degree", "n", "method", "form")
    keys = [k for k in tables.varying_keys(sound, without) if not k.startswith("limit.")]
    for r in sound:
        spent = seconds(r, "apply.assembly", *SOLVE)
        apply = r["timings"]["apply"]
        lo, hi = (np.nan if v is None else v / apply["median"] * spent for v in apply["ci95"])
        rows.append(
            {
                "study": r["study"],
                "id": r["id"],
                "panel": tables.label(r, keys) if keys else r["case"]["problem"],
                "series": element(r),
                "n": r["case"].get("n", 0),
                "seconds": spent,
                "lo": lo,
                "hi": hi,
                "error": r["metrics"][error],
                "unknowns": r["counters"].get("unknowns", np.nan),
            }
        )
    table = pd.DataFrame(rows, columns=PRECISION)
    if table.empty:
        return table
    many = table.groupby(["panel", "series"])["seconds"].transform("size") > 1
    return table[many].sort_values(["panel", "series", "n"], ignore_index=True)


# ---- arrays --------------------------------------------------------------------------------------


def _why(wrong: Exception) -> str:
    return str(wrong).strip("\"'")[:200]


def _read(record: Record, what: str, wanted: str, read):
    """What `read(file)` gives; None where the file has no array `wanted`."""
    if record.data_file is None:
        return None
    try:
        with h5py.File(record.data_file, "r") as file:
            return read(file) if wanted in file else None
    except (OSError, KeyError, ValueError, TypeError, IndexError) as wrong:
        raise LoadError(f"{record.data_file}: {what} cannot be read ({_why(wrong)})") from wrong


def _numbers(file, name: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    values = file[name][()].astype(float)
    if shape is not None and values.shape != shape:
        raise ValueError(f"/{name} has the shape {values.shape} instead of {shape}")
    return values


@dataclass
class Field:
    """An answer at points of the plane."""

    record: Record
    point: np.ndarray  # (n, 2)
    value: np.ndarray  # (n, components)
    truth: np.ndarray  # the same; NaN where it is not known
    time: float | None  # of an evolution: the last one
    node_point: np.ndarray | None = None  # (nodes, 2): where the whole answer is known
    node_value: np.ndarray | None = None  # (nodes, components)


def read_field(record: Record) -> Field | None:
    """The answer of a case of task "field" (its last time); None where there is none."""

    def read(file):
        point = _numbers(file, "field/point")
        if point.ndim != 2 or point.shape[1] not in (2, 3):
            raise ValueError("/field/point is not (n, 2) or (n, 3)")
        value = _numbers(file, "field/value")
        if value.ndim != 2 or len(value) != len(point):
            raise ValueError("/field/value does not have one row per point")
        truth = _numbers(file, "field/truth", value.shape)
        time = None
        if "field/time" in file:
            times = _numbers(file, "field/time", (len(point),))
            time = float(times.max())
            last = times == time
            point, value, truth = point[last], value[last], truth[last]
        if "field/node_point" not in file:
            return Field(record, point, value, truth, time)
        node = _numbers(file, "field/node_point")
        if node.ndim != 2 or node.shape[1] != 2:
            raise ValueError("/field/node_point is not (nodes, 2)")
        nodal = _numbers(file, "field/node_value", (len(node), value.shape[1]))
        return Field(record, point, value, truth, time, node, nodal)

    return _read(record, "the field", "field/point", read)


@dataclass
class Grid:
    """Named values on a grid of squares: what was looked for, found, or given."""

    record: Record
    values: dict[str, np.ndarray]  # (ny, nx) each; row 0 is at the bottom
    size: tuple[float, float]


def read_design(record: Record) -> Grid | None:
    """The densities of an optimised design; None where there are none."""

    def read(file):
        density = _numbers(file, "design/density")
        if density.ndim != 2 or 0 in density.shape:
            raise ValueError("/design/density is no grid")
        width, height = _numbers(file, "design/size", (2,))
        if not (width > 0 and height > 0):
            raise ValueError("/design/size is not positive")
        return Grid(record, {"density": density}, (width, height))

    return _read(record, "the design", "design/density", read)


def read_conductivity(record: Record) -> Grid | None:
    """A coefficient that was looked for, what was found, and the data; None where there is none."""

    def read(file):
        found = _numbers(file, "field/conductivity")
        if found.ndim != 2 or 0 in found.shape:
            raise ValueError("/field/conductivity is no grid")
        truth = _numbers(file, "field/truth", found.shape)
        data = _numbers(file, "field/data", found.shape)
        values = {"data": data, "true": truth, "found": found, "found − true": found - truth}
        return Grid(record, values, (1.0, 1.0))

    return _read(record, "the coefficient", "field/conductivity", read)


def read_flow(record: Record) -> Grid | None:
    """The first coefficient of a batch and the answer to it; None where there is none."""

    def read(file):
        k, u = _numbers(file, "field/log_coefficient"), _numbers(file, "field/value")
        if k.ndim != 2 or u.ndim != 2 or not len(k) or not len(u):
            raise ValueError("/field/log_coefficient and /field/value are not (items, ..)")
        sides = [round(a.shape[1] ** 0.5) for a in (k, u)]
        if any(side * side != a.shape[1] for side, a in zip(sides, (k, u))):
            raise ValueError("items are no squares")
        squares = [a[0].reshape(side, side) for side, a in zip(sides, (k, u))]
        return Grid(record, dict(zip(("log coefficient", "answer"), squares)), (1.0, 1.0))

    return _read(record, "the coefficient", "field/log_coefficient", read)


@dataclass
class History:
    """A number per iteration or step."""

    record: Record
    name: str  # "compliance", "energy", "misfit"
    values: np.ndarray
    volume: np.ndarray | None = None  # of designs


def read_history(record: Record) -> History | None:
    """The compliance of each design, the energy of each step, or the misfit of each iteration."""

    def design(file):
        rows = _numbers(file, "history/design")
        if rows.ndim != 2 or rows.shape[1] < 2 or not len(rows):
            raise ValueError("/history/design is not (designs, 3)")
        return History(record, "compliance", rows[:, 0], rows[:, 1])

    def plain(name: str):
        def read(file):
            values = _numbers(file, f"history/{name}")
            if values.ndim != 1 or not len(values):
                raise ValueError(f"/history/{name} is not one-dimensional")
            return History(record, name, values)

        return read

    found = _read(record, "the history", "history/design", design)
    for name in ("energy", "misfit"):
        found = found or _read(record, "the history", f"history/{name}", plain(name))
    return found
