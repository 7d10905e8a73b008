# SPDX-License-Identifier: BSD-3-Clause
"""Figures, one function each: tables (tables.py, load.py) -> matplotlib Figure.

    python3 analysis/plots.py curves OUT.json PNG [--reference FILE.json] [--dark]
    python3 analysis/plots.py profile OUT.json PNG
    python3 analysis/plots.py accuracy|errors|throughput|scaling RUNDIR PNG
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, PercentFormatter

import load
import tables
from style import WIDTH, cycle, ink, legend_below, period_axis, plain_log, ramp, render

WAVE_STYLE = {"rayleigh": ("o", "-"), "love": ("^", "--")}
FLOOR = 1e-17  # exact agreement is drawn here on a logarithmic axis
MAX_ROWS = 6  # models in one figure of curves


def short_names(names: list[str]) -> dict[str, str]:
    """Full name -> its last part ("ref_c_earth/ak135like" -> "ak135like") where that is unique."""
    last = [name.rsplit("/", 1)[-1] for name in names]
    return {name: part if last.count(part) == 1 else name for name, part in zip(names, last)}


# ---- dispersion curves ---------------------------------------------------------------------------


def _curve_panel(axes, rows: pd.DataFrame, quantity: str, colours: dict[int, object]) -> None:
    """Lines of all modes, open circles where a reference is known, marks for special points."""
    for mode, curve in rows[rows["mode"].isin(colours)].groupby("mode"):
        curve = curve.sort_values("period")
        single = "." if np.isfinite(curve[quantity]).sum() == 1 else ""
        axes.plot(curve["period"], curve[quantity], color=colours[mode], marker=single)
        known = curve[np.isfinite(curve[f"truth_{quantity}"])]
        step = max(1, len(known) // 30)
        axes.plot(
            known["period"][::step],
            known[f"truth_{quantity}"][::step],
            linestyle="none",
            marker="o",
            markersize=4.2,
            markerfacecolor="none",
            markeredgewidth=0.7,
            markeredgecolor=ink(),
        )
    for status, marker in (("extended", "D"), ("multivalued", "x"), ("channel", "s")):
        special = rows[(rows["status"] == status) & np.isfinite(rows[quantity])]
        if special.empty:
            continue
        axes.plot(
            special["period"],
            special[quantity],
            linestyle="none",
            marker=marker,
            markersize=4.5,
            color=cycle()[1],
            markerfacecolor="none",
            zorder=3,
        )
    failed = rows[rows["status"] == "failed"]["period"].unique()
    if failed.size:  # no value: a tick on the period axis
        axes.plot(
            failed,
            np.full(failed.size, 0.02),
            linestyle="none",
            marker="|",
            markersize=9,
            color=cycle()[1],
            transform=axes.get_xaxis_transform(),
        )
    axes.margins(x=0.02)
    if not np.isfinite(rows[quantity]).any():
        axes.text(
            0.5,
            0.5,
            "no trapped mode" if failed.size == 0 else "nothing certified",
            ha="center",
            va="center",
            color=ink("soft"),
            transform=axes.transAxes,
        )


def _curve_range(axes, values: pd.Series) -> None:
    """Limits of velocity; a constant curve is not magnified until its round-off shows."""
    low, high = values.min(), values.max()
    if np.isfinite(low):
        half = max((high - low) * 0.55, 0.01 * high)
        axes.set_ylim((low + high) / 2 - half, (low + high) / 2 + half)


def _curve_legend(rows: pd.DataFrame, colours: dict[int, object]) -> list[Line2D]:
    modes = sorted(colours)
    shown = (
        modes
        if len(modes) <= 9
        else modes[:3] + modes[3 : -2 : max(1, len(modes) // 5)] + modes[-2:]
    )
    names = {0: "fundamental"}
    handles = [Line2D([], [], color=colours[m], label=names.get(m, f"overtone {m}")) for m in shown]
    if np.isfinite(rows[["truth_phase", "truth_group"]]).any(axis=None):
        handles.append(
            Line2D(
                [],
                [],
                linestyle="none",
                marker="o",
                markerfacecolor="none",
                markeredgecolor=ink(),
                markeredgewidth=0.7,
                label="reference",
            )
        )
    for status, marker, text in (
        ("extended", "D", "extended precision"),
        ("multivalued", "x", "fold: several roots"),
        ("channel", "s", "channel mode"),
        ("failed", "|", "not certified"),
    ):
        if (rows["status"] == status).any():
            handles.append(
                Line2D(
                    [],
                    [],
                    linestyle="none",
                    marker=marker,
                    markerfacecolor="none",
                    color=cycle()[1],
                    label=text,
                )
            )
    return handles


def _curve_rows(figure: Figure, cells, rows: pd.DataFrame, waves, titles, colours) -> None:
    """The panels of one model: phase above group, one column per wave, axes shared."""
    above = [None] * len(waves)
    for k, quantity in enumerate(("phase", "group")):
        first = None
        for j, wave in enumerate(waves):
            axes = figure.add_subplot(cells[k][j], sharex=above[j], sharey=first)
            _curve_panel(axes, rows[rows["wave"] == wave], quantity, colours)
            period_axis(axes)
            axes.tick_params(labelbottom=k == 1, labelleft=j == 0)
            axes.set_xlabel("period (s)" if k == 1 else None)
            axes.set_ylabel(f"{quantity} velocity (km/s)" if j == 0 else None)
            axes.set_title(titles[j] if k == 0 else None)
            first, above[j] = first or axes, axes
        _curve_range(first, rows[quantity])


def dispersion_curves(
    curves: pd.DataFrame, models: dict[str, pd.DataFrame] | None = None
) -> Figure:
    """Phase and group velocity against period, Rayleigh beside Love, all modes, reference overlaid.

    Each model fills two rows (phase, group); the first MAX_ROWS models are drawn. The profile of a
    single model stands at the left where `models` has it.
    """
    names = list(dict.fromkeys(curves["name"]))[:MAX_ROWS]
    short = short_names(names)
    curves = curves[curves["name"].isin(names)]
    waves = [w for w in load.WAVES if (curves["wave"] == w).any()] or ["rayleigh"]
    modes = sorted(curves["mode"][np.isfinite(curves["phase"])].unique())
    colours = dict(zip(modes, ramp(len(modes))))
    rows = 2 * max(len(names), 1)
    figure = Figure(figsize=(WIDTH, 0.4 + 2.1 * rows), layout="constrained")
    beside = len(names) == 1 and bool(models) and names[0] in models
    layout = figure.add_gridspec(
        rows, len(waves) + beside, width_ratios=[0.62] * beside + [1] * len(waves)
    )
    handles = []
    if beside:
        axes = figure.add_subplot(layout[:, 0])
        _profile_panel(axes, models[names[0]])
        axes.set_title("Model")
        figure.suptitle(short[names[0]], x=0.01, ha="left", weight="bold", fontsize=10)
        handles = axes.get_legend_handles_labels()[0]
    for i, name in enumerate(names):
        cells = [[layout[2 * i + k, j + beside] for j in range(len(waves))] for k in range(2)]
        titles = [w.capitalize() if beside else f"{short[name]}, {w.capitalize()}" for w in waves]
        _curve_rows(figure, cells, curves[curves["name"] == name], waves, titles, colours)
    legend_below(figure, handles + _curve_legend(curves, colours))
    return figure


def _profile_panel(axes, model: pd.DataFrame) -> None:
    """Steps of velocity and density over depth, the half-space shaded."""
    top = np.concatenate([[0.0], np.cumsum(model["thickness"].to_numpy()[:-1])])
    end = top[-1] * 1.15 if top[-1] > 0 else 1.0
    scale, unit = (1e3, "m") if 0 < top[-1] < 1.0 else (1.0, "km")
    depth = np.repeat(np.append(top, end), 2)[1:-1] * scale
    for key, text, style, colour in (
        ("vs", "vs", "-", 0),
        ("vp", "vp", "--", 1),
        ("rho", "density", ":", 2),
    ):
        axes.plot(
            np.repeat(model[key].to_numpy(), 2), depth, style, color=cycle()[colour], label=text
        )
    axes.axhspan(top[-1] * scale, end * scale, color=ink("grid"), alpha=0.6, zorder=0)
    axes.text(
        0.03,
        (top[-1] + end) / 2 * scale,
        "half-space",
        ha="left",
        va="center",
        fontsize=7,
        color=ink("soft"),
        transform=axes.get_yaxis_transform(),
    )
    axes.set_ylim(end * scale, 0)
    axes.set_xlim(left=0)
    axes.set(ylabel=f"depth ({unit})", xlabel="velocity (km/s)\ndensity (g/cm³)")


def model_profile(models: dict[str, pd.DataFrame]) -> Figure:
    """Velocities and density against depth of the first three models; the half-space is shaded."""
    names = list(models)[:3]
    figure = Figure(figsize=(min(WIDTH, 0.6 + 2.6 * max(len(names), 1)), 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, max(len(names), 1), squeeze=False)[0], names):
        _profile_panel(axes, models[name])
        axes.set_title(short_names(names)[name])
    if names:
        legend_below(figure, figure.axes[0].get_legend_handles_labels()[0])
    return figure


# ---- accuracy ------------------------------------------------------------------------------------


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


# ---- speed ---------------------------------------------------------------------------------------


def _series(axes, table: pd.DataFrame, x: str, y: str, bars: bool = False) -> None:
    markers = "osD^vP*X"
    for i, (name, rows) in enumerate(table.groupby("series", sort=False)):
        rows = rows[np.isfinite(rows[y])]
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


def scaling(table: pd.DataFrame) -> Figure:
    """Strong scaling: speed-up and efficiency against ranks with the ideal, and load balance."""
    figure = Figure(figsize=(WIDTH, 2.7), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    ranks = np.array(sorted(table["ranks"].unique()))
    bars = table.copy()
    bars["lo"], bars["hi"] = (
        table["speedup"] * table["time"] / table["hi"],
        table["speedup"] * table["time"] / table["lo"],
    )
    left.plot(ranks, ranks, color=ink("soft"), linestyle="--", linewidth=1)
    left.annotate(
        "ideal",
        (ranks[-1], ranks[-1]),
        textcoords="offset points",
        xytext=(-4, 2),
        ha="right",
        fontsize=7,
        color=ink("soft"),
    )
    _series(left, bars, "ranks", "speedup", bars=True)
    left.set(xscale="log", yscale="log", ylabel="speed-up")
    bars["lo"], bars["hi"] = bars["lo"] / bars["ranks"], bars["hi"] / bars["ranks"]
    middle.axhline(1, color=ink("soft"), linestyle="--", linewidth=1)
    _series(middle, bars, "ranks", "efficiency", bars=True)
    middle.set(xscale="log", ylabel="parallel efficiency")
    _series(right, table, "ranks", "balance")
    right.set(xscale="log", ylabel="time of fastest / slowest rank")
    for axes in (middle, right):
        axes.set_ylim(0, max(1.1, axes.get_ylim()[1]))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    for axes in (left, middle, right):
        axes.set_xticks(ranks, [str(r) for r in ranks])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("MPI ranks")
    low, high = left.get_ylim()
    ticks = [t for t in 2.0 ** np.arange(-3, 21) if low * 0.99 <= t <= high * 1.01]
    left.set_yticks(ticks, [f"{t:g}" for t in ticks])
    left.yaxis.set_minor_locator(NullLocator())
    _series_legend(figure, left)
    return figure


# ---- command line --------------------------------------------------------------------------------


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
    if reference:
        keys = ["name", "wave", "mode", "period"]
        truth = load.read_reference(reference)[keys + ["truth_phase", "truth_group"]]
        curves = curves.drop(columns=["truth_phase", "truth_group"]).merge(truth, "left", keys)
    total = curves["name"].nunique()
    if total > MAX_ROWS:
        print(f"plots: {source}: drawn are the first {MAX_ROWS} of {total} models", file=sys.stderr)
    return lambda: dispersion_curves(curves, models)


def _from_runs(kind: str, source: Path):
    runs = load.load(source)
    for problem in runs.problems:
        print(f"plots: skipped {problem}", file=sys.stderr)
    if kind in ("throughput", "scaling"):
        table = getattr(tables, f"{kind}_table")(runs.records)
        make = throughput if kind == "throughput" else scaling
        if table.empty:
            raise load.LoadError(f"{source}: no record has what the {kind} figure needs")
        return lambda: make(table)
    curves, messages = record_curves(runs.records)
    for message in messages:
        print(f"plots: skipped {message}", file=sys.stderr)
    errors, checks = tables.accuracy_table(curves), tables.check_table(runs.records)
    if errors.empty:
        raise load.LoadError(f"{source}: no record has curves with a reference")
    make = accuracy if kind == "accuracy" else error_distribution
    return lambda: make(errors, checks)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Draw one figure.")
    parser.add_argument(
        "figure", choices=["curves", "profile", "accuracy", "errors", "throughput", "scaling"]
    )
    parser.add_argument(
        "source", type=Path, help="output of `moho dispersion` (curves, profile) or run folder"
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
        if options.figure in ("curves", "profile"):
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
