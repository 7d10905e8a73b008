# SPDX-License-Identifier: BSD-3-Clause
"""Figures of models and curves: dispersion, profile, ellipticity, kernels against depth."""
from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import load
from style import WIDTH, cycle, ink, legend_below, period_axis, ramp

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
        if np.isfinite(rows["phase"]).any():
            why = "not asked for"
        else:
            why = "no trapped mode" if failed.size == 0 else "nothing certified"
        axes.text(
            0.5,
            0.5,
            why,
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


def shown_velocities(curves: pd.DataFrame) -> list[str]:
    """Phase alone where no group velocity was asked for."""
    alone = np.isfinite(curves["phase"]).any() and not np.isfinite(curves["group"]).any()
    return ["phase"] if alone else ["phase", "group"]


def _curve_rows(figure: Figure, cells, rows: pd.DataFrame, waves, titles, colours) -> None:
    """The panels of one model: phase above group, one column per wave, axes shared."""
    above = [None] * len(waves)
    last = len(cells) - 1
    for k, quantity in enumerate(("phase", "group")[: len(cells)]):
        first = None
        for j, wave in enumerate(waves):
            axes = figure.add_subplot(cells[k][j], sharex=above[j], sharey=first)
            _curve_panel(axes, rows[rows["wave"] == wave], quantity, colours)
            period_axis(axes)
            axes.tick_params(labelbottom=k == last, labelleft=j == 0)
            axes.set_xlabel("period (s)" if k == last else None)
            axes.set_ylabel(f"{quantity} velocity (km/s)" if j == 0 else None)
            axes.set_title(titles[j] if k == 0 else None)
            first, above[j] = first or axes, axes
        _curve_range(first, rows[quantity])


def dispersion_curves(
    curves: pd.DataFrame, models: dict[str, pd.DataFrame] | None = None
) -> Figure:
    """Phase and group velocity against period, Rayleigh beside Love, all modes, reference overlaid.

    Each model fills two rows (phase, group) or, where no group velocity was asked for, one; the
    first MAX_ROWS models are drawn. The profile of a single model stands at the left where `models`
    has it.
    """
    names = list(dict.fromkeys(curves["name"]))[:MAX_ROWS]
    short = short_names(names)
    curves = curves[curves["name"].isin(names)]
    waves = [w for w in load.WAVES if (curves["wave"] == w).any()] or ["rayleigh"]
    modes = sorted(curves["mode"][np.isfinite(curves["phase"])].unique())
    colours = dict(zip(modes, ramp(len(modes))))
    each = len(shown_velocities(curves))
    rows = each * max(len(names), 1)
    height = 0.4 + (2.1 if each > 1 or rows > 1 else 2.8) * rows
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
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
        cells = [[layout[each * i + k, j + beside] for j in range(len(waves))] for k in range(each)]
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


# ---- ellipticity ---------------------------------------------------------------------------------

LINEAR = 2.0  # |u_x / u_z| up to which the axis is linear; beyond it is logarithmic


def ellipticity(curves: pd.DataFrame) -> Figure:
    """Rayleigh ellipticity u_x / u_z against period, a panel per model (MAX_ROWS at most), all
    modes; linear between -2 and 2, logarithmic beyond; circles where a reference is known."""
    rayleigh = curves[(curves["wave"] == "rayleigh") & np.isfinite(curves["ellipticity"])]
    names = list(dict.fromkeys(rayleigh["name"]))[:MAX_ROWS]
    rayleigh = rayleigh[rayleigh["name"].isin(names)]
    short = short_names(names)
    modes = sorted(rayleigh["mode"].unique())
    colours = dict(zip(modes, ramp(len(modes))))
    columns = min(2, max(1, len(names)))
    rows = -(-max(1, len(names)) // columns)
    figure = Figure(figsize=(WIDTH if columns > 1 else 4.6, 0.3 + 2.3 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, name in zip(grid.flat, names):
        part = rayleigh[rayleigh["name"] == name]
        axes.axhline(0, color=ink("soft"), linewidth=0.8)
        for mode, curve in part.groupby("mode"):
            _ellipticity_line(axes, curve.sort_values("period"), colours[mode])
        _ellipticity_axis(axes, part[["ellipticity", "truth_ellipticity"]].to_numpy(float))
        period_axis(axes)
        axes.set(title=short[name], xlabel="period (s)", ylabel="ellipticity u$_x$/u$_z$ (1)")
        axes.margins(x=0.02)
    for axes in list(grid.flat)[len(names) :]:
        axes.remove()
    legend_below(
        figure,
        _curve_legend(
            rayleigh.assign(
                status="ok", truth_phase=rayleigh["truth_ellipticity"], truth_group=np.nan
            ),
            colours,
        ),
    )
    return figure


def _ellipticity_line(axes, curve: pd.DataFrame, colour) -> None:
    """The line is cut where u_z passes through zero: the ratio jumps from one infinity to the
    other."""
    value = curve["ellipticity"].to_numpy(float)
    period = curve["period"].to_numpy(float)
    if value.size > 1:
        jump = (np.sign(value[1:]) != np.sign(value[:-1])) & (
            np.minimum(np.abs(value[1:]), np.abs(value[:-1])) > 1
        )
        at = np.flatnonzero(jump) + 1
        period, value = np.insert(period, at, period[at]), np.insert(value, at, np.nan)
    axes.plot(period, value, color=colour, marker="." if np.isfinite(value).sum() == 1 else "")
    known = curve[np.isfinite(curve["truth_ellipticity"])]
    step = max(1, len(known) // 30)
    axes.plot(
        known["period"][::step],
        known["truth_ellipticity"][::step],
        linestyle="none",
        marker="o",
        markersize=4.2,
        markerfacecolor="none",
        markeredgewidth=0.7,
        markeredgecolor=ink(),
    )


def _ellipticity_axis(axes, values: np.ndarray) -> None:
    """Limits that hold zero and every value and reference; logarithmic beyond LINEAR, where there
    is anything beyond."""
    values = values[np.isfinite(values)]
    low, high = min(0.0, values.min(initial=0)), max(0.0, values.max(initial=0))
    pad = 0.08 * max(high - low, 0.1)
    if max(high, -low) <= LINEAR:
        axes.set_ylim(low - pad, high + pad)
        return
    axes.set_yscale("symlog", linthresh=LINEAR, linscale=1.5)
    steps = [1, 2, *10.0 ** np.arange(1, 17, 1 if max(high, -low) < 1e4 else 2)]
    ticks = [-t for t in steps if -t >= low][::-1] + [0] + [t for t in steps if t <= high]
    axes.set_yticks(ticks, [f"{t:g}".replace("-", "\u2212") for t in ticks])
    axes.minorticks_off()
    axes.set_ylim(
        low * 1.5 if low < -LINEAR else low - 0.3, high * 1.5 if high > LINEAR else high + 0.3
    )


# ---- kernels -------------------------------------------------------------------------------------

KERNEL_TEXT = {  # what, its unit, whether it is divided by the layer's thickness
    "dc_dvs": ("dc/dv$_s$ per km", "1/km", True),
    "dc_dvp": ("dc/dv$_p$ per km", "1/km", True),
    "dc_drho": ("dc/d\u03c1 per km", "(km/s)/(g/cm\u00b3)/km", True),
    "dc_dh": ("dc/dh", "(km/s)/km", False),
    "dU_dvs": ("dU/dv$_s$ per km", "1/km", True),
}
MAX_PERIODS = 5


def kernel_periods(kernels: pd.DataFrame) -> list[float]:
    """At most MAX_PERIODS of the periods, spread evenly over them in order."""
    periods = np.unique(kernels["period"])
    chosen = np.unique(np.linspace(0, len(periods) - 1, min(MAX_PERIODS, len(periods))).round())
    return [float(p) for p in periods[chosen.astype(int)]]


def kernel_panels(kernels: pd.DataFrame, model: pd.DataFrame) -> Figure:
    """Sensitivity kernels of one model's fundamental mode against depth: a row per wave, a panel
    per parameter, a line per period. Layer derivatives are divided by the layer's thickness, so
    that models of unequal layers can be read; the half-space has no thickness and is not drawn."""
    mode = kernels["mode"].min()
    kernels = kernels[kernels["mode"] == mode]
    periods = kernel_periods(kernels)
    colours = dict(zip(periods, ramp(len(periods))))
    waves = [w for w in load.WAVES if (kernels["wave"] == w).any()]
    shown = {wave: kernel_names(kernels[kernels["wave"] == wave]) for wave in waves}
    waves = [wave for wave in waves if shown[wave]]
    columns = [k for k in KERNEL_TEXT if any(k in names for names in shown.values())]
    abreast = len(columns) == 1  # one parameter: the waves side by side
    rows = 1 if abreast else len(waves)
    figure = Figure(figsize=(WIDTH, 0.3 + 3.1 * rows), layout="constrained")
    grid = figure.subplots(
        rows, max(1, len(waves) if abreast else len(columns)), squeeze=False, sharey=True
    )
    grid = grid.T if abreast else grid
    for row, wave in zip(grid, waves):
        mine = kernels[(kernels["wave"] == wave) & kernels["period"].isin(periods)]
        drawn = [axes for axes, name in zip(row, columns) if name in shown[wave]]
        for axes, name in zip(row, columns):
            if name not in shown[wave]:
                axes.remove()
                continue
            _kernel_panel(axes, mine, name, model, colours)
            axes.tick_params(labelleft=axes is drawn[0])
        drawn[0].set_title(wave.capitalize())
        drawn[0].tick_params(labelleft=True)
        drawn[0].set_ylabel(f"depth ({_depth_unit(model)[1]})")
        drawn[0].set_ylim(_depth(model)[-1], 0)  # the panels share it
    legend_below(
        figure, [Line2D([], [], color=colours[p], label=f"period {p:.4g} s") for p in periods]
    )
    return figure


def kernel_names(kernels: pd.DataFrame) -> list[str]:
    """The derivatives that are known somewhere."""
    return [k for k in KERNEL_TEXT if k in kernels and _any_value(kernels[k])]


def check_kernels(kernels: pd.DataFrame, model: pd.DataFrame) -> None:
    """ValueError where a kernel does not have one value per layer of its model."""
    for name in KERNEL_TEXT:
        for values in kernels[name] if name in kernels else ():
            if np.ndim(values) and len(values) != len(model):
                raise ValueError(
                    f"kernel {name} has {len(values)} values for {len(model)} layers of the model"
                )


def _any_value(column: pd.Series) -> bool:
    """Some derivative that is known and not zero: Love waves have none to vp."""
    return any(np.nan_to_num(np.asarray(v, float)).any() for v in column)


def _kernel_panel(axes, kernels: pd.DataFrame, name: str, model: pd.DataFrame, colours) -> None:
    thickness = model["thickness"].to_numpy(float)[:-1]
    depth = np.repeat(_depth(model), 2)[1:-1]
    text, unit, per_km = KERNEL_TEXT[name]
    lines = {
        float(period): np.asarray(part[name].iloc[0], float)[:-1] / (thickness if per_km else 1.0)
        for period, part in kernels.groupby("period")
    }
    most = max((float(np.nanmax(np.abs(v), initial=0)) for v in lines.values()), default=0.0)
    power = int(np.floor(np.log10(most))) if most > 0 else 0
    power = 0 if -1 <= power <= 2 else power  # shown in the label, not squeezed beside the axis
    axes.axvline(0, color=ink("soft"), linewidth=0.8)
    for period, values in lines.items():
        axes.plot(np.repeat(values / 10.0**power, 2), depth, color=colours[period], linewidth=1.2)
    axes.set_xlabel(f"{text}\n" + (f"($10^{{{power}}}$ {unit})" if power else f"({unit})"))
    axes.locator_params(axis="x", nbins=4)


def _depth(model: pd.DataFrame) -> np.ndarray:
    """Depth of every interface, the surface included, in the unit of `_depth_unit`."""
    thickness = model["thickness"].to_numpy(float)[:-1]
    return np.concatenate([[0.0], np.cumsum(thickness)]) * _depth_unit(model)[0]


def _depth_unit(model: pd.DataFrame) -> tuple[float, str]:
    total = float(model["thickness"].to_numpy(float)[:-1].sum())
    return (1e3, "m") if total < 1.0 else (1.0, "km")
