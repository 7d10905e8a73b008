# SPDX-License-Identifier: BSD-3-Clause
"""Figures of probing: answers to unit inputs, exact Green's functions, inverse stencils."""
from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from load_synthesis import Probe
from style import WIDTH, cycle, ink, legend_below

DECADES = 17  # of the inverse's magnitude that are shown


def _image(figure, axes, values, colours, low, high, label, power=False) -> None:
    image = axes.imshow(
        values, cmap=colours, vmin=low, vmax=high, aspect="auto", interpolation="nearest"
    )
    axes.grid(False)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.tick_params(length=2, labelsize=6.5)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.9, aspect=14, pad=0.03)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=6.5, length=2)
    if power:
        bar.locator = MaxNLocator(4, integer=True)
        bar.formatter = FuncFormatter(lambda x, _: f"$10^{{{round(x)}}}$")
    else:
        bar.locator = MaxNLocator(5, symmetric=True)
        bar.formatter.set_powerlimits((-2, 2))
        bar.ax.yaxis.get_offset_text().set_fontsize(6.5)
        bar.ax.yaxis.set_offset_position("left")
    bar.update_ticks()
    if label:
        axes.set_title(label, fontsize=8)


def green_images(probes: list[tuple[str, Probe]]) -> Figure:
    """A row per space of training: answers to unit inputs (a column each), the exact ones, their
    difference on a scale of its own, and the magnitude of the inverse."""
    inverse = any(_invertible(probe) for _, probe in probes)
    columns = 4 if inverse else 3
    figure = Figure(figsize=(WIDTH, 0.35 + 1.62 * len(probes)), layout="constrained")
    grid = figure.subplots(len(probes), columns, squeeze=False)
    for i, (row, (name, probe)) in enumerate(zip(grid, probes)):
        top = float(np.abs(probe.exact).max()) or 1.0
        apart = probe.answer - probe.exact
        most = float(np.nanmax(np.abs(apart), initial=0))
        heads = (
            ("answer", "exact", "answer \u2212 exact", "|inverse stencil|") if i == 0 else ("",) * 4
        )
        for axes, values, scale, head in zip(
            row, (probe.answer, probe.exact, apart), (top, top, most), heads
        ):
            if scale > 0:
                _image(figure, axes, values, "RdBu_r", -scale, scale, head)
            else:
                _say(axes, "exactly zero", head)
        if inverse:
            _inverse(figure, row[3], probe, heads[3])
        row[0].set_ylabel("output", fontsize=8)
        _name(row[0], name)
    for axes in grid[-1]:
        axes.set_xlabel("unit input" if axes.images else "", fontsize=8)
    return figure


def _invertible(probe: Probe) -> bool:
    return probe.inverse is not None and bool(np.isfinite(probe.inverse).all())


def _say(axes, text: str, head: str) -> None:
    """Words where there is no image."""
    axes.text(
        0.5,
        0.5,
        text,
        ha="center",
        va="center",
        color=ink("soft"),
        fontsize=8,
        transform=axes.transAxes,
    )
    axes.set(xticks=[], yticks=[])
    axes.set_title(head, fontsize=8)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _name(axes, name: str) -> None:
    """The space that a row was prepared on, beside its label; any text, so no mathematics."""
    axes.annotate(
        textwrap.fill(name, 20),
        (0, 0.5),
        xycoords=axes.yaxis.label,
        xytext=(-2, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        ma="center",
        rotation=90,
        fontsize=8,
        fontweight="bold",
        parse_math=False,
    )


def _inverse(figure, axes, probe: Probe, head: str) -> None:
    if not _invertible(probe):
        _say(axes, "singular", head)
        return
    size = np.abs(probe.inverse)
    top = np.log10(size.max()) if size.max() > 0 else 0.0
    values = np.log10(np.maximum(size, 10.0 ** (top - DECADES)))
    _image(figure, axes, values, "viridis", top - DECADES, top, head, power=True)


# ---- columns -------------------------------------------------------------------------------------


def chosen_columns(inputs: int) -> list[int]:
    """Inputs whose answers are drawn as curves: at a quarter, the middle, three quarters."""
    return sorted({inputs // 4, inputs // 2, (3 * inputs) // 4})


def kink_order(probe: Probe) -> int:
    """Order of the difference that vanishes away from the source: that of the operator."""
    return 4 if "biharmonic" in str(probe.record["case"].get("operator", "")) else 2


def green_columns(probes: list[tuple[str, Probe]]) -> Figure:
    """Answers to a few unit inputs as curves over the nodes above their differences of the
    operator's order, which those of an exact Green's function have beside its own node alone."""
    columns = chosen_columns(probes[0][1].answer.shape[1])
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    grid = figure.subplots(2, len(probes), sharex=True, sharey="row", squeeze=False)
    top = max(float(np.abs(p.exact[:, columns]).max()) for _, p in probes) or 1.0
    power = int(np.floor(np.log10(top)))
    for (name, probe), above, below in zip(probes, *grid):
        for k, column in enumerate(columns):
            _column(above, below, probe, column, k, 10.0**power)
        above.set_title(f"prepared on {name}" if "prepared_on" in probe.record["case"] else name)
        below.set(xlabel="x", xticks=[0, 0.5, 1], xlim=(-0.02, 1.02))
    low = min(float(p.exact[:, columns].min()) for _, p in probes)
    grid[0][0].set_ylabel(f"answer to a unit input\n($10^{{{power}}}$)")
    order = kink_order(probes[0][1])
    grid[1][0].set_ylabel(f"difference of order {order} over\nthe largest exact one")
    # wild answers leave the panel
    grid[0][0].set_ylim((min(low, 0) - 0.2 * top) / 10.0**power, 1.25 * top / 10.0**power)
    grid[1][0].set_ylim(-1.5, 1.5)
    inputs = [
        Line2D([], [], color=cycle()[k % len(cycle())], linewidth=2.5, label=f"unit input {c}")
        for k, c in enumerate(columns)
    ]
    soft = ink("soft")
    legend_below(
        figure,
        [
            Line2D([], [], color=soft, linewidth=1.0, label="exact"),
            Line2D([], [], linestyle="none", marker="o", color=soft, label="answer"),
            *inputs,
        ],
    )
    return figure


def _column(above, below, probe: Probe, column: int, k: int, unit: float) -> None:
    """One answer, symbols, and the exact one, a line; below both differences."""
    order = kink_order(probe)
    nodes = probe.nodes
    largest = np.abs(np.diff(probe.exact[:, column], order)).max() or 1.0
    line = {"color": cycle()[k % len(cycle())], "linewidth": 1.0}
    dots = {
        "color": cycle()[k % len(cycle())],
        "linestyle": "none",
        "marker": "o^s"[k % 3],
        "markersize": 3.2,
        "markeredgewidth": 0,
    }
    for values, style in ((probe.exact[:, column], line), (probe.answer[:, column], dots)):
        above.plot(nodes, values / unit, **style)
        inner = slice(order // 2, len(nodes) - order // 2)
        below.plot(nodes[inner], np.diff(values, order) / largest, **style)
