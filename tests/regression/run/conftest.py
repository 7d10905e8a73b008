# SPDX-License-Identifier: BSD-3-Clause
"""Runs `moho run` and its neighbours as a user does, alone and under mpirun."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOURCE = Path(os.environ["MOHO_SOURCE_DIR"])
EXE = os.environ["MOHO_EXE"]
MPIRUN = os.environ["MOHO_MPIRUN"]
sys.path.insert(0, str(SOURCE / "analysis"))
import load  # noqa: E402

# Open MPI otherwise waits one or two seconds after a rank that ended with a non-zero code.
QUICK_END = {"OMPI_MCA_odls_base_sigkill_timeout": "0"}

STUDY = """
[study]
name = "sample"

[problem]
name = "dispersion-gradient"
models = 6
periods = 5
truth = 1

[method]
name = "dispersion-solver"

[axes]
layers = [3, 5]
seed = [1, 2]

[measure]
repeats = 1
warmup = 0

[limits]
phase_rel_max = 1e-9
"""

# Many cases that take long enough to be interrupted between and within them.
LONG = """
[study]
name = "long"

[problem]
name = "dispersion-gradient"
models = 4
layers = 20
periods = 20
truth = 1

[method]
name = "dispersion-solver"

[axes]
seed = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]

[measure]
min_time = 0.25
"""


class Workplace:
    """A folder of its own for one test, and the commands run in it."""

    def __init__(self, path):
        self.path = path
        self.runs = path / "runs"

    def write(self, text, name="study.toml"):
        (self.path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    def command(self, *arguments, ranks=0):
        launch = [MPIRUN, "-n", str(ranks)] if ranks else []
        return launch + [EXE, *map(str, arguments)]

    def start(self, *arguments, ranks=0, **options):
        """A running command, leader of a process group of its own."""
        return subprocess.Popen(self.command(*arguments, ranks=ranks), cwd=self.path, text=True,
                                env={**os.environ, **QUICK_END}, start_new_session=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def moho(self, *arguments, ranks=0, code=0, **options):
        """Runs to the end; `code` is what must come back."""
        done = subprocess.run(self.command(*arguments, ranks=ranks), cwd=self.path, text=True,
                              env={**os.environ, **QUICK_END, **options.pop("env", {})},
                              capture_output=True, timeout=120, **options)
        assert done.returncode == code, f"{done.args}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments, **options):
        return json.loads(self.moho(*arguments, "--json", **options).stdout)

    def refused(self, *arguments, code=1, **options):
        """A command that must fail: what it says, one line with the prefix `moho: `."""
        done = self.moho(*arguments, code=code, **options)
        lines = [line for line in done.stderr.splitlines() if line.startswith("moho: ")]
        assert len(lines) == 1, done.stderr
        return lines[0]

    def results(self):
        return sorted(self.runs.glob("*/*/result.json"))

    def files(self):
        return sorted(p for p in self.path.rglob("*") if p.is_file())

    def wait_for(self, condition, process, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, "waited too long"
            time.sleep(0.01)


def children(pid):
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in done.stdout.split()]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill_all(process):
    """Kills launcher and ranks (which mpirun puts into process groups of their own) at once."""
    pids = [process.pid, *children(process.pid)]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=60)
    end = time.monotonic() + 20
    while any(map(alive, pids)):
        assert time.monotonic() < end
        time.sleep(0.01)
    return process.returncode


def check_records(place):
    """Every record is whole and sound; returns them."""
    records = []
    for path in place.results():
        content = load.read_json(path)
        assert load.check_record(content) == [], path
        assert path.parent.name == content["id"]
        if content["data"]:
            assert (path.parent / content["data"]).exists(), path
        records.append(content)
    return records


@pytest.fixture
def place(tmp_path):
    return Workplace(tmp_path)
