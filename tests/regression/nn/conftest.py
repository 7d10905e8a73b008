# SPDX-License-Identifier: BSD-3-Clause
"""Runs `moho nn replay` on recordings, changed copies of them and recordings made here."""
import json
import os
import pathlib
import shutil
import subprocess

import h5py
import pytest

SOURCE = pathlib.Path(os.environ["MOHO_SOURCE_DIR"])
RECORDINGS = {path.stem: path for path in sorted((SOURCE / "reference/physics/nn").glob("*.h5"))}
INPUTS = ("params", "inputs", "targets", "hvp_v", "param_order", "param_sizes")


def is_input(name):
    parts = name.split("/")
    return (parts[0] in INPUTS or name in ("cka/X", "cka/Y")
            or parts[0].startswith("other_grid_") and parts[-1] == "x"
            or parts[0] == "hill" and parts[-1] == "W"
            or parts[0] == "linear_path" and parts[1] in ("A", "B", "t", "x", "y"))


def datasets(file):
    names = []

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            names.append(name)
    file.visititems(visit)
    return names


def results(file):
    return [name for name in datasets(file) if not is_input(name)]


class Folder:
    """A folder of its own for one test, and the command run in it."""

    def __init__(self, path):
        self.path = path

    def changed(self, recording, change, name="changed.h5"):
        """A copy of a recording on which `change(file)` was called."""
        shutil.copyfile(RECORDINGS[recording], self.path / name)
        os.chmod(self.path / name, 0o644)
        with h5py.File(self.path / name, "a") as file:
            change(file)
        return name

    def replay(self, *arguments, ranks=0):
        mpirun = [os.environ["MOHO_MPIRUN"], "-n", str(ranks)] if ranks else []
        command = [*mpirun, os.environ["MOHO_EXE"], "nn", "replay", *map(str, arguments)]
        return subprocess.run(command, cwd=self.path, timeout=120, capture_output=True, text=True,
                              errors="replace")

    def report(self, *arguments, code=0):
        """What --json says."""
        done = self.replay(*arguments, "--json")
        assert done.returncode == code, (done.returncode, done.stdout[-2000:], done.stderr)
        found = json.loads(done.stdout)
        assert found["passed"] == (code == 0)
        return found

    def error(self, *arguments, ranks=0):
        """The one line that an error is told in."""
        done = self.replay(*arguments, ranks=ranks)
        assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
        assert done.stdout == ""
        line, = [line for line in done.stderr.splitlines() if line.startswith("moho: ")]
        assert "(" in line  # PROBLEM (WHY) SUGGESTION
        return line

    def files(self):
        return sorted(entry.name for entry in self.path.iterdir())


def failed(report):
    return sorted(one["name"].lstrip("/") for one in report["datasets"] if not one["passed"])


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)
