# SPDX-License-Identifier: BSD-3-Clause
"""Recordings made by numpy alone: other activations, sizes, channels, grids, rates and steps."""
import math
import os

import h5py
import numpy as np
import pytest

from conftest import failed

erf = np.vectorize(math.erf)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# name: function, derivative
ACTIVATIONS = {
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "gelu": (lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))),
             lambda x: 0.5 * (1 + erf(x / math.sqrt(2)))
             + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x))),
    "sin": (np.sin, np.cos),
    "identity": (lambda x: x, np.ones_like),
}
gelu = ACTIVATIONS["gelu"][0]


def seeded(salt):
    seed = int(os.environ.get("MOHO_SEED", "20261121"))
    print("MOHO_SEED", seed)
    return np.random.default_rng([seed, salt])


def dense_parameters(random, name, inside, outside):
    return {f"{name}.weight": random.normal(size=(outside, inside)) / math.sqrt(inside),
            f"{name}.bias": random.normal(size=outside)}


def linear(p, name, x):
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


class Mlp:
    def __init__(self, random, sizes, activation, batch):
        self.sizes, (self.act, self.slope) = sizes, ACTIVATIONS[activation]
        self.layers = len(sizes) - 1
        self.p = {}
        for i in range(self.layers):
            self.p.update(dense_parameters(random, f"layer{i}", sizes[i], sizes[i + 1]))
        self.x = random.normal(size=(batch, sizes[0]))
        self.y = random.normal(size=(batch, sizes[-1]))

    def forward(self, p):
        """Answer, and what went into and out of every layer."""
        inside, outside = [self.x], []
        for i in range(self.layers):
            outside.append(linear(p, f"layer{i}", inside[-1]))
            inside.append(self.act(outside[-1]) if i < self.layers - 1 else outside[-1])
        return inside, outside

    def loss(self, p):
        return ((self.forward(p)[0][-1] - self.y) ** 2).mean()

    def grad(self, p):
        """Back-propagation by hand; the gradient of the input too."""
        inside, outside = self.forward(p)
        back, g = 2 * (inside[-1] - self.y) / self.y.size, {}
        for i in reversed(range(self.layers)):
            if i < self.layers - 1:
                back = back * self.slope(outside[i])
            g[f"layer{i}.weight"], g[f"layer{i}.bias"] = back.T @ inside[i], back.sum(0)
            back = back @ p[f"layer{i}.weight"]
        return g, back


def adam(model, rate, steps):
    p = {k: v.copy() for k, v in model.p.items()}
    m = {k: np.zeros_like(v) for k, v in p.items()}
    v = {k: np.zeros_like(v) for k, v in p.items()}
    losses = [model.loss(p)]
    for t in range(1, steps + 1):
        g, _ = model.grad(p)
        for k in p:
            m[k] = 0.9 * m[k] + 0.1 * g[k]
            v[k] = 0.999 * v[k] + 0.001 * g[k] ** 2
            p[k] -= rate / (1 - 0.9**t) * m[k] / (np.sqrt(v[k]) / math.sqrt(1 - 0.999**t) + 1e-8)
        losses.append(model.loss(p))
    return losses, p


def sgd(model, rate, steps):
    p = {k: v.copy() for k, v in model.p.items()}
    b = {k: np.zeros_like(v) for k, v in p.items()}
    losses = [model.loss(p)]
    for _ in range(steps):
        g, _ = model.grad(p)
        for k in p:
            b[k] = 0.9 * b[k] + g[k]
            p[k] -= rate * b[k]
        losses.append(model.loss(p))
    return losses, p


def write(path, groups, attributes):
    with h5py.File(path, "w") as file:
        for group, arrays in groups.items():
            if isinstance(arrays, dict):
                for name, values in arrays.items():
                    file[f"{group}/{name}"] = values
            else:
                file[group] = arrays
        for key, value in attributes.items():
            file.attrs[key] = value


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes, batch", (([4, 6, 5, 7, 3], 11), ([1, 8, 1], 1), ([3, 2], 6)))
def test_mlps(folder, activation, sizes, batch):
    model = Mlp(seeded(1), sizes, activation, batch)
    g, back = model.grad(model.p)
    trained, moved = adam(model, 3e-3, 7), sgd(model, 2e-3, 12)
    with_steps = {"adam/losses": trained[0], "sgd_momentum/losses": moved[0]}
    write(folder.path / "mlp.h5",
          {"params": model.p, "inputs": {"x": model.x}, "targets": {"y": model.y},
           "forward": {"y": model.forward(model.p)[0][-1]}, "loss": model.loss(model.p), "grad": g,
           "grad_norm": math.sqrt(sum((x**2).sum() for x in g.values())), "input_grad": {"x": back},
           "adam/final_params": trained[1], "sgd_momentum/final_params": moved[1], **with_steps},
          {"model": "MLP", "activation": f"{activation} (elementwise)"})
    with h5py.File(folder.path / "mlp.h5", "a") as file:
        file["adam"].attrs["lr"], file["sgd_momentum"].attrs["lr"] = 3e-3, 2e-3
    report = folder.report("mlp.h5")
    assert report["compared"] == report["present"] == 6 * model.layers + 6
    if activation != "identity" and model.layers > 1:
        other = "sin" if activation != "sin" else "tanh"
        with h5py.File(folder.path / "mlp.h5", "a") as file:
            file.attrs["activation"] = other
        assert "forward/y" in failed(folder.report("mlp.h5", code=2))


