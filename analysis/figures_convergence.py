# SPDX-License-Identifier: BSD-3-Clause
"""Figures and the table of convergences: error against an axis with the fitted rate."""
from __future__ import annotations

import itertools
import json

import load
import load_synthesis
import plot_convergence
import tables
import tables_fem
from figure import Drawn, Figure, slug
from load_synthesis import RATE, Rate, synthesis
from plot_matrix import capital
from report_tables import number

MOST_FIGURES = 4  # of one axis and error; the table has all
NORMS = "errors"  # errors of a field in several norms share panels, one for each element
MOST_LOST = 6  # conclusions that are named as missing
WITHOUT = ("synthesis", "points", "axis", "error", "refine", "expected", "floor", "pool")


def add(study: str, records: list[load.Record], drawn: Drawn, settings: dict | None = None) -> None:
    """Adds what the rates of these records give to `drawn`; `settings` (study.toml) tells which
    there should be."""
    found = [r for r in records if synthesis(r) == RATE]
    rates: dict[str, Rate] = {}
    for record in found:
        if record["status"] == "failed":
            drawn.missing.append(f"rate {record['id']} (failed: {record['error']})")
            continue
        try:
            rates[record["id"]] = load_synthesis.read_rate(record)
        except load.LoadError as error:
            drawn.broken(error, record)
    if found:
        drawn.tables.append(_table(found, rates))
    ids = {r["id"] for r in records}
    for rate in rates.values():
        lost = [i for i in rate.ids if i not in ids]
        if lost:
            drawn.missing.append(
                f"{len(lost)} of {len(rate.ids)} cases of {rate.record['id']} (their records are "
                f"missing or broken: {', '.join(lost[:3])}{' ..' if len(lost) > 3 else ''})"
            )
    said = [text for one in _asked(settings) for text in _never_made(one, records)]
    drawn.missing += said[:MOST_LOST]
    if len(said) > MOST_LOST:
        drawn.missing.append(f"{len(said) - MOST_LOST} more convergences that are missing")
    parts: dict[tuple, list[Rate]] = {}
    for rate in rates.values():
        measure = NORMS if rate.measure in plot_convergence.NORM_NAMES else rate.measure
        parts.setdefault((rate.axis, measure, rate.down), []).append(rate)
    for (axis, measure, _), part in parts.items():
        if len({rate.measure for rate in part}) == 1:
            measure = part[0].measure
        _figures(study, axis, measure, part, drawn)


def _asked(settings: dict | None) -> list[dict]:
    """The tables [[convergence]] of study.toml."""
    found = (settings or {}).get("convergence", [])
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _never_made(protocol: dict, records: list[load.Record]) -> list[str]:
    """Series of cases along the axis, told apart by all but it and what is pooled, of which no
    record draws a conclusion."""
    axis, error = protocol.get("axis"), protocol.get("error")
    within = (axis, *protocol.get("pool", []))
    made: set[str] = set()
    series: dict[str, list[load.Record]] = {}
    for r in records:
        case = r["case"]
        if synthesis(r) == RATE and (case["axis"], case["error"]) == (axis, error):
            made |= set(case.get("points", []))
        elif synthesis(r) is None and axis in case:
            rest = {k: v for k, v in case.items() if k not in within}
            series.setdefault(json.dumps(rest, sort_keys=True), []).append(r)
    keys = tables.telling_keys([cases[0] for cases in series.values()], within)
    return [
        load_synthesis.never_made(
            f"the convergence of {error} along {axis} ({tables.label(cases[0], keys)})", cases
        )
        for cases in series.values()
        if len({r["case"][axis] for r in cases}) > 1 and not made & {r["id"] for r in cases}
    ]


def _set_apart(rates: list[Rate], keys: tuple[str, ...]) -> dict[str, list[Rate]]:
    parts: dict[str, list[Rate]] = {}
    for rate in rates:
        title = tables.label(rate.record, list(keys)) if keys else ""
        parts.setdefault(title, []).append(rate)
    return parts


def _panels(rates: list[Rate]) -> list[tuple[str, list[tuple[str, Rate]]]]:
    """Panels of at most MOST_SERIES rates, set apart by as few keys as that takes: by problems
    rather than by methods, which share a panel."""
    keys = tables.telling_keys([r.record for r in rates], WITHOUT)
    keys.sort(key=lambda k: k in tables.METHOD_KEYS)
    choices = (c for n in range(len(keys) + 1) for c in itertools.combinations(keys, n))
    apart = next(
        (
            choice
            for choice in choices
            if max(map(len, _set_apart(rates, choice).values())) <= plot_convergence.MOST_SERIES
        ),
        tuple(keys),
    )
    rest = [k for k in keys if k not in apart]
    return [
        (title, [(tables.label(r.record, rest) if rest else "", r) for r in part])
        for title, part in _set_apart(rates, apart).items()
    ]


