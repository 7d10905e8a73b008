# SPDX-License-Identifier: BSD-3-Clause
"""Weights of PyTorch and moho: names and shapes there and back, what is refused, and that `moho
run` answers with them as PyTorch would. Networks are written here once more with numpy, after
PyTorch's definitions, so that all but one test need no PyTorch."""
import errno
import json
import math
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
from conftest import ANALYSIS  # noqa: F401  (puts analysis/ on the path)

import load
import torch_weights as tw

MOHO = os.environ.get("MOHO_EXE")
ALIKE = 1e-13  # relative, of answers in double precision; moho promises 1e-12


# ---- networks, as PyTorch has them ---------------------------------------------------------------


def linear(random, inside, outside, *ones):
    return {"weight": random.normal(size=(outside, inside, *ones)) / math.sqrt(inside),
            "bias": random.normal(size=outside)}


def under(name, arrays):
    return {f"{name}.{key}": value for key, value in arrays.items()}


def sequential(random, start, sizes):
    state = {}
    for i, (inside, outside) in enumerate(zip(sizes, sizes[1:])):
        state |= under(f"{start}{2 * i}", linear(random, inside, outside))
    return state


def mlp_state(sizes=(12, 9, 9, 12)):
    return sequential(np.random.default_rng(1), "", sizes)


def deeponet_state(sensors=12, axes=1, width=9):
    random = np.random.default_rng(2)
    return (sequential(random, "branch.", [sensors, width, width, width])
            | sequential(random, "trunk.", [axes, width, width, width])
            | {"b0": np.array(0.3)})


def fno_state(axes, width=5, modes=3, layers=3, projection=7):
    random = np.random.default_rng(3)
    state = under("fc0", linear(random, 1 + axes, width))
    for j in range(layers):
        for half in range(axes):
            shape = (width, width, *axes * [modes])
            state[f"conv{j}.weights{half + 1}"] = (random.normal(size=shape)
                                                   + 1j * random.normal(size=shape)) / width
        state |= under(f"w{j}", linear(random, width, width, *axes * [1]))
    return (state | under("fc1", linear(random, width, projection))
            | under("fc2", linear(random, projection, 1)))


def dense(state, name, x):
    weight = state[f"{name}.weight"]
    return x @ weight.reshape(weight.shape[:2]).T + state[f"{name}.bias"]


def relu(x):
    return np.maximum(x, 0)


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def mlp(state, x, start="", active_end=False):
    keys = [key for key in state if key.startswith(start) and key.endswith(".weight")]
    for i in range(len(keys)):
        x = dense(state, f"{start}{2 * i}", x)
        x = relu(x) if active_end or i + 1 < len(keys) else x
    return x


def deeponet(state, u, points):
    trunk = mlp(state, points, "trunk.", active_end=True)
    return mlp(state, u, "branch.") @ trunk.T + state["b0"]


def fno1d(state, x, coordinates, padding=0):
    """x (n, points) -> (n, points); fourier_1d.py."""
    n, points = x.shape
    h = dense(state, "fc0", np.stack([x, np.broadcast_to(coordinates, x.shape)], -1))
    h = np.pad(h, ((0, 0), (0, padding), (0, 0)))
    layers = sum(key.endswith("weights1") for key in state)
    for j in range(layers):
        weights = state[f"conv{j}.weights1"]
        known = np.fft.rfft(h, axis=1)
        out = np.zeros_like(known)
        modes = weights.shape[2]
        out[:, :modes] = np.einsum("bki,iok->bko", known[:, :modes], weights)
        h = np.fft.irfft(out, h.shape[1], axis=1) + dense(state, f"w{j}", h)
        h = gelu(h) if j + 1 < layers else h
    return dense(state, "fc2", gelu(dense(state, "fc1", h[:, :points])))[..., 0]


def fno2d(state, x, padding=0):
    """x (n, points, points) -> the same; fourier_2d.py."""
    axes = [np.linspace(0, 1, points) for points in x.shape[1:]]
    grid = [np.broadcast_to(g, x.shape) for g in np.meshgrid(*axes, indexing="ij")]
    h = dense(state, "fc0", np.stack([x, *grid], -1))
    h = np.pad(h, ((0, 0), (0, padding), (0, padding), (0, 0)))
    layers = sum(key.endswith("weights1") for key in state)
    for j in range(layers):
        known = np.fft.rfft2(h, axes=(1, 2))
        out = np.zeros_like(known)
        m = state[f"conv{j}.weights1"].shape[2]
        for rows, half in ((slice(None, m), 1), (slice(-m, None), 2)):
            out[:, rows, :m] = np.einsum("bxyi,ioxy->bxyo", known[:, rows, :m],
                                         state[f"conv{j}.weights{half}"])
        h = np.fft.irfft2(out, h.shape[1:3], axes=(1, 2)) + dense(state, f"w{j}", h)
        h = gelu(h) if j + 1 < layers else h
    h = h[:, :x.shape[1], :x.shape[2]]
    return dense(state, "fc2", gelu(dense(state, "fc1", h)))[..., 0]


