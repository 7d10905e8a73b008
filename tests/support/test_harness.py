# SPDX-License-Identifier: BSD-3-Clause
"""Negative tests of the test harness: what must fail fails, and nothing is left running."""
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

SAMPLE = os.environ["MOHO_HARNESS_SAMPLE"]
MPIRUN = os.environ["MOHO_MPIRUN"]
CTEST = os.environ["MOHO_CTEST"]
SUPPORT = pathlib.Path(__file__).parent


def run_sample(name, ranks=2):
    return subprocess.run([MPIRUN, "-n", str(ranks), SAMPLE, f"--gtest_filter=sample.{name}"],
                          capture_output=True, text=True, timeout=60)


def test_passing_run_passes_and_rank_0_alone_reports():
    done = run_sample("passes", ranks=3)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("[  PASSED  ]") == 1


@pytest.mark.parametrize("name, message", [
    ("only_rank_1_fails", "[rank 1] sample.only_rank_1_fails"),
    ("only_rank_1_throws", "thrown on rank 1"),
    ("ranks_disagree", "rank 1 differs from rank 0"),
    ("lengths_disagree", "rank 1 differs from rank 0"),
    ("does_not_hold_on_rank_1", "does not hold on rank 1"),
])
def test_failure_on_one_rank_fails_the_run(name, message):
    done = run_sample(name)
    assert done.returncode == 1, done.stdout + done.stderr
    assert message in done.stdout + done.stderr


def test_empty_selection_fails():
    done = run_sample("no_such_test")
    assert done.returncode == 1
    assert "no test ran" in done.stderr


def test_mpi_error_ends_the_job_with_a_message():
    done = run_sample("mpi_error")
    assert done.returncode == 4  # crashed
    assert "moho: MPI_Ibcast failed (MPI_ERR_ROOT: invalid root)" in done.stderr


def test_a_rank_that_leaves_before_a_collective_ends_the_job_with_its_message():
    done = run_sample("rank_1_throws_before_a_collective")
    assert done.returncode == 2  # its own code
    assert "moho: rank 1 left early" in done.stderr


def test_leak_is_found_under_address_sanitizer():
    """tests/lsan.supp hides the leaks of MPI, and nothing else."""
    done = run_sample("leak")
    if "address" in os.environ["MOHO_SANITIZE"]:
        assert done.returncode != 0
        assert "1000 byte(s)" in done.stderr
    else:
        assert done.returncode == 0, done.stderr


def processes_of(program):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "exe") == str(program):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def nested_ctest(folder, test, timeout):
    program = folder / "sample"
    shutil.copy(SAMPLE, program)
    (folder / "CTestTestfile.cmake").write_text(
        f'add_test(nested "{MPIRUN}" "-n" "2" "{program}" "--gtest_filter=sample.{test}")\n'
        f'set_tests_properties(nested PROPERTIES TIMEOUT {timeout})\n')
    done = subprocess.run([CTEST, "-V"], cwd=folder, capture_output=True, text=True, timeout=120)
    return done, program


def test_ctest_passes_a_passing_sample(tmp_path):
    done, _ = nested_ctest(tmp_path, "passes", 60)
    assert done.returncode == 0, done.stdout


def test_ctest_fails_when_only_rank_1_fails(tmp_path):
    done, _ = nested_ctest(tmp_path, "only_rank_1_fails", 60)
    assert done.returncode != 0
    assert "***Failed" in done.stdout and "***Timeout" not in done.stdout


def test_timeout_catches_a_deadlock_and_leaves_no_process(tmp_path):
    done, program = nested_ctest(tmp_path, "deadlock", 3)
    assert done.returncode != 0
    assert "***Timeout" in done.stdout
    deadline = time.monotonic() + 20
    while processes_of(program) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not processes_of(program)


def run_pytest(folder, body, *, python=sys.executable, env=None):
    path = folder / "test_nested.py"
    path.write_text(body)
    return subprocess.run([python, str(SUPPORT / "run_pytest.py"), str(path)], capture_output=True,
                          text=True, env={**os.environ, **(env or {})}, timeout=60)


def test_pytest_passes(tmp_path):
    assert run_pytest(tmp_path, "def test_a(): pass\n").returncode == 0


@pytest.mark.parametrize("body", [
    "def test_a(): assert False\n",
    "import pytest\ndef test_a(): pytest.skip('no tool')\n",
    "import pytest\n@pytest.mark.skip\ndef test_a(): pass\n",
    "import pytest\npytest.skip('no tool', allow_module_level=True)\n",
    "import pytest\npytest.importorskip('no_such_module')\ndef test_a(): pass\n",
    "import pytest\n@pytest.mark.xfail\ndef test_a(): pass\n",
    "",
])
def test_pytest_that_does_not_check_fails(tmp_path, body):
    assert run_pytest(tmp_path, body).returncode != 0


def test_pytest_skip_with_leave_passes(tmp_path):
    body = "import pytest\ndef test_a(): pytest.skip('allowed: needs a GPU')\n"
    assert run_pytest(tmp_path, body).returncode == 0


def test_missing_module_fails_and_is_named(tmp_path):
    (tmp_path / "h5py.py").write_text("raise ImportError('hidden by the test')\n")
    done = run_pytest(tmp_path, "def test_a(): pass\n", env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode != 0
    assert "lacks h5py (hidden by the test)" in done.stderr
