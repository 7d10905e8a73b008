# SPDX-License-Identifier: BSD-3-Clause
"""Assembly beside TensorGalerkin's pattern in PyTorch: what voids a ratio, a run with stand-ins
for moho-bench and PyTorch; the pattern itself against a plain sum over cells, and both beside each
other where they are there."""
import sys
from pathlib import Path

import numpy as np
import pytest

import load
import synthetic_peers
from synthetic_peers import CONTEXT, ON_DEVICE, beside_torch, has_torch

import fem_device_speed
import fem_jobs
import torch_rounds

JOBS = {job.name: job for job in fem_jobs.TORCH}
JOB = JOBS["poisson3d-P1-32"]

# ---- records -------------------------------------------------------------------------------------

MATRIX = {"frobenius": 3.0, "energy": 0.5}
TOLD = {"name": "torch-0", "version": "0", "compiled": False, "blas": "B", "coretype": "",
        "threads": 1, "device": "cpu", "precision": "ieee", "nonzeros": JOB.nonzeros,
        "cells": JOB.cells, "matrix": {"index_add": MATRIX}}
OURS = {"seconds": 1.0, "processor": 1.0, "flops": 0.0, "nonzeros": float(JOB.nonzeros),
        "cells": float(JOB.cells), "default": 1.0, "of_stream": 0.4, **MATRIX}


def made(told=(), ours=(), ratios=(6.0, 6.0), device="cpu"):
    peer = TOLD | ({} if device == "cpu" else {"device": "NVIDIA H0"}) | dict(told)
    rounds = [{"moho": OURS | dict(ours), "peer": {"seconds": r, "processor": r}} for r in ratios]
    context = CONTEXT if device == "cpu" else ON_DEVICE
    moho = torch_rounds.Moho.__new__(torch_rounds.Moho)
    place = torch_rounds.Place(device, 1, [0])
    moho.context, moho._build, moho._place = context, Path("/nowhere"), place
    one = torch_rounds.Measured("index_add", peer, rounds, place, context, moho.provenance())
    return fem_device_speed.record(JOB, one)


def test_jobs():
    assert JOB.nonzeros == 513313 and JOBS["elasticity3d-P1-32"].nonzeros == 4619817
    assert JOBS["poisson3d-P1-64"].cells == 6 * 64**3
    assert all(job.on_device == 5 for job in fem_jobs.TORCH if job.n > 8)


def test_record_meets_the_schema_and_is_read(tmp_path):
    content = made()
    assert load.check_record(content) == [] and content["status"] == "ok"
    assert content["metrics"]["ratio_mean"] == pytest.approx(6)
    assert content["metrics"]["target"] is None and content["case"]["policy"] == "scatter"
    assert "scatter | 0.0e+00" in fem_device_speed.table_row(content)
    torch_rounds.peer_records.write(tmp_path, content)
    torch_rounds.peer_records.write_study(tmp_path, content["study"], "T", "D")
    runs = load.load(tmp_path)
    assert [r["id"] for r in runs.records] == ["torch-0-index_add-poisson3d-P1-32-t1"]
    assert not runs.problems
    content = made(device="cuda")
    assert load.check_record(content) == [] and content["status"] == "ok"
    assert content["metrics"]["target"] == 5 and torch_rounds.meets(content)
    assert content["case"]["policy"] == "tiled-gather" and content["id"].endswith("-cuda")
    content = made(device="cuda", ratios=[4.9])
    assert not torch_rounds.meets(content)
    assert "5 MISSED" in fem_device_speed.table_row(content)


@pytest.mark.parametrize("change", [
    {"told": {"matrix": {"index_add": MATRIX | {"frobenius": 3.0 * (1 + 1e-12)}}}},
    {"told": {"matrix": {"index_add": MATRIX | {"energy": 0.5 * (1 + 1e-9)}}}},
    {"told": {"matrix": {}}},
    {"ours": {"frobenius": 3.1}},
    {"ours": {"energy": float("nan")}},
    {"told": {"nonzeros": 7}},
    {"ours": {"nonzeros": 7.0}},
    {"told": {"cells": 7}},
    {"ours": {"cells": 7.0}},
    {"ours": {"default": 0.0}},  # fem_jobs.py has another policy than moho takes by itself
    {"told": {"threads": 2}},
])
def test_a_ratio_of_unlike_matrices_is_void(change):
    content = made(**change)
    assert load.check_record(content) == [] and content["status"] == "invalid"
    assert content["fom"][0]["value"] is None and "VOID" in fem_device_speed.table_row(content)


# ---- a run with stand-ins ------------------------------------------------------------------------


def run(monkeypatch, build, out, *words):
    monkeypatch.setattr(sys, "argv", ["fem_device_speed.py", "--build", str(build), "--out",
                                      str(out), "--rounds", "2", "--seconds", "0", *words])
    return fem_device_speed.main()