STATES = {"mlp": mlp_state, "deeponet": deeponet_state, "fno1d": lambda: fno_state(1),
          "fno2d": lambda: fno_state(2)}


# ---- there and back ------------------------------------------------------------------------------


def convert(tmp_path, state, *words, back=()):
    """Exit codes and arrays of .npz -> .h5 -> .npz by the command line."""
    np.savez(tmp_path / "in.npz", **state)
    assert tw.main(["to-moho", str(tmp_path / "in.npz"), "-o", str(tmp_path / "w.h5"), *words]) == 0
    assert tw.main(["to-torch", str(tmp_path / "w.h5"), "-o", str(tmp_path / "out.npz"),
                    *back]) == 0
    return tw.read_state(tmp_path / "out.npz")


def same(a, b):
    assert list(a) == list(b)
    for key in a:
        assert a[key].shape == b[key].shape and a[key].dtype.kind == b[key].dtype.kind, key
        np.testing.assert_array_equal(a[key], b[key])


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("prefix", ["", "module.net."])
def test_there_and_back_are_the_same_bits(tmp_path, kind, prefix):
    state = {prefix + key: value for key, value in STATES[kind]().items()}
    same(convert(tmp_path, state), state)
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.parametrize("kind", STATES)
def test_without_the_names_of_pytorch_the_usual_ones_are_given(kind):
    """As of the data.h5 that moho wrote."""
    state = STATES[kind]()
    converted = tw.to_moho(state)
    same(tw.to_torch(tw.Weights(converted.arrays)), state)


def test_names_and_shapes_in_moho():
    found = {name: a.shape for name, a in tw.to_moho(fno_state(2)).arrays.items()}
    assert found["lift.weight"] == (5, 3) and found["skip0.weight"] == (5, 5)
    assert found["spec2.weight_lo"] == found["spec2.weight_hi"] == (5, 5, 3, 3, 2)
    assert found["proj1.weight"] == (7, 5) and found["proj2.bias"] == (1,)
    assert tw.to_moho(fno_state(1)).arrays["spec0.weight"].shape == (5, 5, 3, 2)
    found = tw.to_moho(deeponet_state()).arrays
    assert found["bias"].shape == (1,) and {"branch0.weight", "trunk2.bias"} <= set(found)
    assert list(tw.to_moho(mlp_state()).arrays) == [
        f"layer{i}.{part}" for i in range(3) for part in ("weight", "bias")]
    # Re and Im
    state = fno_state(1)
    weights = tw.to_moho(state).arrays["spec1.weight"]
    np.testing.assert_array_equal(weights[..., 0] + 1j * weights[..., 1], state["conv1.weights1"])


def test_modes_of_older_codes_are_real_with_an_axis_of_two(tmp_path):
    state = fno_state(1)
    for j in range(3):
        modes = state[f"conv{j}.weights1"]
        state[f"conv{j}.weights1"] = np.stack([modes.real, modes.imag], -1)
    same(tw.to_moho(state).arrays, tw.to_moho(fno_state(1)).arrays)
    same(convert(tmp_path, state), state)


def test_a_map_gives_names(tmp_path, capsys):
    state = {"first.weight": np.ones((4, 3)), "first.bias": np.ones(4), "steps": np.array(7),
             "last.weight": np.ones((2, 4)), "last.bias": np.ones(2)}
    names = {"first.weight": "layer0.weight", "first.bias": "layer0.bias", "steps": None,
             "last.weight": "layer1.weight", "last.bias": "layer1.bias"}
    (tmp_path / "map.json").write_text(json.dumps(names))
    back = convert(tmp_path, state, "--map", str(tmp_path / "map.json"))
    same(back, {key: value for key, value in state.items() if key != "steps"})
    assert "mlp 3-4-2; 26 numbers in 4 arrays" in capsys.readouterr().out
    # a part of the names, and another network's names on the way back
    part = mlp_state((3, 4, 2)) | {"extra": np.ones(3)}
    assert list(tw.to_moho(part, {"extra": None}).arrays)[0] == "layer0.weight"
    found = tw.to_torch(tw.to_moho(part, {"extra": None}), {"encoder": "layer0.weight"})
    assert list(found) == ["encoder", "0.bias", "2.weight", "2.bias"]
    # names of no family: nothing but the values is checked
    assert list(tw.to_moho({"a": np.ones(3)}, {"a": "block0.inner.weight"}).arrays) == [
        "block0.inner.weight"]


