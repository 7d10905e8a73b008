# SPDX-License-Identifier: BSD-3-Clause
"""The page: complete, self-contained, drawn from the records and honest about what is missing."""
import base64
import html.parser
import json
import re

import pytest

import figures
import load
import report
import style
import synthetic

quick = pytest.mark.usefixtures("no_drawing")
FIGURES = [
    "accuracy-curves-crust",
    "accuracy-curves-ak135-like",
    "accuracy-ellipticity",
    "accuracy-kernels-crust",
    "accuracy-kernels-ak135-like",
    "accuracy-accuracy",
    "accuracy-errors",
    "scaling-scaling",
    "throughput-throughput",
]


class Page(html.parser.HTMLParser):
    """What a browser would load, the ids and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.text, self.open, self._style = [], [], "", [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.links += [
            v for k, v in attributes if k in ("src", "srcset", "href", "data", "action", "poster")
        ]
        self.ids += [values["id"]] if "id" in values else []
        self.open += [tag]

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data


def write(runs, *arguments):
    assert report.main([str(runs), *map(str, arguments)]) == 0
    return Page((runs / "report.html").read_text())


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def void(content):
    content["checks"][0] |= {"value": 1e-3, "pass": False}
    content["status"] = "invalid"
    for merit in content["fom"]:
        merit["value"] = None


def test_page_has_every_figure_and_loads_nothing(runs):
    page = write(runs)
    for name in FIGURES:
        assert name in page.ids
    pictures = [link for link in page.links if link.startswith("data:image/png;base64,")]
    assert len(pictures) == 2 * len(FIGURES)
    assert all(base64.b64decode(p.split(",")[1]).startswith(b"\x89PNG") for p in pictures)
    others = [link for link in page.links if not link.startswith("data:")]
    assert all(link.startswith("#") and link[1:] in page.ids for link in others)
    assert "script" not in page.open and "link" not in page.open and "iframe" not in page.open
    text = re.sub(
        r"data:[a-z]+/[a-z]+;base64,[A-Za-z0-9+/=]+", "", (runs / "report.html").read_text()
    )
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)


@quick
def test_page_says_valid_and_shows_provenance(runs):
    page = write(runs)
    assert "VALID" in page.text and "8 cases finished and all 32 checks passed" in page.text
    for part in (
        "0123456789ab",
        "GNU 12.2.0",
        "Example CPU",
        "Open MPI 4.1.4",
        "-O3 -DNDEBUG",
        "mpirun -n 2 moho run",
        "Title of throughput",
    ):
        assert part in page.text, part


@quick
def test_every_case_and_check_stands_on_the_page(runs):
    page = write(runs)
    for record in load.load(runs).records:
        assert record["id"] in page.text
    assert page.text.count("mode_count_mismatches") >= 8


@quick
def test_failed_check_voids_the_verdict(runs):
    edit(runs / "accuracy" / "ref-0001" / "result.json", void)
    page = write(runs)
    assert "INVALID" in page.text and "1 case failed a check" in page.text
    assert (
        "check phase_rel_max failed: 0.001 <= 1e-09 does not hold" in page.text
        and "void" in page.text
    )


@quick
def test_crashed_case_is_told(runs):
    def crash(content):
        void(content)
        content |= {"status": "failed", "error": "rank 1 was killed"}

    edit(runs / "scaling" / "grad-r2" / "result.json", crash)
    page = write(runs)
    assert "INVALID" in page.text and "rank 1 was killed" in page.text


@quick
def test_failed_case_is_named_once(runs):
    def crash(content):
        void(content)
        content |= {"status": "failed", "error": "rank 1 was killed", "checks": []}

    edit(runs / "scaling" / "grad-r1" / "result.json", lambda content: content.update(checks=[]))
    edit(runs / "scaling" / "grad-r2" / "result.json", crash)
    said = [w for w in report.warnings(load.load(runs)) if w.startswith("scaling/grad")]
    assert said == [
        "scaling/grad-r1: nothing was checked",
        "scaling/grad-r2: failed: rank 1 was killed",
    ]


@pytest.mark.parametrize(
    "counters, case, said",
    [
        ({"epochs": 45}, {"epochs": 500}, "45 of 500 epochs done; the same command goes on"),
        ({"epochs": 45}, {"epochs": 150, "curriculum": 5.0}, "45 epochs done; the same command"),
        ({}, {}, "stopped early; the same command goes on"),
    ],
)
def test_what_stopped_early_says_how_far_it_is(runs, counters, case, said):
    def stop(content):
        content |= {"status": "partial", "counters": counters}
        content["case"] |= case

    edit(runs / "scaling" / "grad-r2" / "result.json", stop)
    (text,) = [w for w in report.warnings(load.load(runs)) if w.startswith("scaling/grad-r2: p")]
    assert text.startswith(f"scaling/grad-r2: partial: {said}")
    edit(runs / "scaling" / "grad-r2" / "result.json", lambda content: content.update(error="why"))
    assert "scaling/grad-r2: partial: why" in report.warnings(load.load(runs))


def rates_told(runs):
    cards = report.highlights(load.load(runs))
    return [card["value"] for card in cards if card["text"].startswith("curves per second")]


@pytest.mark.parametrize("method", ["mean", "mlp", "linear-map", "halfspace-average", "disba"])
def test_only_solvers_have_a_rate_of_curves(runs, method):
    """Answers without solving are faster, and say nothing of the solver."""
    (before,) = rates_told(runs)

    def answered(name, tolerance):
        def change(content):
            content["case"] |= {"method": name, "tolerance": tolerance}
            content["fom"] = [synthetic.merit("curves_per_second", 5e6)]

        edit(runs / "scaling" / "grad-r2" / "result.json", change)

    answered(method, 0.0)
    assert rates_told(runs) == [before] != ["5000000"]
    answered("rayleigh-solver", 1e-3)  # faster, and less exact
    assert rates_told(runs) == [before]
    answered("rayleigh-solver", 0.0)
    assert rates_told(runs) == [report.number(5e6)]


def test_figure_that_cannot_be_drawn_is_named_and_the_rest_drawn(runs, monkeypatch, capsys):
    def fail(*_):
        raise ValueError("no such\nsymbol")

    monkeypatch.setattr(figures.figures_speed.plot_speed, "scaling", fail)
    page = write(runs, "--figures", runs / "f", "--json")
    what = "figure scaling-scaling (cannot be drawn: ValueError: no such symbol)"
    assert page.text.count(what) == 2  # before quoting and under its study
    assert "scaling-scaling" not in page.ids and set(FIGURES) - {"scaling-scaling"} < set(page.ids)
    assert not (runs / "f" / "scaling-scaling.png").exists()
    assert len(list((runs / "f").glob("*.png"))) == len(FIGURES) - 1
    told = capsys.readouterr()
    assert json.loads(told.out)["undrawn"] == [f"not shown: {what}"] and what in told.err


@quick
@pytest.mark.parametrize("asked", [True, False])
def test_pdf_is_drawn_and_offered_where_figures_are_asked_for(runs, asked):
    page = write(runs, *(["--figures", runs / "f"] if asked else []))
    assert ("PDF" in page.text) == asked
    assert any("application/pdf" in link for link in page.links) == asked


@quick
def test_damaged_record_is_named_on_page_and_stderr(runs, capsys):
    (runs / "scaling" / "grad-r2" / "result.json").write_text('{"format":')
    page = write(runs)
    assert (
        "grad-r2/result.json" in page.text and "is not JSON" in page.text and "INVALID" in page.text
    )
    assert "skipped" in capsys.readouterr().err


@quick
def test_damaged_data_is_named_on_the_page(runs, capsys):
    (runs / "accuracy" / "ref-0001" / "data.h5").write_bytes(b"half")
    page = write(runs)
    assert "data.h5" in page.text and "INVALID" in page.text and "Not shown" in page.text
    assert "accuracy-accuracy" not in page.ids and "scaling-scaling" in page.ids
    assert "data.h5" in capsys.readouterr().err


@quick
def test_unfinished_case_makes_it_incomplete(runs):
    (runs / "scaling" / "grad-r8").mkdir()
    page = write(runs)
    assert (
        "INCOMPLETE" in page.text and "1 case not finished" in page.text and "grad-r8" in page.text
    )


@quick
def test_nothing_checked_is_not_valid(runs):
    for path in runs.glob("*/*/result.json"):
        edit(path, lambda content: content.update(checks=[]))
    page = write(runs)
    assert "INCOMPLETE" in page.text and "nothing was checked" in page.text


@quick
def test_missing_figure_is_explained(tmp_path):
    synthetic.write(tmp_path, synthetic.scaling_record(2))
    page = write(tmp_path)
    assert "needs the same case at two rank counts; here: 2" in page.text


@quick
@pytest.mark.parametrize(
    "change, text",
    [
        (lambda c: c["provenance"]["git"].update(dirty=True), "uncommitted changes"),
        (lambda c: c["provenance"]["build"].update(type="Debug"), "not Release"),
        (lambda c: c["provenance"]["host"].update(cores=1), "more ranks or threads than cores"),
        (lambda c: c["timings"]["apply"].update(mad=0.2), "unsteady times"),
    ],
)
def test_doubtful_results_are_marked(tmp_path, change, text):
    content = synthetic.record()
    assert text not in write_one(tmp_path / "a", content)
    change(content)
    assert text in write_one(tmp_path / "b", content)


def write_one(folder, content):
    synthetic.write(folder, content, ["crust"])
    return write(folder).text


def pictures(runs):
    records = load.load(runs).records
    found = {}
    for study in ("accuracy", "scaling", "throughput"):
        for figure in figures.of_study(study, [r for r in records if r["study"] == study]).figures:
            found[figure.name] = (style.render(figure.make), figure.caption)
    return found


@pytest.fixture(scope="module")
def base_pictures(tmp_path_factory):
    return pictures(synthetic.write_all(tmp_path_factory.mktemp("base")))


@pytest.mark.parametrize("pdf", [True, False])
def test_pictures_of_the_page_are_those_drawn_one_by_one(runs, pdf):
    found = figures.of_study("accuracy", load.load(runs).of_study("accuracy")).figures
    for one in (found[0], found[3]):  # a title over all panels; colour bars
        drawn = style.pictures(one.make, pdf)
        assert drawn["light"] == style.render(one.make) and drawn["dark"] != drawn["light"]
        assert drawn["dark"] == style.render(one.make, "dark"), one.name  # found anew
        assert drawn.get("pdf", b"%PDF").startswith(b"%PDF") and ("pdf" in drawn) == pdf


def test_figures_are_repeatable(base_pictures, tmp_path):
    assert sorted(base_pictures) == sorted(FIGURES)
    assert pictures(synthetic.write_all(tmp_path)) == base_pictures


def test_figures_follow_the_records(base_pictures, tmp_path):
    other = tmp_path
    synthetic.write(other, synthetic.record(), ["crust", "ak135-like"], error=1e-3)
    for layers in (5, 10, 50, 200):
        synthetic.write(other, synthetic.throughput_record(layers, speed=2.0))
    for ranks in (1, 2, 4):
        synthetic.write(other, synthetic.scaling_record(ranks, efficiency=0.6))
    changed = pictures(other)
    for name in FIGURES:
        assert changed[name][0] != base_pictures[name][0], name
    assert (
        "speed-up 2.4" in changed["scaling-scaling"][1]
        and "10240 curves" in changed["throughput-throughput"][1]
    )


def test_limits_come_from_the_checks(base_pictures, tmp_path):
    content = synthetic.record()
    content["checks"][0]["limit"] = 1e-7
    synthetic.write(tmp_path, content, ["crust", "ak135-like"])
    assert pictures(tmp_path)["accuracy-accuracy"][0] != base_pictures["accuracy-accuracy"][0]


@quick
def test_text_from_records_is_escaped(tmp_path):
    content = synthetic.record()
    content["provenance"]["host"]["cpu"] = "<script>alert(1)</script> & co"
    synthetic.write(tmp_path, content, ["<b>crust</b>"])
    page = write(tmp_path)
    assert (
        "script" not in page.open
        and "<script>alert(1)" in page.text
        and "<b>crust</b>" in page.text
    )


@quick
def test_many_models_are_cut_and_said_so(tmp_path):
    synthetic.write(tmp_path, synthetic.record(), [f"{c}-{i}" for c in "ab" for i in range(15)])
    assert report.main([str(tmp_path), "--curves", "3"]) == 0
    page = Page((tmp_path / "report.html").read_text())
    assert sum("-curves-" in i for i in page.ids) == 3 and "(3 of 30 models are shown" in page.text


@quick
def test_numbered_draws_are_shown_once(tmp_path):
    synthetic.write(tmp_path, synthetic.record(), [f"gradient-{i}" for i in range(9)])
    page = write(tmp_path)
    assert sum("-curves-" in i for i in page.ids) == 1 and "(1 of 9 models are shown" in page.text


@quick
def test_same_model_in_two_cases_is_told_apart(tmp_path):
    for case_id in ("one", "two"):
        synthetic.write(tmp_path, synthetic.record(case_id=case_id), ["crust"])
    assert {"accuracy-curves-crust-one", "accuracy-curves-crust-two"} <= set(write(tmp_path).ids)


@quick
def test_output_figures_and_summary(runs, tmp_path, capsys):
    out = tmp_path / "page.html"
    assert report.main([str(runs), "-o", str(out), "--figures", str(tmp_path / "f"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (
        summary["verdict"] == "valid" and summary["report"] == str(out) and summary["records"] == 8
    )
    assert sorted(p.name for p in (tmp_path / "f").iterdir()) == sorted(
        f"{name}.{kind}" for name in FIGURES for kind in ("png", "pdf")
    )
    assert not (runs / "report.html").exists()


@quick
def test_errors_name_the_folder(tmp_path, capsys):
    assert report.main([str(tmp_path / "none")]) == 1
    assert report.main([str(tmp_path)]) == 1
    synthetic.write(tmp_path, synthetic.record(), ["crust"])
    assert report.main([str(tmp_path), "-o", str(tmp_path / "no" / "page.html")]) == 1
    (tmp_path / "accuracy" / "ref-0001" / "result.json").write_text("{}")
    assert report.main([str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "no such folder" in error and "no result.json" in error and "cannot be written" in error
    assert "no record can be used" in error and "ref-0001" in error
    assert not list(tmp_path.rglob("*.html"))
