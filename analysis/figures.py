# SPDX-License-Identifier: BSD-3-Clause
"""All figures that records give.

A figure is drawn from records alone: nothing here knows a value that is not in them; a figure whose
record is missing is left out, and said so.
"""
from __future__ import annotations

import figures_convergence
import figures_device
import figures_dispersion
import figures_fem
import figures_generalization
import figures_micro
import figures_speed
import figures_torch
import figures_training
import load
from figure import Drawn, slug
from load_synthesis import points


def of_study(
    study: str,
    records: list[load.Record],
    max_curves: int = 6,
    settings: dict | None = None,
    place: str = "",
) -> Drawn:
    """Every figure that the records of one study on one host or device (machine.by_device) give;
    `settings` is its study.toml, `place` the device where it ran on others as well: figures are
    then named by it, as names are anchors and names of files."""
    drawn = Drawn()
    figures_generalization.add(study, records, drawn)
    figures_convergence.add(study, records, drawn, settings)
    cases = points(records)
    figures_speed.add(study, cases, drawn)
    figures_dispersion.add(study, cases, max_curves, drawn)
    figures_fem.add(study, cases, drawn)
    figures_training.add(study, cases, drawn)
    figures_torch.add(study, cases, drawn)
    for one in drawn.figures if place else []:
        one.name += f"-on-{slug(place)}"
    return drawn


def of_micro(outputs: list[load.Micro]) -> Drawn:
    """The figures of the outputs of moho-bench."""
    return figures_micro.of_micro(outputs)


def of_device(runs: load.Runs) -> Drawn | None:
    """The figures of a device beside a host; None where nothing comes from a device."""
    return figures_device.of_device(runs)