def test_interleaved_run_with_stand_ins(tmp_path, monkeypatch, capsys):
    counters = {name: OURS[name] for name in ("nonzeros", "cells", "default", *MATRIX)}
    benches = {"fem/tiled-gather/darcy_p1_tetrahedron/32": counters}
    build = synthetic_peers.bench(tmp_path / "build", benches, ON_DEVICE)
    answer = {"nonzeros": JOB.nonzeros, "cells": JOB.cells,
              "matrix": {what: MATRIX for what in fem_jobs.REDUCTIONS}}
    good = synthetic_peers.torch(tmp_path, answer)
    words = ["--torch", good, "--compiled", good, "--device", "cuda", "--only", "poisson.*32"]
    assert run(monkeypatch, build, tmp_path / "out", *words) == 0, capsys.readouterr()
    runs = load.load(tmp_path / "out")
    assert not runs.problems and len(runs.records) == 4
    # 3 ms of the compiled one are the quicker: the target is against them, and is missed
    assert {r["case"]["compiled"]: r["metrics"]["target"] for r in runs.records} == {
        False: None, True: 5.0}
    assert run(monkeypatch, build, tmp_path / "out", *words, "--gate") == 3
    capsys.readouterr()
    # a matrix with another norm is void; a device that is not there is told
    wrong = answer | {"matrix": {"index_add": MATRIX | {"frobenius": 2.0}}}
    other = synthetic_peers.torch(tmp_path, wrong, "wrong")
    assert run(monkeypatch, build, tmp_path / "void", *words[:1], other, *words[4:]) == 2
    assert "VOID" in capsys.readouterr().out
    hostly = synthetic_peers.torch(tmp_path, answer, "hostly")
    assert run(monkeypatch, build, tmp_path / "no", "--torch", hostly, *words[4:]) == 1
    assert "PyTorch 9 has no CUDA device here" in capsys.readouterr().err
    assert run(monkeypatch, build, tmp_path / "no", "--torch", good, "--only", "32") == 1
    assert "backend Cuda, not on the cpu" in capsys.readouterr().err
    with pytest.raises(SystemExit) as exit:
        run(monkeypatch, build, tmp_path / "no", "--torch", good, "--device", "tpu")
    assert exit.value.code == 1 and "invalid choice: 'tpu'" in capsys.readouterr().err


# ---- PyTorch -------------------------------------------------------------------------------------


def plain(form, n):
    """The matrix by a loop over cells, and points: straight from the bilinear form."""
    import fem_torch

    points, cells = fem_torch.mesh(n)
    size = 1 if form == "poisson" else 3
    matrix = np.zeros((len(points) * size,) * 2)
    lam, mu = 0.3 / (1.3 * 0.4), 1 / 2.6
    for cell in cells:
        x = points[cell]
        g = np.linalg.inv(np.column_stack([np.ones(4), x]))[1:].T
        volume = abs(np.linalg.det(x[1:] - x[0])) / 6
        box = np.rint(x.min(0) * n).astype(int)
        k = 1 + (box[0] + 2 * box[1] + 4 * box[2]) % 8 / 8
        for a in range(4):
            for b in range(4):
                dot = g[a] @ g[b]
                block = (k * dot * np.eye(1) if size == 1 else
                         lam * np.outer(g[a], g[b]) + mu * np.outer(g[b], g[a])
                         + mu * dot * np.eye(3))
                rows, columns = (size * cell[i] + np.arange(size) for i in (a, b))
                matrix[np.ix_(rows, columns)] += volume * block
    return matrix, fem_torch.field(points, size)


@pytest.mark.parametrize("form", ["poisson", "elasticity"])
def test_the_pattern_assembles_the_matrix(form):
    if not has_torch():
        pytest.skip("allowed: PyTorch is not installed")
    import fem_torch
    import torch_peer

    wanted, x = plain(form, 3)
    peer = fem_torch.Peer(torch_peer.arguments("", []))
    told = peer.prepare({"form": form, "n": 3, "what": list(fem_jobs.REDUCTIONS)})
    assert told["refused"] == {} and told["cells"] == 162
    pattern = fem_torch.Pattern(fem_torch.mesh(3)[1], 64, len(wanted) // 64)
    assert told["nonzeros"] == pattern.nonzeros == fem_jobs.torch_job(form, 3).nonzeros
    order = np.lexsort((pattern.column, pattern.row))
    assert np.array_equal(order, np.arange(pattern.nonzeros))  # it is CSR
    for what in fem_jobs.REDUCTIONS:
        peer.values = peer.values + 7  # nothing of an earlier assembly stays
        peer.calls[what]()
        found = np.zeros_like(wanted)
        found[pattern.row, pattern.column] = peer.values.numpy()
        assert np.linalg.norm(found - wanted) < 1e-14 * np.linalg.norm(wanted)
        matrix = told["matrix"][what]
        assert matrix["frobenius"] == pytest.approx(np.linalg.norm(wanted), rel=1e-13)
        assert matrix["energy"] == pytest.approx(x @ wanted @ x, rel=1e-12)


def test_side_by_side(tmp_path):
    """The small matrices are the same."""
    records = beside_torch("fem_device_speed.py", tmp_path, "P1-8$")
    assert len(records) == 4
    assert max(r["metrics"]["frobenius_difference"] for r in records) < 1e-13
