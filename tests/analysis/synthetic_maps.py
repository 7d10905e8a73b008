# SPDX-License-Identifier: BSD-3-Clause
"""Rows, generalization matrices and rates as `moho run` leaves them. The numbers are those of the
linear theory (arXiv 2506.15199, Theorem 3.2) in plain numpy, so the figures look as they should."""
from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

import synthetic

NODES = 16
STRINGS = h5py.string_dtype()
SPACES = [f"{f}{p}" for f in ("poly", "sin", "cos") for p in range(1, 5)] + ["fem"]
FITS = ("closed-form", "gd", "adam")


def family(label: str) -> str:
    return label.rstrip("0123456789x")


def elements(label: str) -> set[str]:
    name, p = family(label), int(label.removeprefix(family(label)) or 0)
    first = 0 if name == "poly" else 1
    if not p:  # linear functions are piecewise linear
        return {label, "poly:0", "poly:1"}
    return {f"{name}:{i}" for i in range(first, p + 1)}


def space(label: str) -> tuple[np.ndarray, np.ndarray]:
    """(f, u) at the nodes for each basis function, of -u'' = f with u = 0 at both ends."""
    x, name = np.linspace(0, 1, NODES + 1)[:, None], family(label)
    if name == "fem":
        return np.eye(NODES + 1), exact_operator()
    i = np.arange(0 if name == "poly" else 1, int(label.removeprefix(name)) + 1)
    if name == "poly":
        return x**i, (x - x ** (i + 2)) / ((i + 1) * (i + 2))
    wave = np.sin if name == "sin" else np.cos
    shift = 0 if name == "sin" else -1 + x * (1 - (-1.0) ** i)
    return wave(i * np.pi * x), (wave(i * np.pi * x) + shift) / (i * np.pi) ** 2


def exact_operator() -> np.ndarray:
    """Values at the nodes of the solutions for hat functions: K^-1 M."""
    h, n = 1 / NODES, NODES - 1
    stiff = (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)) / h
    mass = np.zeros((n, n + 2))
    for j in range(n):
        mass[j, j : j + 3] = np.array([1, 4, 1]) * h / 6
    return np.vstack([np.zeros(n + 2), np.linalg.solve(stiff, mass), np.zeros(n + 2)])


def weights(label: str, fit: str) -> np.ndarray:
    """The trained map; "adam" keeps weights off the span, as it does in truth."""
    f, u = space(label)
    best = u @ np.linalg.pinv(f, rcond=1e-13)
    if fit != "adam":
        return best
    basis = np.linalg.svd(f, full_matrices=False)[0]
    noise = np.random.default_rng(len(label)).normal(size=best.shape) * 0.1 * np.abs(best).max()
    return best + noise @ (np.eye(NODES + 1) - basis @ basis.T) + 1e-6 * noise


def errors(label: str, fit: str) -> np.ndarray:
    w = weights(label, fit)
    return np.array(
        [np.sum((u - w @ f) ** 2) / np.sum(u**2) for f, u in (space(b) for b in SPACES)]
    )


def row_record(label: str, fit: str, study: str = "crossval", **case) -> dict:
    own = errors(label, fit)[SPACES.index(label)]
    case = {
        "problem": "operator-1d",
        "operator": "poisson",
        "space": label,
        "N": NODES,
        "method": "linear-map",
        "fit": fit,
        "iterations": {"closed-form": 0, "gd": 2000, "adam": 5000}[fit],
    } | case
    content = synthetic.record(study, f"linear-map-{fit}-{label}", **case)
    for key in ("modes", "waves"):
        del content["case"][key]
    content["case"] |= {"prepared_on": label, "asked": SPACES}
    off = {"closed-form": 1e-16, "gd": 3e-13, "adam": 0.2}[fit]
    content["metrics"] = {
        "rel_mse": own,
        "mse": own * 1e-3,
        "train_rel_mse": own,
        "condition": float(np.linalg.cond(space(label)[0])),
        "off_span": off,
        "to_closed_form": off * 3 if fit != "closed-form" else 0.0,
        "probe_rel": float(
            np.linalg.norm(weights(label, fit) - exact_operator())
            / np.linalg.norm(exact_operator())
        ),
    }
    content["counters"] = {"iterations": content["case"]["iterations"], "samples": 2000, "rank": 5}
    content["checks"] = [synthetic.check("truth_residual", 1e-15, "<=", 1e-12)]
    content["timings"] = {
        "prepare": synthetic.timing(0.02),
        "apply": synthetic.timing(0.001),
    }
    content["fom"] = []
    return content


def write_row_data(path: Path, label: str, fit: str, probe: bool = True) -> None:
    with h5py.File(path, "w") as file:
        file["asked/label"] = np.array(SPACES, dtype=STRINGS)
        file["asked/rel_mse"] = errors(label, fit)
        if fit != "closed-form":
            iteration = np.unique(np.geomspace(1, 2000, 40).astype(int))
            file["history/iteration"] = iteration
            file["history/loss"] = 1e-2 / iteration ** (2.0 if fit == "gd" else 1.0)
        if probe:
            w = weights(label, fit)[1:-1]
            file["probe/answer"], file["probe/exact"] = w, exact_operator()[1:-1]
            file["probe/x"] = np.linspace(0, 1, NODES + 1)
            singular = np.linalg.cond(w[:, 1:-1]) > 1e14
            mass = (4 * np.eye(NODES - 1) + np.eye(NODES - 1, k=1) + np.eye(NODES - 1, k=-1)) / 6
            stencil = mass / NODES @ np.linalg.pinv(w[:, 1:-1])
            file["probe/inverse"] = stencil * np.nan if singular else stencil


