# SPDX-License-Identifier: BSD-3-Clause
"""The chapter "On the device": there only where something comes from one, its numbers known, what
is missing named, and times of a host and of devices never in one series."""
import json

import numpy as np
import pytest
from synthetic import DELETE, changed, scaling_record, throughput_record
from synthetic_device import (
    H0,
    H1,
    answer,
    device_micro,
    host_micro,
    on_device,
    solver_front,
    torch_record,
    trained,
    write_all,
    write_device,
    write_host,
    write_micro,
)
from synthetic_fem import fem_record, write
from test_report import edit, quick
from test_report import write as page_of

import export
import figures
import figures_device
import figures_torch
import load
import machine
import plot_device
import plots
import report
import style
import tables
import tables_device
from figure import Drawn

CHAPTER = ["device-roofline", "device-micro", "device-cases", "device-work-precision",
           "device-break-even"]  # fmt: skip
CPU = "Example CPU @ 2.0 GHz, 1 rank x 1 thread (Serial)"


def drawn_of(out) -> Drawn:
    return figures.of_device(load.load(out))


def records_of(*contents):
    return [load.Record(None, content) for content in contents]


def answers(*contents):
    table, missing = tables_device.answers(records_of(*contents))
    return table, missing


def even(*contents):
    return tables_device.break_even(answers(*contents)[0])


# ---- the chapter ---------------------------------------------------------------------------------


def test_the_chapter_has_its_figures_once(tmp_path):
    page = page_of(write_all(tmp_path))
    assert "device" in page.ids and "On the device" in page.text
    assert set(CHAPTER) <= set(page.ids) and len(page.ids) == len(set(page.ids))
    assert {"nn-peers-peers", "galerkin-peers-peers", "micro-roofline"} <= set(page.ids)
    for text in (f"Time on {CPU} over time on NVIDIA H0 (CUDA), 1 rank: 40 of 6 micro-benchmarks",
                 "that only the host has, or that the device discarded: kernel (1)", "N* = 29",
                 "on one NVIDIA H0 (CUDA)", "3 studies"):
        assert text in page.text, text
    assert "How other codes do on this device is shown in" in page.text
    # comparisons stand in the chapter, not in their studies
    assert page.ids.index("device") < page.ids.index("nn-peers-peers") < page.ids.index("micro")


@quick
def test_a_folder_of_hosts_has_no_chapter(tmp_path):
    write_micro(tmp_path, "host", host_micro())
    write(write_host(tmp_path), torch_record(None))
    page = page_of(tmp_path)
    assert drawn_of(tmp_path) is None
    assert "device" not in page.ids and "On the device" not in page.text
    assert "nn-peers-peers" in page.ids and not set(CHAPTER) & set(page.ids)


@quick
def test_a_device_alone_says_what_is_missing(tmp_path):
    write_micro(tmp_path, "device", device_micro())
    write_device(tmp_path)
    page = page_of(tmp_path)
    for text in ("no micro*.json of a host: nothing to compare with; run moho-bench",
                 "no record of a host: nothing to compare with; run the same studies",
                 "No record of a host answers the same", "no sound comparison with PyTorch"):
        assert text in page.text, text
    assert {"device-roofline", "device-work-precision", "device-break-even"} <= set(page.ids)
    assert not {"device-micro", "device-cases"} & set(page.ids)


@quick
def test_records_alone_miss_micro_benchmarks(tmp_path):
    write_device(write_host(tmp_path / "host").parent / "device")
    drawn = drawn_of(tmp_path)
    assert any("no micro*.json of a device" in text for text in drawn.missing)
    assert [f.name for f in drawn.figures] == CHAPTER[2:]


@quick
def test_micro_benchmarks_alone_make_a_page(tmp_path, capsys):
    write_micro(tmp_path, "device", device_micro())
    write_micro(tmp_path, "host", host_micro())
    page = page_of(tmp_path)
    assert "INCOMPLETE" in page.text and "Micro-benchmarks alone" in page.text
    assert {"device-roofline", "device-micro"} <= set(page.ids)
    assert "cases on a device (no record of one)" in page.text
    assert "error against time (no sound case has a time and an error)" in page.text


