# SPDX-License-Identifier: BSD-3-Clause
"""Other codes beside moho: the same jobs, in turns in one run."""
from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from style import WIDTH, cycle, ink, legend_below, plain_log

MARKERS = "oD^sv"


def short(ratio: float) -> str:
    """Three digits without an exponent: 12.9, 1310."""
    return f"{float(f'{ratio:.3g}'):.10g}"


def look(name: str, names: list[str]) -> dict:
    """Colour and marker of a code."""
    i = names.index(name)
    return {"color": cycle()[i % len(cycle())], "marker": MARKERS[i % len(MARKERS)]}


def mark(axes, y: float, row, style: dict, half: float) -> None:
    """A ratio: a bar from row.low to row.high, its number at the right, a tick of 2 half at what
    is aimed for."""
    axes.plot(
        [row.low, row.high], [y, y], color=style["color"], linewidth=2.4, solid_capstyle="butt"
    )
    axes.plot(row.ratio, y, markersize=5, **style)
    axes.annotate(
        short(row.ratio),
        (row.high, y),
        textcoords="offset points",
        xytext=(7, 0),
        va="center",
        fontsize=7,
    )
    if np.isfinite(row.target):
        axes.plot([row.target] * 2, [y - half, y + half], color=ink(), linewidth=1.3)


def rows(axes, texts: list[str], table: pd.DataFrame) -> None:
    """Ratios upwards along rows of these names."""
    axes.axvline(1, color=ink("soft"), linewidth=0.9, zorder=1)
    axes.set_yticks(range(len(texts)), texts)
    axes.set(xscale="log", xlabel="time of peer / time of moho", ylim=(-0.6, len(texts) - 0.4))
    axes.set_xlim(min(0.8, table["low"].min() / 1.2), table["high"].max() * 2.2)
    axes.grid(axis="y", visible=False)
    plain_log(axes.xaxis)


def ratios(table: pd.DataFrame) -> Figure:
    """Time of other codes over time of moho, a row per job and a symbol per code; bars reach
    from `low` to `high`, upright ticks are what the project asks of itself."""
    names = list(dict.fromkeys(table["peer"]))
    jobs = list(dict.fromkeys(zip(table["ranks"], table["job"])))[::-1]
    figure = Figure(figsize=(WIDTH, 0.8 + 0.34 * len(jobs)), layout="constrained")
    axes = figure.subplots()
    for y, (ranks, job) in enumerate(jobs):
        for row in table[(table["ranks"] == ranks) & (table["job"] == job)].itertuples():
            at = y + 0.22 * ((len(names) - 1) / 2 - names.index(row.peer))
            mark(axes, at, row, look(row.peer, names), 0.13)
    one = table["ranks"].nunique() == 1 and jobs[0][0] == 1
    texts = [m if one else f"{m}, {r} {'rank' if r == 1 else 'ranks'}" for r, m in jobs]
    rows(axes, texts, table)
    handles = [Line2D([], [], linestyle="none", label=name, **look(name, names)) for name in names]
    if np.isfinite(table["target"]).any():
        handles.append(Line2D([], [], linestyle="none", marker="|", color=ink(), label="aim"))
    legend_below(figure, handles)
    return figure
