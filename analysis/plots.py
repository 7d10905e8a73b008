# SPDX-License-Identifier: BSD-3-Clause
"""One figure from the command line; the figures themselves: plot_curves.py, plot_accuracy.py,
plot_speed.py, plot_sureness.py, plot_matrix.py, plot_convergence.py, plot_green.py,
plot_fem.py, plot_training.py, plot_peers.py.

    python3 analysis/plots.py curves OUT.json PNG [--reference FILE.json] [--dark]
    python3 analysis/plots.py profile|ellipticity OUT.json PNG
    python3 analysis/plots.py accuracy|errors|throughput|axes|scaling|weak RUNDIR PNG
    python3 analysis/plots.py peers|reliability|status|micro RUNDIR PNG
    python3 analysis/plots.py matrix|training|loss|convergence|green RUNDIR PNG
    python3 analysis/plots.py assembly|fem-peers|work-precision|solution RUNDIR PNG
    python3 analysis/plots.py design|coefficient|history RUNDIR PNG
    python3 analysis/plots.py learning|nn-peers RUNDIR PNG

Of the last four lines' kinds a run folder may hold several: then the first is drawn, and the
names of all are told; `moho report --figures` writes each.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import figures_convergence
import figures_fem
import figures_generalization
import figures_training
import load
import tables
import tables_speed
from figure import Drawn
from load_synthesis import points
from plot_accuracy import accuracy, error_distribution
from plot_curves import MAX_ROWS, dispersion_curves, ellipticity, kernel_panels, model_profile
from plot_speed import axes_figure, micro, peers, scaling, throughput, weak_scaling
from plot_sureness import reliability, statuses
from style import render

__all__ = ["dispersion_curves", "ellipticity", "kernel_panels", "model_profile", "record_curves"]
FROM_FILE = ("curves", "profile", "ellipticity")
FROM_RECORDS = {
    "throughput": (tables_speed.throughput_table, throughput),
    "axes": (tables_speed.axes_table, axes_figure),
    "scaling": (tables_speed.scaling_table, scaling),
    "weak": (tables_speed.weak_scaling_table, weak_scaling),
    "peers": (tables_speed.peer_table, peers),
    "reliability": (tables_speed.reliability_table, reliability),
    "status": (tables_speed.status_table, statuses),
}
CONCLUSIONS = ("matrix", "training", "loss", "convergence", "green")
FEM = (
    "assembly", "fem-peers", "work-precision", "solution", "design", "coefficient", "history",
)  # fmt: skip
NETWORKS = ("learning", "nn-peers")


def record_curves(records: list[load.Record]) -> tuple[pd.DataFrame, list[str]]:
    """Curves of all records that have any, and the messages of files that cannot be read."""
    parts, messages = [], []
    for record in records:
        if record.data_file is None:
            continue
        try:
            parts.append(load.read_curves(record.data_file))
        except load.LoadError as error:
            messages.append(str(error))
    empty = pd.DataFrame(columns=load.CURVE_COLUMNS)
    return (pd.concat(parts, ignore_index=True) if parts else empty), messages


def _from_file(kind: str, source: Path, reference: Path | None):
    curves, models, errors = load.read_dispersion(source)
    for message in errors:
        print(f"plots: left out: {message}", file=sys.stderr)
    if kind == "profile":
        return lambda: model_profile(models)
    if curves.empty:
        raise load.LoadError(f"{source}: no curve to draw (every case has an error?)")
    if kind == "ellipticity" and not np.isfinite(curves["ellipticity"]).any():
        raise load.LoadError(f"{source}: no ellipticity to draw (only Rayleigh waves have one)")
    if reference:
        keys = ["name", "wave", "mode", "period"]
        known = [f"truth_{quantity}" for quantity in load.QUANTITIES]
        truth = load.read_reference(reference)[keys + known]
        curves = curves.drop(columns=known).merge(truth, "left", keys)
    total = curves["name"].nunique()
    if total > MAX_ROWS:
        print(f"plots: {source}: drawn are the first {MAX_ROWS} of {total} models", file=sys.stderr)
    if kind == "ellipticity":
        return lambda: ellipticity(curves)
    return lambda: dispersion_curves(curves, models)


def _from_runs(kind: str, source: Path):
    runs = load.load(source)
    for problem in runs.problems:
        print(f"plots: skipped {problem}", file=sys.stderr)
    if kind in FROM_RECORDS or kind == "micro":
        table_of, make = FROM_RECORDS.get(kind, (tables_speed.micro_table, micro))
        table = table_of(runs.micro if kind == "micro" else runs.records)
        if table.empty:
            raise load.LoadError(f"{source}: no record has what the {kind} figure needs")
        return lambda: make(table)
    if kind in (*CONCLUSIONS, *FEM, *NETWORKS):
        return _conclusion(kind, source, runs)
    curves, messages = record_curves(runs.records)
    for message in messages:
        print(f"plots: skipped {message}", file=sys.stderr)
    errors, checks = tables.accuracy_table(curves), tables.check_table(runs.records)
    if errors.empty:
        raise load.LoadError(f"{source}: no record has curves with a reference")
    make = accuracy if kind == "accuracy" else error_distribution
    return lambda: make(errors, checks)


def _conclusion(kind: str, source: Path, runs: load.Runs):
    """The first figure of that kind."""
    found = []
    for study in runs.study_names():
        drawn = Drawn()
        figures_generalization.add(study, runs.of_study(study), drawn)
        figures_convergence.add(study, runs.of_study(study), drawn)
        figures_fem.add(study, points(runs.of_study(study)), drawn)
        figures_training.add(study, points(runs.of_study(study)), drawn)
        for problem in drawn.problems:
            print(f"plots: skipped {problem}", file=sys.stderr)
        found += [f for f in drawn.figures if f.kind == kind]
    if not found:
        raise load.LoadError(f"{source}: no record has what the {kind} figure needs")
    if len(found) > 1:
        names = ", ".join(f.name for f in found)
        print(f"plots: {source}: drawn is the first of {names}", file=sys.stderr)
    return found[0].make


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Draw one figure.")
    parser.add_argument(
        "figure", choices=[*FROM_FILE, "accuracy", "errors", *FROM_RECORDS, "micro", *CONCLUSIONS, *FEM,
                           *NETWORKS],  # fmt: skip
    )
    parser.add_argument(
        "source",
        type=Path,
        help=f"output of `moho dispersion` ({', '.join(FROM_FILE)}) or run folder",
    )
    parser.add_argument("image", type=Path, help="PNG, PDF or SVG to write")
    parser.add_argument(
        "--reference", type=Path, help="surface-wave-reference/1 file to overlay (curves)"
    )
    parser.add_argument("--dark", action="store_true", help="light ink on dark paper")
    options = parser.parse_args(arguments)
    file_format = options.image.suffix.lower().lstrip(".") or "png"
    if file_format not in ("png", "pdf", "svg"):
        print(
            f"plots: {options.image}: unknown kind of picture; use .png, .pdf or .svg",
            file=sys.stderr,
        )
        return 1
    try:
        if options.figure in FROM_FILE:
            make = _from_file(options.figure, options.source, options.reference)
        else:
            make = _from_runs(options.figure, options.source)
        picture = render(make, "dark" if options.dark else "light", file_format)
        load.write_atomically(options.image, picture)
    except load.LoadError as error:
        print(f"plots: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
