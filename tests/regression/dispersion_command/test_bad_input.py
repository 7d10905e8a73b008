# SPDX-License-Identifier: BSD-3-Clause
"""Whatever is wrong: a message that names file, record and key, the right exit code on all ranks,
and no half-written file. One bad case of many keeps its place, the rest is solved."""
import json
import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import h5py
import pytest

from conftest import CRUST, FORMAT, case, model, random_cases


def with_model(**columns):
    return case("wrong", {**CRUST, **columns})


NAN, INF = float("nan"), float("inf")

# What is wrong with one case, and what its error names.
BAD_CASES = {
    "thickness negative": (with_model(thickness=[-1.0, 0.0]), "thickness[0] = -1"),
    "thickness zero": (with_model(thickness=[0.0, 0.0]), "thickness[0] = 0"),
    "thickness nan": (with_model(thickness=[NAN, 0.0]), "thickness[0] = nan"),
    "thickness inf": (with_model(thickness=[INF, 0.0]), "thickness[0] = inf"),
    "vp negative": (with_model(vp=[-6.0, 8.1]), "vp[0] = -6"),
    "vp zero": (with_model(vp=[0.0, 8.1]), "vp[0] = 0"),
    "vp nan": (with_model(vp=[6.3, NAN]), "vp[1] = nan"),
    "vp inf": (with_model(vp=[6.3, INF]), "vp[1] = inf"),
    "vs negative": (with_model(vs=[-3.6, 4.6]), "vs[0] = -3.6"),
    "vs nan": (with_model(vs=[NAN, 4.6]), "vs[0] = nan"),
    "vs inf": (with_model(vs=[3.6, -INF]), "vs[1] = -inf"),
    "vs zero in the half-space": (with_model(vs=[3.6, 0.0]), "vs[1] = 0"),
    "rho negative": (with_model(rho=[-2.8, 3.3]), "rho[0] = -2.8"),
    "rho zero": (with_model(rho=[2.8, 0.0]), "rho[1] = 0"),
    "rho nan": (with_model(rho=[2.8, NAN]), "rho[1] = nan"),
    "rho inf": (with_model(rho=[2.8, INF]), "rho[1] = inf"),
    "vp below sqrt(4/3) vs": (with_model(vp=[4.1, 8.1]), "vp[0] = 4.1"),
    "no half-space": (with_model(thickness=[35.0, 10.0]), "no half-space"),
    "no rows": (case("wrong", {"thickness": [], "vp": [], "vs": [], "rho": []}), "no rows"),
    "fluid below solid": (case("wrong", model((1.0, 5.0, 3.0, 2.5), (1.0, 1.5, 0.0, 1.0),
                                              (0.0, 6.0, 3.4, 2.7))), "vs[1] = 0"),
    "unequal lengths": (with_model(rho=[2.8]), "rho has 1 rows"),
    "text for a number": (with_model(vs=["3.6", 4.6]), "model.vs[0]"),
    "no model": ({"name": "wrong", "periods": [1.0]}, "model is missing"),
    "no vs": (case("wrong", {k: v for k, v in CRUST.items() if k != "vs"}), "model.vs is missing"),
    "no periods": ({"name": "wrong", "model": CRUST}, "periods is missing"),
    "empty periods": (case("wrong", periods=[]), "periods is empty"),
    "period zero": (case("wrong", periods=[1.0, 0.0]), "periods[1] = 0"),
    "period negative": (case("wrong", periods=[-1.0]), "periods[0] = -1"),
    "period nan": (case("wrong", periods=[NAN]), "periods[0] = nan"),
    "period inf": (case("wrong", periods=[INF]), "periods[0] = inf"),
    "kernel of no wave": (case("wrong", kernels=[{"wave": "p", "mode": 0, "period": 1.0}]),
                          "kernels[0].wave"),
    "name is a number": ({**case(), "name": 7}, "name is 7"),
    "case is a number": (7, "the case is number"),
}


