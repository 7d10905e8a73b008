# SPDX-License-Identifier: BSD-3-Clause
"""The comparison with PyTorch: the interval of a ratio, what voids one, that a PyTorch which
refuses or dies is told, and a run with stand-ins for moho-bench and PyTorch; with both where they
are there."""
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ANALYSIS

import load

PEERS = ANALYSIS.parent / "reference" / "peers"
sys.path.insert(0, str(PEERS))

import nn_jobs
import nn_speed

MOHO = os.environ.get("MOHO_EXE")
JOB = next(job for job in nn_jobs.JOBS if job.name == "mlp")


def provenance():
    done = subprocess.run([MOHO, "info", "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["provenance"]


# ---- cases and intervals -------------------------------------------------------------------------


def test_parameters_are_those_of_the_specification():
    listed = {"fno1d": 549569, "fno2d": 2368001, "deeponet": 112385, "mlp": 220732,
              "pinn_convection": 7851, "pinn_burgers": 7851}
    assert {job.name: job.parameters for job in nn_jobs.JOBS} == listed
    for job in nn_jobs.JOBS:
        assert job.targets and all(what in nn_jobs.MEASURED and kind in nn_jobs.TYPES
                                   for what, kind in job.targets)


def test_interval_of_ratios():
    mean, low, high = nn_speed.interval([2.0, 8.0])
    assert mean == pytest.approx(4)
    # by hand: the logarithms deviate by log 2 each, s = sqrt(2) log 2, t = 12.706
    assert math.log(high / mean) == pytest.approx(12.706 * math.log(2), rel=1e-3)
    assert low * high == pytest.approx(mean**2)
    assert nn_speed.interval([3.0] * 5) == pytest.approx((3, 3, 3))
    assert math.isnan(nn_speed.interval([3.0])[1])
    # the table goes on smoothly beyond its end
    wide = [nn_speed.interval([1.0, 2.0] * (n // 2))[2] for n in (28, 30, 32, 34)]
    assert wide == sorted(wide, reverse=True)


# ---- records -------------------------------------------------------------------------------------

TOLD = {"name": "torch-0", "version": "0", "compiled": False, "blas": "B", "coretype": "",
        "threads": 1, "items": 1024, "parameters": JOB.parameters, "seconds": {}, "refused": {}}
OURS = {"seconds": 1.0, "processor": 0.5, "flops": 1e9, "GFLOP/s": 1.0, "of_gemm": 0.5,
        "product_share": 0.9, "gemm_drift": 0.01, "items": 1024.0,
        "parameters": float(JOB.parameters)}


def made(told=(), ours=(), what="train", kind="f32", ratios=(1.0, 1.2, 1.1), threads=1, without=""):
    ours = {name: value for name, value in (OURS | dict(ours)).items() if name != without}
    rounds = [{"moho": ours, "peer": {"seconds": ratio, "processor": ratio}} for ratio in ratios]
    return nn_speed.record(JOB, kind, what, TOLD | dict(told), rounds, threads, provenance())


def test_record_meets_the_schema_and_is_read(tmp_path):
    content = made()
    assert load.check_record(content) == [] and content["status"] == "ok"
    assert content["metrics"]["ratios"] == [1.0, 1.2, 1.1]
    assert content["metrics"]["ratio_mean"] == pytest.approx((1.0 * 1.2 * 1.1) ** (1 / 3))
    assert content["metrics"]["cpu_ratio_mean"] == pytest.approx(2 * content["fom"][0]["value"])
    assert content["metrics"]["wall_over_cpu"] == 2
    assert content["metrics"]["moho_flops"] == 1e9 and content["metrics"]["product_share"] == 0.9
    assert content["metrics"]["target"] == 0.97 and nn_speed.meets(content)
    row = nn_speed.table_row(content)
    assert "1.10" in row and "90 %" in row and "VOID" not in row and "MISSED" not in row
    nn_speed.peer_records.write(tmp_path, content)
    nn_speed.peer_records.write_study(tmp_path, content["study"], "T", "D")
    runs = load.load(tmp_path)
    assert not runs.problems and [r["id"] for r in runs.records] == ["torch-0-train-mlp-f32-t1"]
    # an inference has no share of products and, here, no target; one round no interval
    content = made(what="infer", without="product_share", ratios=[2.0])
    assert content["metrics"]["target"] is None and content["metrics"]["ratio_low"] is None
    assert content["metrics"]["product_share"] is None
    assert load.check_record(content) == []
    assert "| ? | – | 4.00 | 2.00 | – |" in nn_speed.table_row(content)
    # the first thread's time is not that of all
    assert made(threads=2)["metrics"]["cpu_ratio_mean"] is None


@pytest.mark.parametrize("change", [
    {"told": {"parameters": 7}},
    {"told": {"items": 512}},
    {"told": {"threads": 2}},
    {"ours": {"parameters": 7.0}},
    {"ours": {"items": 1.0}},
    {"what": "latency"},  # the batch's items where one is asked about
])
def test_a_ratio_of_unlike_networks_is_void(change):
    content = made(**change)
    assert load.check_record(content) == [] and content["status"] == "invalid"
    assert content["fom"][0]["value"] is None and "VOID" in nn_speed.table_row(content)
    assert content["metrics"]["target"] is None or not nn_speed.meets(content)


def test_a_missed_target_is_told():
    content = made(ratios=[0.9, 0.91, 0.92])
    assert content["status"] == "ok" and not nn_speed.meets(content)
    assert "0.97 MISSED" in nn_speed.table_row(content)
    # targets are against PyTorch as it is written, of the type named
    assert made(told={"compiled": True})["metrics"]["target"] is None
    assert made(kind="f64")["metrics"]["target"] is None


# ---- a run with stand-ins ------------------------------------------------------------------------

BENCH = """#!{python}
import json, os, sys
assert "OPENBLAS_CORETYPE" not in os.environ and os.environ["OPENBLAS_NUM_THREADS"] == "1"
name = next(w for w in sys.argv if "filter" in w).split("^")[1]
items = 1 if "latency" in name else 1024
found = {{"name": name + "manual_time", "real_time": 2.0, "cpu_time": 2.0, "time_unit": "ms",
          "GFLOP/s": 3.0, "of_gemm": 0.5, "gemm_drift": 0.0, "items": items, "parameters": 220732}}
print(json.dumps({{"benchmarks": [found] if "mlp" in name else []}}))
"""
# a Python whose nn_torch.py is this
TORCH = """#!{python}
import os, sys; sys.path.insert(0, {peers!r})
from fem_peer_loop import serve
compiled = "--compile" in sys.argv
class Peer:
    def prepare(self, command):
        if {mood!r} == "absent": raise ImportError("No module named 'torch'")
        assert "OPENBLAS_CORETYPE" not in os.environ
        return {{"version": "9", "compiled": compiled, "blas": "B", "coretype": "", "threads": 1,
                "items": 1024, "parameters": 220732,
                "seconds": {{w: 0.01 for w in command["what"] if not (compiled and w == "train")}},
                "refused": {{"train": "no second derivatives"}} if compiled else {{}}}}
    def seconds(self, what, repeats):
        if {mood!r} == "dies" and what == "infer": raise SystemExit("boom")
        return {{"seconds": [0.004] * repeats, "processor": 0.004}}
serve(Peer())
"""


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    """Folder of executables, and a maker of PyTorches."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    build = tmp_path / "build"
    build.mkdir()
    (build / "moho").symlink_to(MOHO)

    def script(path, text):
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    script(build / "moho-bench", BENCH.format(python=sys.executable))
    return build, lambda mood: script(tmp_path / f"python-{mood}", TORCH.format(
        python=sys.executable, peers=str(PEERS), mood=mood))


def run(monkeypatch, build, out, *words):
    monkeypatch.setattr(sys, "argv", ["nn_speed.py", "--build", str(build), "--out", str(out),
                                      "--rounds", "2", "--seconds", "0", *words])
    return nn_speed.main()


def test_interleaved_run_with_stand_ins(tmp_path, monkeypatch, capsys, stand_ins):
    build, torch = stand_ins
    code = run(monkeypatch, build, tmp_path / "out", "--torch", torch("good"), "--compiled",
               torch("good"), "--torch", torch("dies"), "--torch", torch("absent"), "--only",
               "mlp/f32", "--gate")
    told = capsys.readouterr()
    assert code == 0, told
    assert "refuses train/mlp/f32 (no second derivatives)" in told.err
    assert "died (boom)" in told.err and "No module named 'torch'" in told.err
    runs = load.load(tmp_path / "out")
    assert not runs.problems and all(r["status"] == "ok" for r in runs.records)
    # the one that dies has the name of the good one, and only its training, which it overwrites
    assert {r["id"] for r in runs.records} == {
        "torch-9-train-mlp-f32-t1", "torch-9-infer-mlp-f32-t1", "torch-9-latency-mlp-f32-t1",
        "torch-9-compiled-infer-mlp-f32-t1", "torch-9-compiled-latency-mlp-f32-t1"}
    assert all(r["metrics"]["ratio_mean"] == pytest.approx(2) for r in runs.records)
    assert "No module" in (tmp_path / "out/nn-peers/study.toml").read_text()


def test_what_cannot_be_run_is_told(tmp_path, monkeypatch, capsys, stand_ins):
    build, torch = stand_ins
    for words, says in (
        (["--torch", torch("good"), "--only", "none"], "no case matches"),
        (["--torch", torch("absent"), "--only", "mlp"], "there is no PyTorch"),
        (["--torch", torch("good"), "--only", "fno1d"], "has 0 benchmarks nn/train/fno1d/f32"),
        (["--torch", torch("good"), "--cores", "0", "--threads", "2"], "as many cores"),
        (["--torch", "/nowhere/python", "--only", "mlp"], "there is no PyTorch"),
    ):
        assert run(monkeypatch, build, tmp_path / "out", *words) == 1
        assert says in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(monkeypatch, build, tmp_path / "out")
    if provenance()["build"]["backend"] == "Serial" and len(os.sched_getaffinity(0)) > 1:
        assert run(monkeypatch, build, tmp_path / "out", "--torch", torch("good"), "--threads",
                   "2") == 1
        assert "Serial" in capsys.readouterr().err


# ---- PyTorch -------------------------------------------------------------------------------------


def has_torch():
    done = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True)
    return done.returncode == 0


def test_pytorch_answers(tmp_path):
    """The cases of nn_torch.py, the large ones to one item, where PyTorch is there."""
    if not has_torch():
        pytest.skip("allowed: PyTorch is not installed")
    cores = sorted(os.sched_getaffinity(0))
    peer = nn_speed.Torch(sys.executable, False, 1, cores, tmp_path / "log")
    try:
        for job in nn_jobs.JOBS:
            large = job.name.startswith("fno")
            for kind in ("f32",) if large else nn_jobs.TYPES:
                told = peer.prepare(job, kind, ["latency"] if large else ["train", "latency"])
                assert told["parameters"] == job.parameters and told["items"] == job.items
                assert told["refused"] == {} and told["threads"] == 1
                assert min(peer.sample("latency", told, 0).values()) > 0
        with pytest.raises(nn_speed.Missing, match="KeyError"):
            peer.ask(do="prepare", case="none", type="float32", what=[])
    finally:
        peer.close()


def test_side_by_side(tmp_path):
    """moho-bench, where it is built, beside PyTorch."""
    build = Path(MOHO).parent
    if not (build / "moho-bench").exists():
        pytest.skip("allowed: moho-bench is not built")
    if not has_torch():
        pytest.skip("allowed: PyTorch is not installed")
    done = subprocess.run([sys.executable, PEERS / "nn_speed.py", "--build", build, "--out",
                           tmp_path, "--torch", sys.executable, "--rounds", "1", "--seconds",
                           "0.01", "--only", "mlp/f32"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = load.load(tmp_path)
    assert not runs.problems and len(runs.records) == 3
    assert all(r["status"] == "ok" and r["metrics"]["moho_flops"] > 0 for r in runs.records)