def matrix_record(fit: str, study: str = "crossval", **case) -> dict:
    table = np.array([errors(a, fit) for a in SPACES])
    contains = np.array([[elements(b) <= elements(a) for b in SPACES] for a in SPACES])
    own = np.maximum(np.diag(table), 1e-300)[:, None]
    row = row_record(SPACES[0], fit, study, **case)
    common = {k: v for k, v in row["case"].items() if k not in ("space", "prepared_on", "asked")}
    content = row | {"id": f"cross-validation-{fit}-0a1b", "checks": [], "counters": {}}
    content["case"] = common | {"synthesis": "cross-validation", "error": "rel_mse", "tau": 1e-16}
    inside = table[contains]
    worst = table.max(axis=1)
    content["metrics"] = {
        "sgi": float((table <= np.maximum(1e-16, 10 * own))[contains].mean()),
        "ood_jump": float(np.median(np.log10(np.maximum(table, 1e-300) / own)[~contains])),
        "diagonality": 0.1,
        "in_span_max": float(inside.max()),
        "out_of_span_min": float(table[~contains].min()),
        "broadest": int(worst.argmin()),
        "broadest_worst": float(worst.min()),
    }
    content["timings"] = {"rows": synthetic.timing(0.021 * len(SPACES))}
    return content


def write_matrix_data(path: Path, fit: str) -> None:
    rows = [row_record(a, fit) for a in SPACES]
    with h5py.File(path, "w") as file:
        file["matrix/label"] = np.array(SPACES, dtype=STRINGS)
        file["matrix/family"] = np.array([family(s) for s in SPACES], dtype=STRINGS)
        file["matrix/rel_mse"] = np.array([errors(a, fit) for a in SPACES])
        contains = [[elements(b) <= elements(a) for b in SPACES] for a in SPACES]
        file["matrix/contains"] = np.array(contains, dtype="i1")
        file["row/id"] = np.array([r["id"] for r in rows], dtype=STRINGS)
        for name in rows[0]["metrics"]:
            file[f"row/{name}"] = np.array([r["metrics"][name] for r in rows])
        file["row/seconds"] = np.full(len(rows), 0.021)


def write_cross_validation(out: Path, fits=FITS, probe: bool = True) -> Path:
    """A complete study: rows and matrix of each fit."""
    for fit in fits:
        for label in SPACES:
            folder = synthetic.write(out, row_record(label, fit))
            write_row_data(folder / "data.h5", label, fit, probe)
        folder = synthetic.write(out, matrix_record(fit))
        write_matrix_data(folder / "data.h5", fit)
    return out


# ---- rates ---------------------------------------------------------------------------------------


def rate_record(order: int, found: bool = True, study: str = "convergence", **case) -> dict:
    case = {"problem": "coefficient-1d", "method": "fd-fit", "order": order} | case
    content = synthetic.record(study, f"convergence-N-q{order}", **case)
    for key in ("modes", "waves"):
        del content["case"][key]
    content["case"] |= {
        "synthesis": "convergence",
        "axis": "N",
        "error": "coefficient_rel_abs",
        "refine": "up",
        "expected": order,
        "points": [f"fd-fit-N{n}-q{order}" for n in (8, 16, 32, 64, 128)],
    }
    rate = {"": order - 0.01, "_low": order - 0.03, "_high": order + 0.01, "_from": 32, "_to": 128}
    rate |= {"_points": 3, "_constant": 0.9}
    content["metrics"] = {f"rate{k}": v if found else None for k, v in rate.items()}
    content["checks"] = [
        synthetic.check("rate_found", int(found), "==", 1) | {"pass": found},
    ]
    content["status"] = "ok" if found else "invalid"
    content["timings"], content["counters"], content["fom"] = {}, {}, []
    return content


def write_rate_data(path: Path, order: int, reason: str = "") -> None:
    x = np.array([8.0, 16.0, 32.0, 64.0, 128.0])
    with h5py.File(path, "w") as file:
        file["convergence/x"] = x
        file["convergence/error"] = 0.9 * x ** (0.01 - order) * (1 + 20.0 / x**2 * (x < 30))
        file["convergence/used"] = ((x > 30) & (not reason)).astype("i1")
        file["convergence/id"] = np.array([f"fd-fit-N{n:g}-q{order}" for n in x], dtype=STRINGS)
        file["convergence/reason"] = np.array([reason], dtype=STRINGS)


def point_record(n: int, order: int, study: str = "convergence") -> dict:
    content = synthetic.record(
        study, f"fd-fit-N{n}-q{order}", problem="coefficient-1d", method="fd-fit", N=n, order=order
    )
    for key in ("modes", "waves"):
        del content["case"][key]
    content["metrics"] = {"coefficient_rel_abs": 0.9 * n**-order}
    content["checks"] = [synthetic.check("truth_residual", 1e-15, "<=", 1e-12)]
    content["counters"], content["fom"], content["data"] = {}, [], None
    return content


def write_convergence(out: Path, orders=(2, 4), reasons=("", "")) -> Path:
    """A complete study: points and one rate per order."""
    for order, reason in zip(orders, reasons):
        for n in (8, 16, 32, 64, 128):
            synthetic.write(out, point_record(n, order))
        folder = synthetic.write(out, rate_record(order, not reason))
        write_rate_data(folder / "data.h5", order, reason)
    return out