def test_bad_cases_keep_their_place_and_the_rest_is_solved(folder):
    good = random_cases(len(BAD_CASES) + 1)
    expected = folder.solved(good)["cases"]
    mixed, where = [good[0]], {}
    for i, (what, (bad, says)) in enumerate(BAD_CASES.items()):
        where[len(mixed)] = (what, bad, says)
        mixed += [bad, good[i + 1]]
    done = folder.moho(folder.write(mixed), "-o", "out.json", ranks=2)
    assert done.returncode == 2
    out = json.loads((folder.path / "out.json").read_text())["cases"]
    assert len(out) == len(mixed)
    for i, (what, bad, says) in where.items():
        assert set(out[i]) == {"name", "error"}, what
        assert says in out[i]["error"], f"{what}: {out[i]['error']}"
        if isinstance(bad, dict) and isinstance(bad["name"], str):
            assert out[i]["name"] == "wrong"
    assert out[0::2] == expected
    # The log names file, record and key of the first ones and counts the others.
    assert "'in.json', cases[1] 'wrong': thickness[0] = -1" in done.stderr
    assert f"and {len(BAD_CASES) - 20} more" in done.stderr


def test_one_bad_case_in_hdf5(folder):
    done = folder.moho(folder.write([case(), with_model(vs=[NAN, 4.6])]), "-o", "out.h5", ranks=3)
    assert done.returncode == 2
    assert "cases[1] 'wrong': vs[0] = nan" in done.stderr
    assert folder.files() == ["in.json", "out.h5"]


GOOD_JSON = json.dumps({"format": FORMAT, "cases": [case()]})

# Files that are unusable as a whole: name, content, options, what the message names.
BAD_FILES = {
    "empty": ("in.json", "", [], ["in.json", "not JSON"]),
    "not JSON": ("in.json", "{format: 1}", [], ["in.json", "line 1"]),
    "cut off": ("in.json", GOOD_JSON[:-40], [], ["in.json", "not JSON"]),
    "binary": ("in.json", b"\x89HDF\r\n\x1a\n\x00\xff", [], ["in.json", "not JSON"]),
    "not an object": ("in.json", "[1]", [], ["in.json", "object"]),
    "no format": ("in.json", '{"cases": []}', [], ["in.json", "'format'"]),
    "other format": ("in.json", GOOD_JSON.replace("/1", "/9", 1), [], ["in.json", "reference/9"]),
    "closed forms": ("in.json", '{"format": "surface-wave-closed-form/1"}', [], ["closed-form"]),
    "no cases": ("in.json", '{"format": "%s"}' % FORMAT, [], ["in.json", "'cases'"]),
    "cases is text": ("in.json", '{"format": "%s", "cases": "x"}' % FORMAT, [],
                      ["cases is string"]),
    "cases is empty": ("in.json", '{"format": "%s", "cases": []}' % FORMAT, [], ["cases is empty"]),
    "table without periods": ("m.csv", "0,6,3,2.5\n", [], ["m.csv", "--periods"]),
    "table of words": ("m.csv", "one two\n", ["--periods", "1"], ["m.csv", "line 1"]),
    "table with a word": ("m.csv", "1,6,3,2.5\n0,6,x,2\n", ["--periods", "1"],
                          ["line 2", "vs is 'x'"]),
    "period list": ("in.json", GOOD_JSON, ["--periods", "1,x"], ["--periods '1,x'"]),
    "period negative": ("in.json", GOOD_JSON, ["--periods=1,-2"], ["--periods", "periods[1] = -2"]),
    "period nan": ("in.json", GOOD_JSON, ["--periods", "nan"], ["--periods", "nan"]),
    "period file": ("in.json", GOOD_JSON, ["--periods", "none.txt"], ["none.txt"]),
    "wave": ("in.json", GOOD_JSON, ["--waves", "rayleigh,lamb"], ["--waves", "lamb"]),
    "no wave": ("in.json", GOOD_JSON, ["--waves="], ["--waves"]),
    "modes": ("in.json", GOOD_JSON, ["--modes", "0"], ["--modes"]),
    "modes text": ("in.json", GOOD_JSON, ["--modes", "all"], ["--modes"]),
    "table with a word in a named column": ("m.csv", "rho,vs,vp,h\n2.5,3,6,1\n2.7,3.5,6x,0\n",
                                            ["--periods", "1"],
                                            ["line 3", "vp is '6x' (column 3"]),
    "model96 cut off": ("m.mod", "MODEL.01\ntitle\nISOTROPIC\nKGS\nFLAT EARTH\n",
                        ["--periods", "1"], ["m.mod", "ends after 5 lines"]),
    "model96 mixed up": ("m.mod", "MODEL.01\ntitle\nKGS\nISOTROPIC\nFLAT EARTH\n",
                         ["--periods", "1"], ["line 3", "'KGS'", "mixed up"]),
    "HDF5 that is none": ("in.h5", "no", [], ["in.h5"]),
    "radius without flatten": ("in.json", GOOD_JSON, ["--radius", "6000"], ["--flatten"]),
    "radius": ("in.json", GOOD_JSON, ["--flatten", "--radius=-1"], ["--radius"]),
    "parts": ("in.json", GOOD_JSON, ["--flatten", "--flatten-layers", "0"], ["--flatten-layers"]),
    "option": ("in.json", GOOD_JSON, ["--mode", "1"], ["--mode"]),
}


