# SPDX-License-Identifier: BSD-3-Clause
"""Figures of how sure answers are: what solvers make of published points, points by status."""
from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import tables_speed
from style import WIDTH, cycle, ink, legend_below

WORDS = tables_speed.RELIABILITY[1:]


def _count(value: float) -> str:
    return f"{int(value):,}".replace(",", "\u202f")


def reliability(table: pd.DataFrame) -> Figure:
    """A row per solver, a panel per way of failing: bars are shares of the published points
    (logarithmic; none where there is none), numbers are counts."""
    table = table.iloc[::-1]
    words = WORDS
    figure = Figure(figsize=(WIDTH, 0.75 + 0.3 * len(table)), layout="constrained")
    grid = figure.subplots(1, len(words), sharey=True)
    y = np.arange(len(table))
    for axes, word in zip(grid, words):
        share = table[word] / table["points"]
        low = 10.0 ** np.floor(np.log10(0.5 / table["points"].max()))
        for k, (value, count) in enumerate(zip(share, table[word])):
            own = str(table["solver"].iloc[k]).startswith("moho")
            if count:
                axes.barh(k, value - low, left=low, height=0.62, color=cycle()[0 if own else 1])
            axes.annotate(
                _count(count),
                (max(value, low), k),
                textcoords="offset points",
                xytext=(3, 0),
                va="center",
                fontsize=7.5,
            )
        axes.set(xscale="log", xlim=(low, 40), title=word.capitalize())
        axes.set_xticks([1e-4, 1e-2, 1], ["0.01", "1", "100"])
        axes.minorticks_off()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("share of points (%)")
    names = [
        f"{row.solver}\n{row.ok / row.points:.2%} of {_count(row.points)} ok"
        for row in table.itertuples()
    ]
    grid[0].set_yticks(y, names, fontsize=7.5)
    grid[0].set_ylim(-0.6, len(table) - 0.4)
    figure.set_figheight(0.8 + 0.36 * len(table))
    return figure


STATE_TEXT = {
    "ok": "certified in double precision",
    "channel": "certified, buried channel",
    "extended": "certified in extended precision",
    "multivalued": "several roots: a fold",
    "failed": "not certified",
}


def statuses(table: pd.DataFrame) -> Figure:
    """Points that have a root by status: left the share over all blocks with the count, right the
    spread of the share from block to block."""
    series = list(dict.fromkeys(table["series"]))
    states = list(tables_speed.STATES)
    figure = Figure(
        figsize=(WIDTH, 1.1 + 0.36 * len(states) * max(1, 0.6 * len(series))), layout="constrained"
    )
    left, right = figure.subplots(1, 2, sharey=True)
    low, handles = 1.0, []
    total = table.groupby(["series", "state"])[["count", "roots"]].sum()
    for name in series:
        low = min(low, 0.3 / max(1.0, total.loc[name]["roots"].max()))
    low = 10 ** np.floor(np.log10(low))
    height = 0.7 / len(series)
    for i, name in enumerate(series):
        colour = cycle()[i % len(cycle())]
        for k, state in enumerate(states):
            y = len(states) - 1 - k + 0.35 - height * (i + 0.5)
            count, roots = total.loc[(name, state)]
            share = count / roots if roots else 0.0
            bar = left.barh(
                y, max(share - low, 0), left=low, height=height * 0.9, color=colour, label=name
            )
            left.annotate(
                f"{_count(count)}",
                (max(share, low), y),
                textcoords="offset points",
                xytext=(3, 0),
                va="center",
                fontsize=7.5,
            )
            part = table[(table["series"] == name) & (table["state"] == state)]
            shares = part["count"] / part["roots"].clip(lower=1)
            some = shares[shares > 0]
            right.plot(some, np.full(len(some), y), "|", color=colour, markersize=8, alpha=0.6)
            none = int((shares == 0).sum())
            if none:
                right.annotate(
                    f"none in {none} of {len(shares)} blocks",
                    (1, y),
                    ha="right",
                    xycoords=("axes fraction", "data"),
                    va="center",
                    fontsize=7,
                )
        handles.append(bar)
    for axes, text in ((left, "share of all points with a root"), (right, "share, block by block")):
        axes.set(xscale="log", xlim=(low, 60 if axes is left else 60), xlabel=text)
        ticks = [t for t in 10.0 ** np.arange(-12, 1, 2) if t >= low * 0.99]
        axes.set_xticks(ticks, [f"$10^{{{round(np.log10(t))}}}$" if t < 1 else "1" for t in ticks])
        axes.minorticks_off()
        axes.axvline(1, color=ink("grid"), linewidth=0.8)
        axes.grid(axis="y", visible=False)
    left.set_yticks(range(len(states)), [STATE_TEXT[s] for s in reversed(states)])
    if len(series) > 1:
        legend_below(figure, handles)
    return figure
