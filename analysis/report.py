# SPDX-License-Identifier: BSD-3-Clause
"""One self-contained HTML page from a run folder: verdict, figures, tables, provenance.

    python3 analysis/report.py RUNDIR [-o report.html] [--figures DIR] [--curves N] [--json]

Everything on the page comes from the records. Files that cannot be used are named on the page and
on stderr. Exit code 0 when the page was written, 1 when there is nothing to write or no place for
it.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

try:
    import jinja2
    import numpy as np

    import figure
    import figures
    import figures_speed
    import load
    import load_synthesis
    import machine
    import report_tables
    import tables
    from report_tables import number
except ImportError as missing:
    sys.exit(
        f"report: {missing} (in {sys.executable}) install python3-numpy, -pandas, -h5py, "
        "-matplotlib, -jinja2, -jsonschema, or choose another Python"
    )

HERE = Path(__file__).resolve().parent
FOLDED = 60  # cases from which on their table is folded
SOLVERS = ("dispersion-solver", "rayleigh-solver")  # methods that solve for dispersion curves
LOOSE = 1e-7  # tolerance from which on these stop before full precision


# ---- verdict -------------------------------------------------------------------------------------


def plural(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def verdict(runs: load.Runs) -> tuple[str, str]:
    """("valid" | "invalid" | "incomplete", one sentence that says why)."""
    count = {
        s: sum(r["status"] == s for r in runs.records)
        for s in ("ok", "partial", "invalid", "failed")
    }
    checks = sum(len(r["checks"]) for r in runs.records)
    bad = [f"{plural(count['invalid'], 'case')} failed a check"] if count["invalid"] else []
    bad += [f"{plural(count['failed'], 'case')} crashed"] if count["failed"] else []
    bad += [f"{plural(len(runs.problems), 'file')} could not be used"] if runs.problems else []
    open_ends = [f"{plural(count['partial'], 'case')} stopped early"] if count["partial"] else []
    open_ends += [f"{plural(len(runs.unfinished), 'case')} not finished"] if runs.unfinished else []
    of = f" Of {plural(len(runs.records), 'record')}, {count['ok']} passed all their checks."
    if bad:
        return (
            "invalid",
            "; ".join(bad + open_ends) + "." + of + " Void figures of merit are not shown.",
        )
    if open_ends:
        return "incomplete", "; ".join(open_ends) + "." + of
    if not runs.records:
        return "incomplete", "Micro-benchmarks alone: no case ran, and nothing was checked."
    if not checks:
        return (
            "incomplete",
            f"{plural(len(runs.records), 'case')} finished, but nothing was checked.",
        )
    return "valid", (
        f"{plural(len(runs.records), 'case')} finished and all {checks} checks passed."
        if len(runs.records) > 1
        else f"The case finished and all {checks} checks passed."
    )


def how_far(partial: load.Record) -> str:
    """What a training that has not ended has done so far."""
    epochs, all_epochs = partial["counters"].get("epochs"), partial["case"].get("epochs")
    if partial["case"].get("curriculum"):
        all_epochs = None  # those of the last stage alone
    of = f" of {all_epochs}" if all_epochs else ""
    done = "stopped early" if epochs is None else f"{epochs}{of} epochs done"
    return f"{done}; the same command goes on"


def warnings(runs: load.Runs) -> list[str]:
    """What a reader must know before believing a number."""
    found = []
    for r in runs.records:
        if r["status"] in ("failed", "partial"):
            reason = how_far(r) if r["status"] == "partial" else "no reason given"
            found.append(f"{machine.where(r)}: {r['status']}: {r.get('error', reason)}")
        failed = [c for c in r["checks"] if not c["pass"]]
        for c in failed:
            found.append(
                f"{machine.where(r)}: check {c['name']} failed: {number(c['value'])} "
                f"{c['relation']} {c['limit']:g} does not hold"
            )
        case = load_synthesis.synthesis(r) is None  # of a conclusion the cases are checked
        if not r["checks"] and case and r["status"] != "failed":
            found.append(f"{machine.where(r)}: nothing was checked")
    if dirty := sum(r["provenance"]["git"]["dirty"] for r in runs.records):
        found.append(
            f"{plural(dirty, 'record')} from a source tree with uncommitted changes: the commit "
            "alone does not reproduce them"
        )
    if debug := sum(r["provenance"]["build"]["type"] != "Release" for r in runs.records):
        found.append(
            f"{plural(debug, 'record')} from a build that is not Release: do not quote its speed"
        )
    if crowds := sum(figures_speed.crowded(r) for r in runs.records):
        found.append(
            f"{plural(crowds, 'record')} with more ranks or threads than cores on a node: "
            "do not quote its speed"
        )
    unsteady = [
        f"{r['id']} ({name})"
        for r in runs.records
        for name, t in r["timings"].items()
        if tables.unsteady(t)
    ]
    if unsteady:
        found.append(
            f"unsteady times (deviation above {tables.NOISY:.0%} of the median): "
            f"{', '.join(unsteady[:6])}"
            + (f" and {len(unsteady) - 6} more" if len(unsteady) > 6 else "")
        )
    return found


# ---- provenance ----------------------------------------------------------------------------------

PROVENANCE = [
    ("commit", lambda p: p["git"]["sha"] + (" (with changes)" if p["git"]["dirty"] else "")),
    ("moho", lambda p: p["build"].get("version")),
    ("compiler", lambda p: p["build"]["compiler"]),
    ("flags", lambda p: f"{p['build']['flags']} ({p['build']['type']})"),
    ("SIMD width", lambda p: plural(p["build"]["simd_width"], "double")),
    ("Kokkos", lambda p: f"{p['build']['kokkos']}, {p['build']['backend']}"),
    ("MPI", lambda p: p["build"]["mpi"]),
    ("HDF5", lambda p: p["build"]["hdf5"]),
    ("PETSc", lambda p: p["build"]["petsc"]),
    ("BLAS", lambda p: p["build"].get("blas")),
    ("host", lambda p: ", ".join(dict.fromkeys(b["host"] for b in p["run"]["binding"]))),
    ("system", lambda p: p["host"].get("os")),
    ("processor", lambda p: f"{p['host']['cpu']}, {plural(p['host']['cores'], 'core')}"),
    ("memory", lambda p: f"{p['host']['memory'] / 2**30:.1f} GiB" if p["host"]["memory"] else None),
    ("GPUs", lambda p: ", ".join(p["host"]["gpus"]) or "none"),
    (
        "STREAM triad, measured",
        lambda p: f"{p['host']['stream'] / 1e9:.3g} GB/s" if p["host"].get("stream") else None,
    ),
    (
        "matrix product, measured",
        lambda p: f"{p['host']['gemm'] / 1e9:.3g} Gflop/s" if p["host"].get("gemm") else None,
    ),
    (
        "ranks x threads",
        lambda p: f"{p['run']['ranks']} x {p['run']['threads']} on "
        + plural(p["run"]["nodes"], "node"),
    ),
    ("Slurm job", lambda p: p["run"]["slurm"].get("SLURM_JOB_ID")),
    ("modules", lambda p: ", ".join(p["run"]["modules"])),
    ("seed", lambda p: None if p["run"]["seed"] is None else str(p["run"]["seed"])),
]


def provenance_rows(records: list[load.Record]) -> list[tuple[str, list[str]]]:
    """What -> its distinct values over the records (usually one); unknown things are left out."""
    rows = []
    for name, get in PROVENANCE:
        values = list(dict.fromkeys(filter(None, (get(r["provenance"]) for r in records))))
        if values:
            rows.append(
                (name, values if len(values) <= 4 else values[:3] + [f"and {len(values) - 3} more"])
            )
    return rows


def binding_rows(records: list[load.Record]) -> list[dict]:
    """The binding of the record with most ranks."""
    return max(records, key=lambda r: r.ranks)["provenance"]["run"]["binding"] if records else []


# ---- page ----------------------------------------------------------------------------------------


def certified(record: load.Record) -> bool:
    """Whether the dispersion solver answered, at its full precision."""
    case = record["case"]
    return case["method"] in SOLVERS and (case.get("tolerance") or 0) < LOOSE


def highlights(runs: load.Runs) -> list[dict]:
    """The few numbers worth a glance, each with what it means."""
    cards = [
        {
            "value": f"{sum(r['status'] == 'ok' for r in runs.records)} / "
            f"{len(runs.records) + len(runs.problems) + len(runs.unfinished)}",
            "text": "cases valid",
        }
    ]
    metrics = tables.metric_table(
        [r for r in runs.records if r["case"]["method"] == "dispersion-solver"]
    )
    for name, text in (
        ("phase_rel_max", "largest relative error, phase velocity"),
        ("group_rel_max", "largest relative error, group velocity"),
        ("mode_count_mismatches", "wrong mode counts"),
    ):
        values = metrics[metrics["name"] == name]["value"].dropna() if not metrics.empty else []
        if len(values):
            value = values.sum() if name.endswith("mismatches") else values.max()
            cards.append(
                {"value": f"{value:.1e}" if "rel" in name else number(float(value)), "text": text}
            )
    # of the solver in full: trivial answers, networks and loose tolerances are faster
    merits = tables.fom_table([r for r in runs.records if certified(r)])
    if not merits.empty and merits["value"].notna().any():
        rates = merits[(merits["name"] == "curves_per_second") & merits["value"].notna()]
        if len(rates):
            best = rates.loc[rates["value"].idxmax()]
            cards.append(
                {
                    "value": number(float(f"{best['value']:.4g}")),
                    "text": "curves per second of the solver, best case"
                    + (f", on {best['device']}" if best["device"] else ""),
                }
            )
    return cards + _conclusions(runs)


def _conclusions(runs: load.Runs) -> list[dict]:
    """How many matrices and rates there are."""
    cards = []
    of = {
        kind: [r for r in runs.records if load_synthesis.synthesis(r) == kind]
        for kind in (load_synthesis.MATRIX, load_synthesis.RATE)
    }
    if matrices := of[load_synthesis.MATRIX]:
        sgi = [v for r in matrices if not np.isnan(v := load_synthesis.metric(r, "sgi"))]
        ends = list(dict.fromkeys(f"{v:.2g}" for v in (min(sgi), max(sgi)))) if sgi else []
        span = f", SGI {' to '.join(ends)}" if ends else ""
        what = "generalization matrix" if len(matrices) == 1 else "generalization matrices"
        cards.append({"value": str(len(matrices)), "text": what + span})
    if rates := of[load_synthesis.RATE]:
        found = sum(not np.isnan(load_synthesis.metric(r, "rate")) for r in rates)
        cards.append({"value": f"{found} / {len(rates)}", "text": "rates of convergence found"})
    return cards


def study_contexts(runs: load.Runs, name: str, max_curves: int, pdf: bool) -> list[dict]:
    """Everything the page shows about one study: a part per device and one of hosts."""
    parts = machine.by_device(runs.of_study(name)) or {machine.HOST: []}
    unfinished = [p.path.name for p in runs.unfinished if p.path.resolve().parent.name == name]
    found = [
        _study_context(runs, name, (device, records), max_curves, pdf, len(parts) > 1)
        for device, records in parts.items()
    ]
    found[0]["unfinished"] = unfinished
    return found


def _study_context(
    runs: load.Runs, name: str, part: tuple, max_curves: int, pdf: bool, several: bool
) -> dict:
    (device, records), settings = part, runs.studies.get(name, {})
    about = settings.get("study", {})
    drawn = figures.of_study(name, records, max_curves, settings, device if several else "")
    undrawn = drawn.draw(pdf)
    runs.problems += drawn.problems
    cases = [r for r in records if load_synthesis.synthesis(r) is None]
    head, rows = report_tables.case_rows(cases) if cases else ([], [])
    checks = report_tables.check_rows(records)
    where = f" (on {device or 'a host'})" if several else ""
    return {
        "name": name,
        "device": device,
        "title": about.get("title", name) + where,
        "description": about.get("description", ""),
        "figures": drawn.figures,
        "missing": drawn.missing,
        "undrawn": undrawn,
        "records": report_tables.kinds(records),
        "folded": len(cases) < len(records) or len(cases) > FOLDED,
        "case_head": head,
        "case_rows": rows,
        "checks": checks,
        "check_count": sum(len(r["checks"]) for r in records),
        "failed_checks": sum(not c["pass"] for r in records for c in r["checks"]),
        "metrics": report_tables.wide_rows(cases, tables.metric_table(cases)),
        "counters": report_tables.wide_rows(cases, tables.counter_table(cases)),
        "special": drawn.tables + report_tables.special_tables(cases),
        "timings": report_tables.timing_rows(records),
        "unfinished": [],
        "moved": False,
    }


def micro_context(runs: load.Runs, pdf: bool) -> dict | None:
    """What the page shows of the outputs of moho-bench; None where there is none."""
    if not runs.micro:
        return None
    drawn = figures.of_micro(runs.micro)
    undrawn = drawn.draw(pdf)
    return {
        "figures": drawn.figures,
        "undrawn": undrawn,
        "missing": drawn.missing,
        "table": report_tables.micro_rows(runs.micro),
        "contexts": [
            f"{m.path.name}: commit {str(m.context['moho_sha'])[:12]}, "
            f"{machine.of_micro(m).text}, "
            f"{m.context.get('flags', '?')}"
            for m in runs.micro
        ],
    }


def device_context(runs: load.Runs, studies: list[dict], pdf: bool) -> dict | None:
    """The chapter "On the device"; None where nothing comes from one. Comparisons with other codes
    on a device move there from the parts of their studies."""
    drawn = figures.of_device(runs)
    if drawn is None:
        return None
    undrawn = drawn.draw(pdf)
    for part in (s for s in studies if s["device"]):
        moved = [f for f in part["figures"] if f.kind in figures.figures_torch.KINDS]
        drawn.figures += moved
        part["figures"] = [f for f in part["figures"] if f not in moved]
        part["moved"] = bool(moved)
    if not any(f.kind in figures.figures_torch.KINDS for f in drawn.figures):
        drawn.missing.append(
            "other codes on the device (no sound comparison with PyTorch there; run the stage "
            "peers of scripts/device.sh)"
        )
    return {
        "devices": figures.figures_device.devices(runs),
        "figures": drawn.figures,
        "tables": drawn.tables,
        "missing": drawn.missing,
        "undrawn": undrawn,
    }


def build(
    runs: load.Runs, max_curves: int = 6, pdf: bool = False
) -> tuple[str, dict, list[figure.Figure]]:
    """The page, a summary for tools, and the figures on the page, as PDF too if asked."""
    studies = [
        part
        for name in runs.study_names()
        for part in study_contexts(runs, name, max_curves, pdf)
    ]
    device = device_context(runs, studies, pdf)
    micro = micro_context(runs, pdf)
    parts = studies + [part for part in (device, micro) if part]
    undrawn = [f"not shown: {text}" for part in parts for text in part["undrawn"]]
    notes = undrawn + warnings(runs)
    kind, sentence = verdict(runs)
    titles = [s["title"] for s in studies]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    utc = sorted(r["provenance"]["run"]["utc"] for r in runs.records)
    page = environment.get_template("report.html.j2").render(
        title=titles[0] if len(titles) == 1 else f"{len(runs.study_names())} studies",
        verdict=kind,
        sentence=sentence,
        cards=highlights(runs),
        warnings=notes,
        problems=runs.problems,
        unfinished=runs.unfinished,
        studies=studies,
        device=device,
        micro=micro,
        provenance=provenance_rows(runs.records),
        binding=binding_rows(runs.records),
        commands=figure.commands(runs.records),
        first=utc[0] if utc else "",
        last=utc[-1] if utc else "",
        root=runs.root.resolve().name,
        sha=next((r["provenance"]["git"]["sha"] for r in runs.records), ""),
    )
    drawn = [one for part in parts for one in part["figures"]]
    summary = {
        "verdict": kind,
        "sentence": sentence,
        "records": len(runs.records),
        "problems": [str(p) for p in runs.problems],
        "unfinished": [str(p) for p in runs.unfinished],
        "warnings": notes,
        "undrawn": undrawn,
        "figures": [f.name for f in drawn],
    }
    return page, summary, drawn


def write_figures(drawn: list[figure.Figure], folder: Path) -> None:
    """Each figure as PNG (light) and PDF."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise load.LoadError(f"{folder}: cannot be made ({error.strerror})") from error
    for one in drawn:
        load.write_atomically(folder / f"{one.name}.png", one.pictures["light"])
        load.write_atomically(folder / f"{one.name}.pdf", one.pictures["pdf"])


