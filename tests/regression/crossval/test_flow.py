# SPDX-License-Identifier: BSD-3-Clause
"""Rows and matrices are cases like others: resumed, skipped, the same on any number of ranks."""
import numpy as np
import pytest
from conftest import SMOKE, Conclusions, axis, check_records, kill_all, sets

SMALL = (axis("space", ["poly2", "sin2", "sin4", "fem"]), axis("fit", ["closed-form", "cgls"]),
         axis("draws", ["samples"]), "problem.train=200", "problem.test=100")
RECORDS = 8 + 2


def numbers(place):
    """Everything but times, by record."""
    found = {}
    for record, data in place.matrices():
        arrays = {name: value for name, value in data.items() if name != "row/seconds"}
        metrics = {name: v for name, v in record["metrics"].items() if name != "seconds"}
        found[record["id"]] = (metrics, arrays)
    return found


def assert_same(a, b):
    assert a.keys() == b.keys() and a
    for name in a:
        assert a[name][0] == b[name][0]
        for path, value in a[name][1].items():
            assert np.array_equal(value, b[name][1][path], equal_nan=True) if isinstance(
                value, np.ndarray) else value == b[name][1][path]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    place = Conclusions(tmp_path_factory.mktemp("alone"))
    place.study("crossval-poisson.toml", *SMALL)
    return place


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
@pytest.mark.parametrize("farm", [0, 1])
def test_any_number_of_ranks_gives_the_same_numbers(alone, place, ranks, farm):
    place.study("crossval-poisson.toml", *SMALL, f"measure.ranks_per_case={farm}", ranks=ranks)
    assert len(check_records(place)) == RECORDS
    assert_same(numbers(alone), numbers(place))


def test_a_finished_study_does_no_work(alone):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in alone.files()}
    report = alone.study("crossval-poisson.toml", *SMALL)
    assert [case["action"] for case in report["cases"]] == ["skipped"] * RECORDS
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in alone.files()}
    records = [path for path in before if path.name in ("result.json", "data.h5")]
    assert len(records) == 2 * RECORDS
    assert all(before[path] == after[path] for path in records)


def test_a_lost_row_is_made_again_and_with_it_its_matrix(alone, place):
    place.study("crossval-poisson.toml", *SMALL)
    row = next(p for p in place.results() if "fit_cgls-space_sin2" in p.parent.name)
    row.unlink()
    report = place.study("crossval-poisson.toml", *SMALL)
    ran = [case["id"] for case in report["cases"] if case["action"] == "ran"]
    assert len(ran) == 2
    assert any(name == row.parent.name for name in ran)
    assert any(name.startswith("cross-validation") and "cgls" in name for name in ran)
    assert_same(numbers(alone), numbers(place))


def test_parts_wait_for_the_whole(place):
    """Job arrays: no matrix until every row of it is there."""
    call = ("run", SMOKE / "crossval-poisson.toml", *sets(*SMALL))
    place.json(*call, "--case", "0/2")
    first = place.matrices()
    place.json(*call, "--case", "1/2")
    place.json(*call)
    assert len(place.matrices()) == 2 and len(first) < 2
    assert len(check_records(place)) == RECORDS


@pytest.mark.parametrize("ranks", [0, 2])
def test_killed_and_resumed(place, ranks):
    # Enough training in each row that it is hit half-way.
    slow = (*SMALL, axis("fit", ["adam"]), "method.iterations=60000")
    call = ("run", SMOKE / "crossval-poisson.toml", *sets(*slow))
    process = place.start(*call, ranks=ranks)
    place.wait_for(lambda: len(place.results()) >= 1, process)
    kill_all(process)
    before = {path: path.read_bytes() for path in place.results()}
    assert 1 <= len(before) < 5
    assert all("cross-validation" not in path.parent.name for path in before)
    place.study("crossval-poisson.toml", *slow, ranks=ranks)
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(check_records(place)) == 5
    other = Conclusions(place.path / "other")
    other.path.mkdir()
    other.study("crossval-poisson.toml", *slow)
    assert_same(numbers(place), numbers(other))


@pytest.mark.parametrize("override, parts", [
    ('axes.spce=["sin1"]', ["unknown axis 'axes.spce'", "did you mean 'space'?"]),
    ('cross_validation.over=["spase"]', ["unknown axis 'spase'", "'space'"]),
    ('cross_validation.error="rel_mes"', ["unknown metric 'rel_mes'", "'rel_mse'"]),
    ("cross_validation.tua=1", ["unknown key 'cross_validation.tua'", "'tau'"]),
    ("cross_validation.limits.sgj=1", ["cross_validation.limits.sgj", "'sgi'"]),
    ('axes.space=["snn4", "sin2"]', ["unknown space 'snn4'", "'sin4'"]),
    ('axes.space=["sin4"]', ["a matrix needs two"]),
    ("axes.space=[]", ["axes.space is empty"]),
    ('axes.space=["sin16", "sin2"]', ["'sin16' does not fit N = 16", "p < 16"]),
    ('axes.space=["poly17", "sin2"]', ["'poly17' does not fit N = 16", "p <= 16"]),
    ('axes.fit=["csgl"]', ["csgl", "cgls"]),
    ("method.name=linear-mop", ["unknown method 'linear-mop'", "'linear-map'"]),
    ("problem.name=operator-2d", ["unknown problem 'operator-2d'", "'operator-1d'"]),
    ("problem.operator=poison", ["problem.operator", "poisson"]),
    ("problem.k=0", ["problem.k", "positive"]),
    ("problem.N=3", ["does not fit N = 3"]),
])
@pytest.mark.parametrize("ranks", [0, 2])
def test_bad_input_is_named_and_nothing_is_written(place, override, parts, ranks):
    message = place.refused("run", SMOKE / "crossval-poisson.toml", "--set", override, ranks=ranks)
    assert all(part in message for part in parts), message
    assert not place.runs.exists()


def test_a_resonance_is_refused(place):
    message = place.refused("run", SMOKE / "crossval-operators.toml",
                            *sets(axis("operator", ["helmholtz"]), "problem.w=9.42477796076938"))
    assert "resonance" in message and "n = 3" in message


def test_a_broken_limit_voids_the_matrix(place):
    """Adam's error within the span is no round-off."""
    place.study("crossval-poisson.toml", *SMALL, axis("fit", ["adam"]),
                "cross_validation.limits.in_span_max=1e-18", code=2)
    record, _ = place.matrix()
    assert record["status"] == "invalid"
    broken = [check["name"] for check in record["checks"] if not check["pass"]]
    assert broken == ["in_span_max"]
