# SPDX-License-Identifier: BSD-3-Clause
"""Studies of networks: the line between trivial and learnt answers, and batches for each rank."""
import pytest
from conftest import SOURCE, check_records

SMOKE = SOURCE / "benchmarks/smoke"
TRIVIAL = ("linear-map", "nearest-neighbour", "mean")


def by_method(place):
    return {record["case"]["method"]: record for record in check_records(place)}


def test_surrogates_of_dispersion_beat_trivial_answers(place):
    place.moho("run", SMOKE / "nn-dispersion.toml")
    records = by_method(place)
    assert {record["status"] for record in records.values()} == {"ok"}
    for metric in ("mean_rel_l2", "of_mean", "phase_rel_mean", "phase_rel_p99"):
        best = min(records[name]["metrics"][metric] for name in TRIVIAL)
        assert records["rayleigh-solver"]["metrics"][metric] == 0
        for name in ("mlp", "resnet"):
            assert records[name]["metrics"][metric] < best, (name, metric)
    for name in ("mlp", "resnet", "rayleigh-solver"):  # what a curve costs stands in the record
        merits = {merit["name"]: merit["value"] for merit in records[name]["fom"]}
        assert merits["curves_per_second"] > 0


@pytest.mark.parametrize("number, name", [(0, "mlp"), (1, "resnet")])
def test_a_network_of_one_epoch_does_not(place, number, name):
    done = place.moho("run", SMOKE / "nn-dispersion.toml", "--set", f"method.{number}.epochs=1",
                      code=2)
    assert "not met: mean_rel_l2" in done.stdout and "not met: of_mean" in done.stdout
    bad = {key for key, record in by_method(place).items() if record["status"] == "invalid"}
    assert bad == {name}


def test_a_good_trivial_answer_is_told(place):
    """Smooth profiles are nearly linear: a map below the line for networks says that it is none."""
    done = place.moho("run", SMOKE / "nn-dispersion.toml", "--set", "problem.family=gradient",
                      "--set", "problem.train=2000", code=2)
    assert by_method(place)["linear-map"]["status"] == "invalid", done.stdout


def test_weak_scaling_keeps_the_items_per_rank(place):
    study = SMOKE / "nn-weak-scaling.toml"
    for ranks in (1, 2):
        place.moho("run", study, ranks=ranks)
    records = check_records(place)
    assert len(records) == 4
    for record in records:
        case = record["case"]
        assert record["counters"]["step_items"] == 8 * case["ranks"]
        assert record["counters"]["steps"] == 3 * 4 // case["ranks"]
        assert 0 < record["metrics"]["step_seconds"] < record["metrics"]["train_seconds"]
        assert 0 <= record["metrics"]["exposed_share"] < 1
    place.write(study.read_text().replace("ranks = [1, 2]", "training_seed = [1]"))
    assert "axis `ranks`" in place.refused("run", "study.toml")
