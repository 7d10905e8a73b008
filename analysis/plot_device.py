# SPDX-License-Identifier: BSD-3-Clause
"""The same work on a host and a device, error against time on both, and the queries after which a
surrogate pays."""
from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from machine import short_names
from plot_peers import short
from style import WIDTH, cycle, ink, legend_below, plain_log
from tables_device import ERRORS, machines

MARKERS = "osD^vP*X"
DASHES = ("-", "--", "-.", ":")


def _grid(panels: int, height: float):
    columns = min(2, panels)
    rows = -(-panels // columns)
    figure = Figure(figsize=(WIDTH, rows * height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in list(grid.flat)[panels:]:
        axes.remove()
    return figure, grid, columns


def _title(axes, text: str, columns: int) -> None:
    axes.set_title("\n".join(textwrap.wrap(text, 88 // columns)), fontsize=8)


def _few_ticks(axis) -> None:
    """Powers of ten, that do not run into each other over many decades; numbers between them where
    there is hardly one."""
    low, high = axis.get_view_interval()
    if high / low < 15:
        plain_log(axis)
        return
    axis.set_major_locator(LogLocator(numticks=8))
    axis.set_minor_formatter(NullFormatter())


def _machines_legend(places) -> list[Line2D]:
    return [
        Line2D([], [], color=cycle()[i % len(cycle())], linewidth=3, label=name)
        for i, name in enumerate(short_names(places))
    ]


def work_precision(table: pd.DataFrame) -> Figure:
    """Error against time per item, a panel per question: a colour per machine, a symbol per method.
    Cases of one solver that differ in resolution are joined; trained networks are filled, what
    answers without either is hollow, unsteady times are crosses. Errors of zero stand on the lower
    edge, as triangles."""
    panels = list(dict.fromkeys(table["question"]))
    places = machines(table)
    figure, grid, columns = _grid(len(panels), 3.1)
    for axes, question in zip(grid.flat, panels):
        here = table[table["question"] == question]
        known = here["error"][here["error"] > 0]
        floor = known.min() / 10 if len(known) else 1e-16
        names = list(dict.fromkeys(here["series"]))
        for (machine, series), part in here.groupby(["machine", "series"], sort=False):
            colour = cycle()[places.index(machine) % len(cycle())]
            _answers(axes, part, floor, colour, MARKERS[names.index(series) % len(MARKERS)])
        unit, measure = here.iloc[0][["unit", "measure"]]
        axes.set(xscale="log", yscale="log", xlabel=f"time per {unit} (s)",
                 ylabel=ERRORS.get(measure, measure))  # fmt: skip
        axes.margins(x=0.12, y=0.1)
        _few_ticks(axes.xaxis)
        _few_ticks(axes.yaxis)
        _title(axes, question if len(panels) > 1 else "", columns)
        axes.legend(handles=[
            Line2D([], [], color=ink("soft"), marker=MARKERS[i % len(MARKERS)], linestyle="none",
                   markersize=4, label=name) for i, name in enumerate(names)
        ], fontsize=7, handletextpad=0.2, labelspacing=0.25, frameon=True, framealpha=0.75,
            edgecolor="none")  # fmt: skip
    handles = _machines_legend(places)
    if table["noisy"].any():
        handles.append(Line2D([], [], color=ink("soft"), marker="x", linestyle="none",
                              label="unsteady: do not quote"))  # fmt: skip
    legend_below(figure, handles)
    return figure


def _answers(axes, part: pd.DataFrame, floor: float, colour, marker: str) -> None:
    part = part.sort_values("error")  # as they were refined, whatever that did to the time
    trained, trivial = bool(part["trained"].any()), bool(part["trivial"].any())
    error = part["error"].where(part["error"] > 0, floor)
    if not trained and not trivial and len(part) > 1:
        axes.plot(part["seconds"], error, color=colour, linewidth=1.1)
    known = np.isfinite(part[["lo", "hi"]]).all(axis=1)
    axes.hlines(error[known], part["lo"][known], part["hi"][known], color=colour, linewidth=0.8)
    for row, y in zip(part.itertuples(), error):
        symbol = "x" if row.noisy else marker if row.error > 0 else "v"
        axes.plot(row.seconds, y, symbol, color=colour, markersize=5.5 if trained else 4.5,
                  markerfacecolor=colour if not trivial else ink("paper"))  # fmt: skip
        if row.error == 0:
            axes.annotate("error 0", (row.seconds, y), textcoords="offset points", xytext=(5, 3),
                          fontsize=7, color=ink("soft"))  # fmt: skip


def break_even(table: pd.DataFrame) -> Figure:
    """Time spent against queries, a panel per question and machine: surrogates start with their
    training, the solver (dashed) with nothing. The dot is the break-even, the bar over it its 95 %
    interval; a hollow dot rests on unsteady times."""
    keys = list(dict.fromkeys(zip(table["question"], table["machine"])))
    names = list(dict.fromkeys(table["surrogate"]))
    figure, grid, columns = _grid(len(keys), 3.0)
    for axes, (question, machine) in zip(grid.flat, keys):
        part = table[(table["question"] == question) & (table["machine"] == machine)]
        most = max(part["queries"].max() * 30, 1e2)
        queries = np.geomspace(1, most, 200)
        for line, row in enumerate(part.itertuples()):
            i = names.index(row.surrogate)
            colour = cycle()[i % len(cycle())]
            _spent(axes, row, queries, colour, MARKERS[i % len(MARKERS)])
            axes.text(0.97, 0.05 + 0.075 * line, f"{row.surrogate}: N* = {short(row.queries)}",
                      transform=axes.transAxes, ha="right", fontsize=7, color=colour)  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel=f"queries ({part.iloc[0]['unit']}s)",
                 ylabel="time spent (s)", xlim=(1, most))  # fmt: skip
        _few_ticks(axes.xaxis)
        _few_ticks(axes.yaxis)
        _title(axes, f"{question}, on {machine.text}", columns)
    handles = [
        Line2D([], [], color=cycle()[i % len(cycle())], marker=MARKERS[i % len(MARKERS)],
               label=f"{name}: training and answers") for i, name in enumerate(names)
    ]  # fmt: skip
    handles.append(Line2D([], [], color=ink("soft"), linestyle="--",
                          label="solver, at no larger error"))  # fmt: skip
    legend_below(figure, handles)
    return figure


def _spent(axes, row, queries: np.ndarray, colour, marker: str) -> None:
    axes.plot(queries, row.training + row.seconds * queries, color=colour)
    axes.plot(queries, row.solver_seconds * queries, color=colour, linestyle="--", linewidth=1)
    at = row.solver_seconds * row.queries
    if not np.isnan([row.lo, row.hi]).any():
        high = min(row.hi, queries[-1])
        axes.hlines(at, row.lo, high, color=colour, linewidth=2.4, alpha=0.4)
    axes.plot(row.queries, at, marker, color=colour, markersize=6,
              markerfacecolor=ink("paper") if row.noisy else colour)  # fmt: skip


def host_over_device(table: pd.DataFrame) -> Figure:
    """Time on the host over time on the device, a row per group and a dot per benchmark or case;
    bars reach over the repetitions, the number is the median of the steady ones. Crosses are
    unsteady. Left of 1 the host is faster."""
    names = list(dict.fromkeys(table["group"]))[::-1]
    figure = Figure(figsize=(WIDTH, 0.9 + 0.24 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(1, color=ink("soft"), linewidth=0.9, zorder=1)
    right = np.nanmax([table["hi"].max(), table["ratio"].max(), 1])
    for y, name in enumerate(names):
        part = table[table["group"] == name].sort_values("ratio")
        # dots of a row stand a little apart, so that bars can be told from each other
        at = y + (np.linspace(-0.22, 0.22, len(part)) if len(part) > 1 else np.zeros(1))
        known = np.isfinite(part[["lo", "hi"]]).all(axis=1).to_numpy()
        axes.hlines(at[known], part["lo"][known], part["hi"][known], color=ink("soft"),
                    linewidth=0.9, alpha=0.7)  # fmt: skip
        for noisy, marker in ((False, "o"), (True, "x")):
            mask = part["noisy"].to_numpy(bool) == noisy
            axes.plot(part["ratio"][mask], at[mask], marker, linestyle="none", markersize=4,
                      color=cycle()[0] if not noisy else ink("soft"), alpha=0.85)  # fmt: skip
        steady = part[~part["noisy"].astype(bool)]["ratio"]
        if len(steady):
            axes.annotate(short(steady.median()), (right, y), textcoords="offset points",
                          xytext=(6, 0), va="center", fontsize=7)  # fmt: skip
    texts = ["\n".join(textwrap.wrap(name, 44)) for name in names]
    axes.set_yticks(range(len(names)), texts)
    axes.set(xscale="log", xlabel="time on the host / time on the device")
    axes.set_ylim(-0.6, len(names) - 0.4)
    low = np.nanmin([table["lo"].min(), table["ratio"].min(), 1])
    axes.set_xlim(low / 1.3, right * (right / low) ** 0.1 * 1.3)
    axes.grid(axis="y", visible=False)
    plain_log(axes.xaxis)
    handles = [Line2D([], [], color=cycle()[0], marker="o", linestyle="none", label="ratio")]
    if table["noisy"].any():
        handles.append(Line2D([], [], color=ink("soft"), marker="x", linestyle="none",
                              label="unsteady: do not quote"))  # fmt: skip
    legend_below(figure, handles)
    return figure
