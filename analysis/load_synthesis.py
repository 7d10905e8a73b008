# SPDX-License-Identifier: BSD-3-Clause
"""What a study concludes from its cases, and the arrays behind it.

A *row* is a case of a cross-validation: prepared on one space, asked about all. A *synthesis* is a
record beside the cases whose `case.synthesis` says what was concluded from them: a generalization
matrix ("cross-validation") or a rate ("convergence"). Arrays that are not as they should be raise
LoadError, whose text names the file.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from load import LoadError, Record, strings

MATRIX, RATE = "cross-validation", "convergence"


def is_row(record: Record) -> bool:
    """A case of a cross-validation: prepared on one space, asked about several."""
    return "prepared_on" in record["case"]


def synthesis(record: Record) -> str | None:
    """MATRIX, RATE, or None for what is a case."""
    return record["case"].get("synthesis")


def points(records: list[Record]) -> list[Record]:
    """The plain cases: neither rows nor conclusions."""
    return [r for r in records if not is_row(r) and synthesis(r) is None]


def never_made(what: str, cases: list[Record]) -> str:
    """Why a conclusion has no record, in words, from the cases that it would rest on."""
    failed = sum(r["status"] == "failed" for r in cases)
    why = f"{failed} of its {len(cases)} cases failed" if failed else "run the study to its end"
    return f"{what} is missing: {why}"


def metric(record: Record, name: str) -> float:
    """One number of a record; NaN where it has none."""
    value = record["metrics"].get(name)
    return float(value) if isinstance(value, (int, float)) else np.nan


# ---- generalization matrix -----------------------------------------------------------------------


@dataclass
class Matrix:
    """values[a, b]: prepared on space a, asked about space b."""

    record: Record
    labels: list[str]
    families: list[str]
    values: np.ndarray  # (n, n), the metric `case.error`; NaN = not known
    contains: np.ndarray  # (n, n) bool: space b lies within space a
    rows: list[str]  # ids of the rows' records
    row: dict[str, np.ndarray] = field(default_factory=dict)  # the rows' own metrics

    @property
    def tau(self) -> float:
        return float(self.record["case"]["tau"])

    @property
    def error(self) -> str:
        return self.record["case"]["error"]

    @property
    def broadest(self) -> str | None:
        """The space whose row has the smallest worst error."""
        index = metric(self.record, "broadest")
        return self.labels[int(index)] if 0 <= index < len(self.labels) else None


def _open(path: Path | None, record: Record):
    if path is None:
        raise LoadError(f"{record.path}: has no data.h5")
    return h5py.File(path, "r")


def _sized(name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if array.shape != shape:
        raise ValueError(f"/{name} has the shape {array.shape} instead of {shape}")
    return array


def read_matrix(record: Record) -> Matrix:
    """The matrix of a cross-validation."""
    path, error = record.data_file, record["case"]["error"]
    try:
        with _open(path, record) as file:
            labels, families = strings(file["matrix/label"]), strings(file["matrix/family"])
            rows, n = strings(file["row/id"]), len(labels)
            if n == 0 or len(families) != n or len(rows) != n or len(set(labels)) != n:
                raise ValueError(
                    "/matrix/label, /matrix/family and /row/id do not name spaces, each once"
                )
            values = _sized(f"matrix/{error}", file[f"matrix/{error}"][()], (n, n)).astype(float)
            values = np.abs(values)  # some errors have a sign
            contains = _sized("matrix/contains", file["matrix/contains"][()], (n, n)) != 0
            row = {
                key: _sized(f"row/{key}", file[f"row/{key}"][()], (n,)).astype(float)
                for key in file["row"]
                if key != "id"
            }
    except (OSError, KeyError, ValueError, TypeError) as wrong:
        raise LoadError(f"{path}: the matrix cannot be read ({_why(wrong)})") from wrong
    return Matrix(record, labels, families, values, contains, rows, row)


# ---- rates ---------------------------------------------------------------------------------------


@dataclass
class Rate:
    """Errors along an axis and what was fitted to them."""

    record: Record
    x: np.ndarray
    error: np.ndarray
    used: np.ndarray  # bool: the fit rests on it
    ids: list[str]  # of the cases
    reason: str  # why there is no rate; "" if there is one

    @property
    def axis(self) -> str:
        return self.record["case"]["axis"]

    @property
    def measure(self) -> str:
        return self.record["case"]["error"]

    @property
    def down(self) -> bool:
        """Small values of the axis are the fine ones."""
        return self.record["case"]["refine"] == "down"

    @property
    def expected(self) -> float | None:
        return self.record["case"].get("expected")

    def number(self, name: str) -> float:
        """`rate_<name>` of the record, "" for the rate itself; NaN where there is no rate."""
        return metric(self.record, f"rate_{name}" if name else "rate")

    @property
    def found(self) -> bool:
        return bool(np.isfinite(self.number("")))

    @property
    def replicated(self) -> bool:
        """Some value of the axis has several of the points that the fit rests on."""
        x = self.x[self.used.astype(bool)]
        return len(np.unique(x)) < len(x)


def read_rate(record: Record) -> Rate:
    """The points and the fit of a convergence."""
    path = record.data_file
    try:
        with _open(path, record) as file:
            group = file["convergence"]
            x = group["x"][()].astype(float)
            error = _sized("convergence/error", group["error"][()], x.shape).astype(float)
            used = _sized("convergence/used", group["used"][()], x.shape) != 0
            ids, reason = strings(group["id"]), "".join(strings(group["reason"]))
            if x.ndim != 1 or len(ids) != len(x):
                raise ValueError("/convergence/id does not have one entry per point")
            if not (np.isfinite(x).all() and (x > 0).all()):
                raise ValueError("/convergence/x is not positive")
        rate = Rate(record, x, error, used, ids, reason)
        parts = ("low", "high", "from", "to", "constant")
        if rate.found and not all(np.isfinite(rate.number(p)) for p in parts):
            raise ValueError("a rate without its interval, range or constant")
        if rate.found == bool(reason):
            raise ValueError(
                "a rate and a reason why there is none" if reason else "no rate and no reason"
            )
    except (OSError, KeyError, ValueError, TypeError) as wrong:
        raise LoadError(f"{path}: the rate cannot be read ({_why(wrong)})") from wrong
    return rate


# ---- what rows keep ------------------------------------------------------------------------------


def read_history(record: Record) -> tuple[np.ndarray, np.ndarray] | None:
    """(iteration, loss) of a training; None where none is kept."""
    if record.data_file is None:
        return None
    try:
        with h5py.File(record.data_file, "r") as file:
            if "history" not in file:
                return None
            loss = file["history/loss"][()].astype(float)
            iteration = file["history/iteration"][()].astype(float)
            if loss.ndim != 1:
                raise ValueError("/history/loss is not one-dimensional")
            return _sized("history/iteration", iteration, loss.shape), loss
    except (OSError, KeyError, ValueError, TypeError) as wrong:
        raise LoadError(
            f"{record.data_file}: the history cannot be read ({_why(wrong)})"
        ) from wrong


@dataclass
class Probe:
    """What a method answered to unit inputs: column j of `answer` to the j-th one."""

    record: Record
    answer: np.ndarray  # (outputs, inputs)
    exact: np.ndarray  # the same of the exact operator
    inverse: np.ndarray | None  # of the square part of the answer; NaN where it has none
    x: np.ndarray | None  # where the unit inputs stand, if on a line

    @property
    def nodes(self) -> np.ndarray | None:
        """Where the outputs stand, on a line: at all inputs or at those within."""
        if self.x is None or len(self.x) - len(self.answer) not in (0, 2):
            return None
        return self.x if len(self.answer) == len(self.x) else self.x[1:-1]

    @property
    def difference(self) -> float:
        """||answer - exact|| / ||exact||, Frobenius."""
        return float(np.linalg.norm(self.answer - self.exact) / np.linalg.norm(self.exact))


def read_probe(record: Record) -> Probe | None:
    """The answers of a row to unit inputs; None where it was not probed."""
    if record.data_file is None:
        return None
    try:
        with h5py.File(record.data_file, "r") as file:
            if "probe" not in file:
                return None
            answer = file["probe/answer"][()].astype(float)
            if answer.ndim != 2 or 0 in answer.shape:
                raise ValueError("/probe/answer is no matrix")
            exact = _sized("probe/exact", file["probe/exact"][()], answer.shape).astype(float)
            inverse = file["probe/inverse"][()].astype(float) if "probe/inverse" in file else None
            if inverse is not None and (inverse.ndim != 2 or len(set(inverse.shape)) != 1):
                raise ValueError("/probe/inverse is not square")
            x = file["probe/x"][()].astype(float) if "probe/x" in file else None
            if x is not None:
                _sized("probe/x", x, answer.shape[1:])
            return Probe(record, answer, exact, inverse, x)
    except (OSError, KeyError, ValueError, TypeError) as wrong:
        raise LoadError(f"{record.data_file}: the probe cannot be read ({_why(wrong)})") from wrong


def _why(wrong: Exception) -> str:
    text = str(wrong).strip("\"'")
    return text if len(text) <= 200 else text[:200] + " ..."
