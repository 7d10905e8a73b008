#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""moho's matrix assembly and that of other finite element codes, interleaved in one run.

DOLFINx makes the mesh and fixes the numbering; moho reads both. Rounds go A B A B: `moho fem
assemble` re-assembles some times, then each peer does; a ratio is the best time of the peer over
the best time of moho within a round. All matrices are compared entry by entry with DOLFINx's on one
rank; a ratio of unlike matrices is void. Times are wall times: run it on a quiet machine.
Writes one moho.result/1 record per matrix, peer and number of ranks below OUT/fem-peers.

usage: /usr/bin/python3 fem_speed.py --moho BUILD/moho --out OUT [--skfem-python PYTHON]
"""
from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import fem_jobs
import h5py
import numpy as np
import peer_records
from peer_process import Missing, Process

STUDY = "fem-peers"
TITLE = "Assembly beside other codes: time of the peer over time of moho"
ABOUT = (
    "Value-only re-assembly of raw matrices on the same cores in one run, in turns; a ratio is the "
    "best of a peer's repetitions over the best of moho's within a round. Same mesh, same "
    "numbering (DOLFINx's on one rank). moho's values lie in PETSc's arrays. A ratio is void where "
    "the matrices differ."
)
HERE = Path(__file__).resolve().parent
ALIKE = 1e-14  # relative, Frobenius
COLUMNS = ("matrix", "ranks", "peer", "moho ms", "peer ms", "ratio", "quartiles", "target",
           "differs")
HEADER = "| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|"


# ---- processes -----------------------------------------------------------------------------------


def launcher(ranks: int, cores: list[int]) -> tuple[list[str], dict]:
    """How to start a program on some ranks, and its environment: one core for each rank."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if os.geteuid() == 0:
        environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    pinned = ["taskset", "-c", ",".join(map(str, cores[:ranks]))]
    if ranks == 1:
        return pinned, environment
    if len(cores) < ranks:
        raise ValueError(f"{ranks} ranks need as many cores ({len(cores)} are allowed; --cores)")
    return pinned + ["mpirun", "-n", str(ranks), "--bind-to", "core"], environment


