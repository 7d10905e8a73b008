# SPDX-License-Identifier: BSD-3-Clause
"""The generalization matrices of arXiv 2506.15199, read from the records of the executable."""
import json

import numpy as np
import pytest
from conftest import ALL, axis, reference, table

POISSON = "crossval-operators.toml"  # its closed form; crossval-poisson.toml trains in four ways
ONLY = axis("operator", ["poisson"])


def within(data):
    return data["matrix/contains"].astype(bool)


def agrees(values, expected):
    """A2: to 1e-6 relative where the table exceeds 1e-12."""
    large = expected > 1e-12
    return np.all(np.abs(values - expected)[large] <= 1e-6 * expected[large])


@pytest.mark.parametrize("n", [16, 24, 32])
def test_closed_form_equals_the_table(place, n):
    place.study(POISSON, ONLY, axis("space", ALL), f"problem.N={n}")
    record, data = place.matrix()
    expected = reference("crossval1d.json")["N"][str(n)]
    assert data["matrix/label"] == ALL
    assert agrees(data["matrix/rel_mse"], table(expected["rel"]))
    assert agrees(data["matrix/mse"], table(expected["mse"]))
    assert not agrees(data["matrix/rel_mse"].T, table(expected["rel"]))
    assert not agrees(data["matrix/rel_mse"] * (1 + 3e-6), table(expected["rel"]))
    assert record["metrics"]["sgi"] == 1
    assert data["matrix/rel_mse"][within(data)].max() < 1e-18
    assert record["metrics"]["in_span_max"] == data["matrix/rel_mse"][within(data)].max()
    assert record["metrics"]["out_of_span_min"] == data["matrix/rel_mse"][~within(data)].min()


def test_biharmonic_equals_the_table(place):
    place.study(POISSON, axis("operator", ["biharmonic-simply-supported"]), "problem.N=24",
                axis("space", ALL[:24]))
    record, data = place.matrix()
    assert agrees(data["matrix/rel_mse"], table(reference("crossval1d_biharmonic.json")["rel"]))
    assert record["metrics"]["sgi"] == 1 and record["metrics"]["in_span_max"] < 1e-18


def test_two_dimensions_equal_the_table(place):
    expected = reference("crossval2d.json")
    names = [f"sin{p}x{q}" for p, q in expected["sets"]]
    n = expected.get("N", 16)
    place.study("crossval-2d.toml", axis("space", names), f"problem.N={n}",
                "cross_validation.limits.broadest={ least = 15, most = 15 }")
    record, data = place.matrix()
    values, rel = data["matrix/rel_mse"], table(expected["rel"])
    inside = np.array([[r <= p and s <= q for r, s in expected["sets"]]
                       for p, q in expected["sets"]])
    assert np.array_equal(within(data), inside)
    assert np.array_equal(values < 1e-18, inside)  # A6: the pattern of zeros
    assert np.abs(values - rel).max() < 1e-10
    assert np.abs(values.T - rel).max() > 0.1
    assert record["metrics"]["sgi"] == 1


@pytest.mark.parametrize("n, k, operator", [(20, 0.3, "poisson"), (11, 40, "helmholtz"),
                                            (48, 2.5, "reaction-diffusion"),
                                            (18, 7, "biharmonic-clamped")])
def test_theory_holds_for_other_grids_and_coefficients(place, n, k, operator):
    place.study(POISSON, axis("operator", [operator]), f"problem.N={n}", f"problem.k={k}",
                axis("space", ["poly3", "poly5", "sin3", "sin5", "cos2", "fem"]),
                "cross_validation.limits.broadest_worst=1")
    record, data = place.matrix()
    assert record["metrics"]["sgi"] == 1
    assert record["metrics"]["in_span_max"] < 1e-18
    assert data["matrix/rel_mse"][~within(data)].min() > 1e-13
    assert record["case"]["k"] == k and record["case"]["N"] == n


def test_errors_scale_with_the_coefficient(place):
    """u = f / k: the relative error of Poisson's matrix does not depend on k, the error does."""
    found = {}
    for k in (1, 4):
        place.study(POISSON, ONLY, f"problem.k={k}")
    for record, data in place.matrices():
        found[record["case"]["k"]] = data
    one, four = found[1], found[4]
    outside = ~within(one)
    assert np.allclose(one["matrix/rel_mse"][outside], four["matrix/rel_mse"][outside], rtol=1e-9)
    assert np.allclose(one["matrix/mse"][outside], 16 * four["matrix/mse"][outside], rtol=1e-9)


FOUR = ("crossval-poisson.toml", axis("space", ["poly2", "poly6", "sin2", "sin6", "cos6", "fem"]),
        "problem.test=4000")


def ways(shared, draws):
    found = {record["case"]["fit"]: (record, data)
             for record, data in shared("four", *FOUR).matrices()
             if record["case"]["draws"] == draws}
    assert sorted(found) == ["adam", "cgls", "closed-form", "gd"]
    return found


