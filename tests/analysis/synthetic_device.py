# SPDX-License-Identifier: BSD-3-Clause
"""Records and outputs of moho-bench of hosts and devices, with times and rates in closed form."""
from __future__ import annotations

import json
from pathlib import Path

from synthetic import timing
from synthetic_fem import plain, write
from synthetic_peers import CONTEXT, ON_DEVICE

H0, H1 = "NVIDIA H0", "NVIDIA H1"
# byte/s, flop/s: the host's ridge is at 2.5 flop/byte
HOST_RATES = {"stream": 2e10, "dgemm": 5e10, "sgemm": 1e11}
DEVICE_RATES = {"stream": 2e12, "dgemm": 4e13, "sgemm": 5e13}


# ---- moho-bench ----------------------------------------------------------------------------------


def sample(name: str, seconds: float, rates: dict, flops=0.0, bytes=0.0, **counters) -> dict:
    """One repetition, as the harness quotes it. `noisy=1` marks it; `counts` are its work."""
    one = {"name": f"{name}/manual_time", "run_name": f"{name}/manual_time",
           "run_type": "iteration", "real_time": 1e6 * seconds, "time_unit": "us",
           "noisy": 0.0}  # fmt: skip
    product = rates["sgemm" if "f32" in name or name.startswith("sgemm") else "dgemm"]
    if flops:
        one |= {"GFLOP/s": flops / seconds / 1e9, "of_gemm": flops / seconds / product}
    if bytes:
        one |= {"GB/s": bytes / seconds / 1e9, "of_stream": bytes / seconds / rates["stream"]}
    for count, value in counters.pop("counts", {}).items():
        one |= {count: value, f"{count}/s": value / seconds}
    return one | counters


def samples(rates: dict, speed: float = 1.0, policy: str = "scatter") -> list[dict]:
    """What a host and a device both have, `speed` times as fast as on the host of these builders;
    `policy` is the one of assembly that is chosen by itself. fem/map exists on either side."""
    found = [
        sample("dgemm/order:768", 0.02 / speed, rates, flops=2 * 768**3),
        sample("sgemm/order:768", 0.01 / speed, rates, flops=2 * 768**3),
        # half of STREAM, at 0.5 flop/byte; a fifth of the matrix product, at 10 flop/byte
        sample("fem/map/poisson_p1_triangle/64", 1e-3 / speed, rates, flops=5e6, bytes=1e7,
               counts={"cells": 8192.0}),
        sample("dispersion_solve/love/phase/layers:10/models:16", 2e-3 / speed, rates,
               flops=2e7, bytes=2e6, counts={"curves": 16.0}),
        sample("nn/train/mlp/f32", 4e-3 / speed, rates, flops=1e8, counts={"items": 32.0}),
    ]  # fmt: skip
    for name in ("scatter", "tiled-gather"):
        # what is not chosen takes four times as long
        slow = 1.0 if name == policy else 4.0
        found.append(
            sample(f"fem/{name}/poisson_p1_triangle/64", 1e-3 * slow / speed, rates, flops=2e6,
                   bytes=8e6, counts={"cells": 8192.0}, default=float(name == policy)))  # fmt: skip
    return found


def host_micro(**context) -> dict:
    about = CONTEXT | {"cpu": "Example CPU @ 2.0 GHz", "ranks": "1"} | context
    benchmarks = samples(HOST_RATES)
    benchmarks.append(sample("kernel/exp", 1e-6, HOST_RATES, flops=6e4, bytes=3e4,
                             counts={"values": 2048.0}))  # fmt: skip
    return {"context": about, "benchmarks": benchmarks}


def device_micro(device: str = H0, speed: float = 40.0, **context) -> dict:
    about = ON_DEVICE | {"device": device, "ranks": "1", "host_name": "node7"} | context
    return {"context": about, "benchmarks": samples(DEVICE_RATES, speed, "tiled-gather")}


def write_micro(out: Path, name: str, content: dict) -> Path:
    path = out / f"micro-{name}.json"
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def find(content: dict, name: str) -> dict:
    return next(b for b in content["benchmarks"] if b["run_name"].startswith(name))


