# SPDX-License-Identifier: BSD-3-Clause
"""What a solver made of each published point, in the words of the reliability table.

    ok        the root exists and the answer lies within `tolerance` (relative) of it
    missing   the root exists and there is no answer: none was returned, or the call raised
    jumped    the answer is within `tolerance` of another published root of the same model, wave
              and period: that of another mode, or of the other branch of a fold
    wrong     an answer that is no published root (jumps to modes that are not listed included)
    invented  an answer where the mode does not exist, and it is no published root either
    none      rightly no answer

Each asked point is in exactly one class. Points = ok + missing + jumped + wrong + invented, that is
the published roots and the points that a solver added to them; `exceptions` are calls that raised
although the curve has roots, and their points stand under missing.
"""
from __future__ import annotations

import numpy as np

CLASSES = ("ok", "missing", "jumped", "wrong", "invented", "none")
BAD = ("missing", "jumped", "wrong", "invented")
TOLERANCE = 5e-6  # five times the step at which disba and surf96 stop


def classify(answer, truth, roots, tolerance: float = TOLERANCE) -> list[str]:
    """A class for each period of one curve. `answer`, `truth`: (periods), NaN = none; `roots`: all
    published roots of each period, any mode."""
    answer, truth = np.asarray(answer, float), np.asarray(truth, float)
    if not answer.shape == truth.shape == (len(roots),):
        raise ValueError(
            f"answer, truth and roots differ in length: {answer.shape}, {truth.shape}, {len(roots)}"
        )
    return [_one(a, t, np.asarray(r, float), tolerance) for a, t, r in zip(answer, truth, roots)]


def _one(answer: float, truth: float, roots: np.ndarray, tolerance: float) -> str:
    exists = np.isfinite(truth)
    if not np.isfinite(answer) or answer <= 0:
        return "missing" if exists else "none"
    if exists and abs(answer / truth - 1) <= tolerance:
        return "ok"
    if roots.size and np.min(np.abs(answer / roots - 1)) <= tolerance:
        return "jumped"
    return "wrong" if exists else "invented"


def assess(curves, solve, tolerance: float = TOLERANCE) -> list[dict]:
    """Runs `solve(curve, mode) -> (periods) answers, NaN = none` on every mode of every curve.
    Rows: file, name, wave, mode, the count of each class, exceptions. What `solve` raises as
    ArithmeticError or RuntimeError is the solver's own refusal."""
    rows = []
    for curve in curves:
        for mode, truth in enumerate(curve.phase):
            raised = 0
            try:
                answer = solve(curve, mode)
            except (ArithmeticError, RuntimeError):
                answer = np.full(truth.shape, np.nan)
                raised = int(np.isfinite(truth).any())
            found = classify(answer, truth, curve.roots, tolerance)
            counts = {name: found.count(name) for name in CLASSES}
            where = {"file": curve.file, "name": curve.name, "wave": curve.wave, "mode": mode}
            rows.append(where | counts | {"exceptions": raised})
    return rows


def totals(rows: list[dict]) -> dict[str, int]:
    """Sums over rows, and `points`: the roots that exist and those that were invented."""
    out = {name: sum(row[name] for row in rows) for name in (*CLASSES, "exceptions")}
    return {"points": sum(out[name] for name in ("ok", *BAD))} | out
