# SPDX-License-Identifier: BSD-3-Clause
"""Figures of micro-benchmarks: shares of the machine's rates, and rooflines (Williams, Waterman and
Patterson 2009) whose ceilings were measured beside the kernels."""
from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from machine import short_names
from style import WIDTH, cycle, ink, legend_below, plain_log
from tables_micro import Roof

def micro_families(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Benchmarks that differ in their sizes ("layers:10") alone, under their common name."""
    stems = ["/".join(p for p in name.split("/") if ":" not in p) for name in table["name"]]
    return {stem: part for stem, part in table.groupby(np.array(stems), sort=False)}


def micro(table: pd.DataFrame) -> Figure:
    """Fractions of the matrix-product rate and of the STREAM rate that were measured around each
    kernel: a row per kernel, a symbol per size, bars from the least to the largest repetition of
    any; crosses had unsteady rates."""
    known = np.isfinite(table[["of_gemm", "of_stream"]]).any(axis=1)
    families = micro_families(table[known])
    names = list(families)[::-1]
    figure = Figure(figsize=(WIDTH, 0.8 + 0.19 * max(1, len(names))), layout="constrained")
    axes = figure.subplots()
    rates = (("of_gemm", "of the matrix-product rate"), ("of_stream", "of the STREAM triad rate"))
    for row, name in enumerate(names):
        for i, (key, text) in enumerate(rates):
            part = families[name][np.isfinite(families[name][key])]
            if part.empty:
                continue
            y = row + 0.12 - 0.24 * i
            axes.hlines(
                y,
                part[f"{key}_lo"].min(),
                part[f"{key}_hi"].max(),
                color=cycle()[i],
                linewidth=2,
                alpha=0.5,
            )
            for noisy, marker in ((False, "os"[i]), (True, "x")):
                some = part[part["noisy"].astype(bool) == noisy]
                label = text + (", rates unsteady" if noisy else "")
                axes.plot(
                    some[key],
                    np.full(len(some), y),
                    marker,
                    color=cycle()[i],
                    alpha=0.8,
                    label=label if len(some) else None,
                    linestyle="none",
                )
    axes.axvline(1, color=ink("soft"), linestyle="--", linewidth=0.9)
    axes.set_yticks(range(len(names)), names)
    axes.set(xscale="log", xlabel="fraction of the measured rate", ylim=(-0.7, len(names) - 0.3))
    axes.grid(axis="y", visible=False)
    plain_log(axes.xaxis)
    handles = {h.get_label(): h for h in axes.get_legend_handles_labels()[0]}
    legend_below(figure, list(handles.values()))
    return figure


# ---- rooflines -----------------------------------------------------------------------------------

MARKERS = "osD^vP"
LINES = {"float64": "-", "float32": (0, (5, 2))}  # ceilings of products, by precision
WORDS = {"float64": "dgemm", "float32": "sgemm"}


def rooflines(panels: list[list[Roof]]) -> Figure:
    """Operations per second against operations per byte, a panel per list of machines, all on the
    same axes. Machines of one panel have a colour each, kernels of a panel with one machine; the
    symbol always tells the kernel. Crosses had unsteady rates."""
    families = list(dict.fromkeys(f for p in panels for r in p for f in r.points["family"]))
    machines, several = _machines(panels), any(len(p) > 1 for p in panels)
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(WIDTH, rows * (3.6 if columns == 1 else 3.2)), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    span = _span(panels)
    for axes, panel in zip(grid.flat, panels):
        colours = [cycle()[machines.index(roof.machine) % len(cycle())] for roof in panel]
        for roof, colour in zip(panel, colours):
            _ceilings(axes, roof, span, colour if several else ink())
        for roof, colour in zip(panel, colours):
            _points(axes, roof, families, colour if several else None)
        axes.set(xscale="log", yscale="log", xlabel="flop per byte, as declared", xlim=span)
        title = panel[0].machine.text if len(panel) == 1 else ""
        axes.set_title("\n".join(textwrap.wrap(title, 88 // columns)), fontsize=8)
    for axes in list(grid.flat)[len(panels) :]:
        axes.remove()
    for row in grid:
        row[0].set_ylabel("operations per second (Gflop/s)")
    grid[0][0].margins(y=0.08)
    plain_log(grid[0][0].xaxis)
    plain_log(grid[0][0].yaxis)
    legend_below(figure, _legend(panels, families))
    return figure


def _machines(panels: list[list[Roof]]) -> list:
    return list(dict.fromkeys(roof.machine for panel in panels for roof in panel))


def _span(panels: list[list[Roof]]) -> tuple[float, float]:
    """flop/byte from the left of all points to the right of all ridges and points."""
    low, high = [], []
    for roof in (r for p in panels for r in p):
        ridges = [rate[1] / roof.stream[1] for rate in roof.gemm.values()]
        low += [roof.points["intensity"].min(), min(ridges) / 8]
        high += [roof.points["intensity"].max(), max(ridges)]
    return min(low) / 2, max(high) * 3


def _ceilings(axes, roof: Roof, span: tuple[float, float], colour) -> None:
    """Bands reach from the least to the largest of the rates that were measured."""
    for precision, (least, median, most) in roof.gemm.items():
        ridge = median / roof.stream[1]
        left, right = np.array([span[0], ridge]), np.array([ridge, span[1]])
        dash = LINES[precision]
        if median == max(rate[1] for rate in roof.gemm.values()):
            axes.plot(left, left * roof.stream[1] / 1e9, color=colour, linewidth=1.1)
            axes.fill_between(left, left * roof.stream[0] / 1e9, left * roof.stream[2] / 1e9,
                              color=colour, alpha=0.12, linewidth=0)  # fmt: skip
        axes.plot(right, [median / 1e9] * 2, color=colour, linewidth=1.1, linestyle=dash)
        axes.fill_between(right, least / 1e9, most / 1e9, color=colour, alpha=0.12, linewidth=0)
    ranked = sorted(roof.gemm, key=lambda p: roof.gemm[p][1], reverse=True)
    axes.annotate(
        ", ".join(f"{WORDS[p]} {rate_text(roof.gemm[p][1])}flop/s" for p in ranked),
        (span[1], roof.gemm[ranked[0]][1] / 1e9),
        textcoords="offset points",
        xytext=(-3, 3),
        ha="right",
        fontsize=7,
        color=colour,
    )
    x = span[0] * 1.15
    y = 1.15 * x * roof.stream[1] / 1e9
    axes.text(
        x,
        y,
        f"STREAM {rate_text(roof.stream[1])}B/s",
        # along the slope: the angle in data coordinates of a step that multiplies both by the same
        rotation=np.degrees(np.arctan2(y, x)),
        transform_rotates_text=True,
        rotation_mode="anchor",
        fontsize=7,
        color=colour,
    )


def rate_text(value: float) -> str:
    """Of flop/s or byte/s: "57 G", "3.35 T"."""
    return f"{value / 1e12:.3g} T" if value >= 1e12 else f"{value / 1e9:.3g} G"


def _points(axes, roof: Roof, families: list[str], colour) -> None:
    for i, family in enumerate(families):
        part = roof.points[roof.points["family"] == family]
        for noisy, marker in ((False, MARKERS[i % len(MARKERS)]), (True, "x")):
            some = part[part["noisy"] == noisy]
            axes.plot(
                some["intensity"],
                some["flops"] / 1e9,
                marker,
                color=colour or cycle()[i % len(cycle())],
                linestyle="none",
                alpha=0.75,
                markersize=4,
            )


def _legend(panels: list[list[Roof]], families: list[str]) -> list[Line2D]:
    several = any(len(p) > 1 for p in panels)
    handles = []
    if several:
        machines = _machines(panels)
        handles += [
            Line2D([], [], color=cycle()[i % len(cycle())], linewidth=3, label=name)
            for i, name in enumerate(short_names(machines))
        ]
    for i, family in enumerate(families):
        colour = ink("soft") if several else cycle()[i % len(cycle())]
        handles.append(Line2D([], [], color=colour, marker=MARKERS[i % len(MARKERS)],
                              linestyle="none", label=family))  # fmt: skip
    if any(r.points["noisy"].any() for p in panels for r in p):
        handles.append(Line2D([], [], color=ink("soft"), marker="x", linestyle="none",
                              label="rates unsteady"))  # fmt: skip
    return handles
