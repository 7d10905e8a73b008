# SPDX-License-Identifier: BSD-3-Clause
"""What moho and PyTorch are asked to train and to answer: the cases of moho-bench
(benchmarks/micro/nn_benchmarks.cpp), by their names there."""
from __future__ import annotations

from dataclasses import dataclass, field

MEASURED = ("train", "infer", "latency")
TYPES = {"f32": "float32", "f64": "float64"}


def dense(*sizes: int) -> int:
    """Parameters of dense layers, one behind the other."""
    return sum((inside + 1) * outside for inside, outside in zip(sizes, sizes[1:]))


def fno(axes: int, width: int, modes: int, layers: int = 4, projection: int = 128) -> int:
    """Parameters of an FNO of one channel; a complex number counts twice, modes of all axes but the
    last have both signs."""
    spectral = 2 * width * width * modes**axes * 2 ** (axes - 1)
    return (dense(1 + axes, width) + layers * (spectral + dense(width, width))
            + dense(width, projection, 1))


@dataclass(frozen=True)
class Job:
    """One case. `parameters`: real numbers; `items`: in a batch; `targets`: {(what, type): ratio to
    PyTorch that is asked for} on a host, `on_device`: on a device."""

    name: str
    parameters: int
    items: int
    unit: str
    targets: dict = field(default_factory=dict)
    on_device: dict = field(default_factory=dict)


TRAIN = ("train", "f32")
JOBS = (
    Job("fno1d", fno(1, 64, 16), 20, "samples", {TRAIN: 1.8, ("infer", "f32"): 2.0}, {TRAIN: 1.3}),
    Job("fno2d", fno(2, 32, 12), 20, "samples",
        {TRAIN: 3.0, ("infer", "f32"): 3.5, ("train", "f64"): 6.0}, {TRAIN: 1.3}),
    Job("deeponet", dense(100, *4 * [128]) + dense(2, *4 * [128]) + 1, 256, "functions",
        {TRAIN: 0.97}, {TRAIN: 0.9}),
    Job("mlp", dense(30, *4 * [256], 60), 1024, "samples", {TRAIN: 0.97}, {TRAIN: 0.9}),
    Job("pinn_convection", dense(2, *4 * [50], 1), 10000, "points", {TRAIN: 2.0}, {TRAIN: 2.0}),
    Job("pinn_burgers", dense(2, *4 * [50], 1), 10000, "points", {TRAIN: 3.0}, {TRAIN: 2.0}),
)
