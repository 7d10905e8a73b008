# SPDX-License-Identifier: BSD-3-Clause
"""Half-finished and damaged folders are named and skipped; the rest is loaded."""
import json

import h5py
import numpy as np
import pytest

import load
import synthetic
import tables
import tables_speed


def test_loads_every_record_from_any_level(runs):
    assert len(load.load(runs).records) == 8
    assert len(load.load(runs / "scaling").records) == 3
    one = load.load(runs / "scaling" / "grad-r1")
    assert [r["id"] for r in one.records] == ["grad-r1"]
    assert one.studies["scaling"]["study"]["title"] == "Title of scaling"


def test_tables_are_tidy(runs):
    records = load.load(runs).records
    cases = tables.case_table(records)
    assert len(cases) == 8 and {"study", "id", "status", "case.layers"} <= set(cases.columns)
    assert cases.set_index("id").loc["grad-r4", "ranks"] == 4
    assert len(tables.check_table(records)) == 8 * 4
    times = tables.timing_table(records)
    apply = times[(times["id"] == "grad-r1") & (times["name"] == "apply")].iloc[0]
    assert apply["median"] == 4.0 and apply["lo"] < 4.0 < apply["hi"] and apply["n"] == 3


@pytest.mark.parametrize(
    "damage, why",
    [
        ("", "is empty"),
        ("{", "is not JSON (line 1"),
        ('{"format": NaN}', "NaN is not JSON"),
        ('{"a": 1, "a": 2}', "key 'a' stands twice"),
        ("[]", "not a moho.result/1 record"),
        ('{"format": "moho.result/1"}', "not a moho.result/1 record"),
        ("\x00\xff", "is not JSON"),
    ],
)
def test_damaged_record_is_named_and_skipped(runs, damage, why):
    path = runs / "scaling" / "grad-r2" / "result.json"
    path.write_text(damage)
    found = load.load(runs)
    assert len(found.records) == 7
    assert [p.path for p in found.problems] == [path]
    assert why in str(found.problems[0])


def test_not_utf8_is_named(runs):
    path = runs / "scaling" / "grad-r2" / "result.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert [p.path for p in load.load(runs).problems] == [path]


def test_truncated_record_is_skipped(runs):
    path = runs / "accuracy" / "ref-0001" / "result.json"
    path.write_text(path.read_text()[:-40])
    found = load.load(runs)
    assert len(found.problems) == 1 and "is not JSON" in found.problems[0].why


def test_renamed_folder_is_not_counted_twice(runs):
    copy = runs / "scaling" / "grad-r1-old"
    copy.mkdir()
    (copy / "result.json").write_text((runs / "scaling" / "grad-r1" / "result.json").read_text())
    found = load.load(runs)
    assert len(found.records) == 8 and "was it copied or renamed" in found.problems[0].why


def test_folder_without_record_is_unfinished(runs):
    (runs / "scaling" / "grad-r8").mkdir()
    (runs / "scaling" / "grad-r8" / ".result.json.123.tmp").write_text("{")
    (runs / "scaling" / ".hidden").mkdir()
    found = load.load(runs)
    assert [p.path.name for p in found.unfinished] == ["grad-r8"] and not found.problems


def test_missing_folder_is_an_error(tmp_path):
    with pytest.raises(load.LoadError, match="no such folder"):
        load.load(tmp_path / "nowhere")


def test_curves_and_truth(runs):
    curves = load.read_curves(runs / "accuracy" / "ref-0001" / "data.h5")
    assert list(curves.columns) == load.CURVE_COLUMNS
    assert set(curves["name"]) == {"crust", "ak135-like"} and set(curves["wave"]) == {
        "rayleigh",
        "love",
    }
    errors = tables.accuracy_table(curves)
    assert errors["error"].between(0, 1e-11).all() and set(errors["quantity"]) == {"phase", "group"}
    assert len(errors) == 2 * np.isfinite(curves["phase"]).sum()


@pytest.mark.parametrize(
    "break_it, why",
    [
        (lambda f: f.__delitem__("curve/phase"), "phase"),
        (lambda f: f["curve/wave"].__setitem__(0, 7), "/curve/wave has a value outside 0..1"),
        (lambda f: f["curve/case"].__setitem__(0, 99), "/curve/case has a value outside"),
        (
            lambda f: (f.__delitem__("curve/mode"), f.create_dataset("curve/mode", data=[0])),
            "differ in length",
        ),
    ],
)
def test_damaged_data_is_named(runs, break_it, why):
    path = runs / "accuracy" / "ref-0001" / "data.h5"
    with h5py.File(path, "r+") as file:
        break_it(file)
    with pytest.raises(load.LoadError, match="data.h5") as error:
        load.read_curves(path)
    assert why in str(error.value)


