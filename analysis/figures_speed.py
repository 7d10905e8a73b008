# SPDX-License-Identifier: BSD-3-Clause
"""Figures of throughput, scaling and other codes that the records of a study give."""
from __future__ import annotations

import numpy as np
import pandas as pd

import load
import plot_peers
import plot_speed
import plot_sureness
import tables_speed
from figure import Drawn, Figure, slug


def add(study: str, records: list[load.Record], drawn: Drawn) -> None:
    """Adds what these records give to `drawn`."""
    _throughput(study, records, drawn)
    _axes(study, records, drawn)
    _scaling(study, records, drawn)
    _weak_scaling(study, records, drawn)
    _peers(study, records, drawn)
    _reliability(study, records, drawn)


def of_table(records: list[load.Record], table: pd.DataFrame) -> list[load.Record]:
    """The records that a table was made from."""
    return [r for r in records if r["id"] in set(table["id"])]


def _throughput(study: str, records: list[load.Record], drawn: Drawn) -> None:
    table = tables_speed.throughput_table(records)
    if table.empty:
        if len({r["case"].get("layers") for r in records} - {None}) > 1:
            drawn.missing.append(
                "throughput (no valid case has the figure of merit curves_per_second)"
            )
        return
    best = table.loc[table["curves_per_second"].idxmax()]
    text = (
        "Speed against the number of layers, up to "
        f"{_plain(best['curves_per_second'])} curves per second at {best['layers']} layers "
        f"({best['series']}). One curve is phase and group velocity of the fundamental "
        "mode of one wave over all periods; each root's certificate is included. Bars: "
        "95 % interval of the median time."
    )
    if np.isfinite(table["gemm_fraction"]).any():
        text += (
            " The share of the matrix-product rate is relative to that measured on the same cores."
        )
    else:
        text += " The machine's own rates are not in these records, so no share of them is shown."
    drawn.figures.append(
        Figure(
            f"{slug(study)}-throughput",
            text,
            lambda: plot_speed.throughput(table),
            of_table(records, table),
        )
    )


def _axes(study: str, records: list[load.Record], drawn: Drawn) -> None:
    """Only where more varies than the layers, which have a figure of their own."""
    table = tables_speed.axes_table(records)
    if table.empty or set(table["axis"]) == {"layers"}:
        return
    best = table.loc[table["roots_per_second"].idxmax()]
    text = (
        "Certified roots per second against each axis of the study, every other axis at the value "
        f"that most cases have. Up to {_plain(best['roots_per_second'])} roots per second, at "
        f"{best['axis']} = {best['value']} ({best['series']}). Bars: 95 % interval of the median "
        "time."
    )
    drawn.figures.append(
        Figure(
            f"{slug(study)}-axes",
            text,
            lambda: plot_speed.axes_figure(table),
            of_table(records, table),
        )
    )


def _plain(value: float) -> str:
    """Four digits without an exponent where that is short: 12.34, 10240."""
    return f"{float(f'{value:.4g}'):.10g}"


def crowded(record: load.Record) -> bool:
    """More ranks on a node than it has cores: such times say nothing about scaling."""
    hosts = pd.Series([b["host"] for b in record["provenance"]["run"]["binding"]])
    threads = record["provenance"]["run"]["threads"]
    return bool(hosts.value_counts().max() * threads > record["provenance"]["host"]["cores"])


def _scaling(study: str, records: list[load.Record], drawn: Drawn) -> None:
    table = tables_speed.scaling_table(records)
    if table.empty:
        if any("ranks" in r["case"] for r in records):
            have = sorted({r.ranks for r in records})
            if not tables_speed.weak_scaling_table(records).empty:
                return
            drawn.missing.append(
                f"scaling (needs the same case at two rank counts; here: "
                f"{', '.join(map(str, have))}. "
                "Run the study again under another number of ranks into the same folder)"
            )
        return
    last = table.loc[table["ranks"].idxmax()]
    text = (
        f"Strong scaling: speed-up over {last['base']} "
        f"{'rank' if last['base'] == 1 else 'ranks'}, efficiency, and {_evenness(table)}. "
        f"At {last['ranks']} ranks: speed-up {last['speedup'] * 1.0:.3g}, efficiency "
        f"{last['efficiency']:.0%}."
    )
    text += _bars(table)
    if not table["same_work"].all():
        text += " Caution: the counters differ between rank counts, so the work was not the same."
    text += _crowd_caution(records, table)
    drawn.figures.append(
        Figure(
            f"{slug(study)}-scaling",
            text,
            lambda: plot_speed.scaling(table),
            of_table(records, table),
        )
    )


