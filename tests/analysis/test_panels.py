# SPDX-License-Identifier: BSD-3-Clause
"""Panels of peers, reliability, status, scaling, kernels and micro-benchmarks: drawn where the
records have what they show, left out and said so where they do not."""
import json

import h5py
import numpy as np
import pytest
from matplotlib.colors import to_hex
from test_report import Page, edit, quick, write

import figures
import load
import plot_curves
import plot_micro
import style
import synthetic
import tables_micro
import tables_speed
from synthetic import DELETE, changed

MORE = [
    "axes-axes",
    "peers-reliability-reliability",
    "peers-speed-peers",
    "stress-status",
    "weak-weak-scaling",
    "micro-fractions",
]  # there is no roofline: no benchmark of these declares bytes


@pytest.fixture
def more(tmp_path):
    return synthetic.write_more(tmp_path / "more")


def records_of(*contents):
    return [load.Record(None, content) for content in contents]


@quick
def test_page_has_every_panel_and_says_where_from(more):
    page = write(more)
    for name in MORE:
        assert name in page.ids, name
    assert "Drawn from peers-speed, 37 records; made by" in page.text
    assert "mpirun -n 2 moho-bench --benchmark_out=micro.json" in page.text
    assert "Reliability" in page.text and "98.01%" not in page.text
    assert "94.96%" in page.text and "calls that raised" in page.text


@quick
@pytest.mark.parametrize(
    "study, name",
    [
        ("peers-speed", "peers-speed-peers"),
        ("peers-reliability", "peers-reliability-reliability"),
        ("stress", "stress-status"),
        ("weak", "weak-weak-scaling"),
        ("axes", "axes-axes"),
    ],
)
def test_panel_without_its_records_is_left_out(more, study, name):
    for path in list((more / study).rglob("result.json")):
        path.unlink()
        path.parent.rmdir()
    assert name not in write(more).ids


@quick
def test_void_ratios_are_not_drawn(more):
    def unlike(content):
        content["checks"][0] |= {"value": 1e-3, "pass": False}
        content["status"] = "invalid"
        content["fom"][0]["value"] = None

    edit(more / "peers-speed" / "disba-random" / "result.json", unlike)
    page = write(more)
    assert "1 ratios (the two codes did not answer alike" in page.text
    assert "Drawn from peers-speed, 36 records" in page.text and "INVALID" in page.text


@pytest.mark.parametrize(
    "path, value",
    [
        ("metrics.ratio", DELETE),
        ("metrics.ratio", 12.0),
        ("metrics.ratio", []),
        ("metrics.ratio", [12.0, None]),
        ("timings.moho", DELETE),
        ("timings.peer", DELETE),
        ("status", "invalid"),
    ],
)
def test_incomplete_comparison_is_left_out(path, value):
    content = synthetic.peer_record("x", layers=5)
    assert len(tables_speed.peer_table(records_of(content))) == 1
    assert tables_speed.peer_table(records_of(changed(content, path, value))).empty


def test_spread_is_that_of_the_rounds():
    content = changed(synthetic.peer_record("x"), "metrics.ratio", [1.0, 2.0, 3.0, 4.0, 100.0])
    row = tables_speed.peer_table(records_of(content)).iloc[0]
    assert (row["q1"], row["ratio"], row["q3"]) == (2.0, 3.0, 4.0)


@pytest.mark.parametrize("word", ["missing", "jumped", "wrong", "invented", "ok", "points"])
def test_reliability_that_does_not_add_up_is_left_out(word):
    content = synthetic.reliability_record("disba", 0.005, (1, 2, 3, 4))
    assert len(tables_speed.reliability_table(records_of(content))) == 1
    for value in (content["counters"][word] + 1, DELETE):
        broken = changed(content, f"counters.{word}", value)
        assert tables_speed.reliability_table(records_of(broken)).empty


def test_own_solver_stands_first():
    contents = [synthetic.reliability_record(n, s) for n, s in (("disba", 0.005), ("moho", None))]
    solvers = list(tables_speed.reliability_table(records_of(*contents))["solver"])
    assert solvers == ["moho, held to 5e-06", "disba, step 0.005 km/s"]


def test_status_shares_add_up_over_blocks():
    table = tables_speed.status_table(records_of(*map(synthetic.block_record, range(3))))
    total = table.groupby("state")["count"].sum()
    assert total["extended"] == 9 and total.sum() == 3 * 15000
    assert (table["roots"] == 15000).all() and table["models"].sum() == 5 * 3000


