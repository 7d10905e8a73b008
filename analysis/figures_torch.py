# SPDX-License-Identifier: BSD-3-Clause
"""Figures of networks, and of assembly, beside PyTorch (reference/peers/torch_rounds.py), on the
cores of a host or on a device."""
from __future__ import annotations

import numpy as np
import pandas as pd

import load
import machine
import plot_peers
from figure import Drawn, Figure, slug

PEERS = ["job", "peer", "ranks", "ratio", "low", "high", "target", "version"]
NAMES = {"fno1d": "FNO-1d", "fno2d": "FNO-2d", "deeponet": "DeepONet", "mlp": "MLP",
         "pinn_convection": "PINN, convection", "pinn_burgers": "PINN, Burgers",
         "poisson": "Poisson", "elasticity": "Elasticity"}  # fmt: skip
NETWORKS = {"train": "training step", "infer": "answer", "latency": "answer to one item"}
ASSEMBLY = {"index_add": "sums by index_add", "sparse": "sums by a sparse product"}
KINDS = {"nn-peers": ("PyTorch", NETWORKS), "galerkin-peers": ("assembly in PyTorch", ASSEMBLY)}


def kind_of(record: load.Record) -> str | None:
    """Which comparison with PyTorch a record is: a key of KINDS; None where it is none."""
    what = record["case"].get("what")
    return next((kind for kind, (_, does) in KINDS.items() if what in does), None)


def peer_table(records: list[load.Record]) -> pd.DataFrame:
    """Sound comparisons, in turns. Columns: PEERS; ratio: time of the peer over time of moho,
    geometric mean of the rounds with its 95 % interval."""
    rows = []
    for r in records:
        case, m, kind = r["case"], r["metrics"], kind_of(r)
        if kind is None or r["status"] != "ok" or "ratio_mean" not in m:
            continue
        low, high = (m.get(k) if m.get(k) is not None else m["ratio_mean"]
                     for k in ("ratio_low", "ratio_high"))  # fmt: skip
        name, does = NAMES.get(case["problem"], case["problem"]), KINDS[kind][1]
        if kind == "galerkin-peers":
            name += f", P{case.get('degree', 1)}, {case.get('n', '?')}³"
        job = f"{name}, {does[case['what']]}, {case['type']}"
        target = m.get("target")
        order = (list(does).index(case["what"]), case.get("n", 0))
        rows.append([*order, job, case["method"], case["ranks"], m["ratio_mean"], low, high,
                     np.nan if target is None else target, case.get("version", "")])  # fmt: skip
    table = pd.DataFrame(rows, columns=["what", "n", *PEERS])
    return table.sort_values(["what", "n", "job", "peer"], ignore_index=True)[PEERS]


def add(study: str, records: list[load.Record], drawn: Drawn) -> None:
    """Adds a figure for each kind of comparison, of records of one host or device."""
    for kind, (what, _) in KINDS.items():
        compared = [r for r in records if kind_of(r) == kind]
        table = peer_table(compared)
        if len(compared) > len(table):
            drawn.missing.append(
                f"{len(compared) - len(table)} of {len(compared)} comparisons with {what} "
                "(not sound)"
            )
        if not table.empty:
            _figure(study, kind, compared, table, drawn)


def _figure(study: str, kind: str, compared: list, table: pd.DataFrame, drawn: Drawn) -> None:
    device = machine.device_of(compared[0])
    place = f"on one {device}" if device else "on the same cores"
    same = {
        "nn-peers": "The same network, batch and optimiser",
        "galerkin-peers": "Re-assembly of the same matrix",
    }[kind]
    text = (
        f"{same} in turns within one run {place}: time of "
        f"PyTorch over time of moho, from {table['ratio'].min():.3g} to {table['ratio'].max():.3g};"
        " bars are 95 % intervals of the mean over the rounds, ticks what the project asks of "
        f"itself. Versions: {', '.join(dict.fromkeys(table['version']))}."
    )
    short_of = table[table["ratio"] < table["target"]]
    if len(short_of):
        text += f" Below what was asked: {'; '.join(dict.fromkeys(short_of['job']))}."
    drawn.figures.append(
        Figure(
            name=slug(f"{study}-peers"),
            caption=text,
            make=lambda: plot_peers.ratios(table),
            records=compared,
            kind=kind,
        )
    )
