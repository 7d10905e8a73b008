# SPDX-License-Identifier: BSD-3-Clause
"""The comparison of assembly with other codes: what voids a ratio, that processes which die are
told, and a tiny run where DOLFINx is there."""
import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import ANALYSIS

import load

PEERS = ANALYSIS.parent / "reference" / "peers"
sys.path.insert(0, str(PEERS))

import fem_jobs
import fem_speed

MOHO = os.environ.get("MOHO_EXE")


def provenance():
    done = subprocess.run([MOHO, "info", "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["provenance"]


# ---- jobs ----------------------------------------------------------------------------------------


def test_nonzeros_are_those_of_the_specification():
    listed = [460289, 1838081, 513313, 4018753, 4619817, 3018753]
    assert [job.nonzeros for job in fem_jobs.JOBS] == listed
    assert len({job.name for job in fem_jobs.JOBS + fem_jobs.SMALL}) == 9


# ---- matrices ------------------------------------------------------------------------------------


def write(path, row_ptr, col, val):
    with h5py.File(path, "w") as file:
        file["row_ptr"], file["col"] = np.array(row_ptr), np.array(col)
        file["val"] = np.array(val, float)
    return path


def test_matrix_difference(tmp_path):
    a = write(tmp_path / "a", [0, 2, 3], [0, 1, 1], [3.0, 0.0, 4.0])
    assert fem_speed.matrix_difference(a, a) == (0.0, True)
    b = write(tmp_path / "b", [0, 1, 2], [0, 1], [3.0, 4.0])  # the zero is not stored
    assert fem_speed.matrix_difference(b, a) == (0.0, False)
    c = write(tmp_path / "c", [0, 2, 3], [0, 1, 1], [3.0, 1e-9, 4.0])
    assert fem_speed.matrix_difference(c, a)[0] == pytest.approx(2e-10)
    d = write(tmp_path / "d", [0, 1, 2], [1, 1], [3.0, 4.0])  # an entry elsewhere
    assert fem_speed.matrix_difference(d, a)[0] == pytest.approx(np.sqrt(18) / 5)
    e = write(tmp_path / "e", [0, 1], [0], [3.0])
    assert fem_speed.matrix_difference(e, a) == (np.inf, False)


# ---- records -------------------------------------------------------------------------------------

JOB = fem_jobs.Job("poisson2d-P1-8", 2, 8, targets={1: 9.0})
TOLD = {"time_setup": 0.1, "time_first": 0.2, "nonzeros": JOB.nonzeros, "cells": 128, "rows": 81}
PEER = {"name": "dolfinx", "version": "DOLFINx 0", "set_up": 0.1, "first": 0.1}
FOUND = {"moho": TOLD, "moho_difference": 1e-16, "peer_difference": 0.0, "hashes": {"a"}}
ROUNDS = [{"moho": [2.0, 1.0], "peer": [11.0, 10.0]}, {"moho": [1.0], "peer": [12.0]},
          {"moho": [1.0], "peer": [11.0]}]


def test_record_meets_the_schema_and_is_read(tmp_path):
    content = fem_speed.record(JOB, PEER, 1, ROUNDS, FOUND, provenance())
    assert load.check_record(content) == [] and content["status"] == "ok"
    assert content["metrics"]["ratio"] == [10.0, 12.0, 11.0]
    assert content["fom"][0]["value"] == 11.0 and content["metrics"]["target"] == 9.0
    fem_speed.peer_records.write(tmp_path, content)
    fem_speed.peer_records.write_study(tmp_path, content["study"], "T", "D")
    runs = load.load(tmp_path)
    assert not runs.problems and [r["id"] for r in runs.records] == ["dolfinx-poisson2d-P1-8-np1"]
    assert "11.00" in fem_speed.table_row(content) and "VOID" not in fem_speed.table_row(content)


@pytest.mark.parametrize("change", [
    {"moho_difference": 1e-13},
    {"moho_difference": np.inf},
    {"hashes": {"a", "b"}},
    {"moho": TOLD | {"nonzeros": 7}},
])
def test_a_ratio_of_unlike_matrices_is_void(change):
    content = fem_speed.record(JOB, PEER, 1, ROUNDS, FOUND | change, provenance())
    assert load.check_record(content) == [] and content["status"] == "invalid"
    assert content["fom"][0]["value"] is None and "VOID" in fem_speed.table_row(content)


def test_a_peer_with_another_matrix_is_void():
    peer = PEER | {"name": "scikit-fem"}
    bad = fem_speed.record(JOB, peer, 1, ROUNDS, FOUND | {"peer_difference": 1e-9}, provenance())
    good = fem_speed.record(JOB, peer, 1, ROUNDS, FOUND, provenance())
    assert (bad["status"], good["status"]) == ("invalid", "ok")
    assert good["metrics"]["target"] is None  # targets are against DOLFINx


# ---- processes -----------------------------------------------------------------------------------

ECHO = """
import sys; sys.path.insert(0, {peers!r})
from fem_peer_loop import serve
class Peer:
    def prepare(self, command):
        print("noise of a compiler")
        return {{"n": command["n"]}}
    def seconds(self, what, repeats):
        if what == "die": raise SystemExit("boom")
        return {{"seconds": [0.5] * repeats}}
serve(Peer())
"""


@pytest.fixture
def echo(tmp_path):
    script = tmp_path / "echo.py"
    script.write_text(ECHO.format(peers=str(PEERS)))
    cores = sorted(os.sched_getaffinity(0))
    start, environment = fem_speed.launcher(1, cores)
    process = fem_speed.Process("echo", [*start, sys.executable, script], environment,
                                tmp_path / "log")
    yield process
    process.close()


def test_a_peer_answers_and_tells_its_errors(echo):
    assert echo.ask(do="prepare", n=3) == {"n": 3}
    assert echo.ask(do="time", what="x", repeats=2) == {"seconds": [0.5, 0.5]}
    with pytest.raises(fem_speed.Missing, match="echo: ValueError: command 'dance'"):
        echo.ask(do="dance")
    assert echo.ask(do="prepare", n=4) == {"n": 4}  # it lives on
    with pytest.raises(fem_speed.Missing, match="echo died .boom"):
        echo.ask(do="time", what="die", repeats=1)
    with pytest.raises(fem_speed.Missing, match="echo died"):
        echo.ask(do="prepare", n=5)


def test_bad_arguments(tmp_path, capsys, monkeypatch):
    base = ["--moho", MOHO, "--out", str(tmp_path)]
    for words, says in ((["--only", "^none"], "no matrix"), (["--ranks", "2"], "begin with 1")):
        monkeypatch.setattr(sys, "argv", ["fem_speed.py", *base, *words])
        assert fem_speed.main() == 1 and says in capsys.readouterr().err
    with pytest.raises(ValueError, match="3 ranks need"):
        fem_speed.launcher(3, [0])
    monkeypatch.setattr(sys, "argv", ["fem_speed.py", "--moho", "/nowhere", "--out", str(tmp_path)])
    assert fem_speed.main() == 1


def test_moho_that_fails_is_told(tmp_path):
    moho = fem_speed.Moho(Path(MOHO), 1, sorted(os.sched_getaffinity(0)), tmp_path)
    with pytest.raises(OSError, match="none.h5"):
        moho.assemble(tmp_path / "none.h5", "poisson", 1)


# ---- side by side --------------------------------------------------------------------------------


def has(python, module):
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0


def test_interleaved_run(tmp_path):
    """Matrices of all small jobs equal DOLFINx's, on one and two ranks, where DOLFINx is there."""
    if not has("/usr/bin/python3", "dolfinx"):
        pytest.skip("allowed: /usr/bin/python3 has no dolfinx")
    python = os.environ.get("MOHO_PEERS_PYTHON", sys.executable)
    ranks = ["1", "2"] if len(os.sched_getaffinity(0)) > 1 else ["1"]
    command = [sys.executable, PEERS / "fem_speed.py", "--moho", MOHO, "--out", tmp_path, "--small",
               "--rounds", "2", "--repeats", "2", "--ranks", *ranks]
    if has(python, "skfem"):
        command += ["--skfem-python", python]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = load.load(tmp_path)
    assert not runs.problems and all(r["status"] == "ok" for r in runs.records)
    assert len(runs.records) == (8 if has(python, "skfem") else 5) + 5 * (len(ranks) - 1)
    assert all(r["metrics"]["ratio_median"] > 0 for r in runs.records)
