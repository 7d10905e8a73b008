# SPDX-License-Identifier: BSD-3-Clause
"""The command lines of plots.py and export.py, and what every figure must have."""
import csv
import io
import json

import matplotlib.text
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from test_load import dispersion_file

import export
import figures_dispersion
import load
import plot_curves
import plot_micro
import plots
import style
import synthetic
import synthetic_maps
import tables
import tables_micro
import tables_speed


def every_figure(runs):
    found = load.load(runs)
    curves, _ = plots.record_curves(found.records)
    errors, checks = tables.accuracy_table(curves), tables.check_table(found.records)
    models = load.read_models(runs / "accuracy" / "ref-0001" / "data.h5")
    one = curves[curves["name"] == "crust"]
    kernels = load.read_kernels(runs / "accuracy" / "ref-0001" / "data.h5")
    more = load.load(synthetic.write_more(runs.parent / "more"))
    given = more.records
    return {
        "ellipticity": lambda: plots.ellipticity(curves),
        "kernels": lambda: plots.kernel_panels(
            kernels[kernels["name"] == "crust"], models["crust"]
        ),
        "axes": lambda: plots.axes_figure(tables_speed.axes_table(given)),
        "weak": lambda: plots.weak_scaling(tables_speed.weak_scaling_table(given)),
        "peers": lambda: plots.peers(tables_speed.peer_table(given)),
        "reliability": lambda: plots.reliability(tables_speed.reliability_table(given)),
        "status": lambda: plots.statuses(tables_speed.status_table(given)),
        "micro": lambda: plot_micro.micro(tables_micro.micro_table(more.micro)),
        "curves": lambda: plots.dispersion_curves(curves),
        "curves-one": lambda: plots.dispersion_curves(one, models),
        "profile": lambda: plots.model_profile(models),
        "accuracy": lambda: plots.accuracy(errors, checks),
        "errors": lambda: plots.error_distribution(errors, checks),
        "throughput": lambda: plots.throughput(tables_speed.throughput_table(found.records)),
        "scaling": lambda: plots.scaling(tables_speed.scaling_table(found.records)),
    }


@pytest.mark.parametrize("asked", [True, False])
def test_group_velocity_not_asked_for_is_no_absent_mode(runs, asked):
    curves, _ = plots.record_curves(load.load(runs).records)
    curves = curves[curves["name"] == "crust"].copy()
    if not asked:
        curves["group"] = float("nan")
    panels = plots.dispersion_curves(curves).axes
    labels = [axes.get_ylabel() for axes in panels]
    assert ("group velocity (km/s)" in labels) == asked and "phase velocity (km/s)" in labels
    assert not [t for axes in panels for t in axes.texts]
    assert all(axes.get_xlabel() == "period (s)" for axes in panels[-2:])
    caption = figures_dispersion._curves_caption("crust", curves, 1, 1)
    assert ("group velocity" in caption) == asked and "phase velocity" in caption


def test_one_wave_without_group_velocity_says_so(runs):
    curves, _ = plots.record_curves(load.load(runs).records)
    curves = curves[curves["name"] == "crust"].copy()
    curves.loc[curves["wave"] == "love", "group"] = float("nan")
    texts = [t.get_text() for axes in plots.dispersion_curves(curves).axes for t in axes.texts]
    assert texts == ["not asked for"]


@pytest.mark.parametrize("values", [(-0.9, -0.2), (-3.0, -0.1), (-50.0, -2.1), (-8.0, 0.5)])
def test_negative_ellipticity_has_ticks(values):
    axes = Figure().subplots()
    plot_curves._ellipticity_axis(axes, np.array(values))
    ticks = [t for t in axes.get_yticks() if axes.get_ylim()[0] <= t <= axes.get_ylim()[1]]
    assert sum(t < 0 for t in ticks) >= 2 and min(ticks) >= values[0] * 1.6


