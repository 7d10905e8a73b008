# SPDX-License-Identifier: BSD-3-Clause
"""The main flow: ids, records, resume, selection, sizes."""
import json
import os
import pty
import re
import subprocess
import tomllib

import pytest
from conftest import LONG, SOURCE, STUDY, check_records


def ids(report):
    return [case["id"] for case in report["cases"]]


def test_a_run_leaves_sound_records(place):
    place.write(STUDY)
    report = place.json("run", "study.toml")
    assert [c["action"] for c in report["cases"]] == ["ran"] * 4
    assert [c["status"] for c in report["cases"]] == ["ok"] * 4
    assert report["exit_code"] == report["remaining"] == report["signal"] == 0
    records = check_records(place)
    assert sorted(ids(report)) == sorted(r["id"] for r in records)
    for record in records:
        assert record["study"] == "sample"
        assert record["case"]["problem"] == "dispersion-gradient"
        assert record["case"]["method"] == "dispersion-solver"
        assert record["case"]["layers"] in (3, 5)
        assert record["provenance"]["run"]["seed"] == record["case"]["seed"]
        assert {f["name"] for f in record["fom"]} == {
            "curves_per_second", "layer_evaluations_per_second", "flops_per_second"}
        assert record["counters"]["curves"] == 12 and record["counters"]["models"] == 6
        assert set(record["timings"]) == {"prepare", "apply"}
    assert not [p for p in place.files() if p.name.startswith(".")]


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_ids_do_not_depend_on_the_number_of_ranks(place, ranks):
    place.write(STUDY)
    alone = place.json("run", "study.toml", "--dry-run")
    assert ids(place.json("run", "study.toml", "--dry-run", ranks=ranks)) == ids(alone)
    assert ids(place.json("config", "check", "study.toml", ranks=ranks)) == ids(alone)


def test_ids_do_not_depend_on_the_order_of_keys(place):
    place.write(STUDY)
    place.write('limits.phase_rel_max = 1e-9\nmeasure.warmup = 0\nmeasure.repeats = 1\n'
                'axes.seed = [1, 2]\naxes.layers = [3, 5]\nmethod.name = "dispersion-solver"\n'
                'problem.truth = 1\nproblem.periods = 5\nproblem.models = 6\n'
                'problem.name = "dispersion-gradient"\nstudy.name = "sample"\n', "other.toml")
    assert ids(place.json("config", "check", "other.toml")) == ids(
        place.json("config", "check", "study.toml"))


def test_results_are_the_same_on_any_number_of_ranks(place):
    place.write(STUDY)
    for ranks in (1, 2, 3):
        place.moho("run", "study.toml", "--out", f"runs/{ranks}", ranks=ranks)
    place.runs = place.runs / "1"
    one = {r["id"]: r for r in check_records(place)}
    assert len(one) == 4
    for ranks in (2, 3):
        place.runs = place.runs.parent / str(ranks)
        for record in check_records(place):
            first = one[record["id"]]
            for key in ("case", "status", "checks", "counters", "metrics"):
                assert record[key] == first[key], key
            assert record["provenance"]["run"]["ranks"] == ranks
            name = f"sample/{record['id']}/data.h5"
            assert (place.runs / name).read_bytes() == (place.runs.parent / "1" / name).read_bytes()


def test_finished_cases_are_skipped_on_any_number_of_ranks(place):
    place.write(STUDY)
    place.moho("run", "study.toml", ranks=2)
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in place.files()}
    for ranks in (0, 3):
        report = place.json("run", "study.toml", ranks=ranks)
        assert [c["action"] for c in report["cases"]] == ["skipped"] * 4
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in place.files()} == before
    report = place.json("run", "study.toml", "--force")
    assert [c["action"] for c in report["cases"]] == ["ran"] * 4


def test_a_changed_study_runs_only_what_changed(place):
    place.write(STUDY)
    place.moho("run", "study.toml")
    report = place.json("run", "study.toml", "--set", "axes.seed=[2, 3]")
    assert sorted(c["action"] for c in report["cases"]) == ["ran", "ran", "skipped", "skipped"]
    assert len(check_records(place)) == 6


def test_a_damaged_record_is_made_again(place):
    place.write(STUDY)
    place.moho("run", "study.toml")
    place.results()[1].write_text('{"format": "moho.result/1", "id"')
    place.results()[2].unlink()
    report = place.json("run", "study.toml")
    assert sorted(c["action"] for c in report["cases"]) == ["ran", "ran", "skipped", "skipped"]
    assert len(check_records(place)) == 4