def must_fail(folder, *arguments, ranks, names, code=1, environment=None):
    """Fails with this code and message, and leaves no file."""
    before = {name: (folder.path / name).read_bytes() for name in folder.files()
              if (folder.path / name).is_file()}
    done = folder.moho(*arguments, ranks=ranks, environment=environment)
    assert done.returncode == code, done.stderr
    ours = [line for line in done.stderr.splitlines() if line.startswith("moho: ")]
    assert len(ours) == 1, done.stderr  # one message, not one per rank
    for part in names:
        assert part in ours[0], ours[0]
    assert done.stdout == ""
    after = {name: (folder.path / name).read_bytes() for name in folder.files()
             if (folder.path / name).is_file()}
    assert after == before


@pytest.mark.parametrize("what", BAD_FILES)
def test_unusable_file(folder, what):
    name, content, options, names = BAD_FILES[what]
    folder.write(content, name)
    must_fail(folder, name, "-o", "out.json", *options, ranks=2, names=names)


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_missing_file_on_any_number_of_ranks(folder, ranks):
    must_fail(folder, "nothing.json", "-o", "out.json", ranks=ranks, names=["'nothing.json'"])


def test_no_file_named(folder):
    must_fail(folder, ranks=2, names=["cases"])


def test_input_is_a_folder(folder):
    (folder.path / "in.json").mkdir()
    must_fail(folder, "in.json", "-o", "out.json", ranks=2, names=["'in.json'"])


def test_input_without_permission(folder):
    if os.geteuid() == 0:
        pytest.skip("allowed: root reads every file")
    folder.write([case()])
    (folder.path / "in.json").chmod(0)
    done = folder.moho("in.json", "-o", "out.json", ranks=2)
    assert done.returncode == 1 and "'in.json'" in done.stderr


@pytest.mark.parametrize("output", [
    "out.txt", "out", "no/such/out.json", "in.json/out.h5", "/out.h5/", "folder.json",
    "/proc/out.json", "/dev/full.h5/x.json", "in.json", "pipe.json"])
@pytest.mark.parametrize("ranks", [1, 3])
def test_output_that_cannot_be_written_is_found_before_the_work(folder, output, ranks):
    # The input is unusable too: that the output is what is told shows that it is looked at first.
    folder.write("not JSON at all")
    (folder.path / "folder.json").mkdir()
    os.mkfifo(folder.path / "pipe.json")
    must_fail(folder, "in.json", "-o", output, ranks=ranks, names=[f"'{output}'"])
    assert stat.S_ISFIFO((folder.path / "pipe.json").stat().st_mode)