@pytest.mark.parametrize("state", tables_speed.STATES)
def test_block_that_lacks_a_state_is_left_out(state):
    for value in (DELETE, None):
        broken = changed(synthetic.block_record(1), f"metrics.points_{state}", value)
        assert tables_speed.status_table(records_of(broken)).empty
        assert len(tables_speed.status_table(records_of(synthetic.block_record(0), broken))) == 5


@quick
def test_failed_points_are_on_the_caption(tmp_path):
    synthetic.write(tmp_path, synthetic.block_record(0, failed=3))
    assert "failed 0.0002" in write(tmp_path).text  # 3 of 15 003


# ---- scaling -------------------------------------------------------------------------------------


def test_growing_work_is_weak_scaling_alone():
    records = records_of(*map(synthetic.weak_record, (1, 2, 4)))
    weak = tables_speed.weak_scaling_table(records)
    assert list(weak["ranks"]) == [1, 2, 4] and tables_speed.scaling_table(records).empty
    assert weak["efficiency"].tolist() == pytest.approx([1.0, 0.9, 0.9])
    assert tables_speed.axes_table(records).empty


def test_equal_work_is_strong_scaling_alone():
    records = records_of(*map(synthetic.scaling_record, (1, 2, 4)))
    assert tables_speed.weak_scaling_table(records).empty
    assert len(tables_speed.scaling_table(records)) == 3


def test_uneven_work_per_rank_is_no_weak_scaling():
    contents = [synthetic.weak_record(1), synthetic.weak_record(2)]
    contents[1]["counters"]["models"] = 150
    assert tables_speed.weak_scaling_table(records_of(*contents)).empty
    assert tables_speed.scaling_table(records_of(*contents)).empty


def test_a_grid_of_models_and_ranks_gives_both():
    contents = []
    for ranks in (1, 2):
        for models in (100, 200):
            content = synthetic.weak_record(ranks)
            content["id"] += f"-{models}"
            content["case"]["models"] = content["counters"]["models"] = models
            contents.append(content)
    records = records_of(*contents)
    assert len(tables_speed.scaling_table(records)) == 4
    weak = tables_speed.weak_scaling_table(records)
    assert list(weak["ranks"]) == [1, 2] and "100 models per rank" in weak["series"].iloc[0]


def test_one_axis_at_a_time():
    grid = [(5, 60), (20, 60), (100, 60), (20, 10), (20, 240)]
    table = tables_speed.axes_table(
        records_of(*(synthetic.axes_record(n, t, w) for n, t in grid for w in ("rayleigh", "love")))
    )
    layers = table[table["axis"] == "layers"]
    assert set(layers["id"]) == {
        f"axes-{n}-60-{w}" for n in (5, 20, 100) for w in ("rayleigh", "love")
    }
    assert set(table[table["axis"] == "periods"]["value"]) == {10, 60, 240}
    assert set(table["series"]) == {"rayleigh", "love"}
    row = layers[(layers["value"] == 20) & (layers["series"] == "love")].iloc[0]
    assert row["roots_per_second"] == pytest.approx(64 * 60 / (1e-5 * 20 * 60))


# ---- kernels and ellipticity ---------------------------------------------------------------------


def test_kernels_are_read(tmp_path):
    synthetic.write_data(tmp_path / "data.h5", ["a", "b"])
    kernels = load.read_kernels(tmp_path / "data.h5")
    assert len(kernels) == 12 and set(kernels["wave"]) == {"rayleigh", "love"}
    row = kernels[(kernels["name"] == "b") & (kernels["wave"] == "rayleigh")].iloc[0]
    assert row["dc_dvs"] == pytest.approx(0.8 * np.exp(-np.arange(3) * 5.0))


