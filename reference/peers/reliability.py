#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every published point put to moho and to each peer: ok, missing, jumped, wrong, invented.

The words are those of classify.py. Writes one moho.result/1 record per solver below
OUT/dispersion-peers-reliability.

usage: reliability.py --driver BUILD/moho_peer --out OUT [--data FOLDER] [--without fast-delta ..]
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

from solvers import Disba, Moho, Surf96, one_thread, peers

one_thread()
import numpy as np  # noqa: E402  (after the thread counts are set)

import classify  # noqa: E402
import jobs  # noqa: E402
import peer_records  # noqa: E402

STUDY = "dispersion-peers-reliability"
TITLE = "Reliability: published points answered by moho and its peers"
ABOUT = (
    "Each solver is asked for every published root, mode by mode. ok: within 5e-6 of the published "
    "value. missing: no answer, or an exception. jumped: the value of another published root. "
    "wrong: of none. invented: an answer where the mode is not trapped. Points are the published "
    "roots and those invented."
)
DATA = Path(__file__).resolve().parents[1] / "physics" / "dispersion"
SMALLER = 0.0005
KINDS = {
    "dunkin": lambda scratch: Disba(),
    "dunkin-small": lambda scratch: Disba(step=SMALLER),
    "fast-delta": lambda scratch: Disba("fast-delta"),
    "surf96": lambda scratch: Surf96(scratch),
}
STRICT = 1e-9  # moho is held to this, relative, as well


def moho_answers(driver: str, curves: list[jobs.Curve]):
    """(solve, about): moho's answers to the curves, all asked at once."""
    sets = [(len(curve.phase), [curve.model]) for curve in curves]
    moho = Moho(driver, sets)
    found = [moho.curves(i, len(c.phase), [c.model], c.wave)[0][0] for i, c in enumerate(curves)]
    about = moho.about
    moho.close()
    place = {id(curve): i for i, curve in enumerate(curves)}
    return (lambda curve, mode: found[place[id(curve)]][mode]), about


def control(curves: list[jobs.Curve]) -> list[dict]:
    """Checks on the yardstick: the truth itself is all ok, a truth that is 1e-4 off never is, and
    no answer at all is all missing."""
    right = classify.totals(classify.assess(curves, lambda c, m: c.phase[m]))
    off = classify.totals(classify.assess(curves, lambda c, m: c.phase[m] * (1 + 1e-4)))
    none = classify.totals(classify.assess(curves, lambda c, m: np.full(c.phase[m].shape, np.nan)))
    return [
        peer_records.check("control.truth_not_ok", right["points"] - right["ok"], "==", 0),
        peer_records.check("control.shifted_truth_ok", off["ok"], "==", 0),
        peer_records.check(
            "control.silence_not_missing", none["points"] - none["missing"], "==", 0
        ),
    ]


SURVEYED = {"missing": "missing", "jumped": "other_mode", "wrong": "wrong", "invented": "extra"}
SURVEY_NAMES = {
    ("disba", 0.005): "disba dunkin dc=0.005",
    ("disba", 0.0005): "disba dunkin dc=0.0005",
    ("disba fast-delta", 0.005): "disba fast-delta dc=0.005",
    ("surf96", 0.005): "surf96 f77 dc=0.005",
}


def survey_metrics(data: Path, peer, rows: list[dict]) -> dict:
    """How these counts agree with peer_disagreements.json, an earlier survey by other hands."""
    path, name = data / "peer_disagreements.json", SURVEY_NAMES.get((peer.name, peer.step))
    if name is None or not path.is_file():
        return {}
    cases = jobs.read_survey(path)
    compared = [row for row in rows if row["name"] in cases]
    differing = 0
    for row in compared:
        told = cases[row["name"]].get(name, {}).get(f"{row['wave']}-{row['mode']}", {})
        for ours, theirs in SURVEYED.items():
            found = told.get(theirs, 0)
            differing += row[ours] != (found if isinstance(found, int) else len(found))
    return {"survey_curves": len(compared), "survey_counts_differing": differing}


