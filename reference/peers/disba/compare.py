#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""disba and moho, interleaved in one run on the core this process is pinned to.

Both get the same 64 smooth gradient models (0-100 km, perturbed by up to 3 %), 60 log-spaced
periods from 1 to 100 s, fundamental mode. Rounds go A B A B: in every round disba (phase velocity;
phase and group velocity) and moho (one model per call; all models in one call) take turns on each
size, and a ratio is formed within the round. moho's time holds all of its work: packing,
bracketing, mode count, polishing to 1e-13, AND the group velocity; disba's holds neither
constructor nor compilation, and the column `phase` no group velocity. disba stops at 1e-6, its
default.

Times are processor times, so that other work on the machine is not charged to whoever was running;
`wall_over_cpu` tells how much there was.

usage: taskset -c 1 VENV/bin/python compare.py --driver BUILD/moho_curves --out FOLDER
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time

for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
import numpy as np  # noqa: E402  (after the thread counts are set)

WAVES = ("rayleigh", "love")


def gradient_models(layers, count, rng):
    """`count` models: vs = 2.5 + 2.2 (1 - exp(-z / 35)), perturbed smoothly by up to 3 %."""
    z = np.linspace(0.0, 100.0, layers)
    out = []
    for _ in range(count):
        waves, phase = rng.uniform(0.5, 3.0), rng.uniform(0.0, 2 * np.pi)
        factor = 1 + 0.03 * rng.uniform(-1, 1) * np.sin(2 * np.pi * waves * z / 100 + phase)
        vs = (2.5 + 2.2 * (1 - np.exp(-z / 35.0))) * factor
        vs[-1] = max(vs)
        vp = 1.75 * vs
        thickness = np.full(layers, 100.0 / (layers - 1))
        thickness[-1] = 0.0
        out.append((thickness, vp, vs, 1.74 * vp**0.25))
    return out


def write_sets(path, sets, periods):
    with open(path, "w", encoding="ascii") as out:
        out.write(f"{len(sets)}\n")
        for models in sets:
            out.write(f"{len(models[0][0])} {len(models)} {len(periods)}\n")
            out.write(" ".join(f"{t:.17g}" for t in periods) + "\n")
            for model in models:
                for row in zip(*model):
                    out.write(" ".join(f"{x:.17g}" for x in row) + "\n")


class Moho:
    """The driver, waiting on its standard input: it takes no time while disba runs."""

    def __init__(self, driver, sets_file):
        self._process = subprocess.Popen([driver, sets_file], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)

    def _ask(self, text, lines=1):
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        answer = [self._process.stdout.readline() for _ in range(lines)]
        if not answer[-1]:
            sys.exit(f"the driver died on '{text}' with status {self._process.wait()}")
        return answer

    def seconds(self, index, wave, how, at_least):
        """processor and wall seconds per curve"""
        return [float(x) for x in self._ask(f"time {index} {wave} {how} {at_least}")[0].split()]

    def curves(self, index, wave, models):
        """count, phase, group: (models, periods) each"""
        lines = self._ask(f"curves {index} {wave}", models)
        table = np.array([np.array(line.split(), float) for line in lines]).reshape(models, -1, 3)
        return table[:, :, 0], table[:, :, 1], table[:, :, 2]

    def close(self):
        self._process.stdin.write("quit\n")
        self._process.stdin.close()
        self._process.wait()


def disba_seconds(solvers, periods, wave, at_least):
    """processor and wall seconds per curve"""
    passes, cpu, wall = 0, time.process_time(), time.perf_counter()
    while True:
        for solver in solvers:
            solver(periods, mode=0, wave=wave)
        passes += 1
        elapsed = time.process_time() - cpu
        if elapsed >= at_least:
            curves = passes * len(solvers)
            return [elapsed / curves, (time.perf_counter() - wall) / curves]


def spread(values):
    values = np.asarray(values)
    return {"median": float(np.median(values)), "min": float(values.min()),
            "max": float(values.max()), "rounds": [float(v) for v in values]}


def difference(moho, index, wave, phase_solvers, group_solvers, periods):
    """Largest relative differences; they are disba's error where moho is certified."""
    _, phase, group = moho.curves(index, wave, len(phase_solvers))
    out = {"disba_missing": 0, "phase": 0.0, "group": 0.0}
    for solvers, ours, what in ((phase_solvers, phase, "phase"), (group_solvers, group, "group")):
        for i, solver in enumerate(solvers):
            theirs = solver(periods, mode=0, wave=wave)
            row = np.interp(theirs.period, periods, ours[i])
            if what == "phase":
                out["disba_missing"] += int(np.isfinite(ours[i]).sum() - len(theirs.period))
            out[what] = max(out[what], float(np.nanmax(np.abs(theirs.velocity / row - 1))))
    return out


