# SPDX-License-Identifier: BSD-3-Clause
"""Run folders in the layout of `moho run`: sound by construction, then broken on purpose."""
from __future__ import annotations

import copy
import json
from pathlib import Path

import h5py
import numpy as np

PERIODS = np.geomspace(1.0, 100.0, 24)
DELETE = object()


def provenance(ranks: int = 2) -> dict:
    return {
        "git": {"sha": "0123456789abcdef0123456789abcdef01234567", "dirty": False},
        "build": {
            "version": "0.1.0",
            "compiler": "GNU 12.2.0",
            "flags": "-O3 -DNDEBUG",
            "type": "Release",
            "arch": "native",
            "kokkos": "3.4.1",
            "backend": "Serial",
            "mpi": "Open MPI 4.1.4",
            "petsc": "3.18.5",
            "hdf5": "1.10.8",
            "blas": "OpenBLAS 0.3.21 SkylakeX",
            "simd_width": 512,
        },
        "host": {
            "name": "node1",
            "os": "Linux 6.1.0",
            "cpu": "Example CPU @ 2.0 GHz",
            "cores": 2,
            "numa": 1,
            "memory": 16 << 30,
            "gpus": [],
        },
        "run": {
            "ranks": ranks,
            "nodes": 1,
            "threads": 1,
            "slurm": {},
            "modules": [],
            "seed": 1,
            "utc": "2026-11-20T12:00:00Z",
            "command": ["moho", "run", "benchmarks/smoke/dispersion-accuracy.toml"],
            "binding": [
                {"rank": r, "host": "node1", "cpuset": str(r), "device": None} for r in range(ranks)
            ],
        },
    }


def timing(median: float) -> dict:
    return {
        "unit": "s",
        "samples": [median * 0.98, median, median * 1.03],
        "median": median,
        "mad": median * 0.02,
        "ci95": [median * 0.98, median * 1.03],
        "rank_min": median * 0.9,
        "rank_max": median,
        "warmup": 1,
    }


def check(name: str, value: float, relation: str, limit: float) -> dict:
    return {"name": name, "value": value, "relation": relation, "limit": limit, "pass": True}


def merit(name: str, value: float) -> dict:
    return {"name": name, "value": value, "unit": "1/s", "better": "higher"}


def record(study: str = "accuracy", case_id: str = "ref-0001", **case) -> dict:
    ranks = case.get("ranks", 2)
    return {
        "format": "moho.result/1",
        "id": case_id,
        "study": study,
        "status": "ok",
        "case": {
            "problem": "dispersion-reference",
            "method": "dispersion-solver",
            "modes": 2,
            "waves": ["rayleigh", "love"],
            **case,
        },
        "provenance": provenance(ranks),
        "checks": [
            check("phase_rel_max", 3e-13, "<=", 1e-9),
            check("phase_rel_p999", 2e-13, "<=", 1e-11),
            check("group_rel_max", 3e-12, "<=", 1e-8),
            check("mode_count_mismatches", 0, "==", 0),
        ],
        "counters": {"layer_evaluations": 123456, "roots": 96, "models": 1, "periods": 24},
        "timings": {"prepare": timing(0.001), "apply": timing(0.25)},
        "metrics": {
            "phase_rel_max": 3e-13,
            "phase_rel_p999": 2e-13,
            "group_rel_max": 3e-12,
            "mode_count_mismatches": 0,
            "points": 96,
            "points_extended": 1,
        },
        "fom": [merit("curves_per_second", 8.0), merit("layer_evaluations_per_second", 4.9e5)],
        "data": "data.h5",
    }


def changed(content: dict, path: str, value) -> dict:
    """A copy with the value at `path` ("checks.0.pass") replaced, added or (DELETE) removed."""
    content = copy.deepcopy(content)
    *parents, last = path.split(".")
    place = content
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    last = int(last) if isinstance(place, list) else last
    if value is DELETE:
        del place[last]
    else:
        place[last] = value
    return content


