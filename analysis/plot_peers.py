# SPDX-License-Identifier: BSD-3-Clause
"""Other codes beside moho: the same jobs, in turns in one run."""
from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from plot_matrix import MARKERS
from plot_speed import short
from style import WIDTH, cycle, ink, legend_below, plain_log


def ratios(table: pd.DataFrame) -> Figure:
    """Time of other codes over time of moho, a row per job and a symbol per code; bars reach
    from `low` to `high`, upright ticks are what the project asks of itself."""
    names = list(dict.fromkeys(table["peer"]))
    jobs = list(dict.fromkeys(zip(table["ranks"], table["job"])))[::-1]
    figure = Figure(figsize=(WIDTH, 0.8 + 0.34 * len(jobs)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(1, color=ink("soft"), linewidth=0.9)
    for y, job in enumerate(jobs):
        part = table[(table["ranks"] == job[0]) & (table["job"] == job[1])]
        for row in part.itertuples():
            i = names.index(row.peer)
            colour = cycle()[i % len(cycle())]
            at = y + 0.22 * ((len(names) - 1) / 2 - i)
            axes.plot([row.low, row.high], [at, at], color=colour, linewidth=2.2)
            axes.plot(row.ratio, at, marker=MARKERS[i % len(MARKERS)], color=colour, markersize=5)
            axes.annotate(
                short(row.ratio),
                (row.high, at),
                textcoords="offset points",
                xytext=(7, 0),
                va="center",
                fontsize=7,
            )
            if np.isfinite(row.target):
                axes.plot([row.target] * 2, [at - 0.13, at + 0.13], color=ink(), linewidth=1.3)
    one = table["ranks"].nunique() == 1 and jobs[0][0] == 1
    texts = [m if one else f"{m}, {r} {'rank' if r == 1 else 'ranks'}" for r, m in jobs]
    axes.set_yticks(range(len(jobs)), texts)
    axes.set(xscale="log", xlabel="time of peer / time of moho", ylim=(-0.6, len(jobs) - 0.4))
    axes.set_xlim(min(0.8, table["low"].min() / 1.2), table["high"].max() * 2)
    axes.grid(axis="y", visible=False)
    plain_log(axes.xaxis)
    handles = [
        Line2D([], [], linestyle="none", marker=MARKERS[i % len(MARKERS)],
               color=cycle()[i % len(cycle())], label=name)
        for i, name in enumerate(names)
    ]  # fmt: skip
    if np.isfinite(table["target"]).any():
        handles.append(Line2D([], [], linestyle="none", marker="|", color=ink(), label="aim"))
    legend_below(figure, handles)
    return figure