def summary_text(summary: dict, output: Path, as_json: bool) -> str:
    """What is printed when the page is written."""
    if as_json:
        return json.dumps({"report": str(output), **summary}, indent=1) + "\n"
    lines = [f"{summary['verdict'].upper()}: {summary['sentence']}"]
    lines += [f"skipped: {problem}" for problem in summary["problems"]]
    return "\n".join([*lines, f"report: {output}"]) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Write one self-contained HTML page from a run folder."
    )
    parser.add_argument(
        "rundir", type=Path, help="what `moho run --out` wrote, or one study or case of it"
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="page to write (default RUNDIR/report.html)"
    )
    parser.add_argument("--figures", type=Path, help="also write each figure there, as PNG and PDF")
    parser.add_argument("--curves", type=int, default=6, help="models shown with curves, per study")
    parser.add_argument("--json", action="store_true", help="summary as JSON on stdout")
    parser.add_argument("--summary", type=Path, help="write the summary there instead of stdout")
    options = parser.parse_args(arguments)
    output = options.output or options.rundir / "report.html"
    try:
        runs = load.load(options.rundir)
        if not runs.records and not runs.problems and not runs.micro:
            raise load.LoadError(
                f"{options.rundir}: no result.json below it (nothing has run, or no "
                "case is finished) run a study first: moho run STUDY.toml"
            )
        if not runs.records and not runs.micro:
            raise load.LoadError("no record can be used: " + "; ".join(map(str, runs.problems)))
        page, summary, drawn = build(runs, options.curves, pdf=options.figures is not None)
        if options.figures:
            write_figures(drawn, options.figures)
        load.write_atomically(output, page.encode())
        text = summary_text(summary, output, options.json)
        if options.summary:
            load.write_atomically(options.summary, text.encode())
    except load.LoadError as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    if not options.summary:
        print(text, end="")
    for problem in summary["problems"]:
        print(f"report: skipped {problem}", file=sys.stderr)
    for text in summary["undrawn"]:
        print(f"report: {text}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
