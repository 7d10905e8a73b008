# SPDX-License-Identifier: BSD-3-Clause
"""moho-bench and PyTorch, interleaved in one run: what nn_speed.py and fem_device_speed.py share.

Rounds go A B C A B C: moho-bench, then each PyTorch (a process that stays), the mean over the calls
of at least --seconds each. A ratio is PyTorch's time over moho's of the same round; quoted are the
geometric mean over the rounds and its 95 % interval (Student's t on the logarithms)."""
from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import peer_records
from peer_process import Missing, Parser, Process

HERE = Path(__file__).resolve().parent
BACKENDS = {"cpu": ("Serial", "OpenMP", "Threads"), "cuda": ("Cuda",)}
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


@dataclass(frozen=True)
class Place:
    """Where both run: "cpu" on so many of the cores, a thread on each, or "cuda", where the host
    only hands out work, from any core."""

    device: str
    threads: int
    cores: list[int]

    def launcher(self) -> tuple[list[str], dict]:
        """How to start a program there, and its environment: OpenBLAS chooses the kernels of the
        processor (OPENBLAS_CORETYPE would hold it to older ones), nothing turns TF32 on or off
        behind what the records say."""
        count = str(self.threads)
        environment = os.environ | {"OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count,
                                    "MKL_NUM_THREADS": count, "OMP_PROC_BIND": "false"}
        for name in ("OPENBLAS_CORETYPE", "NVIDIA_TF32_OVERRIDE"):
            environment.pop(name, None)
        if self.device == "cuda":
            return [], environment
        if len(self.cores) < self.threads:
            raise ValueError(f"{self.threads} threads need as many cores ({len(self.cores)} "
                             "allowed; --cores)")
        return ["taskset", "-c", ",".join(map(str, self.cores[:self.threads]))], environment

    def suffix(self) -> str:
        return "cuda" if self.device == "cuda" else f"t{self.threads}"


class Torch(Process):
    """A script under a Python that has PyTorch."""

    def __init__(self, python: str, script: str, flags: list[str], place: Place, log: Path):
        start, environment = place.launcher()
        command = [*start, python, HERE / script, *flags, "--device", place.device]
        super().__init__(f"PyTorch of {python}", command, environment, log)

    def prepare(self, asked: dict, what: list[str]) -> dict:
        told = self.ask(do="prepare", **asked, what=what)
        self.name = f"torch-{told['version']}" + ("-compiled" if told["compiled"] else "")
        self.name += "" if told["precision"] == "ieee" else "-" + told["precision"]
        return told | {"name": self.name}

    def sample(self, what: str, told: dict, seconds: float) -> dict:
        """Means over the calls of about so many seconds, three at least: wall and processor."""
        repeats = max(3, math.ceil(seconds / max(told["seconds"][what], 1e-6)))
        found = self.ask(do="time", what=what, repeats=repeats)
        return {"seconds": float(np.mean(found["seconds"])), "processor": found["processor"]}


