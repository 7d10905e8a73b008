# SPDX-License-Identifier: BSD-3-Clause
"""Finite element studies, read from the records of the executable."""
import json

import h5py
import pytest
from conftest import SOURCE, workplace

axis, sets, SMOKE = workplace.axis, workplace.sets, workplace.SMOKE
TABLE = json.loads((SOURCE / "reference/physics/fem/l2_errors.json").read_text())["cases"]


def records(place):
    """Records of the cases, without the fits."""
    found = [json.loads(path.read_text()) for path in place.results()]
    return [record for record in found if "synthesis" not in record["case"]]


@pytest.mark.parametrize("name", ["square", "disk", "disk-curved", "corner", "diffusion", "mixed",
                                  "elasticity", "helmholtz"])
def test_orders_are_those_of_theory(place, name):
    place.study(f"fem-{name}.toml", ranks=2)
    fits = place.fits()
    assert fits and all(record["status"] == "ok" for record, _ in fits)
    for record in records(place):
        assert record["status"] == "ok"
        assert record["metrics"]["of_mean"] < 0.05
        for phase in ("assembly", "load", "preconditioner", "solve", "evaluate"):
            assert record["timings"][f"apply.{phase}"]["median"] >= 0
        for phase in ("mesh", "space", "tables", "first_assembly"):
            assert f"prepare.{phase}" in record["timings"]
        checks = {check["name"]: check for check in record["checks"]}
        assert checks["solver_converged"]["pass"]


def test_straight_sides_of_a_disk_limit_p2(place):
    place.study("fem-disk.toml")
    rates = {record["case"]["degree"]: record["metrics"]["rate"] for record, _ in place.fits()}
    assert abs(rates[1] - 2) < 0.1 and abs(rates[2] - 2) < 0.1
    place.study("fem-disk-curved.toml")
    curved = [record["metrics"]["rate"] for record, _ in place.fits() if record["case"]["curved"]]
    assert curved[0] > 2.7


def test_a_wrong_expectation_is_found_out(place):
    place.study("fem-square.toml", axis("degree", [1]), axis("cell", ["triangle"]),
                "convergence.0.expected=3", code=2)
    broken = [check["name"] for record, _ in place.fits() for check in record["checks"]
              if not check["pass"]]
    assert broken == ["rate_expected"]


@pytest.mark.parametrize("case", [c for c in TABLE if c["n"] * c["degree"] <= 32 or
                                  (c["domain"] == "square" and c["n"] == 256)],
                         ids=lambda c: f"{c['problem']}-{c['domain']}-{c['degree']}-{c['n']}")
def test_errors_equal_those_of_dolfinx_to_six_digits(place, case):
    solver = "gamg" if case["problem"] == "elasticity" else "hypre"
    place.study("fem-accuracy.toml", f"problem.name={case['problem']}",
                f"problem.domain={case['domain']}", axis("degree", [case["degree"]]),
                f"method.n={case['n']}", f"petsc.pc_type={solver}", "petsc.ksp_rtol=1e-12",
                "limits.l2_error=1", "measure.repeats=1", "measure.warmup=0")
    record, = records(place)
    assert record["metrics"]["l2_error"] == pytest.approx(case["l2_error"], rel=5e-7)


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_any_number_of_ranks_gives_the_same(shared, place, ranks):
    small = ("fem-mixed.toml", axis("n", [8, 16, 24]), axis("degree", [2]), "measure.ranks_per_case=0")
    one = {r["id"]: r["metrics"] for r in records(shared("one", *small))}
    place.study(*small, ranks=ranks)
    many = {r["id"]: r["metrics"] for r in records(place)}
    assert one.keys() == many.keys() and len(one) == 6
    for name, metrics in one.items():
        for key in ("l2_error", "h1_error", "point_rel_l2", "largest"):
            assert many[name][key] == pytest.approx(metrics[key], rel=1e-6), key


def test_a_diverged_solver_is_invalid_and_the_run_goes_on(place):
    place.study("fem-square.toml", axis("degree", [1]), axis("cell", ["triangle"]),
                axis("n", [2, 64, 128]), "petsc.ksp_max_it=4", "petsc.pc_type=jacobi",
                "limits.of_mean=10", code=2)
    by_n = {record["case"]["n"]: record for record in records(place)}
    assert by_n[2]["status"] == "ok" and by_n[128]["status"] == "invalid"
    broken = [check for check in by_n[128]["checks"] if not check["pass"]]
    assert "solver_converged" in [check["name"] for check in broken]
    reason = next(check for check in broken if check["name"] == "solver_converged")
    assert "KSP_DIVERGED_ITS" in reason["note"]
    assert all(fom["value"] is None for fom in by_n[128]["fom"])


def failed(place):
    return [record["error"] for record in records(place) if record["status"] == "failed"]


@pytest.mark.parametrize("overrides, parts", [
    (["problem.name=poisson", "problem.solution=cosine"], ["singular", "nullspace"]),
    (["problem.name=poisson", "problem.domain=disk"], ["no built-in mesh"]),
    (["problem.name=poisson", "problem.domain=cube", "method.cell=triangle"], ["3 dimensions"]),
    (["problem.name=poisson", "method.mesh=nowhere.msh"], ["nowhere.msh"]),
    (["problem.name=heat"], ["boundary-value problem"]),
])
@pytest.mark.parametrize("ranks", [0, 2])
def test_what_can_never_run_is_told_before_any_work(place, overrides, parts, ranks):
    study = [SMOKE / "fem-accuracy.toml", *sets(*overrides, "limits.l2_error=1")]
    for command in (["run"], ["config", "check"]):
        said = place.refused(*command, *study, ranks=ranks)
        assert all(part in said for part in [*parts, "case fem-"]), said
    assert not records(place)


