# SPDX-License-Identifier: BSD-3-Clause
"""The shell scripts without a cluster: shellcheck, installing, signals, summary of tests."""
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("MOHO_SOURCE_DIR", Path(__file__).resolve().parents[2]))
SCRIPTS = sorted(
    {
        *ROOT.glob("*.sh"),
        *ROOT.glob("scripts/*.sh"),
        *ROOT.glob("jobs/*.sh"),
        *ROOT.glob("jobs/*.sbatch"),
        *ROOT.glob("tests/jobs/*.sh"),
        ROOT / ".ci" / "run",
    }
)


def bash(text, **environment):
    return subprocess.run(
        ["bash", "-c", text],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=60,
    )


def test_scripts_are_found():
    names = {p.name for p in SCRIPTS}
    assert {"quickstart.sh", "check.sh", "common.sh", "cpu.sbatch", "run", "slurm_up.sh"} <= names


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_shellcheck(script):
    assert shutil.which("shellcheck"), "shellcheck is missing (scripts/packages.txt)"
    result = subprocess.run(["shellcheck", "-x", script], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stdout


def test_shellcheck_can_fail(tmp_path):
    (tmp_path / "bad.sh").write_text("#!/bin/bash\nrm $1\n")
    assert subprocess.run(["shellcheck", tmp_path / "bad.sh"], capture_output=True).returncode != 0


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_names_no_host_and_can_be_run(script):
    text = script.read_text()
    assert not re.search(r"https?://", text)
    assert "SPDX-License-Identifier: BSD-3-Clause" in text
    if text.startswith("#!"):
        assert os.access(script, os.X_OK) or script.suffix == ".sbatch"
        assert re.search(r"^(set -e?uo pipefail|set -euo pipefail|exec )", text, re.M)


# ---- installing: a pretended machine in PATH -----------------------------------------------------

FAKE = {
    "dpkg-query": '#!/bin/sh\ncase "$*" in *cmake*|*munge*) echo no;; *) echo installed;; esac\n',
    "apt-get": '#!/bin/sh\necho "$@" >>"$FAKE/apt.calls"\n[ "$1" != "$APT_FAILS" ]\n',
    "id": '#!/bin/sh\necho "$FAKE_UID"\n',
    "sudo": '#!/bin/sh\n[ "$FAKE_SUDO" = yes ] || exit 1\nshift\n"$@"\n',
}


@pytest.fixture
def machine(tmp_path):
    """install_packages under a root folder and a PATH of our own."""
    for name, text in FAKE.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "build").mkdir()
    for name in ("common.sh", "packages.txt"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")

    def install(groups="build run", uid=0, sudo="no", **environment):
        result = bash(
            f'set -euo pipefail; root={tmp_path}; source "$root/scripts/common.sh"\n'
            f"install_packages {groups}",
            PATH=f"{tmp_path}:{os.environ['PATH']}",
            FAKE=str(tmp_path),
            FAKE_UID=str(uid),
            FAKE_SUDO=sudo,
            **{"APT_FAILS": "none", **environment},
        )
        calls = tmp_path / "apt.calls"
        return result, calls.read_text() if calls.exists() else ""

    return install


def test_root_installs_what_is_missing(machine):
    result, calls = machine()
    assert result.returncode == 0, result.stderr
    assert calls == "update -qq\ninstall -y -qq --no-install-recommends cmake\n"


def test_groups_choose_packages(machine):
    _, calls = machine("build run test slurm")
    assert calls.endswith("cmake munge\n")


def test_sudo_without_password_is_used(machine):
    result, calls = machine(uid=1000, sudo="yes")
    assert result.returncode == 0 and "install -y" in calls


def test_without_rights_the_line_is_printed(machine):
    result, calls = machine(uid=1000)
    assert result.returncode == 1 and calls == ""
    lines = [line for line in result.stderr.splitlines() if line.startswith("apt-get")]
    assert lines == ["apt-get update && apt-get install -y --no-install-recommends cmake"]


def test_no_install_touches_nothing(machine):
    result, calls = machine(uid=1000, no_install="1")
    assert result.returncode == 0 and calls == ""


def test_nothing_missing_touches_nothing(machine):
    result, calls = machine("run", uid=1000)
    assert result.returncode == 0 and calls == ""


@pytest.mark.parametrize("step", ["update", "install"])
def test_failing_apt_is_told(machine, step):
    result, _ = machine(APT_FAILS=step)
    assert result.returncode == 1 and f"apt-get {step} failed" in result.stderr


def test_every_package_has_a_group_and_a_reason():
    lines = [
        line.split()
        for line in (ROOT / "scripts" / "packages.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert all(len(line) > 2 and line[0] in ("build", "run", "test", "slurm") for line in lines)
    assert len({line[1] for line in lines}) == len(lines)


@pytest.mark.parametrize("script", ["quickstart.sh", "check.sh"])
def test_help_and_unknown_options(script):
    shown = bash(f"./{script} --help")
    assert shown.returncode == 0 and f"./{script}" in shown.stdout and "Exit code" in shown.stdout
    wrong = bash(f"./{script} --colour")
    assert wrong.returncode == 1 and "unknown option '--colour'" in wrong.stderr


def test_cores_are_not_those_of_openmp():
    words = f'set -euo pipefail; root={ROOT}; source "$root/scripts/common.sh"; core_count'
    counts = {bash(words, OMP_NUM_THREADS=n).stdout for n in ("1", "977")}
    assert counts == {f"{len(os.sched_getaffinity(0))}\n"}


# ---- jobs/common.sh and jobs/cpu.sbatch without Slurm --------------------------------------------

FAKE_MOHO = """#!/bin/bash
if [ "$1" = info ]; then
  printf 'run       %s rank(s) on 1 node(s), 1 thread(s) each\\n' "${FAKE_RANKS:-1}"
  exit
fi
echo "ran $*"
trap 'echo told; exit 0' USR1
echo ready
# No command substitution here: bash can lose a signal that comes during one.
for ((i = 0; i < ${FAKE_TENTHS:-0}; i++)); do sleep 0.1; done
mkdir -p "$4/s/c" && touch "$4/s/c/result.json"
exit "${FAKE_CODE:-0}"
"""


@pytest.fixture
def start_job(tmp_path):
    """Starts cpu.sbatch as a plain script on a pretended executable and launcher."""
    (tmp_path / "moho").write_text(FAKE_MOHO)
    (tmp_path / "mpirun").write_text(
        '#!/bin/bash\nwhile [ "${1#/}" = "$1" ]; do shift; done\nexec "$@"\n'
    )
    for name in ("moho", "mpirun"):
        (tmp_path / name).chmod(0o755)

    def start(*words, **environment):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM", "MOHO"))}
        return subprocess.Popen(
            ["bash", ROOT / "jobs" / "cpu.sbatch", *words],
            text=True,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **clean,
                "PATH": f"{tmp_path}:{clean['PATH']}",
                "MOHO_ROOT": str(ROOT),
                "MOHO_EXE": str(tmp_path / "moho"),
                **environment,
            },
        )

    return start


@pytest.fixture
def job(start_job):
    """The same, waited for."""

    def run(*words, **environment):
        process = start_job(*words, **environment)
        out, error = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out, error)

    return run


def test_job_runs_studies_in_order(job):
    result = job("a.toml", "b.toml", "--", "--set", "measure.repeats=2")
    assert result.returncode == 0, result.stderr
    ran = [line for line in result.stdout.splitlines() if line.startswith("ran")]
    assert ran == [f"ran run {s}.toml --out runs --set measure.repeats=2" for s in "ab"]
    assert "1 records in runs; exit code 0" in result.stderr


def test_job_takes_the_study_from_the_environment(job):
    assert "ran run x.toml --out o" in job("--out", "o", MOHO_STUDY="x.toml").stdout


@pytest.mark.parametrize("code", [1, 2, 4])
def test_job_fails_as_its_study(job, code):
    result = job("a.toml", FAKE_CODE=str(code))
    assert result.returncode == code and f"a.toml ended with exit code {code}" in result.stderr


@pytest.mark.parametrize(
    "words, environment, message",
    [
        ([], {}, "no study given"),
        (["--frob"], {}, "unknown option '--frob'"),
        (["--out"], {}, "--out needs a folder"),
        (["a.toml"], {"MOHO_EXE": "/nowhere/moho"}, "no executable '/nowhere/moho'"),
        (["a.toml"], {"MOHO_LAUNCHER": "aprun"}, "no 'aprun' in PATH"),
        (["a.toml"], {"MOHO_SITE": "/nowhere/site.sh"}, "cannot read MOHO_SITE=/nowhere/site.sh"),
        (["a.toml"], {"MOHO_MODULES": "gcc"}, "no command 'module'"),
        (["a.toml"], {"MOHO_RANKS": "4"}, "did not start one MPI job of 4 ranks"),
        (["a.toml"], {"MOHO_ROOT": "/nowhere"}, "no jobs/common.sh"),
    ],
)
def test_job_says_what_is_wrong(job, words, environment, message):
    result = job(*words, **environment)
    assert result.returncode == 1 and message in result.stderr
    assert "ran" not in result.stdout.split()


def test_site_file_is_sourced(job, tmp_path):
    (tmp_path / "site.sh").write_text("export FAKE_RANKS=3\n")
    assert job("a.toml", MOHO_SITE=str(tmp_path / "site.sh"), MOHO_RANKS="3").returncode == 0


@pytest.mark.parametrize(
    "records, code, message",
    [(0, 1, "before a single case was finished"), (1, 75, "submit the same line again")],
)
def test_end_of_time_stops_the_study(start_job, tmp_path, records, code, message):
    """USR1 reaches the ranks; without progress it is an error, else something to go on with."""
    process = start_job("a.toml", FAKE_TENTHS="300")
    while not process.stdout.readline().startswith("ready"):
        assert process.poll() is None
    for i in range(records):
        (tmp_path / "runs" / "s" / str(i)).mkdir(parents=True)
        (tmp_path / "runs" / "s" / str(i) / "result.json").touch()
    process.send_signal(signal.SIGUSR1)
    out, error = process.communicate(timeout=60)
    assert "told" in out and process.returncode == code and message in error


def left(folder, case, status=None, steps=0, checkpoint=None):
    """What moho leaves of a case: a record, a checkpoint, or both."""
    place = folder / "runs" / "s" / case
    place.mkdir(parents=True, exist_ok=True)
    if status:
        counters = f'"counters": {{\n    "steps": {steps}\n  }}\n'
        (place / "result.json").write_text(f'{{\n  "status": "{status}",\n  {counters}}}\n')
    if checkpoint:
        (place / "checkpoint.h5").write_text(checkpoint)


@pytest.fixture
def stopped(start_job, tmp_path):
    """Runs a job that is told to stop after `meanwhile`; its process, stderr and whether it asked
    Slurm for another start."""
    # Slurm ends the script that asks for it
    (tmp_path / "scontrol").write_text(
        f'#!/bin/bash\necho "$*" >>{tmp_path}/scontrol.calls\nkill -KILL $PPID\n'
    )
    (tmp_path / "scontrol").chmod(0o755)

    def stop(meanwhile):
        process = start_job("a.toml", FAKE_TENTHS="300", SLURM_JOB_ID="7", MOHO_LAUNCHER="mpirun")
        while not process.stdout.readline().startswith("ready"):
            assert process.poll() is None
        meanwhile()
        process.send_signal(signal.SIGUSR1)
        error = process.communicate(timeout=60)[1]
        calls = tmp_path / "scontrol.calls"
        return process, error, calls.exists() and calls.read_text() == "requeue 7\n"

    return stop


FINISHED = {"case": "a", "status": "ok"}
STARTED = {"case": "b", "checkpoint": "epoch 1"}
PARTIAL = {"case": "b", "status": "partial", "steps": 5}


@pytest.mark.parametrize(
    "before, meanwhile",
    [
        ([], STARTED),
        ([STARTED], {"case": "b", "checkpoint": "epoch 2"}),  # as long as before
        ([FINISHED, STARTED], {"case": "b", "checkpoint": "epoch 2"}),
        ([FINISHED], PARTIAL),
        ([PARTIAL], {"case": "b", "status": "partial", "steps": 6}),
        ([PARTIAL, STARTED], {"case": "b", "status": "ok"}),
        ([{"case": "b", "status": "failed"}], {"case": "b", "status": "invalid"}),
    ],
)
def test_training_that_went_on_is_requeued(stopped, tmp_path, before, meanwhile):
    """Though no case is finished: it goes on from its checkpoint in the next start."""
    for one in before:
        left(tmp_path, **one)
    process, error, requeued = stopped(lambda: left(tmp_path, **meanwhile))
    assert requeued and process.returncode == -signal.SIGKILL, error
    assert "back into the queue" in error


@pytest.mark.parametrize(
    "before, meanwhile",
    [
        ([], {"case": "b"}),
        ([FINISHED, STARTED, PARTIAL], FINISHED),
        ([STARTED], STARTED),  # written anew, with the same content
        ([PARTIAL], PARTIAL),
        ([], {"case": "b", "status": "failed"}),
    ],
)
def test_start_that_got_nothing_done_is_not_requeued(stopped, tmp_path, before, meanwhile):
    for one in before:
        left(tmp_path, **one)
    process, error, requeued = stopped(lambda: left(tmp_path, **meanwhile))
    assert process.returncode == 1 and not requeued
    assert "before a single case was finished or a training left a newer checkpoint" in error


def test_signal_before_the_launcher_is_known_is_not_lost(tmp_path):
    """The signal comes while bash starts the launcher: `$!` is then still unknown to the trap."""
    text = (ROOT / "jobs" / "common.sh").read_text()
    assert text.count("  child=$!\n") == 1
    late = text.replace("  child=$!\n", "  kill -USR1 $$; sleep 0.2\n  child=$!\n")
    (tmp_path / "common.sh").write_text(late)
    result = bash(
        f"set -euo pipefail; MOHO_ROOT={ROOT}; source {tmp_path}/common.sh\n"
        "code=0; run_until_signal sleep 50 || code=$?; echo $stopped $code"
    )
    assert result.stdout == "USR1 138\n", result.stderr


# ---- summary of tests ----------------------------------------------------------------------------

JUNIT = """<?xml version="1.0"?><testsuite name="x" tests="3">
<testcase name="a" status="run"/><testcase name="b" status="run"/>{more}</testsuite>"""


@pytest.mark.parametrize(
    "more, log, ctest, code, last",
    [
        ("", "", 0, 0, "2 passed, 0 failed, 0 skipped"),
        ('<testcase name="c" status="fail"/>', "", 8, 1, "2 passed, 1 failed, 0 skipped"),
        (
            '<testcase name="c" status="notrun"><skipped message="RETURN_CODE=77"/></testcase>',
            "",
            0,
            1,
            "2 passed, 0 failed, 1 skipped",
        ),
        ('<testcase name="c" status="disabled"/>', "", 0, 1, "2 passed, 0 failed, 1 skipped"),
        (
            "",
            "SKIPPED [1] test_slurm.py:9: allowed: must run as root\n",
            0,
            0,
            "2 passed, 0 failed, 0 skipped",
        ),
        ("", "", 8, 1, "2 passed, 0 failed, 0 skipped"),
    ],
)
def test_summary(tmp_path, more, log, ctest, code, last):
    (tmp_path / "x.xml").write_text(JUNIT.format(more=more))
    (tmp_path / "x.log").write_text(log)
    result = subprocess.run(
        [
            sys.executable,
            ROOT / "scripts" / "test_summary.py",
            tmp_path / "x.xml",
            tmp_path / "x.log",
            str(ctest),
        ],
        capture_output=True,
        text=True,
    )
    assert result.returncode == code and result.stdout.splitlines()[-1] == last
    assert (
        not log
        or "skipped inside a test: SKIPPED [1] test_slurm.py:9: allowed: must run as root"
        in result.stdout
    )


@pytest.mark.parametrize("junit", [None, "", "<testsuite/>"])
def test_summary_of_nothing_is_a_failure(tmp_path, junit):
    if junit is not None:
        (tmp_path / "x.xml").write_text(junit)
    (tmp_path / "x.log").write_text("")
    result = subprocess.run(
        [
            sys.executable,
            ROOT / "scripts" / "test_summary.py",
            tmp_path / "x.xml",
            tmp_path / "x.log",
            "0",
        ],
        capture_output=True,
        text=True,
    )
    assert (
        result.returncode == 1 and result.stdout.splitlines()[-1] == "0 passed, 0 failed, 0 skipped"
    )
