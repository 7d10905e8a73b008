# SPDX-License-Identifier: BSD-3-Clause
"""Figures of trained networks that the records of a study give."""
from __future__ import annotations

import h5py
import numpy as np

import load
import plot_training
from figure import Drawn, Figure, slug
from plot_training import Curve, Reached
from tables import MEASURES, NOT_ASKED, SOUND, TRIVIAL, is_training


def add(study: str, records: list[load.Record], drawn: Drawn) -> None:
    """Adds a figure for each problem on which something was trained."""
    problems: dict[str, list[load.Record]] = {}
    for record in records:
        if record["status"] != "failed":
            problems.setdefault(str(record["case"].get("problem")), []).append(record)
    for problem, part in problems.items():
        trained = [r for r in part if is_training(r)]
        if trained and len(part) <= 4 * plot_training.MOST_CURVES:
            _figure(study, problem, part, trained, drawn)


def _name(record: load.Record) -> str:
    return record["id"].rsplit("-", 1)[0]


def _figure(study: str, problem: str, part: list, trained: list, drawn: Drawn) -> None:
    measure = next((m for m in MEASURES if all(m in r["metrics"] for r in part)), None)
    if measure is None:
        return
    curves = []
    for record in trained:
        try:
            curves.append(_curve(record))
        except (OSError, KeyError) as error:
            drawn.missing.append(f"learning curve of {record['id']} ({error})")
    reached = [
        Reached(_name(r), r["metrics"][measure], is_training(r))
        for r in part
        if r["metrics"][measure] is not None and np.isfinite(r["metrics"][measure])
    ]
    reached.sort(key=lambda one: one.error)
    if not curves or not reached:
        return
    unfinished = [_name(r) for r in trained if r["status"] == "partial"]
    text = (
        "Learning curves (thin: training loss, thick: validation) and the error on test items that "
        "nobody trained on, beside the answers that need no network (hollow)"
    )
    if unfinished:
        text += f". Training goes on in a later run: {', '.join(unfinished)}"
    drawn.figures.append(
        Figure(
            name=slug(f"{study}-training-{problem}"),
            caption=text + ".",
            make=lambda: plot_training.training(curves, reached, MEASURES[measure]),
            records=part,
            quote=_quote(part, measure),
            kind="learning",
        )
    )


def _error(record: load.Record, measure: str) -> float:
    value = record["metrics"][measure]
    return np.inf if value is None or not np.isfinite(value) else value


def _same_question(a: load.Record, b: load.Record) -> bool:
    """Whether two cases of one problem ask it with the same parameters."""
    a, b = a["case"], b["case"]
    shared = {key for key in a.keys() & b.keys() - NOT_ASKED if not key.startswith("limit.")}
    return all(a[key] == b[key] for key in shared)


def _quote(part: list[load.Record], measure: str) -> str:
    """Of the best network that was trained here, and the best of what it has to beat; "" where no
    training is sound."""
    trained = [r for r in part if is_training(r) and r["status"] in SOUND]
    best = min(trained, key=lambda r: _error(r, measure), default=None)
    if best is None or not np.isfinite(_error(best, measure)):
        return ""
    so_far = " so far" if best["status"] == "partial" else ""
    text = f"{_name(best)} reaches a {MEASURES[measure]} of {_error(best, measure):.2g}{so_far}"
    rivals = [r for r in part if r["case"]["method"] in TRIVIAL and _same_question(r, best)]
    rival = min(rivals, key=lambda r: _error(r, measure), default=None)
    if rival is not None and _error(rival, measure) <= _error(best, measure):
        text += f"; it does not beat {_name(rival)} ({_error(rival, measure):.2g})"
    return text + "."


def _curve(record: load.Record) -> Curve:
    if record.data_file is None:
        raise KeyError("its record has no data.h5")
    with h5py.File(record.data_file, "r") as file:
        history = file["history"]
        epochs = len(history["loss"])
        return Curve(
            _name(record),
            history["epoch"][...],
            history["loss"][...],
            history["validation"][...] if "validation" in history else np.full(epochs, np.nan),
            record["status"] == "partial",
        )
