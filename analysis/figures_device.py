# SPDX-License-Identifier: BSD-3-Clause
"""The chapter "On the device": what records and outputs of moho-bench from a device give, beside
those of a host where there are any. What is missing is named, with what to run."""
from __future__ import annotations

import numpy as np
import pandas as pd

import load
import plot_device
import plot_micro
import tables_device
import tables_micro
from figure import Drawn, Figure
from figures_micro import roof_words
from load_synthesis import points
from machine import HOST, Machine, by_device, by_machine, of_micro
from report_tables import number, seconds

MOST_PANELS = 4  # of one figure
MOST_PAIRS = 4  # figures of a host and a device
MOST_ROWS = 40  # of one figure of ratios


def devices(runs: load.Runs) -> list[str]:
    """Names of the devices in a run folder; none: there is no such chapter."""
    found = [device for device in by_device(runs.records) if device != HOST]
    found += [m.device for m in map(of_micro, runs.micro) if m.on_device]
    return list(dict.fromkeys(found))


def of_device(runs: load.Runs) -> Drawn | None:
    """The figures of the chapter; None where nothing comes from a device."""
    if not devices(runs):
        return None
    drawn = Drawn()
    _micro(runs, drawn)
    records = points(runs.records)
    _cases(records, drawn)
    _answers(records, drawn)
    return drawn


# ---- micro-benchmarks ----------------------------------------------------------------------------


def _micro(runs: load.Runs, drawn: Drawn) -> None:
    machines = by_machine(runs.micro)
    there = [m for m in machines if m.on_device]
    hosts = [m for m in machines if not m.on_device and m.backend]
    for machine, files in machines.items():
        if not machine.backend:
            drawn.missing.append(
                f"{', '.join(f.path.name for f in files)} (key 'context.backend' is missing, so "
                "that nothing tells whether a host or a device made it; run moho-bench of this "
                "version)"
            )
    if not there:
        drawn.missing.append(
            "rooflines of a device (no micro*.json of a device; put the output of moho-bench there "
            "into the run folder)"
        )
        return
    if not hosts:
        drawn.missing.append(
            "micro-benchmarks on a host beside a device (no micro*.json of a host: nothing to "
            "compare with; run moho-bench of a build for the host into the run folder)"
        )
    table = tables_micro.micro_table(runs.micro)
    _rooflines(table, machines, there, hosts, drawn)
    made = [(h, d) for d in there for h in hosts]
    for host, device in made[:MOST_PAIRS]:
        _partners(table, machines, tables_micro.partners(table, host, device), drawn)
    if len(made) > MOST_PAIRS:
        drawn.missing.append(f"{len(made) - MOST_PAIRS} more pairs of a host and a device")


def _rooflines(table, machines: dict, there: list, hosts: list, drawn: Drawn) -> None:
    roofs, missing = tables_micro.roofs(table)
    drawn.missing += missing
    of = {roof.machine: roof for roof in roofs}
    panels = [[of[m] for m in (*hosts, device) if m in of] for device in there if device in of]
    if not panels:
        return
    if len(panels) > MOST_PANELS:
        drawn.missing.append(f"{len(panels) - MOST_PANELS} more rooflines of devices")
        panels = panels[:MOST_PANELS]
    shown = list(dict.fromkeys(roof.machine for panel in panels for roof in panel))
    drawn.figures.append(
        Figure(
            "device-roofline",
            "Rooflines of device and host on the same axes, each below the ceilings that "
            "moho-bench measured around its own benchmarks (bands: least to largest). The symbol "
            "is the kernel, the colour the machine.",
            lambda: plot_micro.rooflines(panels),
            files=[f for m in shown for f in machines[m]],
            kind="device-roofline",
            quote="; ".join(roof_words(of[m]) for m in shown) + ".",
        )
    )


