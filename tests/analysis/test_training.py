# SPDX-License-Identifier: BSD-3-Clause
"""Figures of training: drawn from records, left out and said so where these lack what they show."""
import numpy as np
import pytest
from test_report import quick

import figures_training
import load
import plot_training
import style
from figure import Drawn
from synthetic_fem import plain, write


def trained(method: str, error: float, status: str = "ok") -> tuple[dict, dict]:
    content = plain("nets", f"{method}-0123456789", problem="burgers-1d", method=method)
    content["status"] = status
    content["metrics"] = {"mean_rel_l2": error, "train_seconds": 1.5}
    epochs = np.arange(1, 9)
    history = {
        "history/epoch": epochs,
        "history/loss": 1 / epochs,
        "history/validation": np.where(epochs % 2, np.nan, 1.1 / epochs),
    }
    return content, history


def trivial(method: str, error: float) -> dict:
    content = plain("nets", f"{method}-0123456789", problem="burgers-1d", method=method)
    content["metrics"] = {"mean_rel_l2": error}
    return content


@pytest.fixture
def runs(tmp_path):
    out = tmp_path / "runs"
    write(out, *trained("fno", 0.01))
    write(out, *trained("mlp", 0.2, "partial"))
    write(out, trivial("mean", 1.0))
    return out


def drawn_of(runs) -> Drawn:
    drawn = Drawn()
    figures_training.add("nets", load.load(runs).of_study("nets"), drawn)
    return drawn


def test_networks_stand_beside_trivial_answers(runs, monkeypatch):
    quick(monkeypatch)
    drawn = drawn_of(runs)
    assert [f.name for f in drawn.figures] == ["nets-training-burgers-1d"]
    figure = drawn.figures[0]
    assert len(figure.records) == 3
    assert "goes on in a later run: mlp" in figure.caption
    assert figure.quote.startswith("fno reaches") and "0.01" in figure.quote
    assert style.render(figure.make)[:4] == b"\x89PNG"


def test_errors_are_those_of_the_records(runs):
    figure = drawn_of(runs).figures[0].make()
    curves, reached = figure.axes
    assert [t.get_text() for t in reached.get_yticklabels()] == ["fno", "mlp", "mean"]
    assert [line.get_xdata()[0] for line in reached.lines] == [0.01, 0.2, 1.0]
    assert len(curves.lines) == 4
    # validation is drawn where it is known
    assert sorted({len(line.get_xdata()) for line in curves.lines}) == [4, 8]
    assert isinstance(figure, plot_training.Figure)


def test_a_lost_curve_is_told(runs):
    (runs / "nets" / "fno-0123456789" / "data.h5").write_bytes(b"no HDF5")
    drawn = drawn_of(runs)
    assert any("fno-0123456789" in text for text in drawn.missing)
    assert len(drawn.figures) == 1


def test_without_training_there_is_no_figure(tmp_path):
    write(tmp_path / "runs", trivial("mean", 1.0))
    assert drawn_of(tmp_path / "runs").figures == []


# ---- beside PyTorch ------------------------------------------------------------------------------


def compared(problem: str, what: str, ratio: float, target: float | None) -> dict:
    content = plain("peers", f"torch-{what}-{problem}", problem=problem, method="torch-2")
    content["case"] |= {"what": what, "type": "float32", "ranks": 1, "version": "PyTorch 2"}
    content["metrics"] = {"ratio_mean": ratio, "ratio_low": 0.9 * ratio, "ratio_high": 1.1 * ratio}
    if target is not None:
        content["metrics"]["target"] = target
    return content


def peers_of(out) -> Drawn:
    drawn = Drawn()
    figures_training.add("peers", load.load(out).of_study("peers"), drawn)
    return drawn


def test_networks_beside_pytorch(tmp_path, monkeypatch):
    quick(monkeypatch)
    write(tmp_path, compared("mlp", "infer", 1.2, None))
    write(tmp_path, compared("fno2d", "train", 2.5, 3.0))
    drawn = peers_of(tmp_path)
    (figure,) = drawn.figures
    assert figure.kind == "nn-peers" and not drawn.missing
    assert "from 1.2 to 2.5" in figure.caption and "PyTorch 2." in figure.caption
    # what misses its target is named
    assert figure.caption.endswith("Below what was asked: FNO-2d, training step, float32.")
    axes = figure.make().axes[0]
    texts = [t.get_text() for t in axes.get_yticklabels()]
    assert texts == ["MLP, answer, float32", "FNO-2d, training step, float32"]
    points = [line.get_xdata() for line in axes.lines if line.get_marker() == "o"]
    assert sorted(float(p[0]) for p in points) == [1.2, 2.5]
    assert style.render(figure.make)[:4] == b"\x89PNG"


def test_comparisons_that_are_not_sound_are_left_out_and_told(tmp_path):
    content = compared("mlp", "train", 1.2, 0.97)
    del content["metrics"]["ratio_mean"]
    write(tmp_path, content)
    drawn = peers_of(tmp_path)
    assert drawn.figures == [] and drawn.missing == ["1 of 1 comparisons with PyTorch (not sound)"]