@quick
def test_a_file_without_its_backend_is_named(tmp_path):
    write_micro(tmp_path, "device", device_micro())
    old = host_micro()
    del old["context"]["backend"]
    write_micro(tmp_path, "old", old)
    drawn = drawn_of(tmp_path)
    text = "micro-old.json (key 'context.backend' is missing"
    assert any(text in m and "run moho-bench of this version" in m for m in drawn.missing)
    assert not [f for f in drawn.figures if f.kind == "host-device"]
    assert any("no micro*.json of a host" in m for m in drawn.missing)


@quick
def test_damaged_files_are_named_and_the_rest_is_drawn(tmp_path):
    write_all(tmp_path)
    write_micro(tmp_path, "half", device_micro()).write_text('{"context": {')
    page = page_of(tmp_path)
    assert "micro-half.json" in page.text and "is not JSON" in page.text
    assert set(CHAPTER) <= set(page.ids)


@quick
def test_all_noisy_is_not_quoted(tmp_path):
    host = host_micro()
    for one in host["benchmarks"]:
        one["noisy"] = 1.0
    write_micro(tmp_path, "host", host)
    write_micro(tmp_path, "device", device_micro())
    drawn = drawn_of(tmp_path)
    (figure,) = [f for f in drawn.figures if f.kind == "host-device"]
    assert figure.quote == ""
    axes = figure.make().axes[0]
    assert {line.get_marker() for line in axes.lines if len(line.get_xdata())} <= {"x", "None"}
    rows = next(t for t in drawn.tables if t["title"].startswith("Micro"))["rows"]
    assert all(row[-1] == "unsteady: do not quote" for row in rows)


@quick
def test_builds_of_different_commits_are_told(tmp_path):
    write_micro(tmp_path, "host", host_micro(moho_sha="1" * 40))
    write_micro(tmp_path, "device", device_micro())
    (figure,) = [f for f in drawn_of(tmp_path).figures if f.kind == "host-device"]
    assert "the two builds are of different commits" in figure.caption
    assert figure.commands == ["mpirun -n 1 moho-bench --benchmark_out=micro-host.json",
                               "mpirun -n 1 moho-bench --benchmark_out=micro-device.json"]


# ---- what may not be put together ----------------------------------------------------------------


def test_two_devices_and_a_host_are_three_parts(tmp_path):
    for i, device in enumerate((None, H0, H1)):
        content = scaling_record(1)
        write(tmp_path / str(i), on_device(content, device) if device else content)
    runs = load.load(tmp_path)
    parts = machine.by_device(runs.records)
    assert list(parts) == ["", "NVIDIA H0 (CUDA)", "NVIDIA H1 (CUDA)"]
    contexts = report.study_contexts(runs, "scaling", 6, False)
    assert [c["title"] for c in contexts] == [
        "scaling (on a host)", "scaling (on NVIDIA H0 (CUDA))", "scaling (on NVIDIA H1 (CUDA))"]
    assert [len(c["case_rows"]) for c in contexts] == [1, 1, 1]


@quick
def test_studies_on_both_have_a_series_each(tmp_path):
    """A host of two ranks and a device of one are no scaling; layers of each are one throughput."""
    write(tmp_path / "h", scaling_record(2))
    write(tmp_path / "d", on_device(scaling_record(1)))
    for layers in (5, 10):
        write(tmp_path / "h", throughput_record(layers))
        write(tmp_path / "d", on_device(throughput_record(layers, speed=9.0), ranks=1))
    page = page_of(tmp_path)
    assert not [i for i in page.ids if i.startswith("scaling-scaling")]
    for ranks in (1, 2):
        assert f"needs the same case at two rank counts; here: {ranks}" in page.text
    both = {"throughput-throughput", "throughput-throughput-on-NVIDIA-H0-CUDA"}
    assert both <= set(page.ids)
    assert "moho report\n2 studies" in page.text.replace("\n\n", "\n")
    assert "curves per second of the solver, best case, on NVIDIA H0 (CUDA)" in page.text


