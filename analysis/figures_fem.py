# SPDX-License-Identifier: BSD-3-Clause
"""Figures and tables of finite elements that the records of a study give."""
from __future__ import annotations

import numpy as np

import load
import plot_fem
import plot_peers
import tables
import tables_fem
from figure import Drawn, Figure, slug
from plot_matrix import capital
from report_tables import number, seconds

MOST_PANELS = 6
MOST_SERIES = 6  # lines or designs of one figure
MOST_WORK = 4  # panels of error against time


def add(study: str, records: list[load.Record], drawn: Drawn) -> None:
    """Adds what these records give to `drawn`."""
    _assembly(study, records, drawn)
    _peers(study, records, drawn)
    _work_precision(study, records, drawn)
    _field(study, records, drawn)
    _designs(study, records, drawn)
    _grids(study, records, drawn)
    _histories(study, records, drawn)


def _of(records: list[load.Record], table) -> list[load.Record]:
    ids = set(table["id"])
    return [r for r in records if r["id"] in ids]


# ---- assembly ------------------------------------------------------------------------------------


def _assembly(study: str, records: list[load.Record], drawn: Drawn) -> None:
    table = tables_fem.assembly_table(records)
    asked = [r for r in records if tables_fem.is_assembly(r)]
    if table.empty:
        if asked:
            drawn.missing.append("times of assembly (no valid case has them)")
        return
    drawn.tables.append(_assembly_table(table))
    if not asked:
        return  # of cases that solve the table is enough
    table = table[table["id"].isin({r["id"] for r in asked})]
    fewest = table[table["ranks"] == table["ranks"].min()]
    panels = _assembly_panels(fewest)
    text = (
        "Time of one re-assembly into PETSc's matrix (median; lines: 95 % interval), topology, "
        "tables and first assembly aside. Numbers: entries of the matrix per second"
    )
    known = fewest[np.isfinite(fewest["floor"])]
    if len(known):
        share = known["floor"] / known["time"]
        best = known.loc[share.idxmax()]
        text += (
            ", and the floor's share of the time. The floor is the time in which the bytes of a "
            "gather into CSR pass at the STREAM rate measured in the same run, the tick that of "
            "bytes which cannot be avoided; what stays in cache can beat both. Largest share: "
            f"{share.max():.0%} ({best['matrix']}, {best['policy']})"
        )
    if len(known) < len(fewest):
        text += (
            f". {len(fewest) - len(known)} of {len(fewest)} have no floor: the machine's rate was "
            "not measured, or not steady"
        )
    more = len(panels) - MOST_PANELS
    if more > 0:
        drawn.missing.append(f"{more} more panels of assembly (the table has all)")
    drawn.figures.append(
        Figure(
            f"{slug(study)}-assembly",
            text + ".",
            lambda: plot_fem.assembly(panels[:MOST_PANELS]),
            _of(records, fewest),
            kind="assembly",
        )
    )


def _assembly_panels(table) -> list[tuple]:
    """A panel per matrix where policies are compared, else one with a row per matrix."""
    if table["policy"].nunique() > 1 and table.groupby("matrix")["policy"].nunique().max() > 2:
        return [
            (capital(matrix), part.sort_values("time"), "policy")
            for matrix, part in table.groupby("matrix", sort=False)
        ]
    table = table.sort_values("matrix", kind="stable")
    sheets = [table[i : i + plot_fem.MOST_ROWS] for i in range(0, len(table), plot_fem.MOST_ROWS)]
    return [("", sheet, "matrix") for sheet in sheets]


def _known(value: float, text) -> str:
    return text(value) if np.isfinite(value) else "–"


def _assembly_table(table) -> dict:
    solves = bool(np.isfinite(table["solve"]).any())
    head = ["matrix", "policy", "ranks", "unknowns", "entries", "set-up", "first assembly",
            "re-assembly", "best", "hand-off", "entries per s", "floor", "share"]  # fmt: skip
    if solves:
        head += ["preconditioner", "solve"]
    rows = []
    for r in table.itertuples():
        row = [
            r.matrix, r.policy, number(r.ranks), number(r.unknowns), number(r.nonzeros),
            seconds(r.set_up), seconds(r.first), seconds(r.time), seconds(r.best),
            seconds(r.hand_off), _known(r.rate, lambda v: f"{v:.3g}"), seconds(r.floor),
            _known(r.floor / r.time, lambda v: f"{v:.0%}"),
        ]  # fmt: skip
        rows.append(row + [seconds(r.preconditioner), seconds(r.solve)] * solves)
    return {"title": "Assembly", "head": head, "rows": rows}


# ---- other codes ---------------------------------------------------------------------------------


