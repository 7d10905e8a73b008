# SPDX-License-Identifier: BSD-3-Clause
"""`moho compare` and `moho baseline update` on a real run: what agrees passes, and a perturbed
counter, metric or check each exits 3."""
import json
import os
import shutil
import subprocess

import pytest

STUDY = """
[study]
name = "compare-sample"
title = "A small run to compare"
[problem]
name = "dispersion-gradient"
models = 2
layers = 5
periods = 6
[method]
name = "dispersion-solver"
"""


def moho(*arguments, ranks=1, environment=None):
    launch = [os.environ["MOHO_MPIRUN"], "-n", str(ranks)] if ranks > 1 else []
    command = [*launch, os.environ["MOHO_EXE"], *map(str, arguments)]
    environment = {**os.environ, **(environment or {})}
    return subprocess.run(command, capture_output=True, text=True, timeout=150, env=environment)


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory):
    """A run folder as `moho run` leaves it."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "study.toml").write_text(STUDY)
    done = moho("run", folder / "study.toml", "--out", folder / "runs")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "runs"


class Place:
    """A copy of the run, and baselines made of it."""

    def __init__(self, folder, run):
        self.run = folder / "runs"
        shutil.copytree(run, self.run)
        self.baselines = folder / "baselines"

    def records(self):
        return sorted(self.run.glob("*/*/result.json"))

    def change(self, change):
        """Applies `change` to every record."""
        assert self.records()
        for file in self.records():
            record = json.loads(file.read_text())
            change(record)
            file.write_text(json.dumps(record))

    def update(self, *arguments, why="a test"):
        return moho("baseline", "update", self.run, "--folder", self.baselines, "--why", why,
                    *arguments)

    def compare(self, *arguments, **options):
        return moho("compare", self.run, self.baselines, *arguments, **options)


@pytest.fixture
def place(tmp_path, finished_run):
    return Place(tmp_path, finished_run)


@pytest.fixture
def stored(place):
    done = place.update()
    assert done.returncode == 0, done.stderr
    return place


def first_key(mapping):
    return sorted(mapping)[0]


def a_number(metrics):
    return next(name for name in sorted(metrics) if isinstance(metrics[name], (int, float)))


def perturb_counter(record):
    record["counters"][first_key(record["counters"])] += 1


def perturb_metric(record):
    metrics = record["metrics"]
    name = a_number(metrics)
    metrics[name] = 2 * metrics[name] + 1


def fail_check(record):
    record["checks"].append({"name": "made_to_fail", "value": 2, "relation": "<=", "limit": 1,
                             "pass": False})
    record["status"] = "invalid"


def crash(record):
    record.update(status="failed", error="made to crash", counters={}, metrics={}, checks=[])


PERTURBATIONS = {"counter": perturb_counter, "metric": perturb_metric, "check": fail_check,
                 "case": crash}


def test_a_run_agrees_with_its_own_baselines(stored):
    done = stored.compare()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no regression" in done.stdout
    assert "nothing was compared" not in done.stdout


@pytest.mark.parametrize("kind", PERTURBATIONS)
@pytest.mark.parametrize("ranks", [1, 2])
def test_each_perturbation_exits_3(stored, kind, ranks):
    stored.change(PERTURBATIONS[kind])
    done = stored.compare(ranks=ranks)
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stdout.count("REGRESSION:") == 1  # one rank prints
    found = json.loads(stored.compare("--json").stdout)
    kinds = {one["kind"] for one in found["findings"] if one["verdict"] == "regression"}
    assert kind in kinds
    assert found["regressed"] is True


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_two_run_folders(place, finished_run, kind):
    assert moho("compare", finished_run, place.run).returncode == 0
    place.change(PERTURBATIONS[kind])
    assert moho("compare", finished_run, place.run).returncode == 3


def test_a_later_run_of_the_same_binary_agrees(stored, tmp_path, finished_run):
    again = tmp_path / "again"
    study = finished_run.parent / "study.toml"
    assert moho("run", study, "--out", again).returncode == 0
    done = moho("compare", again, stored.baselines)
    assert done.returncode == 0, done.stdout


def test_slower_is_shown_and_passes(stored):
    def slow(record):
        for timing in record["timings"].values():
            timing["median"] *= 1000

    stored.change(slow)
    done = stored.compare()
    assert done.returncode == 0, done.stdout
    assert "ratio 1000.000" in done.stdout


def test_a_missing_platform_is_logged(stored):
    def elsewhere(record):
        perturb_counter(record)
        record["provenance"]["build"]["platform"] = "elsewhere"

    stored.change(elsewhere)
    done = stored.compare()
    assert done.returncode == 0, done.stdout
    assert "no baseline for study" in done.stdout and "elsewhere" in done.stdout
    assert stored.compare("--strict").returncode == 3
    key = next(stored.baselines.iterdir()).name
    assert stored.compare("--platform", key).returncode == 3
    assert stored.compare(environment={"MOHO_PLATFORM": key}).returncode == 3


def test_a_missing_case_is_logged(stored):
    record = json.loads(stored.records()[0].read_text())
    folder = stored.records()[0].parent
    record["id"] = "other-case"
    other = folder.parent / "other-case"
    other.mkdir()
    (other / "result.json").write_text(json.dumps(record))
    shutil.rmtree(folder)
    done = stored.compare()
    assert done.returncode == 0, done.stdout
    assert "this case was not run" in done.stdout
    assert "nothing to compare this case with" in done.stdout


@pytest.mark.parametrize("why", ["", "  "])
def test_update_refuses_an_empty_reason(place, why):
    done = place.update(why=why)
    assert done.returncode == 1
    assert "--why" in done.stderr
    assert not place.baselines.exists()


@pytest.mark.parametrize("kind", ["check", "case"])
def test_update_refuses_invalid_records(place, kind):
    place.change(PERTURBATIONS[kind])
    done = place.update()
    assert done.returncode == 1
    assert "result.json" in done.stderr
    assert not place.baselines.exists()


def test_update_accepts_the_new_values(stored):
    stored.change(perturb_counter)
    assert stored.compare().returncode == 3
    done = stored.update(why="one more")
    assert done.returncode == 0
    assert stored.compare().returncode == 0
    files = list(stored.baselines.glob("*/*"))
    assert len(files) == 1
    assert json.loads(files[0].read_text())["why"] == "one more"


def test_update_says_what_it_did_to_tools_too(place):
    done = place.update("--json")
    assert json.loads(done.stdout)["files"][0]["added"] == len(place.records())


def test_a_tolerance_can_be_widened(stored):
    name = a_number(json.loads(stored.records()[0].read_text())["metrics"])
    assert stored.update("--tolerance", f"{name}=1e9,0").returncode == 0
    stored.change(perturb_metric)
    assert stored.compare().returncode == 0


def test_bad_input_names_itself(place, tmp_path):
    def refused(*arguments):
        done = moho(*arguments, ranks=2)
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stderr.startswith("moho: ")
        return done.stderr

    assert "nowhere" in refused("compare", place.run, tmp_path / "nowhere")
    assert "A is required" in refused("compare")
    place.records()[0].write_text('{"format": ')
    assert str(place.records()[0]) in refused("compare", place.run, place.run)
    assert "--tolerance" in refused("baseline", "update", place.run, "--why", "x", "--tolerance",
                                    "phase=1", "--folder", tmp_path / "b")


def test_an_unwritable_folder_is_an_error(place, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = moho("baseline", "update", place.run, "--why", "x", "--folder", tmp_path / "file")
    assert done.returncode == 1
    assert str(tmp_path / "file") in done.stderr
