# SPDX-License-Identifier: BSD-3-Clause
"""What is asked of moho and of its peers: models, periods and reference answers."""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

WAVES = ("rayleigh", "love")


@dataclass(frozen=True)
class Model:
    """A layered model, half-space last (thickness 0), and the periods asked of it. km, km/s, s."""

    thickness: np.ndarray
    vp: np.ndarray
    vs: np.ndarray
    rho: np.ndarray
    periods: np.ndarray

    @property
    def rows(self) -> tuple[np.ndarray, ...]:
        return self.thickness, self.vp, self.vs, self.rho


@dataclass(frozen=True)
class Job:
    """One thing to be timed. `what`: phase, group (phase and group velocity), phase+kernels (dc/dp
    with the roots), kernels (dc/dp, roots given)."""

    name: str
    problem: str
    models: list[Model]
    waves: tuple[str, ...]
    what: str = "phase"
    modes: int = 1
    calls: str = "batch"
    target: float | None = None  # the ratio that the project asks of itself
    case: dict = field(default_factory=dict)  # further keys of the record


def gradient_models(layers: int, count: int, periods, depth: float, rng) -> list[Model]:
    """`count` models: vs = 2.5 + 2.2 (1 - exp(-z / 35)), perturbed smoothly by up to 3 %."""
    z = np.linspace(0.0, depth, layers)
    out = []
    for _ in range(count):
        waves, phase = rng.uniform(0.5, 3.0), rng.uniform(0.0, 2 * np.pi)
        factor = 1 + 0.03 * rng.uniform(-1, 1) * np.sin(2 * np.pi * waves * z / depth + phase)
        vs = (2.5 + 2.2 * (1 - np.exp(-z / 35.0))) * factor
        vs[-1] = max(vs)
        vp = 1.75 * vs
        thickness = np.full(layers, depth / (layers - 1))
        thickness[-1] = 0.0
        out.append(Model(thickness, vp, vs, 1.74 * vp**0.25, np.asarray(periods, float)))
    return out


def model_of(case: dict, periods) -> Model:
    rows = (np.array(case["model"][key], float) for key in ("thickness", "vp", "vs", "rho"))
    return Model(*rows, np.array(periods, float))


def read_file(path: Path) -> dict:
    """A file of published values; ValueError names it where it is no such file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not isinstance(content.get("cases"), list):
        raise ValueError(f"{path}: not a surface-wave-reference/1 file (no list 'cases')")
    return content


def read_survey(path: Path) -> dict:
    """Cases of peer_disagreements.json by name; ValueError where it is no such file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not isinstance(content.get("cases"), dict):
        raise ValueError(f"{path}: not a peer-disagreement/1 file (no table 'cases')")
    return content["cases"]


def random_models(data: Path) -> tuple[list[Model], int]:
    """The models of ref_g_random at their own periods, and the number of modes listed there."""
    cases = read_file(data / "ref_g_random.json")["cases"]
    modes = 1 + max(case["max_mode_listed"] for case in cases)
    return [model_of(case, case["periods"]) for case in cases], modes


def speed_jobs(data: Path, layers, models: int, seed: int) -> list[Job]:
    """Every job of the comparison of speeds. Random numbers: from `seed` and the job's place."""
    periods, jobs = np.logspace(0.0, 2.0, 60), []

    def gradient(n, count, t, depth=100.0):
        return gradient_models(n, count, t, depth, np.random.default_rng([seed, n]))

    for n in layers:
        batch = gradient(n, models, periods)
        for wave, target in zip(WAVES, (10.0, 8.0)):
            for what, calls in (("phase", "batch"), ("phase", "single"), ("group", "batch")):
                jobs.append(
                    Job(
                        f"{what}-{wave}-L{n}-{calls}",
                        "gradient",
                        batch,
                        (wave,),
                        what,
                        calls=calls,
                        target=target if (what, calls) == ("phase", "batch") else None,
                        case={"layers": n},
                    )
                )
    batch, modes = random_models(data)
    for wave in WAVES:
        jobs.append(Job(f"random-{wave}", "ref_g_random", batch, (wave,), modes=modes, target=8.0))
    paper = gradient(256, max(1, models // 8), np.arange(2.0, 61.0), 127.5)
    jobs.append(Job("nodes256", "gradient", paper, WAVES, case={"layers": 256}))
    few = gradient(20, max(1, models // 16), periods)
    for wave in WAVES:
        jobs.append(
            Job(
                f"kernels-{wave}-L20",
                "gradient",
                few,
                (wave,),
                "phase+kernels",
                case={"layers": 20},
            )
        )
    return jobs


# ---- reference answers ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """Truth of one (model, wave): `phase[mode][period]`, NaN where the mode is not trapped, and all
    known roots of each period, by which a jump is recognised."""

    file: str
    name: str
    model: Model
    wave: str
    phase: np.ndarray
    roots: list[np.ndarray]


def _fold_curve(file: str, case: dict) -> Curve:
    """Mode n of a period with a fold: the smallest root above which more than n modes count."""
    points = sorted(case["points"], key=lambda p: p["period"])
    modes = max(root["N_above"] for point in points for root in point["roots"])
    phase = np.full((modes, len(points)), np.nan)
    for k, point in enumerate(points):
        for n in range(point["count_at_cmax"]):
            phase[n, k] = min(r["c"] for r in point["roots"] if r["N_above"] > n)
    roots = [np.array([root["c"] for root in point["roots"]]) for point in points]
    model = model_of(case, [point["period"] for point in points])
    return Curve(file, case["name"], model, "rayleigh", phase, roots)


def _listed_curve(file: str, case: dict, wave: str) -> Curve:
    rows = sorted((m for m in case["modes"] if m["wave"] == wave), key=lambda m: m["mode"])
    order = np.argsort(case["periods"])
    phase = np.array([np.array(m["phase"], float)[order] for m in rows])  # null becomes NaN
    roots = [column[np.isfinite(column)] for column in phase.T]
    model = model_of(case, np.array(case["periods"])[order])
    return Curve(file, case["name"], model, wave, phase, roots)


def reference_curves(data: Path) -> list[Curve]:
    """All published curves, by file, case and wave."""
    out = []
    for path in sorted(data.glob("ref_*.json")):
        for case in read_file(path)["cases"]:
            if "points" in case:
                out.append(_fold_curve(path.stem, case))
            else:
                waves = [w for w in WAVES if any(m["wave"] == w for m in case["modes"])]
                out += [_listed_curve(path.stem, case, wave) for wave in waves]
    if not out:
        raise ValueError(f"{data}: no ref_*.json with published values")
    return out
