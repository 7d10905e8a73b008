# SPDX-License-Identifier: BSD-3-Clause
"""Figures and tables of finite elements: drawn from records, left out and said so where these lack
what they show."""
import json

import h5py
import numpy as np
import pytest
from test_report import edit, quick, write

import figures
import figures_fem
import load
import plot_convergence
import plot_fem
import plots
import style
import synthetic_fem
import tables_fem
import tables_speed
from figure import Drawn

FIGURES = [
    "assembly-assembly",
    "fem-peers-peers",
    "square-work-precision",
    "square-solution",
    "square-convergence-n-errors",
    "design-design",
    "design-compliance-history",
    "energy-energy-history",
    "coefficient-conductivity",
    "coefficient-misfit-history",
    "flow-darcy",
]


@pytest.fixture
def runs(tmp_path):
    return synthetic_fem.write_all(tmp_path / "runs")


def records_of(*contents):
    return [load.Record(None, content | {"data": None}) for content in contents]


def drawn_of(runs, study):
    drawn = Drawn()
    figures_fem.add(study, load.load(runs).of_study(study), drawn)
    return drawn


def made(drawn, name):
    return next(f for f in drawn.figures if f.name == name)


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in axes.texts]


def test_page_has_every_figure(runs):
    page = write(runs)
    for name in FIGURES:
        assert name in page.ids, name
    assert "Assembly beside other codes" in page.text and "set-up" in page.text


def test_assembly_table_holds_what_the_records_say():
    table = tables_fem.assembly_table(records_of(synthetic_fem.assembly_record(seconds=2e-3)))
    row = table.iloc[0]
    assert row["matrix"] == "poisson, P1 triangle" and row["policy"] == "scatter"
    assert row["set_up"] == pytest.approx(0.03) and row["first"] == 1.5e-3
    assert row["rate"] == pytest.approx(29057 / 2e-3)
    assert row["floor"] == pytest.approx(4e-4) and row["least"] == pytest.approx(1e-4)
    assert row["best"] == pytest.approx(0.98 * 2e-3)


def test_sizes_are_told_where_they_differ():
    contents = [synthetic_fem.assembly_record(n=n) for n in (64, 128)]
    table = tables_fem.assembly_table(records_of(*contents))
    assert list(table["matrix"]) == [f"poisson, P1 triangle, n = {n}" for n in (64, 128)]


def test_void_records_are_no_times():
    content = synthetic_fem.assembly_record()
    content["status"] = "invalid"
    assert tables_fem.assembly_table(records_of(content)).empty
    drawn = Drawn()
    figures_fem.add("assembly", records_of(content), drawn)
    assert not drawn.figures and "times of assembly" in drawn.missing[0]


def test_floor_that_was_not_measured_is_not_drawn():
    content = synthetic_fem.assembly_record()
    content["provenance"]["host"]["stream"] = None
    drawn = Drawn()
    figures_fem.add("assembly", records_of(content), drawn)
    one = drawn.figures[0]
    assert "have no floor" in one.caption and "Largest share" not in one.caption
    with style.theme():
        assert not any("%" in t for t in texts(one.make()))


def test_policies_stand_side_by_side(runs):
    one = made(drawn_of(runs, "assembly"), "assembly-assembly")
    with style.theme():
        figure = one.make()
    assert [a.get_title(loc="left") or a.get_title() for a in figure.axes] == [
        "Elasticity, P1 triangle",
        "Poisson, P1 triangle",
    ]
    names = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert names == ["insert", "two-pass", "scatter"]  # the fastest on top
    assert any("40%" in t for t in texts(figure))  # 0.4 ms of 1 ms


def test_policy_of_auto_is_the_one_that_ran(tmp_path):
    folder = synthetic_fem.write(
        tmp_path,
        synthetic_fem.assembly_record("auto"),
        {"matrix/reduce": np.array(["compressed-gather"], dtype=h5py.string_dtype())},
    )
    table = tables_fem.assembly_table([load.load_record(folder / "result.json")])
    assert table["policy"][0] == "compressed-gather"


def test_solve_stands_beside_assembly(runs):
    table = tables_fem.assembly_table(load.load(runs).of_study("square"))
    assert len(table) == 8 and np.isfinite(table["solve"]).all()
    assert np.isnan(table["hand_off"]).all()
    heads = [t["head"] for t in drawn_of(runs, "square").tables if t["title"] == "Assembly"]
    assert "preconditioner" in heads[0] and "solve" in heads[0]