def _partners(table, machines: dict, found: tables_micro.Partners, drawn: Drawn) -> None:
    host, device = found.host, found.device
    what = f"benchmarks on {host.text} beside {device.text}"
    for text, names in (
        (f"{what} that only the host has, or that the device discarded", found.only_host),
        (f"{what} that only the device has, or that the host discarded", found.only_device),
    ):
        if names:
            drawn.missing.append(f"{text}: {_families(names)}")
    if found.refused:
        drawn.missing.append(
            f"{len(found.refused)} {what} of the same name that cannot be compared, such as "
            f"{found.refused[0][0]} ({found.refused[0][1]})"
        )
    if found.table.empty:
        drawn.missing.append(f"{what} (none can be compared)")
        return
    drawn.tables.append(_partner_table(found))
    shown = found.table[found.table["usual"]]
    if shown.empty:
        drawn.missing.append(f"{what} (only policies that no side would choose; see the table)")
        return
    text = (
        f"The same micro-benchmarks on a host, {host.text}, and on a device, {device.text}: time "
        "of a call on the host over that on the device. A dot is a benchmark, named alike and "
        "doing the same work on both; bars reach over the repetitions, numbers are medians of "
        "the steady ones. On a device calls follow each other without waiting, but for "
        "nn/latency. Where assembly has policies each side runs the one that it chooses by "
        "itself (default). "
    )
    other = {m.build for m in (host, device)}
    if len({b.split(", ")[0] for b in other}) > 1:
        text += "Caution: the two builds are of different commits. "
    files = [*machines[host], *machines[device]]
    if len(shown["group"].unique()) > MOST_ROWS:
        more = shown["group"].nunique() - MOST_ROWS
        drawn.missing.append(f"{more} more rows of {what} (the table has all)")
        shown = shown[shown["group"].isin(shown["group"].unique()[:MOST_ROWS])]
    several = [f for f in drawn.figures if f.kind == "host-device"]
    drawn.figures.append(
        Figure(
            f"device-micro{f'-{len(several) + 1}' if several else ''}",
            text.strip(),
            lambda: plot_device.host_over_device(shown),
            files=files,
            kind="host-device",
            quote=_partner_quote(shown, host, device),
        )
    )


def _families(names: list[str]) -> str:
    """ "fem (3), kernel (53)"."""
    families = [name.split("/")[0] for name in names]
    return ", ".join(f"{f} ({families.count(f)})" for f in dict.fromkeys(families))


def _partner_quote(shown: pd.DataFrame, host: Machine, device: Machine) -> str:
    steady = shown[~shown["noisy"].astype(bool)]
    if steady.empty:
        return ""
    ratio = steady["ratio"]
    least = min(steady["n_host"].min(), steady["n_device"].min())
    return (
        f"Time on {host.text} over time on {device.text}: {_spread(ratio)} of {len(steady)} "
        f"micro-benchmarks (n ≥ {least} repetitions of each)."
    )


def _ratio(value: float) -> str:
    return f"{float(f'{value:.3g}'):.10g}"


def _spread(ratio: pd.Series) -> str:
    """ "15.2 to 1750, median 99.9"."""
    low, high = _ratio(ratio.min()), _ratio(ratio.max())
    return low if low == high else f"{low} to {high}, median {_ratio(ratio.median())}"


def _partner_table(found: tables_micro.Partners) -> dict:
    head = ["benchmark", "host", "device", "host / device", "least to largest", "repetitions", ""]
    rows = []
    for r in found.table.sort_values("name").itertuples():
        policies = "" if r.host_name == r.device_name else (
            f" ({r.host_name.split('/')[1]} / {r.device_name.split('/')[1]})"
        )
        note = "unsteady: do not quote" if r.noisy else "" if r.usual else "not what both choose"
        rows.append(
            [
                r.name + policies, seconds(r.host_seconds), seconds(r.device_seconds),
                _ratio(r.ratio), f"{_ratio(r.lo)} to {_ratio(r.hi)}", f"{r.n_host}, {r.n_device}",
                note,
            ]
        )  # fmt: skip
    rows += [[name, "–", "–", "–", "–", "–", why] for name, why in found.refused]
    title = f"Micro-benchmarks: {found.host.text}, and {found.device.text}"
    return {"title": title, "head": head, "rows": rows}


# ---- cases ---------------------------------------------------------------------------------------


