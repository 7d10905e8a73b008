# SPDX-License-Identifier: BSD-3-Clause
"""Figures of finite elements: assembly beside its floor, error against time, pictures of solutions
and designs, histories."""
from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.tri import Triangulation

from plot_matrix import MARKERS
from style import WIDTH, cycle, ink, legend_below, plain_log
from tables_fem import NORMS, Field, Grid, History

MOST_ROWS = 28  # of one figure


# ---- assembly ------------------------------------------------------------------------------------


def assembly(panels: list[tuple[str, pd.DataFrame, str]]) -> Figure:
    """Time of a re-assembly, a row per matrix or policy (the column named last): dark what the
    floor takes, light the rest; the tick is the least that must pass. Numbers: entries per second,
    share of the floor."""
    columns = 1 if len(panels) == 1 else 2
    rows = -(-len(panels) // columns)
    longest = max(len(table) for _, table, _ in panels)
    height = rows * (0.75 + 0.2 * longest)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, (title, table, names) in zip(grid.flat, panels):
        _times(axes, table, names, columns == 1)
        axes.set_title(title, fontsize=8.5)
    for axes in list(grid.flat)[len(panels) :]:
        axes.remove()
    for axes in grid[-1]:
        if axes.figure is not None:
            axes.set_xlabel("time of a re-assembly, ms")
    known = any(np.isfinite(table["floor"]).any() for _, table, _ in panels)
    handles = [Patch(color=cycle()[0], alpha=0.35, label="time")]
    if known:
        handles.insert(0, Patch(color=cycle()[0], label="floor: the bytes of a gather"))
        handles.append(
            Line2D([], [], color=ink(), marker="|", linestyle="none", label="least bytes")
        )
    legend_below(figure, handles)
    return figure


def _times(axes, table: pd.DataFrame, names: str, wide: bool) -> None:
    table = table.iloc[::-1]
    y = np.arange(len(table))
    time = table["time"].to_numpy() * 1e3
    axes.barh(y, time, height=0.62, color=cycle()[0], alpha=0.35)
    floor, least = (table[key].to_numpy() * 1e3 for key in ("floor", "least"))
    known = np.isfinite(floor)
    axes.barh(y[known], np.minimum(floor, time)[known], height=0.62, color=cycle()[0])
    for at, x in zip(y[known], least[known]):
        axes.plot([x, x], [at - 0.38, at + 0.38], color=ink(), linewidth=1)
    lo, hi = (table[key].to_numpy() * 1e3 for key in ("lo", "hi"))
    axes.hlines(y, lo, hi, color=ink("soft"), linewidth=0.9)
    for at, row in zip(y, table.itertuples()):
        text = f"{row.rate / 1e6:.3g} M/s"
        if np.isfinite(row.floor):
            text += f", {row.floor / row.time:.0%}"
        axes.annotate(
            text,
            (np.nanmax([row.time, row.hi]) * 1e3, at),
            textcoords="offset points",
            xytext=(4, 0),
            va="center",
            fontsize=7,
        )
    axes.set_yticks(y, table[names], fontsize=7.5)
    smallest = np.nanmin(np.concatenate([least[known], time]))
    axes.set_xscale("log")
    axes.set_xlim(smallest / 2, np.nanmax(np.concatenate([time, hi])) * (3.2 if wide else 12))
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.grid(axis="y", visible=False)
    plain_log(axes.xaxis)


# ---- error against time --------------------------------------------------------------------------


def work_precision(table: pd.DataFrame, error: str) -> Figure:
    """Error against the time of one assembly and solve, a panel per problem and a line per
    element; numbers at the ends are the values of n."""
    panels = list(dict.fromkeys(table["panel"]))
    names = list(dict.fromkeys(table["series"]))
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(WIDTH, rows * (3.3 if columns == 1 else 2.9)), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, panel in zip(grid.flat, panels):
        here = table[table["panel"] == panel]
        for name, part in here.groupby("series", sort=False):
            i = names.index(name)
            colour = cycle()[i % len(cycle())]
            axes.plot(part["seconds"], part["error"], color=colour, linewidth=1.2,
                      marker=MARKERS[i % len(MARKERS)], markersize=5)  # fmt: skip
            axes.hlines(part["error"], part["lo"], part["hi"], color=colour, linewidth=0.8)
            for row in part.iloc[[0, -1]].itertuples():
                axes.annotate(
                    f"n = {row.n}",
                    (row.seconds, row.error),
                    textcoords="offset points",
                    xytext=(5, 4),
                    fontsize=6.5,
                    color=ink("soft"),
                )
        axes.set(xscale="log", yscale="log", xlabel="assembly and solve, s")
        axes.set_title(panel if len(panels) > 1 else "", fontsize=8.5)
        axes.margins(x=0.12, y=0.1)
        plain_log(axes.xaxis)
    for axes in list(grid.flat)[len(panels) :]:
        axes.remove()
    for row in grid:
        row[0].set_ylabel(NORMS.get(error, error))
    legend_below(figure, [
        Line2D([], [], marker=MARKERS[i % len(MARKERS)], color=cycle()[i % len(cycle())], label=n)
        for i, n in enumerate(names)
    ])  # fmt: skip
    return figure


# ---- pictures ------------------------------------------------------------------------------------


def _triangles(point: np.ndarray) -> Triangulation:
    """Of points of a domain that may have holes and notches: triangles that are much larger than
    most lie outside."""
    mesh = Triangulation(point[:, 0], point[:, 1])
    corners = point[mesh.triangles]
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    longest = sides.max(axis=1)
    mesh.set_mask(longest > 4.5 * np.median(longest))
    return mesh


def _picture(figure, axes, drawn, label: str) -> None:
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.tick_params(labelsize=7)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.82, pad=0.02)
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
    axes.set_title(label, fontsize=8.5)