# ---- what is refused -----------------------------------------------------------------------------


def changed(state, drop=(), **more):
    return {k: v for k, v in state.items() if k not in drop} | {
        key.replace("__", "."): value for key, value in more.items()}


@pytest.mark.parametrize("state, mapping, says", [
    (changed(mlp_state(), bn0__running_mean=np.ones(3)), None, "'bn0.running_mean' is not known"),
    (changed(fno_state(1), bn0__weight=np.ones(5)), None, "'bn0.weight' is not known .1 of"),
    (changed(mlp_state(), drop=["2.bias"]), None, "layer1.bias is missing"),
    (changed(fno_state(1), drop=["fc1.weight"]), None, "proj1.weight is missing"),
    (changed(fno_state(2), drop=["conv1.weights2"]), None, "spec1.weight_hi is missing"),
    (changed(fno_state(1), drop=["conv1.weights1"]), None, "layer 1 is missing"),
    (changed(fno_state(1), drop=["w2.weight", "w2.bias"]), None, "skip2.weight is missing"),
    (changed(deeponet_state(), drop=["b0"]), None, "bias is missing"),
    (changed(mlp_state(), **{"2.weight": np.ones((9, 8))}), None,
     r"layer1.weight \('2.weight' in PyTorch\) has the shape \(9, 8\) .* \(any, 9\)"),
    (changed(mlp_state(), **{"2.weight": np.ones((9, 9, 1))}), None, "has the shape"),
    (changed(fno_state(1), **{"w0.weight": np.ones((5, 5, 3))}), None, "convolution of one point"),
    (changed(fno_state(1), **{"conv2.weights1": np.ones((5, 5, 4)) + 1j}), None,
     r"spec2.weight .* has the shape \(5, 5, 4, 2\)"),
    (changed(fno_state(1), **{"conv2.weights1": np.ones((5, 5, 3))}), None, "is real"),
    (changed(fno_state(1), **{"fc0.weight": np.ones((5, 1))}), None, "takes 1 channels"),
    (changed(deeponet_state(), **{"trunk.0.weight": np.ones((8, 1))}), None, "trunk0.bias"),
    (changed(mlp_state(), **{"0.weight": np.ones((9, 12)) * 1j}), None, "is complex"),
    (changed(mlp_state(), **{"0.weight": np.ones((9, 12), int)}), None, "holds int64"),
    (changed(mlp_state(), **{"0.bias": np.full(9, np.nan)}), None, "not finite"),
    (mlp_state(), {"9.weight": "layer9.weight"}, "the map names '9.weight'"),
    (mlp_state(), {"0.weight": "layer1.weight"}, "are both layer1.weight"),
    (mlp_state(), {"0.weight": "weights"}, "layer0.weight is missing"),
    (mlp_state() | {"a": np.ones(2)}, {"a": "other"}, "other .'a' in PyTorch. is not one of"),
    ({"a": np.ones(2)}, {"a": None}, "no parameters"),
])
def test_what_does_not_fit_is_told(state, mapping, says):
    with pytest.raises(tw.WeightsError, match=says):
        tw.to_moho(state, mapping)


def test_the_way_back_refuses_too():
    good = tw.to_moho(mlp_state())
    for arrays, mapping, says in (
        (good.arrays | {"other": np.ones(2)}, None, "other is not one of"),
        ({"other": np.ones(2)}, None, "'other' has no name in PyTorch"),
        (good.arrays, {"x": "layer7.weight"}, "the map names layer7.weight"),
        (good.arrays, {"0.bias": "layer0.weight"}, "two parameters are called '0.bias'"),
        (good.arrays | {"layer1.bias": np.ones(2)}, None, "layer1.bias has the shape"),
    ):
        with pytest.raises(tw.WeightsError, match=says):
            tw.to_torch(tw.Weights(arrays), mapping)