def test_hdf5_that_is_not_an_answer(folder):
    with h5py.File(folder.path / "in.h5", "w") as file:
        file["x"] = [1.0]
    must_fail(folder, "in.h5", "-o", "out.json", ranks=2, names=["'in.h5'", "moho.dispersion/1"])


@pytest.mark.parametrize("dataset, values, says", [
    ("model/offset", [0, 9], "/model/offset[1]"), ("mode_count/case", [0, 7] + [0] * 4, "/case[1]"),
    ("mode_count/wave", [0, 1], "different lengths"), ("kernel/mode", [-1], "/kernel row 0")])
def test_hdf5_that_contradicts_itself(folder, dataset, values, says):
    asked = [case(kernels=[{"wave": "love", "mode": 0, "period": 5.0}])]
    assert folder.moho(folder.write(asked), "-o", "in.h5").returncode == 0
    with h5py.File(folder.path / "in.h5", "a") as file:
        del file[dataset]
        file[dataset] = values
    must_fail(folder, "in.h5", "-o", "out.json", ranks=2, names=["'in.h5'", says])


def test_a_sphere_deeper_than_its_centre(folder):
    deep = with_model(thickness=[7000.0, 0.0])
    out = folder.solved([case(), deep], "--flatten", code=2)["cases"]
    assert "below the centre" in out[1]["error"]
    assert "error" not in out[0]


def test_plot_that_cannot_be_written(folder):
    folder.write([case()])
    must_fail(folder, "in.json", "-o", "out.json", "--plot", "no/such.png", ranks=2,
              names=["'no/such.png'"])


def test_plot_without_python(folder):
    folder.write([case()])
    must_fail(folder, "in.json", "-o", "out.json", "--plot", "a.png", ranks=2,
              names=["--plot", "/none/python3"], environment={"MOHO_PYTHON": "/none/python3"})


def test_plot_without_a_module(folder):
    folder.write([case()])
    folder.write("#!/bin/sh\n"
                 "echo \"ModuleNotFoundError: No module named 'matplotlib'\" >&2\nexit 1\n",
                 "python")
    (folder.path / "python").chmod(0o755)
    must_fail(folder, "in.json", "-o", "out.json", "--plot", "a.png", ranks=2,
              names=["--plot", "No module named 'matplotlib'", "MOHO_PYTHON"],
              environment={"MOHO_PYTHON": str(folder.path / "python")})


def test_answers_are_kept_when_the_plot_fails(folder):
    folder.write([case()])
    done = folder.moho("in.json", "-o", "out.json", "--plot", "a.nonsense")
    assert done.returncode == 1
    assert "drawing 'a.nonsense'" in done.stderr
    assert folder.files() == ["in.json", "out.json"]


def test_an_old_output_survives_a_failure(folder):
    old = folder.solved([case()])
    folder.write("{}")
    assert folder.moho("in.json", "-o", "out.json").returncode == 1
    assert json.loads((folder.path / "out.json").read_text()) == old


def ranks_of(launcher):
    """The processes of the ranks that this mpirun started."""
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    return [int(pid) for pid in children]


def seconds_used(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_rank_leaves_no_output(folder, victim):
    rows = [(0.5, 1.75 * vs, vs, 2.5) for vs in (2 + 0.01 * i for i in range(200))]
    slow = case("slow", model(*rows, (0.0, 8.0, 4.5, 3.0)), [0.5 + 0.5 * i for i in range(60)])
    folder.write([slow] * 400)
    launcher = subprocess.Popen(folder.command("in.json", "-o", "out.json", "--modes", 9, ranks=2),
                                cwd=folder.path, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while launcher.poll() is None and time.monotonic() < deadline:
            ranks = ranks_of(launcher)
            if len(ranks) == 2 and all(seconds_used(pid) > 1.0 for pid in ranks):
                break
            time.sleep(0.05)
        assert launcher.poll() is None, "the work was done before a rank could be killed"
        os.kill(ranks[victim], signal.SIGKILL)
        launcher.communicate(timeout=60)
    finally:
        launcher.kill()
    assert launcher.returncode != 0
    assert folder.files() == ["in.json"]