def test_cgls_on_samples_reaches_the_theory(shared):
    """A3, 2000 samples: within the span to round-off, outside within 20 % of the expectation."""
    expected = reference("crossval1d.json")
    labels = [label.replace("fem0", "fem") for label in expected["meta"]["sets"]]
    record, data = ways(shared, "samples")["cgls"]
    places = [labels.index(label) for label in data["matrix/label"]]
    rel = table(expected["N"]["16"]["rel"])[np.ix_(places, places)]
    values, inside = data["matrix/rel_mse"], within(data)
    for a, family in enumerate(data["matrix/family"]):
        assert values[a][inside[a]].max() < (1e-14 if family == "poly" else 1e-20)
    assert np.all(np.abs(values - rel)[~inside] < 0.2 * rel[~inside])
    assert record["metrics"]["sgi"] == 1
    assert data["row/off_span"].max() < 1e-10


@pytest.mark.parametrize("draws", ["expectation", "samples"])
def test_adam_does_not_reach_the_limit_of_gradient_descent(shared, draws):
    found = ways(shared, draws)
    rows = {label: i for i, label in enumerate(found["gd"][1]["matrix/label"])}
    at = lambda fit, metric, label: found[fit][1]["row/" + metric][rows[label]]  # noqa: E731
    for label in ("sin2", "sin6", "poly2"):
        assert at("adam", "off_span", label) > 0.05
        assert at("gd", "off_span", label) < 1e-12
        assert at("cgls", "off_span", label) < 1e-12
    for label in ("sin2", "sin6", "cos6", "fem"):
        assert at("gd", "to_closed_form", label) < 1e-12
    # Powers are badly conditioned: gradient descent stalls, CGLS does not.
    assert at("gd", "condition", "poly6") > 1e4 * at("gd", "condition", "sin6")
    assert at("gd", "rel_mse", "poly6") > 1e-7
    assert at("cgls", "rel_mse", "poly6") < 1e-14
    assert found["adam"][0]["metrics"]["in_span_max"] > 1e-9


@pytest.mark.parametrize("draws", ["expectation", "samples"])
def test_finite_element_data_teach_the_operator(shared, draws):
    """A4: only they give the Green's function, with training errors as small elsewhere."""
    _, data = ways(shared, draws)["closed-form"]
    row = {label: i for i, label in enumerate(data["matrix/label"])}
    assert data["row/green_rel"][row["fem"]] < 1e-12
    assert data["row/inverse_off"][row["fem"]] < 1e-9
    for label in ("poly2", "sin2", "cos6"):
        assert data["row/train_mse"][row[label]] < 1e-18
        assert data["row/green_rel"][row[label]] > 0.05
    assert np.argmin(data["matrix/rel_mse"].max(axis=1)) == row["fem"]


def test_noise_lifts_the_floor_and_keeps_the_blocks(place):
    place.study("crossval-noise.toml")
    found = {record["case"]["noise"]: (record, data) for record, data in place.matrices()}
    clean, noisy = found[0][1]["matrix/rel_mse"], found[1e-4][1]["matrix/rel_mse"]
    inside = within(found[0][1])
    assert noisy[inside].max() > 1e8 * clean[inside].max()
    outside = ~inside & (clean > 1e-4)
    powers = np.array(found[0][1]["matrix/family"]) == "poly"
    assert np.allclose(clean[~powers][outside[~powers]], noisy[~powers][outside[~powers]],
                       rtol=0.05)
    # Rows of high powers are badly conditioned: noise reaches what lies outside.
    assert np.max(noisy[powers][outside[powers]] / clean[powers][outside[powers]]) > 10
    floors = [found[noise][0]["metrics"]["in_span_max"] for noise in (1e-8, 1e-6, 1e-4)]
    assert np.allclose(np.divide(floors[1:], floors[:-1]), 1e4, rtol=0.1)  # its square


def test_a_rank_deficient_set_is_stated(shared):
    place = shared("four", *FOUR)
    ranks = {}
    for path in place.results():
        record = json.loads(path.read_text())
        case = record["case"]
        if case.get("fit") == "closed-form" and "prepared_on" in case:
            ranks[case["draws"], case["prepared_on"]] = (record["counters"]["rank"],
                                                         record["counters"]["inputs"])
    for draws in ("expectation", "samples"):
        assert ranks[draws, "poly2"] == (3, 17)
        assert ranks[draws, "sin6"] == (6, 17)
        assert ranks[draws, "fem"] == (17, 17)


def test_inputs_are_compared_where_they_are_samples(shared):
    for path in shared("four", *FOUR).results():
        record = json.loads(path.read_text())
        if "prepared_on" in record["case"]:
            compared = any(check["name"] == "inputs_leaked" for check in record["checks"])
            assert compared == (record["case"]["draws"] == "samples")
