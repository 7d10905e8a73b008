# SPDX-License-Identifier: BSD-3-Clause
"""Figures of training: drawn from records, left out and said so where these lack what they show."""
import numpy as np
import pytest
from test_report import quick

import figures_torch
import figures_training
import load
import plot_training
import style
from figure import Drawn
from synthetic_fem import plain, write


def trained(method: str, error: float, status: str = "ok") -> tuple[dict, dict]:
    content = plain("nets", f"{method}-0123456789", problem="burgers-1d", method=method)
    content["status"] = status
    if status == "invalid":
        content["checks"][0] |= {"value": 0.1, "pass": False}
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


def drawn_of(runs, study: str = "nets") -> Drawn:
    drawn = Drawn()
    records = load.load(runs).of_study(study)
    figures_training.add(study, records, drawn)
    figures_torch.add(study, records, drawn)
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


# ---- the sentence to quote -----------------------------------------------------------------------


def asked(content, **case):
    """The same case of a problem with these parameters."""
    arrays = None
    if isinstance(content, tuple):
        content, arrays = content
    content["case"] |= case
    content["id"] = f"{content['case']['method']}-{len(case)}{content['status']}-0123456789"
    return content, arrays


def said(out, *cases) -> str:
    for one in cases:
        write(out, *(one if isinstance(one, tuple) else (one,)))
    assert not load.load(out).problems
    (figure,) = drawn_of(out).figures
    return figure.quote


@pytest.mark.parametrize("other", ["rayleigh-solver", "fem-batch"])
def test_the_solver_is_not_what_reaches_an_error(tmp_path, other):
    """It is the truth itself: 0, or nearly."""
    text = said(tmp_path, trained("fno", 0.01), trivial("mean", 1.0), trivial(other, 0.0))
    assert text == "fno reaches a mean relative L² error of 0.01."


@pytest.mark.parametrize("rival", ["mean", "nearest-neighbour", "linear-map"])
def test_a_network_that_does_not_beat_a_trivial_answer_is_told(tmp_path, rival):
    others = [trivial("mean", 1.0), trivial("nearest-neighbour", 0.9), trivial("linear-map", 0.8)]
    for one in others:
        if one["case"]["method"] == rival:
            one["metrics"]["mean_rel_l2"] = 0.44
    text = said(tmp_path, trained("fno", 0.5), trained("mlp", 0.7), *others)
    reached = "fno reaches a mean relative L² error of 0.5"
    assert text == f"{reached}; it does not beat {rival} (0.44)."


def test_it_is_no_better_than_its_equal(tmp_path):
    text = said(tmp_path, trained("fno", 0.5), trivial("mean", 0.5))
    assert text.endswith("; it does not beat mean (0.5).")


def test_only_answers_to_the_same_question_are_compared(tmp_path):
    text = said(
        tmp_path,
        asked(trained("fno", 0.5), s=64, rate=1e-3, test=9),
        asked(trivial("mean", 0.1), s=32),
        asked(trivial("linear-map", 0.6), s=64, rate=0.0),
    )
    assert text == "fno-3ok reaches a mean relative L² error of 0.5."


def test_what_goes_on_or_is_not_sound(tmp_path):
    invalid = trained("resnet", 0.001, "invalid")
    text = said(tmp_path, trained("fno", 0.01, "partial"), trained("mlp", 0.2), invalid)
    assert text == "fno reaches a mean relative L² error of 0.01 so far."


def test_without_a_sound_network_nothing_is_said(tmp_path):
    assert said(tmp_path, trained("fno", 0.01, "invalid"), trivial("mean", 0.001)) == ""
    content, history = trained("mlp", 0.01)
    content["metrics"]["mean_rel_l2"] = None
    assert said(tmp_path, (content, history)) == ""


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


def test_networks_beside_pytorch(tmp_path, monkeypatch):
    quick(monkeypatch)
    write(tmp_path, compared("mlp", "infer", 1.2, None))
    write(tmp_path, compared("fno2d", "train", 2.5, 3.0))
    drawn = drawn_of(tmp_path, "peers")
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
    drawn = drawn_of(tmp_path, "peers")
    assert drawn.figures == [] and drawn.missing == ["1 of 1 comparisons with PyTorch (not sound)"]