def test_bad_files_are_named(tmp_path, capsys):
    np.savez(tmp_path / "good.npz", **mlp_state())
    (tmp_path / "bad.npz").write_bytes(b"no zip")
    (tmp_path / "bad.json").write_text("[1]")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    with h5py.File(tmp_path / "text.h5", "w") as file:
        file["weights/layer0.weight"] = "text"
    with h5py.File(tmp_path / "nan.h5", "w") as file:
        file["weights/layer0.weight"] = np.full((2, 2), np.nan)
    for words, says in (
        (["to-moho", "none.npz"], "cannot be read"),
        (["to-moho", "bad.npz"], "cannot be read"),
        (["to-moho", "good.npz", "--map", "bad.json"], "is no map"),
        (["to-moho", "good.npz", "--map", "none.json"], "cannot be read"),
        (["to-torch", "bad.npz"], "cannot be read"),
        (["to-torch", "empty.h5"], "no group /weights"),
        (["to-torch", "text.h5"], "holds no numbers"),
        (["to-torch", "nan.h5"], "not finite"),
    ):
        paths = [str(tmp_path / w) if "." in w else w for w in words]
        assert tw.main([*paths, "-o", str(tmp_path / "out.npz")]) == 1
        told = capsys.readouterr().err
        assert says in told and words[1 if "--map" not in words else 3] in told
    assert tw.main(["to-moho", str(tmp_path / "good.npz"), "-o", str(tmp_path / "no/w.h5")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert not (tmp_path / "out.npz").exists() and not list(tmp_path.glob(".*"))


@pytest.fixture
def full_disk(monkeypatch):
    """Nothing can be written to files; to memory it can."""
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tw.Path, "write_bytes", full)


@pytest.mark.parametrize("words", [["to-moho", "in.npz", "-o", "new.h5"],
                                   ["to-torch", "w.h5", "-o", "new.npz"],
                                   ["to-torch", "w.h5", "-o", "new.pt"]])
def test_full_disk_is_told_and_leaves_what_was_there(tmp_path, capsys, monkeypatch, full_disk,
                                                     words):
    if words[-1].endswith(".pt"):
        pytest.importorskip("torch", reason="allowed: PyTorch is not installed")
    monkeypatch.chdir(tmp_path)
    np.savez("in.npz", **mlp_state())
    with h5py.File("w.h5", "w") as file:
        for name, value in tw.to_moho(mlp_state()).arrays.items():
            file[f"weights/{name}"] = value
    with open(words[-1], "wb") as file:
        file.write(b"old")
    assert tw.main(words) == 1
    told = capsys.readouterr().err
    assert told == (f"torch_weights: '{words[-1]}' cannot be written (No space left on device) "
                    "name another\n")
    assert (tmp_path / words[-1]).read_bytes() == b"old" and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", ["m.pt", "m.npz"])
def test_full_disk_does_not_end_the_process(tmp_path, name):
    """torch.save aborts in C++ when the file that it writes itself cannot be closed."""
    if name.endswith(".pt"):
        pytest.importorskip("torch", reason="allowed: PyTorch is not installed")
    tw.write_weights(tmp_path / "w.h5", tw.to_moho(mlp_state((12, 200, 200, 12))))
    script = tmp_path / "limited.py"  # files of 4 KiB at most
    script.write_text(
        "import resource, signal, sys\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"sys.path.insert(0, {str(ANALYSIS)!r})\nimport torch_weights\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "sys.exit(torch_weights.main(sys.argv[1:]))\n")
    done = subprocess.run([sys.executable, script, "to-torch", tmp_path / "w.h5", "-o",
                           tmp_path / name], capture_output=True, text=True)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
    assert "cannot be written (File too large)" in done.stderr
    assert not (tmp_path / name).exists() and not list(tmp_path.glob(".*"))


def test_what_is_read_is_not_overwritten(tmp_path, capsys):
    tw.write_weights(tmp_path / "w.h5", tw.to_moho(mlp_state()))
    (tmp_path / "map.json").write_text("{}")
    (tmp_path / "link.h5").symlink_to(tmp_path / "w.h5")
    before = (tmp_path / "w.h5").read_bytes()
    for output in ("w.h5", "link.h5", "map.json"):
        assert tw.main(["to-torch", str(tmp_path / "w.h5"), "-o", str(tmp_path / output), "--map",
                        str(tmp_path / "map.json")]) == 1
        assert "would be overwritten" in capsys.readouterr().err
    assert (tmp_path / "w.h5").read_bytes() == before
    assert (tmp_path / "map.json").read_text() == "{}"


def test_scaling_goes_with_the_weights(tmp_path, capsys):
    """Weights of scaled rows do not leave without their means and deviations."""
    random = np.random.default_rng(4)
    state = mlp_state()
    scaling = {name: random.uniform(0.5, 2, 12) for name in tw.SCALING}
    np.savez(tmp_path / "in.npz", **state)
    np.savez(tmp_path / "s.npz", **scaling)
    place = [str(tmp_path / name) for name in ("in.npz", "w.h5", "out.npz", "back.npz", "s.npz")]
    assert tw.main(["to-moho", place[0], "-o", place[1], "--scaling", place[4]]) == 0
    with h5py.File(place[1]) as file:
        np.testing.assert_array_equal(file["scaling/outputs/mean"][()], scaling["outputs_mean"])
    assert tw.main(["to-torch", place[1], "-o", place[2]]) == 1
    assert "--scaling" in capsys.readouterr().err and not (tmp_path / "out.npz").exists()
    assert tw.main(["to-torch", place[1], "-o", place[2], "--scaling", place[3]]) == 0
    same(dict(np.load(place[3])), scaling)
    # rows as they are need no file
    plain = {name: np.full(12, float(name.endswith("deviation"))) for name in tw.SCALING}
    np.savez(tmp_path / "s.npz", **plain)
    assert tw.main(["to-moho", place[0], "-o", place[1], "--scaling", place[4]]) == 0
    assert tw.main(["to-torch", place[1], "-o", place[2]]) == 0
    np.savez(tmp_path / "s.npz", inputs_mean=np.zeros(3))
    assert tw.main(["to-moho", place[0], "-o", place[1], "--scaling", place[4]]) == 1
    assert "s.npz" in capsys.readouterr().err


def test_wrong_words_are_exit_code_2(capsys):
    for words in ([], ["to-torch", "w.h5"], ["to-torch", "w.h5", "-o", "m.pt", "--colour"]):
        with pytest.raises(SystemExit) as ended:
            tw.main(words)
        assert ended.value.code == 2 and "2 wrong words" in tw.__doc__
    capsys.readouterr()


# ---- moho answers alike --------------------------------------------------------------------------

STUDY = """
[study]
name = "w"
title = "w"
[problem]
name = "dataset"
file = "{file}"
boundary = "{boundary}"
train_share = 0.25
validation_share = 0.0
[method]
weights = "{weights}"
input_scaling = "none"
output_scaling = "none"
{method}
[measure]
repeats = 1
warmup = 0
"""


def write_dataset(path, x, y):
    """In a layout of PDEBench: inputs x, answers y, on a line or a square."""
    with h5py.File(path, "w") as file:
        if x.ndim == 2:
            file["tensor"] = np.stack([x, y], 1)
            file["t-coordinate"] = np.array([0.0, 1.0])
        else:
            file["nu"], file["tensor"] = x, y[:, None]
            file["y-coordinate"] = np.linspace(0, 1, x.shape[2])
        file["x-coordinate"] = np.linspace(0, 1, x.shape[1])


def difference(tmp_path, state, method, x, y, boundary="walls"):
    """Relative difference of moho's answers, with the weights, to y."""
    np.savez(tmp_path / "in.npz", **state)
    assert tw.main(["to-moho", str(tmp_path / "in.npz"), "-o", str(tmp_path / "w.h5")]) == 0
    write_dataset(tmp_path / "data.h5", x, y)
    (tmp_path / "study.toml").write_text(STUDY.format(
        file=tmp_path / "data.h5", weights=tmp_path / "w.h5", method=method, boundary=boundary))
    done = subprocess.run([MOHO, "run", tmp_path / "study.toml", "-o", tmp_path / "runs"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = load.load(tmp_path / "runs").records
    metrics = record["metrics"]
    assert record["counters"]["parameters"] == sum(
        v.size * (2 if v.dtype.kind == "c" else 1) for v in state.values())
    back = tw.to_torch(tw.read_weights(record.data_file))  # of the record they go back as they came
    assert set(back) == set(state)
    for key, value in state.items():
        np.testing.assert_array_equal(back[key], value)
    return metrics["rel_l2"]


def inputs(*shape):
    return np.random.default_rng(4).normal(size=shape)


def cases():
    x, square = inputs(8, 12), inputs(8, 9, 11)
    mlp_method = 'name = "mlp"\nwidth = 9\ndepth = 2\nactivation = "relu"'
    fno_method = 'name = "fno"\nwidth = 5\nmodes = 3\nlayers = 3\nprojection = 7\n'
    points = np.linspace(0, 1, 12)[:, None]
    return {
        "mlp": (mlp_state(), mlp_method, x, lambda s: mlp(s, x), "walls"),
        "deeponet": (deeponet_state(), 'name = "deeponet"\nwidth = 9\ndepth = 2', x,
                     lambda s: deeponet(s, x, points), "walls"),
        "fno1d": (fno_state(1), fno_method, x, lambda s: fno1d(s, x, np.arange(12) / 12),
                  "periodic"),
        "fno1d-padded": (fno_state(1), fno_method + "padding = 2", x,
                         lambda s: fno1d(s, x, np.linspace(0, 1, 12), 2), "walls"),
        "fno2d": (fno_state(2), fno_method + "padding = 3", square, lambda s: fno2d(s, square, 3),
                  "walls"),
    }


@pytest.mark.parametrize("kind", cases())
def test_moho_answers_as_pytorch_would(tmp_path, kind):
    state, method, x, answer, boundary = cases()[kind]
    found = difference(tmp_path, state, method, x, answer(state), boundary)
    print(kind, found)
    assert found <= ALIKE


@pytest.mark.parametrize("kind, key, wrong", [
    ("mlp", "2.weight", np.transpose),
    ("deeponet", "b0", lambda b: b + 0.1),
    ("fno1d", "conv1.weights1", np.conj),
    ("fno1d-padded", "w1.weight", lambda w: w.swapaxes(0, 1)),
    ("fno2d", "conv0.weights2", lambda w: w[:, :, ::-1]),
])
def test_other_weights_answer_otherwise(tmp_path, kind, key, wrong):
    state, method, x, answer, boundary = cases()[kind]
    y = answer(state)
    assert difference(tmp_path, state | {key: wrong(state[key])}, method, x, y, boundary) > 1e-3


# ---- with PyTorch --------------------------------------------------------------------------------


def test_a_state_dict_of_pytorch(tmp_path, capsys):
    torch = pytest.importorskip("torch", reason="allowed: PyTorch is not installed")
    network = torch.nn.Sequential(torch.nn.Linear(12, 9), torch.nn.ReLU(), torch.nn.Linear(9, 9),
                                  torch.nn.ReLU(), torch.nn.Linear(9, 12)).double()
    torch.save({"epoch": 3, "state_dict": network.state_dict()}, tmp_path / "m.pt")
    assert tw.main(["to-moho", str(tmp_path / "m.pt"), "-o", str(tmp_path / "w.h5")]) == 0
    assert tw.main(["to-torch", str(tmp_path / "w.h5"), "-o", str(tmp_path / "back.pt")]) == 0
    back = torch.load(tmp_path / "back.pt", weights_only=True)
    assert list(back) == list(network.state_dict())
    for key, value in network.state_dict().items():
        assert torch.equal(back[key], value)
    x = inputs(8, 12)
    with torch.no_grad():
        y = network(torch.from_numpy(x)).numpy()
    state = {key: value.numpy() for key, value in network.state_dict().items()}
    found = difference(tmp_path, state, cases()["mlp"][1], x, y)
    print("mlp of PyTorch", found)
    assert found <= ALIKE
    # the network itself, which torch.load would have to run, and what is no dictionary of tensors
    capsys.readouterr()
    torch.save(network, tmp_path / "whole.pt")
    torch.save([torch.ones(2)], tmp_path / "list.pt")
    (tmp_path / "broken.pt").write_bytes(b"x" * 100)
    for name, says in (("whole.pt", "weights alone"), ("list.pt", "no state_dict"),
                       ("broken.pt", "cannot be read"), ("none.pt", "cannot be read")):
        assert tw.main(["to-moho", str(tmp_path / name), "-o", str(tmp_path / "x.h5")]) == 1
        assert says in capsys.readouterr().err
    # half precision becomes double; float32 is asked for on the way back
    half = {key: value.bfloat16() for key, value in network.state_dict().items()}
    torch.save(half, tmp_path / "half.pt")
    assert tw.main(["to-moho", str(tmp_path / "half.pt"), "-o", str(tmp_path / "h.h5")]) == 0
    assert tw.main(["to-torch", str(tmp_path / "h.h5"), "-o", str(tmp_path / "h.pt"), "--dtype",
                    "float32"]) == 0
    back = torch.load(tmp_path / "h.pt", weights_only=True)
    assert all(back[key].dtype == torch.float32 and torch.equal(back[key], value.float())
               for key, value in half.items())
