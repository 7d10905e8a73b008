# SPDX-License-Identifier: BSD-3-Clause
"""Records of finite elements in the layout of `moho run`."""
from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
from synthetic import check, record, timing

POLICIES = ("scatter", "two-pass", "insert")


def write(out: Path, content: dict, arrays: dict | None = None) -> Path:
    """Writes one case folder with these arrays; returns it."""
    folder = out / content["study"] / content["id"]
    folder.mkdir(parents=True)
    content["data"] = "data.h5" if arrays else None
    (folder / "result.json").write_text(json.dumps(content))
    (folder.parent / "study.toml").write_text(f'[study]\nname = "{content["study"]}"\n')
    if arrays:
        with h5py.File(folder / "data.h5", "w") as file:
            for name, values in arrays.items():
                file[name] = values
    return folder


def plain(study: str, case_id: str, **case) -> dict:
    content = record(study, case_id, **case)
    del content["case"]["modes"], content["case"]["waves"]
    content["checks"] = [check("of_mean", 0.001, "<=", 0.01)]
    content["counters"], content["metrics"], content["fom"] = {}, {}, []
    return content


def assembly_record(policy: str = "scatter", form: str = "poisson", seconds: float = 1e-3, **case):
    content = plain(
        "assembly",
        f"assembly-{form}-{policy}-n{case.get('n', 64)}",
        **{"problem": "assembly", "method": "assembly", "cell": "triangle", "degree": 1, "n": 64}
        | {"form": form, "reduce": policy, "ranks": 1}
        | case,
    )
    content["counters"] = {"unknowns": 4225, "cells": 8192, "nonzeros": 29057}
    content["counters"] |= {"bytes": 4_000_000, "bytes_least": 1_000_000}
    content["provenance"]["host"]["stream"] = 1e10  # floor 0.4 ms, least 0.1 ms
    content["timings"] = {
        "apply": timing(seconds * 1.01),
        "apply.assembly": timing(seconds),
        "apply.hand_off": timing(2e-6),
        "prepare.topology": timing(0.02),
        "prepare.tables": timing(0.01),
        "prepare.first_assembly": timing(1.5e-3),
    }
    return content


def fem_record(n: int, degree: int = 1, cell: str = "triangle", problem: str = "poisson") -> dict:
    content = plain(
        "square",
        f"fem-{problem}-{cell}-{degree}-{n}",
        problem=problem,
        method="fem",
        cell=cell,
        degree=degree,
        n=n,
        ranks=1,
    )
    content["metrics"] = {"l2_error": float(n) ** -(degree + 1), "h1_error": float(n) ** -degree}
    content["counters"] = {"unknowns": n * n, "nonzeros": 7 * n * n, "points": 100, "unknown": 0}
    content["timings"] = {
        "apply": timing(1.2e-6 * n**2),
        "apply.assembly": timing(1e-7 * n**2),
        "apply.solve": timing(8e-7 * n**2),
        "apply.preconditioner": timing(1e-7 * n**2),
        "apply.evaluate": timing(2e-7 * n**2),
        "prepare.space": timing(1e-3),
        "prepare.first_assembly": timing(2e-7 * n**2),
    }
    return content


def field_arrays(n: int = 100, nodes: bool = True, components: int = 1) -> dict:
    points = np.random.default_rng(3).random((n, 2))
    truth = np.repeat(np.sin(np.pi * points[:, :1]), components, axis=1)
    value = truth + 1e-4 * points[:, :1]
    arrays = {"field/point": points, "field/truth": truth, "field/value": value}
    if nodes:
        side = np.linspace(0, 1, 9)
        x, y = np.meshgrid(side, side)
        arrays["field/node_point"] = np.stack([x.ravel(), y.ravel()], axis=1)
        value = np.sin(np.pi * x.ravel())[:, None]
        arrays["field/node_value"] = np.repeat(value, components, axis=1)
    return arrays


