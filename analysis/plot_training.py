# SPDX-License-Identifier: BSD-3-Clause
"""Figures of training: how losses fall, and what each method reaches beside the trivial answers."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from style import WIDTH, cycle, ink, plain_log

MOST_CURVES = 6


@dataclass
class Curve:
    """One training: (epochs) each; validation is NaN where it was not asked for."""

    name: str
    epoch: np.ndarray
    loss: np.ndarray
    validation: np.ndarray
    partial: bool


@dataclass
class Reached:
    """The error of a method on the items asked about."""

    name: str
    error: float
    trained: bool


def training(curves: list[Curve], reached: list[Reached], measure: str) -> Figure:
    """Left: loss (thin) and validation error (thick) against epochs; right: errors reached."""
    figure = Figure(figsize=(WIDTH, 2.7), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    colours = cycle()
    names = {}
    for i, curve in enumerate(curves[:MOST_CURVES]):
        colour = names[curve.name] = colours[i % len(colours)]
        left.plot(curve.epoch, curve.loss, color=colour, linewidth=0.7, alpha=0.7)
        known = np.isfinite(curve.validation)
        label = curve.name + (" (goes on)" if curve.partial else "")
        left.plot(
            curve.epoch[known], curve.validation[known], color=colour, linewidth=1.5, label=label
        )
    left.set(xlabel="epoch", ylabel="relative error", xscale="log", yscale="log")
    left.legend(frameon=False, fontsize=7)
    places = np.arange(len(reached))[::-1]
    for place, one in zip(places, reached):
        colour = names.get(one.name, ink("soft"))
        right.plot(
            one.error, place, "o" if one.trained else "s", color=colour, markersize=6,
            markerfacecolor=colour if one.trained else "none",
        )
    right.set_yticks(places, [one.name for one in reached])
    right.set(xlabel=measure, xscale="log", ylim=(-0.6, len(reached) - 0.4))
    right.grid(axis="x", which="major")
    for axis in (left.xaxis, left.yaxis, right.xaxis):
        plain_log(axis)
    return figure
