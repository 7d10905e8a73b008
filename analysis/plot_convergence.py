# SPDX-License-Identifier: BSD-3-Clause
"""Figures of convergence: error against an axis, the fitted line, its slope beside the expected."""
from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, NullLocator

from load_synthesis import Rate
from plot_matrix import MARKERS, error_name
from style import WIDTH, cycle, ink, legend_below, plain_log

MOST_SERIES = 4  # in one panel: more cannot be told apart with their triangles
MOST_PANELS = 6
NORM_NAMES = {"l2_error": "L² error", "h1_error": "H¹ error"}


def rate_text(rate: Rate) -> str:
    """ "1.99 ± 0.02" (half the interval), "no rate" where there is none."""
    if not rate.found:
        return "no rate"
    value, half = rate.number(""), (rate.number("high") - rate.number("low")) / 2
    digits = int(np.clip(-np.floor(np.log10(half)), 1, 4)) if half > 0 else 4
    return f"{value:.{digits}f} ± {half:.{digits}f}"


def _fitted(rate: Rate, x: np.ndarray) -> np.ndarray:
    """The line of the fit: the error falls with the rate under refinement."""
    slope = rate.number("") * (1 if rate.down else -1)
    return rate.number("constant") * x**slope


def _middle(rate: Rate) -> float:
    """The fitted error in the middle of its range."""
    return float(_fitted(rate, np.sqrt(np.array([rate.number("from") * rate.number("to")])))[0])


def _triangle(axes, rate: Rate, colour, gap: float) -> None:
    """A right triangle beside the middle of the fitted line, a factor `gap` below it: its
    hypotenuse has the fitted slope, the dashed one the expected."""
    ends = np.log([rate.number("from"), rate.number("to")])
    middle, half = ends.mean(), min(0.2 * (ends[1] - ends[0]), np.log(2) / 2)
    a, b = np.exp([middle - half, middle + half])
    # the right angle lies away from the line: left where it falls, right where it rises
    corner, other = (a, b) if not rate.down else (b, a)
    y = _fitted(rate, np.array([corner, other])) / gap
    axes.plot(
        [corner, other, corner, corner], [y[0], y[1], y[1], y[0]], color=colour, linewidth=0.9
    )
    if rate.expected is not None:
        slope = rate.expected * (1 if rate.down else -1)
        axes.plot(
            [corner, other],
            [y[1] * (corner / other) ** slope, y[1]],
            color=ink(),
            linewidth=0.9,
            linestyle=(0, (2, 1.5)),
        )


def _rates_beside(axes, rates: list[Rate], height: float, say_expected: bool) -> None:
    """Each rate at the fine end of its line, where lines of different rates are farthest apart; in
    a panel of `height` points they are moved until none hides another."""
    if not rates:
        return
    low, high = np.log(axes.get_ylim())
    ends = [r.number("from" if r.down else "to") for r in rates]
    y = [np.log(_fitted(r, np.array([x]))[0]) for r, x in zip(rates, ends)]
    order = np.argsort(y)
    places = np.array([(y[k] - low) / (high - low) * height for k in order])
    for k in range(1, len(places)):
        places[k] = max(places[k], places[k - 1] + 9.5)
    places -= np.mean(places - [(y[k] - low) / (high - low) * height for k in order])
    for k, place in zip(order, places):
        rate = rates[k]
        text = rate_text(rate)
        if say_expected and rate.expected is not None:
            text += f" (expected {rate.expected:.4g})"
        away = place - (y[k] - low) / (high - low) * height
        axes.annotate(
            text,
            (ends[k], np.exp(y[k])),
            textcoords="offset points",
            xytext=(-6 if rate.down else 6, away),
            ha="right" if rate.down else "left",
            va="center",
            fontsize=7,
            color=ink(),
            zorder=6,
            path_effects=[withStroke(linewidth=2, foreground=ink("paper"))],
        )


def _limits(axes, series: list[tuple[str, Rate]], wide: bool) -> None:
    """Room for the rates at the fine end."""
    x = np.concatenate([rate.x for _, rate in series])
    low, high = np.log(x.min()), np.log(x.max())
    pad = 0.06 * (high - low) or 0.5
    room = (0.16 if wide else 0.25) * (high - low) if any(r.found for _, r in series) else 0.0
    down = series[0][1].down
    axes.set_xlim(np.exp(low - pad - room * down), np.exp(high + pad + room * (not down)))