def _norm_panels(rates: list[Rate]) -> list[tuple[str, list[tuple[str, Rate]]]]:
    """A panel per element, a series per norm."""
    keys = tables.telling_keys([r.record for r in rates], (*WITHOUT, "cell", "degree"))
    parts: dict[str, list[tuple[str, Rate]]] = {}
    for rate in rates:
        titles = [tables_fem.element(rate.record)] if "degree" in rate.record["case"] else []
        titles += [tables.label(rate.record, keys)] if keys or not titles else []
        name = plot_convergence.NORM_NAMES[rate.measure]
        parts.setdefault(", ".join(titles), []).append((name, rate))
    names = list(plot_convergence.NORM_NAMES.values())
    for part in parts.values():
        part.sort(key=lambda one: names.index(one[0]))
    return sorted(parts.items())


def _figures(study: str, axis: str, measure: str, rates: list[Rate], drawn: Drawn) -> None:
    panels = _norm_panels(rates) if measure == NORMS else _panels(rates)
    most = plot_convergence.MOST_PANELS
    sheets = [panels[i : i + most] for i in range(0, len(panels), most)]
    for i, sheet in enumerate(sheets[:MOST_FIGURES]):
        name = slug(f"{study}-convergence-{axis}-{measure}" + (f"-{i + 1}" if i else ""))
        series = [
            (", ".join(filter(None, (title, label))) or rate.record["case"]["method"], rate)
            for title, part in sheet
            for label, rate in part
        ]
        drawn.figures.append(
            Figure(
                name,
                _caption(axis, measure, series),
                lambda sheet=sheet: plot_convergence.convergence(sheet),
                [rate.record for _, rate in series],
                kind="convergence",
                quote=_quote(axis, measure, series),
            )
        )
    if len(sheets) > MOST_FIGURES:
        more = sum(len(part) for sheet in sheets[MOST_FIGURES:] for _, part in sheet)
        drawn.missing.append(f"{more} more rates (the table has all)")


def _caption(axis: str, measure: str, series: list[tuple[str, Rate]]) -> str:
    text = (
        f"{capital(_named(measure, series))} against {axis}. Filled points are "
        "those that the fit rests on, the line is the fit over its range; at its fine end stands "
        f"the rate with half its {_interval(series)}; triangles have the fitted slope."
    )
    if not all(rate.replicated for _, rate in series):
        text += (
            " Without replicates a smooth drift of the slope is bias, which the interval does not "
            "cover."
        )
    reasons: dict[str, list[str]] = {}
    for label, rate in series:
        if not rate.found:
            reasons.setdefault(rate.reason, []).append(label)
    if reasons:
        text += " No rate: " + "; ".join(f"{' / '.join(s)}: {r}" for r, s in reasons.items()) + "."
    hidden = sum(int((~((r.error > 0) & (r.error < float("inf")))).sum()) for _, r in series)
    if hidden:
        text += f" {hidden} points whose error is zero or not known are not drawn."
    return text


def _interval(series: list[tuple[str, Rate]]) -> str:
    """What the interval of these rates is of."""
    if all(rate.replicated for _, rate in series):
        return "95 % confidence interval"
    return "95 % interval of the scatter about the line"


def _quote(axis: str, measure: str, series: list[tuple[str, Rate]]) -> str:
    """The rates that were found, and how many were not."""
    said = [finding(label, rate) for label, rate in series if rate.found]
    lost = [label for label, rate in series if not rate.found]
    if said:
        said[-1] += f" (\u00b1: {_interval([s for s in series if s[1].found])})"
    if lost:
        some = lost[0] if len(lost) == 1 else f"{len(lost)} of {len(series)} series"
        said.append(f"{some} {'has' if len(lost) == 1 else 'have'} no rate")
    return f"{capital(_named(measure, series))} against {axis}: {'; '.join(said)}."


def _named(measure: str, series: list[tuple[str, Rate]]) -> str:
    """What the errors are called in a sentence."""
    if measure != NORMS:
        return plot_convergence.error_name(measure)
    names = dict.fromkeys(plot_convergence.NORM_NAMES[rate.measure] for _, rate in series)
    return " and ".join(names)


def finding(label: str, rate: Rate) -> str:
    """A rate that was found, in a few words."""
    text = (
        f"{label} falls with rate {plot_convergence.rate_text(rate)} from {rate.axis} = "
        f"{rate.number('from'):g} to {rate.number('to'):g}"
    )
    return text + (f", expected {rate.expected:g}" if rate.expected is not None else "")


HEAD = ["rate of", "status", "axis", "error", "rate", "interval", "expected", "range", "points"]


def _table(found: list[load.Record], rates: dict[str, Rate]) -> dict:
    lines = []
    keys = tables.telling_keys(found, WITHOUT)
    for record in found:
        rate, case = rates.get(record["id"]), record["case"]
        ok = rate is not None and rate.found
        get = rate.number if ok else lambda name: None
        lines.append(
            [
                tables.label(record, keys),
                record["status"],
                case["axis"],
                case["error"],
                number(get("")) if ok else "none",
                f"{get('low'):.4g} to {get('high'):.4g}" if ok else rate.reason if rate else "–",
                number(case.get("expected")),
                f"{get('from'):g} to {get('to'):g}" if ok else "–",
                f"{int(rate.used.sum())} of {len(rate.x)}" if rate else "–",
                record["id"],
            ]
        )
    return {"title": "Rates", "head": [*HEAD, "record"], "rows": lines}
