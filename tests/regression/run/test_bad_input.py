# SPDX-License-Identifier: BSD-3-Clause
"""What a user can get wrong: one clear message, the agreed exit code, nothing half-written."""
import os
import resource

import pytest
from conftest import EXE, SOURCE, STUDY, check_records


@pytest.mark.parametrize("ranks", [0, 1, 2, 3])
def test_an_unknown_key_names_the_nearest(place, ranks):
    place.write(STUDY.replace("models = 6", "modles = 6"))
    message = place.refused("run", "study.toml", ranks=ranks)
    assert "study.toml:7: unknown key 'problem.modles'" in message
    assert "did you mean 'models'?" in message
    assert not place.runs.exists()


@pytest.mark.parametrize("change, parts", [
    (("models = 6", 'models = "six"'), ["study.toml:7", "problem.models", "an integer is needed"]),
    (("models = 6", "models = -6"), ["problem.models = -6", "at least 1"]),
    (("[measure]", "[mesure]"), ["unknown key 'mesure'", "did you mean 'measure'?"]),
    (("layers = [3, 5]", "layers = []"), ["axes.layers is empty"]),
    (("layers = [3, 5]", "layres = [3, 5]"), ["unknown axis", "did you mean 'layers'?"]),
    (("layers = [3, 5]", "layers = [3, 3]"), ["two cases of study 'sample' coincide"]),
    (("dispersion-solver", "dispersion-resolver"), ["unknown method", "'dispersion-solver'"]),
    (("phase_rel_max", "phase_max"), ["unknown key 'limits.phase_max'", "'phase_rel_max'"]),
    (('name = "sample"', 'name = "a/b"'), ["study.name", "letters, digits"]),
    (('name = "sample"', 'name = "sample'), ["study.toml:3", "not valid TOML"]),
    (("[axes]", "[axes]\nranks = [0]"), ["axes.ranks = 0", "at least 1"]),
])
def test_a_wrong_study(place, change, parts):
    assert change[0] in STUDY
    place.write(STUDY.replace(*change))
    for arguments in (("run", "study.toml"), ("config", "check", "study.toml")):
        message = place.refused(*arguments)
        assert all(part in message for part in parts), message
    assert not place.runs.exists()


@pytest.mark.parametrize("text", [b"", b"\xff\xfe\x00binary\x00", b"study = 1", b"[" * 5000])
def test_files_that_are_no_study(place, text):
    place.write(text)
    assert "study.toml" in place.refused("run", "study.toml") or text == b""


@pytest.mark.parametrize("ranks", [0, 1, 2, 3])
@pytest.mark.parametrize("option, parts", [
    ("--kokkos-threads=many", ["--kokkos-threads=many", "does not start"]),
    ("--kokkos-colour=red", ["unknown option '--kokkos-colour=red'", "Kokkos"]),
])
def test_wrong_options_of_kokkos(place, option, parts, ranks):
    place.write(STUDY)
    message = place.refused("run", "study.toml", option, ranks=ranks)
    assert all(part in message for part in parts), message
    assert not place.runs.exists()
    assert "does not compute" in place.refused("list", option, ranks=ranks)


def test_a_missing_or_unreadable_study(place):
    assert "'none.toml'" in place.refused("run", "none.toml", ranks=2)
    assert "'.'" in place.refused("run", ".")


@pytest.mark.parametrize("override, parts", [
    ("problem.modles=3", ["--set problem.modles=3", "did you mean 'models'?"]),
    ("problem.models=many", ["--set problem.models=many", "an integer is needed"]),
    ("problem.layers=4", ["also an axis", "--set axes.layers"]),
    ("nonsense", ["--set nonsense", "no value"]),
])
def test_a_wrong_override(place, override, parts):
    place.write(STUDY)
    message = place.refused("run", "study.toml", "--set", override, ranks=2)
    assert all(part in message for part in parts), message