def _cases(records: list[load.Record], drawn: Drawn) -> None:
    parts = by_device(records)
    there = [device for device in parts if device != HOST]
    if not there:
        drawn.missing.append("cases on a device (no record of one)")
        return
    timed = [r for d in there for r in parts[d] if "apply" in r["timings"]]
    if timed and HOST not in parts:
        drawn.missing.append(
            "cases on a host beside a device (no record of a host: nothing to compare with; run "
            "the same studies with a build for the host, below the same folder)"
        )
        return
    for device in there:
        table, missing = tables_device.pairs([*parts.get(HOST, []), *parts[device]])
        drawn.missing += [f"{text} ({device})" for text in missing]
        if not table.empty:
            _pairs(device, table, drawn)


def _pairs(device: str, table: pd.DataFrame, drawn: Drawn) -> None:
    hosts = ", ".join(dict.fromkeys(m.text for m in table["host"]))
    places = ", ".join(dict.fromkeys(m.text for m in table["device"]))
    head = ["case", "what", "host", "on", "device", "host / device", "95 %", ""]
    rows = [
        [
            f"{r.study}/{r.id}", r.what, seconds(r.host_seconds), r.host.text,
            seconds(r.device_seconds), _ratio(r.ratio),
            f"{_ratio(r.lo)} to {_ratio(r.hi)}" if np.isfinite([r.lo, r.hi]).all() else "–",
            "unsteady: do not quote" if r.noisy else "",
        ]
        for r in table.itertuples()
    ]  # fmt: skip
    drawn.tables.append({"title": f"Cases on hosts, and on {device}", "head": head, "rows": rows})
    steady = table[~table["noisy"].astype(bool)]
    quote = ""
    if len(steady):
        ratio = steady["ratio"]
        quote = (
            f"Time on {hosts} over time on {places}: {_spread(ratio)} of {len(steady)} times of "
            f"equal cases (n ≥ {_samples([*steady['host_record'], *steady['device_record']])} "
            "samples of each answer)."
        )
    several = [f for f in drawn.figures if f.kind == "host-device-cases"]
    kept = table[table["group"].isin(table["group"].unique()[:MOST_ROWS])]
    drawn.figures.append(
        Figure(
            f"device-cases{f'-{len(several) + 1}' if several else ''}",
            "Cases with the same configuration and the same work on a host and on a device, each "
            "by its own record: median time on the host over that on the device, bars from the "
            f"95 % intervals of both. Hosts: {hosts}; where one case has several records of hosts "
            "or rank counts the fastest is taken.",
            lambda: plot_device.host_over_device(kept),
            [*table["host_record"], *table["device_record"]],
            kind="host-device-cases",
            quote=quote,
        )
    )


def _samples(records: list[load.Record]) -> int:
    """Of the answer of which fewest were timed."""
    return min(len(r["timings"]["apply"]["samples"]) for r in records)


# ---- error against time, break-even --------------------------------------------------------------


def _answers(records: list[load.Record], drawn: Drawn) -> None:
    table, missing = tables_device.answers(records)
    if table.empty:
        drawn.missing.append("error against time (no sound case has a time and an error)")
        return
    asked = table.groupby("question")["machine"].transform(lambda m: any(x.on_device for x in m))
    table = table[asked.astype(bool)]
    drawn.missing += missing
    if table.empty:
        drawn.missing.append(
            "error against time on a device (no sound case of a device has a time and an error)"
        )
        return
    # first where something was trained, then those with most answers
    sizes = table.groupby("question")["trained"].agg(["any", "size"])
    questions = list(sizes.sort_values(["any", "size"], ascending=False, kind="stable").index)
    if len(questions) > MOST_PANELS:
        drawn.missing.append(f"{len(questions) - MOST_PANELS} more questions in error against time")
    shown = pd.concat([table[table["question"] == q] for q in questions[:MOST_PANELS]])
    places = tables_device.machines(shown)
    text = (
        "Error against the time of one answer, below and to the left is better: a colour per "
        f"machine ({'; '.join(m.text for m in places)}), a symbol per method. Lines join cases of "
        "one solver on one machine; bars are 95 % intervals of the median time. Training is not "
        "in it."
    )
    if not any(not m.on_device for m in places):
        text += " No record of a host answers the same."
    drawn.figures.append(
        Figure("device-work-precision", text, lambda: plot_device.work_precision(shown),
               list(shown["record"]), kind="device-precision")
    )  # fmt: skip
    _break_even(table, drawn)


