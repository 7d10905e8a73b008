# SPDX-License-Identifier: BSD-3-Clause
"""Signals and killed processes: what is finished is whole, and the same command goes on."""
import os
import signal
import time

import pytest
from conftest import LONG, check_records, children, kill_all

CASES = 12


def finish(place, before, ranks=0):
    """Runs the rest; what was finished before is not touched."""
    report = place.json("run", "long.toml", ranks=ranks)
    actions = [c["action"] for c in report["cases"]]
    assert actions.count("skipped") == len(before)
    assert actions.count("ran") == CASES - len(before)
    for path, content in before.items():
        assert path.read_bytes() == content
    assert len(check_records(place)) == CASES
    assert not [p for p in place.files() if p.name.startswith(".")], "something was left behind"


def snapshot(place):
    return {path: path.read_bytes() for path in place.results()}


@pytest.mark.parametrize("ranks", [0, 2])
def test_killed_half_way_then_resumed(place, ranks):
    place.write(LONG, "long.toml")
    process = place.start("run", "long.toml", ranks=ranks)
    place.wait_for(lambda: len(place.results()) >= 3, process)
    assert kill_all(process) != 0
    check_records(place)  # none is half-written
    before = snapshot(place)
    assert 3 <= len(before) < CASES
    finish(place, before, ranks)


def test_killed_again_and_again(place):
    """At random moments, so that writing is hit as well."""
    place.write(LONG.replace("min_time = 0.25", "repeats = 1\nwarmup = 0"), "long.toml")
    for attempt in range(12):
        process = place.start("run", "long.toml", "--force")
        time.sleep(0.05 + 0.02 * attempt)
        kill_all(process)
        check_records(place)
    finish(place, snapshot(place))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_stop_signal_ends_the_run_cleanly(place, name):
    place.write(LONG, "long.toml")
    process = place.start("run", "long.toml")
    place.wait_for(lambda: len(place.results()) >= 2, process)
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert f"stopped by {name}" in err and "cases remain" in err
    before = snapshot(place)
    assert 2 <= len(before) < CASES
    assert len(check_records(place)) == len(before)
    finish(place, before)


def test_a_warning_through_mpirun_ends_the_run_cleanly(place):
    """mpirun hands SIGUSR1 on to its ranks; a scheduler does the same."""
    place.write(LONG, "long.toml")
    process = place.start("run", "long.toml", ranks=2)
    place.wait_for(lambda: len(place.results()) >= 2, process)
    process.send_signal(signal.SIGUSR1)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "stopped by SIGUSR1" in err
    finish(place, snapshot(place), ranks=2)


def test_one_rank_is_warned_and_all_stop(place):
    place.write(LONG, "long.toml")
    process = place.start("run", "long.toml", ranks=3)
    place.wait_for(lambda: len(place.results()) >= 1, process)
    os.kill(children(process.pid)[-1], signal.SIGUSR1)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert err.count("stopped by SIGUSR1") == 1
    finish(place, snapshot(place), ranks=3)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_rank_ends_the_job_with_an_error(place, victim):
    place.write(LONG, "long.toml")
    process = place.start("run", "long.toml", ranks=2)
    place.wait_for(lambda: len(place.results()) >= 2, process)
    os.kill(children(process.pid)[victim], signal.SIGKILL)
    process.communicate(timeout=60)  # does not hang
    assert process.returncode != 0
    before = snapshot(place)
    assert len(check_records(place)) == len(before)
    finish(place, before, ranks=2)