@pytest.mark.parametrize("selector", ["4/4", "-1/4", "a/b", "1/0", "no-such-case", "dispersion"])
@pytest.mark.parametrize("ranks", [0, 2])
def test_a_wrong_case(place, selector, ranks):
    place.write(STUDY)
    message = place.refused("run", "study.toml", f"--case={selector}", ranks=ranks)
    assert selector in message
    assert not place.runs.exists()


@pytest.mark.parametrize("time", ["soon", "-1", "1 parsec", "nan", ""])
def test_a_wrong_time(place, time):
    place.write(STUDY)
    assert "--max-time" in place.refused("run", "study.toml", f"--max-time={time}")


@pytest.mark.parametrize("out", ["file", "file/below", "/proc/moho", "/dev/full"])
@pytest.mark.parametrize("ranks", [0, 2])
def test_an_output_folder_that_cannot_be_written(place, out, ranks):
    place.write(STUDY)
    place.write("in the way", "file")
    before = place.files()
    message = place.refused("run", "study.toml", "--out", out, ranks=ranks)
    assert out in message
    assert place.files() == before


def test_a_record_that_cannot_be_written(place):
    """The folder of one case is taken by a file: found when it is written, the rest is kept."""
    place.write(STUDY)
    cases = [c["id"] for c in place.json("run", "study.toml", "--dry-run")["cases"]]
    (place.runs / "sample").mkdir(parents=True)
    (place.runs / "sample" / cases[2]).write_text("in the way")
    message = place.refused("run", "study.toml", ranks=2)
    assert cases[2] in message
    assert len(check_records(place)) == 2


def test_a_launch_of_a_size_that_is_not_on_the_axis(place):
    place.write(STUDY)
    message = place.refused("run", "study.toml", "--set", "axes.ranks=[1, 4]", ranks=2)
    assert "2 ranks" in message and "1, 4" in message


def test_reference_data_that_are_missing_or_broken(place):
    study = SOURCE / "benchmarks/smoke/dispersion-accuracy.toml"
    (place.path / "data").mkdir()
    message = place.refused("run", study, "--data", "data")
    assert "ref_a_simple.json" in message and "--data" in message
    place.write('{"cases": [', "data/ref_a_simple.json")
    assert "ref_a_simple.json" in place.refused("run", study, "--data", "data", ranks=2)
    message = place.refused("run", study, "--set", 'axes.files=["ref_a_simpel"]')
    assert "ref_a_simpel" in message
    message = place.refused("run", study, "--set", 'problem.cases=["four_layer_crusd"]', "--set",
                            'axes.files=["ref_a_simple"]')
    assert "did you mean 'four_layer_crust'?" in message
    assert not place.runs.exists()


def limited_memory():
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def test_a_case_that_runs_out_of_memory_is_recorded_and_the_others_are_run(place):
    place.write(STUDY.replace("models = 6\n", "").replace("seed = [1, 2]", "models = [20000000, 6]")
                .replace("layers = [3, 5]", "layers = [3]"))
    done = place.moho("run", "study.toml", code=4, preexec_fn=limited_memory)
    assert "failed" in done.stdout and "memory" in done.stdout
    records = {r["case"]["models"]: r for r in check_records(place)}
    assert records[20000000]["status"] == "failed"
    assert "memory" in records[20000000]["error"]
    assert records[6]["status"] == "ok"
    # It is not finished: the same command tries it again, and only it.
    done = place.moho("run", "study.toml", code=4, preexec_fn=limited_memory)
    assert "1 ran, 1 done before" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["run", "a.toml", "--fast"], ["config"],
                                       ["verify", "dispersion-gradeint"]])
def test_a_wrong_command_line(place, arguments):
    place.refused(*arguments)
    place.refused(*arguments, ranks=2)


def test_help_and_version_come_once(place):
    for arguments in (["--help"], ["run", "--help"]):
        assert place.moho(*arguments, ranks=2).stdout.count("Usage:") == 1
    assert place.moho("--version", ranks=2).stdout.count("moho ") == 1


def test_the_executable_is_the_one_built(place):
    assert os.access(EXE, os.X_OK)