def test_growing_cells_are_weak_scaling():
    contents = []
    for ranks in (1, 2):
        content = synthetic_fem.assembly_record(ranks=ranks, per_rank=True)
        content["id"] += str(ranks)
        content["counters"]["cells"] *= ranks
        content["provenance"] = synthetic_fem.record(ranks=ranks)["provenance"]
        contents.append(content)
    weak = tables_speed.weak_scaling_table(records_of(*contents))
    assert list(weak["ranks"]) == [1, 2] and "8192 cells per rank" in weak["series"][0]
    assert tables_speed.scaling_table(records_of(*contents)).empty
    contents[1]["counters"]["cells"] //= 2
    assert tables_speed.weak_scaling_table(records_of(*contents)).empty
    assert len(tables_speed.scaling_table(records_of(*contents))) == 2


def test_other_codes_are_told_with_their_aim(runs):
    drawn = drawn_of(runs, "fem-peers")
    rows = drawn.tables[0]["rows"]
    assert [row[2] for row in rows] == ["dolfinx", "scikit-fem"]
    assert rows[0][5] == "12.00" and rows[0][7] == "9"
    records = load.load(runs).of_study("fem-peers")
    assert tables_speed.peer_table(records).empty  # has a figure of its own


def test_a_ratio_of_unlike_matrices_is_void():
    content = synthetic_fem.peer_record()
    content["status"] = "invalid"
    drawn = Drawn()
    figures_fem.add("fem-peers", records_of(content), drawn)
    assert not drawn.figures and "1 comparisons of assembly" in drawn.missing[0]


def test_a_faster_peer_is_named():
    drawn = Drawn()
    figures_fem.add("fem-peers", records_of(synthetic_fem.peer_record(ratio=0.5)), drawn)
    assert "faster for poisson, P1, 256²" in drawn.figures[0].caption


def test_error_against_time_leaves_evaluation_out(runs):
    table = tables_fem.work_precision_table(load.load(runs).of_study("square"))
    row = table[(table["series"] == "P2 triangle") & (table["n"] == 64)].iloc[0]
    assert row["seconds"] == pytest.approx(1e-6 * 64**2) and row["error"] == 64.0**-3
    with style.theme():
        figure = plot_fem.work_precision(table, "l2_error")
    lines = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 4]
    assert len(lines) == 2


def test_single_meshes_have_no_line():
    table = tables_fem.work_precision_table(records_of(synthetic_fem.fem_record(8)))
    assert table.empty


def test_norms_share_a_panel_per_element(runs):
    drawn = figures.of_study("square", load.load(runs).of_study("square"))
    one = made(drawn, "square-convergence-n-errors")
    with style.theme():
        figure = one.make()
    assert [a.get_title(loc="left") or a.get_title() for a in figure.axes] == [
        "P1 triangle",
        "P2 triangle",
    ]
    said = " ".join(texts(figure))
    for order in (1, 2, 3):
        assert f"(expected {order})" in said
    assert "L² error and H¹ error against n" in one.caption


def test_one_norm_alone_keeps_its_name(tmp_path):
    for degree in (1, 2):
        synthetic_fem.write(tmp_path, *synthetic_fem.rate_record("l2_error", degree))
    drawn = figures.of_study("square", load.load(tmp_path).of_study("square"))
    assert [f.name for f in drawn.figures] == ["square-convergence-n-l2_error"]
    assert plot_convergence.error_name("l2_error") == "L² error"


def test_solution_is_that_of_the_smallest_error(runs):
    one = made(drawn_of(runs, "square"), "square-solution")
    assert one.source == "square/fem-poisson-triangle-2-64"
    assert "81 nodes" in one.caption and "error at 100 points" in one.caption


@quick
@pytest.mark.parametrize(
    "name, values, why",
    [
        ("field/value", np.zeros((3, 1)), "one row per point"),
        ("field/truth", np.zeros((100, 2)), "/field/truth has the shape"),
        ("field/point", np.zeros(100), "is not (n, 2)"),
        ("field/node_value", np.zeros((2, 1)), "/field/node_value has the shape"),
    ],
)
def test_broken_fields_cost_only_themselves(runs, name, values, why):
    for n in (8, 16, 32, 64):
        for degree in (1, 2):
            with h5py.File(
                runs / "square" / f"fem-poisson-triangle-{degree}-{n}" / "data.h5", "a"
            ) as file:
                del file[name]
                file[name] = values
    page = write(runs)
    assert "square-solution" not in page.ids
    assert why in page.text
    for other in set(FIGURES) - {"square-solution"}:
        assert other in page.ids, other


@quick
def test_one_broken_field_leaves_the_next_best(runs):
    with h5py.File(runs / "square/fem-poisson-triangle-2-64/data.h5", "a") as file:
        del file["field/value"]
    drawn = drawn_of(runs, "square")
    assert made(drawn, "square-solution").source == "square/fem-poisson-triangle-2-32"
    assert "the field cannot be read" in str(drawn.problems[0])


