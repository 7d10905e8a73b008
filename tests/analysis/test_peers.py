# SPDX-License-Identifier: BSD-3-Clause
"""The comparison with other codes: the classification can fail in every way it names, records are
those of the schema, and moho itself is right at every published point."""
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ANALYSIS

import load
import tables_speed

PEERS = ANALYSIS.parent / "reference" / "peers"
DATA = ANALYSIS.parent / "reference" / "physics" / "dispersion"
sys.path.insert(0, str(PEERS))

import classify
import jobs
import peer_records
import reliability
import solvers
import speed

nan = np.nan
DRIVER = os.environ.get("MOHO_PEER_DRIVER")
ABOUT = {
    "version": "0.1.0",
    "compiler": "GNU 12.2.0",
    "flags": "-O3",
    "type": "Release",
    "arch": "native",
    "kokkos": "3.4.1",
    "backend": "Serial",
    "simd_width": 8,
    "sha": "0" * 40,
    "dirty": False,
}


# ---- the words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer, truth, roots, word",
    [
        (3.0, 3.0, [3.0, 3.5], "ok"),
        (3.0 * (1 + 4e-6), 3.0, [3.0, 3.5], "ok"),
        (3.0 * (1 + 6e-6), 3.0, [3.0, 3.5], "wrong"),
        (nan, 3.0, [3.0, 3.5], "missing"),
        (0.0, 3.0, [3.0, 3.5], "missing"),
        (3.5, 3.0, [3.0, 3.5], "jumped"),
        (3.2, 3.0, [3.0, 3.5], "wrong"),
        (3.0, nan, [3.0], "jumped"),  # the value of the mode below, told of one that is not there
        (4.7, nan, [3.0], "invented"),
        (4.7, nan, [], "invented"),
        (nan, nan, [3.0], "none"),
        (np.inf, 3.0, [3.0], "missing"),
    ],
)
def test_each_word(answer, truth, roots, word):
    assert classify.classify([answer], [truth], [roots]) == [word]


def test_near_roots_are_told_apart():
    """Two roots 2e-5 apart: the answer belongs to the one that it is within the tolerance of."""
    roots = [3.0, 3.0 * (1 + 2e-5)]
    assert classify.classify([roots[1]], [roots[0]], [roots]) == ["jumped"]
    assert classify.classify([roots[0]], [roots[0]], [roots]) == ["ok"]


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="differ in length"):
        classify.classify([3.0], [3.0, 3.0], [[3.0], [3.0]])
    with pytest.raises(ValueError, match="differ in length"):
        classify.classify([3.0], [3.0], [])


def synthetic_curves():
    model = jobs.Model(*(np.ones(2) for _ in range(4)), np.array([1.0, 2.0, 3.0]))
    phase = np.array([[3.0, 3.1, 3.2], [3.5, 3.6, nan]])
    roots = [column[np.isfinite(column)] for column in phase.T]
    return [jobs.Curve("ref_x", "model", model, "rayleigh", phase, roots)]


@pytest.mark.parametrize(
    "solve, expected",
    [
        (lambda c, m: c.phase[m], {"ok": 5, "none": 1, "points": 5}),
        (lambda c, m: c.phase[0], {"ok": 3, "jumped": 3, "points": 6}),
        (lambda c, m: np.full(3, nan), {"missing": 5, "none": 1, "points": 5}),
        (lambda c, m: np.full(3, 9.0), {"wrong": 5, "invented": 1, "points": 6}),
    ],
    ids=["truth", "fundamental for all", "silent", "constant"],
)
def test_totals(solve, expected):
    total = classify.totals(classify.assess(synthetic_curves(), solve))
    assert (
        total
        == {
            "ok": 0,
            "missing": 0,
            "jumped": 0,
            "wrong": 0,
            "invented": 0,
            "none": 0,
            "exceptions": 0,
        }
        | expected
    )


def test_exceptions_are_counted_and_their_points_missing():
    def refuse(curve, mode):
        if mode == 1:
            raise RuntimeError("no root")
        return curve.phase[mode]

    total = classify.totals(classify.assess(synthetic_curves(), refuse))
    assert (total["exceptions"], total["missing"], total["ok"]) == (1, 2, 3)
    with pytest.raises(TypeError):  # a fault of the script is not one of the solver
        classify.assess(synthetic_curves(), lambda curve, mode: None + 1)


# ---- the published points ------------------------------------------------------------------------


def test_every_published_point_is_asked():
    curves = jobs.reference_curves(DATA)
    listed = 0
    for path in DATA.glob("ref_*.json"):
        for case in json.loads(path.read_text())["cases"]:
            listed += sum(p is not None for m in case.get("modes", []) for p in m["phase"])
            listed += sum(point["count_at_cmax"] for point in case.get("points", []))
    assert sum(int(np.isfinite(c.phase).sum()) for c in curves) == listed > 10000
    for curve in curves:
        assert (np.diff(curve.model.periods) > 0).all()  # as disba wants them