@quick
def test_a_study_of_one_device_keeps_its_names(tmp_path):
    for layers in (5, 10):
        write(tmp_path, on_device(throughput_record(layers)))
    page = page_of(tmp_path)
    assert "throughput-throughput" in page.ids and "(on " not in page.text.split("Cases")[0]


def test_plots_draw_one_of_host_and_device(tmp_path, capsys):
    for layers in (5, 10):
        write(tmp_path / "d", on_device(throughput_record(layers, speed=9.0)))
        write(tmp_path / "h", throughput_record(layers))
    assert plots.main(["throughput", str(tmp_path), str(tmp_path / "both.png")]) == 0
    assert "drawn is the first of hosts, NVIDIA H0 (CUDA)" in capsys.readouterr().err
    assert plots.main(["throughput", str(tmp_path / "h"), str(tmp_path / "host.png")]) == 0
    assert (tmp_path / "both.png").read_bytes() == (tmp_path / "host.png").read_bytes()


def test_exports_tell_host_and_device_apart(tmp_path):
    write(tmp_path / "d", on_device(scaling_record(1)))
    write(tmp_path / "h", scaling_record(1))
    records = load.load(tmp_path).records
    table = export.tidy(records)
    assert sorted(table["device"].unique()) == ["", "NVIDIA H0 (CUDA)"]
    assert len(table) == 2 * len(export.tidy(records[:1]))
    names = [e["name"] for e in export.benchmark(records, "lower")]
    assert len(set(names)) == len(names)
    assert "scaling/grad-r1 on NVIDIA H0 (CUDA) apply" in names


def test_what_failed_says_where(tmp_path):
    content = scaling_record(1) | {"checks": []}
    write(tmp_path, on_device(content))
    said = report.warnings(load.load(tmp_path))
    assert "scaling/grad-r1 on NVIDIA H0 (CUDA): nothing was checked" in said


# ---- the same case on both -----------------------------------------------------------------------


def test_ratios_of_cases_are_those_of_their_times():
    host, device = trained("mlp", 1e-3, 0.1, 10.0), on_device(trained("mlp", 1e-4, 0.1, 2.0))
    table, missing = tables_device.pairs(records_of(host, device))
    assert missing == [] and table["what"].tolist() == ["answer", "training step"]
    assert table["ratio"].tolist() == pytest.approx([10, 5])
    row = table.iloc[0]
    assert row["lo"] == pytest.approx(10 * 0.98 / 1.03) and np.isnan(table.iloc[1]["lo"])
    assert row["host"].text == CPU and row["device"].text == "NVIDIA H0 (CUDA), 1 rank"


def test_the_fastest_host_is_compared():
    hosts = []
    for ranks, seconds in ((1, 8e-3), (4, 2e-3), (2, 4e-3)):
        content = answer("solver", seconds, 0.1)
        content["case"]["ranks"] = content["provenance"]["run"]["ranks"] = ranks
        hosts.append(content)
    table, _ = tables_device.pairs(records_of(*hosts, on_device(answer("solver", 1e-3, 0.1))))
    assert table["ratio"].tolist() == pytest.approx([2])
    assert table.iloc[0]["host"].ranks == 4


@pytest.mark.parametrize("path, value, why", [
    ("case.tolerance", 1e-3, "that no sound case of a host has as well"),
    ("case.precision", "float32", "that no sound case of a host has as well"),
    ("study", "other", "that no sound case of a host has as well"),
    ("counters.items", 200, "did other work"),
])
def test_other_cases_have_no_partner_and_are_named(path, value, why):
    host = answer("solver", 1e-2, 0.1, tolerance=1e-6, precision="float64")
    device = changed(on_device(answer("solver", 1e-3, 0.1, tolerance=1e-6, precision="float64")),
                     path, value)
    table, (text,) = tables_device.pairs(records_of(host, device))
    assert table.empty and why in text and device["id"] in text


@pytest.mark.parametrize("change", [
    lambda c: c.update(status="invalid"),
    lambda c: c["timings"]["apply"].update(median=0.0),
    lambda c: c["timings"].pop("apply"),
])
def test_void_results_have_no_ratio(change):
    host, device = answer("solver", 1e-2, 0.1), on_device(answer("solver", 1e-3, 0.1))
    change(device)
    assert tables_device.pairs(records_of(host, device))[0].empty


