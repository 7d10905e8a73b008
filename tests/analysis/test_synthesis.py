# SPDX-License-Identifier: BSD-3-Clause
"""Generalization matrices, rates and probes: accepted, read, drawn, and named where they are
missing or broken."""
import re
import time

import h5py
import numpy as np
import pytest
from test_report import Page, edit, quick, write

import figures
import load
import load_synthesis
import plot_green
import plot_matrix
import report
import report_tables
import style
import synthetic_maps as maps
import tables
from synthetic import DELETE, changed

MATRIX = "cross-validation-closed-form-0a1b"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A complete cross-validation and a complete convergence, for tests that change nothing."""
    out = tmp_path_factory.mktemp("maps")
    maps.write_convergence(maps.write_cross_validation(out))
    return out


@pytest.fixture
def one(tmp_path):
    """A cross-validation of one method, for tests that break it."""
    return maps.write_cross_validation(tmp_path / "runs", ("gd",))


def of(runs, study):
    return figures.of_study(study, load.load(runs).of_study(study))


def record_at(folder):
    return load.load_record(folder / "result.json")


# ---- the schema ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        maps.row_record("sin2", "gd"),
        maps.matrix_record("gd"),
        maps.rate_record(2),
        maps.rate_record(2, found=False),
        changed(maps.rate_record(2), "case.expected", DELETE),
        changed(maps.matrix_record("gd"), "metrics.diagonality", None),
    ],
    ids=["row", "matrix", "rate", "no-rate", "nothing-expected", "no-subspace"],
)
def test_sound_records_are_accepted(content):
    assert load.check_record(content) == []


@pytest.mark.parametrize(
    "content, path, value",
    [
        (maps.row_record("sin2", "gd"), "case.asked", DELETE),
        (maps.row_record("sin2", "gd"), "case.asked", []),
        (maps.row_record("sin2", "gd"), "case.asked", "sin2"),
        (maps.row_record("sin2", "gd"), "case.prepared_on", DELETE),
        (maps.row_record("sin2", "gd"), "case.prepared_on", ""),
        (maps.matrix_record("gd"), "case.synthesis", "guess"),
        (maps.matrix_record("gd"), "case.tau", DELETE),
        (maps.matrix_record("gd"), "case.tau", -1.0),
        (maps.matrix_record("gd"), "case.error", DELETE),
        (maps.matrix_record("gd"), "metrics.sgi", DELETE),
        (maps.rate_record(2), "case.axis", DELETE),
        (maps.rate_record(2), "case.refine", "sideways"),
        (maps.rate_record(2), "case.refine", DELETE),
        (maps.rate_record(2), "case.expected", "two"),
        (maps.rate_record(2), "metrics.rate_low", DELETE),
    ],
)
def test_broken_records_are_refused(content, path, value):
    assert load.check_record(content) == []
    assert load.check_record(changed(content, path, value))


# ---- reading -------------------------------------------------------------------------------------


def test_matrix_is_read_as_written(base):
    matrix = load_synthesis.read_matrix(record_at(base / "crossval" / MATRIX))
    assert matrix.labels == maps.SPACES and matrix.broadest == "fem" and matrix.tau == 1e-16
    for a in (0, 5, 12):
        assert (matrix.values[a] == maps.errors(maps.SPACES[a], "closed-form")).all()
    assert matrix.contains[1, 0] and not matrix.contains[0, 1] and matrix.contains.diagonal().all()
    assert matrix.row["off_span"].shape == (len(maps.SPACES),)


def drop(name):
    return lambda file: file.__delitem__(name)


def put(name, value):
    def change(file):
        del file[name]
        file[name] = value

    return change


@pytest.mark.parametrize(
    "change, why",
    [
        (drop("matrix/rel_mse"), "rel_mse"),
        (drop("matrix/contains"), "contains"),
        (drop("row/id"), "id"),
        (put("matrix/rel_mse", np.zeros((3, 3))), "has the shape"),
        (put("matrix/contains", np.zeros(3)), "has the shape"),
        (put("row/off_span", np.zeros(3)), "has the shape"),
        (put("matrix/label", np.array(["a"] * 13, dtype=maps.STRINGS)), "each once"),
        (put("matrix/label", np.array(["a"], dtype=maps.STRINGS)), "each once"),
    ],
)
@quick
def test_broken_matrix_is_named_and_the_rest_stands(one, change, why, capsys):
    folder = one / "crossval" / "cross-validation-gd-0a1b"
    with h5py.File(folder / "data.h5", "r+") as file:
        change(file)
    with pytest.raises(load.LoadError, match="data.h5") as error:
        load_synthesis.read_matrix(record_at(folder))
    assert why in str(error.value)
    page = write(one)
    assert "the matrix cannot be read" in page.text and "INVALID" in page.text
    assert page.text.count("the matrix cannot be read") == 1
    assert "13 rows (no synthesis that can be read holds them" in page.text
    assert "crossval-matrix" not in page.ids and "linear-map-gd-sin2" in page.text
    assert "data.h5" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change, why",
    [
        (drop("convergence/used"), "used"),
        (put("convergence/error", [1.0, 2.0]), "has the shape"),
        (put("convergence/x", [-8.0, 16, 32, 64, 128]), "not positive"),
        (put("convergence/id", np.array(["a"], dtype=maps.STRINGS)), "one entry per point"),
        (put("convergence/reason", np.array(["a floor"], dtype=maps.STRINGS)), "why there is none"),
    ],
)
@quick
def test_broken_rate_is_named(tmp_path, change, why):
    maps.write_convergence(tmp_path)
    folder = tmp_path / "convergence" / "convergence-N-q2"
    with h5py.File(folder / "data.h5", "r+") as file:
        change(file)
    with pytest.raises(load.LoadError, match="data.h5") as error:
        load_synthesis.read_rate(record_at(folder))
    assert why in str(error.value)
    page = write(tmp_path)
    assert "the rate cannot be read" in page.text
    assert "fd-fit falls with rate 3.99" in page.text  # the other one is drawn


@pytest.mark.parametrize("name", ["low", "from", "constant"])
def test_rate_without_its_range_is_refused(tmp_path, name):
    maps.write_convergence(tmp_path, (2,))
    path = tmp_path / "convergence" / "convergence-N-q2" / "result.json"
    edit(path, lambda content: content["metrics"].update({f"rate_{name}": None}))
    with pytest.raises(load.LoadError, match="interval, range or constant"):
        load_synthesis.read_rate(load.load_record(path))


@quick
def test_data_that_are_missing_are_named(one):
    (one / "crossval" / "cross-validation-gd-0a1b" / "data.h5").unlink()
    assert "the matrix cannot be read" in write(one).text


@pytest.mark.parametrize(
    "change, why",
    [
        (put("probe/exact", np.zeros((2, 2))), "has the shape"),
        (put("probe/answer", np.zeros(3)), "no matrix"),
        (put("probe/inverse", np.zeros((2, 3))), "not square"),
        (drop("probe/exact"), "exact"),
        (put("probe/x", np.zeros(3)), "has the shape"),
        (put("history/iteration", [1]), "has the shape"),
        (drop("history/iteration"), "iteration"),
    ],
)
@quick
def test_broken_row_data_are_named(one, change, why):
    with h5py.File(one / "crossval" / "linear-map-gd-fem" / "data.h5", "r+") as file:
        change(file)
    page = write(one)
    assert "linear-map-gd-fem/data.h5" in page.text and why in page.text
    assert "crossval-matrix" in page.ids and "crossval-loss" in page.ids


@quick
def test_missing_and_broken_rows_are_named(one):
    (one / "crossval" / "linear-map-gd-sin2" / "result.json").write_text("{")
    lost = one / "crossval" / "linear-map-gd-cos1"
    for path in lost.iterdir():
        path.unlink()
    lost.rmdir()
    page = write(one)
    assert "2 of 13 rows of cross-validation-gd-0a1b" in page.text
    assert "linear-map-gd-cos1" in page.text and "is not JSON" in page.text
    assert "crossval-matrix" in page.ids


@quick
def test_time_of_a_matrix_is_that_of_its_rows(base):
    table = next(t for t in of(base, "crossval").tables if t["title"] == "Generalization matrices")
    times = [row[table["head"].index("time")] for row in table["rows"]]
    assert times == ["273 ms"] * 3  # 13 rows of 21 ms


def crash(content):
    content |= {"status": "failed", "error": "too coarse", "data": None, "checks": []}
    content |= {"metrics": {}, "timings": {}, "counters": {}}


@quick
def test_matrix_that_failed_rows_prevent_is_named(one):
    for name in ("linear-map-gd-sin2", "linear-map-gd-fem"):
        edit(one / "crossval" / name / "result.json", crash)
    for path in (one / "crossval" / "cross-validation-gd-0a1b").iterdir():
        path.unlink()
    page = write(one)
    assert "generalization matrix of linear-map is missing: 2 of its 13 cases failed" in page.text
    assert "no synthesis that can be read" not in page.text


ASKED = """
[[convergence]]
axis = "N"
error = "coefficient_rel_abs"
pool = []
"""


@quick
@pytest.mark.parametrize("asked", [ASKED, ""])
def test_rate_that_failed_cases_prevent_is_named(tmp_path, asked):
    folder = maps.write_convergence(tmp_path) / "convergence"
    with (folder / "study.toml").open("a") as file:
        file.write(asked)
    assert "is missing" not in write(tmp_path).text  # both rates are there
    for n in (8, 16):
        edit(folder / f"fd-fit-N{n}-q2" / "result.json", crash)
    for name in ("convergence-N-q2", "convergence-N-q4"):
        for path in (folder / name).iterdir():
            path.unlink()
        (folder / name).rmdir()
    text = write(tmp_path).text
    for said in ("(order = 2) is missing: 2 of its 5 cases failed", "(order = 4) is missing: run"):
        said = f"the convergence of coefficient_rel_abs along N {said}"
        assert (said in text) == bool(asked), said


@quick
def test_missing_matrix_is_named(one):
    for path in (one / "crossval" / "cross-validation-gd-0a1b").iterdir():
        path.unlink()
    page = write(one)
    assert "the generalization matrix of 13 rows" in page.text and "not finished" in page.text


@quick
def test_failed_conclusions_are_named(one):
    def fail(content):
        content |= {"status": "failed", "error": "a row lacks rel_mse", "data": None}
        content["metrics"] = {}

    edit(one / "crossval" / "cross-validation-gd-0a1b" / "result.json", fail)
    page = write(one)
    assert "a row lacks rel_mse" in page.text and "crossval-matrix" not in page.ids


# ---- the page ------------------------------------------------------------------------------------


def test_page_has_every_figure(base):
    page = write(base)
    names = ["matrix", "training", "loss", "green-images", "green-columns"]
    for name in [
        *(f"crossval-{n}" for n in names),
        "convergence-convergence-N-coefficient_rel_abs",
    ]:
        assert name in page.ids, name
    text = (base / "report.html").read_text()
    figure = re.findall(r"<figure.*?</figure>", text, re.DOTALL)
    assert len(figure) == 6
    for one in figure:
        assert not re.search(r"[{}]|nan|None", re.sub(r'"[^"]*"', "", one))
        assert "<q>" in one and "moho run" in one and "moho report" in one
    assert "3 matrices, 39 rows" in page.text and "2 rates, 10 records" in page.text


@quick
def test_rows_stand_behind_a_fold_and_conclusions_before(base):
    text = (base / "report.html").read_text() if write(base) else ""
    study = text[text.index("<h2>Title of crossval") :]
    table, fold = study.index("Generalization matrices"), study.index("<summary>Cases")
    assert table < fold < study.index("linear-map-gd-sin2</code>")
    assert study[:fold].count(MATRIX) >= 1 and "<h3>Cases</h3>" not in study


def quotes(runs, study):
    return " ".join(f.quote for f in of(runs, study).figures)


def test_numbers_in_quotes_come_from_the_records(base, tmp_path):
    before = quotes(base, "crossval")
    assert "SGI 1" in before and "operator-1d, poisson, N = 16" in before
    runs = maps.write_cross_validation(tmp_path, ("gd",))
    path = runs / "crossval" / "cross-validation-gd-0a1b" / "result.json"
    edit(path, lambda c: c["metrics"].update(in_span_max=3.3e-5, out_of_span_min=4.4e-3, sgi=0.25))
    after = quotes(runs, "crossval")
    for number in ("3.3e-05 within", "4.4e-03 elsewhere", "SGI 0.25", "broadest is fem"):
        assert number in after and number not in before.replace("broadest is fem", ""), number


def test_figures_follow_the_records(base, tmp_path):
    runs = maps.write_convergence(maps.write_cross_validation(tmp_path))
    assert pictures(runs) == pictures(base)  # and are repeatable
    with h5py.File(runs / "crossval" / MATRIX / "data.h5", "r+") as file:
        file["matrix/rel_mse"][3, 7] = 1e3
        file["row/off_span"][2] = 1e-2
    with h5py.File(runs / "crossval" / "linear-map-gd-fem" / "data.h5", "r+") as file:
        file["history/loss"][-1] = 1e-30
    for label in maps.SPACES:
        with h5py.File(
            runs / "crossval" / f"linear-map-closed-form-{label}" / "data.h5", "r+"
        ) as f:
            f["probe/answer"][3, 4] += 0.01
    with h5py.File(runs / "convergence" / "convergence-N-q2" / "data.h5", "r+") as file:
        file["convergence/used"][0] = 1
    after, before = pictures(runs), pictures(base)
    assert sorted(after) == sorted(before) and len(after) == 6
    for name, picture in before.items():
        assert after[name] != picture, name


def pictures(runs):
    drawn = [f for study in ("crossval", "convergence") for f in of(runs, study).figures]
    return {f.name: style.render(f.make) for f in drawn}


# ---- matrices ------------------------------------------------------------------------------------


def read(runs, fit="gd"):
    return load_synthesis.read_matrix(record_at(runs / "crossval" / f"cross-validation-{fit}-0a1b"))


def test_small_errors_outside_the_outline_are_counted(tmp_path):
    runs = maps.write_cross_validation(tmp_path, ("gd",))

    def caption():
        return next(f for f in of(runs, "crossval").figures if f.kind == "matrix").caption

    path = runs / "crossval" / "cross-validation-gd-0a1b" / "data.h5"
    with h5py.File(path, "r+") as file:
        values, inside = file["matrix/rel_mse"][()], file["matrix/contains"][()] != 0
        file["matrix/rel_mse"][...] = np.where(inside, values, np.maximum(values, 1e-3))
    assert "outside the outlines" not in caption()
    with h5py.File(path, "r+") as file:
        file["matrix/rel_mse"][0, 12] = file["matrix/rel_mse"][4, 0] = 1e-17
    assert "2 blue cells lie outside the outlines: such errors are small, but" in caption()


def test_scale_breaks_at_tau(base):
    matrix = read(base)
    colours, norm = plot_matrix._colours([matrix], 1e-16)
    below, above = (colours(norm(np.log10(v))) for v in (0.99e-16, 1.01e-16))
    assert below[2] > below[0] and above[0] > above[2]  # blue below, warm above
    matrix.values = np.maximum(matrix.values, 1e-9)  # noise: no error is exact
    colours, norm = plot_matrix._colours([matrix], 1e-16)
    assert norm.vmin == -9 and colours(norm(-9.0))[0] > colours(norm(-9.0))[2]


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 1e300])
def test_any_error_can_be_drawn(base, value):
    matrix = read(base)
    matrix.values = matrix.values.copy()
    matrix.values[2, 3] = value
    with style.theme():
        assert plot_matrix.matrices([("gd", matrix)]).axes
    matrix.values[:] = value
    with style.theme():
        assert plot_matrix.matrices([("gd", matrix)]).axes


def test_outline_is_that_of_containment(base):
    matrix = read(base)
    with style.theme():
        figure = plot_matrix.matrices([("gd", matrix)])
    lines = figure.axes[0].collections[-1].get_segments()
    inside = np.pad(matrix.contains, 1)
    expected = (inside[1:] != inside[:-1]).sum() + (inside[:, 1:] != inside[:, :-1]).sum()
    assert len(lines) == expected > 0


def test_families_stand_apart_and_labels_are_short(base):
    matrix = read(base)
    assert plot_matrix.blocks(matrix) == [
        ("poly", 0, 3),
        ("sin", 4, 7),
        ("cos", 8, 11),
        ("fem", 12, 12),
    ]
    assert plot_matrix._short(matrix)[3:5] == ["4", "1"] and plot_matrix._short(matrix)[-1] == "fem"
    matrix.labels = [f"{f}-{label}" for f, label in zip(matrix.families, range(13))]
    assert plot_matrix._short(matrix)[3:5] == ["3", "4"]
    matrix.families = [""] * 13
    assert len(plot_matrix.blocks(matrix)) == 13 and plot_matrix._short(matrix) == matrix.labels


def test_many_matrices_are_shared_out(base):
    matrices = []
    for operator in ("poisson", "helmholtz", "advection-diffusion", "reaction-diffusion"):
        for fit in maps.FITS:
            content = maps.matrix_record(fit, operator=operator)
            matrix = read(base, fit)
            matrix.record = load.Record(matrix.record.path, content)
            matrices.append(matrix)
    groups = list(figures.figures_generalization._groups(matrices))
    assert [title for title, _ in groups] == [
        "poisson",
        "helmholtz",
        "advection-diffusion",
        "reaction-diffusion",
    ]
    assert all(len(group) == 3 for _, group in groups)


def test_matrices_stand_in_the_order_of_fits_and_numbers():
    found = [
        load.Record(None, maps.matrix_record(fit, noise=noise))
        for fit in ("adam", "closed-form")
        for noise in (1e-8, 1e-4, 0.0)
    ]
    keys = ["fit", "noise"]
    found.sort(key=lambda r: figures.figures_generalization._place(r, keys))
    order = [(r["case"]["fit"], r["case"]["noise"]) for r in found]
    assert order[:3] == [("closed-form", 0.0), ("closed-form", 1e-8), ("closed-form", 1e-4)]
    assert tables.label(found[0], keys) == "closed-form, noise = 0"


def test_telling_keys_are_the_fewest():
    records = [
        load.Record(None, maps.row_record("sin1", fit, iterations=n))
        for fit, n in (("gd", 10), ("adam", 20))
    ]
    assert tables.telling_keys(records) == ["fit"]
    assert tables.telling_keys(records[:1]) == []
    assert tables.telling_keys(records, ("fit",)) == ["iterations"]


# ---- probes --------------------------------------------------------------------------------------


def probe(base, label):
    folder = base / "crossval" / f"linear-map-closed-form-{label}"
    return load_synthesis.read_probe(record_at(folder))


def test_probe_tells_an_operator_from_a_projection(base):
    assert probe(base, "fem").difference < 1e-12 and probe(base, "sin2").difference > 0.05
    assert np.isnan(probe(base, "sin2").inverse).all()
    assert len(probe(base, "fem").nodes) == maps.NODES - 1


@pytest.mark.parametrize("name", ["biharmonic-clamped", "a_b {c} $x \\y% #^", "longer than " * 9])
def test_probes_of_any_name_are_drawn(base, name):
    make = lambda: plot_green.green_images([(name, probe(base, "fem"))])  # noqa: E731
    assert style.render(make).startswith(b"\x89PNG")
    with style.theme():
        said = [t.get_text() for t in make().axes[0].texts]
    assert " ".join(said).split("\n")[0].split()[0] == name.split()[0]


def test_difference_panel_has_a_scale_of_its_own(base):
    with style.theme():
        both = [(label, probe(base, label)) for label in ("sin2", "fem")]
        figure = plot_green.green_images(both)
        alone = plot_green.green_images(both[:1])
    answer, exact, apart = (axes.images[0].get_clim() for axes in figure.axes[:3])
    assert answer == exact and apart[1] == pytest.approx(
        np.abs(probe(base, "sin2").answer - probe(base, "sin2").exact).max()
    )
    assert [t.get_text() for t in figure.axes[3].texts] == ["singular"]
    assert [t.get_text() for t in figure.axes[6].texts] == ["exactly zero"]
    words = [t.get_text() for axes in alone.axes for t in axes.texts]
    assert words == ["sin2"]  # its name; no inverse at all: no column


def test_kinks_are_drawn_at_the_order_of_the_operator(base):
    one = probe(base, "fem")
    assert plot_green.kink_order(one) == 2
    with style.theme():
        below = plot_green.green_columns([("fem", one)]).axes[1]
    for line, column in zip(below.lines[::2], plot_green.chosen_columns(maps.NODES + 1)):
        far = np.abs(line.get_xdata() - column / maps.NODES) > 1.5 / maps.NODES
        assert np.abs(line.get_ydata()[far]).max() < 1e-10 < np.abs(line.get_ydata()).max()
    one.record = load.Record(None, maps.row_record("fem", "gd", operator="biharmonic-clamped"))
    assert plot_green.kink_order(one) == 4


def test_quote_of_the_kinks_is_that_of_the_records(base):
    probes = [(label, probe(base, label)) for label in ("fem", "sin2")]
    local = figures.figures_generalization._local
    assert local("poisson", probes) == ""  # the records do not say
    for (_, one), share in zip(probes, (2e-15, 0.4)):
        one.record["metrics"]["stencil_off"] = share
    assert "fem 2.0e-15, sin2 4.0e-01" in local("poisson", probes)


@quick
def test_study_without_probes_or_training_has_no_such_figures(tmp_path):
    maps.write_cross_validation(tmp_path, ("closed-form",), probe=False)
    page = write(tmp_path)
    assert "crossval-matrix" in page.ids
    assert not [i for i in page.ids if "green" in i or "loss" in i]


# ---- many rows -----------------------------------------------------------------------------------


def test_many_checks_are_summed_up_but_failures_are_not():
    records = [
        load.Record(None, changed(maps.row_record("sin2", "gd"), "id", f"row-{i}"))
        for i in range(600)
    ]
    records[7]["checks"][0] |= {"value": 1.0, "pass": False}
    records[9]["checks"][0]["value"] = 9e-13
    rows = report_tables.check_rows(records)
    assert [r["id"] for r in rows] == ["row-7", "row-9 and 598 more"]
    assert len(report_tables.check_rows(records[:100])) == 100


@quick
def test_large_study_is_fast_and_folded(tmp_path):
    for k in range(12):
        for label in maps.SPACES:
            content = maps.row_record(label, "gd", operator=f"operator-{k}")
            content["id"] += f"-{k}"
            content["data"] = None
            maps.synthetic.write(tmp_path, content)
    start = time.monotonic()
    runs = load.load(tmp_path)
    page, _, _ = report.build(runs)
    assert time.monotonic() - start < 20
    assert "Cases <small>(156)</small>" in page and len(page) < 1_000_000
    assert "linear-map-gd-sin2-11" in Page(page).text
