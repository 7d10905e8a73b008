# SPDX-License-Identifier: BSD-3-Clause
"""Records as CSV, or as the JSON that github-action-benchmark reads.

    python3 analysis/export.py csv RUNDIR [-o FILE.csv]
    python3 analysis/export.py benchmark RUNDIR [-o FILE.json] [--better higher|lower]

CSV has one row per number: study, id, status, kind (check, counter, fom, metric, timing), name,
value, unit, lo, hi, better, relation, limit, pass, device (empty: a host), then every `case.<key>`.
github-action-benchmark wants one file per direction: `--better higher` (customBiggerIsBetter) holds
figures of merit, `lower` (customSmallerIsBetter) also holds times. Void and unsound results are
left out of it, and said so on stderr.
Exit code: 0 written, 1 nothing to write or a record that cannot be used was found with --strict.
"""
from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import pandas as pd

import load
import machine
import tables

COLUMNS = [
    "study",
    "id",
    "status",
    "kind",
    "name",
    "value",
    "unit",
    "lo",
    "hi",
    "better",
    "relation",
    "limit",
    "pass",
    "device",
]


def tidy(records: list[load.Record]) -> pd.DataFrame:
    """One row per number of every record; see the module's text for the columns."""
    parts = []
    for kind, table in (
        ("check", tables.check_table(records)),
        ("counter", tables.counter_table(records)),
        ("fom", tables.fom_table(records)),
        ("metric", tables.metric_table(records)),
        ("timing", tables.timing_table(records).rename(columns={"median": "value"})),
    ):
        parts.append(table.assign(kind=kind))
    cases = tables.case_table(records)
    keys = [c for c in cases.columns if c.startswith("case.")]
    table = pd.concat(parts, ignore_index=True).merge(
        cases[["study", "id", "device", "status", *keys]], "left", ["study", "id", "device"]
    )
    table = table.reindex(columns=[*COLUMNS, *keys])
    return table.sort_values(["study", "id", "kind"], kind="stable", ignore_index=True)


def benchmark(records: list[load.Record], better: str) -> list[dict]:
    """Entries {name, unit, value, range, extra} of one direction, of sound records only."""
    entries = []
    for record in records:
        if record["status"] not in tables.SOUND:
            continue
        where = machine.where(record)
        provenance = record["provenance"]
        extra = (
            f"{provenance['host']['cpu']}; {provenance['build']['compiler']}; "
            f"{provenance['run']['ranks']} ranks; {provenance['git']['sha']}"
        )
        for f in record["fom"]:
            if f["better"] == better and f["value"] is not None:
                entries.append(
                    {
                        "name": f"{where} {f['name']}",
                        "unit": f["unit"],
                        "value": f["value"],
                        "extra": extra,
                    }
                )
        if better == "lower":
            entries += [
                {
                    "name": f"{where} {name}",
                    "unit": t["unit"],
                    "value": t["median"],
                    "range": f"± {t['mad']:.3g}",
                    "extra": extra,
                }
                for name, t in record["timings"].items()
            ]
    return [e for e in entries if math.isfinite(e["value"])]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Records as CSV or github-action-benchmark JSON.")
    parser.add_argument("form", choices=["csv", "benchmark"])
    parser.add_argument("rundir", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="file to write (default: stdout)")
    parser.add_argument("--better", choices=["higher", "lower"], default="higher")
    parser.add_argument("--strict", action="store_true", help="fail if any record cannot be used")
    options = parser.parse_args(arguments)
    try:
        runs = load.load(options.rundir)
        for problem in runs.problems:
            print(f"export: skipped {problem}", file=sys.stderr)
        if not runs.records:
            raise load.LoadError(f"{options.rundir}: no record that can be used")
        if options.form == "csv":
            for r in runs.records:
                if not (r["checks"] or r["counters"] or r["fom"] or r["metrics"] or r["timings"]):
                    print(f"export: no number in {r.path} (status {r['status']})", file=sys.stderr)
            text = tidy(runs.records).to_csv(index=False)
        else:
            for r in runs.records:
                if r["status"] not in tables.SOUND:
                    print(f"export: left out {r.path} (status {r['status']})", file=sys.stderr)
            text = json.dumps(benchmark(runs.records, options.better), indent=1) + "\n"
        if options.output:
            load.write_atomically(options.output, text.encode())
        else:
            sys.stdout.write(text)
    except load.LoadError as error:
        print(f"export: {error}", file=sys.stderr)
        return 1
    return 1 if options.strict and runs.problems else 0


if __name__ == "__main__":
    sys.exit(main())