class Moho:
    """moho-bench, a process per sample."""

    def __init__(self, build: Path, place: Place):
        self._start, self._environment = place.launcher()
        self._build, self._place = build, place
        self.context = self._bench("^stream_triad/elements:16384/", 0.001,
                                   "--moho_smoke")["context"]
        backend = self.context.get("backend")
        if backend not in BACKENDS[place.device]:
            raise ValueError(f"moho-bench of {build} runs on Kokkos' backend {backend}, not on the "
                             f"{place.device} (--device)")
        if place.threads > 1 and backend == "Serial":
            raise ValueError("moho is built on a Serial Kokkos (it has one thread) take --threads "
                             "1, or a build on OpenMP")

    def _run(self, *words) -> dict:
        command = [*self._start, *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, env=self._environment,
                              check=False)
        if done.returncode:
            raise OSError(f"{Path(words[0]).name} failed: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def _bench(self, names: str, seconds: float, *words) -> dict:
        return self._run(self._build / "moho-bench", f"--benchmark_filter={names}",
                         "--benchmark_format=json", f"--benchmark_min_time={seconds:g}",
                         "--moho_keep_noisy", *words)

    def provenance(self) -> dict:
        """That of `moho`; where kernels were built alone, of what moho-bench tells of itself."""
        program = self._build / "moho"
        if program.exists():
            found = self._run(program, "info", "--json")["provenance"]
            found["run"]["command"] = peer_records.command()
            return found
        told = self.context
        about = {key: told[key] for key in ("compiler", "flags", "arch", "kokkos", "backend")}
        about |= {"version": told["moho_version"], "type": told["build_type"],
                  "simd_width": int(told["simd_width"]), "sha": told["moho_sha"],
                  "dirty": told["moho_dirty"] == "true"}
        found = peer_records.provenance(about, None)
        found["build"]["blas"] = told["blas"]
        found["run"]["threads"] = self._place.threads
        if self._place.device != "cpu":
            found["host"]["gpus"] = [told["device"]]
            found["run"]["binding"][0]["device"] = told["device"]
        return found

    def sample(self, name: str, seconds: float) -> dict:
        """Of the benchmark: seconds of a call, operations, counters. Processor time is that of its
        first thread."""
        told = self._bench(f"^{name}/", seconds, "--moho_rate_seconds=0.05")
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


@dataclass
class Measured:
    """One comparison: `what` was timed, `told` by the peer in `prepare`, `rounds` of [{moho: what
    Moho.sample tells, peer: the same of Torch}]. `quickest`: no other PyTorch was quicker."""

    what: str
    told: dict
    rounds: list[dict]
    place: Place
    context: dict
    provenance: dict
    quickest: bool = True

    def times(self) -> np.ndarray:
        """(clocks, rounds, sides): wall and processor; moho and peer."""
        return np.array([[[r[who][clock] for who in ("moho", "peer")] for r in self.rounds]
                         for clock in ("seconds", "processor")])

    def counter(self, name: str) -> float | None:
        """Mean of a counter of moho-bench; None where it has none."""
        found = [r["moho"][name] for r in self.rounds if name in r["moho"]]
        return float(np.mean(found)) if found else None

    def target(self, host: float | None, device: float | None) -> float | None:
        """What is asked of this ratio: on a host against PyTorch as it is written, on a device
        against the quickest that runs; nothing where the two round differently."""
        if self.told["precision"] != self.context["precision"]:
            return None
        if self.place.device == "cpu":
            return None if self.told["compiled"] else host
        return device if self.quickest else None

    def case(self) -> dict:
        return {
            "method": self.told["name"], "version": "PyTorch " + self.told["version"],
            "what": self.what, "ranks": 1, "threads": self.place.threads,
            "device": self.told["device"], "precision": self.told["precision"],
            "moho_precision": self.context["precision"], "compiled": self.told["compiled"],
            "blas": self.told["blas"],
            "coretype": self.told["coretype"] or "chosen by the library",
            "rounds": len(self.rounds),
        }

    def metrics(self) -> dict:
        wall, processor = self.times()
        mean, low, high = interval(wall[:, 1] / wall[:, 0])
        one = self.place.device == "cpu" and self.place.threads == 1 and processor.min() > 0
        return {
            "ratios": [float(r) for r in wall[:, 1] / wall[:, 0]],
            "ratio_mean": mean, "ratio_low": low, "ratio_high": high,
            "cpu_ratio_mean": interval(processor[:, 1] / processor[:, 0])[0] if one else None,
            "wall_over_cpu": float((wall / processor).max()) if one else None,
            "load_average": os.getloadavg()[0],
        }

    def record(self, study: str, name: str, case: dict, metrics: dict, checks: list,
               counters: dict) -> dict:
        wall = self.times()[0]
        metrics = self.metrics() | metrics
        check = peer_records.check
        checks = [*checks, check("peer_threads", self.told["threads"], "==", self.place.threads)]
        if self.place.device != "cpu":
            same = self.told["device"] == self.context["device"]
            checks.append(check("same_device", int(same), "==", 1))
        timings = {side: peer_records.timing(wall[:, i]) for i, side in enumerate(("moho", "peer"))}
        return peer_records.record(
            study, re.sub(r"[^A-Za-z0-9._+-]", "-", f"{self.told['name']}-{name}"),
            self.case() | case, None, None, provenance=self.provenance, checks=checks,
            metrics=metrics, timings=timings, counters=counters,
            fom=[{"name": "speed_ratio", "value": metrics["ratio_mean"], "unit": "1",
                  "better": "higher"}])


def meets(content: dict) -> bool:
    """Whether a sound ratio reaches what is asked of it; nothing asked is met."""
    target = content["metrics"]["target"]
    return target is None or (content["status"] == "ok"
                              and content["metrics"]["ratio_mean"] >= target)


COLUMNS = ("moho ms", "peer ms", "ratio", "95 %", "target", "cpu ratio", "wall/cpu")


def header(before: tuple, after: tuple) -> str:
    columns = (*before, *COLUMNS, *after)
    return "| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|"


def row(content: dict, before: list, after: list) -> str:
    m, t = content["metrics"], content["timings"]
    aim = "–" if m["target"] is None else f"{m['target']:g}"
    aim += "" if meets(content) else " MISSED"
    cells = [
        *before, *(f"{1e3 * t[side]['median']:.4g}" for side in ("moho", "peer")),
        f"{m['ratio_mean']:.2f}" + (" VOID" if content["status"] != "ok" else ""),
        "?" if m["ratio_low"] is None else f"{m['ratio_low']:.2f} to {m['ratio_high']:.2f}", aim,
        *("–" if m[key] is None else f"{m[key]:.2f}" for key in ("cpu_ratio_mean",
                                                                  "wall_over_cpu")),
        *after,
    ]
    return "| " + " | ".join(cells) + " |"


# ---- the run -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """What a peer is `asked` to prepare, the name of moho-bench's benchmark of `what` in a place,
    and the record of what was measured. --only looks for its `name`."""

    name: str
    asked: dict
    benchmark: Callable[[str, Place], str]
    record: Callable[[Measured], dict]


@dataclass(frozen=True)
class Study:
    name: str
    title: str
    about: str
    script: str  # that answers in PyTorch
    header: str
    row: Callable[[dict], str]


class Bench:
    """moho and the PyTorches that are there, in one place."""

    def __init__(self, options, script: str, place: Place, scratch: Path):
        self.options, self.place, self.absent = options, place, []
        self.moho = Moho(options.build, place)
        self.provenance = self.moho.provenance()
        precision = ["--tf32"] if options.tf32 else []
        wanted = [(python, precision) for python in options.torch]
        wanted += [(python, ["--compile", *precision]) for python in options.compiled]
        self.peers = [Torch(python, script, flags, place, scratch / f"torch{i}.log")
                      for i, (python, flags) in enumerate(wanted)]

    def close(self) -> None:
        for peer in self.peers:
            peer.close()

    def _leave_out(self, peer: Torch, why: Missing) -> None:
        self.absent.append(str(why))
        self.peers.remove(peer)
        peer.close()

    def prepared(self, task: Task) -> dict:
        """{peer: what it told} of those that answer."""
        told = {}
        for peer in list(self.peers):
            try:
                told[peer] = peer.prepare(task.asked, self.options.what)
            except Missing as why:
                self._leave_out(peer, why)
                continue
            for what, why in told[peer]["refused"].items():
                self.absent.append(f"{peer.name} refuses {what}/{task.name} ({why})")
        return told

    def run(self, task: Task):
        """Records of one task, as they come."""
        told, seconds = self.prepared(task), self.options.seconds
        for what in self.options.what:
            times = {peer: [] for peer in told if what in told[peer]["seconds"]}
            for _ in range(self.options.rounds if times else 0):
                ours = self.moho.sample(task.benchmark(what, self.place), seconds)
                for peer in list(times):
                    try:
                        theirs = peer.sample(what, told[peer], seconds)
                    except Missing as why:
                        del times[peer], told[peer]
                        self._leave_out(peer, why)
                        continue
                    times[peer].append({"moho": ours, "peer": theirs})
            found = [Measured(what, told[peer], rounds, self.place, self.moho.context,
                              self.provenance) for peer, rounds in times.items()]
            means = [one.times()[0, :, 1].mean() for one in found]
            for one, mean in zip(found, means):
                one.quickest = mean == min(means)
                yield task.record(one)


def run(study: Study, tasks: list[Task], options) -> list[dict]:
    chosen = [task for task in tasks if re.search(options.only, task.name)]
    if not chosen:
        raise ValueError(f"no case matches '{options.only}' (--only)")
    found, absent = [], []
    print(study.header)
    with tempfile.TemporaryDirectory(prefix=f"moho-{study.name}-") as scratch:
        for threads in options.threads:
            place = Place(options.device, threads, options.cores)
            bench = Bench(options, study.script, place, Path(scratch))
            try:
                for task in chosen:
                    for content in bench.run(task):
                        found.append(content)
                        peer_records.write(options.out, content)
                        print(study.row(content), flush=True)
            finally:
                absent += bench.absent
                bench.close()
    for why in absent:
        print(f"not compared: {why}", file=sys.stderr)
    if not found:
        raise ValueError("there is no PyTorch to compare with (see above)")
    note = "".join(f" Not compared: {why}." for why in absent)
    peer_records.write_study(options.out, study.name, study.title, study.about + note)
    return found


def parser(description: str, measured: tuple[str, ...]) -> Parser:
    found = Parser(description=description)
    found.add_argument("--build", type=Path, required=True,
                       help="folder of moho-bench, and of moho where it is built")
    found.add_argument("--out", type=Path, required=True, help="folder of the records")
    found.add_argument("--torch", action="append", default=[], metavar="PYTHON",
                       help="a Python that has PyTorch; again for another one")
    found.add_argument("--compiled", action="append", default=[], metavar="PYTHON",
                       help="the same, through torch.compile")
    found.add_argument("--device", choices=tuple(BACKENDS), default="cpu",
                       help="where both run; moho-bench is built for one of them")
    found.add_argument("--threads", type=int, nargs="+", default=[1])
    found.add_argument("--what", nargs="+", choices=measured, default=measured)
    found.add_argument("--rounds", type=int, default=7)
    found.add_argument("--seconds", type=float, default=0.5, help="of each sample, at least")
    found.add_argument("--only", default="", help="regular expression on the names of cases")
    found.add_argument("--gate", action="store_true", help="exit code 3 where a target is missed")
    found.add_argument("--cores", type=int, nargs="+", default=sorted(os.sched_getaffinity(0)))
    found.set_defaults(tf32=False)
    return found


def parsed(the_parser: Parser, words=None) -> argparse.Namespace:
    options = the_parser.parse_args(words)
    options.build, options.what = options.build.resolve(), list(options.what)
    if options.rounds < 1 or not options.torch + options.compiled:
        the_parser.error("one round and one --torch or --compiled at least are needed")
    return options


def finish(program: str, study: Study, tasks: list[Task], options) -> int:
    """Runs, and says how it went: 1 it could not run, 2 a ratio is void, 3 --gate and a target is
    missed."""
    try:
        found = run(study, tasks, options)
    except (OSError, ValueError, Missing) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    if not all(content["status"] == "ok" for content in found):
        return 2
    return 3 if options.gate and not all(map(meets, found)) else 0