def curve_rows(names: list[str], error: float) -> dict[str, np.ndarray]:
    """Plausible curves of two modes and both waves; the overtone is absent at long periods."""
    columns = {
        key: []
        for key in (
            "case",
            "wave",
            "mode",
            "period",
            "phase",
            "group",
            "ellipticity",
            "status",
            "truth_phase",
            "truth_group",
            "truth_ellipticity",
        )
    }
    random = np.random.default_rng(7)
    for i in range(len(names)):
        for wave in range(2):
            for mode in range(2):
                phase = 2.6 + 0.2 * wave + 0.1 * i + 1.5 * (1 - np.exp(-PERIODS / (25 - 18 * mode)))
                group = phase - PERIODS * np.gradient(phase, PERIODS) * 0.9
                status = np.zeros(PERIODS.size, int)
                status[3], status[5] = 5 * (mode == 0), 3 * (mode == 1)
                if mode == 1:
                    phase, group = (np.where(PERIODS > 12, np.nan, v) for v in (phase, group))
                    status[PERIODS > 12] = 1
                ratio = (
                    0.7 * np.tan(np.log10(PERIODS) * 0.9 + mode) if wave == 0 else PERIODS * np.nan
                )
                ratio = np.where(np.isfinite(phase), ratio, np.nan)
                noise = error * random.lognormal(-3, 1, (2, PERIODS.size))
                values = (
                    np.full(PERIODS.size, i),
                    np.full(PERIODS.size, wave),
                    np.full(PERIODS.size, mode),
                    PERIODS,
                    phase * (1 + noise[0]),
                    group * (1 + 10 * noise[1]),
                    ratio * (1 + noise[0]),
                    status,
                    phase,
                    group,
                    ratio,
                )
                for key, value in zip(columns, values):
                    columns[key].append(value)
    return {key: np.concatenate(value) for key, value in columns.items()}


def write_data(path: Path, names: list[str], error: float = 3e-13) -> None:
    """data.h5 as the harness writes it."""
    columns = curve_rows(names, error)
    with h5py.File(path, "w") as file:
        for key, value in columns.items():
            if key.startswith("truth_"):
                file[f"truth/{key[6:]}"] = value
            else:
                file[f"curve/{key}"] = (
                    value.astype("i4") if key in ("case", "mode", "wave", "status") else value
                )
        file["curve/phase"].attrs["units"] = "km/s"
        write_kernels(file, len(names), error)
        file["case/name"] = np.array(names, dtype=h5py.string_dtype())
        file["model/offset"] = np.arange(len(names) + 1) * 3
        for key, row in (
            ("thickness", [10.0, 25.0, 0.0]),
            ("vp", [5.8, 6.5, 8.0]),
            ("vs", [3.3, 3.7, 4.5]),
            ("rho", [2.7, 2.9, 3.3]),
        ):
            file[f"model/{key}"] = np.tile(row, len(names))


def write_kernels(file, models: int, error: float) -> None:
    """Kernels of the fundamental mode of every model, both waves, at three periods."""
    rows = [(i, w, t) for i in range(models) for w in range(2) for t in (2.0, 10.0, 50.0)]
    case, wave, period = (np.array(column) for column in zip(*rows))
    file["kernel/case"], file["kernel/wave"] = case.astype("i4"), wave.astype("i4")
    file["kernel/mode"], file["kernel/period"] = np.zeros(len(rows), "i4"), period
    file["kernel/offset"] = np.arange(len(rows) + 1) * 3
    deep = (1 + 100 * error) * np.exp(-np.arange(3)[None, :] * 10.0 / period[:, None])
    for name, scale in (("dc_dvs", 0.8), ("dc_dvp", 0.1), ("dc_drho", -0.2), ("dc_dh", 0.01)):
        values = scale * deep * np.where((wave == 1) & (name == "dc_dvp"), 0, 1)[:, None]
        file[f"kernel/{name}"] = values.ravel()