def test_csv_of_records_that_all_failed_has_a_head_alone(tmp_path, capsys):
    content = synthetic.record()
    content |= {"status": "failed", "error": "no", "data": None, "checks": [], "counters": {}}
    content |= {"timings": {}, "metrics": {}, "fom": []}
    synthetic.write(tmp_path, content)
    assert export.main(["csv", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("study,id,status,kind,name,value") and told.out.count("\n") == 1
    assert "ref-0001/result.json (status failed)" in told.err
    synthetic.write(tmp_path, synthetic.record(case_id="sound") | {"data": None})
    assert export.main(["csv", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert "accuracy,sound,ok,check" in told.out and told.err.count("no number") == 1


@pytest.mark.parametrize("kind", plots.CONCLUSIONS)
def test_conclusions_from_the_command_line(tmp_path, capsys, kind):
    image = tmp_path / "a.png"
    synthetic.write(tmp_path / "empty", synthetic.scaling_record(1))
    assert plots.main([kind, str(tmp_path / "empty"), str(image)]) == 1 and not image.exists()
    assert f"no record has what the {kind} figure needs" in capsys.readouterr().err
    runs = synthetic_maps.write_cross_validation(tmp_path / "runs", ("gd",))
    synthetic_maps.write_convergence(runs)
    assert plots.main([kind, str(runs), str(image)]) == 0
    assert image.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axes_have_labels_and_units(runs, theme):
    units = (
        "(s)",
        "(km/s)",
        "(km)",
        "(m)",
        "1/s",
        "/s)",
        "relative error",
        "share of",
        "ranks",
        "layers",
        "speed-up",
        "efficiency",
        "fastest / slowest",
        "(1)",
        "1/km)",
        "(km/s)/",
        "time of peer / time of moho",
        "time / time on the",
        "share, block by block",
        "fraction of the measured rate",
        "periods",
    )
    named = ("crust", "disba", "certified", "rayleigh")  # axes whose ticks are names
    for name, make in every_figure(runs).items():
        with style.theme(theme):
            figure = make()
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
        for axes in figure.axes:
            for axis, text in ((axes.xaxis, axes.get_xlabel()), (axes.yaxis, axes.get_ylabel())):
                ticks = [t.get_text() for t in axis.get_ticklabels() if t.get_visible()]
                if any(ticks):  # those without are named by the panel beside or below
                    assert any(u in text for u in units) or any(
                        n in tick for n in named for tick in ticks
                    ), (name, text, ticks)


def test_text_is_legible_and_inside(runs):
    for name, make in every_figure(runs).items():
        with style.theme("light"):
            figure = make()
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            for text in figure.findobj(matplotlib.text.Text):
                assert not text.get_text() or text.get_fontsize() >= 7, (name, text.get_text())
            drawn = figure.get_tightbbox(canvas.get_renderer())  # inches
            width, height = figure.get_size_inches()
            assert min(drawn.x0, drawn.y0) > -0.02, (name, drawn)
            assert drawn.x1 < width + 0.02 and drawn.y1 < height + 0.02, (name, drawn)


@pytest.mark.parametrize("figure", ["axes", "weak", "peers", "reliability", "status", "micro"])
def test_command_draws_what_only_some_studies_have(runs, tmp_path, figure, capsys):
    image = tmp_path / "x.png"
    more = synthetic.write_more(tmp_path / "more")
    assert plots.main([figure, str(more), str(image)]) == 0
    assert image.read_bytes().startswith(b"\x89PNG")
    assert plots.main([figure, str(runs / "accuracy"), str(tmp_path / "none.png")]) == 1
    assert f"what the {figure} figure needs" in capsys.readouterr().err
    assert not (tmp_path / "none.png").exists()


@pytest.mark.parametrize("figure", ["accuracy", "errors", "throughput", "scaling"])
@pytest.mark.parametrize("kind, magic", [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_command_draws_runs(runs, tmp_path, figure, kind, magic):
    image = tmp_path / f"x.{kind}"
    assert plots.main([figure, str(runs), str(image)]) == 0
    assert image.read_bytes().startswith(magic)


def test_command_draws_dispersion_output(tmp_path, capsys):
    source = dispersion_file(tmp_path)
    for figure in ("curves", "profile"):
        image = tmp_path / f"{figure}.png"
        assert plots.main([figure, str(source), str(image)]) == 0
        assert image.read_bytes().startswith(b"\x89PNG")
    assert "left out: bad: negative thickness" in capsys.readouterr().err


def test_ellipticity_of_a_dispersion_output(tmp_path, capsys):
    synthetic.write_data(tmp_path / "out.h5", ["crust"])
    assert plots.main(["ellipticity", str(tmp_path / "out.h5"), str(tmp_path / "x.png")]) == 0
    source = dispersion_file(tmp_path)
    assert plots.main(["ellipticity", str(source), str(tmp_path / "y.png")]) == 1
    assert "no ellipticity to draw" in capsys.readouterr().err


def test_reference_is_overlaid(tmp_path):
    source = dispersion_file(tmp_path)
    reference = tmp_path / "ref.json"
    reference.write_text(source.read_text().replace("2.8,", "2.81,"))
    plain, with_reference = tmp_path / "a.png", tmp_path / "b.png"
    assert plots.main(["curves", str(source), str(plain)]) == 0
    assert (
        plots.main(["curves", str(source), str(with_reference), "--reference", str(reference)]) == 0
    )
    assert plain.read_bytes() != with_reference.read_bytes()


def test_hdf5_output_is_drawn(tmp_path):
    synthetic.write_data(tmp_path / "out.h5", ["crust"])
    assert plots.main(["curves", str(tmp_path / "out.h5"), str(tmp_path / "x.png")]) == 0


def test_errors_of_the_command(tmp_path, runs, capsys):
    source, image = dispersion_file(tmp_path), tmp_path / "x.png"
    assert plots.main(["curves", str(tmp_path / "none.json"), str(image)]) == 1
    assert plots.main(["curves", str(runs / "accuracy" / "study.toml"), str(image)]) == 1
    assert plots.main(["curves", str(source), str(tmp_path / "x.bmp")]) == 1
    assert plots.main(["curves", str(source), str(tmp_path / "no" / "x.png")]) == 1
    assert plots.main(["scaling", str(runs / "accuracy"), str(image)]) == 1
    error = capsys.readouterr().err
    for part in (
        "none.json",
        "study.toml",
        "x.bmp",
        "cannot be written",
        "what the scaling figure needs",
    ):
        assert part in error
    assert not image.exists()


def test_csv_has_every_number(runs, tmp_path):
    out = tmp_path / "x.csv"
    assert export.main(["csv", str(runs), "-o", str(out)]) == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    records = load.load(runs).records
    expected = sum(
        len(r["checks"])
        + len(r["counters"])
        + len(r["timings"])
        + len(r["metrics"])
        + len(r["fom"])
        for r in records
    )
    assert len(rows) == expected
    row = next(
        r for r in rows if r["id"] == "grad-r4" and r["kind"] == "timing" and r["name"] == "apply"
    )
    assert (
        float(row["value"]) == pytest.approx(4 / 4 / 0.9)
        and row["unit"] == "s"
        and float(row["case.ranks"]) == 4
    )


def test_benchmark_json(runs, tmp_path):
    higher = export.benchmark(load.load(runs).records, "higher")
    assert {
        "name": "throughput/grad-L5-r2 curves_per_second",
        "unit": "1/s",
        "value": 5120.0,
    }.items() <= next(
        e for e in higher if "grad-L5-" in e["name"] and "curves" in e["name"]
    ).items()
    lower = export.benchmark(load.load(runs).records, "lower")
    assert any(e["name"] == "scaling/grad-r1 apply" and e["range"].startswith("±") for e in lower)
    assert not {e["name"] for e in lower} & {e["name"] for e in higher}
    assert json.loads(json.dumps(lower)) == lower


def test_export_leaves_out_and_says_so(runs, capsys):
    (runs / "scaling" / "grad-r1" / "result.json").write_text("{")
    assert export.main(["benchmark", str(runs)]) == 0
    captured = capsys.readouterr()
    assert "grad-r1" not in captured.out and "skipped" in captured.err and "grad-r1" in captured.err
    assert export.main(["csv", str(runs), "--strict"]) == 1
    assert export.main(["csv", str(runs / "accuracy" / "none")]) == 1
