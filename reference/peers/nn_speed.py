#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""moho's neural networks and PyTorch's, interleaved in one run.

Rounds go A B C A B C: moho-bench, then each PyTorch (nn_torch.py, a process that stays), the mean
over the calls of at least --seconds each. A ratio is PyTorch's time over moho's of the same round;
quoted are the geometric mean over the rounds and its 95 % interval (Student's t on the logarithms).
A ratio is void where the two have not the same parameters and items. Times are wall times: run it
on a quiet machine. On one thread the ratio of processor times is told as well, which other work
disturbs less; where the two differ, or wall_over_cpu is not 1, the machine was not quiet. Writes
one moho.result/1 record per case, type, what is timed and PyTorch below OUT/nn-peers.

usage: /usr/bin/python3 nn_speed.py --build BUILD --out OUT --torch PYTHON [--compiled PYTHON]
"""
from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nn_jobs
import numpy as np
import peer_records
from fem_speed import Missing, Process

STUDY = "nn-peers"
TITLE = "Neural networks beside PyTorch: time of PyTorch over time of moho"
ABOUT = (
    "The same networks, batches and losses on the same cores in one run, in turns: a training step "
    "(gradient and Adam), answers to a batch, the answer to one item. A ratio is the mean time of "
    "PyTorch over that of moho within a round; quoted is the geometric mean over the rounds with "
    "its 95 % interval. product_share: part of moho's step that is matrix products; of_gemm: its "
    "operations per second over those of BLAS in the same type. A ratio is void where the numbers "
    "of parameters or items differ."
)
HERE = Path(__file__).resolve().parent
COLUMNS = ("what", "case", "type", "peer", "moho ms", "peer ms", "ratio", "95 %", "target",
           "cpu ratio", "wall/cpu", "products", "moho GF/s")
HEADER = "| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|"
# Student's t, 97.5 %, by degrees of freedom
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
           2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
           2.060, 2.056, 2.052, 2.048, 2.045, 2.042)


def interval(ratios) -> tuple[float, float, float]:
    """Geometric mean and 95 % interval; of one round the interval is not known."""
    logs = np.log(np.asarray(ratios, float))
    mean, freedom = logs.mean(), len(logs) - 1
    if freedom < 1:
        return float(np.exp(mean)), math.nan, math.nan
    # beyond the table: the first term of the expansion in 1/n
    t = STUDENT[freedom - 1] if freedom <= len(STUDENT) else 1.96 + 2.4 / freedom
    half = t * logs.std(ddof=1) / math.sqrt(len(logs))
    return tuple(float(x) for x in np.exp([mean, mean - half, mean + half]))


# ---- processes -----------------------------------------------------------------------------------


def launcher(threads: int, cores: list[int]) -> tuple[list[str], dict]:
    """How to start a program on so many cores, and its environment: OpenBLAS chooses the kernels of
    the processor (OPENBLAS_CORETYPE would hold it to older ones)."""
    if len(cores) < threads:
        raise ValueError(f"{threads} threads need as many cores ({len(cores)} allowed; --cores)")
    count = str(threads)
    environment = os.environ | {"OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count,
                                "MKL_NUM_THREADS": count, "OMP_PROC_BIND": "false"}
    environment.pop("OPENBLAS_CORETYPE", None)
    return ["taskset", "-c", ",".join(map(str, cores[:threads]))], environment


class Torch(Process):
    """nn_torch.py under a Python that has PyTorch."""

    def __init__(self, python: str, compiled: bool, threads: int, cores: list[int], log: Path):
        start, environment = launcher(threads, cores)
        self.name, self._log = f"PyTorch of {python}", log
        command = [*start, python, str(HERE / "nn_torch.py"), *["--compile"] * compiled]
        with open(log, "w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=errors,
                                             env=environment)
        self.log = log

    def prepare(self, job: nn_jobs.Job, kind: str, what: list[str]) -> dict:
        told = self.ask(do="prepare", case=job.name, type=nn_jobs.TYPES[kind], what=what)
        self.name = f"torch-{told['version']}" + ("-compiled" if told["compiled"] else "")
        return told | {"name": self.name}

    def sample(self, what: str, told: dict, seconds: float) -> dict:
        """Means over the calls of about so many seconds, three at least: wall and processor."""
        repeats = max(3, math.ceil(seconds / max(told["seconds"][what], 1e-6)))
        found = self.ask(do="time", what=what, repeats=repeats)
        return {"seconds": float(np.mean(found["seconds"])), "processor": found["processor"]}


class Moho:
    """moho-bench, a process per sample."""

    def __init__(self, build: Path, threads: int, cores: list[int]):
        self._start, self._environment = launcher(threads, cores)
        self._build, self._threads = build, threads

    def _run(self, *words) -> dict:
        command = [*self._start, *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, env=self._environment,
                              check=False)
        if done.returncode:
            raise OSError(f"{Path(words[0]).name} failed: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def provenance(self) -> dict:
        found = self._run(self._build / "moho", "info", "--json")["provenance"]
        found["run"]["command"] = peer_records.command()
        if self._threads > 1 and found["build"]["backend"] == "Serial":
            raise ValueError("moho is built on a Serial Kokkos (it has one thread) take --threads "
                             "1, or a build on OpenMP")
        return found

    def sample(self, what: str, case: str, kind: str, seconds: float) -> dict:
        """Of the benchmark: seconds of a call, operations, counters. Processor time is that of its
        first thread."""
        name = f"nn/{what}/{case}/{kind}"
        told = self._run(self._build / "moho-bench", f"--benchmark_filter=^{name}/",
                         "--benchmark_format=json", f"--benchmark_min_time={seconds:g}",
                         "--moho_keep_noisy", "--moho_rate_seconds=0.05")
        found = [b for b in told.get("benchmarks", []) if b["name"].startswith(name + "/")]
        if len(found) != 1:
            raise OSError(f"moho-bench has {len(found)} benchmarks {name}")
        if found[0].get("error_occurred"):
            raise OSError(f"{name} failed: {found[0].get('error_message')}")
        unit = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}[found[0]["time_unit"]]
        time = found[0]["real_time"] * unit
        return found[0] | {"seconds": time, "processor": found[0]["cpu_time"] * unit,
                           "flops": found[0].get("GFLOP/s", 0) * 1e9 * time}


# ---- records -------------------------------------------------------------------------------------


def record(job, kind: str, what: str, told: dict, rounds: list[dict], threads: int,
           provenance: dict) -> dict:
    """`rounds`: [{moho: what Moho.sample tells, peer: the same of Torch}]; `told`: of the peer."""
    times = np.array([[[r[who][clock] for who in ("moho", "peer")] for r in rounds]
                      for clock in ("seconds", "processor")])
    ours, theirs = times[0].T
    last = rounds[-1]["moho"]
    mean, low, high = interval(theirs / ours)
    known = threads == 1 and times[1].min() > 0
    case = {
        "problem": job.name, "method": told["name"], "version": "PyTorch " + told["version"],
        "what": what, "type": nn_jobs.TYPES[kind], "ranks": 1, "threads": threads,
        "compiled": told["compiled"], "blas": told["blas"],
        "coretype": told["coretype"] or "chosen by the library",
        "items": 1 if what == "latency" else job.items, "unit": job.unit, "rounds": len(rounds),
    }
    per_second = case["items"] / ours.mean()
    metrics = {
        "ratios": [float(r) for r in theirs / ours],
        "ratio_mean": mean, "ratio_low": low, "ratio_high": high,
        "cpu_ratio_mean": interval(times[1, :, 1] / times[1, :, 0])[0] if known else None,
        "wall_over_cpu": float((times[0] / times[1]).max()) if known else None,
        "target": None if told["compiled"] else job.targets.get((what, kind)),
        "product_share": _mean(rounds, "product_share"), "of_gemm": _mean(rounds, "of_gemm"),
        "moho_gflops": _mean(rounds, "GFLOP/s"), "moho_flops": round(last["flops"]) or None,
        "moho_items_per_second": per_second,
        "peer_items_per_second": case["items"] / theirs.mean(),
        "rate_drift": max((r["moho"].get("gemm_drift", 0.0) for r in rounds)),
        "load_average": os.getloadavg()[0],
    }
    check = peer_records.check
    checks = [check("moho_parameters", last.get("parameters"), "==", job.parameters),
              check("peer_parameters", told["parameters"], "==", job.parameters),
              check("moho_items", last.get("items"), "==", case["items"]),
              check("peer_items", told["items"], "==", job.items),
              check("peer_threads", told["threads"], "==", threads)]
    return peer_records.record(
        STUDY, re.sub(r"[^A-Za-z0-9._+-]", "-",
                      f"{told['name']}-{what}-{job.name}-{kind}-t{threads}"),
        case, None, None, provenance=provenance, checks=checks, metrics=metrics,
        timings={"moho": peer_records.timing(ours), "peer": peer_records.timing(theirs)},
        counters={"parameters": job.parameters},
        fom=[{"name": "speed_ratio", "value": mean, "unit": "1", "better": "higher"}],
    )


def _mean(rounds: list[dict], counter: str) -> float | None:
    """Of a counter of moho-bench; None where it has none."""
    found = [r["moho"][counter] for r in rounds if counter in r["moho"]]
    return float(np.mean(found)) if found else None


def meets(content: dict) -> bool:
    """Whether a sound ratio reaches what is asked of it; nothing asked is met."""
    target = content["metrics"]["target"]
    return target is None or (content["status"] == "ok"
                              and content["metrics"]["ratio_mean"] >= target)


def table_row(content: dict) -> str:
    m, t, case = content["metrics"], content["timings"], content["case"]
    kind = {name: kind for kind, name in nn_jobs.TYPES.items()}[case["type"]]
    aim = "–" if m["target"] is None else f"{m['target']:g}"
    aim += "" if meets(content) else " MISSED"
    cells = [
        case["what"], case["problem"], kind, case["method"], f"{1e3 * t['moho']['median']:.4g}",
        f"{1e3 * t['peer']['median']:.4g}",
        f"{m['ratio_mean']:.2f}" + (" VOID" if content["status"] != "ok" else ""),
        "?" if m["ratio_low"] is None else f"{m['ratio_low']:.2f} to {m['ratio_high']:.2f}", aim,
        *("–" if m[key] is None else f"{m[key]:.2f}"
          for key in ("cpu_ratio_mean", "wall_over_cpu")),
        "–" if m["product_share"] is None else f"{100 * m['product_share']:.0f} %",
        "?" if m["moho_gflops"] is None else f"{m['moho_gflops']:.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


# ---- the run -------------------------------------------------------------------------------------


class Bench:
    """moho and the PyTorches that are there, for one number of threads."""

    def __init__(self, options, threads: int, scratch: Path):
        self.options, self.threads, self.absent = options, threads, []
        self.moho = Moho(options.build, threads, options.cores)
        self.provenance = self.moho.provenance()
        wanted = [(python, False) for python in options.torch]
        wanted += [(python, True) for python in options.compiled]
        self.peers = [Torch(python, compiled, threads, options.cores, scratch / f"torch{i}.log")
                      for i, (python, compiled) in enumerate(wanted)]

    def close(self) -> None:
        for peer in self.peers:
            peer.close()

    def _leave_out(self, peer: Torch, why: Missing) -> None:
        self.absent.append(str(why))
        self.peers.remove(peer)
        peer.close()

    def prepared(self, job, kind: str) -> dict:
        """{peer: what it told} of those that answer."""
        told = {}
        for peer in list(self.peers):
            try:
                told[peer] = peer.prepare(job, kind, self.options.what)
            except Missing as why:
                self._leave_out(peer, why)
                continue
            for what, why in told[peer]["refused"].items():
                self.absent.append(f"{peer.name} refuses {what}/{job.name}/{kind} ({why})")
        return told

    def run(self, job, kind: str):
        """Records of one case and type, as they come."""
        told, seconds = self.prepared(job, kind), self.options.seconds
        for what in self.options.what:
            times = {peer: [] for peer in told if what in told[peer]["seconds"]}
            for _ in range(self.options.rounds if times else 0):
                ours = self.moho.sample(what, job.name, kind, seconds)
                for peer in list(times):
                    try:
                        theirs = peer.sample(what, told[peer], seconds)
                    except Missing as why:
                        del times[peer], told[peer]
                        self._leave_out(peer, why)
                        continue
                    times[peer].append({"moho": ours, "peer": theirs})
            for peer, rounds in times.items():
                yield record(job, kind, what, told[peer], rounds, self.threads, self.provenance)


def run(options) -> list[dict]:
    chosen = [(job, kind) for job, kind in itertools.product(nn_jobs.JOBS, options.types)
              if re.search(options.only, f"{job.name}/{kind}")]
    if not chosen:
        raise ValueError(f"no case matches '{options.only}' (--only)")
    found, absent = [], []
    print(HEADER)
    with tempfile.TemporaryDirectory(prefix="moho-nn-peers-") as scratch:
        for threads in options.threads:
            bench = Bench(options, threads, Path(scratch))
            try:
                for job, kind in chosen:
                    for content in bench.run(job, kind):
                        found.append(content)
                        peer_records.write(options.out, content)
                        print(table_row(content), flush=True)
            finally:
                absent += bench.absent
                bench.close()
    for why in absent:
        print(f"not compared: {why}", file=sys.stderr)
    if not found:
        raise ValueError("there is no PyTorch to compare with (see above)")
    note = "".join(f" Not compared: {why}." for why in absent)
    peer_records.write_study(options.out, STUDY, TITLE, ABOUT + note)
    return found


def arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", type=Path, required=True,
                        help="folder of the executables moho and moho-bench")
    parser.add_argument("--out", type=Path, required=True, help="folder of the records")
    parser.add_argument("--torch", action="append", default=[], metavar="PYTHON",
                        help="a Python that has PyTorch; again for another one")
    parser.add_argument("--compiled", action="append", default=[], metavar="PYTHON",
                        help="the same, through torch.compile and with the fused Adam")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--what", nargs="+", choices=nn_jobs.MEASURED, default=nn_jobs.MEASURED)
    parser.add_argument("--types", nargs="+", choices=list(nn_jobs.TYPES),
                        default=list(nn_jobs.TYPES))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each sample, at least")
    parser.add_argument("--only", default="", help="regular expression on case/type")
    parser.add_argument("--gate", action="store_true", help="exit code 3 where a target is missed")
    parser.add_argument("--cores", type=int, nargs="+", default=sorted(os.sched_getaffinity(0)))
    options = parser.parse_args(words)
    options.build, options.what = options.build.resolve(), list(options.what)
    if options.rounds < 1 or not options.torch + options.compiled:
        parser.error("one round and one --torch or --compiled at least are needed")
    return options


def main() -> int:
    options = arguments()
    try:
        found = run(options)
    except (OSError, ValueError, Missing) as error:
        print(f"nn_speed.py: {error}", file=sys.stderr)
        return 1
    if not all(content["status"] == "ok" for content in found):
        return 2
    return 3 if options.gate and not all(map(meets, found)) else 0


if __name__ == "__main__":
    sys.exit(main())
