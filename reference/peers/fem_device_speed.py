#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""moho's assembly and TensorGalerkin's pattern in PyTorch, interleaved in one run
(torch_rounds.py).

Value-only re-assembly in double precision, Map and Reduce: moho-bench with the policy that is its
default there, fem_torch.py by `index_add` and by the product with a `sparse` matrix. A ratio is
void unless both matrices have the entries that they must have, the same Frobenius norm and the same
x . K x of a field x. Writes one moho.result/1 record per matrix, reduction and PyTorch below
OUT/galerkin-peers. With --device cuda both run on that device, moho-bench from a build for it.

usage: python3 fem_device_speed.py --build BUILD --out OUT --torch PYTHON [--compiled PYTHON]
"""
from __future__ import annotations

import sys

import fem_jobs
import peer_records
import torch_rounds

STUDY = "galerkin-peers"
TITLE = "Assembly beside TensorGalerkin's pattern in PyTorch: time of PyTorch over time of moho"
ABOUT = (
    "Value-only re-assembly of raw matrices in double precision on the same cores or device in one "
    "run, in turns. PyTorch makes all local matrices with einsum from gradients and volumes that "
    "it keeps, and sums them with index_add or by a product with a sparse matrix of ones, both "
    "made once; moho starts from the coordinates. A ratio is the mean time of PyTorch over that of "
    "moho within a round; quoted is the geometric mean over the rounds with its 95 % interval. It "
    "is void where the matrices differ."
)
ALIKE = {"frobenius": 1e-13, "energy": 1e-10}  # relative; an energy is a sum that cancels
HEADER = torch_rounds.header(("matrix", "reduction", "peer"), ("policy", "differs"))


def difference(theirs: float | None, ours: float | None) -> float | None:
    """Relative; None where one is not known."""
    if theirs is None or ours is None or not ours:
        return None
    return abs(theirs / ours - 1)


def record(job: fem_jobs.TorchJob, one: torch_rounds.Measured) -> dict:
    last, told = one.rounds[-1]["moho"], one.told
    policy = job.policy(one.place.device, one.place.threads)
    differs = {name: difference(told["matrix"].get(one.what, {}).get(name), last.get(name))
               for name in ALIKE}
    ours, theirs = one.times()[0].T
    case = {"problem": job.form, "type": "float64", "policy": policy, "dim": 3, "n": job.n,
            "degree": 1}
    metrics = {
        "target": one.target(None, job.on_device),
        **{f"{name}_difference": value for name, value in differs.items()},
        "moho_cells_per_second": job.cells / ours.mean(),
        "peer_cells_per_second": job.cells / theirs.mean(), "of_stream": one.counter("of_stream"),
        "rate_drift": max(r["moho"].get("stream_drift", 0.0) for r in one.rounds),
    }
    check = peer_records.check
    checks = [check("moho_nonzeros", last.get("nonzeros"), "==", job.nonzeros),
              check("peer_nonzeros", told["nonzeros"], "==", job.nonzeros),
              check("moho_cells", last.get("cells"), "==", job.cells),
              check("peer_cells", told["cells"], "==", job.cells),
              check("moho_default", last.get("default"), "==", 1),
              *(check(f"{name}_difference", differs[name], "<=", limit)
                for name, limit in ALIKE.items())]
    return one.record(STUDY, f"{one.what}-{job.name}-{one.place.suffix()}", case, metrics, checks,
                      {"cells": job.cells, "nonzeros": job.nonzeros})


def table_row(content: dict) -> str:
    case, norm = content["case"], content["metrics"]["frobenius_difference"]
    return torch_rounds.row(content, [f"{case['problem']}-{case['n']}", case["what"],
                                      case["method"]],
                            [case["policy"], "?" if norm is None else f"{norm:.1e}"])


def tasks() -> list[torch_rounds.Task]:
    return [torch_rounds.Task(
        job.name, {"form": job.form, "n": job.n},
        lambda _, place, job=job: f"fem/{job.policy(place.device, place.threads)}/{job.benchmark}",
        lambda one, job=job: record(job, one)) for job in fem_jobs.TORCH]


def main() -> int:
    parser = torch_rounds.parser(__doc__.split("\n\n")[0], fem_jobs.REDUCTIONS)
    options = torch_rounds.parsed(parser)
    study = torch_rounds.Study(STUDY, TITLE, ABOUT, "fem_torch.py", HEADER, table_row)
    return torch_rounds.finish("fem_device_speed.py", study, tasks(), options)


if __name__ == "__main__":
    sys.exit(main())