@quick
@pytest.mark.parametrize(
    "study, case, name, values, lost, why",
    [
        ("design", "simp-mma", "design/density", np.zeros(4), None, "no grid"),
        ("design", "simp-mma", "design/size", np.zeros(2), None, "not positive"),
        ("design", "simp-mma", "history/design", np.zeros(9), None, "not (designs, 3)"),
        ("energy", "wave-1000", "history/energy", np.zeros((2, 2)), "energy-energy-history",
         "one-dimensional"),
        ("coefficient", "lmvm", "field/truth", np.zeros((2, 2)), "coefficient-conductivity",
         "/field/truth has the shape"),
        ("flow", "batch", "field/value", np.zeros((2, 7)), "flow-darcy", "no squares"),
    ],
)  # fmt: skip
def test_broken_arrays_are_named(runs, study, case, name, values, lost, why):
    with h5py.File(runs / study / case / "data.h5", "a") as file:
        del file[name]
        file[name] = values
    page = write(runs)
    assert why in page.text
    assert (lost is None) or lost not in page.ids
    for other in set(FIGURES) - {lost}:
        assert other in page.ids, other


@quick
def test_missing_arrays_cost_only_their_own_figure(runs):
    for path in runs.glob("*/*/data.h5"):
        with h5py.File(path, "w"):
            pass
    page = write(runs)
    for name in ("assembly-assembly", "fem-peers-peers", "square-work-precision"):
        assert name in page.ids
    for name in ("square-solution", "design-design", "energy-energy-history"):
        assert name not in page.ids


def test_design_titles_have_their_compliance(runs):
    one = made(drawn_of(runs, "design"), "design-design")
    assert "simp-mma: compliance 83.8" in one.caption and "simp-oc: compliance 84.3" in one.caption
    with style.theme():
        image = one.make().axes[0].images[0]
    assert image.get_array().max() == 1 and image.origin == "lower"


def test_conserved_energy_is_drawn_as_its_deviation(tmp_path):
    synthetic_fem.write(tmp_path, *synthetic_fem.energy_record(2 + 2e-14 * np.arange(100)))
    one = drawn_of(tmp_path, "energy").figures[0]
    assert "conserved: largest deviation 9.9e-13" in one.caption
    with style.theme():
        assert one.make().axes[0].get_ylabel() == "|energy / first − 1|"


@pytest.mark.parametrize("values, text", [([3, 2, 1], "never rises"), ([3, 2, 2.5], "rise: 0.5")])
def test_rises_of_the_energy_are_told(tmp_path, values, text):
    synthetic_fem.write(tmp_path, *synthetic_fem.energy_record(values, "allen-cahn"))
    one = drawn_of(tmp_path, "energy").figures[0]
    assert text in one.caption
    with style.theme():
        line = one.make().axes[0].get_lines()[0]
    assert list(line.get_ydata()) == values


def test_figures_follow_the_records(runs, tmp_path):
    before = made(drawn_of(runs, "assembly"), "assembly-assembly")
    before.draw()
    path = runs / "assembly" / "assembly-poisson-scatter-n64" / "result.json"

    def slower(content):
        content["timings"]["apply.assembly"] = synthetic_fem.timing(0.1)

    edit(path, slower)
    after = made(drawn_of(runs, "assembly"), "assembly-assembly")
    after.draw()
    assert before.pictures["light"] != after.pictures["light"]


def test_notches_are_not_filled():
    side = np.linspace(0, 1, 17)
    x, y = (a.ravel() for a in np.meshgrid(side, side))
    inside = ~((x > 0.5) & (y < 0.5))
    mesh = plot_fem._triangles(np.stack([x[inside], y[inside]], axis=1))
    kept = mesh.get_masked_triangles()
    centre_x, centre_y = mesh.x[kept].mean(axis=1), mesh.y[kept].mean(axis=1)
    assert not ((centre_x > 0.65) & (centre_y < 0.35)).any()
    assert len(kept) > 300


def test_page_is_json_safe(runs):
    for path in runs.glob("*/*/result.json"):
        assert not load.check_record(json.loads(path.read_text())), path


@pytest.mark.parametrize("kind", plots.FEM)
def test_one_figure_from_the_command_line(runs, tmp_path, kind):
    image = tmp_path / "one.png"
    assert plots.main([kind, str(runs), str(image)]) == 0
    assert image.read_bytes()[:4] == b"\x89PNG"
    empty = tmp_path / "empty"
    synthetic_fem.write(empty, synthetic_fem.plain("other", "one"))
    assert plots.main([kind, str(empty), str(image)]) == 1
