# SPDX-License-Identifier: BSD-3-Clause
"""Comparisons as moho.result/1 records (analysis/schema.json), so that `moho report` shows them."""
from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np

FORMAT = "moho.result/1"


def _meminfo() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemTotal"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _cpu() -> str:
    try:
        for line in (
            Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
        ):
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine() or "unknown"


def command() -> list[str]:
    """What was typed: run.sh tells its own words, one per line."""
    told = os.environ.get("MOHO_PEERS_COMMAND")
    return told.split("\n") if told else [Path(sys.executable).name, *sys.argv]


def provenance(about: dict, seed: int | None) -> dict:
    """`about`: what moho_peer tells of its build. One rank, no MPI, no files."""
    allowed = sorted(os.sched_getaffinity(0))
    build = {
        key: about[key]
        for key in (
            "version",
            "compiler",
            "flags",
            "type",
            "arch",
            "kokkos",
            "backend",
            "simd_width",
        )
    }
    utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "git": {"sha": about["sha"], "dirty": about["dirty"]},
        "build": build | {"mpi": "none", "petsc": None, "hdf5": "none"},
        "host": {
            "name": platform.node(),
            "os": f"{platform.system()} {platform.release()}",
            "cpu": _cpu(),
            "cores": os.cpu_count() or 1,
            "numa": None,
            "memory": _meminfo(),
            "gpus": [],
        },
        "run": {
            "ranks": 1,
            "nodes": 1,
            "threads": 1,
            "slurm": {},
            "modules": [],
            "seed": seed,
            "utc": utc,
            "command": command(),
            "binding": [
                {
                    "rank": 0,
                    "host": platform.node(),
                    "cpuset": ",".join(map(str, allowed)),
                    "device": None,
                }
            ],
        },
    }


def timing(samples) -> dict:
    """Statistics of the samples (s); the 95 % interval of the median by order statistics."""
    s = np.sort(np.asarray(samples, float))
    median = float(np.median(s))
    half = 0.98 * np.sqrt(s.size)
    low, high = int(np.floor(s.size / 2 - half)), int(np.ceil(s.size / 2 + half))
    known = low >= 0 and high < s.size
    return {
        "unit": "s",
        "samples": [float(x) for x in samples],
        "median": median,
        "mad": float(np.median(np.abs(s - median))),
        "ci95": [float(s[low]), float(s[high])] if known else [None, None],
        "rank_min": median,
        "rank_max": median,
        "warmup": 1,
    }


def quartiles(samples) -> dict[str, float]:
    q1, q2, q3 = np.percentile(np.asarray(samples, float), [25, 50, 75])
    return {"q1": float(q1), "median": float(q2), "q3": float(q3)}


def check(name: str, value: float | None, relation: str, limit: float) -> dict:
    """A number that is not finite did not come out, and does not pass."""
    value = None if value is None or not np.isfinite(value) else value
    holds = value is not None and {"<=": value <= limit, "==": value == limit}[relation]
    return {"name": name, "value": value, "relation": relation, "limit": limit, "pass": bool(holds)}


def record(study: str, case_id: str, case: dict, about: dict, seed: int | None, **parts) -> dict:
    """A record; a check that fails makes it invalid and its figures of merit void."""
    content = {
        "format": FORMAT,
        "id": case_id,
        "study": study,
        "case": case,
        "status": "ok",
        "provenance": about and provenance(about, seed),
        "checks": [],
        "counters": {},
        "timings": {},
        "metrics": {},
        "fom": [],
        "data": None,
    } | parts
    content["metrics"] = {
        k: v if isinstance(v, list) or v is None or np.isfinite(v) else None
        for k, v in content["metrics"].items()
    }
    if not all(c["pass"] for c in content["checks"]):
        content["status"] = "invalid"
        content["fom"] = [f | {"value": None} for f in content["fom"]]
    return content


def write(out: Path, content: dict) -> None:
    """<out>/<study>/<id>/result.json, whole or not at all."""
    folder = out / content["study"] / content["id"]
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".result.json.{os.getpid()}"
    temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(temporary, folder / "result.json")


def write_study(out: Path, name: str, title: str, description: str) -> None:
    """The title and the text that the report shows above the study."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    quoted = [json.dumps(text, ensure_ascii=False) for text in (name, title, description)]
    text = "[study]\nname = {}\ntitle = {}\ndescription = {}\n".format(*quoted)
    (folder / "study.toml").write_text(text, encoding="utf-8")