class Moho:
    """`moho fem assemble`, a process per round."""

    def __init__(self, program: Path, ranks: int, cores: list[int], scratch: Path):
        self._start, self._environment = launcher(ranks, cores)
        self._program, self._scratch = program, scratch

    def _run(self, *words) -> dict:
        command = [*self._start, self._program, *words, "--json"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True,
                              env=self._environment, check=False)
        if done.returncode:
            raise OSError(f"moho failed: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def provenance(self) -> dict:
        found = self._run("info")["provenance"]
        found["run"]["command"] = peer_records.command()
        return found

    def assemble(self, mesh: Path, form: str, repeats: int) -> tuple[dict, Path]:
        out = self._scratch / "moho.h5"
        return self._run("fem", "assemble", mesh, "--form", form, "--repeats", repeats, "--petsc",
                         "-o", out), out


# ---- matrices ------------------------------------------------------------------------------------


def matrix_difference(path: Path, reference: Path) -> tuple[float, bool]:
    """Relative difference in the Frobenius norm, and whether the patterns are the same. Entries of
    one that the other lacks count as zero there."""
    with h5py.File(path) as a, h5py.File(reference) as b:
        parts = [[f[k][:] for k in ("row_ptr", "col", "val")] for f in (a, b)]
    if len(parts[0][0]) != len(parts[1][0]):
        return np.inf, False
    keys = [np.repeat(np.arange(len(p) - 1), np.diff(p)) * (len(p) - 1) + c for p, c, _ in parts]
    same = np.array_equal(keys[0], keys[1])
    norm = np.linalg.norm(parts[1][2])
    if same:
        return float(np.linalg.norm(parts[0][2] - parts[1][2]) / norm), True
    merged, where = np.unique(np.concatenate(keys), return_inverse=True)
    values = np.concatenate([parts[0][2], -parts[1][2]])
    return float(np.linalg.norm(np.bincount(where, values, len(merged))) / norm), False


# ---- records -------------------------------------------------------------------------------------


def record(job, peer: dict, ranks: int, rounds: list[dict], found: dict, provenance: dict) -> dict:
    """`rounds`: [{moho: [s], peer: [s]}], the best of each list counts; `found`: differences."""
    best = np.array([[min(r["moho"]), min(r["peer"])] for r in rounds])
    ratio = best[:, 1] / best[:, 0]
    spread = peer_records.quartiles(ratio)
    case = {
        "problem": job.form, "method": peer["name"], "version": peer["version"],
        "what": "re-assembly",
        "ranks": ranks, "dim": job.dim, "n": job.n, "degree": job.degree, "rounds": len(rounds),
    }
    first = peer["name"] == "dolfinx" and ranks == 1
    metrics = {
        "ratio": [float(r) for r in ratio],
        "ratio_median": spread["median"], "ratio_q1": spread["q1"], "ratio_q3": spread["q3"],
        "target": job.targets.get(ranks) if peer["name"] == "dolfinx" else None,
        "difference_median": found["moho_difference"],
        "peer_difference": found["peer_difference"],
        "moho_set_up": found["moho"]["time_setup"], "moho_first": found["moho"]["time_first"],
        "peer_set_up": peer["set_up"], "peer_first": peer["first"],
        "load_average": os.getloadavg()[0],
    }
    check = peer_records.check
    checks = [check("moho_difference", found["moho_difference"], "<=", ALIKE),
              check("moho_nonzeros", found["moho"]["nonzeros"], "==", job.nonzeros),
              check("same_hash_on_all_ranks", len(found["hashes"]), "==", 1)]
    if not first and found["peer_difference"] is not None:
        checks.append(check("peer_difference", found["peer_difference"], "<=", ALIKE))
    content = peer_records.record(
        STUDY, re.sub(r"[^A-Za-z0-9._+-]", "-", f"{peer['name']}-{job.name}-np{ranks}"), case, None,
        None, provenance=provenance, checks=checks, metrics=metrics,
        timings={"moho": peer_records.timing(best[:, 0]), "peer": peer_records.timing(best[:, 1])},
        counters={"cells": found["moho"]["cells"], "rows": found["moho"]["rows"],
                  "nonzeros": found["moho"]["nonzeros"]},
        fom=[{"name": "speed_ratio", "value": spread["median"], "unit": "1", "better": "higher"}],
    )
    return content


def table_row(content: dict) -> str:
    m, t, case = content["metrics"], content["timings"], content["case"]
    name = content["id"].removeprefix(case["method"] + "-").rsplit("-np", 1)[0]
    difference = m["difference_median"]
    cells = [
        name, str(case["ranks"]), case["method"], f"{1e3 * t['moho']['median']:.4f}",
        f"{1e3 * t['peer']['median']:.4f}",
        f"{m['ratio_median']:.2f}" + (" VOID" if content["status"] != "ok" else ""),
        f"{m['ratio_q1']:.2f} to {m['ratio_q3']:.2f}",
        "–" if m["target"] is None else f"{m['target']:g}",
        "?" if difference is None else f"{difference:.1e}",
    ]
    return "| " + " | ".join(cells) + " |"


# ---- the run -------------------------------------------------------------------------------------


class Bench:
    """Everything that lives as long as one number of ranks."""

    def __init__(self, options, ranks: int, scratch: Path):
        self.ranks, self.scratch, self.absent = ranks, scratch, []
        cores = options.cores
        self.moho = Moho(options.moho, ranks, cores, scratch)
        self.provenance = self.moho.provenance()
        start, environment = launcher(ranks, cores)
        dolfinx = [*start, options.dolfinx_python, HERE / "dolfinx_peer.py", scratch / "jit"]
        self.dolfinx = Process("dolfinx", dolfinx, environment, scratch / f"dolfinx{ranks}.log")
        self.skfem = None
        if ranks == 1 and options.skfem_python:
            skfem = [*start, options.skfem_python, HERE / "skfem_peer.py"]
            self.skfem = Process("scikit-fem", skfem, environment, scratch / "skfem.log")

    def close(self) -> None:
        for process in (self.dolfinx, self.skfem):
            if process:
                process.close()

    def paths(self, job) -> tuple[Path, Path]:
        return self.scratch / f"{job.name}.mesh.h5", self.scratch / f"{job.name}.h5"

    def peers(self, job) -> list[tuple[dict, Process, str]]:
        """Those that can do the job: what they told, their process, what to ask for."""
        mesh, matrix = self.paths(job)
        asked = {"do": "prepare", "dim": job.dim, "n": job.n, "degree": job.degree,
                 "form": job.form}
        one = self.ranks == 1
        told = self.dolfinx.ask(**asked, mesh=str(mesh) if one else None, matrix=str(matrix))
        found = [({**told, "name": "dolfinx", "matrix": matrix if one else None}, self.dolfinx,
                  "petsc")]
        if job.form != "elasticity":
            own = {**told, "name": "dolfinx-native", "matrix": None}
            found.append((own, self.dolfinx, "native"))
        if self.skfem:
            own = self.scratch / "skfem.h5"
            try:
                told = self.skfem.ask(**asked, mesh=str(mesh), matrix=str(own))
                found.append(({**told, "name": "scikit-fem", "matrix": own}, self.skfem, "csr"))
            except Missing as why:
                self.absent.append(str(why))
                self.skfem = None
        return found

    def run(self, job, rounds: int, repeats: int) -> list[dict]:
        mesh, matrix = self.paths(job)
        peers = self.peers(job)
        times = {peer["name"]: [] for peer, _, _ in peers}
        hashes = set()
        for _ in range(rounds):
            for peer, process, what in peers:
                told, out = self.moho.assemble(mesh, job.form, repeats)
                hashes.add(told["sha256"])
                count = max(1, repeats // 3) if peer["name"] == "scikit-fem" else repeats
                theirs = process.ask(do="time", what=what, repeats=count)["seconds"]
                times[peer["name"]].append({"moho": [told["time_reassembly"]], "peer": theirs})
        known = self.scratch / f"{job.name}.sha256"  # of the runs on fewer ranks
        if known.exists():
            hashes.add(known.read_text(encoding="ascii"))
        elif len(hashes) == 1:
            known.write_text(next(iter(hashes)), encoding="ascii")
        difference, _ = matrix_difference(out, matrix)
        records = []
        for peer, _, _ in peers:
            theirs = matrix_difference(peer["matrix"], matrix)[0] if peer["matrix"] else None
            found = {"moho": told, "moho_difference": difference, "hashes": hashes,
                     "peer_difference": theirs}
            records.append(record(job, peer, self.ranks, times[peer["name"]], found,
                                  self.provenance))
        return records


def run(options) -> list[dict]:
    jobs = fem_jobs.SMALL if options.small else fem_jobs.JOBS
    jobs = [job for job in jobs if re.search(options.only, job.name)]
    if not jobs:
        raise ValueError(f"no matrix matches '{options.only}' (--only)")
    if options.ranks[0] != 1:
        raise ValueError("--ranks must begin with 1 (there the mesh is made)")
    found, absent = [], []
    print(HEADER)
    with tempfile.TemporaryDirectory(prefix="moho-fem-peers-") as scratch:
        for ranks in options.ranks:
            bench = Bench(options, ranks, Path(scratch))
            for job in jobs:
                for content in bench.run(job, options.rounds, options.repeats):
                    found.append(content)
                    peer_records.write(options.out, content)
                    print(table_row(content), flush=True)
            absent += bench.absent
            bench.close()
    for why in absent:
        print(f"not compared: {why}", file=sys.stderr)
    note = "".join(f" Not compared: {why}." for why in absent)
    peer_records.write_study(options.out, STUDY, TITLE, ABOUT + note)
    return found


def arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--moho", type=Path, required=True, help="the executable")
    parser.add_argument("--out", type=Path, required=True, help="folder of the records")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=9, help="assemblies in each round")
    parser.add_argument("--only", default="", help="regular expression on the names of matrices")
    parser.add_argument("--small", action="store_true", help="tiny meshes, to try it out")
    parser.add_argument("--cores", type=int, nargs="+", default=sorted(os.sched_getaffinity(0)))
    parser.add_argument("--dolfinx-python", default="/usr/bin/python3")
    parser.add_argument("--skfem-python", help="a Python that has scikit-fem; without it: left out")
    options = parser.parse_args(words)
    options.moho = options.moho.resolve()
    return options


def main() -> int:
    try:
        found = run(arguments())
    except (OSError, ValueError, Missing) as error:
        print(f"fem_speed.py: {error}", file=sys.stderr)
        return 1
    return 0 if all(content["status"] == "ok" for content in found) else 2


if __name__ == "__main__":
    sys.exit(main())
