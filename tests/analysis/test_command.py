# SPDX-License-Identifier: BSD-3-Clause
"""`moho report` and `moho dispersion --plot`, and what `moho run` really writes, end to end."""
import json
import os
import subprocess

import pytest
from conftest import ANALYSIS

import load
import load_synthesis
import synthetic

EXE, MPIRUN = os.environ.get("MOHO_EXE"), os.environ.get("MOHO_MPIRUN")
ROOT = ANALYSIS.parent


def moho(*words, ranks=1, **environment):
    launch = [MPIRUN, "-n", str(ranks)] if ranks > 1 else []
    return subprocess.run(
        [*launch, EXE, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def real_runs(tmp_path_factory):
    """What the executable writes for the smoke studies on two ranks."""
    assert EXE and MPIRUN, "MOHO_EXE and MOHO_MPIRUN must be set (run through ctest)"
    out = tmp_path_factory.mktemp("real")
    for name in ("accuracy", "throughput"):
        study = ROOT / "benchmarks" / "smoke" / f"dispersion-{name}.toml"
        result = moho("run", study, "--out", out, ranks=2)
        assert result.returncode == 0, result.stderr
    return out


def test_real_records_meet_the_schema(real_runs):
    runs = load.load(real_runs)
    assert not runs.problems and not runs.unfinished and len(runs.records) >= 3
    for record in runs.records:
        assert record["status"] == "ok" and record.ranks == 2
        assert {"prepare", "apply"} <= set(record["timings"])
        assert {"layer_evaluations", "roots", "models"} <= set(record["counters"])
        assert {"curves_per_second"} <= {f["name"] for f in record["fom"]}
        curves = load.read_curves(record.data_file)
        assert set(curves["name"]) == set(load.read_models(record.data_file))


def test_real_runs_are_reported(real_runs, tmp_path):
    page = tmp_path / "page.html"
    result = moho("report", real_runs, "-o", page, "--figures", tmp_path / "figures")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("VALID: ") and f"report: {page}" in result.stdout
    names = {p.stem for p in (tmp_path / "figures").iterdir()}
    for ending in ("-accuracy", "-errors", "-throughput", "-curves-ref_c_earth-ak135like_400km"):
        assert any(name.endswith(ending) for name in names), (ending, names)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["figures", "page.html"]


MAPS = """
[study]
name = "maps"
[problem]
name = "operator-1d"
N = 12
draws = "samples"
train = 100
test = 50
[[method]]
name = "linear-map"
fit = "closed-form"
[[method]]
name = "linear-map"
fit = "gd"
iterations = 200
[axes]
space = ["poly1", "poly2", "sin1", "sin2", "fem"]
[cross_validation]
over = ["space"]
probe = true
"""
RATES = """
[study]
name = "rates"
[problem]
name = "coefficient-1d"
space = "sin8"
[method]
name = "fd-fit"
[axes]
N = [16, 32, 64, 128]
order = [2, 4]
[[convergence]]
axis = "N"
error = "coefficient_rel_abs"
"""


def test_real_conclusions_are_reported(tmp_path):
    out = tmp_path / "runs"
    for name, text in (("maps", MAPS), ("rates", RATES)):
        study = tmp_path / f"{name}.toml"
        study.write_text(text)
        result = moho("run", study, "--out", out, ranks=2)
        assert result.returncode == 0, result.stderr
    runs = load.load(out)
    assert not runs.problems and not runs.unfinished
    found = [load_synthesis.synthesis(r) for r in runs.records]
    assert found.count(load_synthesis.MATRIX) == 2 and found.count(load_synthesis.RATE) == 2
    result = moho("report", out, "--figures", tmp_path / "figures")
    assert result.returncode == 0 and result.stdout.startswith("VALID: "), result.stdout
    names = {p.stem for p in (tmp_path / "figures").iterdir()}
    assert names == {
        *(f"maps-{n}" for n in ("matrix", "training", "loss", "green-images", "green-columns")),
        "rates-convergence-N-coefficient_rel_abs",
    }
    page = (out / "report.html").read_text()
    assert "Not shown" not in page and "falls with rate" in page and "broadest" in page


def test_report_prints_json_once_under_mpi(tmp_path):
    synthetic.write(tmp_path, synthetic.record(), ["crust"])
    result = moho("--json", "report", tmp_path, "--curves", 0, ranks=2)
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["verdict"] == "valid" and summary["report"] == str(tmp_path / "report.html")


def test_skipped_files_are_told(tmp_path):
    synthetic.write(tmp_path, synthetic.record(), ["crust"])
    synthetic.write(tmp_path, synthetic.scaling_record(1))
    (tmp_path / "scaling" / "grad-r1" / "result.json").write_text("{")
    result = moho("report", tmp_path, "--curves", 0)
    assert result.returncode == 0 and "INVALID" in result.stdout
    assert "grad-r1/result.json" in result.stdout


@pytest.mark.parametrize("ranks", [1, 2])
def test_report_errors_end_all_ranks(tmp_path, ranks):
    (tmp_path / "empty").mkdir()
    for words, environment, message in (
        ([tmp_path / "none"], {}, "no such folder"),
        ([tmp_path / "empty"], {}, "no result.json"),
        ([tmp_path / "empty"], {"MOHO_PYTHON": "/nowhere/python"}, "/nowhere/python"),
        ([tmp_path / "empty"], {"MOHO_ANALYSIS": "/nowhere"}, "/nowhere/report.py"),
        ([], {}, "folder"),
    ):
        result = moho("report", *words, ranks=ranks, **environment)
        assert result.returncode == 1 and message in result.stderr, result.stderr
        assert result.stderr.count("moho: ") == 1 and result.stdout == ""
    assert not list(tmp_path.rglob("*.html")) and not list(tmp_path.rglob(".*"))


def test_dispersion_plot(tmp_path):
    cases = ROOT / "reference" / "physics" / "dispersion" / "ref_a_simple.json"
    out, image = tmp_path / "out.json", tmp_path / "out.png"
    result = moho("dispersion", cases, "-o", out, "--modes", 2, "--plot", image)
    assert result.returncode == 0, result.stderr
    assert image.read_bytes().startswith(b"\x89PNG")
