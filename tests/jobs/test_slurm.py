# SPDX-License-Identifier: BSD-3-Clause
"""jobs/cpu.sbatch on a real Slurm of two nodes, started here and private to this test.

Needs root, namespaces and the packages of group `slurm` in scripts/packages.txt. Where they lack,
the tests are skipped and say why; with MOHO_REQUIRE_SLURM=1 (check.sh, where root may make
namespaces) that is a failure.
"""
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = Path(os.environ.get("MOHO_SOURCE_DIR", HERE.parents[1]))
EXE = os.environ.get("MOHO_EXE", str(ROOT / "build" / "serial" / "moho"))
sys.path.insert(0, str(ROOT / "analysis"))

import load

STUDY = """
[study]
name = "{name}"
title = "for tests of the jobs"
[problem]
name = "dispersion-gradient"
models = {models}
periods = 10
truth = 0
[method]
name = "dispersion-solver"
{method}
[axes]
layers = {layers}
[measure]
repeats = 1
warmup = 0
min_time = {min_time}
{limits}
"""


@pytest.fixture(scope="session")
def slurm():
    """The environment of a running private Slurm."""
    with tempfile.TemporaryDirectory(prefix="moho-slurm-", dir="/tmp") as folder:
        up = subprocess.run(
            [HERE / "slurm_up.sh", "-n", "2", "-c", "2", folder], capture_output=True, text=True
        )
        if up.returncode == 3 and os.environ.get("MOHO_REQUIRE_SLURM") != "1":
            pytest.skip(f"allowed: no private Slurm here: {up.stderr.strip()}")
        assert up.returncode == 0, up.stderr
        shown = subprocess.run(
            ["bash", "-c", f". {folder}/env.sh && env -0"],
            capture_output=True,
            text=True,
            check=True,
        )
        environment = dict(line.split("=", 1) for line in shown.stdout.split("\0") if "=" in line)
        environment["PATH"] += ":/usr/sbin:/sbin"
        try:
            yield environment
        finally:
            subprocess.run([HERE / "slurm_down.sh", folder], check=True)


class Job:
    """A submitted job and what became of it."""

    def __init__(
        self, slurm, folder, *words, size=("-N", "2", "-n", "2"), options=(), **environment
    ):
        self.environment = {
            **slurm,
            "MOHO_ROOT": str(ROOT),
            "MOHO_EXE": EXE,
            "OMP_NUM_THREADS": "1",
            **environment,
        }
        self.folder = folder
        command = [
            "sbatch",
            "--parsable",
            "-t",
            "5",
            *size,
            *options,
            ROOT / "jobs" / "cpu.sbatch",
            *map(str, words),
        ]
        self.id = self._run(*command).strip()

    def _run(self, *command):
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def field(self, name):
        words = self._run("scontrol", "show", "-o", "job", self.id).split()
        return next(w.split("=", 1)[1] for w in words if w.startswith(name + "="))

    @property
    def output(self):
        path = self.folder / f"moho-{self.id}.out"
        return path.read_text() if path.exists() else ""

    def wait_for(self, what, seconds=90):
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, (self.field("JobState"), self.output)
            time.sleep(0.2)

    def wait(self, seconds=120):
        """State and exit code ("code:signal") at the end."""
        self.wait_for(
            lambda: self.field("JobState")
            not in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "REQUEUED", "SUSPENDED"),
            seconds,
        )
        return self.field("JobState"), self.field("ExitCode")

    def signal(self, name="USR1"):
        self._run("scancel", "-b", "-s", name, self.id)

    def cancel(self):
        self._run("scancel", self.id)


@pytest.fixture
def study(tmp_path):
    def write(name, models=8, layers=(5,), method="", min_time=0.0, limits=""):
        path = tmp_path / f"{name}.toml"
        path.write_text(
            STUDY.format(
                name=name,
                models=models,
                layers=list(layers),
                method=method,
                min_time=min_time,
                limits=limits,
            )
        )
        return path.name

    return write


def records(folder):
    runs = load.load(folder)
    assert not runs.problems, runs.problems
    return runs.records


def test_smoke_study_on_two_nodes(slurm, tmp_path):
    job = Job(slurm, tmp_path, ROOT / "benchmarks" / "smoke" / "dispersion-accuracy.toml")
    assert job.wait() == ("COMPLETED", "0:0"), job.output
    found = records(tmp_path / "runs")
    assert found and all(r["status"] == "ok" for r in found)
    for record in found:
        run = record["provenance"]["run"]
        assert run["ranks"] == 2 and run["nodes"] == 2
        assert {b["host"] for b in run["binding"]} == {"n1", "n2"}
        assert run["slurm"]["SLURM_JOB_ID"] == job.id
    assert "2 rank(s) on 2 node(s)" in job.output  # the preflight


def test_mpirun_as_launcher(slurm, tmp_path, study):
    job = Job(
        slurm,
        tmp_path,
        study("by-mpirun"),
        MOHO_LAUNCHER="mpirun",
        MOHO_LAUNCHER_OPTIONS="--bind-to none",
    )
    assert job.wait() == ("COMPLETED", "0:0"), job.output
    assert [r.ranks for r in records(tmp_path / "runs")] == [2]


def test_wrong_study_fails_the_job(slurm, tmp_path, study):
    path = tmp_path / study("wrong")
    path.write_text(path.read_text().replace("repeats", "repeets"))
    job = Job(slurm, tmp_path, path.name)
    assert job.wait() == ("FAILED", "1:0"), job.output
    assert "repeets" in job.output and not list(tmp_path.rglob("result.json"))


