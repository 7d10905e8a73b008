# SPDX-License-Identifier: BSD-3-Clause
"""Every recording of reference/physics/nn is met, whole and in parts, and written again."""
import h5py
import numpy as np
import pytest

from conftest import RECORDINGS, datasets, is_input, results

LIMITS = {"forward": 1e-12, "loss": 1e-12, "other_grid": 1e-12, "grad": 1e-10, "grad_norm": 1e-10,
          "input_grad": 1e-10, "jacobian": 1e-10, "hvp": 1e-9, "vHv": 1e-9, "input_hessian": 1e-9,
          "burgers_hvp": 1e-8, "losses": 1e-8, "final_params": 1e-8, "eigenvalues": 1e-8,
          "hessian_top": 1e-8, "hessian_trace": 1e-8, "hessian_asym": 1e-8, "diagnostics": 1e-10}
MODELS = {"MLP", "FNO1d", "DeepONet", "FNO2d", "PINN", "Diagnostics"}


def attribute(recording, name):
    with h5py.File(RECORDINGS[recording]) as file:
        return file.attrs.get(name)


def test_all_models_are_there():
    assert {attribute(name, "model") for name in RECORDINGS} == MODELS


@pytest.mark.parametrize("recording", RECORDINGS)
def test_recordings_are_met(folder, recording):
    report = folder.report(RECORDINGS[recording])
    with h5py.File(RECORDINGS[recording]) as file:
        expected = results(file)
        sizes = sum(file["params"][name].size for name in file["params"]) if "params" in file else 0
    assert report["present"] == report["compared"] == len(expected)
    assert sorted(one["name"] for one in report["datasets"]) == sorted("/" + n for n in expected)
    assert report["parameters"] == sizes and report["model"] == attribute(recording, "model")
    for name, found in report["quantities"].items():
        assert found["limit"] == LIMITS[name] and found["error"] <= LIMITS[name]
    assert ("jets_against_nested" in report) == (report["model"] == "PINN")
    if report["model"] == "PINN":
        assert report["jets_against_nested"]["error"] <= 1e-11


@pytest.mark.parametrize("recording", RECORDINGS)
def test_output_has_the_same_layout(folder, recording):
    done = folder.replay(RECORDINGS[recording], "-o", "out.h5")
    assert done.returncode == 0, done.stderr
    with h5py.File(RECORDINGS[recording]) as a, h5py.File(folder.path / "out.h5") as b:
        def same(name, item):
            other = b[name]
            assert item.attrs.keys() == other.attrs.keys(), name
            for key, value in item.attrs.items():
                np.testing.assert_array_equal(other.attrs[key], value)
            if isinstance(item, h5py.Dataset):
                assert item.shape == other.shape and item.dtype == other.dtype, name
                if is_input(name):
                    np.testing.assert_array_equal(item[()], other[()])
        same("/", a["/"])
        a.visititems(same)
        assert sorted(datasets(a)) == sorted(datasets(b))
    again = folder.report("out.h5", "-o", "out2.h5")
    assert {found["error"] for found in again["quantities"].values()} == {0}
    assert folder.files() == ["out.h5", "out2.h5"]
    assert (folder.path / "out.h5").read_bytes() == (folder.path / "out2.h5").read_bytes()


def tops(recording):
    with h5py.File(RECORDINGS[recording]) as file:
        return sorted({name.split("/")[0] for name in results(file)})


ONE_EACH = {attribute(name, "model"): name for name in RECORDINGS}.values()


@pytest.mark.parametrize("recording, kept", [(r, top) for r in ONE_EACH for top in tops(r)])
def test_any_part_alone(folder, recording, kept):
    """One group of results and the inputs, none of what only tells sizes."""
    def change(file):
        for name in results(file):
            if name.split("/")[0] != kept:
                del file[name]
        for name in ("param_order", "param_sizes"):
            file.pop(name, None)
        if "hvp_Hv" not in file and "vHv" not in file and "burgers/hvp_Hv" not in file:
            file.pop("hvp_v", None)
        for name in ("sizes", "width", "modes", "layers", "proj_hidden", "branch", "trunk", "dtype",
                     "torch", "loss"):
            file.attrs.pop(name, None)
    report = folder.report(folder.changed(recording, change))
    assert report["compared"] == report["present"] > 0


def test_the_table(folder):
    done = folder.replay(RECORDINGS["pinn_convection"])
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == ""
    assert lines[1].split()[0] == "quantity"
    assert any(line.startswith("jets against nested reverse mode: ") for line in lines)
    with h5py.File(RECORDINGS["pinn_convection"]) as file:
        n = len(results(file))
    assert lines[-1] == f"compared {n} / {n}"


def test_ranks(folder):
    alone = folder.replay(RECORDINGS["mlp_tanh"], "-o", "a.h5")
    three = folder.replay(RECORDINGS["mlp_tanh"], "-o", "b.h5", ranks=3)
    assert three.returncode == 0, three.stderr
    assert alone.stdout == three.stdout
    assert (folder.path / "a.h5").read_bytes() == (folder.path / "b.h5").read_bytes()


def test_other_limits(folder):
    report = folder.report(RECORDINGS["mlp_tanh"], "--tolerance", "grad=0", "--tolerance",
                           "hvp=1e-30", code=2)
    assert report["quantities"]["grad"]["limit"] == 0
    assert {one["quantity"] for one in report["datasets"] if not one["passed"]} == {"grad", "hvp"}
    for text in ("grads=1e-3", "grad", "grad=", "grad=x", "grad=-1", "grad=nan", "grad=1e-3x"):
        line = folder.error(RECORDINGS["mlp_tanh"], "--tolerance", text)
        assert text in line, line
    assert "did you mean 'grad'" in folder.error(RECORDINGS["mlp_tanh"], "--tolerance", "grads=1")


def test_a_looser_limit_lets_an_error_pass(folder):
    def change(file):
        file["loss"][()] *= 1 + 1e-9
    name = folder.changed("mlp_tanh", change)
    folder.report(name, code=2)
    folder.report(name, "--tolerance", "loss=1e-8")
