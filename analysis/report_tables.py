# SPDX-License-Identifier: BSD-3-Clause
"""The tables of the page, as text: head and rows."""
from __future__ import annotations

import numpy as np
import pandas as pd

import load
import tables
import tables_speed


# ---- numbers as people read them -----------------------------------------------------------------


def number(value) -> str:
    """Short but honest: integers in full, other numbers to 4 digits, unknown as a dash."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "–"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return ", ".join(map(number, value))
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", "\u202f")
    if abs(value) < 1e-3 or abs(value) >= 1e9:
        return f"{value:.3e}"
    return f"{float(f'{value:.4g}'):,.10g}".replace(",", "\u202f")


def seconds(value: float) -> str:
    """A duration with the unit that suits it."""
    if value is None or np.isnan(value):
        return "–"
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if value * factor >= 1 or unit == "µs":
            return f"{value * factor:.3g} {unit}"
    return f"{value} s"


# ---- tables --------------------------------------------------------------------------------------


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    return (
        table.pivot_table(
            index="id", columns="name", values="value", aggfunc="first", sort=False, dropna=False
        )
        if not table.empty
        else pd.DataFrame()
    )


def case_rows(records: list[load.Record]) -> tuple[list[str], list[dict]]:
    """Head and rows of the table of cases: what varies, the figures of merit, the apply time."""
    keys = tables.varying_keys(records, ()) or ["problem", "method"]
    merits = list(dict.fromkeys((f["name"], f["unit"]) for r in records for f in r["fom"]))
    head = keys + ["ranks"] * ("ranks" not in keys) + ["checks", "median time"]
    head += [f"{name.replace('_', ' ')} ({unit})" if unit else name for name, unit in merits]
    rows = []
    for r in records:
        apply = r["timings"].get("apply")
        values = [number(r["case"].get(k)) for k in keys] + [number(r.ranks)] * (
            "ranks" not in keys
        )
        values += [
            f"{sum(c['pass'] for c in r['checks'])} / {len(r['checks'])}",
            seconds(apply["median"]) if apply else "–",
        ]
        for name, _ in merits:
            value = [f["value"] for f in r["fom"] if f["name"] == name]
            values.append(
                number(value[0]) if value and value[0] is not None else "void" if value else "–"
            )
        rows.append({"id": r["id"], "status": r["status"], "values": values})
    return head, rows


def check_rows(records: list[load.Record]) -> list[dict]:
    """All checks, failed ones first."""
    rows = [
        {
            "id": r["id"],
            "name": c["name"],
            "value": number(c["value"]),
            "relation": c["relation"],
            "limit": f"{c['limit']:g}",
            "pass": c["pass"],
        }
        for r in records
        for c in r["checks"]
    ]
    return sorted(rows, key=lambda row: row["pass"])


def wide_rows(records: list[load.Record], table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """A table of cases x names."""
    wide = _wide(table)
    return ["case", *wide.columns], [
        [i, *map(number, row)] for i, row in zip(wide.index, wide.to_numpy())
    ]


def timing_rows(records: list[load.Record]) -> list[list[str]]:
    table = tables.timing_table(records)
    return [
        [
            t.id,
            t.name,
            seconds(t.median),
            seconds(t.mad),
            f"{seconds(t.lo)} to {seconds(t.hi)}",
            str(t.n),
            str(t.warmup),
            f"{seconds(t.rank_min)} to {seconds(t.rank_max)}",
        ]
        for t in table.itertuples()
    ]


# ---- other codes, micro-benchmarks ---------------------------------------------------------------


def special_tables(records: list[load.Record]) -> list[dict]:
    """Tables that only some studies have: title, head, rows, open (shown at once)."""
    found = []
    reliability = tables_speed.reliability_table(records)
    if not reliability.empty:
        head = ["solver", "points", "ok", *tables_speed.RELIABILITY[1:], "calls that raised"]
        rows = [
            [r.solver, number(r.points), f"{r.ok / r.points:.2%}"]
            + [number(getattr(r, w)) for w in (*tables_speed.RELIABILITY[1:], "exceptions")]
            for r in reliability.itertuples()
        ]
        found.append({"title": "Reliability", "head": head, "rows": rows})
    peers = tables_speed.peer_table(records)
    if not peers.empty:
        head = [
            "case",
            "peer",
            "moho, per model",
            "peer, per model",
            "ratio",
            "quartiles",
            "aim",
            "answers differ by",
        ]
        rows = [
            [
                r.id,
                r.peer,
                seconds(r.moho),
                seconds(r.theirs),
                f"{r.ratio:.2f}",
                f"{r.q1:.2f} to {r.q3:.2f}",
                number(r.target),
                number(r.difference),
            ]
            for r in peers.itertuples()
        ]
        found.append({"title": "Ratios", "head": head, "rows": rows})
    return found


def micro_rows(outputs: list[load.Micro]) -> tuple[list[str], list[list[str]]]:
    """Every benchmark with its rate and fractions."""
    table = tables_speed.micro_table(outputs)
    head = ["benchmark", "time", "Gflop/s", "of matrix product", "of STREAM", "repetitions"]
    return head, [
        [
            r.name,
            seconds(r.seconds),
            number(r.gflops),
            number(r.of_gemm),
            number(r.of_stream),
            str(r.n) + (", unsteady" if r.noisy else ""),
        ]
        for r in table.itertuples()
    ]
