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
from types import SimpleNamespace

import pytest

import load
import synthetic_peers
from synthetic_peers import CONTEXT, ON_DEVICE, beside_torch, has_torch

import nn_jobs
import nn_speed
import torch_rounds

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
        for targets in (job.targets, job.on_device):
            assert targets and all(what in nn_jobs.MEASURED and kind in nn_jobs.TYPES
                                   for what, kind in targets)


def test_interval_of_ratios():
    mean, low, high = torch_rounds.interval([2.0, 8.0])
    assert mean == pytest.approx(4)
    # by hand: the logarithms deviate by log 2 each, s = sqrt(2) log 2, t = 12.706
    assert math.log(high / mean) == pytest.approx(12.706 * math.log(2), rel=1e-3)
    assert low * high == pytest.approx(mean**2)
    assert torch_rounds.interval([3.0] * 5) == pytest.approx((3, 3, 3))
    assert math.isnan(torch_rounds.interval([3.0])[1])
    # the table goes on smoothly beyond its end
    wide = [torch_rounds.interval([1.0, 2.0] * (n // 2))[2] for n in (28, 30, 32, 34)]
    assert wide == sorted(wide, reverse=True)


# ---- records -------------------------------------------------------------------------------------

TOLD = {"name": "torch-0", "version": "0", "compiled": False, "blas": "B", "coretype": "",
        "threads": 1, "device": "cpu", "precision": "ieee", "items": 1024,
        "parameters": JOB.parameters, "seconds": {}, "refused": {}}
OURS = {"seconds": 1.0, "processor": 0.5, "flops": 1e9, "GFLOP/s": 1.0, "of_gemm": 0.5,
        "product_share": 0.9, "gemm_drift": 0.01, "items": 1024.0,
        "parameters": float(JOB.parameters)}


HOST = torch_rounds.Place("cpu", 1, [0])
DEVICE = torch_rounds.Place("cuda", 1, [0])


def made(told=(), ours=(), what="train", kind="f32", ratios=(1.0, 1.2, 1.1), without="", place=HOST,
         context=CONTEXT, quickest=True):
    ours = {name: value for name, value in (OURS | dict(ours)).items() if name != without}
    rounds = [{"moho": ours, "peer": {"seconds": ratio, "processor": ratio}} for ratio in ratios]
    one = torch_rounds.Measured(what, TOLD | dict(told), rounds, place, context, provenance(),
                                quickest)
    return nn_speed.record(JOB, kind, one)


def on_device(told=(), **more):
    return made(told={"device": "NVIDIA H0"} | dict(told), place=DEVICE, context=ON_DEVICE, **more)


def test_record_meets_the_schema_and_is_read(tmp_path):
    content = made()
    assert load.check_record(content) == [] and content["status"] == "ok"
    assert content["metrics"]["ratios"] == [1.0, 1.2, 1.1]
    assert content["metrics"]["ratio_mean"] == pytest.approx((1.0 * 1.2 * 1.1) ** (1 / 3))
    assert content["metrics"]["cpu_ratio_mean"] == pytest.approx(2 * content["fom"][0]["value"])
    assert content["metrics"]["wall_over_cpu"] == 2
    assert content["metrics"]["moho_flops"] == 1e9 and content["metrics"]["product_share"] == 0.9
    assert content["metrics"]["target"] == 0.97 and torch_rounds.meets(content)
    row = nn_speed.table_row(content)
    assert "1.10" in row and "90 %" in row and "VOID" not in row and "MISSED" not in row
    torch_rounds.peer_records.write(tmp_path, content)
    torch_rounds.peer_records.write_study(tmp_path, content["study"], "T", "D")
    runs = load.load(tmp_path)
    assert not runs.problems and [r["id"] for r in runs.records] == ["torch-0-train-mlp-f32-t1"]
    # an inference has no share of products and, here, no target; one round no interval
    content = made(what="infer", without="product_share", ratios=[2.0])
    assert content["metrics"]["target"] is None and content["metrics"]["ratio_low"] is None
    assert content["metrics"]["product_share"] is None
    assert load.check_record(content) == []
    assert "| ? | – | 4.00 | 2.00 | – |" in nn_speed.table_row(content)
    # the first thread's time is not that of all
    assert made(place=torch_rounds.Place("cpu", 2, [0, 1]))["metrics"]["cpu_ratio_mean"] is None


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
    assert content["metrics"]["target"] is None or not torch_rounds.meets(content)


def test_a_missed_target_is_told():
    content = made(ratios=[0.9, 0.91, 0.92])
    assert content["status"] == "ok" and not torch_rounds.meets(content)
    assert "0.97 MISSED" in nn_speed.table_row(content)
    # targets are against PyTorch as it is written, of the type named
    assert made(told={"compiled": True})["metrics"]["target"] is None
    assert made(kind="f64")["metrics"]["target"] is None


def test_targets_on_a_device():
    """They are against the quickest PyTorch that runs, and void where the two round otherwise."""
    content = on_device(ratios=[1.0, 1.0])
    assert load.check_record(content) == [] and content["status"] == "ok"
    assert content["id"] == "torch-0-train-mlp-f32-cuda"
    assert content["case"]["device"] == "NVIDIA H0"
    assert content["metrics"]["target"] == 0.9 and torch_rounds.meets(content)
    assert content["metrics"]["cpu_ratio_mean"] is content["metrics"]["wall_over_cpu"] is None
    assert on_device(told={"compiled": True})["metrics"]["target"] == 0.9
    assert on_device(quickest=False)["metrics"]["target"] is None
    assert not torch_rounds.meets(on_device(ratios=[0.8, 0.8]))
    rounded = on_device(told={"precision": "tf32"})
    assert rounded["case"]["precision"] == "tf32" and rounded["metrics"]["target"] is None
    assert rounded["case"]["moho_precision"] == "ieee"
    # two devices in one machine
    content = on_device(told={"device": "NVIDIA H1"})
    assert content["status"] == "invalid" and content["fom"][0]["value"] is None


# ---- a run with stand-ins ------------------------------------------------------------------------

COUNTERS = {"GFLOP/s": 3.0, "of_gemm": 0.5, "gemm_drift": 0.0, "parameters": 220732}
ANSWER = {"items": 1024, "parameters": 220732}


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    """Folder of executables, and a maker of PyTorches."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    build = synthetic_peers.bench(tmp_path / "build", counters())
    (build / "moho").symlink_to(MOHO)
    return build, lambda mood: synthetic_peers.torch(tmp_path, ANSWER, mood)


def counters():
    return {"latency/mlp": COUNTERS | {"items": 1}, "mlp": COUNTERS | {"items": 1024}}


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
    assert all(r["metrics"]["ratio_mean"] == pytest.approx(1.5 if r["case"]["compiled"] else 2)
               for r in runs.records)
    assert "No module" in (tmp_path / "out/nn-peers/study.toml").read_text()


def test_a_run_on_a_device_without_moho(tmp_path, monkeypatch, capsys, stand_ins):
    """What the records tell of the build is what moho-bench tells; the target is against the
    quicker PyTorch, and the compiled one, which is, has refused to train."""
    _, torch = stand_ins
    build = synthetic_peers.bench(tmp_path / "alone", counters(), ON_DEVICE)
    words = ["--torch", torch("good"), "--compiled", torch("good"), "--device", "cuda", "--only",
             "mlp/f32"]
    assert run(monkeypatch, build, tmp_path / "out", *words, "--gate") == 0, capsys.readouterr()
    runs = load.load(tmp_path / "out")
    assert not runs.problems and len(runs.records) == 5
    targets = {r["id"]: r["metrics"]["target"] for r in runs.records}
    assert targets.pop("torch-9-train-mlp-f32-cuda") == 0.9
    assert set(targets.values()) == {None} and "torch-9-compiled-infer-mlp-f32-cuda" in targets
    told = runs.records[0]["provenance"]
    assert told["build"]["backend"] == "Cuda" and told["host"]["gpus"] == ["NVIDIA H0"]
    assert told["git"]["sha"] == "0" * 40 and told["run"]["binding"][0]["device"] == "NVIDIA H0"
    assert run(monkeypatch, build, tmp_path / "tf32", *words, "--tf32") == 0
    assert {r["case"]["method"] for r in load.load(tmp_path / "tf32").records} == {
        "torch-9-tf32", "torch-9-compiled-tf32"}


def test_a_device_that_is_not_there(tmp_path, monkeypatch, capsys, stand_ins):
    build, torch = stand_ins
    device = synthetic_peers.bench(tmp_path / "device", counters(), ON_DEVICE)
    for where, words, says in (
        (build, ["--device", "cuda"], "backend Serial, not on the cuda"),
        (device, [], "backend Cuda, not on the cpu"),
        (device, ["--device", "cuda", "--only", "mlp"], "PyTorch 9 has no CUDA device here"),
    ):
        assert run(monkeypatch, where, tmp_path / "out", "--torch", torch("hostly"), *words) == 1
        assert says in capsys.readouterr().err
    with pytest.raises(SystemExit) as exit:
        run(monkeypatch, build, tmp_path / "out", "--torch", torch("good"), "--device", "gpu")
    assert exit.value.code == 1 and "invalid choice: 'gpu'" in capsys.readouterr().err


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
    with pytest.raises(SystemExit) as exit:
        run(monkeypatch, build, tmp_path / "out")
    assert exit.value.code == 1
    if len(os.sched_getaffinity(0)) > 1:
        assert run(monkeypatch, build, tmp_path / "out", "--torch", torch("good"), "--threads",
                   "2") == 1
        assert "Serial" in capsys.readouterr().err


# ---- PyTorch -------------------------------------------------------------------------------------


def test_pytorch_answers(tmp_path):
    """The cases of nn_torch.py, the large ones to one item, where PyTorch is there."""
    if not has_torch():
        pytest.skip("allowed: PyTorch is not installed")
    cores = sorted(os.sched_getaffinity(0))
    place = torch_rounds.Place("cpu", 1, cores)
    peer = torch_rounds.Torch(sys.executable, "nn_torch.py", [], place, tmp_path / "log")
    try:
        for job in nn_jobs.JOBS:
            large = job.name.startswith("fno")
            for kind in ("f32",) if large else nn_jobs.TYPES:
                told = peer.prepare({"case": job.name, "type": nn_jobs.TYPES[kind]},
                                    ["latency"] if large else ["train", "latency"])
                assert told["parameters"] == job.parameters and told["items"] == job.items
                assert told["refused"] == {} and told["threads"] == 1
                assert (told["device"], told["precision"]) == ("cpu", "ieee")
                assert min(peer.sample("latency", told, 0).values()) > 0
        with pytest.raises(torch_rounds.Missing, match="KeyError"):
            peer.ask(do="prepare", case="none", type="float32", what=[])
    finally:
        peer.close()


def test_a_device_is_timed_by_its_own_clock(monkeypatch):
    """With a stand-in for PyTorch on a device whose calls take 1 ms: several calls between two
    events, each call by itself where the time until an answer counts."""
    log, now = [], [0.0]

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            self.at = now[0]
            log.append("event")

        def synchronize(self):
            log.append("wait")

        def elapsed_time(self, end):
            return 1e3 * (end.at - self.at)

    def call():
        now[0] += 1e-3
        log.append("call")

    def refuse():
        raise RuntimeError("no second derivatives\nand more")

    cuda = SimpleNamespace(is_available=lambda: True, get_device_name=lambda: "NVIDIA H0",
                           synchronize=lambda: log.append("wait"), Event=Event)
    backends = SimpleNamespace(cuda=SimpleNamespace(matmul=SimpleNamespace()),
                               cudnn=SimpleNamespace())
    fake = SimpleNamespace(__version__="9+cu0", cuda=cuda, backends=backends, device=str_device,
                           version=SimpleNamespace(cuda="0"), set_num_threads=lambda n: None,
                           get_num_threads=lambda: 1)
    monkeypatch.setitem(sys.modules, "torch", fake)
    monkeypatch.delitem(sys.modules, "torch_peer", raising=False)
    import torch_peer
    sys.modules.pop("torch_peer")  # the next one to import it gets PyTorch's own
    monkeypatch.setattr(torch_peer.time, "perf_counter", lambda: now[0])
    peer = torch_peer.Peer(torch_peer.arguments("", ["--device", "cuda"]))
    assert peer.about["precision"] == "ieee" and peer.about["device"] == "NVIDIA H0"
    assert backends.cuda.matmul.allow_tf32 is backends.cudnn.allow_tf32 is False
    peer.apart, peer.calls = ("one",), {"many": call, "one": call, "none": refuse}
    told = peer.warm(["many", "one", "none"])
    assert told["seconds"] == {"many": pytest.approx(1e-3), "one": pytest.approx(1e-3)}
    assert told["refused"] == {"none": "no second derivatives"}
    log.clear()
    assert peer.seconds("many", 7)["seconds"] == pytest.approx([1e-3, 1e-3])  # 5 in a row
    assert log == 2 * ["wait", "event", *5 * ["call"], "event", "wait"]
    log.clear()
    assert peer.seconds("one", 2)["seconds"] == pytest.approx([1e-3, 1e-3])
    assert log == 2 * ["wait", "call", "wait"]
    torch_peer.Peer(torch_peer.arguments("", ["--device", "cuda", "--tf32"]))
    assert backends.cuda.matmul.allow_tf32 is backends.cudnn.allow_tf32 is True
    cuda.is_available = lambda: False
    with pytest.raises(SystemExit, match="no CUDA device here"):
        torch_peer.Peer(torch_peer.arguments("", ["--device", "cuda"]))


def str_device(name):
    return SimpleNamespace(type=name)


def test_side_by_side(tmp_path):
    records = beside_torch("nn_speed.py", tmp_path, "mlp/f32")
    assert len(records) == 3 and all(r["metrics"]["moho_flops"] > 0 for r in records)