@pytest.mark.parametrize("overrides, parts", [
    (["problem.name=mixed-boundary", "method.mesh=lshape.msh", "method.n=1"],
     ["does not fit the domain 'square'"]),
    (["problem.name=poisson", "petsc.ksp_typo=cg"], ["ksp_typo"]),
    (["problem.name=poisson", "petsc.pc_type=nonsense"], ["nonsense"]),
])
@pytest.mark.parametrize("ranks", [0, 2])
def test_bad_input_fails_the_case_and_says_why(place, overrides, parts, ranks):
    place.study("fem-accuracy.toml", *overrides, "limits.l2_error=1", ranks=ranks, code=4)
    errors = failed(place)
    assert errors and all(part in error for part in parts for error in errors), errors


@pytest.mark.parametrize("options", [["ksp_rtol=1.0"], ["ksp_atol=1e300"],
                                     ["ksp_max_it=1", "ksp_converged_maxits=true"]])
def test_petscs_word_alone_rates_nothing(place, options):
    place.study("fem-accuracy.toml", *[f"petsc.{option}" for option in options],
                "limits.l2_error=10", code=2)
    for record in records(place):
        assert record["status"] == "invalid"
        failing = {check["name"]: check["note"] for check in record["checks"] if not check["pass"]}
        assert "is left" in failing["solver_converged"]
        assert all(fom["value"] is None for fom in record["fom"])


def test_tiny_meshes_and_meshes_of_degree_2_serve(place):
    place.study("fem-square.toml", axis("degree", [1, 2]), axis("cell", ["triangle"]),
                axis("n", [1, 2]), "limits.of_mean=1e9", code=2)  # no order yet
    assert [record["status"] for record in records(place)] == ["ok"] * 4
    place.study("fem-disk.toml", "method.mesh=disk-order2.msh", axis("degree", [1]),
                axis("n", [1, 2, 4]))


def test_missing_boundary_tags_are_named(place, tmp_path):
    """A square whose file names its sides 1, 2, 3 and not 4."""
    path = tmp_path / "square.msh"
    nodes = [(0, 0), (1, 0), (1, 1), (0, 1)]
    lines = [(1, 4, 1), (2, 2, 3), (3, 1, 2), (0, 3, 4)]
    text = ["$MeshFormat", "2.2 0 8", "$EndMeshFormat", "$Nodes", "4"]
    text += [f"{i + 1} {x} {y} 0" for i, (x, y) in enumerate(nodes)]
    tagged = [line for line in lines if line[0]]
    text += ["$EndNodes", "$Elements", str(len(tagged) + 2)]
    text += [f"{i + 1} 1 2 {tag} {tag} {a} {b}" for i, (tag, a, b) in enumerate(tagged)]
    text += ["4 2 2 9 9 1 2 3", "5 2 2 9 9 1 3 4", "$EndElements", ""]
    path.write_text("\n".join(text))
    place.study("fem-accuracy.toml", "problem.name=mixed-boundary", f"method.mesh={path}",
                "method.n=4", "limits.l2_error=1", code=4)
    errors = failed(place)
    assert errors and all("no boundary facets with tag 4" in error for error in errors)


def test_a_mesh_smaller_than_the_ranks_fails_on_all(place):
    place.study("fem-accuracy.toml", "method.n=1", axis("degree", [1]), "limits.l2_error=1",
                ranks=5, code=4)
    error, = failed(place)
    assert "rank" in error


def test_the_mean_is_zero_where_only_the_flux_is_known(place):
    place.study("fem-square.toml", "problem.solution=cosine", "method.nullspace=constant",
                axis("cell", ["quadrilateral"]), axis("degree", [1]))
    assert all(record["status"] == "ok" for record, _ in place.fits())


def test_fields_for_viewers_are_those_of_the_record(place):
    place.study("fem-disk.toml", "measure.fields=true", axis("degree", [2]), axis("n", [1, 2, 4]),
                ranks=3)
    folders = [path.parent for path in place.results() if (path.parent / "solution.xdmf").is_file()]
    assert len(folders) == 3
    compared = 0
    for folder in folders:
        with h5py.File(folder / "solution.h5") as seen, h5py.File(folder / "data.h5") as kept:
            def sorted_rows(points, values):
                return sorted(zip(map(tuple, points), values.ravel()))
            written = sorted_rows(seen["points"][()], seen["step000000/u"][()])
            assert set(seen["cells"][()].ravel()) == set(range(len(written)))
            if "field/node_point" in kept: # not of large meshes
                recorded = sorted_rows(kept["field/node_point"][()], kept["field/node_value"][()])
                assert written == recorded
                compared += 1
    assert compared >= 2


def test_without_the_wish_there_are_no_fields(place):
    place.study("fem-disk.toml", axis("degree", [1]))
    assert not list(place.path.rglob("*.xdmf"))