def test_unsteady_times_are_crosses():
    device = on_device(answer("solver", 1e-3, 0.1))
    device["timings"]["apply"]["mad"] = 0.05
    table, _ = tables_device.pairs(records_of(answer("solver", 1e-2, 0.1), device))
    assert table["noisy"].tolist() == [True]
    with style.theme():
        axes = plot_device.host_over_device(table).axes[0]
    ratio = [line for line in axes.lines if 10 in np.round(line.get_xdata(), 9)]
    assert [line.get_marker() for line in ratio] == ["x"]
    assert not axes.texts  # no number to quote


# ---- error against time --------------------------------------------------------------------------


def test_times_are_per_item_and_series_per_machine():
    host = [*solver_front(), trained("mlp", 1e-4, 1e-3, 90.0), answer("mean", 1e-6, 0.5)]
    table, missing = answers(*host, *(on_device(c, d) for d in (H0, H1) for c in solver_front()))
    assert missing == [] and table["question"].unique().tolist() == ["nets: family"]
    assert set(table["unit"]) == {"item"} and set(table["measure"]) == {"mean_rel_l2"}
    assert table["seconds"].tolist()[:4] == pytest.approx([1e-3, 1e-2, 1e-4, 1e-6])
    assert table["trained"].tolist()[:4] == [False, False, True, False]
    assert table["trivial"].tolist()[:4] == [False, False, False, True]
    parts = table.groupby(["machine", "series"], sort=False).size()
    assert parts.tolist() == [2, 1, 1, 2, 2]  # solver, mlp, mean; solver; solver
    with style.theme():
        axes = plot_device.work_precision(table).axes[0]
    joined = [line for line in axes.lines if len(line.get_xdata()) > 1]
    assert len(joined) == 3  # a front of the solver on each machine


def test_questions_are_not_mixed():
    table, _ = answers(answer("a", 1e-3, 0.1, s=64), answer("b", 1e-3, 0.1, s=64),
                       answer("a", 1e-2, 0.1, s=128), answer("b", 1e-2, 0.1, s=128, width=3))
    assert table["question"].unique().tolist() == ["nets: family, s = 64", "nets: family, s = 128"]


def test_finite_elements_are_timed_without_their_evaluation():
    table, _ = answers(*(fem_record(n) for n in (8, 16)))
    assert table["seconds"].tolist() == pytest.approx([1e-6 * 64, 1e-6 * 256])
    assert table["measure"].tolist() == 2 * ["l2_error"] and set(table["unit"]) == {"case"}
    assert table["series"].nunique() == 1


@pytest.mark.parametrize("change, said", [
    (lambda c: c["timings"]["apply"].update(median=0.0), "took no time that the clock could see"),
    (lambda c: c["metrics"].update(mean_rel_l2=None), "without a measure of error that all have"),
    (lambda c: c["metrics"].clear(), "without a measure of error that all have"),
])
def test_answers_without_time_or_error_are_named(change, said):
    content = answer("solver", 1e-3, 0.1)
    change(content)
    table, (text,) = answers(content)
    assert table.empty and said in text and content["id"] in text


def test_an_exact_answer_is_drawn_on_the_edge():
    table, _ = answers(answer("solver", 1e-3, 0.0), trained("mlp", 1e-4, 1e-3, 90.0))
    with style.theme():
        axes = plot_device.work_precision(table).axes[0]
    assert [t.get_text() for t in axes.texts] == ["error 0"]
    assert [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "v"] == [1e-4]


# ---- break-even ----------------------------------------------------------------------------------


def test_break_even_in_closed_form():
    """The solver takes t at the error 1e-8 / t^2, so at 1e-3 it takes sqrt(10) ms."""
    (row,) = even(*solver_front(), trained("mlp", 1e-4, 1e-3, 90.0)).itertuples()
    solver = np.sqrt(1e-8 / 1e-3)
    assert row.solver_seconds == pytest.approx(solver) and row.why == ""
    assert row.queries == pytest.approx(90 / (solver - 1e-4))
    assert row.with_data == pytest.approx(97 / (solver - 1e-4))
    # the intervals are 2 % below and 3 % above each time
    assert row.lo == pytest.approx(90 / (1.03 * solver - 0.98e-4))
    assert row.hi == pytest.approx(90 / (0.98 * solver - 1.03e-4))