def _one_expected(found: list[Rate]) -> bool:
    """Whether one number is expected of all: the legend says it then, each line otherwise."""
    return len({r.expected for r in found}) == 1 and found[0].expected is not None


def _panel(axes, title: str, series: list[tuple[str, Rate]], styles, wide: bool) -> None:
    known = np.concatenate([r.error[np.isfinite(r.error) & (r.error > 0)] for _, r in series])
    gap = 10 ** max(0.15, 0.045 * np.log10(known.max() / known.min())) if known.size else 1.0
    found = sorted((r for _, r in series if r.found), key=_middle)
    same = _one_expected(found)
    for name, rate in series:
        i = styles[name]
        colour, marker = cycle()[i % len(cycle())], MARKERS[i % len(MARKERS)]
        drawn = np.isfinite(rate.error) & (rate.error > 0)
        for chosen, fill in ((drawn & rate.used, colour), (drawn & ~rate.used, "none")):
            axes.plot(
                rate.x[chosen],
                rate.error[chosen],
                linestyle="none",
                marker=marker,
                markersize=5,
                markeredgewidth=1,
                color=colour,
                markerfacecolor=fill,
                zorder=3,
            )
        if rate.found:
            ends = np.array([rate.number("from"), rate.number("to")])
            axes.plot(ends, _fitted(rate, ends), color=colour, linewidth=1.2)
            if not same or rate is found[0]:
                _triangle(axes, rate, colour, gap)
    rate = series[0][1]
    axes.set(xscale="log", yscale="log")
    axes.set_title(title, fontsize=9 if wide else 8)
    axes.margins(y=0.1)
    _limits(axes, series, wide)
    _rates_beside(axes, found, 165 if wide else 140, not same)
    x = np.unique(np.concatenate([r.x for _, r in series]))
    if len(x) <= 7 and np.log10(x[-1] / x[0]) < 3:
        shown = x if wide or len(x) <= 5 else x[::-2][::-1]
        axes.set_xticks(shown, [f"{v:g}" for v in shown])
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        plain_log(axes.xaxis)
        axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(rate.axis.replace("_", " ") + (" (fine to the left)" if rate.down else ""))


def convergence(panels: list[tuple[str, list[tuple[str, Rate]]]]) -> Figure:
    """Error against an axis, a panel per title and a symbol per series; filled points are those
    that the fit used. A series without a rate has no line."""
    found = [[r for _, r in series if r.found] for _, series in panels]
    long = any(rates and not _one_expected(rates) for rates in found)  # texts beside the lines
    columns = min(len(panels), 2 if long or len(panels) in (2, 4) else 3)
    rows = -(-len(panels) // columns)
    height = 0.2 + rows * (3.2 if columns < 3 else 2.7)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    names = list(dict.fromkeys(name for _, series in panels for name, _ in series))
    styles = {name: i for i, name in enumerate(names)}
    for axes, (title, series) in zip(grid.flat, panels):
        _panel(axes, title, series, styles, columns == 1)
    for axes in list(grid.flat)[len(panels) :]:
        axes.remove()
    measures = sorted({rate.measure for _, series in panels for _, rate in series})
    for row in grid:
        row[0].set_ylabel(error_name(measures[0]) if len(measures) == 1 else "error")
    handles = [] if names == [""] else _legend(names)
    rates = [rate for _, series in panels for _, rate in series]
    if any(not rate.used.all() for rate in rates):
        if any(rate.used.any() for rate in rates):
            handles.append(_symbol("used by the fit", ink("soft"), "o", True))
        handles.append(_symbol("not used", ink("soft"), "o", False))
    expected = {rate.expected for rate in rates if rate.found} - {None}
    if expected:
        text = f"expected: {expected.pop():g}" if len(expected) == 1 else "expected"
        handles.append(
            Line2D([], [], color=ink(), linewidth=0.9, linestyle=(0, (2, 1.5)), label=text)
        )
    if handles:
        legend_below(figure, handles)
    return figure


def _legend(names: list[str]) -> list:
    return [
        _symbol(name, cycle()[i % len(cycle())], MARKERS[i % len(MARKERS)], True)
        for i, name in enumerate(names)
    ]


def _symbol(text: str, colour, marker: str, filled: bool) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        color=colour,
        markerfacecolor=colour if filled else "none",
        label=text,
    )
