# SPDX-License-Identifier: BSD-3-Clause
"""What is no recording, and what does not fit, is told in one line that names file and dataset."""
import os

import h5py
import numpy as np
import pytest

from conftest import RECORDINGS


def replace(file, name, values):
    del file[name]
    file[name] = values


def entry(file, name, index, value):
    file[name][index] = value


# recording, what is changed in it, all that the error has to say
BAD = {
    "no model": ("mlp_tanh", lambda f: f.attrs.pop("model"), ["'model'", "FNO2d"]),
    "unknown model": ("mlp_tanh", lambda f: f.attrs.modify("model", "MPL"),
                      ["'MPL'", "did you mean 'MLP'", "DeepONet", "PINN"]),
    "model is a number": ("mlp_tanh", lambda f: f.attrs.create("model", 3), ["'model'"]),
    "missing weight": ("mlp_tanh", lambda f: f.pop("params/layer1.weight"),
                       ["'/params/layer1.weight'", "missing"]),
    "lr is a text": ("mlp_tanh", lambda f: f["adam"].attrs.create("lr", "fast"),
                     ["'lr'", "'/adam'"]),
    "missing bias": ("deeponet", lambda f: f.pop("params/bias"), ["'/params/bias'", "missing"]),
    "missing spectral weight": ("fno1d", lambda f: f.pop("params/spec2.weight"),
                                ["'/params/spec2.weight'", "missing"]),
    "missing half": ("fno2d", lambda f: f.pop("params/spec0.weight_hi"),
                     ["'/params/spec0.weight_hi'", "missing"]),
    "no params": ("fno2d", lambda f: f.pop("params"), ["'/params/lift.weight'", "missing"]),
    "no inputs": ("mlp_tanh", lambda f: f.pop("inputs"), ["'/inputs/x'", "missing"]),
    "no targets": ("mlp_tanh", lambda f: f.pop("targets"), ["'/targets/y'", "missing"]),
    "no direction": ("mlp_tanh", lambda f: f.pop("hvp_v/layer0.bias"),
                     ["'/hvp_v/layer0.bias'", "missing"]),
    "extra parameter": ("mlp_tanh", lambda f: f.create_dataset("params/layer3.weight", data=[1.0]),
                        ["'/params/layer3.weight'", "no place"]),
    "wrong shape": ("mlp_tanh", lambda f: replace(f, "params/layer1.weight", np.ones((16, 15))),
                    ["'/params/layer1.weight'", "(16, 15)", "(16, 16)"]),
    "transposed": ("mlp_tanh", lambda f: replace(f, "params/layer0.weight", np.ones((3, 16))),
                   ["'/params/layer0.weight'", "(3, 16)", "(16, 3)"]),
    "flat": ("mlp_tanh", lambda f: replace(f, "params/layer0.weight", np.ones(48)),
             ["'/params/layer0.weight'", "(48)", "(16, 3)"]),
    "wrong bias": ("deeponet", lambda f: replace(f, "params/trunk1.bias", np.ones(17)),
                   ["'/params/trunk1.bias'", "(17)", "(16)"]),
    "wrong modes": ("fno1d", lambda f: replace(f, "params/spec1.weight", np.ones((8, 8, 5, 2))),
                    ["'/params/spec1.weight'", "(8, 8, 5, 2)", "(8, 8, 6, 2)"]),
    "complex weight": ("fno1d", lambda f: replace(f, "params/spec0.weight",
                                                  np.ones((8, 8, 6, 2), complex)),
                       ["'/params/spec0.weight'", "floating-point"]),
    "integers": ("mlp_tanh", lambda f: replace(f, "params/layer0.bias", np.ones(16, int)),
                 ["'/params/layer0.bias'", "floating-point"]),
    "wrong lift": ("fno1d", lambda f: replace(f, "params/lift.weight", np.ones((8, 3))),
                   ["'/params/lift.weight'", "(8, 3)", "(4, 32, 1)"]),
    "wrong projection": ("fno1d", lambda f: replace(f, "params/proj2.weight", np.ones((2, 16))),
                         ["'/params/proj2.weight'", "(2, 16)", "(1, 16)"]),
    "wrong input": ("mlp_tanh", lambda f: replace(f, "inputs/x", np.ones((64, 4))),
                    ["'/inputs/x'", "(64, 4)", "(n, 3)"]),
    "empty input": ("mlp_tanh", lambda f: replace(f, "inputs/x", np.ones((0, 3))),
                    ["'/inputs/x'", "(0, 3)"]),
    "wrong target": ("mlp_tanh", lambda f: replace(f, "targets/y", np.ones((63, 2))),
                     ["'/targets/y'", "(63, 2)", "(64, 2)"]),
    "wrong other grid": ("fno1d", lambda f: replace(f, "other_grid_48/x", np.ones((4, 48))),
                         ["'/other_grid_48/x'", "(4, 48)"]),
    "other direction": ("mlp_tanh", lambda f: replace(f, "hvp_v/layer0.bias", np.ones(15)),
                        ["'/hvp_v/layer0.bias'", "(15)", "(16)"]),
    "nan": ("mlp_tanh", lambda f: entry(f, "params/layer1.weight", (2, 3), np.nan),
            ["'/params/layer1.weight'", "nan", "entry 35"]),
    "infinite": ("fno2d", lambda f: entry(f, "params/skip0.bias", 1, -np.inf),
                 ["'/params/skip0.bias'", "-inf"]),
    "nan input": ("deeponet", lambda f: entry(f, "inputs/q", (0, 1), np.nan),
                  ["'/inputs/q'", "nan"]),
    "grid too coarse": ("fno1d", lambda f: (replace(f, "other_grid_48/x", np.ones((4, 9, 1)))),
                        ["'/other_grid_48/x'", "Nyquist", "at most 5"]),
    "rows too few": ("fno2d", lambda f: (f.attrs.modify("padding", 0),
                                         replace(f, "inputs/x", np.ones((1, 2, 40, 1)))),
                     ["'/inputs/x'", "first axis", "Nyquist"]),
    "columns too few": ("fno2d", lambda f: (f.attrs.modify("padding", 0),
                                            replace(f, "inputs/x", np.ones((1, 40, 3, 1)))),
                        ["'/inputs/x'", "second axis", "Nyquist"]),
    "one point": ("fno2d", lambda f: replace(f, "inputs/x", np.ones((1, 1, 40, 1))),
                  ["'/inputs/x'", "one point"]),
    "unknown activation": ("mlp_tanh", lambda f: f.attrs.modify("activation", "swish"),
                           ["'swish'", "tanh", "gelu"]),
    "activation of an fno": ("fno1d", lambda f: f.attrs.modify("activation", "relu"),
                             ["'relu'", "gelu"]),
    "gelu by tanh": ("fno1d", lambda f: f.attrs.modify("activation", "gelu (tanh)"), ["erf"]),
    "sizes contradict": ("mlp_tanh", lambda f: f.attrs.modify("sizes", [3, 16, 17, 2]),
                         ["'/params/layer1.weight'", "(16, 16)", "(17, 16)"]),
    "width contradicts": ("fno1d", lambda f: f.attrs.modify("width", 9),
                          ["'/params/lift.weight'", "(8, 2)", "(9, 2)"]),
    "layers contradict": ("fno1d", lambda f: f.attrs.modify("layers", 4),
                          ["'/params/spec3.weight'"]),
    "fewer layers": ("fno1d", lambda f: f.attrs.modify("layers", 2), ["'/params/skip2.bias'"]),
    "modes contradict": ("fno1d", lambda f: f.attrs.modify("modes", 7),
                         ["'/params/spec0.weight'", "(8, 8, 6, 2)", "(8, 8, 7, 2)"]),
    "modes of one axis": ("fno2d", lambda f: f.attrs.create("modes", 3), ["'modes'"]),
    "no padding": ("fno2d", lambda f: f.attrs.pop("padding"), ["'padding'"]),
    "half a cell": ("fno1d", lambda f: f.attrs.create("padding", 0.5), ["'padding'", "0.5"]),
    "negative size": ("mlp_tanh", lambda f: f.attrs.modify("sizes", [3, -16, 16, 2]),
                      ["'sizes'", "-16"]),
    "huge size": ("fno1d", lambda f: f.attrs.modify("width", 2**62), ["'width'"]),
    "many layers": ("fno1d", lambda f: f.attrs.modify("layers", 8000), ["'/params/spec3.weight'"]),
    "grid unknown": ("fno1d", lambda f: f.attrs.modify("grid", "(i+1/2)/N"), ["'grid'", "i/N"]),
    "no beta": ("pinn_convection", lambda f: f.attrs.pop("beta"), ["'beta'"]),
    "nan rate": ("mlp_tanh", lambda f: f["adam"].attrs.modify("lr", np.nan), ["'lr'", "'/adam'"]),
    "order names another": ("mlp_tanh", lambda f: entry(f, "param_order", 2, "a"),
                            ["'/param_order'", "'a'"]),
    "order names one twice": ("mlp_tanh", lambda f: replace(
        f, "param_order", ["layer0.weight"] * 6), ["'/param_order'", "twice"]),
    "sizes of parameters": ("mlp_tanh", lambda f: entry(f, "param_sizes", 0, 47),
                            ["'/param_sizes'", "47"]),
    "path of other networks": ("diagnostics", lambda f: f.pop("linear_path/B/layer1.bias"),
                               ["'/linear_path/B/layer1.bias'", "missing"]),
    "no spectrum of a vector": ("diagnostics", lambda f: replace(f, "hill/m0/W", np.ones(9)),
                                ["'/hill/m0/W'", "(9)"]),
    "similarity of other samples": ("diagnostics", lambda f: replace(f, "cka/Y", np.ones((39, 5))),
                                    ["'/cka/Y'", "(39, 5)"]),
    "inputs alone": ("mlp_tanh", lambda f: [f.pop(name) for name in list(f) if name not in
                                            ("params", "inputs", "targets")], ["inputs alone"]),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_recordings(folder, what):
    recording, change, says = BAD[what]
    name = folder.changed(recording, change)
    line = folder.error(name, "-o", "out.h5")
    for text in [name, *says]:
        assert text in line, line
    assert folder.files() == [name]


def test_all_ranks_leave(folder):
    recording, change, says = BAD["nan"]
    line = folder.error(folder.changed(recording, change), ranks=3)
    assert says[0] in line


def content():
    return RECORDINGS["mlp_tanh"].read_bytes()


@pytest.mark.parametrize("what", ("empty", "text", "half", "end", "folder", "missing"))
def test_files_that_are_not_hdf5(folder, what):
    name = "file.h5"
    if what == "folder":
        os.mkdir(folder.path / name)
    elif what != "missing":
        (folder.path / name).write_bytes({"empty": b"", "text": b"model = MLP\n",
                                          "half": content()[:len(content()) // 2],
                                          "end": content()[:-64]}[what])
    assert name in folder.error(name)


def test_broken_bytes(folder):
    """Read, or refused, or different. Always the same places: HDF5 1.10 itself crashes on others."""
    random = np.random.default_rng(20261121)
    for _ in range(20):
        broken = bytearray(content())
        start = random.integers(0, len(broken) - 16)
        broken[start:start + 16] = random.bytes(16)
        (folder.path / "broken.h5").write_bytes(broken)
        done = folder.replay("broken.h5")
        assert done.returncode in (0, 1, 2), (start, done.returncode, done.stderr)
        if done.returncode:
            assert "broken.h5" in done.stderr, (start, done.stderr)


def test_shapes_beyond_all_memory(folder):
    def change(file):
        del file["params/layer0.weight"]
        file.create_dataset("params/layer0.weight", (2**40, 3), "f8", chunks=(2**10, 3))
    line = folder.error(folder.changed("mlp_tanh", change))
    assert "'/params/layer0.weight'" in line and "changed.h5" in line


def test_newer_format_and_links(folder):
    def change(file):
        file["elsewhere"] = file["grad"]
        file["elsewhere/loss"] = file["loss"]
        del file["loss"]
        file["loss"] = h5py.SoftLink("/elsewhere/loss")
    done = folder.replay(folder.changed("mlp_tanh", change))
    assert done.returncode == 2 and "'/elsewhere/loss'" in done.stderr, done.stderr
    dangling = folder.changed("mlp_tanh", lambda f: f.__setitem__("a", h5py.SoftLink("/b")), "b.h5")
    assert "'/a'" in folder.error(dangling)
    with h5py.File(RECORDINGS["mlp_tanh"]) as old, \
            h5py.File(folder.path / "new.h5", "w", libver="latest") as new:
        for name in old:
            old.copy(name, new)
        for key, value in old.attrs.items():
            new.attrs[key] = value
    folder.report("new.h5", "-o", "out.h5")


@pytest.mark.parametrize("output", (".", "none/out.h5", "input.h5"))
def test_outputs_that_cannot_be_written(folder, output):
    folder.changed("mlp_tanh", lambda file: None, "input.h5")
    before = (folder.path / "input.h5").read_bytes()
    assert output in folder.error("input.h5", "-o", output)
    assert (folder.path / "input.h5").read_bytes() == before


def test_what_was_there_stays(folder):
    recording, change, _ = BAD["nan"]
    (folder.path / "out.h5").write_bytes(b"precious")
    folder.error(folder.changed(recording, change), "-o", "out.h5")
    assert (folder.path / "out.h5").read_bytes() == b"precious"
