# SPDX-License-Identifier: BSD-3-Clause
"""Fitted rates, read from the records of the executable."""
import json
import numpy as np
import pytest
from conftest import workplace

axis, kill_all, reference, sets, SMOKE = (workplace.axis, workplace.kill_all,
                                          workplace.reference, workplace.sets, workplace.SMOKE)
FD = "convergence-fd.toml"
N = [16, 32, 64, 128]
ONE_ORDER = "convergence.limits.rate={ least = 0 }"


def biases(place):
    """(order, space) -> {N: (w - k) / k}"""
    found = {}
    for path in place.results():
        record = json.loads(path.read_text())
        case = record["case"]
        if "synthesis" not in case:
            found.setdefault((case["order"], case["space"]), {})[case["N"]] = \
                record["metrics"]["coefficient_rel"]
    return found


@pytest.mark.parametrize("k", [1, 0.37])
def test_bias_equals_the_table(place, k):
    """A1: values, exactness below the order, growth with p, slopes at p = q."""
    spaces = [f"poly{p}" for p in range(9)] + ["sin1", "sin4", "sin8", "cos2", "cos8"]
    place.json("run", SMOKE / FD, *sets(axis("space", spaces), axis("N", N), f"problem.k={k}"),
               code=2)  # exact spaces have no rate, which breaks the limit on it
    expected, compared = reference("crossval1d.json")["fd_parameter"]["table"], 0
    for (order, space), values in biases(place).items():
        if space.startswith("poly") and int(space[4:]) < order:
            assert max(abs(values[16]), abs(values[32])) < 1e-12
        for n, value in expected.get(f"q{order}_{space}", []):
            if abs(value) > 1e-11:  # below: round-off of double precision
                assert abs(values[n] - value) <= max(1e-8 * abs(value), 2e-12), (order, space, n)
                compared += 1
    assert compared > 80
    found = biases(place)
    for order in (2, 4, 6):
        by_degree = [abs(found[order, f"poly{p}"][16]) for p in range(order, 9)]
        assert by_degree == sorted(by_degree)
    for order in (2, 4):
        bias = found[order, f"poly{order}"]
        assert abs(np.log2(bias[64] / bias[128]) - order) < 0.15


def test_rates_of_three_orders(shared):
    """Every interval is narrow and its rate is the order of the stencil."""
    fits = shared("fd", FD).fits()
    assert len(fits) == 6
    for record, data in fits:
        case, metrics = record["case"], record["metrics"]
        assert record["status"] == "ok"
        assert abs(metrics["rate"] - case["order"]) < 0.15
        assert metrics["rate_high"] - metrics["rate_low"] < 0.6
        used = data["convergence/used"].astype(bool)
        assert used.sum() == metrics["rate_points"]
        assert data["convergence/x"][used].min() == metrics["rate_from"]
        assert data["convergence/x"][used].max() == metrics["rate_to"]
        assert data["convergence/reason"] == [""]
        # The line is where the points are.
        line = metrics["rate_constant"] * data["convergence/x"][used] ** -metrics["rate"]
        assert np.allclose(line, data["convergence/error"][used], rtol=0.25)


def test_exact_answers_have_no_rate(place):
    place.study(FD, axis("order", [4]), axis("space", ["poly2"]), code=2)
    (record, data), = place.fits()
    assert record["status"] == "invalid"
    assert record["metrics"]["rate"] is None and record["metrics"]["rate_points"] is None
    assert data["convergence/reason"] != [""]
    assert not data["convergence/used"].any()


def test_an_expected_rate_that_is_wrong_is_found_out(place):
    place.study(FD, axis("order", [2]), axis("space", ["sin2"]), "convergence.expected=4", code=2)
    (record, _), = place.fits()
    broken = [check["name"] for check in record["checks"] if not check["pass"]]
    assert broken == ["rate_expected"]


def test_seeds_are_pooled(place):
    place.study("convergence-samples.toml")
    (record, data), = place.fits()
    assert len(data["convergence/x"]) == 16 and record["metrics"]["rate_points"] == 4
    assert record["metrics"]["rate_low"] < 1 < record["metrics"]["rate_high"]
    # One fit per seed where they are not pooled: less certain, most of them.
    pooled = record["metrics"]["rate_high"] - record["metrics"]["rate_low"]
    place.json("run", SMOKE / "convergence-samples.toml", *sets("convergence.pool=[]"), code=2)
    singles = [r["metrics"] for r, _ in place.fits() if r["id"] != record["id"]]
    widths = [np.inf if m["rate"] is None else m["rate_high"] - m["rate_low"] for m in singles]
    assert len(singles) == 4 and np.median(widths) > 1.5 * pooled


