# SPDX-License-Identifier: BSD-3-Clause
"""Which figures the records of a study give, with captions; and, where one is missing, why.

A figure is drawn from records alone: nothing here knows a value that is not in them.
"""
from __future__ import annotations

import base64
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Callable

import numpy as np
import pandas as pd

import load
import plots
import style
import tables


MANY = 200  # errors from which on their distribution says more than each of them


@dataclass
class Figure:
    """A figure of the page. `make` draws it anew in whatever theme is set."""

    name: str
    caption: str
    make: Callable
    pictures: dict[str, bytes] = field(default_factory=dict)

    def draw(self) -> None:
        self.pictures = {
            "light": style.render(self.make, "light"),
            "dark": style.render(self.make, "dark"),
            "pdf": style.render(self.make, "light", "pdf"),
        }

    def uri(self, kind: str) -> str:
        media = "application/pdf" if kind == "pdf" else "image/png"
        return f"data:{media};base64,{base64.b64encode(self.pictures[kind]).decode()}"


@dataclass
class Drawn:
    """The figures of one study, what could not be drawn and why, and files that cannot be read."""

    figures: list[Figure] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    problems: list[load.Problem] = field(default_factory=list)


def slug(text: str) -> str:
    """A name that is safe as a file name and as an anchor."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-") or "figure"


def of_study(study: str, records: list[load.Record], max_curves: int = 6) -> Drawn:
    """Every figure that the records of one study give."""
    drawn = Drawn()
    _throughput(study, records, drawn)
    _scaling(study, records, drawn)
    _dispersion(study, records, max_curves, drawn)
    return drawn


# ---- curves and accuracy -------------------------------------------------------------------------


def _read(records: list[load.Record], drawn: Drawn) -> tuple[pd.DataFrame, dict]:
    """Curves of the records (column `id` added) and the models by name. A name that stands in
    several cases gets what sets its case apart: "crust (layers = 5)"."""
    found = []
    for record in records:
        if record.data_file is None:
            continue
        try:
            curves, models = load.read_curves(record.data_file), load.read_models(record.data_file)
            found.append((record, curves, models))
        except load.LoadError as error:
            text = str(error).removeprefix(f"{record.data_file}: ")
            drawn.problems.append(load.Problem(record.data_file, text))
    keys = tables.varying_keys([record for record, _, _ in found], ())
    labels = [tables.label(record, keys) for record, _, _ in found]
    uses = Counter(name for _, _, models in found for name in models)
    parts, of_name = [], {}
    for (record, curves, models), text in zip(found, labels):
        apart = text if labels.count(text) == 1 else record["id"]
        names = {n: f"{n} ({apart})" if uses[n] > 1 else n for n in models}
        of_name |= {names[n]: model for n, model in models.items()}
        parts.append(curves.assign(name=curves["name"].map(names), id=record["id"]))
    empty = pd.DataFrame(columns=[*load.CURVE_COLUMNS, "id"])
    return (pd.concat(parts, ignore_index=True) if parts else empty), of_name


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
    curves, models = _read(records, drawn)
    if curves.empty:
        if any(r.data_file for r in records):
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
                lambda part=part, name=name: plots.dispersion_curves(part, {name: models[name]}),
            )
        )
    if errors.empty:
        drawn.missing.append("accuracy (no case has curves with a known truth)")
    else:
        drawn.figures += _accuracy_figures(study, errors, checks)


def _curves_caption(name: str, part: pd.DataFrame, shown: int, total: int) -> str:
    modes, periods = part["mode"].nunique(), part["period"].nunique()
    counts = part["status"].value_counts()
    known = np.isfinite(part["truth_phase"].astype(float)).any()
    text = (
        f"Dispersion of the model {name}: phase velocity above group velocity, "
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


def _accuracy_figures(study: str, errors: pd.DataFrame, checks: pd.DataFrame) -> list[Figure]:
    worst = errors.groupby("quantity")["error"].max()
    values = ", ".join(f"{q} velocity {worst[q]:.1e}" for q in ("phase", "group") if q in worst)
    points = f"{len(errors[errors['quantity'] == 'phase'])} points"
    each = "Each symbol is one period; within a model the modes stand from left to right."
    both = [
        Figure(
            f"{slug(study)}-accuracy",
            f"Relative error against the reference, {points}; the largest: {values}. {each} Lines "
            "are the limits of the study's own checks; exact agreement is drawn at the lower edge.",
            lambda: plots.accuracy(errors, checks),
        ),
        Figure(
            f"{slug(study)}-errors",
            "Share of points whose relative error is larger than the abscissa. A limit on a "
            "quantile is met where the curve passes below its triangle.",
            lambda: plots.error_distribution(errors, checks),
        ),
    ]
    return both if len(errors) >= MANY else both[:1]


# ---- speed ---------------------------------------------------------------------------------------


def _throughput(study: str, records: list[load.Record], drawn: Drawn) -> None:
    table = tables.throughput_table(records)
    if table.empty:
        if len({r["case"].get("layers") for r in records} - {None}) > 1:
            drawn.missing.append(
                "throughput (no valid case has the figure of merit curves_per_second)"
            )
        return
    best = table.loc[table["curves_per_second"].idxmax()]
    text = (
        "Speed against the number of layers, up to "
        f"{_plain(best['curves_per_second'])} curves per second at {best['layers']} layers "
        f"({best['series']}). One curve is phase and group velocity of the fundamental "
        "mode of one wave over all periods; each root's certificate is included. Bars: "
        "95 % interval of the median time."
    )
    if np.isfinite(table["gemm_fraction"]).any():
        text += (
            " The share of the matrix-product rate is relative to that measured on the same cores."
        )
    else:
        text += " The machine's own rates are not in these records, so no share of them is shown."
    drawn.figures.append(Figure(f"{slug(study)}-throughput", text, lambda: plots.throughput(table)))


def _plain(value: float) -> str:
    """Four digits without an exponent where that is short: 12.34, 10240."""
    return f"{float(f'{value:.4g}'):.10g}"


def crowded(record: load.Record) -> bool:
    """More ranks on a node than it has cores: such times say nothing about scaling."""
    hosts = pd.Series([b["host"] for b in record["provenance"]["run"]["binding"]])
    threads = record["provenance"]["run"]["threads"]
    return bool(hosts.value_counts().max() * threads > record["provenance"]["host"]["cores"])


def _scaling(study: str, records: list[load.Record], drawn: Drawn) -> None:
    table = tables.scaling_table(records)
    if table.empty:
        if any("ranks" in r["case"] for r in records):
            have = sorted({r.ranks for r in records})
            drawn.missing.append(
                f"scaling (needs the same case at two rank counts; here: "
                f"{', '.join(map(str, have))}. "
                "Run the study again under another number of ranks into the same folder)"
            )
        return
    last = table.loc[table["ranks"].idxmax()]
    text = (
        f"Strong scaling: speed-up over {last['base']} "
        f"{'rank' if last['base'] == 1 else 'ranks'}, efficiency, and how evenly "
        "the work was spread. "
        f"At {last['ranks']} ranks: speed-up {last['speedup'] * 1.0:.3g}, efficiency "
        f"{last['efficiency']:.0%}. Bars: 95 % interval of the median time."
    )
    if not table["same_work"].all():
        text += " Caution: the counters differ between rank counts, so the work was not the same."
    ids = set(table["id"])
    if crowds := sorted({r.ranks for r in records if r["id"] in ids and crowded(r)}):
        text += (
            f" Caution: at {', '.join(map(str, crowds))} ranks there were more ranks than cores; "
            "these points say nothing about scaling."
        )
    drawn.figures.append(Figure(f"{slug(study)}-scaling", text, lambda: plots.scaling(table)))
