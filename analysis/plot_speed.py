# SPDX-License-Identifier: BSD-3-Clause
"""Figures of speed: throughput, scaling, ratios to other codes."""
from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

import plot_peers
from style import WIDTH, cycle, ink, legend_below, plain_log


def _series(
    axes, table: pd.DataFrame, x: str, y: str, bars: bool = False, order: list | None = None
) -> None:
    """A line per series, with marker and dash; `order`: all series of the figure, so that one has
    the same look in every panel."""
    markers = "osD^vP*X"
    for i, name in enumerate(order or dict.fromkeys(table["series"])):
        rows = table[(table["series"] == name) & np.isfinite(table[y])]
        if rows.empty:
            continue
        colour = cycle()[i % len(cycle())]
        error = None
        if bars:  # an interval that is not known is drawn as none
            error = np.nan_to_num(
                np.array([rows[y] - rows["lo"], rows["hi"] - rows[y]]).clip(min=0)
            )
        axes.errorbar(
            rows[x],
            rows[y],
            error,
            color=colour,
            marker=markers[i % 8],
            capsize=2,
            elinewidth=0.9,
            label=name,
            linestyle=("-", "--", "-.", ":")[i // len(cycle()) % 4],
        )


def _series_legend(figure: Figure, axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        legend_below(figure, handles)


def throughput(table: pd.DataFrame) -> Figure:
    """Curves per second and layer evaluations per second against layers; a third panel shows the
    share of the machine's matrix-product rate where the records have it."""
    table = table.assign(layer_evaluations_per_second=table["layer_evaluations_per_second"] / 1e6)
    panels = [
        ("curves_per_second", "curves per second (1/s)"),
        ("layer_evaluations_per_second", "layer evaluations\nper second ($10^6$/s)"),
    ]
    panels = [p for p in panels if np.isfinite(table[p[0]]).any()]
    if np.isfinite(table["gemm_fraction"]).any():
        panels.append(("gemm_fraction", "share of the measured\nmatrix-product rate"))
    figure = Figure(figsize=(WIDTH, 2.7), layout="constrained")
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (column, text) in zip(grid, panels):
        _series(axes, table, "layers", column, bars=column == "curves_per_second")
        axes.set_xscale("log")
        axes.set(xlabel="layers", ylabel=text)
        layers = sorted(table["layers"].unique())
        if len(layers) <= 6:
            axes.set_xticks(layers, [str(n) for n in layers])
            axes.xaxis.set_minor_locator(NullLocator())
        if column == "gemm_fraction":
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
            axes.set_ylim(bottom=0)
        else:
            axes.set_yscale("log")
            axes.margins(y=0.15)
            plain_log(axes.yaxis)
    _series_legend(figure, grid[0])
    return figure


AXIS_TEXT = {
    "layers": "layers",
    "periods": "periods",
    "modes": "modes asked for",
    "models": "models in a batch",
}


def axes_figure(table: pd.DataFrame) -> Figure:
    """Certified roots per second against each axis that a study varies, the others at their usual
    value."""
    axes_names = [a for a in AXIS_TEXT if (table["axis"] == a).any()]
    figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
    grid = figure.subplots(1, len(axes_names), squeeze=False, sharey=True)[0]
    series = list(dict.fromkeys(table["series"]))
    for axes, name in zip(grid, axes_names):
        part = table[table["axis"] == name]
        rates = part[["roots_per_second", "lo", "hi"]] / 1e3
        _series(axes, part.assign(**rates), "value", "roots_per_second", bars=True, order=series)
        axes.set(xscale="log", yscale="log", xlabel=AXIS_TEXT[name])
        values = sorted(part["value"].unique())
        if len(values) <= 6:
            axes.set_xticks(values, [f"{v:g}" for v in values])
            axes.xaxis.set_minor_locator(NullLocator())
        else:
            plain_log(axes.xaxis)
    grid[0].set_ylabel("certified roots\nper second ($10^3$/s)")
    grid[0].margins(y=0.15)
    plain_log(grid[0].yaxis)
    handles = {h.get_label(): h for axes in grid for h in axes.get_legend_handles_labels()[0]}
    if len(handles) > 1:
        legend_below(figure, list(handles.values()))
    return figure


def _rank_axes(panels, ranks: np.ndarray) -> None:
    for axes in panels:
        axes.set_xscale("log")
        axes.set_xticks(ranks, [str(r) for r in ranks])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("MPI ranks")


def _ideal(axes, ranks: np.ndarray, values, text: str = "ideal") -> None:
    axes.plot(ranks, values, color=ink("soft"), linestyle="--", linewidth=1)
    axes.annotate(
        text,
        (ranks[-1], values[-1]),
        textcoords="offset points",
        xytext=(-4, 3),
        ha="right",
        fontsize=7,
        color=ink("soft"),
    )


def _percent_from_zero(panels) -> None:
    for axes in panels:
        axes.set_ylim(0, max(1.1, axes.get_ylim()[1]))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _with_bars(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """`lo`, `hi` of `column`, which is inverse to the time."""
    scale = table[column] * table["time"]
    return table.assign(lo=scale / table["hi"], hi=scale / table["lo"])


def _evenness(axes, table: pd.DataFrame) -> None:
    """How evenly the work was spread; of training the time spent waiting, which is all that shows."""
    if np.isfinite(table["exposed"]).any():
        _series(axes, table, "ranks", "exposed")
        axes.set_ylabel("share of a step spent\nwaiting for other ranks")
        axes.set_ylim(0, max(0.1, 1.1 * table["exposed"].max()))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    else:
        _series(axes, table, "ranks", "balance")
        axes.set_ylabel("time of fastest / slowest rank")
        _percent_from_zero((axes,))


def scaling(table: pd.DataFrame) -> Figure:
    """Strong scaling: speed-up and efficiency against ranks with the ideal, and load balance (of
    training: exposed communication)."""
    figure = Figure(figsize=(WIDTH, 2.7), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    ranks = np.array(sorted(table["ranks"].unique()))
    _ideal(left, ranks, ranks)
    _series(left, _with_bars(table, "speedup"), "ranks", "speedup", bars=True)
    left.set(yscale="log", ylabel="speed-up")
    _ideal(middle, ranks, np.ones(ranks.size))
    _series(middle, _with_bars(table, "efficiency"), "ranks", "efficiency", bars=True)
    middle.set_ylabel("parallel efficiency")
    _percent_from_zero((middle,))
    _evenness(right, table)
    _rank_axes((left, middle, right), ranks)
    low, high = left.get_ylim()
    ticks = [t for t in 2.0 ** np.arange(-3, 21) if low * 0.99 <= t <= high * 1.01]
    left.set_yticks(ticks, [f"{t:g}" for t in ticks])
    left.yaxis.set_minor_locator(NullLocator())
    _series_legend(figure, left)
    return figure


def weak_scaling(table: pd.DataFrame) -> Figure:
    """Weak scaling: time and efficiency against ranks at equal work per rank, with the ideal, and
    load balance (of training: exposed communication)."""
    figure = Figure(figsize=(WIDTH, 2.7), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    ranks = np.array(sorted(table["ranks"].unique()))
    first = table.sort_values("ranks").groupby("series")["time"].transform("first")
    relative = table.assign(
        relative=table["time"] / first, lo=table["lo"] / first, hi=table["hi"] / first
    )
    _ideal(left, ranks, np.ones(ranks.size))
    _series(left, relative, "ranks", "relative", bars=True)
    left.set_ylabel("time / time on the\nfewest ranks")
    left.set_ylim(0, max(1.5, left.get_ylim()[1]))
    _ideal(middle, ranks, np.ones(ranks.size))
    _series(middle, _with_bars(table, "efficiency"), "ranks", "efficiency", bars=True)
    middle.set_ylabel("weak efficiency")
    _percent_from_zero((middle,))
    _evenness(right, table)
    _rank_axes((left, middle, right), ranks)
    _series_legend(figure, left)
    return figure


# ---- other codes ---------------------------------------------------------------------------------

WHAT = {
    "phase": "phase velocity",
    "group": "phase and group velocity",
    "phase+kernels": "curve and kernels",
}
WAYS = [
    ("phase", "batch", "-", "phase"),
    ("phase", "single", ":", "phase, one model per call"),
    ("group", "batch", "--", "phase and group"),
]


def peers(table: pd.DataFrame) -> Figure:
    """Time of the peer over time of moho: above against layers, a panel per wave; below every job
    that stands alone. Points are medians of the paired ratios, bars their quartiles."""
    names = sorted(table["peer"].unique())
    key = ["what", "calls", "modes", "problem", "waves"]
    swept = table.groupby(key)["layers"].transform("nunique") > 1
    lines, single = table[swept], table[~swept]
    waves = sorted(lines["waves"].unique(), reverse=True)  # Rayleigh first
    heights = [2.9] * bool(waves) + [0.6 + 0.2 * len(single)] * bool(len(single))
    figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
    outer = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    handles = {}
    if waves:
        inner = outer[0].subgridspec(1, len(waves))
        first = None
        for i, wave in enumerate(waves):
            axes = figure.add_subplot(inner[i], sharey=first)
            _ratio_panel(axes, lines[lines["waves"] == wave], names)
            axes.set_title(wave.capitalize())
            axes.tick_params(labelleft=first is None)
            axes.set_ylabel("time of peer / time of moho" if first is None else None)
            first = first or axes
            handles |= {h.get_label(): h for h in axes.get_legend_handles_labels()[0]}
        low, high = first.get_ylim()
        first.set_ylim(min(0.8, low), high * 1.15)
        plain_log(first.yaxis)
    if len(single):
        _ratio_dots(figure.add_subplot(outer[-1]), single, names)
    if handles:
        legend_below(figure, list(handles.values()))
    return figure


def _ratio_panel(axes, table: pd.DataFrame, names: list[str]) -> None:
    axes.axhline(1, color=ink("soft"), linewidth=0.9)
    for what, calls, dash, text in WAYS:
        part = table[(table["what"] == what) & (table["calls"] == calls)]
        for name, rows in part.sort_values("layers").groupby("peer"):
            bars = np.array([rows["ratio"] - rows["q1"], rows["q3"] - rows["ratio"]]).clip(min=0)
            look = plot_peers.look(name, names)
            axes.errorbar(
                rows["layers"],
                rows["ratio"],
                bars,
                linestyle=dash,
                capsize=2,
                elinewidth=0.9,
                markerfacecolor="none" if calls == "single" else look["color"],
                label=f"{name}, {text}",
                **look,
            )
    for target in sorted(table["target"].dropna().unique()):
        axes.axhline(target, color=ink(), linestyle=(0, (6, 2)), linewidth=0.8)
        axes.annotate(
            f"aim for the phase: {target:g}",
            (1, target),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            xytext=(-2, -2),
            ha="right",
            va="top",
            fontsize=7,
        )
    axes.set(xscale="log", yscale="log", xlabel="layers")
    layers = sorted(int(n) for n in table["layers"].unique())
    axes.set_xticks(layers, [str(n) for n in layers])
    axes.xaxis.set_minor_locator(NullLocator())


def _job_text(row) -> str:
    """ "20 layers, curve and kernels, Love: disba"."""
    problem = {"gradient": "", "ref_g_random": "random models, "}.get(
        row.problem, f"{row.problem}, "
    )
    layers = "" if np.isnan(row.layers) else f"{row.layers:g} layers, "
    what = f"{row.modes} modes" if row.modes > 1 else WHAT.get(row.what, row.what)
    text = f"{problem}{layers}{what}, {row.waves.title()}: {row.peer}"
    return text[0].upper() + text[1:]


def _ratio_dots(axes, table: pd.DataFrame, names: list[str]) -> None:
    """A row per job and peer."""
    table = table.sort_values(["problem", "what", "waves", "peer"], ascending=False)
    table = table.rename(columns={"q1": "low", "q3": "high"})
    for y, row in enumerate(table.itertuples()):
        plot_peers.mark(axes, y, row, plot_peers.look(row.peer, names), 0.35)
    plot_peers.rows(axes, [_job_text(row) for row in table.itertuples()], table)
