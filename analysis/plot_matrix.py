# SPDX-License-Identifier: BSD-3-Clause
"""Figures of cross-validation: generalization matrices, what training reached, loss histories."""
from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import LineCollection
from matplotlib.colors import FuncNorm, LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from load_synthesis import Matrix, metric
from style import WIDTH, cycle, ink, legend_below

LOWEST = 1e-40  # an error of zero is drawn here
MARKERS = "os^Dv*"
WARM = LinearSegmentedColormap.from_list(
    "warm", ["#fff8d6", "#fedc7a", "#fda23f", "#e8541f", "#ad1322", "#4c0818"]
)


ERROR_NAMES = {
    "mse": "mean square error",
    "rel_mse": "relative mean square error",
    "rel_l2": "relative L\u00b2 error",
    "l2_error": "L\u00b2 error",
    "h1_error": "H\u00b9 error",
    "of_mean": "error over that of the mean",
    "linf": "largest error",
    "coefficient_rel_abs": "relative error of the coefficient",
    "phase_rel_max": "largest relative error, phase velocity",
    "group_rel_max": "largest relative error, group velocity",
}


def error_name(metric_name: str) -> str:
    """What a metric is called on an axis."""
    return ERROR_NAMES.get(metric_name, metric_name.replace("_", " "))


def capital(text: str) -> str:
    """With a capital at its beginning alone: "Relative L² error"."""
    return text[:1].upper() + text[1:]


# ---- spaces along an axis ------------------------------------------------------------------------


def blocks(matrix: Matrix) -> list[tuple[str, int, int]]:
    """(family, first, last) of each run of spaces of one family; spaces of none stand alone."""
    found: list[tuple[str, int, int]] = []
    for i, name in enumerate(matrix.families):
        if name and found and found[-1][0] == name:
            found[-1] = (name, found[-1][1], i)
        else:
            found.append((name, i, i))
    return found


def _short(matrix: Matrix) -> list[str]:
    """Labels without their family where that stands beside them: "sin3" -> "3"."""
    large = {name for name, first, last in blocks(matrix) if last > first}
    return [
        label.removeprefix(family).lstrip("-_") if family in large and label != family else label
        for label, family in zip(matrix.labels, matrix.families)
    ]


def _named_blocks(matrix: Matrix) -> list[tuple[str, float]]:
    """Families that hold several spaces, each with its middle."""
    return [(name, (a + b) / 2) for name, a, b in blocks(matrix) if name and b > a]


