# SPDX-License-Identifier: BSD-3-Clause
"""Scaling of training: the time of a step, not of an answer, and how long ranks wait for others."""
import numpy as np
import pytest
from synthetic_fem import plain, write
from test_panels import records_of

import figures_speed
import load
import plot_speed
import style
import tables_speed
from figure import Drawn


def trained(ranks: int, seconds: float, exposed: float = 0.02, batch: int = 20) -> dict:
    content = plain("nets", f"fno-r{ranks}-0123456789", problem="darcy-operator", method="fno",
                    batch_per_rank=True, ranks=ranks)
    content["counters"] |= {"step_items": batch * ranks, "steps": 8}
    content["metrics"] = {"step_seconds": seconds, "train_seconds": 9.0, "exposed_share": exposed}
    return content


def weak(*contents):
    return tables_speed.weak_scaling_table(records_of(*contents))


def test_the_time_is_that_of_a_step():
    table = weak(trained(1, 0.5), trained(2, 0.625, 0.07))
    assert table["time"].tolist() == [0.5, 0.625]
    assert table["efficiency"].tolist() == pytest.approx([1, 0.8])
    assert table["exposed"].tolist() == [0.02, 0.07]
    assert "20 items per rank" in table["series"][0]


def test_an_unknown_time_is_left_out():
    assert weak(trained(1, 0.5), trained(2, None)).empty


def test_another_batch_per_rank_is_no_weak_scaling():
    assert weak(trained(1, 0.5), trained(2, 0.5, batch=10)).empty


def test_a_training_of_equal_steps_is_strong_scaling():
    records = records_of(trained(1, 0.5), trained(2, 0.25, batch=10))
    table = tables_speed.scaling_table(records)
    assert table["speedup"].tolist() == pytest.approx([1, 2])
    assert tables_speed.weak_scaling_table(records).empty


def test_the_figure_shows_what_ranks_wait(tmp_path):
    for content in (trained(1, 0.5), trained(2, 0.625, 0.07)):
        write(tmp_path, content)
    drawn = Drawn()
    records = load.load(tmp_path).of_study("nets")
    figures_speed.add("nets", records, drawn)
    figure, = (f for f in drawn.figures if f.name == "nets-weak-scaling")
    assert "waiting for other ranks (at most 7%)" in figure.caption
    assert "medians over the steps" in figure.caption and "95 %" not in figure.caption
    drawing = plot_speed.weak_scaling(tables_speed.weak_scaling_table(records))
    assert "waiting" in drawing.axes[2].get_ylabel() and drawing.axes[2].get_ylim()[1] >= 0.1
    assert style.render(figure.make)[:4] == b"\x89PNG"


def test_where_nothing_was_trained_the_balance_is_shown():
    table = weak(trained(1, 0.5), trained(2, 0.625)).assign(exposed=np.nan, balance=0.9)
    assert "fastest" in plot_speed.weak_scaling(table).axes[2].get_ylabel()
