# SPDX-License-Identifier: BSD-3-Clause
"""Figures of micro-benchmarks, one per machine: shares of the machine's rates, and rooflines."""
from __future__ import annotations

import numpy as np

import load
import plot_micro
import tables_micro
from figure import Drawn, Figure, slug
from machine import Machine, by_machine

MOST_PANELS = 4


def of_micro(outputs: list[load.Micro]) -> Drawn:
    """A figure of shares per machine, and one with all rooflines."""
    drawn = Drawn()
    machines = by_machine(outputs)
    table = tables_micro.micro_table(outputs)
    for machine, files in machines.items():
        part = table[table["machine"] == machine]
        name = "micro-fractions" + (f"-{slug(machine.text)}" if len(machines) > 1 else "")
        if name in {f.name for f in drawn.figures}:  # another build on the same machine
            name += f"-{len(drawn.figures)}"
        _fractions(name, machine, files, part, drawn)
    _rooflines(table, machines, drawn)
    return drawn


def _fractions(name: str, machine: Machine, files: list[load.Micro], table, drawn: Drawn) -> None:
    if table.empty or not np.isfinite(table[["of_gemm", "of_stream"]]).any(axis=None):
        drawn.missing.append(
            f"fractions of the rates of {machine.text} (no benchmark has one: "
            f"{', '.join(str(f.path.name) for f in files)})"
        )
        return
    known = table[np.isfinite(table["of_gemm"]) & ~table["noisy"].astype(bool)]
    text = (
        f"Micro-benchmarks on {machine.text}: rate of each kernel, by the operations and bytes "
        "that it declares, as a fraction of the matrix-product and STREAM rates measured "
        "immediately before and after it. Bars reach from the least to the largest repetition. "
        "Kernels that stay in cache can exceed STREAM; those full of divisions and roots cannot "
        "reach the matrix product."
    )
    if len(known):
        best = known.loc[known["of_gemm"].idxmax()]
        text += f" Largest fraction of the matrix product: {best['of_gemm']:.2g} ({best['name']})."
    if table["noisy"].any():
        text += " Crosses: the machine's rates were unsteady; do not quote them."
    drawn.figures.append(
        Figure(name, text, lambda: plot_micro.micro(table), files=files, kind="micro")
    )


# ---- rooflines -----------------------------------------------------------------------------------


def roof_words(roof: tables_micro.Roof) -> str:
    """What a roofline says in a sentence: ceilings, and what comes closest to them."""
    text = f"{roof.machine.text}: STREAM {_ceiling(roof.stream, 'B/s')}"
    for precision, gemm in roof.gemm.items():
        text += f", {plot_micro.WORDS[precision]} {_ceiling(gemm, 'flop/s')}"
    points = roof.points
    steady = points[~points["noisy"] & np.isfinite(points["share"])]
    below = steady[steady["share"] <= 1]
    text += f"; {len(points)} benchmarks"
    if unsteady := int(points["noisy"].sum()):
        text += f", {unsteady} of them unsteady"
    if over := len(steady) - len(below):
        text += f", {over} above the roof as their data stay in caches"
    if len(below):
        best = below.loc[below["share"].idxmax()]
        text += f"; nearest below it {best['name']} at {best['share']:.0%}"
    return text


def _ceiling(rate: tuple[float, float, float], unit: str) -> str:
    """ "29.1 GB/s (27.2 G to 30.1 G)"."""
    low, median, high = map(plot_micro.rate_text, rate)
    return f"{median}{unit} ({low} to {high})"


def _rooflines(table, machines: dict, drawn: Drawn) -> None:
    roofs, missing = tables_micro.roofs(table)
    drawn.missing += missing
    if len(roofs) > MOST_PANELS:
        drawn.missing.append(f"{len(roofs) - MOST_PANELS} more rooflines (the table has all)")
        roofs = roofs[:MOST_PANELS]
    if not roofs:
        return
    drawn.figures.append(
        Figure(
            "micro-roofline",
            "Rooflines: operations per second of each benchmark that declares operations and "
            "bytes, against operations per byte, below the ceilings measured around the "
            "benchmarks of the same machine (bands: least to largest). The share of the roof "
            "takes the rates around that very benchmark.",
            lambda: plot_micro.rooflines([[roof] for roof in roofs]),
            files=[f for roof in roofs for f in machines[roof.machine]],
            kind="roofline",
            quote="; ".join(map(roof_words, roofs)) + ".",
        )
    )
