# SPDX-License-Identifier: BSD-3-Clause
"""The tables of the page, as text: head and rows."""
from __future__ import annotations

import numpy as np
import pandas as pd

import load
import load_synthesis
import tables
import tables_micro
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
    keys = tables.varying_keys(records, ("asked", "asked_hash")) or ["problem", "method"]
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


def kinds(records: list[load.Record]) -> str:
    """What records there are: "4 matrices, 100 rows"."""
    of = [load_synthesis.synthesis(r) or load_synthesis.is_row(r) for r in records]
    parts = [
        (of.count(load_synthesis.MATRIX), "matrix", "matrices"),
        (of.count(load_synthesis.RATE), "rate", "rates"),
        (of.count(True), "row", "rows"),
        (of.count(False), "record", "records"),
    ]
    return ", ".join(f"{n} {one if n == 1 else many}" for n, one, many in parts if n) or "0 records"


MOST_CHECKS = 500  # of which each has a row of its own


def check_rows(records: list[load.Record]) -> list[dict]:
    """All checks, failed ones first. Where there are many, those that passed have a row per name
    and limit, with the value that came closest."""
    rows = [
        {
            "id": r["id"],
            "name": c["name"],
            "value": number(c["value"]),
            "relation": c["relation"],
            "limit": f"{c['limit']:g}",
            "pass": c["pass"],
            "close": _closeness(c),
        }
        for r in records
        for c in r["checks"]
    ]
    failed, passed = ([c for c in rows if c["pass"] == word] for word in (False, True))
    if len(rows) <= MOST_CHECKS:
        return failed + passed
    closest: dict[tuple, dict] = {}
    count: dict[tuple, int] = {}
    for c in passed:
        key = (c["name"], c["relation"], c["limit"])
        count[key] = count.get(key, 0) + 1
        if key not in closest or c["close"] > closest[key]["close"]:
            closest[key] = c
    for key, c in closest.items():
        if count[key] > 1:
            c["id"] = f"{c['id']} and {count[key] - 1} more"
    return failed + list(closest.values())


def _closeness(check: dict) -> float:
    """Larger where the value is closer to breaking the limit; -inf where it is not known."""
    if check["value"] is None:
        return -np.inf
    return -check["value"] if check["relation"] in (">", ">=") else check["value"]


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
    """Every benchmark with its rate and fractions, and the machine where there are several."""
    table = tables_micro.micro_table(outputs)
    head = ["benchmark", "time", "Gflop/s", "of matrix product", "of STREAM", "repetitions"]
    several = table["machine"].nunique() > 1
    return head[:1] + ["on"] * several + head[1:], [
        [
            r.name,
            *[r.machine.text] * several,
            seconds(r.seconds),
            number(r.gflops),
            number(r.of_gemm),
            number(r.of_stream),
            str(r.n) + _left_out(r),
        ]
        for r in table.itertuples()
    ]


def _left_out(row) -> str:
    """What is said of the repetitions during which the machine's rates changed."""
    if row.noisy:
        return ", unsteady"
    return f", {row.unsteady} unsteady left out" if row.unsteady else ""