def _peers(study: str, records: list[load.Record], drawn: Drawn) -> None:
    compared = [r for r in records if tables_fem.is_peer(r)]
    if not compared:
        return
    table = tables_fem.peer_table(records)
    if len(compared) > len(table):
        drawn.missing.append(
            f"{len(compared) - len(table)} comparisons of assembly (the matrices differ, or the "
            "record is not complete)"
        )
    if table.empty:
        return
    head = ["matrix", "ranks", "peer", "moho, re-assembly", "peer, re-assembly", "ratio",
            "quartiles", "aim", "moho, entries per s", "peer, entries per s", "moho, set-up",
            "peer, set-up", "moho, first", "peer, first", "matrices differ by"]  # fmt: skip
    rows = [
        [
            r.matrix, number(r.ranks), r.peer, seconds(r.moho), seconds(r.theirs),
            f"{r.ratio:.2f}", f"{r.q1:.2f} to {r.q3:.2f}", number(r.target),
            f"{r.nonzeros / r.moho:.3g}", f"{r.nonzeros / r.theirs:.3g}",
            seconds(r.moho_set_up), seconds(r.set_up), seconds(r.moho_first), seconds(r.first),
            number(r.difference),
        ]
        for r in table.itertuples()
    ]  # fmt: skip
    drawn.tables.append({"title": "Assembly beside other codes", "head": head, "rows": rows})
    slower = table[table["ratio"] < 1]
    text = (
        "Re-assembly of the same matrix on the same cores, in turns within one run: time of the "
        f"other code over time of moho, from {table['ratio'].min():.3g} to "
        f"{table['ratio'].max():.3g}; bars are quartiles over the rounds, ticks what the project "
        f"asks of itself. Versions: {', '.join(dict.fromkeys(table['version']))}."
    )
    if len(slower):
        text += f" The other code is faster for {', '.join(dict.fromkeys(slower['matrix']))}."
    drawn.figures.append(
        Figure(
            f"{slug(study)}-peers",
            text,
            lambda: plot_peers.ratios(
                table.rename(columns={"matrix": "job", "q1": "low", "q3": "high"})
            ),
            _of(records, table),
            kind="fem-peers",
        )
    )


# ---- error against time --------------------------------------------------------------------------


def _work_precision(study: str, records: list[load.Record], drawn: Drawn) -> None:
    table = tables_fem.work_precision_table(records)
    if table.empty:
        return
    panels = list(dict.fromkeys(table["panel"]))
    if len(panels) > MOST_WORK:
        drawn.missing.append(f"{len(panels) - MOST_WORK} more panels of error against time")
        table = table[table["panel"].isin(panels[:MOST_WORK])]
    best = table.loc[table["error"].idxmin()]
    text = (
        "L² error against the time to assemble and solve once (median; bars: 95 % interval), "
        "set-up and evaluation at points aside: below and to the left is better. Smallest error: "
        f"{best['error']:.2g} in {seconds(best['seconds'])} ({best['series']}, n = {best['n']})."
    )
    drawn.figures.append(
        Figure(
            f"{slug(study)}-work-precision",
            text,
            lambda: plot_fem.work_precision(table, "l2_error"),
            _of(records, table),
            kind="work-precision",
        )
    )


# ---- pictures ------------------------------------------------------------------------------------


def _read(read, record: load.Record, drawn: Drawn):
    """What `read` gives; arrays that are broken are named and cost only their own figure."""
    try:
        return read(record)
    except load.LoadError as error:
        drawn.broken(error, record)
        return None


def _finest(records: list[load.Record]) -> list[load.Record]:
    """Those of the smallest error first, then those of most unknowns."""

    def key(r):
        error = r["metrics"].get("l2_error")
        if error is None:
            error = r["metrics"].get("point_rel_l2")
        unknowns = r["counters"].get("unknowns", 0)
        return (error is None, error if error is not None else 0.0, -unknowns)

    return sorted((r for r in records if r["status"] != "failed"), key=key)


def _field(study: str, records: list[load.Record], drawn: Drawn) -> None:
    """The most accurate answer in the plane, of those known everywhere if there are any."""
    shown = []
    for record in _finest([r for r in records if "points" in r["counters"]]):
        found = _read(tables_fem.read_field, record, drawn)
        if found is None or found.point.shape[1] != 2 or len(found.point) < 16:
            continue
        if np.isfinite(found.value).all():
            shown.append((record, found))
    shown.sort(key=lambda one: one[1].node_point is None)
    for record, found in shown[:1]:
        known = np.isfinite(found.truth).all(axis=1).any()
        text = f"The answer of {record['id']}"
        text += f" at time {found.time:g}" if found.time is not None else ""
        n = len(found.point) if found.node_point is None else len(found.node_point)
        what = "points" if found.node_point is None else "nodes"
        text += f" (at {n} {what}, drawn smoothly between them)"
        text += f", and its error at {len(found.point)} points." if known else "."
        name = f"{slug(study)}-solution"
        drawn.figures.append(
            Figure(name, text, lambda: plot_fem.field(found), [record], kind="solution")
        )