def write(out: Path, content: dict, names: list[str] | None = None, error: float = 3e-13) -> Path:
    """Writes one case folder (and the study.toml above it); returns it."""
    folder = out / content["study"] / content["id"]
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(content))
    (folder.parent / "study.toml").write_text(
        f'[study]\nname = "{content["study"]}"\ntitle = "Title of {content["study"]}"\n'
    )
    if names:
        write_data(folder / "data.h5", names, error)
    return folder


def throughput_record(layers: int, ranks: int = 2, speed: float = 1.0) -> dict:
    seconds = layers / 400.0 / speed
    content = record(
        "throughput",
        f"grad-L{layers}-r{ranks}",
        problem="dispersion-gradient",
        layers=layers,
        ranks=ranks,
    )
    content["timings"]["apply"] = timing(seconds)
    content["counters"] |= {"layer_evaluations": 30000 * layers, "flops": 900000 * layers}
    content["provenance"]["host"]["gemm"] = 5e9
    content["provenance"]["host"]["stream"] = 1e10
    content["fom"][0]["value"] = 64 / seconds
    content["fom"][1]["value"] = 30000 * layers / seconds
    content["data"] = None
    return content


def scaling_record(ranks: int, efficiency: float = 0.9) -> dict:
    content = record(
        "scaling", f"grad-r{ranks}", problem="dispersion-gradient", layers=50, ranks=ranks
    )
    content["timings"]["apply"] = timing(4.0 / ranks / efficiency ** (ranks > 1))
    content["data"] = None
    return content


def write_all(out: Path) -> Path:
    """A complete run: an accuracy, a throughput and a scaling study."""
    write(out, record(), ["crust", "ak135-like"])
    for layers in (5, 10, 50, 200):
        write(out, throughput_record(layers))
    for ranks in (1, 2, 4):
        write(out, scaling_record(ranks))
    return out


# ---- other codes, blocks, growing work, micro-benchmarks -----------------------------------------


def peer_record(name: str, peer: str = "disba", ratio: float = 12.0, **case) -> dict:
    rounds = [ratio * f for f in (0.97, 1.0, 1.01, 0.99, 1.04)]
    content = record(
        "peers-speed",
        f"{peer}-{name}",
        **{
            "problem": "gradient",
            "method": peer,
            "version": f"{peer} 1.0",
            "what": "phase",
            "waves": ["rayleigh"],
            "modes": 1,
            "models": 64,
            "calls": "batch",
            "ranks": 1,
        }
        | case,
    )
    content["checks"] = [check("difference_median", 3e-7, "<=", 2e-6)]
    content["timings"] = {"moho": timing(1e-4), "peer": timing(1e-4 * ratio)}
    content["metrics"] = {
        "ratio": rounds,
        "target": 10.0,
        "difference_median": 3e-7,
        "wall_over_cpu": 1.01,
    }
    content["fom"] = [{"name": "speed_ratio", "value": ratio, "unit": "1", "better": "higher"}]
    content["counters"], content["data"] = {}, None
    return content


def reliability_record(solver: str, step: float | None, bad: tuple = (0, 0, 0, 0)) -> dict:
    case = {"problem": "dispersion-reference", "method": solver, "tolerance": 5e-6, "ranks": 1}
    content = record("peers-reliability", f"{solver}-{step}", **case)
    del content["case"]["modes"], content["case"]["waves"]
    if step is not None:
        content["case"]["step"] = step
    counts = dict(zip(("missing", "jumped", "wrong", "invented"), bad))
    content["counters"] = {
        "points": 10000,
        "ok": 10000 - sum(bad),
        "exceptions": 2,
        "none": 5,
    } | counts
    content["checks"] = [check("control.truth_not_ok", 0, "==", 0)]
    content["timings"], content["metrics"], content["fom"] = {}, {}, []
    content["data"] = None
    return content


