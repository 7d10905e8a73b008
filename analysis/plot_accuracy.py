# SPDX-License-Identifier: BSD-3-Clause
"""Figures of errors against a reference."""
from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from plot_curves import short_names
from style import WIDTH, cycle, ink, legend_below

WAVE_STYLE = {"rayleigh": ("o", "-"), "love": ("^", "--")}
FLOOR = 1e-17  # exact agreement is drawn here on a logarithmic axis


def _error_axis(axes, limits: list[tuple[str, float]], low: float, high: float) -> None:
    """Logarithmic error axis with the record's own limits as labelled lines."""
    axes.set_yscale("log")
    axes.set_ylim(low, max([high, *(limit for _, limit in limits)]) * 8)
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.yaxis.set_minor_locator(NullLocator())
    for i, (name, limit) in enumerate(sorted(set(limits))):
        axes.axhline(limit, color=ink(), linestyle=("--", ":", "-.")[i % 3], linewidth=0.9)
        axes.annotate(
            f"limit of {name}: {limit:g}",
            (1, limit),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            xytext=(-2, 2),
            ha="right",
            va="bottom",
            fontsize=7,
        )


def _limits(checks: pd.DataFrame, quantity: str) -> list[tuple[str, float]]:
    if checks.empty:
        return []
    mine = checks[
        checks["name"].str.startswith(f"{quantity}_rel") & checks["relation"].isin(["<", "<="])
    ]
    return list(zip(mine["name"], mine["limit"]))


def accuracy(errors: pd.DataFrame, checks: pd.DataFrame) -> Figure:
    """Relative error of every point against the reference, by model (and mode, left to right within
    one), phase above group, with the limits that the record's checks set.

    Models stand in order of their largest error when there are too many to name.
    """
    names = list(dict.fromkeys(errors["name"]))
    named = len(names) <= 18
    if not named:
        names = list(errors.groupby("name")["error"].max().sort_values().index)
    place = {name: i for i, name in enumerate(names)}
    quantities = [q for q in ("phase", "group") if (errors["quantity"] == q).any()]
    figure = Figure(
        figsize=(WIDTH, 2.3 * len(quantities) + (1.0 if named else 0.5)), layout="constrained"
    )
    span = 0.7 / max(1, errors["mode"].max() + 1)
    low = max(FLOOR, min(1e-16, errors["error"][errors["error"] > 0].min())) / 2
    for axes, quantity in zip(
        figure.subplots(len(quantities), 1, sharex=True, squeeze=False)[:, 0], quantities
    ):
        for i, (wave, (marker, _)) in enumerate(WAVE_STYLE.items()):
            part = errors[(errors["quantity"] == quantity) & (errors["wave"] == wave)]
            x = part["name"].map(place) - 0.35 + span * (part["mode"] + 0.35 + 0.3 * i)
            axes.plot(
                x,
                np.maximum(part["error"], low * 1.3),
                linestyle="none",
                marker=marker,
                markersize=3,
                markeredgewidth=0,
                alpha=0.6,
                color=cycle()[i],
                rasterized=True,
            )
        _error_axis(axes, _limits(checks, quantity), low, errors["error"].max())
        axes.set_ylabel(f"relative error,\n{quantity} velocity")
        axes.grid(axis="x", visible=False)
    last = figure.axes[-1]
    last.set_xlim(-0.6, len(names) - 0.4)
    if named:
        last.set_xticks(
            range(len(names)),
            short_names(names).values(),
            rotation=25 if len(names) > 2 else 0,
            ha="right" if len(names) > 2 else "center",
        )
    else:
        last.set_xlabel(f"model, in order of its largest error ({len(names)} models)")
    legend_below(
        figure,
        [
            Line2D(
                [], [], linestyle="none", marker=marker, color=cycle()[i], label=wave.capitalize()
            )
            for i, (wave, (marker, _)) in enumerate(WAVE_STYLE.items())
        ],
    )
    return figure


def error_distribution(errors: pd.DataFrame, checks: pd.DataFrame) -> Figure:
    """Share of points whose error exceeds x: the tail that a maximum or a mean hides."""
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    axes = figure.subplots()
    smallest = 1.0
    for i, quantity in enumerate(("phase", "group")):
        for wave, (_, style) in WAVE_STYLE.items():
            values = np.sort(
                errors["error"][
                    (errors["quantity"] == quantity) & (errors["wave"] == wave)
                ].to_numpy()
            )
            if not values.size:
                continue
            values = np.maximum(values, FLOOR)
            share = 1.0 - np.arange(values.size) / values.size
            smallest = min(smallest, share[-1])
            axes.step(
                values,
                share,
                where="pre",
                linestyle=style,
                color=cycle()[i],
                label=f"{quantity}, {wave.capitalize()} ({values.size} points)",
            )
    for name, limit in sorted({pair for q in ("phase", "group") for pair in _limits(checks, q)}):
        tail = name.endswith("p999")  # the limit of a quantile stands at its share of points
        smallest = min(smallest, 1e-3) if tail else smallest
        axes.axvline(limit, color=ink("soft"), linewidth=0.8, linestyle=":")
        if tail:
            axes.plot([limit], [1e-3], marker="v", color=ink(), zorder=4)
        axes.annotate(
            f"limit of {name}: {limit:g}",
            (limit, 1),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            xytext=(-3, -3),
            rotation=90,
            ha="right",
            va="top",
            fontsize=7,
        )
    axes.set(xscale="log", yscale="log", xlabel="relative error", ylabel="share of points above it")
    axes.set_ylim(smallest * 0.5, 1.5)
    axes.xaxis.set_major_locator(LogLocator(numticks=14))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    legend_below(figure, axes.get_legend_handles_labels()[0])
    return figure
