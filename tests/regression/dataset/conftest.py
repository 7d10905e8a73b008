# SPDX-License-Identifier: BSD-3-Clause
"""The workplace of tests/regression/run, and small sets of models to make in it."""
import importlib.util
import os
import sys
from pathlib import Path

import h5py
import pytest

SOURCE = Path(os.environ["MOHO_SOURCE_DIR"])
_spec = importlib.util.spec_from_file_location("run_workplace",
                                               SOURCE / "tests/regression/run/conftest.py")
run_workplace = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(run_workplace)  # also puts analysis/ on the path
check_records = run_workplace.check_records

sys.path.insert(0, str(SOURCE / "analysis"))
import dataset  # noqa: E402, F401

# 3 blocks of 4, 4 and 2 models; kernels of two parameters.
SET = """
[study]
name = "set"

[problem]
name = "dispersion-prior"
prior = "weak"
split = "train"
seed = 5
models = 10
block_size = 4
periods = [4, 15, 40]
store = "float32"
keep = 1

[method]
name = "dispersion-solver"
modes = 2
kernels = ["dc_dvs", "dc_drho"]

[axes]
block = { from = 0, to = 2 }

[measure]
repeats = 1
warmup = 0

[limits]
points_failed = 0
certificates_broken = 0
"""


@pytest.fixture
def place(tmp_path):
    return run_workplace.Workplace(tmp_path)


def data_files(place):
    """Bytes of every block's arrays, by the index of its first model."""
    files = {}
    for path in sorted(place.runs.glob("*/*/data.h5")):
        with h5py.File(path) as file:
            first = int(file["set/index"][0])
        assert first not in files, "a block stands twice"
        files[first] = path.read_bytes()
    return files