def damage(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


def replaced(name, value):
    def change(file):
        del file[name]
        if value is not None:
            file[name] = value

    return change


@pytest.mark.parametrize(
    "change, why",
    [
        (replaced("kernel/offset", None), "offset"),
        (replaced("kernel/offset", np.arange(5)), "one longer"),
        (replaced("kernel/offset", np.arange(13)[::-1] * 3), "falls"),
        (replaced("kernel/dc_dvs", np.zeros(5)), "does not end"),
        (replaced("kernel/wave", np.full(12, 7)), "outside 0..1"),
        (replaced("kernel/case", np.full(12, -1)), "outside"),
        (replaced("kernel/period", np.zeros(3)), "one longer"),
    ],
)
def test_damaged_kernels_are_named(tmp_path, change, why):
    path = tmp_path / "data.h5"
    synthetic.write_data(path, ["a", "b"])
    damage(path, change)
    with pytest.raises(load.LoadError, match=why) as error:
        load.read_kernels(path)
    assert str(path) in str(error.value)


@quick
def test_damaged_kernels_do_not_hide_the_curves(tmp_path):
    folder = synthetic.write(tmp_path, synthetic.record(), ["crust"])
    damage(folder / "data.h5", replaced("kernel/offset", np.arange(3)))
    page = write(tmp_path)
    assert "kernels cannot be read" in page.text and "accuracy-curves-crust" in page.ids
    assert "accuracy-kernels-crust" not in page.ids


@quick
def test_kernels_of_another_model_are_named(tmp_path):
    folder = synthetic.write(tmp_path, synthetic.record(), ["crust"])

    def other(file):
        file["kernel/offset"][:] = np.arange(7) * 2
        for key in ("dc_dvs", "dc_dvp", "dc_drho", "dc_dh"):
            replaced(f"kernel/{key}", np.ones(12))(file)

    damage(folder / "data.h5", other)
    page = write(tmp_path)
    assert "has 2 values for 3 layers" in page.text and "accuracy-kernels-crust" not in page.ids


@quick
def test_one_name_in_two_cases_keeps_its_own_model(tmp_path):
    """Two cases have a model of one name and different depths: each kernel goes with its own."""
    for case_id in ("one", "two"):
        folder = synthetic.write(tmp_path, synthetic.record(case_id=case_id), ["crust"])
    damage(folder / "data.h5", deeper)
    page = write(tmp_path)
    assert {"accuracy-kernels-crust-one", "accuracy-kernels-crust-two"} <= set(page.ids)


def deeper(file):
    """The model and its kernels get a fourth layer."""
    for key in ("thickness", "vp", "vs", "rho"):
        values = file[f"model/{key}"][()]
        replaced(f"model/{key}", np.concatenate([values[:1], values]))(file)
    replaced("model/offset", np.array([0, 4]))(file)
    replaced("kernel/offset", np.arange(7) * 4)(file)
    for key in ("dc_dvs", "dc_dvp", "dc_drho", "dc_dh"):
        replaced(f"kernel/{key}", np.ones(24))(file)


@quick
def test_no_kernels_no_ellipticity_no_panels(tmp_path):
    folder = synthetic.write(tmp_path, synthetic.record(), ["crust"])

    def bare(file):
        del file["kernel"], file["curve/ellipticity"], file["truth/ellipticity"]

    damage(folder / "data.h5", bare)
    page = write(tmp_path)
    assert "accuracy-curves-crust" in page.ids and "VALID" in page.text
    assert not [i for i in page.ids if "kernels" in i or "ellipticity" in i]


@quick
def test_data_without_curves_is_no_damage(tmp_path):
    """Blocks of a data set store arrays of another layout."""
    folder = synthetic.write(tmp_path, synthetic.record(), ["crust"])
    (folder / "data.h5").unlink()
    with h5py.File(folder / "data.h5", "w") as file:
        file["set/phase"] = np.zeros(3)
    page = write(tmp_path)
    assert "VALID" in page.text and "INVALID" not in page.text


def test_kernels_are_divided_by_the_thickness_and_end_at_the_half_space():
    import pandas as pd

    model = pd.DataFrame({"thickness": [2.0, 4.0, 0.0], "vp": 1.0, "vs": 1.0, "rho": 1.0})
    kernels = pd.DataFrame(
        [{"wave": "rayleigh", "mode": 0, "period": 3.0, "dc_dvs": np.array([1.0, 1.0, 9.0])}]
    )
    with style.theme("light"):
        figure = plot_curves.kernel_panels(kernels, model)
    line = figure.axes[0].lines[1]
    assert line.get_xdata().tolist() == [0.5, 0.5, 0.25, 0.25]
    assert line.get_ydata().tolist() == [0, 2, 2, 6]
    assert figure.axes[0].get_ylim() == (6.0, 0.0)


def test_ellipticity_line_is_cut_at_a_pole():
    import pandas as pd

    curve = pd.DataFrame(
        {
            "name": "a",
            "wave": "rayleigh",
            "mode": 0,
            "status": "ok",
            "period": [1.0, 2.0, 3.0, 4.0],
            "ellipticity": [0.7, 8.0, -9.0, -0.5],
            "truth_ellipticity": np.nan,
        }
    )
    with style.theme("light"):
        figure = plot_curves.ellipticity(curve)
        through_zero = plot_curves.ellipticity(curve.assign(ellipticity=[0.7, 0.2, -0.1, -0.5]))
    assert np.isnan(figure.axes[0].lines[1].get_ydata()).sum() == 1
    assert np.isnan(through_zero.axes[0].lines[1].get_ydata()).sum() == 0


# ---- micro-benchmarks ----------------------------------------------------------------------------


def test_micro_benchmarks_are_summed_up(more):
    table = tables_micro.micro_table(load.load(more).micro).set_index("name")
    row = table.loc["rayleigh/layers:10"]
    assert row["of_gemm"] == pytest.approx(0.22) and row["n"] == 2 and not row["noisy"]
    assert (row["of_gemm_lo"], row["of_gemm_hi"]) == (0.21, 0.23)
    assert row["seconds"] == pytest.approx(12e-6) and table.loc["love/layers:10"]["noisy"]
    assert "void" not in table.index  # a sample that ended in an error


def test_sizes_of_a_kernel_share_a_row():
    import pandas as pd

    names = ["a/thin/layers:10", "a/thin/layers:20", "a/deep/layers:10/models:4", "exp"]
    families = plot_micro.micro_families(pd.DataFrame({"name": names}))
    assert {k: len(v) for k, v in families.items()} == {"a/thin": 2, "a/deep": 1, "exp": 1}


@quick
@pytest.mark.parametrize(
    "content, why",
    [
        ("{", "is not JSON"),
        ("[]", "not an output of moho-bench"),
        ('{"context": {}, "benchmarks": []}', "moho_sha"),
        ('{"context": {"moho_sha": "1"}, "benchmarks": [{}]}', "has no name"),
    ],
)
def test_damaged_micro_output_is_named(more, content, why):
    (more / "micro.json").write_text(content)
    page = write(more)
    assert why in page.text and "INVALID" in page.text and "micro-fractions" not in page.ids


@quick
def test_micro_output_without_fractions_is_told(more):
    content = synthetic.micro_output()
    for one in content["benchmarks"]:
        one.pop("of_gemm", None), one.pop("of_stream", None)
    (more / "micro.json").write_text(json.dumps(content))
    page = write(more)
    assert "no benchmark has one" in page.text and "micro-fractions" not in page.ids


# ---- pictures ------------------------------------------------------------------------------------


def pictures(folder):
    runs = load.load(folder)
    found = {}
    for study in runs.study_names():
        for one in figures.of_study(study, runs.of_study(study)).figures:
            found[one.name] = style.render(one.make)
    for one in figures.of_micro(runs.micro).figures:
        found[one.name] = style.render(one.make)
    return found


def test_panels_follow_the_records(more, tmp_path):
    """Every panel changes when the numbers that it shows change, and only then."""
    before = pictures(more)
    assert pictures(synthetic.write_more(tmp_path / "again")) == before

    def slower(content):
        content["metrics"]["ratio"] = [r / 2 for r in content["metrics"]["ratio"]]

    edit(more / "peers-speed" / "disba-random" / "result.json", slower)
    edit(
        more / "peers-reliability" / "disba-0.005" / "result.json",
        lambda c: c["counters"].update(ok=c["counters"]["ok"] + 1, missing=186),
    )
    edit(
        more / "stress" / "block-3" / "result.json",
        lambda c: c["metrics"].update(points_extended=9),
    )
    edit(
        more / "weak" / "weak-r4" / "result.json",
        lambda c: c["timings"]["apply"].update(median=4.0),
    )
    edit(
        more / "axes" / "axes-100-60-love" / "result.json", lambda c: c["counters"].update(roots=7)
    )
    content = synthetic.micro_output()
    content["benchmarks"][3]["of_gemm"] = 0.3
    (more / "micro.json").write_text(json.dumps(content))
    after = pictures(more)
    for name in MORE:
        assert after[name] != before[name], name


def test_colours_are_told_apart():
    """Neighbours in the cycle differ in lightness or hue for the common kinds of colour vision: the
    palette of Okabe and Ito, and nothing else."""
    known = {
        c.lower()
        for c in (
            style.BLUE,
            style.ORANGE,
            style.GREEN,
            style.PURPLE,
            style.SKY,
            style.RED,
            style.YELLOW,
        )
    }
    for theme in ("light", "dark"):
        with style.theme(theme):
            assert {to_hex(c).lower() for c in style.cycle()} <= known


def test_page_class_reads_text():
    assert Page("<p>a<b>b</b></p>").text == "ab"