def rate_record(error: str, degree: int, **case) -> tuple[dict, dict]:
    """A convergence of exact order, and its arrays."""
    order = degree + (error == "l2_error")
    x = np.array([8.0, 16.0, 32.0, 64.0])
    content = plain(
        "square",
        f"convergence-{error}-{degree}",
        **{"problem": "poisson", "method": "fem", "synthesis": "convergence", "axis": "n"}
        | {"error": error, "refine": "up", "expected": float(order), "cell": "triangle"}
        | {"degree": degree, "points": [f"fem-poisson-triangle-{degree}-{int(n)}" for n in x]}
        | case,
    )
    content["timings"] = {}
    content["metrics"] = {
        "rate": order, "rate_low": order - 0.01, "rate_high": order + 0.01, "rate_from": 8.0,
        "rate_to": 64.0, "rate_constant": 1.0, "rate_points": 4,
    }  # fmt: skip
    arrays = {
        "convergence/x": x,
        "convergence/error": x**-order,
        "convergence/used": np.ones(4, "i1"),
        "convergence/id": np.array(content["case"]["points"], dtype=h5py.string_dtype()),
        "convergence/reason": np.array([""], dtype=h5py.string_dtype()),
    }
    return content, arrays


def design_record(method: str = "simp-mma", compliance: float = 83.8) -> tuple[dict, dict]:
    content = plain("design", method, problem="compliance", method=method, ranks=1)
    content["metrics"] = {"compliance": compliance}
    history = np.stack([np.linspace(426, compliance, 51), np.full(51, 0.5), np.zeros(51)], axis=1)
    density = np.zeros((10, 20))
    density[:2], density[-2:] = 1, 1
    return content, {
        "design/density": density,
        "design/size": np.array([60.0, 30.0]),
        "history/design": history,
    }


def energy_record(values, problem: str = "wave") -> tuple[dict, dict]:
    content = plain("energy", f"{problem}-{len(values)}", problem=problem, method="fem-evolution")
    return content, {"history/energy": np.asarray(values, float)}


def coefficient_record() -> tuple[dict, dict]:
    content = plain("coefficient", "lmvm", problem="conductivity", method="adjoint-identification")
    content["metrics"] = {"k_rel_l2": 0.02}
    truth = np.outer(np.linspace(1, 2, 6), np.ones(6))
    return content, {
        "field/conductivity": truth + 0.01,
        "field/truth": truth,
        "field/data": truth * 0.1,
        "history/misfit": np.geomspace(1e-5, 1e-12, 40),
    }


def flow_record() -> tuple[dict, dict]:
    content = plain("flow", "batch", problem="darcy", method="fem-batch")
    content["metrics"] = {"rel_l2": 0.01}
    return content, {
        "field/log_coefficient": np.arange(32.0).reshape(2, 16),
        "field/value": np.arange(18.0).reshape(2, 9),
    }


def peer_record(peer: str = "dolfinx", ratio: float = 12.0, ranks: int = 1) -> dict:
    content = plain(
        "fem-peers", f"{peer}-{ranks}", problem="poisson", method=peer, version=f"{peer} 1",
        what="re-assembly", ranks=ranks, dim=2, n=256, degree=1, rounds=5,
    )  # fmt: skip
    content["timings"] = {"moho": timing(1e-3), "peer": timing(1e-3 * ratio)}
    content["counters"] = {"cells": 131072, "rows": 66049, "nonzeros": 460289}
    content["metrics"] = {
        "ratio": [ratio * f for f in (0.98, 1.0, 1.03)], "target": 9.0, "difference_median": 1e-16,
        "moho_set_up": 0.02, "moho_first": 2e-3, "peer_set_up": 0.1, "peer_first": 0.2,
    }  # fmt: skip
    return content


def write_all(out: Path) -> Path:
    """A run folder with everything that finite elements show."""
    for form in ("poisson", "elasticity"):
        for i, name in enumerate(POLICIES):
            write(out, assembly_record(name, form, 1e-3 * (i + 1)))
    for degree in (1, 2):
        for n in (8, 16, 32, 64):
            write(out, fem_record(n, degree), field_arrays())
        for error in ("l2_error", "h1_error"):
            write(out, *rate_record(error, degree))
    write(out, *design_record())
    write(out, *design_record("simp-oc", 84.3))
    write(out, *energy_record(2 + 1e-14 * np.sin(np.arange(1000))))
    write(out, *coefficient_record())
    write(out, *flow_record())
    write(out, peer_record())
    write(out, peer_record("scikit-fem", 60.0))
    return out
