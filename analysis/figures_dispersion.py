# SPDX-License-Identifier: BSD-3-Clause
"""Figures of curves, ellipticity, kernels, accuracy and status that the records of a study give."""
from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pandas as pd

import load
import plot_accuracy
import plot_curves
import plot_sureness
import tables
import tables_speed
from figure import Drawn, Figure, slug

MANY = 200  # errors from which on their distribution says more than each of them
KERNEL_MODELS = 3  # models of a study whose kernels are shown


def add(study: str, records: list[load.Record], max_curves: int, drawn: Drawn) -> None:
    """Adds what these records give to `drawn`."""
    _statuses(study, records, drawn)
    _dispersion(study, records, max_curves, drawn)


# ---- curves and accuracy -------------------------------------------------------------------------


def _read(records: list[load.Record], drawn: Drawn) -> tuple[pd.DataFrame, dict, dict]:
    """Curves of the records (column `id` added), the models by name, and the names by (id, name in
    the file). A name that stands in several cases gets what sets its case apart: "crust (layers =
    5)"."""
    found = []
    for record in records:
        try:
            if record.data_file is None or not load.has_group(record.data_file, "curve"):
                continue
            curves, models = load.read_curves(record.data_file), load.read_models(record.data_file)
            found.append((record, curves, models))
        except load.LoadError as error:
            text = str(error).removeprefix(f"{record.data_file}: ")
            drawn.problems.append(load.Problem(record.data_file, text))
    keys = tables.varying_keys([record for record, _, _ in found], ())
    labels = [tables.label(record, keys) for record, _, _ in found]
    uses = Counter(name for _, _, models in found for name in models)
    parts, of_name, shown_as = [], {}, {}
    for (record, curves, models), text in zip(found, labels):
        apart = text if labels.count(text) == 1 else record["id"]
        names = {n: f"{n} ({apart})" if uses[n] > 1 else n for n in models}
        of_name |= {names[n]: model for n, model in models.items()}
        shown_as |= {(record["id"], n): names[n] for n in models}
        parts.append(curves.assign(name=curves["name"].map(names), id=record["id"]))
    empty = pd.DataFrame(columns=[*load.CURVE_COLUMNS, "id"])
    return (pd.concat(parts, ignore_index=True) if parts else empty), of_name, shown_as


def choose(curves: pd.DataFrame, errors: pd.DataFrame, count: int) -> list[str]:
    """Models to show: half of them the first of each case, half those with the largest errors.
    Numbered draws of one kind ("gradient-0", "gradient-1", ..) are alike: then the first alone."""
    names = list(dict.fromkeys(curves["name"]))
    stems = {re.sub(r"[-_ ]?\d+( \(.*\))?$", "", name) for name in names}
    if len(stems) == 1 and len(names) > 1:
        return names[: min(count, 1)]
    if len(names) <= count:
        return names
    first = list(dict.fromkeys(curves.drop_duplicates("id")["name"]))
    worst = list(errors.groupby("name")["error"].max().sort_values(ascending=False).index)
    half = (count + 1) // 2
    return list(dict.fromkeys(first[:half] + worst + first + names))[:count]


def _dispersion(study: str, records: list[load.Record], max_curves: int, drawn: Drawn) -> None:
    curves, models, shown_as = _read(records, drawn)
    if curves.empty:
        if any(r.data_file and r["case"]["problem"].startswith("dispersion") for r in records):
            drawn.missing.append("dispersion curves (no case has curves that can be read)")
        return
    errors, checks = tables.accuracy_table(curves), tables.check_table(records)
    names = choose(curves, errors, max_curves)
    total = curves["name"].nunique()
    for name in names:
        part = curves[curves["name"] == name]
        drawn.figures.append(
            Figure(
                f"{slug(study)}-curves-{slug(name)}",
                _curves_caption(name, part, len(names), total),
                lambda part=part, name=name: plot_curves.dispersion_curves(
                    part, {name: models[name]}
                ),
                _of(records, part),
            )
        )
    _ellipticity(study, records, curves[curves["name"].isin(names)], drawn)
    _kernels(study, records, {k: n for k, n in shown_as.items() if n in names}, models, drawn)
    if errors.empty:
        drawn.missing.append("accuracy (no case has curves with a known truth)")
    else:
        drawn.figures += _accuracy_figures(study, records, errors, checks)


def _of(records: list[load.Record], table: pd.DataFrame) -> list[load.Record]:
    ids = set(table["id"])
    return [r for r in records if r["id"] in ids]


def _curves_caption(name: str, part: pd.DataFrame, shown: int, total: int) -> str:
    modes, periods = part["mode"].nunique(), part["period"].nunique()
    counts = part["status"].value_counts()
    known = np.isfinite(part["truth_phase"].astype(float)).any()
    velocities = plot_curves.shown_velocities(part)
    text = (
        f"Dispersion of the model {name}: {' velocity above '.join(velocities)} velocity, "
        f"{modes} {'mode' if modes == 1 else 'modes'} at {periods} periods."
    )
    text += " Circles are the reference." if known else " No reference is known for this model."
    special = [
        f"{counts[s]} {t}"
        for s, t in (
            ("absent", "where the mode is not trapped"),
            ("extended", "certified in extended precision"),
            ("multivalued", "on folds"),
            ("failed", "not certified"),
        )
        if counts.get(s, 0)
    ]
    if special:
        text += f" Of {len(part)} points: {', '.join(special)}."
    if total > shown:
        text += f" ({shown} of {total} models are shown; the others are in data.h5.)"
    return text