def test_invalid_result_fails_the_job(slurm, tmp_path, study):
    name = study("invalid", limits="[limits]\npoints = 0")
    job = Job(slurm, tmp_path, name)
    assert job.wait() == ("FAILED", "2:0"), job.output
    assert [r["status"] for r in records(tmp_path / "runs")] == ["invalid"]


def test_one_bad_study_of_two_fails_the_job_and_the_other_runs(slurm, tmp_path, study):
    job = Job(slurm, tmp_path, "nowhere.toml", study("good"))
    assert job.wait() == ("FAILED", "1:0"), job.output
    assert [r["status"] for r in records(tmp_path / "runs")] == ["ok"]


def test_ranks_that_do_not_find_each_other_are_refused(slurm, tmp_path, study):
    """What a wrong --mpi= does: many MPI jobs of one rank instead of one job of many ranks."""
    alone = tmp_path / "alone"
    alone.write_text(
        "#!/bin/bash\nfor v in $(compgen -e); do\n"
        '  case $v in PMI*|OMPI*|SLURM*) unset "$v";; esac\ndone\n'
        f'export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1\nexec {EXE} "$@"\n'
    )
    alone.chmod(0o755)
    job = Job(slurm, tmp_path, study("alone"), MOHO_EXE=str(alone))
    assert job.wait() == ("FAILED", "1:0"), job.output
    assert "did not start one MPI job of 2 ranks" in job.output and not list(
        tmp_path.rglob("result.json")
    )


def test_end_of_time_requeues_and_the_next_start_goes_on(slurm, tmp_path, study):
    name = study("long", models=64, layers=[4, 5, 6, 7], min_time=2.0)
    job = Job(slurm, tmp_path, name)
    done = lambda: sorted((tmp_path / "runs").rglob("result.json"))
    job.wait_for(lambda: len(done()) >= 1)
    job.signal()
    job.wait_for(lambda: job.field("Restarts") == "1")
    before = {path: path.stat().st_mtime_ns for path in done()}
    assert 1 <= len(before) < 4, job.output
    assert job.wait() == ("COMPLETED", "0:0"), job.output
    assert len(records(tmp_path / "runs")) == 4
    assert all(
        path.stat().st_mtime_ns == time_ns for path, time_ns in before.items()
    )  # not run again
    assert "back into the queue" in job.output and "(start 2)" in job.output


TRAINING = """
[study]
name = "training"
title = "a training that is longer than its job"
[problem]
name = "burgers-1d"
grid = 256
s = 64
time_steps = 100
train = 64
test = 8
[method]
name = "fno"
width = 8
modes = 4
layers = 2
epochs = 600
batch = 16
[measure]
repeats = 1
warmup = 0
"""


def test_training_longer_than_its_job_goes_on(slurm, tmp_path):
    """No case is finished in the first start, but a checkpoint was left; then it waits for the
    end of its time."""
    slow = tmp_path / "slow"
    slow.write_text(
        f'#!/bin/bash\nif [ "$1" = run ] && [ -z "${{SLURM_RESTART_COUNT:-}}" ]; then\n'
        f'  trap "exit 0" USR1; {EXE} "$@" --max-time 0.2s; echo sat; sleep 100 & wait\n'
        f'fi\nexec {EXE} "$@"\n'
    )
    slow.chmod(0o755)
    (tmp_path / "training.toml").write_text(TRAINING)
    one = ("-N", "1", "-n", "1")
    job = Job(slurm, tmp_path, "training.toml", size=one, MOHO_EXE=str(slow))
    job.wait_for(lambda: "sat" in job.output.split())
    assert list(tmp_path.rglob("checkpoint.h5"))
    job.signal()
    assert job.wait() == ("COMPLETED", "0:0"), job.output
    assert job.field("Restarts") == "1" and "back into the queue" in job.output
    (record,) = records(tmp_path / "runs")
    assert record["status"] == "ok" and record["counters"]["sittings"] == 2


def test_no_progress_is_not_requeued(slurm, tmp_path, study):
    job = Job(slurm, tmp_path, study("endless", models=2000, min_time=100.0))
    job.wait_for(lambda: "moho run" in job.output)
    time.sleep(1.0)
    job.signal()
    assert job.wait() == ("FAILED", "1:0"), job.output
    assert "before a single case was finished" in job.output and job.field("Restarts") == "0"


def test_cancelled_job_leaves_no_half_record(slurm, tmp_path, study):
    job = Job(slurm, tmp_path, study("cancelled", models=64, layers=[4, 5, 6], min_time=2.0))
    job.wait_for(lambda: list((tmp_path / "runs").rglob("result.json")))
    job.cancel()
    assert job.wait()[0] == "CANCELLED"
    assert 1 <= len(records(tmp_path / "runs")) < 3
    again = Job(slurm, tmp_path, "cancelled.toml")
    assert again.wait() == ("COMPLETED", "0:0"), again.output
    assert len(records(tmp_path / "runs")) == 3


def test_killed_rank_ends_and_fails_the_job(slurm, tmp_path, study):
    """The other rank would wait for ever in a collective call."""
    fragile = tmp_path / "fragile"
    fragile.write_text(
        f'#!/bin/bash\nif [ "$1" = run ] && [ "$SLURM_PROCID" = 1 ]; then\n'
        f'  {EXE} "$@" & sleep 1; kill -KILL $!; wait $!; exit\nfi\nexec {EXE} "$@"\n'
    )
    fragile.chmod(0o755)
    job = Job(slurm, tmp_path, study("killed", min_time=60.0), MOHO_EXE=str(fragile))
    state, code = job.wait(60)
    assert state == "FAILED" and code != "0:0", job.output
    assert not list(tmp_path.rglob("result.json"))
