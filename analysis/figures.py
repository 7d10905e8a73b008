# SPDX-License-Identifier: BSD-3-Clause
"""All figures that records give.

A figure is drawn from records alone: nothing here knows a value that is not in them; a figure whose
record is missing is left out, and said so.
"""
from __future__ import annotations

import figures_convergence
import figures_dispersion
import figures_fem
import figures_generalization
import figures_speed
import figures_training
import load
from figure import Drawn
from load_synthesis import points


def of_study(
    study: str, records: list[load.Record], max_curves: int = 6, settings: dict | None = None
) -> Drawn:
    """Every figure that the records of one study give; `settings` is its study.toml."""
    drawn = Drawn()
    figures_generalization.add(study, records, drawn)
    figures_convergence.add(study, records, drawn, settings)
    cases = points(records)
    figures_speed.add(study, cases, drawn)
    figures_dispersion.add(study, cases, max_curves, drawn)
    figures_fem.add(study, cases, drawn)
    figures_training.add(study, cases, drawn)
    return drawn


def of_micro(outputs: list[load.Micro]) -> Drawn:
    """The figure of the outputs of moho-bench."""
    return figures_speed.of_micro(outputs)