def test_data_that_is_no_hdf5_is_named(runs):
    path = runs / "accuracy" / "ref-0001" / "data.h5"
    path.write_bytes(b"not hdf5")
    for read in (load.read_curves, load.read_models):
        with pytest.raises(load.LoadError, match="data.h5"):
            read(path)


def test_scaling_table_has_speedup_and_efficiency(runs):
    table = tables_speed.scaling_table(load.load(runs).records).set_index("ranks")
    assert table.loc[1, "speedup"] == 1 and table.loc[4, "speedup"] == pytest.approx(3.6)
    assert table.loc[4, "efficiency"] == pytest.approx(0.9) and table["same_work"].all()


def test_scaling_needs_two_rank_counts_and_sound_cases(tmp_path):
    synthetic.write(tmp_path, synthetic.scaling_record(2))
    assert tables_speed.scaling_table(load.load(tmp_path).records).empty
    failed = synthetic.scaling_record(1) | {"status": "failed", "error": "killed"}
    for merit in failed["fom"]:
        merit["value"] = None
    synthetic.write(tmp_path, failed)
    assert tables_speed.scaling_table(load.load(tmp_path).records).empty


def test_different_work_is_seen(tmp_path):
    synthetic.write(tmp_path, synthetic.scaling_record(1))
    other = synthetic.scaling_record(2)
    other["counters"]["roots"] += 1
    synthetic.write(tmp_path, other)
    assert not tables_speed.scaling_table(load.load(tmp_path).records)["same_work"].all()


def test_throughput_leaves_out_void_results(runs):
    before = tables_speed.throughput_table(load.load(runs).records)
    assert (
        list(before["layers"]) == [5, 10, 50, 200]
        and (before["lo"] < before["curves_per_second"]).all()
    )
    assert before["gemm_fraction"].iloc[0] == pytest.approx(900000 * 400 / 5e9)
    path = runs / "throughput" / "grad-L50-r2" / "result.json"
    content = json.loads(path.read_text())
    content["checks"][0] |= {"value": 1.0, "pass": False}
    content["status"] = "invalid"
    for merit in content["fom"]:
        merit["value"] = None
    path.write_text(json.dumps(content))
    assert list(tables_speed.throughput_table(load.load(runs).records)["layers"]) == [5, 10, 200]


def dispersion_file(tmp_path, **case):
    content = {
        "format": "moho.dispersion/1",
        "cases": [
            {
                "name": "m",
                "model": {
                    "thickness": [1.0, 0.0],
                    "vp": [5.0, 8.0],
                    "vs": [3.0, 4.5],
                    "rho": [2.5, 3.3],
                },
                "periods": [1.0, 2.0, 4.0],
                "mode_count": {"rayleigh": [2, 1, 1]},
                "modes": [
                    {
                        "wave": "rayleigh",
                        "mode": 0,
                        "phase": [2.8, 3.0, 3.5],
                        "group": [2.7, 2.8, 3.0],
                    },
                    {
                        "wave": "rayleigh",
                        "mode": 1,
                        "phase": [4.0, None, None],
                        "group": [3.0, None, None],
                    },
                ],
                "flags": [
                    {
                        "wave": "rayleigh",
                        "period": 2.0,
                        "mode": 0,
                        "kind": "extended",
                        "reason": "",
                        "roots": [],
                    }
                ],
                **case,
            },
            {"name": "bad", "error": "negative thickness"},
        ],
    }
    path = tmp_path / "out.json"
    path.write_text(json.dumps(content))
    return path


def test_dispersion_output_is_read(tmp_path):
    curves, models, errors = load.read_dispersion(dispersion_file(tmp_path))
    assert len(curves) == 6 and list(models) == ["m"] and errors == ["bad: negative thickness"]
    assert list(curves["status"]) == ["ok", "extended", "ok", "ok", "absent", "absent"]


@pytest.mark.parametrize(
    "case", [{"modes": [{"wave": "rayleigh", "mode": 0, "phase": [1.0]}]}, {"modes": None}]
)
def test_dispersion_output_that_is_not_so_is_named(tmp_path, case):
    with pytest.raises(load.LoadError, match="out.json"):
        load.read_dispersion(dispersion_file(tmp_path, **case))


def test_write_atomically_leaves_nothing_behind(tmp_path):
    with pytest.raises(load.LoadError, match="cannot be written"):
        load.write_atomically(tmp_path / "no" / "where.txt", b"x")
    load.write_atomically(tmp_path / "a.txt", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