def _break_even(answers: pd.DataFrame, drawn: Drawn) -> None:
    table = tables_device.break_even(answers)
    if table.empty:
        drawn.missing.append("break-even (no sound record of a trained network on a device)")
        return
    drawn.tables.append(_even_table(table))
    paid = table[table["why"] == ""]
    if len(paid) < len(table):
        lost = table[table["why"] != ""]
        drawn.missing.append(
            "break-even of "
            + ", ".join(f"{r.surrogate} on {r.machine.text} ({r.why})" for r in lost.itertuples())
        )
    if paid.empty:
        return
    keys = list(dict.fromkeys(zip(paid["question"], paid["machine"])))
    # a device first: this is its chapter
    keys = sorted(keys, key=lambda k: not k[1].on_device)[:MOST_PANELS]
    shown = pd.concat([paid[(paid["question"] == q) & (paid["machine"] == m)] for q, m in keys])
    if len(shown) < len(paid):
        drawn.missing.append(f"{len(paid) - len(shown)} more break-evens (the table has all)")
    said = [
        f"{r.surrogate} on {r.machine.text}: {_interval(r)} (error {r.error:.2g}; "
        f"{seconds(r.seconds)} against {seconds(r.solver_seconds)} of {r.solver} per "
        f"{r.unit}{_finer(r)}; {seconds(r.training)} of training"
        f"{', which goes on' if r.partial else ''}; n ≥ "
        f"{_samples([r.record, *r.solver_records])} samples of each answer)"
        for r in shown.itertuples()
        if not r.noisy
    ]
    drawn.figures.append(
        Figure(
            "device-break-even",
            "Time spent against queries: a surrogate pays for its training first. Break-even N* "
            "= time of training / (time of the solver - time of the surrogate), both per answer "
            "on the same machine, the solver at equal or smaller error: read off its own front "
            "of error and time, never beyond it. Bars: from the 95 % intervals of both times.",
            lambda: plot_device.break_even(shown),
            list({id(r): r for r in [*shown["record"], *shown["solver_records"].sum()]}.values()),
            kind="break-even",
            quote=f"Break-even of {'; '.join(said)}." if said else "",
        )
    )


def _finer(row) -> str:
    """Where the solver does more than it needs to: a coarser case might be a harder rival."""
    if not row.solver_error < row.error:
        return ""
    return f", whose quickest case as good has an error of {row.solver_error:.2g}"


def _interval(row) -> str:
    """ "N* = 1200 (1100 to 1300)"."""
    text = f"N* = {number(float(f'{row.queries:.3g}'))}"
    if not np.isfinite(row.lo):
        return text
    high = number(float(f"{row.hi:.3g}")) if np.isfinite(row.hi) else "never"
    return f"{text} ({number(float(f'{row.lo:.3g}'))} to {high})"


def _even_table(table: pd.DataFrame) -> dict:
    head = ["question", "machine", "surrogate", "error", "its answer", "solver", "solver's error",
            "solver's answer", "training", "training data", "break-even", "with training data",
            ""]  # fmt: skip
    rows = []
    for r in table.itertuples():
        note = "unsteady: do not quote" if r.noisy else "training goes on" if r.partial else ""
        rows.append(
            [
                r.question, r.machine.text, r.surrogate, f"{r.error:.2g}", seconds(r.seconds),
                r.solver or "–", "–" if np.isnan(r.solver_error) else f"{r.solver_error:.2g}",
                seconds(r.solver_seconds), seconds(r.training), seconds(r.data),
                _interval(r) if not r.why else "–",
                number(float(f"{r.with_data:.3g}")) if np.isfinite(r.with_data) else "–",
                r.why or note,
            ]
        )  # fmt: skip
    return {"title": "Break-even of trained surrogates", "head": head, "rows": rows}