def test_the_yardstick_can_fail():
    curves = jobs.reference_curves(DATA)
    assert all(c["pass"] for c in reliability.control(curves))
    spoilt = [c for c in curves if c.file == "ref_a_simple"]
    spoilt[0].roots[0][:] *= 1 + 1e-4  # a table of roots that its own truth is not in
    assert all(c["pass"] for c in reliability.control(spoilt))  # truth is compared first ..
    spoilt[0].phase[:] = -1.0  # .. and a truth that cannot be a velocity is caught
    assert not all(c["pass"] for c in reliability.control(spoilt))


def test_fold_modes_are_the_smallest_roots_with_enough_modes_below():
    roots = [{"c": c, "N_above": n} for c, n in ((1.0, 1), (2.0, 2), (2.1, 1), (2.2, 2))]
    case = {
        "name": "fold",
        "points": [{"period": 5.0, "count_at_cmax": 2, "roots": roots}],
        "model": {k: [1.0, 1.0] for k in ("thickness", "vp", "vs", "rho")},
    }
    curve = jobs._fold_curve("ref_fold", case)
    assert curve.phase[:, 0].tolist() == [1.0, 2.0]
    assert classify.classify([2.2], curve.phase[1], curve.roots) == ["jumped"]


@pytest.mark.parametrize("text", ["{", "[]", '{"cases": 3}'])
def test_broken_reference_is_refused(tmp_path, text):
    (tmp_path / "ref_x.json").write_text(text)
    with pytest.raises(ValueError):
        jobs.reference_curves(tmp_path)
    with pytest.raises(ValueError):
        jobs.read_survey(tmp_path / "ref_x.json")


def test_no_reference_at_all_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no ref_"):
        jobs.reference_curves(tmp_path)


# ---- records -------------------------------------------------------------------------------------


class FakePeer:
    name, version = "fake", "fake 1"


def speed_job(what="phase"):
    model = jobs.gradient_models(3, 2, [1.0, 2.0], 100.0, np.random.default_rng(1))
    return jobs.Job(
        "phase-rayleigh-L3", "gradient", model, ("rayleigh",), what, target=10.0, case={"layers": 3}
    )


FOUND = {
    "difference_median": 3e-7,
    "difference_max": 1e-6,
    "peer_points_missing": 0,
    "moho_points_failed": 0,
}


def test_speed_record_meets_the_schema_and_is_read(tmp_path):
    pairs = np.array(
        [[[1.0, 1.1], [10.0, 10.5]], [[1.0, 1.0], [12.0, 12.0]], [[1.0, 1.0], [11.0, 11.0]]]
    )
    content = speed.speed_record(speed_job(), FakePeer, pairs, FOUND, ABOUT, 1)
    assert load.check_record(content) == [] and content["status"] == "ok"
    assert content["metrics"]["ratio"] == [10.0, 12.0, 11.0]
    assert content["fom"][0]["value"] == 11.0 and content["timings"]["moho"]["median"] == 0.5
    peer_records.write(tmp_path, content)
    peer_records.write_study(tmp_path, content["study"], "T", 'with "quotes"')
    runs = load.load(tmp_path)
    assert not runs.problems and runs.studies[content["study"]]["study"]["title"] == "T"
    row = tables_speed.peer_table(runs.records).iloc[0]
    assert (row["ratio"], row["q1"], row["q3"], row["target"]) == (11.0, 10.5, 11.5, 10.0)
    assert abs(row["busy"] - 1.1) < 1e-12 and row["peer"] == "fake" and row["layers"] == 3


@pytest.mark.parametrize(
    "change",
    [
        {"difference_median": 1e-4},
        {"difference_median": nan},
        {"moho_points_failed": 1},
    ],
)
def test_a_ratio_of_unlike_answers_is_void(change):
    pairs = np.ones((3, 2, 2))
    content = speed.speed_record(speed_job(), FakePeer, pairs, FOUND | change, ABOUT, 1)
    assert load.check_record(content) == [] and content["status"] == "invalid"
    assert content["fom"][0]["value"] is None
    assert tables_speed.peer_table([load.Record(Path("x"), content)]).empty


def test_reliability_record_meets_the_schema():
    rows = classify.assess(synthetic_curves(), lambda c, m: c.phase[0])
    content = reliability.solver_record("disba", 0.005, "disba 0.7", rows, ABOUT, 5e-6, [])
    assert load.check_record(content) == []
    assert content["counters"]["jumped"] == 3 and content["counters"]["ref_x.points"] == 6
    table = tables_speed.reliability_table([load.Record(Path("x"), content)])
    assert table.iloc[0]["solver"] == "disba, step 0.005 km/s" and table.iloc[0]["jumped"] == 3
    content["counters"]["jumped"] = 2  # no longer adds up
    assert tables_speed.reliability_table([load.Record(Path("x"), content)]).empty