# ---- records -------------------------------------------------------------------------------------


def on_device(content: dict, device: str = H0, ranks: int = 1) -> dict:
    """The record as a build for CUDA leaves it."""
    provenance = content["provenance"]
    provenance["build"]["backend"] = "Cuda"
    provenance["host"]["gpus"] = [device] * ranks
    provenance["run"]["binding"] = [
        {"rank": r, "host": "node1", "cpuset": str(r), "device": f"{r} {device}"}
        for r in range(provenance["run"]["ranks"])
    ]
    return content


def answer(method: str, seconds: float, error: float, study: str = "nets", **case) -> dict:
    """Answers to 100 items that take `seconds` each."""
    name = "-".join([method, *(f"{v:g}" for v in case.values() if isinstance(v, float))])
    content = plain(study, f"{name}-0123456789", problem="family", method=method, ranks=1, **case)
    content["counters"] = {"items": 100}
    content["timings"] = {"prepare": timing(1e-3), "apply": timing(100 * seconds)}
    content["metrics"] = {"mean_rel_l2": error}
    return content


def trained(method: str, seconds: float, error: float, training: float, **case) -> dict:
    """The same by a network that was trained for `training` seconds on items drawn in 7 s."""
    content = answer(method, seconds, error, **case)
    content["timings"] |= {"prepare": timing(training), "data": timing(7.0)}
    content["metrics"] |= {"train_seconds": training, "step_seconds": training / 1000}
    return content


def solver_front(study: str = "nets") -> list[dict]:
    """A solver whose error falls with the square of the time: 1e-2 in 1 ms, 1e-4 in 10 ms."""
    return [answer("solver", t, 1e-8 / t**2, study, tolerance=t) for t in (1e-3, 1e-2)]


def write_host(out: Path) -> Path:
    """Solver, network and trivial answer on a host."""
    for content in solver_front():
        write(out, content)
    write(out, trained("mlp", 1e-4, 1e-3, 90.0))
    write(out, answer("mean", 1e-6, 0.5))
    return out


def write_device(out: Path, device: str = H0, speed: float = 10.0) -> Path:
    """The same on a device, `speed` times as fast."""
    for content in [*solver_front(), trained("mlp", 1e-4, 1e-3, 90.0), answer("mean", 1e-6, 0.5)]:
        for one in content["timings"].values():
            for key in ("samples", "ci95"):
                one[key] = [v / speed for v in one[key]]
            for key in ("median", "mad", "rank_min", "rank_max"):
                one[key] /= speed
        if "step_seconds" in content["metrics"]:
            content["metrics"]["step_seconds"] /= speed
        write(out, on_device(content, device))
    return out


def torch_record(device: str | None = H0, job: str = "fno2d", what: str = "train", ratio=2.5,
                 **case) -> dict:  # fmt: skip
    """A comparison with PyTorch, as nn_speed.py and fem_device_speed.py leave it."""
    study = "nn-peers" if what in ("train", "infer", "latency") else "galerkin-peers"
    content = plain(study, f"torch-2.0-{what}-{job}-{'cuda' if device else 't1'}", problem=job,
                    method="torch-2.0", version="PyTorch 2.0", what=what, type="float32", ranks=1,
                    device=device or "cpu", **case)  # fmt: skip
    content["timings"] = {"moho": timing(1e-3), "peer": timing(1e-3 * ratio)}
    content["metrics"] = {"ratios": [ratio, ratio], "ratio_mean": ratio, "ratio_low": 0.9 * ratio,
                          "ratio_high": 1.1 * ratio, "target": 2.0}  # fmt: skip
    return on_device(content, device) if device else content


def write_all(out: Path) -> Path:
    """A run folder with a host, a device and comparisons with PyTorch on that device."""
    write_micro(out, "host", host_micro())
    write_micro(out, "device", device_micro())
    write_host(out / "host")
    write_device(out / "device")
    write(out, torch_record())
    write(out, torch_record(job="poisson", what="index_add", n=32, degree=1))
    return out
