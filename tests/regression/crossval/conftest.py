# SPDX-License-Identifier: BSD-3-Clause
"""The workplace of tests/regression/run, and what a study concluded from its cases."""
import importlib.util
import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

SOURCE = Path(os.environ["MOHO_SOURCE_DIR"])
SMOKE = SOURCE / "benchmarks/smoke"
_spec = importlib.util.spec_from_file_location("run_workplace",
                                               SOURCE / "tests/regression/run/conftest.py")
run_workplace = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(run_workplace)
check_records, kill_all = run_workplace.check_records, run_workplace.kill_all

ALL = [f"{family}{p}" for family in ("poly", "sin", "cos") for p in range(1, 9)] + ["fem"]


def reference(name):
    return json.loads((SOURCE / "reference/physics/sciml" / name).read_text())


def sets(*overrides):
    return [word for each in overrides for word in ("--set", each)]


def axis(key, values):
    return f"axes.{key}={json.dumps(values)}"


class Conclusions(run_workplace.Workplace):
    """A workplace whose syntheses can be read."""

    def study(self, file, *overrides, ranks=0, code=0):
        """Runs a study file with --set; returns its report."""
        return self.json("run", SMOKE / file, *sets(*overrides), ranks=ranks, code=code)

    def syntheses(self, kind):
        """(record, arrays) of every synthesis, in the order of their ids."""
        found = []
        for record in check_records(self):
            if record["case"].get("synthesis") == kind:
                path, = self.runs.glob(f"*/{record['id']}/data.h5")
                found.append((record, arrays(path)))
        return found

    def matrices(self):
        return self.syntheses("cross-validation")

    def matrix(self):
        only, = self.matrices()
        return only

    def fits(self):
        return self.syntheses("convergence")


def arrays(path):
    """Every array of a data.h5 by its path; strings as lists."""
    content = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            value = item[()]
            text = value.dtype.kind in "SO"
            content[name] = [v.decode() for v in value] if text else value

    with h5py.File(path) as file:
        file.visititems(visit)
    return content


def table(values):
    return np.array(values, dtype=float)


@pytest.fixture
def place(tmp_path):
    return Conclusions(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Workplaces that several tests only read: shared(name, study, overrides ..)."""
    made = {}

    def get(name, *arguments):
        if name not in made:
            made[name] = Conclusions(tmp_path_factory.mktemp(name))
            made[name].study(*arguments)
        return made[name]

    return get