def _labels(records: list[load.Record]) -> list[str]:
    keys = [k for k in tables.telling_keys(records) if not k.startswith("limit.")]
    return [tables.label(r, keys) if keys else r["case"]["method"] for r in records]


def _designs(study: str, records: list[load.Record], drawn: Drawn) -> None:
    cases = [r for r in records if r["case"]["problem"] == "compliance"]
    cases = [r for r in cases if r["status"] != "failed"]
    found = [(r, d) for r in cases if (d := _read(tables_fem.read_design, r, drawn)) is not None]
    if not found:
        return
    kept = found[:MOST_SERIES]
    if len(found) > MOST_SERIES:
        drawn.missing.append(f"{len(found) - MOST_SERIES} more designs")
    titles = []
    for (record, _), label in zip(kept, _labels([r for r, _ in kept])):
        value = record["metrics"].get("compliance")
        titles.append(label + (f": compliance {value:.4g}" if value is not None else ""))
    shown = [(title, design) for title, (_, design) in zip(titles, kept)]
    text = "Optimised designs, density of each cell from 0 (white) to 1 (black). "
    text += "; ".join(titles) + "."
    drawn.figures.append(
        Figure(
            f"{slug(study)}-design",
            text,
            lambda: plot_fem.designs(shown),
            [r for r, _ in kept],
            kind="design",
        )
    )


def _grids(study: str, records: list[load.Record], drawn: Drawn) -> None:
    """A coefficient that was identified, or the first of a batch of flows: of the finest case."""
    for problem, read, what in (
        ("conductivity", tables_fem.read_conductivity, "The coefficient that belongs to the data"),
        ("darcy", tables_fem.read_flow, "The first coefficient of the batch, and the answer to it"),
    ):
        cases = [r for r in records if r["case"]["problem"] == problem]
        errors = ("k_rel_l2", "rel_l2")
        cases.sort(key=lambda r: min([r["metrics"].get(e) or np.inf for e in errors]))
        for record in cases:
            if record["status"] == "failed":
                continue
            if (found := _read(read, record, drawn)) is None:
                continue
            drawn.figures.append(
                Figure(
                    f"{slug(study)}-{problem}",
                    f"{what}, of {record['id']}.",
                    lambda found=found: plot_fem.grids(found),
                    [record],
                    kind="coefficient",
                )
            )
            break


HISTORY = {
    "compliance": "Compliance of each design.",
    "energy": "Energy after each step.",
    "misfit": "Misfit after each iteration.",
}


def _histories(study: str, records: list[load.Record], drawn: Drawn) -> None:
    problems = ("compliance", "conductivity", "wave", "heat", "allen-cahn")
    cases = [r for r in records if r["case"]["problem"] in problems and r["status"] != "failed"]
    found: dict[str, list] = {}
    for record in cases:
        if (history := _read(tables_fem.read_history, record, drawn)) is not None:
            found.setdefault(history.name, []).append((record, history))
    for name, all_of in found.items():
        kept = sorted(all_of, key=lambda one: -len(one[1].values))[:MOST_SERIES]
        if len(all_of) > MOST_SERIES:
            drawn.missing.append(f"{len(all_of) - MOST_SERIES} more histories of {name}")
        labels = _labels([r for r, _ in kept]) if len(kept) > 1 else [""]
        shown = [(label, history) for label, (_, history) in zip(labels, kept)]
        off = [plot_fem.drift(h.values) for _, h in kept]
        text = HISTORY[name]
        if all(o is not None for o in off):
            text += f" It is conserved: largest deviation {max(o.max() for o in off):.2g}."
        elif name == "energy":
            rises = max(float(np.diff(h.values).max(initial=0.0)) for _, h in kept)
            text += " It never rises." if rises <= 0 else f" Largest rise: {rises:.2g}."
        else:
            first, last = kept[0][1].values[[0, -1]]
            text += f" From {first:.4g} to {last:.4g} in {len(kept[0][1].values)} of them."
        drawn.figures.append(
            Figure(
                f"{slug(study)}-{name}-history",
                text,
                lambda shown=shown: plot_fem.histories(shown),
                [r for r, _ in kept],
                kind="history",
            )
        )
