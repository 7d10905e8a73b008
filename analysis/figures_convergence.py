# SPDX-License-Identifier: BSD-3-Clause
"""Figures and the table of convergences: error against an axis with the fitted rate."""
from __future__ import annotations

import itertools

import load
import load_synthesis
import plot_convergence
import tables
from figure import Drawn, Figure, slug
from load_synthesis import RATE, Rate, synthesis
from plot_matrix import capital
from report_tables import number

MOST_FIGURES = 4  # of one axis and error; the table has all
WITHOUT = ("synthesis", "points", "axis", "error", "refine", "expected", "floor", "pool")


def add(study: str, records: list[load.Record], drawn: Drawn) -> None:
    """Adds what the rates of these records give to `drawn`."""
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
    parts: dict[tuple, list[Rate]] = {}
    for rate in rates.values():
        parts.setdefault((rate.axis, rate.measure, rate.down), []).append(rate)
    for (axis, measure, _), part in parts.items():
        _figures(study, axis, measure, part, drawn)


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


def _figures(study: str, axis: str, measure: str, rates: list[Rate], drawn: Drawn) -> None:
    panels = _panels(rates)
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
        f"{capital(plot_convergence.error_name(measure))} against {axis}. Filled points are "
        "those that the fit rests on, the line is the fit over its range; at its fine end stands "
        "the rate with half its confidence interval; triangles have the fitted slope."
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


def _quote(axis: str, measure: str, series: list[tuple[str, Rate]]) -> str:
    """The rates that were found, and how many were not."""
    said = [finding(label, rate) for label, rate in series if rate.found]
    lost = [label for label, rate in series if not rate.found]
    if lost:
        some = lost[0] if len(lost) == 1 else f"{len(lost)} of {len(series)} series"
        said.append(f"{some} {'has' if len(lost) == 1 else 'have'} no rate")
    return f"{capital(plot_convergence.error_name(measure))} against {axis}: {'; '.join(said)}."


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