@pytest.mark.parametrize("error, seconds", [
    (1e-2, 1e-3),  # a case of the front
    (0.5, 1e-3),  # the coarsest is better than that already: nothing is extrapolated
    (1e-4, 1e-2),
    (2e-4, np.sqrt(1e-8 / 2e-4)),
])
def test_the_solver_is_read_off_its_front(error, seconds):
    (row,) = even(*solver_front(), trained("mlp", 1e-4, error, 90.0)).itertuples()
    assert row.solver_seconds == pytest.approx(seconds)


def test_a_solver_that_others_beat_is_not_the_baseline():
    slow = answer("solver", 5e-3, 5e-2, tolerance=9.0)  # longer and worse than 1 ms, 1e-2
    (row,) = even(*solver_front(), slow, trained("mlp", 1e-4, 1e-2, 90.0)).itertuples()
    assert row.solver_seconds == pytest.approx(1e-3)
    quick_one = answer("other", 5e-4, 1e-3)
    (row,) = even(*solver_front(), quick_one, trained("mlp", 1e-4, 1e-3, 90.0)).itertuples()
    assert (row.solver, row.solver_seconds) == ("other", pytest.approx(5e-4))


NETWORK = trained("mlp", 1e-4, 1e-3, 9.0)
NO_SOLVER = "no sound case of a solver answers the same on this machine"


@pytest.mark.parametrize("solvers, network, why", [
    (solver_front(), trained("mlp", 5e-3, 1e-3, 9.0), "none: it is slower than the solver"),
    (solver_front(), trained("mlp", 1e-4, 1e-5, 9.0),
     "no solver is as good here (smallest error 0.0001"),
    ([], NETWORK, NO_SOLVER),
    ([answer("mean", 1e-6, 1e-4)], NETWORK, NO_SOLVER),
    ([on_device(c) for c in solver_front()], NETWORK, NO_SOLVER),
    (solver_front(), changed(NETWORK, "timings.prepare", DELETE), "no time of training"),
    (solver_front(), changed(NETWORK, "metrics.truth_uncertainty", 2e-3),
     "unresolved: the truth itself is uncertain by 0.002"),
])
def test_there_is_no_break_even_and_it_says_why(solvers, network, why):
    (row,) = even(*solvers, network).itertuples()
    assert why in row.why and np.isnan(row.queries)


@quick
def test_a_slower_surrogate_is_named_in_the_chapter(tmp_path):
    for content in [*solver_front(), trained("mlp", 1.0, 1e-3, 9.0)]:
        write(tmp_path, on_device(content))
    drawn = drawn_of(tmp_path)
    assert "device-break-even" not in [f.name for f in drawn.figures]
    why = "mlp on NVIDIA H0 (CUDA), 1 rank (none: it is slower than the solver)"
    assert any(text == f"break-even of {why}" for text in drawn.missing)
    (table,) = [t for t in drawn.tables if t["title"].startswith("Break-even")]
    assert table["rows"][0][-1] == "none: it is slower than the solver"


def test_an_interval_may_have_no_end():
    near = trained("mlp", 0.99e-3, 1e-2, 90.0)
    (row,) = even(*solver_front(), near).itertuples()
    assert row.queries == pytest.approx(90 / 1e-5) and np.isinf(row.hi)
    assert "to never" in figures_device._interval(row)


def test_unsteady_break_evens_are_not_quoted(tmp_path):
    for content in [*solver_front(), trained("mlp", 1e-4, 1e-3, 90.0)]:
        content["timings"]["apply"]["mad"] = content["timings"]["apply"]["median"]
        write(tmp_path, on_device(content))
    (figure,) = [f for f in drawn_of(tmp_path).figures if f.kind == "break-even"]
    assert figure.quote == ""
    with style.theme():
        axes = figure.make().axes[0]
    dot = next(line for line in axes.lines if len(line.get_xdata()) == 1)
    assert dot.get_markerfacecolor() == style._THEMES["light"]["paper"]


