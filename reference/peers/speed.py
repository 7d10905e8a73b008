#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""moho and its peers, interleaved in one run on the core this process is pinned to.

Rounds go A B A B: in each round, for each peer, moho takes a sample and then the peer; a ratio is
formed within the round. moho's time holds all of its work: packing, bracketing, mode count and
polishing to 1e-13; a peer's holds neither constructor nor compilation, and it stops at 1e-6.
Phase is compared with phase; phase and group with phase and group. Times are processor times, so
that other work on the machine is not charged to whoever was running; `wall_over_cpu` tells how much
there was. Writes one moho.result/1 record per job and peer below OUT/dispersion-peers-speed.

usage: taskset -c 1 PYTHON speed.py --driver BUILD/moho_peer --out OUT
"""
from __future__ import annotations

import argparse
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

from solvers import Disba, Moho, Surf96, one_thread, peers

one_thread()
import numpy as np  # noqa: E402  (after the thread counts are set)

import jobs  # noqa: E402
import peer_records  # noqa: E402

STUDY = "dispersion-peers-speed"
TITLE = "Speed beside other codes: time of the peer over time of moho"
ABOUT = (
    "Both codes on the same core in one run, in turns; a ratio is formed within each round. All of "
    "moho's work is counted: packing, bracketing, the mode count that certifies each root, and "
    "polishing to 1e-13; the peers stop at 1e-6 and certify nothing. A ratio is void where the two "
    "do not answer alike."
)
DATA = Path(__file__).resolve().parents[1] / "physics" / "dispersion"
KINDS = {"disba": lambda scratch: Disba(), "surf96": lambda scratch: Surf96(scratch)}
# Largest median relative difference for a ratio to count: the peers' own accuracy.
ALIKE = {"phase": 2e-6, "group": 1e-3, "phase+kernels": 0.1}
MOHO = "moho"


def kernel_difference(moho: Moho, place: int, job: jobs.Job, peer) -> list[float]:
    """|difference| / max|K| of dc/dvs, all layers and periods."""
    model, wave = job.models[0], job.waves[0]
    ours = moho.kernels(place, job.models, wave)[0]
    theirs = [call().kernel for call in peer.prepare(replace(job, models=[model]))]
    return list(np.abs(np.array(theirs) / ours - 1)[np.abs(ours) > 0.1 * np.abs(ours).max()])


def differences(moho: Moho, place: int, job: jobs.Job, peer) -> dict[str, float]:
    """How the answers differ: median and largest relative difference of the phase velocities (or
    kernels), answers of the peer that are missing, points that moho could not certify."""
    found, missing, failed = [], 0, 0
    for wave in job.waves:
        for model, (phase, _, status) in zip(
            job.models, moho.curves(place, job.modes, job.models, wave)
        ):
            failed += int((status == 2).sum())
            if job.what == "phase+kernels":
                continue
            curve = jobs.Curve("", "", model, wave, phase, [])
            for mode, row in enumerate(phase):
                try:
                    theirs = peer.phase(curve, mode)
                except RuntimeError:
                    theirs = np.full(row.shape, np.nan)
                both = np.isfinite(row) & np.isfinite(theirs)
                missing += int((np.isfinite(row) & ~both).sum())
                found += list(np.abs(theirs[both] / row[both] - 1))
    if job.what == "phase+kernels":
        found = kernel_difference(moho, place, job, peer)
    known = np.array(found) if found else np.array([np.nan])
    return {
        "difference_median": float(np.median(known)),
        "difference_max": float(known.max()),
        "peer_points_missing": missing,
        "moho_points_failed": failed,
    }


def rounds_of(moho: Moho, place: int, job: jobs.Job, found, rounds: int, at_least: float) -> dict:
    """{peer: (rounds, 2 solvers, 2 clocks)} seconds per pass, moho first; A B A B."""
    work = [(peer, peer.prepare(job)) for peer in found]
    for peer, calls in work:  # warm both up
        moho.seconds(place, job, 0.0)
        peer.seconds(calls, 0.0)
    times = {peer.name: [] for peer in found}
    for _ in range(rounds):
        for peer, calls in work:
            ours = moho.seconds(place, job, at_least)
            times[peer.name].append([ours, peer.seconds(calls, at_least)])
    return {name: np.array(pairs) for name, pairs in times.items()}


def speed_record(
    job: jobs.Job, peer, pairs: np.ndarray, found: dict, about: dict, seed: int
) -> dict:
    """The record of one job and peer; times are per model and wave pass."""
    count = len(job.models)
    cpu = pairs[:, :, 0] / count
    ratio = cpu[:, 1] / cpu[:, 0]
    spread = peer_records.quartiles(ratio)
    case = {
        "problem": job.problem,
        "method": peer.name,
        "version": peer.version,
        "what": job.what,
        "waves": list(job.waves),
        "modes": job.modes,
        "models": count,
        "points": sum(len(m.periods) for m in job.models) * len(job.waves) * job.modes,
        "calls": job.calls,
        "rounds": len(ratio),
    } | job.case
    metrics = {
        "ratio": [float(r) for r in ratio],
        "ratio_median": spread["median"],
        "ratio_q1": spread["q1"],
        "ratio_q3": spread["q3"],
        "wall_over_cpu": float((pairs[:, :, 1] / pairs[:, :, 0]).max()),
        "target": job.target,
    } | found
    limit = ALIKE[job.what]
    return peer_records.record(
        STUDY,
        re.sub(r"[^A-Za-z0-9._+-]", "-", f"{peer.name}-{job.name}"),
        case,
        about,
        seed,
        checks=[
            peer_records.check("difference_median", found["difference_median"], "<=", limit),
            peer_records.check("moho_points_failed", found["moho_points_failed"], "==", 0),
        ],
        timings={
            "moho": peer_records.timing(cpu[:, 0]),
            "peer": peer_records.timing(cpu[:, 1]),
        },
        metrics=metrics,
        fom=[{"name": "speed_ratio", "value": spread["median"], "unit": "1", "better": "higher"}],
    )


def kernel_cost_record(moho: Moho, place: int, job: jobs.Job, rounds, at_least, seed) -> dict:
    """Our kernels against our own phase curve: roots given, and roots included; in turns."""
    parts = ("phase", "kernels", "phase+kernels")
    for what in parts:
        moho.seconds(place, job, 0.0, what)
    times = np.array(
        [[moho.seconds(place, job, at_least, what)[0] for what in parts] for _ in range(rounds)]
    ) / len(job.models)
    spread = peer_records.quartiles(times[:, 1] / times[:, 0])
    failed = sum(int((s == 2).sum()) for _, _, s in moho.curves(place, 1, job.models, job.waves[0]))
    case = {
        "problem": job.problem,
        "method": MOHO,
        "what": "kernels over phase",
        "waves": list(job.waves),
        "models": len(job.models),
        "points": sum(len(m.periods) for m in job.models),
        "rounds": rounds,
    } | job.case
    return peer_records.record(
        STUDY,
        f"{MOHO}-{job.name}",
        case,
        moho.about,
        seed,
        checks=[peer_records.check("moho_points_failed", failed, "==", 0)],
        timings={
            what.replace("+", "_"): peer_records.timing(times[:, i]) for i, what in enumerate(parts)
        },
        metrics={
            "kernels_over_phase": [float(x) for x in times[:, 1] / times[:, 0]],
            "kernels_over_phase_median": spread["median"],
            "kernels_over_phase_q1": spread["q1"],
            "kernels_over_phase_q3": spread["q3"],
        },
        fom=[
            {
                "name": "kernels_over_phase",
                "value": spread["median"],
                "unit": "1",
                "better": "lower",
            }
        ],
    )


COLUMNS = (
    "job",
    "peer",
    "moho ms",
    "peer ms",
    "ratio",
    "quartiles",
    "target",
    "differs",
    "wall/cpu",
)
HEADER = "| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|"


def table_row(name: str, content: dict) -> str:
    m, t = content["metrics"], content["timings"]
    cells = [
        name,
        content["case"]["method"],
        f"{1e3 * t['moho']['median']:.4f}",
        f"{1e3 * t['peer']['median']:.4f}",
        f"{m['ratio_median']:.2f}" + (" VOID" if content["status"] != "ok" else ""),
        f"{m['ratio_q1']:.2f} to {m['ratio_q3']:.2f}",
        "–" if m["target"] is None else f"{m['target']:g}",
        f"{m['difference_median'] or np.nan:.1e}",
        f"{m['wall_over_cpu']:.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def run(options) -> list[dict]:
    """Writes the records and returns them."""
    wanted = jobs.speed_jobs(options.data, options.layers, options.models, options.seed)
    wanted = [job for job in wanted if re.search(options.only, job.name)]
    if not wanted:
        raise ValueError(f"no job matches '{options.only}' (--only)")
    kinds = {k: v for k, v in KINDS.items() if k not in options.without}
    others, absent = peers(options.out / ".scratch", kinds)
    for why in absent:
        print(f"not compared: {why}", file=sys.stderr)
    moho = Moho(options.driver, [(job.modes, job.models) for job in wanted])
    found = []
    print(HEADER)
    for place, job in enumerate(wanted):
        able = [peer for peer in others if peer.can(job)]
        alike = {peer.name: differences(moho, place, job, peer) for peer in able}
        times = rounds_of(moho, place, job, able, options.rounds, options.seconds)
        for peer in able:
            content = speed_record(
                job, peer, times[peer.name], alike[peer.name], moho.about, options.seed
            )
            found.append(content)
            peer_records.write(options.out, content)
            print(table_row(job.name, content), flush=True)
        if job.what == "phase+kernels":
            content = kernel_cost_record(
                moho, place, job, options.rounds, options.seconds, options.seed
            )
            found.append(content)
            peer_records.write(options.out, content)
            t = content["timings"]
            print(
                f"{job.name}: " + ", ".join(f"{k} {1e3 * v['median']:.4f} ms" for k, v in t.items())
            )
    moho.close()
    note = "".join(f" Not compared: {why}." for why in absent)
    peer_records.write_study(options.out, STUDY, TITLE, ABOUT + note)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--driver", required=True, help="the moho_peer executable")
    parser.add_argument("--out", required=True, type=Path, help="folder of the records")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of ref_*.json")
    parser.add_argument("--layers", type=int, nargs="+", default=[5, 10, 20, 50, 100])
    parser.add_argument("--models", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument(
        "--seconds", type=float, default=0.1, help="least processor time of one sample"
    )
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument("--only", default="", help="regular expression: jobs of such a name alone")
    parser.add_argument("--without", nargs="*", default=[], choices=sorted(KINDS))
    options = parser.parse_args()
    if len(os.sched_getaffinity(0)) != 1:
        print(
            "speed: not pinned to one core (its times would not be comparable) run under "
            "`taskset -c N`",
            file=sys.stderr,
        )
        return 1
    try:
        found = run(options)
    except (OSError, ValueError) as error:
        print(f"speed: {error}", file=sys.stderr)
        return 1
    return 0 if all(content["status"] == "ok" for content in found) else 2


if __name__ == "__main__":
    sys.exit(main())
