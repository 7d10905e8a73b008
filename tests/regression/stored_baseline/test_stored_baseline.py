# SPDX-License-Identifier: BSD-3-Clause
"""The baselines in reference/baselines hold for this build, where there are some for its platform."""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(os.environ["MOHO_SOURCE_DIR"])
STUDIES = ["smoke/dispersion-accuracy", "ci/dispersion-accuracy", "smoke/crossval-operators",
           "smoke/convergence-fd"]


def moho(*arguments, ranks=1):
    command = [os.environ["MOHO_MPIRUN"], "-n", str(ranks), os.environ["MOHO_EXE"]]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=200)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for study in STUDIES:
        done = moho("run", ROOT / "benchmarks" / f"{study}.toml", "--out", folder, ranks=2)
        assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads(next(folder.glob("*/*/result.json")).read_text())
    platform = record["provenance"]["build"]["platform"]
    if not (ROOT / "reference" / "baselines" / platform).is_dir():
        pytest.skip(f"allowed: no baselines are stored for the platform {platform}")
    return folder


def test_the_stored_baselines_hold(runs):
    done = moho("compare", runs, "--strict")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_generalization_that_is_lost_is_a_regression(runs):
    record_file = sorted(runs.glob("crossval-*/cross-validation-*/result.json"))[0]
    text = record_file.read_text()
    record = json.loads(text)
    record["metrics"]["sgi"] -= 0.04  # one pair of spaces of 25
    record_file.write_text(json.dumps(record))
    try:
        assert moho("compare", runs).returncode == 3
    finally:
        record_file.write_text(text)


def test_one_lost_mode_is_a_regression(runs):
    record_file = sorted(runs.glob("dispersion-*/*/result.json"))[0]
    text = record_file.read_text()
    record = json.loads(text)
    record["counters"]["roots"] -= 1
    record_file.write_text(json.dumps(record))
    try:
        assert moho("compare", runs).returncode == 3
    finally:
        record_file.write_text(text)
