# SPDX-License-Identifier: BSD-3-Clause
"""One figure from the command line; the figures themselves: plot_curves.py, plot_accuracy.py,
plot_speed.py, plot_sureness.py, plot_matrix.py, plot_convergence.py, plot_green.py,
plot_fem.py, plot_training.py, plot_peers.py, plot_micro.py, plot_device.py.

    python3 analysis/plots.py curves OUT.json PNG [--reference FILE.json] [--dark]
    python3 analysis/plots.py profile|ellipticity OUT.json PNG
    python3 analysis/plots.py accuracy|errors|throughput|axes|scaling|weak RUNDIR PNG
    python3 analysis/plots.py peers|reliability|status RUNDIR PNG
    python3 analysis/plots.py matrix|training|loss|convergence|green RUNDIR PNG
    python3 analysis/plots.py assembly|fem-peers|work-precision|solution RUNDIR PNG
    python3 analysis/plots.py design|coefficient|history RUNDIR PNG
    python3 analysis/plots.py learning|nn-peers|galerkin-peers|micro|roofline RUNDIR PNG
    python3 analysis/plots.py host-device|host-device-cases|break-even RUNDIR PNG
    python3 analysis/plots.py device-roofline|device-precision RUNDIR PNG

Of the last six lines' kinds a run folder may hold several: then the first is drawn, and the
names of all are told; `moho report --figures` writes each. Records of a host and of a device never
stand in one series: of the other kinds those of a host are drawn, where there are any.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import figures
import load
import machine
import tables
import tables_speed
from plot_accuracy import accuracy, error_distribution
from plot_curves import MAX_ROWS, dispersion_curves, ellipticity, kernel_panels, model_profile
from plot_speed import axes_figure, peers, scaling, throughput, weak_scaling
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
NETWORKS = ("learning", "nn-peers", "galerkin-peers")
MICRO = ("micro", "roofline")
DEVICE = ("host-device", "host-device-cases", "device-roofline", "device-precision", "break-even")


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
    if kind in FROM_RECORDS:
        return _of_records(kind, source, runs)
    if kind in (*CONCLUSIONS, *FEM, *NETWORKS, *MICRO, *DEVICE):
        return _first(kind, source, runs)
    hosts_first = next(iter(machine.by_device(runs.records).values()), [])
    curves, messages = record_curves(hosts_first)
    for message in messages:
        print(f"plots: skipped {message}", file=sys.stderr)
    errors, checks = tables.accuracy_table(curves), tables.check_table(hosts_first)
    if errors.empty:
        raise load.LoadError(f"{source}: no record has curves with a reference")
    make = accuracy if kind == "accuracy" else error_distribution
    return lambda: make(errors, checks)


def _of_records(kind: str, source: Path, runs: load.Runs):
    """Of the first of hosts and devices that has what the figure needs."""
    table_of, make = FROM_RECORDS[kind]
    tables_of = {d: table_of(part) for d, part in machine.by_device(runs.records).items()}
    found = {d: table for d, table in tables_of.items() if not table.empty}
    if not found:
        raise load.LoadError(f"{source}: no record has what the {kind} figure needs")
    names = [device or "hosts" for device in found]
    if len(names) > 1:
        print(f"plots: {source}: drawn is the first of {', '.join(names)}", file=sys.stderr)
    return lambda: make(found[list(found)[0]])


def _drawn(kind: str, runs: load.Runs) -> list:
    """Where a figure of that kind may be found."""
    if kind in MICRO:
        return [figures.of_micro(runs.micro)]
    if kind in DEVICE:
        drawn = figures.of_device(runs)
        return [drawn] if drawn else []
    parts = {study: machine.by_device(runs.of_study(study)) for study in runs.study_names()}
    return [
        figures.of_study(study, part, 6, runs.studies.get(study), device if len(of) > 1 else "")
        for study, of in parts.items()
        for device, part in of.items()
    ]


def _first(kind: str, source: Path, runs: load.Runs):
    """The first figure of that kind."""
    parts = _drawn(kind, runs)
    for problem in dict.fromkeys(p for drawn in parts for p in drawn.problems):
        print(f"plots: skipped {problem}", file=sys.stderr)
    found = [f for drawn in parts for f in drawn.figures if f.kind == kind]
    if not found:
        raise load.LoadError(f"{source}: no record has what the {kind} figure needs")
    if len(found) > 1:
        names = ", ".join(f.name for f in found)
        print(f"plots: {source}: drawn is the first of {names}", file=sys.stderr)
    return found[0].make


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Draw one figure.")
    parser.add_argument(
        "figure", choices=[*FROM_FILE, "accuracy", "errors", *FROM_RECORDS, *CONCLUSIONS, *FEM,
                           *NETWORKS, *MICRO, *DEVICE],  # fmt: skip
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
