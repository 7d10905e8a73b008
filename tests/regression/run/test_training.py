# SPDX-License-Identifier: BSD-3-Clause
"""Trainings over several sittings: what is partial, damaged or diverged is told, nothing is lost."""
import json

import h5py
import pytest
from conftest import SOURCE

STUDY = """
[study]
name = "sittings"

[problem]
name = "burgers-1d"
s = 32
train = 64
test = 8

[[method]]
name = "fno"
width = 8
modes = 4
epochs = {epochs}
batch = 16

[measure]
repeats = 1
warmup = 0
"""


@pytest.fixture(name="partial")
def partial_run(place):
    """A training that a first sitting has begun."""
    place.write(STUDY.format(epochs=100000))
    told = place.moho("--json", "run", "study.toml", "--max-time", "2s")
    report = json.loads(told.stdout)
    assert [case["status"] for case in report["cases"]] == ["partial"]
    assert report["remaining"] == 1 and report["exit_code"] == 0
    return place


def folder(place):
    (found,) = (place.runs / "sittings").glob("fno-*")
    return found


def test_what_is_partial_remains(partial):
    again = partial.moho("run", "study.toml", "--max-time", "2s")
    assert "1 ran, 0 done before, 1 remain" in again.stdout
    assert "run the same command to go on" in again.stderr
    record = json.loads((folder(partial) / "result.json").read_text())
    assert record["status"] == "partial" and record["counters"]["sittings"] == 2


def test_a_damaged_checkpoint_costs_nothing_that_was_reached(partial):
    kept = {name: (folder(partial) / name).read_bytes() for name in ("result.json", "data.h5")}
    checkpoint = folder(partial) / "checkpoint.h5"
    content = bytearray(checkpoint.read_bytes())
    checkpoint.write_bytes(content[: len(content) // 2])
    for _ in range(2):
        done = partial.moho("run", "study.toml", "--max-time", "2s", code=4)
        assert "checkpoint.h5" in done.stdout and "--force" in done.stdout
        assert {name: (folder(partial) / name).read_bytes() for name in kept} == kept
    partial.moho("run", "study.toml", "--max-time", "2s", "--force")
    assert json.loads((folder(partial) / "result.json").read_text())["counters"]["sittings"] == 1


def test_a_network_that_diverged_is_invalid(place):
    place.write(STUDY.format(epochs=1))
    done = place.moho("run", "study.toml", "--set", "method.0.optimiser=sgd", "--set",
                      "method.0.rate=1e300", "--set", "method.0.batch=64", code=2)
    assert "not met: loss_finite" in done.stdout
    record = json.loads((folder(place) / "result.json").read_text())
    assert record["status"] == "invalid"
    broken = {check["name"] for check in record["checks"] if not check["pass"]}
    assert broken == {"loss_finite", "answers_finite"}
    assert all(merit["value"] is None for merit in record["fom"])


DATASET = """
[study]
name = "sittings"

[problem]
name = "dataset"
file = "{file}"
train_share = {share}
validation_share = 0.0

[[method]]
name = "fno"
width = 8
modes = 4
epochs = 2
batch = 8
{more}

[measure]
repeats = 1
warmup = 0
"""


def test_weights_remember_what_they_have_seen(place):
    """Items that weights of a file were trained on are found among those asked about."""
    file = SOURCE / "reference/physics/sciml/burgers_small.h5"
    place.write(DATASET.format(file=file, share=0.75, more=""))
    place.moho("run", "study.toml")
    weights = (folder(place) / "data.h5").rename(place.path / "weights.h5")
    more = f'weights = "{weights}"'
    place.write(DATASET.format(file=file, share=0.75, more=more))
    place.moho("run", "study.toml", "--out", "same")
    place.write(DATASET.format(file=file, share=0.25, more=more))
    done = place.moho("run", "study.toml", "--out", "fewer", code=4)
    assert "has seen" in done.stdout and "asked about" in done.stdout
    # what is not known is not called clean
    with h5py.File(weights, "a") as content:
        del content["training"]
    place.moho("run", "study.toml", "--out", "unknown")
    (record,) = (place.path / "unknown").glob("*/*/result.json")
    record = json.loads(record.read_text())
    assert "inputs_leaked" not in {check["name"] for check in record["checks"]}
    assert "samples" not in record["counters"]