def _accuracy_figures(
    study: str, records: list[load.Record], errors: pd.DataFrame, checks: pd.DataFrame
) -> list[Figure]:
    mine = [r for r in records if r.data_file]
    worst = errors.groupby("quantity")["error"].max()
    values = ", ".join(f"{q} velocity {worst[q]:.1e}" for q in ("phase", "group") if q in worst)
    points = f"{len(errors[errors['quantity'] == 'phase'])} points"
    each = "Each symbol is one period; within a model the modes stand from left to right."
    both = [
        Figure(
            f"{slug(study)}-accuracy",
            f"Relative error against the reference, {points}; the largest: {values}. {each} Lines "
            "are the limits of the study's own checks; exact agreement is drawn at the lower edge.",
            lambda: plot_accuracy.accuracy(errors, checks),
            mine,
        ),
        Figure(
            f"{slug(study)}-errors",
            "Share of points whose relative error is larger than the abscissa. A limit on a "
            "quantile is met where the curve passes below its triangle.",
            lambda: plot_accuracy.error_distribution(errors, checks),
            mine,
        ),
    ]
    return both if len(errors) >= MANY else both[:1]


# ---- ellipticity and kernels ---------------------------------------------------------------------


def _ellipticity(study: str, records, curves: pd.DataFrame, drawn: Drawn) -> None:
    known = curves[(curves["wave"] == "rayleigh") & np.isfinite(curves["ellipticity"])]
    names = list(dict.fromkeys(known["name"]))[: plot_curves.MAX_ROWS]
    alike = len(names) < 2 and not np.isfinite(known["truth_ellipticity"]).any()
    if not names or alike:  # one of many draws, of which nothing is known, shows nothing
        return
    part = curves[curves["name"].isin(names)]
    text = (
        "Ellipticity of Rayleigh waves at the top of the solid against period: horizontal over "
        "vertical displacement, positive where the motion is retrograde. The axis is linear "
        f"up to {plot_curves.LINEAR:g} in size and logarithmic beyond; a line is cut where the "
        "vertical motion passes through zero."
    )
    truth = known["truth_ellipticity"]
    if np.isfinite(truth).any():
        error = (known["ellipticity"] - truth).abs() / truth.abs().clip(lower=1e-3)
        text += (
            " Circles are the reference; the largest difference, relative to the value or to 1e-3, "
            f"is {error.max():.1e} over {int(np.isfinite(error).sum())} points."
        )
    drawn.figures.append(
        Figure(
            f"{slug(study)}-ellipticity",
            text,
            lambda: plot_curves.ellipticity(part),
            _of(records, known),
        )
    )


def _kernels(study: str, records, shown_as: dict, models: dict, drawn: Drawn) -> None:
    """Kernels of the shown models that have some: a figure each, KERNEL_MODELS at most."""
    made: list[Figure] = []
    for record in records:
        if record.data_file is None:
            continue
        try:
            kernels = load.read_kernels(record.data_file)
            for name in dict.fromkeys(kernels["name"]):
                full = shown_as.get((record["id"], name))
                if full is None or len(models[full]) < 2:
                    continue
                part = kernels[kernels["name"] == name]
                plot_curves.check_kernels(part, models[full])
                if plot_curves.kernel_names(part):
                    made.append(_kernel_figure(study, record, full, part, models[full]))
        except (load.LoadError, ValueError) as error:
            text = str(error).removeprefix(f"{record.data_file}: ")
            drawn.problems.append(load.Problem(record.data_file, text))
    drawn.figures += made[:KERNEL_MODELS]


def _kernel_figure(study: str, record, name: str, kernels: pd.DataFrame, model) -> Figure:
    mode = kernels["mode"].min()
    periods = plot_curves.kernel_periods(kernels[kernels["mode"] == mode])
    what = "fundamental mode" if mode == 0 else f"overtone {mode}"
    text = (
        f"Sensitivity kernels of the model {name} against depth, {what}, at {len(periods)} "
        "periods: exact partial derivatives per layer, all else held fixed (v\u209a fixed where v\u209b "
        "varies). Derivatives to velocity and density are divided by the layer's thickness; the "
        "half-space, which has none, is not drawn."
    )
    return Figure(
        f"{slug(study)}-kernels-{slug(name)}",
        text,
        lambda: plot_curves.kernel_panels(kernels, model),
        [record],
    )


# ---- status --------------------------------------------------------------------------------------


def _statuses(study: str, records: list[load.Record], drawn: Drawn) -> None:
    table = tables_speed.status_table(records)
    if table.empty:
        if any("block" in r["case"] for r in records):
            drawn.missing.append("points by status (no block counts every status)")
        return
    blocks = table[table["state"] == "ok"]
    total = table.groupby("state")["count"].sum()
    roots = total.sum()
    shares = ", ".join(
        f"{s} {total[s] / roots:.2g}" for s in ("extended", "multivalued", "channel", "failed")
    )
    text = (
        f"How sure the answers are: {roots:.0f} points with a root, of {blocks['models'].sum()} "
        f"models in {len(blocks)} blocks. Shares: {shares}. Bars are sums over the blocks with "
        "their counts, ticks the share in each block. `failed` points have no value; no other "
        "point lacks its certificate."
    )
    drawn.figures.append(
        Figure(
            f"{slug(study)}-status",
            text,
            lambda: plot_sureness.statuses(table),
            _of(records, table),
        )
    )