def test_each_machine_has_its_own_break_even():
    """The network of a device against the solver of that device alone."""
    device = [on_device(c) for c in (*solver_front(), trained("mlp", 5e-4, 1e-2, 9.0))]
    table = even(*solver_front(), trained("mlp", 1e-4, 1e-2, 90.0), *device)
    assert table["queries"].tolist() == pytest.approx([90 / 9e-4, 9 / 5e-4])


# ---- PyTorch -------------------------------------------------------------------------------------


def test_comparisons_of_assembly_in_pytorch_are_drawn():
    contents = [torch_record(None, "poisson", what, ratio, n=n, degree=1)
                for what, ratio, n in (("index_add", 6.0, 64), ("sparse", 8.0, 32),
                                       ("index_add", 5.0, 32))]
    drawn = Drawn()
    figures_torch.add("galerkin-peers", records_of(*contents), drawn)
    (figure,) = drawn.figures
    assert figure.kind == "galerkin-peers" and "Re-assembly of the same matrix" in figure.caption
    assert "on the same cores" in figure.caption and "from 5 to 8" in figure.caption
    with style.theme():
        texts = [t.get_text() for t in figure.make().axes[0].get_yticklabels()]
    assert texts[::-1] == ["Poisson, P1, 32³, sums by index_add, float32",
                           "Poisson, P1, 64³, sums by index_add, float32",
                           "Poisson, P1, 32³, sums by a sparse product, float32"]


# ---- pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*plots.DEVICE, *plots.MICRO, "nn-peers", "galerkin-peers"])
def test_command_draws_the_chapter(tmp_path, capsys, kind):
    image = tmp_path / "x.png"
    write(tmp_path / "empty", scaling_record(1))
    assert plots.main([kind, str(tmp_path / "empty"), str(image)]) == 1 and not image.exists()
    assert f"what the {kind} figure needs" in capsys.readouterr().err
    runs = write_all(tmp_path / "runs")
    for dark in ([], ["--dark"]):
        assert plots.main([kind, str(runs), str(image), *dark]) == 0
        assert image.read_bytes().startswith(b"\x89PNG")


def test_text_is_legible_and_inside(tmp_path):
    import matplotlib.text
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    runs = load.load(write_all(tmp_path))
    found = [*figures.of_device(runs).figures, *figures.of_micro(runs.micro).figures]
    assert len(found) == 8
    for one in found:
        with style.theme("light"):
            figure = one.make()
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            for text in figure.findobj(matplotlib.text.Text):
                assert not text.get_text() or text.get_fontsize() >= 7, (one.name, text.get_text())
            drawn = figure.get_tightbbox(canvas.get_renderer())
            width, height = figure.get_size_inches()
            assert min(drawn.x0, drawn.y0) > -0.02, (one.name, drawn)
            assert drawn.x1 < width + 0.02 and drawn.y1 < height + 0.02, (one.name, drawn)
            for axes in figure.axes:
                assert axes.get_xlabel(), one.name


def test_figures_follow_the_records(tmp_path):
    """Each figure of the chapter changes when a time that it shows changes, and only then."""
    def pictures(out):
        return {f.name: style.render(f.make) for f in drawn_of(out).figures}

    before = pictures(write_all(tmp_path / "a"))
    assert pictures(write_all(tmp_path / "b")) == before
    slower = device_micro(speed=20.0)
    (tmp_path / "b" / "micro-device.json").write_text(json.dumps(slower))
    path = next((tmp_path / "b" / "device" / "nets").glob("mlp*")) / "result.json"
    edit(path, lambda c: c["timings"]["apply"].update(median=2e-3))
    after = pictures(tmp_path / "b")
    assert sorted(after) == sorted(before)
    for name in CHAPTER:
        assert after[name] != before[name], name


def test_tables_know_the_device():
    records = records_of(scaling_record(1), on_device(scaling_record(1)))
    assert tables.case_table(records)["device"].tolist() == ["", "NVIDIA H0 (CUDA)"]
    assert set(tables.timing_table(records)["device"]) == {"", "NVIDIA H0 (CUDA)"}