def field(found: Field) -> Figure:
    """The answer of one case in the plane, and its error where the truth is known: first component,
    or the length of a vector."""
    known = np.isfinite(found.truth).all(axis=1)
    vector = found.value.shape[1] > 1
    size = lambda v: np.linalg.norm(v, axis=1) if vector else v[:, 0]  # noqa: E731
    columns = 2 if known.any() else 1
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    grid = figure.subplots(1, columns, squeeze=False)[0]
    mesh = _triangles(found.point)
    whole = found.node_point is not None
    drawn = grid[0].tripcolor(
        _triangles(found.node_point) if whole else mesh,
        size(found.node_value if whole else found.value), shading="gouraud", cmap="viridis",
    )  # fmt: skip
    _picture(figure, grid[0], drawn, "|u|" if vector else "u")
    if columns == 2:
        error = size(found.value - found.truth)[known]
        most = np.abs(error).max() or 1.0
        drawn = grid[1].scatter(
            *found.point[known].T, c=error, s=9, linewidths=0, cmap="magma" if vector else "RdBu_r",
            vmin=0 if vector else -most, vmax=most,
        )  # fmt: skip
        grid[1].set(xlim=grid[0].get_xlim(), ylim=grid[0].get_ylim())
        _picture(figure, grid[1], drawn, "|error| at points" if vector else "error at points")
    return figure


def designs(found: list[tuple[str, Grid]]) -> Figure:
    """Densities of optimised designs: black is material."""
    columns = min(2, len(found))
    rows = -(-len(found) // columns)
    width, height = found[0][1].size
    each = WIDTH / columns * height / width
    figure = Figure(figsize=(WIDTH, rows * (min(each, 3.6) + 0.35)), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, (title, design) in zip(grid.flat, found):
        axes.imshow(
            design.values["density"], origin="lower", cmap="gray_r", vmin=0, vmax=1,
            extent=(0, design.size[0], 0, design.size[1]), interpolation="nearest",
        )  # fmt: skip
        axes.grid(visible=False)
        axes.tick_params(labelsize=7)
        axes.set_title(title, fontsize=8.5)
    for axes in list(grid.flat)[len(found) :]:
        axes.remove()
    return figure


def grids(found: Grid) -> Figure:
    """Values on squares, a panel each; what is compared shares a scale, differences are centred."""
    names = list(found.values)
    columns = 2
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(WIDTH, 2.75 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    shared = [found.values[n] for n in ("true", "found") if n in found.values]
    low, high = (min(map(np.nanmin, shared)), max(map(np.nanmax, shared))) if shared else (0, 1)
    for axes, name in zip(grid.flat, names):
        values = found.values[name]
        look = {"cmap": "viridis"}
        if name in ("true", "found"):
            look |= {"vmin": low, "vmax": high}
        if "−" in name:
            most = np.abs(values).max() or 1.0
            look = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
        drawn = axes.imshow(
            values, origin="lower", extent=(0, found.size[0], 0, found.size[1]), **look
        )
        _picture(figure, axes, drawn, name)
    for axes in list(grid.flat)[len(names) :]:
        axes.remove()
    return figure


# ---- histories -----------------------------------------------------------------------------------


def drift(values: np.ndarray) -> np.ndarray | None:
    """|E / E_0 - 1| where a number is conserved to 1e-6, else None."""
    if len(values) < 2 or values[0] == 0:
        return None
    off = np.abs(values / values[0] - 1)
    return off if off.max() < 1e-6 else None


def histories(found: list[tuple[str, History]]) -> Figure:
    """A number per iteration or step, a line per case: of what is conserved the deviation from its
    beginning."""
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    axes = figure.subplots()
    name = found[0][1].name
    flat = all(drift(h.values) is not None for _, h in found)
    for i, (label, history) in enumerate(found):
        values = drift(history.values) if flat else history.values
        step = np.arange(len(values))
        colour = cycle()[i % len(cycle())]
        shown = values > 0 if flat else np.isfinite(values)
        style = {"color": colour, "linewidth": 1.2, "label": label}
        if flat:  # round-off: every step is a point of its own
            axes.plot(step[shown], values[shown], ".", markersize=1.5, **style)
        else:
            axes.plot(step[shown], values[shown], linestyle=["-", "--", "-.", ":"][i % 4], **style)
    every = np.concatenate([h.values for _, h in found])
    if flat or (every.min() > 0 and every.max() / every.min() > 30):
        axes.set_yscale("log")
    axes.set_ylabel(f"|{name} / first − 1|" if flat else name)
    axes.set_xlabel("iteration" if name in ("compliance", "misfit") else "step")
    if len(found) > 1 or found[0][0]:
        handles = [
            Line2D([], [], color=line.get_color(), linestyle="-" if flat else line.get_linestyle(),
                   label=line.get_label())
            for line in axes.get_lines()
        ]  # fmt: skip
        legend_below(figure, handles)
    return figure