def test_the_resolved_study_gives_the_same_cases(place):
    place.write(STUDY)
    place.moho("run", "study.toml", "--set", "method.modes=2")
    stored = place.runs / "sample" / "study.toml"
    content = tomllib.loads(stored.read_text())
    assert content["problem"][0]["perturbation"] == 0.03  # a default, written out
    assert content["method"][0]["modes"] == 2  # an override
    report = place.json("run", stored)
    assert [c["action"] for c in report["cases"]] == ["skipped"] * 4


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_dry_run_writes_nothing(place, ranks):
    place.write(STUDY)
    before = place.files()
    done = place.moho("run", "study.toml", "--dry-run", ranks=ranks)
    assert done.stdout.count("to do") == 5 and "nothing was written" in done.stdout
    assert place.files() == before and not place.runs.exists()


def test_parts_cover_all_cases_once(place):
    place.write(STUDY)
    seen = []
    for part in range(3):
        seen += ids(place.json("run", "study.toml", "--case", f"{part}/3"))
    assert sorted(seen) == sorted(ids(place.json("run", "study.toml", "--dry-run")))
    assert len(check_records(place)) == 4


def test_one_case_by_id(place):
    place.write(STUDY)
    wanted = ids(place.json("run", "study.toml", "--dry-run"))[2]
    assert ids(place.json("run", "study.toml", "--case", wanted)) == [wanted]
    assert [p.parent.name for p in place.results()] == [wanted]


def test_a_ranks_axis_is_filled_launch_by_launch(place):
    place.write(STUDY)
    change = ("--set", "axes.ranks=[1, 2, 3]", "--set", "axes.seed=[1]")
    first = place.json("run", "study.toml", *change)
    assert len(ids(first)) == 2 and len(first["other_ranks"]) == 4
    for ranks in (2, 3):
        place.moho("run", "study.toml", *change, ranks=ranks)
    records = check_records(place)
    assert sorted(r["case"]["ranks"] for r in records) == [1, 1, 2, 2, 3, 3]
    assert all(r["case"]["ranks"] == r["provenance"]["run"]["ranks"] for r in records)


def test_no_case_is_begun_after_the_time_limit(place):
    place.write(STUDY)
    done = place.moho("run", "study.toml", "--max-time", "0")
    assert "4 cases remain" in done.stderr and "0 ran" in done.stdout
    assert place.results() == []
    place.write(LONG, "long.toml")
    report = place.json("run", "long.toml", "--max-time", "1.2s", ranks=2)
    actions = [c["action"] for c in report["cases"]]
    assert 0 < actions.count("ran") < len(actions) == 12
    assert report["remaining"] == actions.count("remaining")


def test_machine_rates_are_recorded_when_asked_for(place):
    place.write(STUDY)
    place.moho("run", "study.toml", "--set", "measure.ceilings=true", "--case", "0/4", ranks=2)
    host = check_records(place)[0]["provenance"]["host"]
    for rate in ("stream", "gemm"):  # null when something else used the machine meanwhile
        assert host[rate] is None or host[rate] > 1e7


def test_the_trivial_answer_is_invalid(place):
    place.write(STUDY.replace("dispersion-solver", "halfspace-average"))
    done = place.moho("run", "study.toml", code=2)
    assert "not met: phase_rel_max" in done.stdout
    for record in check_records(place):
        assert record["status"] == "invalid"
        assert all(f["value"] is None for f in record["fom"])
        assert record["metrics"]["phase_rel_max"] > 0.01
    place.moho("run", "study.toml", code=2, ranks=2)  # skipped, and still invalid


def test_published_values_are_met(place):
    study = SOURCE / "benchmarks/smoke/dispersion-accuracy.toml"
    report = place.json("run", study, ranks=2)
    assert {c["status"] for c in report["cases"]} == {"ok"}
    for record in check_records(place):
        assert record["metrics"]["points_compared"] > 0


@pytest.mark.parametrize("kind", ["throughput", "kernels", "kernel-cost"])
def test_a_smoke_study_meets_its_limits_and_beats_the_trivial_answer(place, kind):
    study = SOURCE / f"benchmarks/smoke/dispersion-{kind}.toml"
    report = place.json("run", study, ranks=2)
    assert {c["status"] for c in report["cases"]} == {"ok"}
    for record in check_records(place):
        metrics = record["metrics"]
        better = metrics["phase_of_trivial" if kind == "throughput" else "kernel_of_trivial"]
        assert better is not None and better < 1e-4
        if kind != "throughput":
            assert metrics["kernels_compared"] > 0 and metrics["kernels_over_curves"] > 0