def block_record(block: int, extended: int = 3, failed: int = 0) -> dict:
    content = record("stress", f"block-{block}", problem="dispersion-prior", block=block)
    content["counters"] |= {"models": 1000}
    content["metrics"] = {
        "points": 20000,
        "points_absent": 5000,
        "points_ok": 14990 - extended,
        "points_channel": 8,
        "points_extended": extended,
        "points_multivalued": 2,
        "points_failed": failed,
    }
    content["checks"] = [check("points_failed", 0, "<=", 0)]
    content["data"] = None
    return content


def weak_record(ranks: int, efficiency: float = 0.9) -> dict:
    content = record(
        "weak",
        f"weak-r{ranks}",
        problem="dispersion-gradient",
        layers=50,
        models=100 * ranks,
        ranks=ranks,
    )
    content["counters"] |= {"models": 100 * ranks, "roots": 6000 * ranks}
    content["timings"]["apply"] = timing(2.0 / efficiency ** (ranks > 1))
    content["data"] = None
    return content


def axes_record(layers: int, periods: int, wave: str) -> dict:
    content = record(
        "axes",
        f"axes-{layers}-{periods}-{wave}",
        problem="dispersion-gradient",
        layers=layers,
        periods=periods,
        waves=[wave],
    )
    content["timings"]["apply"] = timing(1e-5 * layers * periods)
    content["counters"] |= {"roots": 64 * periods}
    content["data"] = None
    return content


def micro_output() -> dict:
    """As `moho-bench --benchmark_out` writes it: two repetitions, an aggregate, an error."""
    one = {
        "run_type": "iteration",
        "real_time": 12.0,
        "time_unit": "us",
        "GFLOP/s": 9.0,
        "noisy": 0.0,
    }
    benchmarks = [
        one
        | {
            "name": "rayleigh/layers:10",
            "run_name": "rayleigh/layers:10/manual_time",
            "of_gemm": f,
            "of_stream": 0.02,
            "real_time": 12.0,
        }
        for f in (0.21, 0.23)
    ]
    benchmarks += [
        benchmarks[0]
        | {"name": "rayleigh/layers:10_mean", "run_type": "aggregate", "of_gemm": 9.0},
        one
        | {"name": "love/layers:10", "run_name": "love/layers:10", "of_gemm": 0.11, "noisy": 1.0},
        {"name": "void", "run_name": "void", "error_occurred": True, "of_gemm": 5.0},
    ]
    context = {
        "moho_sha": "0123456789abcdef",
        "cpu": "Example CPU @ 2.0 GHz",
        "ranks": "2",
        "flags": "-O3",
    }
    return {"context": context, "benchmarks": benchmarks}


def write_more(out: Path) -> Path:
    """A run folder with what only some studies have."""
    for layers in (5, 10, 100):
        for wave in ("rayleigh", "love"):
            for what, calls in (("phase", "batch"), ("phase", "single"), ("group", "batch")):
                for peer in ("disba", "surf96"):
                    name = f"{what}-{wave}-L{layers}-{calls}"
                    write(
                        out,
                        peer_record(
                            name,
                            peer,
                            8 + layers**0.3,
                            layers=layers,
                            waves=[wave],
                            what=what,
                            calls=calls,
                        ),
                    )
    write(out, peer_record("random", ratio=16.0, problem="ref_g_random", modes=5))
    write(out, reliability_record("moho", None))
    write(out, reliability_record("disba", 0.005, (187, 132, 168, 17)))
    for block in range(4):
        write(out, block_record(block, extended=block))
    for ranks in (1, 2, 4):
        write(out, weak_record(ranks))
    for layers, periods in ((5, 60), (20, 60), (100, 60), (20, 10), (20, 240)):
        for wave in ("rayleigh", "love"):
            write(out, axes_record(layers, periods, wave))
    (out / "micro.json").write_text(json.dumps(micro_output()))
    return out