def _evenness(table: pd.DataFrame) -> str:
    if table["exposed"].isna().all():
        return "how evenly the work was spread"
    worst = table["exposed"].max()
    return f"the share of a step spent waiting for other ranks (at most {worst:.0%})"


def _bars(table: pd.DataFrame) -> str:
    if table["lo"].isna().all():
        return " Times are medians over the steps of a training."
    return " Bars: 95 % interval of the median time."


def _crowd_caution(records: list[load.Record], table: pd.DataFrame) -> str:
    crowds = sorted({r.ranks for r in of_table(records, table) if crowded(r)})
    if not crowds:
        return ""
    return (
        f" Caution: at {', '.join(map(str, crowds))} ranks there were more ranks than cores; "
        "these points say nothing about scaling."
    )


def _weak_scaling(study: str, records: list[load.Record], drawn: Drawn) -> None:
    table = tables_speed.weak_scaling_table(records)
    if table.empty:
        return
    last = table.loc[table["ranks"].idxmax()]
    text = (
        "Weak scaling: the work grows with the ranks. Time relative to that on the fewest ranks, "
        f"efficiency with the ideal, and {_evenness(table)}. "
        f"At {last['ranks']} ranks: efficiency {last['efficiency']:.0%}."
    )
    text += _bars(table)
    drawn.figures.append(
        Figure(
            f"{slug(study)}-weak-scaling",
            text + _crowd_caution(records, table),
            lambda: plot_speed.weak_scaling(table),
            of_table(records, table),
        )
    )


# ---- other codes ---------------------------------------------------------------------------------


def _peers(study: str, records: list[load.Record], drawn: Drawn) -> None:
    table = tables_speed.peer_table(records)
    compared = [
        r for r in records if "ratio" in r["metrics"] and r["case"].get("what") != "re-assembly"
    ]
    if len(compared) > len(table):
        drawn.missing.append(
            f"{len(compared) - len(table)} ratios (the two codes did not answer alike, or the "
            "record is not complete)"
        )
    if table.empty:
        return
    rounds = {len(r["metrics"]["ratio"]) for r in of_table(records, table)}
    versions = dict.fromkeys(r["case"].get("version", "") for r in of_table(records, table))
    low, high = table["ratio"].min(), table["ratio"].max()
    text = (
        f"Time of other codes over time of moho on the same core, in turns within one run: medians "
        f"of {' or '.join(map(str, sorted(rounds)))} paired ratios from {plot_peers.short(low)} to "
        f"{plot_peers.short(high)}; "
        "bars are their quartiles. moho's time holds bracketing, mode count and polishing; dashed "
        "lines and upright bars are what the project asks of itself. Where several modes are asked "
        "the peers are called once for each, as their interface has it. "
        f"Peers: {'; '.join(v for v in versions if v)}."
    )
    if (table["busy"] > 1.2).any():
        text += (
            " Caution: other work ran on the core; times are processor times, and the largest wall "
            f"over processor time is {table['busy'].max():.2g}."
        )
    drawn.figures.append(
        Figure(
            f"{slug(study)}-peers",
            text,
            lambda: plot_speed.peers(table),
            of_table(records, table),
        )
    )


def _reliability(study: str, records: list[load.Record], drawn: Drawn) -> None:
    table = tables_speed.reliability_table(records)
    asked = [r for r in records if "missing" in r["counters"]]
    if len(asked) > len(table):
        drawn.missing.append(
            f"reliability of {len(asked) - len(table)} solvers (their counts do not add up)"
        )
    if table.empty:
        return
    text = (
        "What each solver makes of the published points, in order: no answer; the value of "
        "another root; of none; an answer where the mode is not trapped. Bars are shares, numbers "
        "counts; no bar where there is none."
    )
    drawn.figures.append(
        Figure(
            f"{slug(study)}-reliability",
            text,
            lambda: plot_sureness.reliability(table),
            of_table(records, table),
        )
    )