@pytest.mark.parametrize("kind", ["throughput", "kernels"])
def test_the_trivial_answer_does_not_meet_them(place, kind):
    study = (SOURCE / f"benchmarks/smoke/dispersion-{kind}.toml").read_text()
    place.write(study.replace("dispersion-solver", "halfspace-average"))
    done = place.moho("run", "study.toml", code=2)
    word = "phase_of_trivial" if kind == "throughput" else "kernel_of_trivial"
    assert f"not met: {word} 1" in done.stdout or f"{word} 1.0 <=" in done.stdout, done.stdout
    assert {record["status"] for record in check_records(place)} == {"invalid"}


def test_weak_scaling_keeps_the_models_per_rank(place):
    study = SOURCE / "benchmarks/smoke/dispersion-weak-scaling.toml"
    for ranks in (1, 2):
        place.moho("run", study, ranks=ranks)
    models = {r["case"]["ranks"]: r["counters"]["models"] for r in check_records(place)}
    assert models == {1: 16, 2: 32}
    place.write(study.read_text().replace("ranks = [1, 2]", "seed = [1]"))
    assert "axis `ranks`" in place.refused("run", "study.toml")


def test_every_shipped_study_is_sound(place):
    listing = place.json("list")
    names = {p["path"].split("benchmarks/")[1] for p in listing["studies"]}
    for kind in ("accuracy", "throughput", "scaling", "weak-scaling", "kernels", "kernel-cost"):
        for profile in ("smoke", "ci", "full"):
            assert f"{profile}/dispersion-{kind}.toml" in names
    for study in listing["studies"]:
        assert "error" not in study
        assert len(place.json("config", "check", study["path"])["cases"]) > 0


PROBLEMS = {"dispersion-reference", "dispersion-gradient", "dispersion-prior",
            "dispersion-layering", "dispersion-family", "operator-1d", "poisson-2d",
            "coefficient-1d", "poisson", "diffusion", "mixed-boundary", "elasticity", "helmholtz",
            "heat", "wave", "allen-cahn", "darcy", "assembly", "compliance", "conductivity",
            "burgers-1d", "darcy-operator", "dataset", "pinn-convection", "pinn-reaction",
            "pinn-wave", "pinn-reaction-diffusion"}
METHODS = {"dispersion-solver", "halfspace-average", "linear-map", "nearest-neighbour", "mean",
           "fem-1d", "fd-fit", "fem", "fem-evolution", "fem-batch", "assembly", "simp-mma",
           "simp-oc", "rayleigh-solver", "uniform-design", "adjoint-identification",
           "constant-conductivity", "mlp", "deep-linear", "resnet", "deeponet", "fno", "pinn",
           "initial-state", "initial-mean"}


def test_the_list_names_everything_and_finds_bad_studies(place):
    listing = place.json("list")
    assert {p["name"] for p in listing["problems"]} == PROBLEMS
    assert {m["name"] for m in listing["methods"]} == METHODS
    assert "dispersion-solver" in place.moho("list").stdout
    (place.path / "studies").mkdir()
    place.write(STUDY + "[extra]\n", "studies/bad.toml")
    assert "unknown key 'extra'" in place.moho("list", "--studies", "studies", code=1).stdout


def test_verify_prints_its_checks(place):
    done = place.moho("verify", "dispersion-gradient", ranks=2)
    assert "halfspace_rayleigh" in done.stdout and "FAIL" not in done.stdout
    checks = place.json("verify")["problems"]
    assert {p["problem"] for p in checks} == PROBLEMS
    for problem in checks:
        names = [c["name"] for c in problem["checks"]]
        assert any(n.startswith("control.") for n in names)
        assert all(c["pass"] for c in problem["checks"])


def test_verify_rejects_contradictory_data(place):
    folder = place.path / "data" / "dispersion"
    folder.mkdir(parents=True)
    for source in (SOURCE / "reference/physics/dispersion").glob("ref_*.json"):
        content = json.loads(source.read_text())
        if source.stem == "ref_c_earth":
            content["cases"][0]["mode_count"]["rayleigh"][0] += 1
            content["cases"][0]["modes"][0]["phase"][3] = 99.0
        (folder / source.name).write_text(json.dumps(content))
    done = place.moho("verify", "dispersion-reference", "--data", "data", code=2)
    assert "FAIL  reference_contradictions" in done.stdout


def test_progress_is_shown_on_a_terminal_only(place):
    place.write(STUDY)
    assert place.moho("run", "study.toml").stderr == ""
    leader, follower = pty.openpty()
    process = subprocess.Popen(place.command("run", "study.toml", "--force"), cwd=place.path,
                               stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    assert process.wait(60) == 0
    text = shown.decode()
    assert re.search(r"\rsample: |\x1b\[Ksample: 0/4 cases", text), text
    assert re.search(r"/s, \d+ s left", text), text
    assert text.endswith("\r\x1b[K")  # the line is wiped