def solver_record(name, step, version, rows, about, tolerance, extra, more=None) -> dict:
    total = classify.totals(rows)
    counters = dict(total)
    for file in dict.fromkeys(row["file"] for row in rows):
        part = classify.totals([row for row in rows if row["file"] == file])
        counters |= {f"{file}.{key}": part[key] for key in ("points", "ok")}
    case = {
        "problem": "dispersion-reference",
        "method": name,
        "version": version,
        "tolerance": tolerance,
    }
    text = f"{name}-{tolerance:g}" if step is None else f"{name}-{step:g}"
    if step is not None:
        case["step"] = step
    share = {f"{key}_share": total[key] / total["points"] for key in ("ok", *classify.BAD)}
    return peer_records.record(
        STUDY,
        text.replace(" ", "-"),
        case,
        about,
        None,
        checks=extra,
        counters=counters,
        metrics=share | (more or {}),
        fom=[{"name": "ok_share", "value": share["ok_share"], "unit": "1", "better": "higher"}],
    )


def table_row(content: dict) -> str:
    c, step = content["counters"], content["case"].get("step", "–")
    words = [
        content["case"]["method"],
        step,
        content["case"]["tolerance"],
        c["points"],
        f"{c['ok'] / c['points']:.2%}",
        *(c[w] for w in classify.BAD),
        c["exceptions"],
    ]
    return "| " + " | ".join(map(str, words)) + " |"


HEADER = (
    "| solver | step | tolerance | points | ok | "
    + " | ".join(classify.BAD)
    + " | exceptions |\n"
    + "|---" * 10
    + "|"
)


def moho_records(driver: str, curves, extra) -> tuple[list[dict], dict]:
    """moho at the peers' tolerance and at its own; every point must be ok."""
    solve, about = moho_answers(driver, curves)
    found: list[dict] = []
    for tolerance in (classify.TOLERANCE, STRICT):
        rows = classify.assess(curves, solve, tolerance)
        total = classify.totals(rows)
        mine = [peer_records.check("points_not_ok", total["points"] - total["ok"], "==", 0)]
        found.append(
            solver_record("moho", None, about["version"], rows, about, tolerance, extra + mine)
        )
    return found, about


def run(driver: str, out: Path, data: Path, without=()) -> list[dict]:
    """Writes the records and returns them."""
    curves = jobs.reference_curves(data)
    extra = control(curves)
    print(HEADER)
    found, about = moho_records(driver, curves, extra)
    others, absent = peers(out / ".scratch", {k: v for k, v in KINDS.items() if k not in without})
    for peer in others:
        mine = curves
        if peer.name.endswith("fast-delta"):  # a method for Rayleigh waves alone
            mine = [curve for curve in curves if curve.wave == "rayleigh"]
        rows = classify.assess(mine, peer.phase)
        more = survey_metrics(data, peer, rows)
        found.append(
            solver_record(
                peer.name, peer.step, peer.version, rows, about, classify.TOLERANCE, extra, more
            )
        )
    for content in found:
        peer_records.write(out, content)
        print(table_row(content), flush=True)
    for why in absent:
        print(f"not compared: {why}", file=sys.stderr)
    peer_records.write_study(
        out, STUDY, TITLE, ABOUT + "".join(f" Not compared: {w}." for w in absent)
    )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--driver", required=True, help="the moho_peer executable")
    parser.add_argument("--out", required=True, type=Path, help="folder of the records")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of ref_*.json")
    parser.add_argument("--without", nargs="*", default=[], choices=sorted(KINDS))
    options = parser.parse_args()
    try:
        found = run(options.driver, options.out, options.data, options.without)
    except (OSError, ValueError) as error:
        print(f"reliability: {error}", file=sys.stderr)
        return 1
    return 0 if all(content["status"] == "ok" for content in found) else 2


if __name__ == "__main__":
    sys.exit(main())