def label_spaces(axes, matrix: Matrix, which: str, cell: float) -> None:
    """Names the spaces along "x" or "y"; `cell` is the room for each in inches."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    short, size = _short(matrix), float(np.clip(cell * 62, 4.2, 7.5))
    axis.set_ticks(range(len(short)), short)
    axis.set_minor_locator(NullLocator())
    axes.tick_params(axis=which, length=0, labelsize=size, pad=2)
    names = _named_blocks(matrix)
    grouped = [family in dict(names) for family in matrix.families]
    wide = [which == "x" and len(s) * size * 0.62 > cell * 72 for s in short]
    upright = [any(w for w, g in zip(wide, grouped) if g == mine) for mine in grouped]
    for text, turned in zip(axis.get_ticklabels(), upright):
        text.set_rotation(90 if turned else 0)
    deep = [  # room that the labels beside a family's name take
        0.62 * len(s) if turned or which == "y" else 1.0
        for s, turned, inside in zip(short, upright, grouped)
        if inside
    ]
    away = 5 + size * max(deep, default=1)
    for name, middle in names:
        axes.annotate(
            name,
            (middle, 0) if which == "x" else (0, middle),
            xycoords=("data", "axes fraction") if which == "x" else ("axes fraction", "data"),
            textcoords="offset points",
            xytext=(0, -away) if which == "x" else (-away, 0),
            ha="center" if which == "x" else "right",
            va="top" if which == "x" else "center",
            rotation=0 if which == "x" else 90,
            fontsize=7.5,
            annotation_clip=False,
        )


# ---- the matrix ----------------------------------------------------------------------------------


def _colours(matrices: list[Matrix], tau: float):
    """Colour map and norm: blue up to tau, yellow to red above, half of the scale for each; only
    the second half where every error is above."""
    values = np.concatenate([m.values[np.isfinite(m.values)] for m in matrices])
    values = np.log10(np.maximum(values, LOWEST))
    low, high = (values.min(), values.max()) if values.size else (-1.0, 0.0)
    high = max(np.ceil(high), np.floor(low) + 1)
    split = float(np.log10(tau)) if tau > 0 else -np.inf
    warm = WARM(np.linspace(0, 1, 128))
    if low > split:
        low = np.floor(low)
        return ListedColormap(warm), FuncNorm(
            (lambda x: (x - low) / (high - low), lambda y: low + y * (high - low)), low, high
        )
    low = min(np.floor(low), split - 1)
    high = max(high, split + 1)
    cool = colormaps["Blues_r"](np.linspace(0.0, 0.62, 128))
    knots = ([low, split, high], [0, 0.5, 1])
    norm = FuncNorm(
        (lambda x: np.interp(x, *knots), lambda y: np.interp(y, *reversed(knots))), low, high
    )
    return ListedColormap(np.vstack([cool, warm])), norm


def _outline(axes, inside: np.ndarray) -> None:
    """A line around the pairs whose space lies within that of training."""
    n = len(inside)
    padded = np.zeros((n + 2, n + 2), bool)
    padded[1:-1, 1:-1] = inside
    upright = zip(*np.nonzero(padded[:, 1:] != padded[:, :-1]))
    level = zip(*np.nonzero(padded[1:] != padded[:-1]))
    lines = [[(b - 0.5, a - 1.5), (b - 0.5, a - 0.5)] for a, b in upright]
    lines += [[(b - 1.5, a - 0.5), (b - 0.5, a - 0.5)] for a, b in level]
    for width, colour, order in ((2.4, ink("paper"), 4), (1.1, ink(), 5)):
        axes.add_collection(
            LineCollection(
                lines,
                colors=colour,
                linewidths=width,
                capstyle="projecting",
                zorder=order,
                clip_on=False,
            )
        )


def _numbers(axes, matrix: Matrix, colours, norm, cell: float) -> None:
    """Each error in its cell, where there is room."""
    for a, b in np.ndindex(matrix.values.shape):
        value = matrix.values[a, b]
        if np.isfinite(value):
            shade = colours(norm(np.log10(max(value, LOWEST))))[:3]
            dark = np.dot(shade, (0.3, 0.59, 0.11)) < 0.5
            axes.text(
                b,
                a,
                "0" if value == 0 else f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e"),
                ha="center",
                va="center",
                fontsize=min(7, cell * 72 / 4.2),
                color="#ffffff" if dark else "#1b1f24",
            )


def _matrix_panel(axes, matrix: Matrix, colours, norm, cell: float):
    values = np.log10(np.maximum(matrix.values, LOWEST))
    n = len(matrix.labels)
    axes.set_facecolor(ink("grid"))
    edges = np.arange(n + 1) - 0.5
    image = axes.pcolormesh(
        edges, edges, np.ma.masked_invalid(values), cmap=colours, norm=norm, rasterized=True
    )
    for a, b in zip(*np.nonzero(~np.isfinite(matrix.values))):
        axes.plot(b, a, marker="x", color=ink("soft"), markersize=3)
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for _, first, _ in blocks(matrix)[1:]:
        axes.axhline(first - 0.5, color=ink("paper"), linewidth=1.8, zorder=3)
        axes.axvline(first - 0.5, color=ink("paper"), linewidth=1.8, zorder=3)
    _outline(axes, matrix.contains)
    if n <= 6:
        _numbers(axes, matrix, colours, norm, cell)
    label_spaces(axes, matrix, "x", cell)
    label_spaces(axes, matrix, "y", cell)
    return image


def _power(x: float, _=None) -> str:
    return f"$10^{{{round(x)}}}$" if round(x) else "1"


def _ticks(norm) -> list[float]:
    """Whole decades, at most five in each half, tau among them."""
    low, middle, high = (float(norm.inverse(y)) for y in (0.0, 0.5, 1.0))
    ticks = {round(middle)} if abs(middle - round(middle)) < 1e-9 else set()
    for a, b in ((low, middle), (middle, high)):
        step = max(1, int(np.ceil((b - a) / 4.5)))
        inner = range(int(np.floor(b + 1e-9)), int(np.floor(a)), -step)
        ticks |= {t for t in inner if low <= t <= high and abs(t - middle) >= (b - a) / 9}
    return sorted(ticks)


def matrices(panels: list[tuple[str, Matrix]]) -> Figure:
    """Generalization matrices side by side in one colour scale: a row per space of training, a
    column per space asked; blue where the error is at most tau. Pairs whose space lies within that
    of training are outlined, families set apart."""
    tau = max(m.tau for _, m in panels)
    colours, norm = _colours([m for _, m in panels], tau)
    columns = {1: 1, 2: 2, 3: 3, 4: 2}.get(len(panels), 3)
    rows = -(-len(panels) // columns)
    width = WIDTH if columns > 1 else 5.4
    side = (width - 0.8 - 0.42 * columns) / columns
    figure = Figure(figsize=(width, 0.1 + rows * (side + 0.62)), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    image = None
    size = 9 if columns < 3 else 8
    room = max(len(title) for title, _ in panels) * 0.68 * size < side * 72 - 40
    for axes, (title, matrix) in zip(grid.flat, panels):
        image = _matrix_panel(axes, matrix, colours, norm, side / len(matrix.labels))
        axes.set_title(title, fontsize=size)
        if np.isfinite(sgi := metric(matrix.record, "sgi")) and room:
            axes.set_title(f"SGI {sgi:.2f}", loc="right", fontsize=7, fontweight="normal")
    for axes in list(grid.flat)[len(panels) :]:
        axes.remove()
    for axes in (grid[0][0] if rows == 1 else row[0] for row in grid):
        axes.set_ylabel("prepared on", labelpad=13)
    for j in range(columns):
        used = [grid[i][j] for i in range(rows) if i * columns + j < len(panels)]
        used[-1].set_xlabel("asked about", labelpad=12)
    bar = figure.colorbar(
        image, ax=[a for a in grid.flat if a.figure is not None], shrink=0.9, aspect=28, pad=0.02
    )
    bar.set_ticks(_ticks(norm))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(_power))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.outline.set_visible(False)
    bar.set_label(error_name(panels[0][1].error), fontsize=7.5)
    if tau > 0 and norm.vmin < np.log10(tau):
        bar.ax.axhline(np.log10(tau), color=ink(), linewidth=1.2)
    legend_below(figure, _matrix_legend([m for _, m in panels], tau))
    return figure


def _matrix_legend(found: list[Matrix], tau: float) -> list:
    alone = all((m.contains == np.eye(len(m.labels), dtype=bool)).all() for m in found)
    what = "asked about the same" if alone else "asked within the span prepared on"
    handles: list = [Line2D([], [], color=ink(), label=what)]
    if any((m.values <= tau).any() for m in found):
        handles.append(Patch(color=colormaps["Blues_r"](0.2), label=f"error at most {tau:g}"))
    if any(not np.isfinite(m.values).all() for m in found):
        handles.append(
            Line2D([], [], linestyle="none", marker="x", color=ink("soft"), label="not known")
        )
    return handles


# ---- what training reached -----------------------------------------------------------------------

REACHED = {  # metrics of the rows, from first to last panel
    "train_rel_mse": "training error\n(relative MSE)",
    "off_span": "share of the weights\noff the span",
    "to_closed_form": "distance to\nthe closed form",
    "condition": "condition number",
}


def reached(panels: list[tuple[str, Matrix]]) -> list[str]:
    """The metrics of REACHED that some row knows."""
    return [
        k for k in REACHED if any(k in m.row and np.isfinite(m.row[k]).any() for _, m in panels)
    ]


def training(panels: list[tuple[str, Matrix]]) -> Figure:
    """A panel per metric of REACHED against the space of training, a symbol per method."""
    names, first = reached(panels), panels[0][1]
    n = len(first.labels)
    figure = Figure(figsize=(WIDTH, 0.5 + 1.45 * len(names)), layout="constrained")
    grid = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(grid, names):
        low = _lowest([m.row[name] for _, m in panels if name in m.row])
        for i, (_, matrix) in enumerate(panels):
            if name not in matrix.row or (name == "condition" and i):
                continue  # the condition is that of the data, the same for all
            if not (matrix.row[name] > 0).any():
                continue  # exactly zero, as the closed form's distance to itself
            values = np.maximum(matrix.row[name], low)
            shift = 0.0 if name == "condition" else 0.5 * (i - (len(panels) - 1) / 2) / len(panels)
            axes.plot(
                np.arange(n) + shift,
                values,
                linestyle="none",
                marker=MARKERS[i % len(MARKERS)] if name != "condition" else "_",
                markersize=4 if name != "condition" else 9,
                markeredgewidth=0 if name != "condition" else 1.6,
                color=cycle()[i % len(cycle())] if name != "condition" else ink(),
            )
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _power(np.log10(y))))
        axes.yaxis.set_major_locator(LogLocator(numticks=6))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_ylabel(REACHED[name])
        axes.margins(y=0.15)
        axes.grid(axis="x", visible=False)
        for _, start, _ in blocks(first)[1:]:
            axes.axvline(start - 0.5, color=ink("soft"), linewidth=0.7, linestyle=":")
    grid[-1].set_xlim(-0.6, n - 0.4)
    label_spaces(grid[-1], first, "x", WIDTH * 0.85 / n)
    grid[-1].set_xlabel("prepared on", labelpad=12)
    legend_below(
        figure,
        [
            Line2D(
                [],
                [],
                linestyle="none",
                marker=MARKERS[i % len(MARKERS)],
                color=cycle()[i % len(cycle())],
                label=title,
            )
            for i, (title, _) in enumerate(panels)
        ],
    )
    return figure


def _lowest(columns: list[np.ndarray]) -> float:
    """Where zeros are drawn: a decade below the smallest positive value."""
    values = np.concatenate([c[np.isfinite(c) & (c > 0)] for c in columns] or [np.ones(0)])
    return float(values.min()) / 10 if values.size else LOWEST


def histories(curves: dict[str, list[tuple[str, np.ndarray, np.ndarray]]], names: list[str]):
    """Training loss against iteration: a panel per space, a line per method. `curves` has (method,
    iteration, loss) by space; `names` are all methods, so that colours stay the same."""
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    grid = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
    every = [loss for lines in curves.values() for _, _, loss in lines]
    low = max(_lowest(every), LOWEST)
    for axes, (space, lines) in zip(grid, curves.items()):
        for name, iteration, loss in lines:
            i = names.index(name)
            axes.plot(
                np.maximum(iteration, 0) + 1,
                np.maximum(loss, low),
                color=cycle()[i % len(cycle())],
                linestyle=("-", "--", "-.", ":")[i % 4],
                marker=MARKERS[i % len(MARKERS)] if len(loss) < 3 else "",
            )
        axes.set(xscale="log", yscale="log", title=space, xlabel="iteration + 1")
        axes.yaxis.set_major_locator(LogLocator(numticks=7))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_minor_locator(NullLocator())
    grid[0].set_ylabel("training loss")
    shown = [n for n in names if any(n == line[0] for lines in curves.values() for line in lines)]
    legend_below(
        figure,
        [
            Line2D(
                [],
                [],
                color=cycle()[names.index(n) % len(cycle())],
                linestyle=("-", "--", "-.", ":")[names.index(n) % 4],
                label=n,
            )
            for n in shown
        ],
    )
    return figure