def fno_parameters(random, inside, outside, width, modes, layers, hidden, axes):
    p = dense_parameters(random, "lift", inside + axes, width)
    for j in range(layers):
        for half in ("",) if axes == 1 else ("_lo", "_hi"):
            p[f"spec{j}.weight{half}"] = random.normal(size=(width, width, *modes, 2)) / width
        p.update(dense_parameters(random, f"skip{j}", width, width))
    p.update(dense_parameters(random, "proj1", width, hidden))
    p.update(dense_parameters(random, "proj2", hidden, outside))
    return p


def mixed(p, name, bins):
    return np.einsum("bi...,io...->bo...", bins, p[name][..., 0] + 1j * p[name][..., 1])


def spectral_1d(p, j, h):
    n, m = h.shape[-1], p[f"spec{j}.weight"].shape[2]
    out = np.zeros((*h.shape[:2], n // 2 + 1), complex)
    out[:, :, :m] = mixed(p, f"spec{j}.weight", np.fft.rfft(h)[:, :, :m])
    return np.fft.irfft(out, n)


def spectral_2d(p, j, h):
    rows, columns = h.shape[2:]
    m1, m2 = p[f"spec{j}.weight_lo"].shape[2:4]
    bins = np.fft.rfft2(h)
    out = np.zeros_like(bins)
    out[:, :, :m1, :m2] = mixed(p, f"spec{j}.weight_lo", bins[:, :, :m1, :m2])
    out[:, :, rows - m1:, :m2] = mixed(p, f"spec{j}.weight_hi", bins[:, :, rows - m1:, :m2])
    return np.fft.irfft(np.fft.ifft(out, axis=2), columns, axis=3)


def fno(p, x, padding, layers, coordinates, spectral):
    """Fields of the forward pass."""
    axes = x.ndim - 2
    grid = np.meshgrid(*[coordinates(n) for n in x.shape[1:-1]], indexing="ij")
    place = [np.broadcast_to(g[None, ..., None], (*x.shape[:-1], 1)) for g in grid]
    h = np.moveaxis(linear(p, "lift", np.concatenate([x, *place], -1)), -1, 1)
    h = np.pad(h, [(0, 0), (0, 0)] + axes * [(0, padding)])
    fields = {"lift_padded": h}
    fields["lift"] = h if axes == 1 else h[:, :, :x.shape[1], :x.shape[2]]  # either is understood
    for j in range(layers):
        k = spectral(p, j, h)
        h = k + np.moveaxis(linear(p, f"skip{j}", np.moveaxis(h, 1, -1)), -1, 1)
        h = gelu(h) if j < layers - 1 else h
        fields[f"block{j}_spectral"], fields[f"block{j}"] = k, h
    h = np.moveaxis(h[(slice(None), slice(None), *[slice(n) for n in x.shape[1:-1]])], 1, -1)
    fields["y"] = linear(p, "proj2", gelu(linear(p, "proj1", h)))
    return fields


def relative_l2(y, target):
    norm = lambda a: np.sqrt((a.reshape(len(a), -1) ** 2).sum(1))
    return (norm(y - target) / norm(target)).mean()


# Points, channels in and out, width, modes, padding, layers, hidden, batch, attribute 'grid'.
FNOS = {
    "1d": ((20,), 1, 1, 5, (4,), 0, 3, 6, 2, "i/N"),
    "1d padded": ((13,), 1, 1, 4, (8,), 2, 2, 3, 3, None),
    "1d channels": ((16,), 3, 2, 3, (9,), 0, 1, 5, 1, "i/(N-1)"),
    "2d": ((9, 14), 1, 1, 3, (3, 5), 2, 2, 4, 2, None),
    "2d not padded": ((6, 5), 1, 1, 4, (3, 3), 0, 3, 5, 1, "i/(N-1), j/(M-1)"),
    "2d channels": ((4, 12), 2, 3, 2, (1, 4), 1, 1, 3, 3, "i/(N-1)"),
}


@pytest.mark.parametrize("what", FNOS)
@pytest.mark.parametrize("with_sizes", (True, False))
def test_fnos(folder, what, with_sizes):
    grid, inside, outside, width, modes, padding, layers, hidden, batch, named = FNOS[what]
    random, axes = seeded(2), len(grid)
    p = fno_parameters(random, inside, outside, width, modes, layers, hidden, axes)
    x, target = (random.normal(size=(batch, *grid, n)) for n in (inside, outside))
    if axes == 2 or named == "i/(N-1)":
        coordinates = lambda n: np.arange(n) / (n - 1)
    else:
        coordinates = lambda n: np.arange(n) / n
    spectral = spectral_1d if axes == 1 else spectral_2d
    run = lambda x: fno(p, x, padding, layers, coordinates, spectral)
    fields = run(x)
    groups = {"params": p, "inputs": {"x": x}, "targets": {"y": target}, "forward": fields,
              "loss": relative_l2(fields["y"], target)}
    if axes == 1:
        other = random.normal(size=(batch, grid[0] + 7, inside))
        groups["other_grid_more"] = {"x": other, "y": run(other)["y"]}
    attributes = {"model": f"FNO{axes}d", "padding": padding}
    if with_sizes:
        attributes.update(width=width, modes=modes, layers=layers, proj_hidden=hidden,
                          activation="gelu")
    if named:
        attributes["grid"] = named
    write(folder.path / "fno.h5", groups, attributes)
    report = folder.report("fno.h5")
    assert report["compared"] == report["present"] == len(fields) + 1 + (axes == 1)


@pytest.mark.parametrize("text, active", ((None, True), ("tanh; trunk last layer linear", False),
                                          ("gelu (erf); trunk last layer gelu", True)))
def test_deeponets(folder, text, active):
    random = seeded(3)
    branch, trunk = [5, 4, 6, 3], [1, 7, 3]
    act = ACTIVATIONS["gelu" if text and "gelu" in text else "tanh"][0]
    p = {"bias": random.normal(size=1)}
    inputs = {"u": random.normal(size=(2, 5)), "q": random.normal(size=(9, 1))}
    fields = {}
    for name, sizes, h in (("branch", branch, inputs["u"]), ("trunk", trunk, inputs["q"])):
        for i in range(len(sizes) - 1):
            p.update(dense_parameters(random, f"{name}{i}", sizes[i], sizes[i + 1]))
            h = linear(p, f"{name}{i}", h)
            if i < len(sizes) - 2 or name == "trunk" and active:
                h = act(h)
        fields[name] = h
    fields["y"] = fields["branch"] @ fields["trunk"].T + p["bias"]
    target = random.normal(size=(2, 9))
    write(folder.path / "net.h5",
          {"params": p, "inputs": inputs, "targets": {"y": target}, "forward": fields,
           "loss": ((fields["y"] - target) ** 2).mean()},
          {"model": "DeepONet", "branch": branch, **({"activation": text} if text else {})})
    assert folder.report("net.h5")["compared"] == 4


def test_diagnostics_beside_a_network(folder):
    """Groups of any kind in one file; a path that the ends are no part of."""
    random = seeded(4)
    model = Mlp(random, [2, 5, 4, 1], "sin", 9)
    other = Mlp(random, [2, 5, 4, 1], "sin", 9)
    t = np.array([0.25, 0.5, 0.875])
    at = lambda s: model.loss({k: (1 - s) * model.p[k] + s * other.p[k] for k in model.p})
    losses, ends = [at(s) for s in t], (at(0) + at(1)) / 2
    places, all_losses = [0, *t, 1], [at(0), *losses, at(1)]
    star = int(np.argmax([abs(ends - one) for one in all_losses]))
    centred = lambda a: a - a.mean(0)
    def cka(a, b):
        dot = lambda u, v: (np.square(centred(u).T @ centred(v))).sum()
        return dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))
    hidden = [m.forward(m.p)[0] if m is model else model.forward(m.p)[0] for m in (model, other)]
    w = random.normal(size=(7, 12))
    eigenvalues = np.sort(np.linalg.svd(w, compute_uv=False) ** 2)
    k = 3
    write(folder.path / "all.h5",
          {"params": model.p, "inputs": {"x": model.x}, "targets": {"y": model.y},
           "loss": model.loss(model.p),
           "hill/any": {"W": w, "eigs_sorted": eigenvalues, "k": np.int64(k),
                        "alpha_hill": 1 + k / np.log(eigenvalues[-k:] / eigenvalues[-k - 1]).sum()},
           "linear_path/A": model.p, "linear_path/B": other.p,
           "linear_path": {"t": t, "x": model.x, "y": model.y, "loss": losses,
                           "t_star": places[star], "mc": ends - all_losses[star],
                           "cka_hidden1": cka(hidden[0][1], hidden[1][1]),
                           "cka_hidden2": cka(hidden[0][2], hidden[1][2])}},
          {"model": "MLP", "activation": "sin"})
    assert folder.report("all.h5")["compared"] == 9
