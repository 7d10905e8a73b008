# SPDX-License-Identifier: BSD-3-Clause
"""What was recorded wrongly is found and named, and nothing else is."""
import os
import random

import h5py
import numpy as np
import pytest

from conftest import RECORDINGS, failed, results


def perturb(file, name):
    """One entry by a millionth of the largest; a value that is not finite to a finite one."""
    values = np.array(file[name][()])
    flat = values.reshape(-1)
    entry = flat.size // 2
    if values.dtype.kind == "i":
        flat[entry] += 1
    elif not np.isfinite(flat[entry]):
        flat[entry] = 5
    else:
        largest = np.abs(flat[np.isfinite(flat)]).max()
        flat[entry] += 1e-6 * largest if largest > 1e-12 else 1e-6
    file[name][...] = values


def kinds(recording):
    """One dataset of every group, results without a group alone."""
    with h5py.File(RECORDINGS[recording]) as file:
        groups = {}
        for name in results(file):
            single = name.split("/")[0] in ("forward", "hill", "cka", "linear_path")
            groups.setdefault(name if single else name.rpartition("/")[0] or name, []).append(name)
    return [names[len(names) // 2] for names in groups.values()]


@pytest.mark.parametrize("recording", RECORDINGS)
def test_one_perturbed_dataset_of_every_kind(folder, recording):
    chosen = kinds(recording)

    def change(file):
        for name in chosen:
            perturb(file, name)
    report = folder.report(folder.changed(recording, change), code=2)
    assert failed(report) == sorted(chosen)
    assert report["compared"] == report["present"]


@pytest.mark.parametrize("recording", RECORDINGS)
def test_one_perturbed_dataset(folder, recording):
    seed = int(os.environ.get("MOHO_SEED", "20261121"))
    print("MOHO_SEED", seed)
    with h5py.File(RECORDINGS[recording]) as file:
        chosen = random.Random(f"{seed}{recording}").choice(results(file))
    name = folder.changed(recording, lambda file: perturb(file, chosen))
    done = folder.replay(name)
    assert done.returncode == 2
    line, = [line for line in done.stderr.splitlines() if line.startswith("moho: ")]
    assert f"'/{chosen}'" in line and name in line and "limit" in line
    assert "FAILED" in done.stdout


@pytest.mark.parametrize("value", (np.nan, np.inf))
def test_results_that_are_not_finite(folder, value):
    def change(file):
        file["grad/layer1.bias"][3] = value
    assert failed(folder.report(folder.changed("mlp_tanh", change), code=2)) == ["grad/layer1.bias"]


@pytest.mark.parametrize("name", ("extra", "forward/hidden", "grad/layer9.weight", "more/data",
                                  "forward/note", "inputs/z", "targets/z", "hill/w", "adam/extra",
                                  "linear_path/cka_hidden9"))
def test_extra_datasets(folder, name):
    recording = "diagnostics" if name.startswith(("hill", "linear_path")) else "mlp_tanh"

    def change(file):
        file[name] = np.array("text", h5py.string_dtype()) if name.endswith("note") else np.zeros(3)
    name_of_file = folder.changed(recording, change)
    report = folder.report(name_of_file, code=2)
    assert failed(report) == [name]
    assert report["compared"] == report["present"] - 1
    problem, = [one["problem"] for one in report["datasets"] if not one["passed"]]
    assert "cannot be" in problem
    done = folder.replay(name_of_file)
    assert done.returncode == 2 and f"'/{name}'" in done.stderr
    assert done.stdout.splitlines()[-1].startswith("compared ")


def test_results_of_another_shape(folder):
    def change(file):
        values = file["grad/layer1.weight"][()]
        del file["grad/layer1.weight"], file["loss"], file["vHv"]
        file["grad/layer1.weight"] = values[:-1]
        file["loss"] = "text"
        file["vHv"] = np.zeros(0)
    name = folder.changed("mlp_tanh", change)
    assert failed(folder.report(name, code=2)) == ["grad/layer1.weight", "loss", "vHv"]
    text = folder.replay(name).stderr
    assert "(15, 16)" in text and "(16, 16)" in text


def test_a_number_may_be_an_array_of_one(folder):
    def change(file):
        loss = file["loss"][()]
        del file["loss"]
        file["loss"] = [loss]
    folder.report(folder.changed("mlp_tanh", change), "-o", "out.h5")
    with h5py.File(folder.path / "out.h5") as file:
        assert file["loss"].shape == (1,)


ATTRIBUTES = {
    "activation": ("mlp_tanh", "/", "activation", "sin", "forward/y"),
    "trunk": ("deeponet", "/", "activation", "tanh; trunk last layer linear", "forward/trunk"),
    "beta": ("pinn_convection", "/", "beta", 5.5, "loss"),
    "grid": ("fno1d", "/", "grid", "i/(N-1)", "forward/lift"),
    "adam": ("mlp_tanh", "adam", "lr", 0.011, "adam/losses"),
    "sgd": ("mlp_tanh", "sgd_momentum", "lr", 0.009, "sgd_momentum/losses"),
}


@pytest.mark.parametrize("what", ATTRIBUTES)
def test_attributes_count(folder, what):
    recording, item, key, value, found = ATTRIBUTES[what]

    def change(file):
        file[item].attrs[key] = value
    names = failed(folder.report(folder.changed(recording, change), code=2))
    assert found in names
    if what in ("adam", "sgd"):
        assert {name.split("/")[0] for name in names} == {item}


def test_padding_counts(folder):
    def change(file):
        file.attrs["padding"] = 2
    names = failed(folder.report(folder.changed("fno1d", change), code=2))
    assert "forward/y" in names and "loss" in names


def test_a_failed_replay_is_written_all_the_same(folder):
    def change(file):
        file["loss"][()] += 1
        file["extra"] = 1.0
    folder.report(folder.changed("mlp_tanh", change), "-o", "out.h5", code=2)
    report = folder.report("out.h5")  # without what nobody knows
    assert report["compared"] == report["present"]