def measure(moho, sets, sizes, periods, rounds, at_least):
    from disba import GroupDispersion, PhaseDispersion  # compiled before the first round

    results = []
    for index, layers in enumerate(sizes):
        phase = [PhaseDispersion(*m) for m in sets[index]]
        group = [GroupDispersion(*m) for m in sets[index]]
        for wave in WAVES:
            found = difference(moho, index, wave, phase, group, periods)  # also warms both up
            times = {"disba_phase": [], "disba_group": [], "moho_single": [], "moho_batch": []}
            for _ in range(rounds):
                times["disba_phase"].append(disba_seconds(phase, periods, wave, at_least))
                times["moho_single"].append(moho.seconds(index, wave, "single", at_least))
                times["disba_group"].append(disba_seconds(group, periods, wave, at_least))
                times["moho_batch"].append(moho.seconds(index, wave, "batch", at_least))
            wall = max(w / c for pairs in times.values() for c, w in pairs)
            times = {who: np.array(pairs)[:, 0] for who, pairs in times.items()}
            ratio = {}
            for how in ("single", "batch"):
                for what in ("phase", "group"):
                    ratio[f"{what}_{how}"] = spread(
                        times[f"disba_{what}"] / times[f"moho_{how}"])
            results.append({"layers": layers, "wave": wave, "relative_difference": found,
                            "ms_per_curve": {k: spread(1e3 * v) for k, v in times.items()},
                            "wall_over_cpu": float(wall),
                            "disba_over_moho": ratio})
            print(table_row(results[-1]), flush=True)
    return results


COLUMNS = ("layers", "wave", "disba phase ms", "disba group ms", "moho single ms", "moho batch ms",
           "phase / single", "phase / batch", "group / batch", "phase differs")
HEADER = "| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|"


def table_row(r):
    ms, ratio = r["ms_per_curve"], r["disba_over_moho"]

    def ratio_text(key):
        return f"{ratio[key]['median']:.1f} ({ratio[key]['min']:.1f}-{ratio[key]['max']:.1f})"

    return (f"| {r['layers']} | {r['wave']} | " +
            " | ".join(f"{ms[k]['median']:.4f}" for k in
                       ("disba_phase", "disba_group", "moho_single", "moho_batch")) +
            f" | {ratio_text('phase_single')} | {ratio_text('phase_batch')} | "
            f"{ratio_text('group_batch')} | {r['relative_difference']['phase']:.1e} |")


def machine():
    model = "unknown"
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
            for line in info:
                if line.startswith("model name"):
                    model = line.split(":", 1)[1].strip()
                    break
    return {"cpu": model, "cores_allowed": sorted(os.sched_getaffinity(0)),
            "load_before": os.getloadavg()[0], "python": platform.python_version()}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", required=True, help="the moho_curves executable")
    parser.add_argument("--out", required=True, help="folder for disba.json and disba.md")
    parser.add_argument("--layers", type=int, nargs="+", default=[5, 10, 20, 50, 100])
    parser.add_argument("--models", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.25,
                        help="least processor time of one sample")
    parser.add_argument("--seed", type=int, default=20261120)
    args = parser.parse_args()
    host = machine()
    if len(host["cores_allowed"]) != 1:
        sys.exit("not pinned to one core: run under `taskset -c N`")
    import disba
    import numba

    rng = np.random.default_rng(args.seed)
    periods = np.logspace(0.0, 2.0, 60)
    sets = [gradient_models(layers, args.models, rng) for layers in args.layers]
    with tempfile.TemporaryDirectory() as folder:
        sets_file = os.path.join(folder, "sets.txt")
        write_sets(sets_file, sets, periods)
        moho = Moho(args.driver, sets_file)
        print(HEADER)
        results = measure(moho, sets, args.layers, periods, args.rounds, args.seconds)
        moho.close()
    record = {"format": "moho.peer/1", "peer": "disba", "machine": host,
              "versions": {"disba": disba.__version__, "numba": numba.__version__,
                           "numpy": np.__version__},
              "models": args.models, "periods": len(periods), "rounds": args.rounds,
              "seed": args.seed, "results": results}
    os.makedirs(args.out, exist_ok=True)
    with open(os.path.join(args.out, "disba.json"), "w", encoding="ascii") as out:
        json.dump(record, out, indent=1)
        out.write("\n")
    with open(os.path.join(args.out, "disba.md"), "w", encoding="ascii") as out:
        out.write(HEADER + "\n" + "\n".join(table_row(r) for r in results) + "\n")


if __name__ == "__main__":
    main()
