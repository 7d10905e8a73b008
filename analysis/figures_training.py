# SPDX-License-Identifier: BSD-3-Clause
"""Figures of trained networks that the records of a study give."""
from __future__ import annotations

import h5py
import numpy as np

import load
import plot_training
from figure import Drawn, Figure, slug
from plot_training import Curve, Reached

MEASURES = {  # metric -> how it is called; the first that all have is drawn
    "mean_rel_l2": "mean relative L² error",
    "rel_l2": "relative L² error",
    "l2re": "relative L² error",
}
WITHOUT = ("problem", "task", "method")


def is_training(record: load.Record) -> bool:
    return "train_seconds" in record["metrics"] and record["status"] != "failed"


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
    best = reached[0]
    drawn.figures.append(
        Figure(
            name=slug(f"{study}-training-{problem}"),
            caption=text + ".",
            make=lambda: plot_training.training(curves, reached, MEASURES[measure]),
            records=part,
            quote=f"{best.name} reaches a {MEASURES[measure]} of {best.error:.2g}.",
            kind="training",
        )
    )


def _curve(record: load.Record) -> Curve:
    with h5py.File(record.data_file, "r") as file:
        history = file["history"]
        return Curve(
            _name(record),
            history["epoch"][...],
            history["loss"][...],
            history["validation"][...] if "validation" in history else np.full(len(history["loss"]), np.nan),
            record["status"] == "partial",
        )