def test_what_does_not_refine_has_no_rate(place):
    """The error scatters with the seed, and does not fall with it."""
    place.study("convergence-samples.toml", axis("train", [400]), axis("seed", list(range(1, 9))),
                "convergence.axis=seed", "convergence.pool=[]", code=2)
    (record, data), = place.fits()
    assert record["metrics"]["rate"] is None
    assert data["convergence/reason"][0]


def test_finite_elements_are_of_order_two_for_other_coefficients(place):
    for k in (1, 3):
        place.study("convergence-fem.toml", f"problem.k={k}",
                    axis("operator", ["poisson", "biharmonic-clamped", "reaction-diffusion"]),
                    axis("space", ["poly3", "cos2"]))
    fits = place.fits()
    assert len(fits) == 12
    assert all(abs(record["metrics"]["rate"] - 2) < 0.1 for record, _ in fits)


SMALL = (axis("order", [2]), axis("space", ["sin2", "cos4"]), axis("N", N))


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_any_number_of_ranks_gives_the_same_rates(shared, place, ranks):
    place.study(FD, *SMALL, ranks=ranks)
    one = {record["id"]: record["metrics"] for record, _ in shared("small", FD, *SMALL).fits()}
    assert one == {record["id"]: record["metrics"] for record, _ in place.fits()}
    assert len(one) == 2


def test_a_finished_study_does_no_work(shared):
    place = shared("small", FD, *SMALL)
    before = {path: path.stat().st_mtime_ns for path in place.results()}
    report = place.study(FD, *SMALL)
    assert {case["action"] for case in report["cases"]} == {"skipped"}
    assert before == {path: path.stat().st_mtime_ns for path in place.results()}


def test_another_tolerance_needs_no_case_again(place):
    """A synthesis is made from records: to judge it anew runs nothing."""
    place.study(FD, *SMALL)
    report = place.study(FD, *SMALL, "convergence.tolerance=0.2")
    ran = [case["id"] for case in report["cases"] if case["action"] == "ran"]
    assert len(ran) == 2 and all(name.startswith("convergence-") for name in ran)


@pytest.mark.parametrize("ranks", [0, 2])
def test_killed_and_resumed(place, ranks):
    slow = (*SMALL, "measure.min_time=0.2")
    process = place.start("run", SMOKE / FD, *sets(*slow), ranks=ranks)
    place.wait_for(lambda: len(place.results()) >= 2, process)
    kill_all(process)
    before = {path: path.read_bytes() for path in place.results()}
    assert 2 <= len(before) < 10
    place.study(FD, *slow, ranks=ranks)
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(place.fits()) == 2 and len(place.results()) == 10


@pytest.mark.parametrize("override, parts", [
    ("convergence.axis=M", ["unknown axis 'M'", "did you mean 'N'?"]),
    ("convergence.axis=space", ["its values are no numbers"]),
    ("convergence.error=coefficient_real", ["unknown metric", "'coefficient_rel'"]),
    ("axes.N=[16]", ["convergence.axis", "it has one value"]),
    ("axes.N=[]", ["axes.N is empty"]),
    ("axes.N=[4, 8, 16]", ["does not fit N = 4"]),
    ("axes.order=[3]", ["order = 3 is odd"]),
    ("convergence.refine=sideways", ["convergence.refine", "up, down"]),
    ('convergence.pool=["sed"]', ["convergence.pool", "unknown axis 'sed'"]),
    ("convergence.tolerance=-1", ["convergence.tolerance = -1"]),
    ("convergence.limits.raet=1", ["convergence.limits.raet", "'rate'"]),
    ("problem.operator=advection-diffusion", ["no single coefficient"]),
    ("problem.operator=poison", ["problem.operator", "poisson"]),
    ("method.name=linear-map", ["does not answer 'coefficient-1d'"]),
])
@pytest.mark.parametrize("ranks", [0, 2])
def test_bad_input_is_named_and_nothing_is_written(place, override, parts, ranks):
    message = place.refused("run", SMOKE / FD, "--set", override, ranks=ranks)
    assert all(part in message for part in parts), message
    assert not place.runs.exists()


def test_a_stencil_that_does_not_fit_is_named(place):
    place.study(FD, axis("order", [12]), axis("N", [8, 64, 128]), axis("space", ["sin2"]), code=4)
    failed = [json.loads(path.read_text()) for path in place.results()]
    errors = [record["error"] for record in failed if record["status"] == "failed"]
    assert len(errors) == 1 and "needs 12 intervals" in errors[0]
    assert place.fits() == []