def test_survey_differences_are_counted(tmp_path):
    class Peer:
        name, step = "disba", 0.005

    told = {"model": {"disba dunkin dc=0.005": {"rayleigh-1": {"other_mode": [1, 2, 3]}}}}
    (tmp_path / "peer_disagreements.json").write_text(json.dumps({"cases": told}))
    rows = classify.assess(synthetic_curves(), lambda c, m: c.phase[0])
    metrics = reliability.survey_metrics(tmp_path, Peer, rows)
    assert metrics == {"survey_curves": 2, "survey_counts_differing": 0}
    rows[1]["jumped"] = 1
    assert reliability.survey_metrics(tmp_path, Peer, rows)["survey_counts_differing"] == 1
    Peer.step = 0.1  # was not surveyed
    assert reliability.survey_metrics(tmp_path, Peer, rows) == {}


def test_timing_interval_is_known_only_from_enough_samples():
    assert peer_records.timing([1.0, 2.0, 3.0])["ci95"] == [None, None]
    low, high = peer_records.timing(np.arange(1.0, 22.0))["ci95"]
    assert 1 < low < 11 < high < 21


# ---- side by side --------------------------------------------------------------------------------


def driver():
    assert DRIVER, "MOHO_PEER_DRIVER must be set (run through ctest)"
    return DRIVER


def test_moho_is_right_at_every_published_point():
    curves = jobs.reference_curves(DATA)
    found, about = reliability.moho_records(driver(), curves, reliability.control(curves))
    assert about["simd_width"] >= 1 and len(about["sha"]) >= 7
    for content in found:
        assert load.check_record(content) == []
        assert content["status"] == "ok", content["counters"]
        assert content["counters"]["ok"] == content["counters"]["points"] > 10000


def test_a_solver_that_is_off_is_not_passed(monkeypatch):
    """The same path with answers that are 1e-8 off: right for a peer, not for moho's own limit."""
    curves = [c for c in jobs.reference_curves(DATA) if c.file == "ref_a_simple"]
    shifted = lambda driver, curves: ((lambda c, m: c.phase[m] * (1 + 1e-8)), ABOUT)
    monkeypatch.setattr(reliability, "moho_answers", shifted)
    loose, strict = reliability.moho_records("none", curves, [])[0]
    assert loose["status"] == "ok" and strict["status"] == "invalid"
    assert strict["fom"][0]["value"] is None


def test_driver_errors_are_told(tmp_path):
    bad = tmp_path / "sets.txt"
    bad.write_text("1\n1 1\n3 2\n1.0 2.0\n1 2 three 4\n")
    result = subprocess.run([driver(), bad], input="about\n", capture_output=True, text=True)
    assert result.returncode == 1 and "cannot read" in result.stderr
    model = jobs.gradient_models(3, 1, [1.0, 2.0], 100.0, np.random.default_rng(1))
    moho = solvers.Moho(driver(), [(1, model)])
    with pytest.raises(OSError, match="died"):
        moho._ask("nonsense 0 rayleigh")
    moho.close()


def test_absent_peers_are_named(tmp_path):
    def gone(scratch):
        raise solvers.Missing("x is not here (no module)")

    assert solvers.peers(tmp_path, {"x": gone}) == ([], ["x is not here (no module)"])


def test_unpinned_run_is_refused(tmp_path):
    command = [sys.executable, PEERS / "speed.py", "--driver", driver(), "--out", tmp_path]
    if len(os.sched_getaffinity(0)) == 1:
        pytest.skip("allowed: one core only, so every run is pinned")
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and "not pinned" in result.stderr


def test_interleaved_run_with_disba(tmp_path):
    """A tiny comparison, where disba is there (MOHO_PEERS_PYTHON names a Python that has it)."""
    python = os.environ.get("MOHO_PEERS_PYTHON", sys.executable)
    here = subprocess.run([python, "-c", "import disba, numba"], capture_output=True)
    if here.returncode:
        pytest.skip("allowed: disba is not installed for this Python")
    core = min(os.sched_getaffinity(0))
    command = [
        "taskset",
        "-c",
        str(core),
        python,
        PEERS / "speed.py",
        "--driver",
        driver(),
        "--out",
        tmp_path,
        "--layers",
        "5",
        "--models",
        "4",
        "--rounds",
        "3",
        "--seconds",
        "0.001",
        "--only",
        "^(phase-.*batch|kernels-love)",
        "--without",
        "surf96",
    ]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=250)
    assert result.returncode == 0, result.stdout + result.stderr
    runs = load.load(tmp_path)
    assert not runs.problems and len(runs.records) == 4
    table = tables_speed.peer_table(runs.records)
    assert set(table["waves"]) == {"rayleigh", "love"} and (table["ratio"] > 0).all()
    assert any(r["id"].startswith("moho-kernels") for r in runs.records)
