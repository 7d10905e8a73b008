# SPDX-License-Identifier: BSD-3-Clause
"""Rates: which points are used, the line, its interval, and why there is none."""
import h5py
import numpy as np
import pytest
from test_report import quick, write
from test_synthesis import of, record_at

import figures_convergence
import load
import load_synthesis
import plot_convergence
import style
import synthetic_maps as maps
from synthetic import changed


@pytest.fixture
def rates(tmp_path):
    reason = "the errors do not fall"
    maps.write_convergence(tmp_path, (2, 4), ("", reason))
    return tmp_path


@quick
def test_no_line_without_a_rate_and_the_reason_is_told(rates):
    page = write(rates)
    assert "order = 4 has no rate." in page.text
    assert "No rate: order = 4: the errors do not fall" in page.text and "1 / 2" in page.text
    series = [
        (str(q), load_synthesis.read_rate(record_at(rates / "convergence" / f"convergence-N-q{q}")))
        for q in (2, 4)
    ]
    with style.theme():
        lines = [
            sum(line.get_linestyle() == "-" for line in figure.axes[0].lines)
            for figure in (plot_convergence.convergence([("", [one])]) for one in series)
        ]
    assert lines == [2, 0]  # the fit and its triangle


def test_used_points_are_filled(rates):
    rate = load_synthesis.read_rate(record_at(rates / "convergence" / "convergence-N-q2"))
    with style.theme():
        axes = plot_convergence.convergence([("", [("", rate)])]).axes[0]
    used, unused = axes.lines[:2]
    assert list(used.get_xdata()) == [32, 64, 128] and used.get_markerfacecolor() != "none"
    assert list(unused.get_xdata()) == [8, 16] and unused.get_markerfacecolor() == "none"


@pytest.mark.parametrize("refine, slope", [("up", -2.0), ("down", 2.0)])
def test_line_falls_with_the_rate_under_refinement(refine, slope):
    content = changed(maps.rate_record(2), "case.refine", refine)
    content["metrics"]["rate"] = 2.0
    record = load.Record(None, content)
    rate = load_synthesis.Rate(record, np.ones(1), np.ones(1), np.ones(1, bool), ["a"], "")
    y = plot_convergence._fitted(rate, np.array([1.0, 10.0]))
    assert np.log10(y[1] / y[0]) == pytest.approx(slope)


@pytest.mark.parametrize("refine, side", [("up", "left"), ("down", "right")])
def test_rates_stand_at_the_fine_end_and_apart(refine, side):
    x = np.array([32.0, 64.0, 128.0])
    series = []
    for name in "abc":  # three lines that all but coincide
        content = changed(maps.rate_record(2), "case.refine", refine)
        record = load.Record(None, content)
        rate = load_synthesis.Rate(record, x, np.ones(3), np.ones(3, bool), list("123"), "")
        rate.error = plot_convergence._fitted(rate, x)
        series.append((name, rate))
    with style.theme():
        axes = plot_convergence.convergence([("", series)]).axes[0]
    texts = [t for t in axes.texts if "±" in t.get_text()]
    assert len(texts) == 3 and {t.get_ha() for t in texts} == {side}
    assert {t.xy[0] for t in texts} == {32.0 if refine == "down" else 128.0}
    heights = sorted(t.xyann[1] for t in texts)
    assert np.diff(heights).min() > 9
    triangles = [line for line in axes.lines if len(line.get_xdata()) == 4]
    assert len(triangles) == 1  # they share what is expected


@pytest.mark.parametrize("replicated", [False, True])
def test_interval_is_called_what_it_is(rates, replicated):
    path = rates / "convergence" / "convergence-N-q2" / "data.h5"
    if replicated:
        with h5py.File(path, "r+") as file:
            file["convergence/x"][3] = 32.0  # beside another that the fit uses
    (rates / "convergence" / "convergence-N-q4" / "result.json").unlink()
    figure = of(rates, "convergence").figures[0]
    scatter = "95 % interval of the scatter about the line"
    assert (scatter in figure.caption) == (scatter in figure.quote) == (not replicated)
    assert ("is bias, which the interval does not cover" in figure.caption) != replicated
    assert ("95 % confidence interval" in figure.quote) == replicated


def test_zero_and_unknown_errors_are_counted(rates):
    path = rates / "convergence" / "convergence-N-q2" / "data.h5"
    with h5py.File(path, "r+") as file:
        file["convergence/error"][0], file["convergence/error"][1] = 0.0, np.nan
    caption = of(rates, "convergence").figures[0].caption
    assert "2 points whose error is zero or not known are not drawn" in caption


def test_more_series_than_fit_are_set_apart():
    rates = []
    for operator in ("poisson", "helmholtz"):
        for order in (2, 4, 6):
            content = maps.rate_record(order, operator=operator)
            record = load.Record(None, content)
            rates.append(load_synthesis.Rate(record, *[np.ones(1)] * 3, ["a"], ""))
    panels = figures_convergence._panels(rates)
    assert [title for title, _ in panels] == ["poisson", "helmholtz"]
    assert [label for label, _ in panels[0][1]] == ["order = 2", "order = 4", "order = 6"]


@quick
def test_missing_case_of_a_rate_is_named(rates):
    (rates / "convergence" / "fd-fit-N8-q2" / "result.json").unlink()
    assert "1 of 5 cases of convergence-N-q2" in write(rates).text
