# SPDX-License-Identifier: BSD-3-Clause
"""A signal ends a case that would take hours; numbers that make no sense are refused."""
import os
import signal
import time

import pytest
from conftest import workplace

check_records = workplace.check_records
children = workplace.run_workplace.children

HEAD = """
[study]
name = "long"
[measure]
repeats = 1
warmup = 0
"""
# The first case of each ends at once, the second one not today.
LONG = {
    "fem-evolution": HEAD + """
[problem]
name = "wave"
points = 10
[method]
name = "fem-evolution"
n = 4
[axes]
dt = [0.1, 1e-8]
""",
    "simp-mma": HEAD + """
[problem]
name = "compliance"
nx = 20
ny = 10
[method]
name = "simp-mma"
[axes]
iterations = [2, 100000]
""",
    # Every search of a line is one evaluation; the misfit asked for is out of reach.
    "adjoint-identification": HEAD + """
[problem]
name = "conductivity"
n = 60
refine = 2
[method]
name = "adjoint-identification"
iterations = 1000000
[axes]
target = [0.5, 1e-30]
""",
}


def start(place, method, ranks):
    """The run, some time into its second case."""
    place.write(LONG[method], "long.toml")
    process = place.start("run", "long.toml", ranks=ranks)
    place.wait_for(lambda: place.results(), process)
    time.sleep(2)
    assert process.poll() is None, process.communicate()  # not by itself
    return process


def expect_stopped(place, process, name):
    begin = time.monotonic()
    _, err = process.communicate(timeout=10)
    assert time.monotonic() - begin < 10
    assert process.returncode == 0, err
    assert f"stopped by {name} (1 cases remain)" in err
    record, = check_records(place)
    assert record["status"] == "ok"


@pytest.mark.parametrize("method", LONG)
@pytest.mark.parametrize("ranks", [0, 2, 3])
def test_a_signal_ends_a_long_case(place, method, ranks):
    process = start(place, method, ranks)
    os.kill(children(process.pid)[-1] if ranks else process.pid, signal.SIGTERM)
    expect_stopped(place, process, "SIGTERM")


def test_a_signal_ends_the_long_cases_of_all_groups(place):
    text = LONG["fem-evolution"].replace("[0.1, 1e-8]", "[0.1, 1e-8, 2e-8, 4e-8]")
    place.write(text.replace("warmup = 0", "warmup = 0\nranks_per_case = 1"), "long.toml")
    process = place.start("run", "long.toml", ranks=3)
    place.wait_for(lambda: place.results(), process)
    time.sleep(2)
    process.send_signal(signal.SIGUSR1)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 0, err
    assert "stopped by SIGUSR1 (3 cases remain)" in err
    assert len(check_records(place)) == 1


def test_what_was_stopped_goes_on(place):
    process = start(place, "fem-evolution", 2)
    process.send_signal(signal.SIGUSR1)  # which mpirun hands on
    expect_stopped(place, process, "SIGUSR1")
    before = {path: path.read_bytes() for path in place.results()}
    again = start(place, "fem-evolution", 0)  # the second case once more
    again.send_signal(signal.SIGTERM)
    expect_stopped(place, again, "SIGTERM")
    for path, content in before.items():
        assert path.read_bytes() == content
    report = place.json("run", "long.toml", "--set", "axes.dt=[0.1, 0.01]")
    assert sorted(case["action"] for case in report["cases"]) == ["ran", "skipped"]


@pytest.mark.parametrize("dt, steps", [("1e-17", "1e+17"), ("1e-300", "1e+300"), ("5e-324", "inf")])
def test_more_steps_than_anyone_waits_for_are_refused(place, dt, steps):
    place.write(LONG["fem-evolution"], "long.toml")
    done = place.start("run", "long.toml", "--json", "--set", f"axes.dt=[{dt}]")
    out, err = done.communicate(timeout=30)
    assert done.returncode == 1 and not place.results()
    assert f"method.dt = {dt} is too short for the final time 1 (which is {steps} steps" in out + err


def test_what_did_not_converge_is_invalid(place):
    def broken(*overrides):
        place.study("fem-conductivity.toml", "axes.minimiser=[\"lmvm\"]", *overrides, code=2)
        record, = check_records(place)
        assert all(merit["value"] is None for merit in record["fom"])
        return {check["name"]: check["note"] for check in record["checks"] if not check["pass"]}
    assert "DIVERGED_MAXITS" in broken("method.iterations=1")["minimiser_converged"]
    place.runs.rename(place.path / "before")
    notes = broken("petsc.ksp_type=cg", "petsc.pc_type=none", "petsc.ksp_max_it=1")
    assert "DIVERGED_ITS" in notes["solver_converged"]
    assert "minimiser_converged" in notes
