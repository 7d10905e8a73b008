#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""moho's neural networks and PyTorch's, interleaved in one run (torch_rounds.py).

A ratio is void where the two have not the same parameters and items. Times are wall times: run it
on a quiet machine. On one thread the ratio of processor times is told as well, which other work
disturbs less; where the two differ, or wall_over_cpu is not 1, the machine was not quiet. Writes
one moho.result/1 record per case, type, what is timed and PyTorch below OUT/nn-peers. With --device
cuda both run on that device, moho-bench from a build for it.

usage: python3 nn_speed.py --build BUILD --out OUT --torch PYTHON [--compiled PYTHON]
"""
from __future__ import annotations

import itertools
import sys

import nn_jobs
import peer_records
import torch_rounds

STUDY = "nn-peers"
TITLE = "Neural networks beside PyTorch: time of PyTorch over time of moho"
ABOUT = (
    "The same networks, batches and losses on the same cores or device in one run, in turns: a "
    "training step (gradient and Adam), answers to a batch, the answer to one item. A ratio is the "
    "mean time of PyTorch over that of moho within a round; quoted is the geometric mean over the "
    "rounds with its 95 % interval. product_share: part of moho's step that is matrix products; "
    "of_gemm: its operations per second over those of BLAS in the same type. A ratio is void where "
    "the numbers of parameters or items differ. precision: tf32 where PyTorch's products may round "
    "their factors to it; ieee: neither does."
)
HEADER = torch_rounds.header(("what", "case", "type", "peer"), ("products", "moho GF/s"))


def record(job: nn_jobs.Job, kind: str, one: torch_rounds.Measured) -> dict:
    last, what = one.rounds[-1]["moho"], one.what
    ours, theirs = one.times()[0].T
    items = 1 if what == "latency" else job.items
    case = {"problem": job.name, "type": nn_jobs.TYPES[kind], "items": items, "unit": job.unit}
    metrics = {
        "target": one.target(job.targets.get((what, kind)), job.on_device.get((what, kind))),
        "product_share": one.counter("product_share"), "of_gemm": one.counter("of_gemm"),
        "moho_gflops": one.counter("GFLOP/s"), "moho_flops": round(last["flops"]) or None,
        "moho_items_per_second": items / ours.mean(),
        "peer_items_per_second": items / theirs.mean(),
        "rate_drift": max(r["moho"].get("gemm_drift", 0.0) for r in one.rounds),
    }
    check = peer_records.check
    checks = [check("moho_parameters", last.get("parameters"), "==", job.parameters),
              check("peer_parameters", one.told["parameters"], "==", job.parameters),
              check("moho_items", last.get("items"), "==", items),
              check("peer_items", one.told["items"], "==", job.items)]
    return one.record(STUDY, f"{what}-{job.name}-{kind}-{one.place.suffix()}", case, metrics,
                      checks, {"parameters": job.parameters})


def table_row(content: dict) -> str:
    m, case = content["metrics"], content["case"]
    kind = {name: kind for kind, name in nn_jobs.TYPES.items()}[case["type"]]
    share, rate = m["product_share"], m["moho_gflops"]
    return torch_rounds.row(content, [case["what"], case["problem"], kind, case["method"]],
                            ["–" if share is None else f"{100 * share:.0f} %",
                             "?" if rate is None else f"{rate:.1f}"])


def tasks(types: list[str]) -> list[torch_rounds.Task]:
    return [torch_rounds.Task(
        f"{job.name}/{kind}", {"case": job.name, "type": nn_jobs.TYPES[kind]},
        lambda what, _, job=job, kind=kind: f"nn/{what}/{job.name}/{kind}",
        lambda one, job=job, kind=kind: record(job, kind, one))
        for job, kind in itertools.product(nn_jobs.JOBS, types)]


def arguments(words=None):
    parser = torch_rounds.parser(__doc__.split("\n\n")[0], nn_jobs.MEASURED)
    parser.add_argument("--types", nargs="+", choices=list(nn_jobs.TYPES),
                        default=list(nn_jobs.TYPES))
    parser.add_argument("--tf32", action="store_true",
                        help="let PyTorch's products round their factors to TF32; moho's do not")
    return torch_rounds.parsed(parser, words)


def main() -> int:
    options = arguments()
    study = torch_rounds.Study(STUDY, TITLE, ABOUT, "nn_torch.py", HEADER, table_row)
    return torch_rounds.finish("nn_speed.py", study, tasks(options.types), options)


if __name__ == "__main__":
    sys.exit(main())
