#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the recorded trajectories of reference/physics/nn with torch in float64, and checks them.

    torch_references.py OUT

Needs Debian's python3-torch (1.13.1) and python3-h5py. Files hold what README.md beside them lists. Each is
checked by what torch's autograd has no part in: the forward fields by numpy, gradients by central
differences of the loss, Hessian-vector products by central differences of the gradient; the largest
differences are printed, and one above its limit ends the run.
"""
import pathlib
import sys

import h5py
import numpy as np
import torch

import torch_models as models
import torch_optimisers

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

MODELS = {
    "fno2d": lambda: models.Fno2d(seed=101, n=10, m=7, batch=3, width=4, modes=(3, 4), padding=3,
                                  layers=3, hidden=6),
    "fno2d_nyquist": lambda: models.Fno2d(seed=102, n=6, m=8, batch=2, width=3, modes=(4, 6), padding=2,
                                          layers=2, hidden=5),
    "fno2d_odd": lambda: models.Fno2d(seed=103, n=9, m=11, batch=2, width=5, modes=(2, 3), padding=0,
                                      layers=2, hidden=7),
    "pinn_convection": lambda: models.Pinn(seed=104, sizes=[2, 12, 10, 8, 1], beta=5.0, residual=37,
                                           initial=11, boundary=9),
    "pinn_convection_wide": lambda: models.Pinn(seed=105, sizes=[2, 20, 1], beta=3.0, residual=8,
                                                initial=5, boundary=1, full_hessian=True),
    "mlp_deep": lambda: models.Mlp(seed=106, sizes=[5, 9, 7, 11, 3], batch=17),
    "mlp_shallow": lambda: models.Mlp(seed=107, sizes=[2, 13, 1], batch=5),
    "fno1d_odd": lambda: models.Fno1d(seed=108, n=27, batch=3, width=5, modes=4, layers=2, hidden=9,
                                      other_grids=(40, 21)),
    "fno1d_nyquist": lambda: models.Fno1d(seed=109, n=10, batch=2, width=3, modes=6, layers=4, hidden=4,
                                          other_grids=(17, 12)),
    "deeponet_deep": lambda: models.DeepONet(seed=110, branch=[7, 9, 8, 6, 5], trunk=[3, 11, 5], functions=4,
                                             points=13),
}
STEPS, RATE = 20, 1e-2


def gradient(loss, p, **options):
    return dict(zip(p, torch.autograd.grad(loss, list(p.values()), **options)))


def hessian_product(loss, p, v):
    g = gradient(loss, p, create_graph=True)
    dot = sum((g[k] * v[k]).sum() for k in p)
    products = torch.autograd.grad(dot, list(p.values()), allow_unused=True, retain_graph=True)
    return {k: torch.zeros_like(p[k]) if h is None else h for k, h in zip(p, products)}


OPTIMISERS = {"adam": lambda p: torch.optim.Adam(p, lr=RATE),
              "sgd_momentum": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9)}


def train(model, make, factor=1.0):
    """Losses and weights; the initial weights are times `factor`."""
    p = model.tensors({k: factor * v for k, v in model.parameters.items()})
    inputs, targets = model.tensors(model.inputs), {k: torch.tensor(v) for k, v in model.targets.items()}
    optimiser, losses = make(list(p.values())), []
    for _ in range(STEPS):
        loss = model.loss(p, inputs, targets)
        losses.append(loss.item())
        for value, g in zip(p.values(), gradient(loss, p).values()):
            value.grad = g
        optimiser.step()
    losses.append(model.loss(p, inputs, targets).item())
    return np.array(losses), p


def full_hessian(loss, p):
    flat = torch.cat([g.flatten() for g in gradient(loss, p, create_graph=True).values()])
    rows = []
    for entry in flat:
        row = torch.autograd.grad(entry, list(p.values()), retain_graph=True, allow_unused=True)
        rows.append(torch.cat([torch.zeros(v.numel()) if r is None else r.flatten()
                               for r, v in zip(row, p.values())]))
    return torch.stack(rows).numpy()


class Record:
    """A file in the layout of README.md."""

    def __init__(self, path, model):
        self.model = model
        with h5py.File(path, "w") as self.file:
            common = {"dtype": "float64", "torch": str(torch.__version__)}
            for key, value in {**model.attributes, **common}.items():
                self.file.attrs[key] = value
            self.write()

    def put(self, group, arrays):
        self.file.require_group(group or "/")
        for name, value in arrays.items():
            value = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
            self.file[f"{group}/{name}"] = np.ascontiguousarray(value).reshape(value.shape)

    def write(self):
        model, file = self.model, self.file
        self.p, self.inputs = model.tensors(model.parameters), model.tensors(model.inputs)
        targets = {k: torch.tensor(v) for k, v in model.targets.items()}
        file["param_order"] = list(self.p)
        file["param_sizes"] = np.array([v.numel() for v in self.p.values()])
        self.put("params", self.p)
        self.put("inputs", self.inputs)
        self.put("targets", targets)

        y, fields = model.forward(self.p, self.inputs)
        self.put("forward", {"y": y, **fields})
        loss = model.loss(self.p, self.inputs, targets)
        g = gradient(loss, self.p, retain_graph=True)
        self.put("", {"loss": loss, "grad_norm": torch.cat([x.flatten() for x in g.values()]).norm()})
        self.put("grad", g)
        to = {k: v for k, v in self.inputs.items() if k not in ("x_ic", "t_bc")}
        self.put("input_grad", gradient(loss, to, retain_graph=True))
        v = {k: torch.tensor(model.random.normal(size=x.shape)) for k, x in self.p.items()}
        product = hessian_product(loss, self.p, v)
        self.put("hvp_v", v)
        self.put("hvp_Hv", product)
        self.put("", {"vHv": sum((v[k] * product[k]).sum() for k in v)})
        self.optional(loss, v)
        for name, make in OPTIMISERS.items():
            losses, final = train(model, make)
            self.put(name, {"losses": losses})
            self.put(f"{name}/final_params", final)
            file[name].attrs["lr"] = RATE

    def optional(self, loss, v):
        """What only some of the models have."""
        model = self.model
        if model.full_hessian:
            h = full_hessian(loss, self.p)
            eigenvalues = np.linalg.eigvalsh((h + h.T) / 2)
            self.put("", {"hessian_eigenvalues": eigenvalues, "hessian_trace": np.trace(h),
                          "hessian_top": eigenvalues[-1], "hessian_asym": np.abs(h - h.T).max()})
        if model.jacobians:
            self.put("", jacobians(model, self.p, self.inputs["x"]))
        for n in model.other_grids:
            x = torch.tensor(model.other_grids[n])
            self.put(f"other_grid_{n}", {"x": x, "y": model.forward(self.p, {"x": x})[0]})
        if isinstance(model, models.Pinn):
            self.put("", {"loss_terms_res_bc_ic": model.terms(self.p, self.inputs)})
            burgers, wave = model.burgers(self.p, self.inputs), model.wave(self.p, self.inputs)
            self.put("burgers", {"loss": burgers})
            # The bias of the last layer is in no derivative of u: its gradient may be 0 and unused.
            self.put("burgers/grad", gradient(burgers, self.p, retain_graph=True))
            self.put("burgers/hvp_Hv", hessian_product(burgers, self.p, v))
            self.put("wave", {"loss": wave})
            unused = gradient(wave, self.p, allow_unused=True)
            self.put("wave/grad", {k: torch.zeros_like(self.p[k]) if x is None else x
                                   for k, x in unused.items()})


def jacobians(model, p, x):
    """d y_c / d x_i and d2 y_c / dx_i dx_j, sample by sample."""
    y, _ = model.forward(p, {"x": x})
    first, second = [], []
    for c in range(y.shape[1]):
        g = torch.autograd.grad(y[:, c].sum(), x, create_graph=True)[0]
        first.append(g)
        second.append(torch.stack([torch.autograd.grad(g[:, i].sum(), x, retain_graph=True)[0]
                                   for i in range(x.shape[1])], 1))
    return {"jacobian": torch.stack(first, 1), "input_hessian": torch.stack(second, 1)}


# --- checks -------------------------------------------------------------------------------------------

LIMITS = {"forward": 1e-13, "gradient": 1e-9, "input gradient": 2e-9, "hvp": 1e-9, "jacobian": 2e-8,
          "first adam step": 1e-14, "drift": 1e-10, "trace": 1e-12}


def relative(a, b):
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape, (a.shape, b.shape)
    return np.abs(a - b).max() / max(np.abs(b).max(), 1e-12)


def central(function, step):
    """Fourth-order central difference of function(0) in its argument."""
    f = [function(k * step) for k in (-2, -1, 1, 2)]
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * step)


def check(path, model):
    worst = {}

    def note(what, a, b):
        worst[what] = max(worst.get(what, 0.0), relative(a, b))

    with h5py.File(path) as file:
        read = lambda group: {k: file[group][k][()] for k in file[group]}
        order = [name.decode() for name in file["param_order"][()]]
        assert order == list(model.parameters) and set(read("forward")) == set(model.check_forward())
        for name, value in model.check_forward().items():
            note("forward", file[f"forward/{name}"][()], value)
        for n in model.other_grids:
            note("forward", file[f"other_grid_{n}/y"][()], model.check_forward(model.other_grids[n])["y"])
        if isinstance(model, models.Pinn):
            for name, value in model.check_terms().items():
                note("forward", file[name][()], value)
        targets = {k: torch.tensor(v) for k, v in model.targets.items()}
        kinds = {"": lambda p, i: model.loss(p, i, targets)}
        if isinstance(model, models.Pinn):
            kinds.update({"burgers/": model.burgers, "wave/": model.wave})
        v = read("hvp_v")
        for prefix, function in kinds.items():
            value = lambda p, i: function(model.tensors(p), model.tensors(i)).item()
            moved = lambda t: {k: x + t * v[k] for k, x in model.parameters.items()}
            slope = central(lambda t: value(moved(t), model.inputs), 3e-4)
            g = read(f"{prefix}grad")
            note("gradient", sum((g[k] * v[k]).sum() for k in g), slope)
            if f"{prefix}hvp_Hv" in file:
                def grad_at(t):
                    p = model.tensors(moved(t))
                    return gradient(function(p, model.tensors(model.inputs)), p)
                product = central(lambda t: np.concatenate([x.numpy().ravel() for x in grad_at(t).values()]),
                                  3e-4)
                stored = np.concatenate([file[f"{prefix}hvp_Hv/{k}"][()].ravel() for k in order])
                note("hvp", stored, product)
        for name, g in read("input_grad").items():
            w = np.random.default_rng(1).normal(size=g.shape)
            slope = central(lambda t: model.loss(
                model.tensors(model.parameters),
                model.tensors({**model.inputs, name: model.inputs[name] + t * w}), targets).item(), 3e-4)
            note("input gradient", (g * w).sum(), slope)
        if model.jacobians:
            check_jacobians(file, model, note)
        first_adam_step(file, model, targets, note)
        for name, make in OPTIMISERS.items():  # a chaotic trajectory is no reference
            note("drift", train(model, make, 1 + 2.0 ** -52)[0], file[f"{name}/losses"][()])
        if model.full_hessian:
            stored = file["hessian_eigenvalues"][()]
            note("trace", stored.sum(), file["hessian_trace"][()])
    print(f"{path.name:26s} {path.stat().st_size // 1000:4d} kB  "
          + "  ".join(f"{k} {x:.0e}" for k, x in worst.items()))
    bad = [k for k in worst if not worst[k] <= LIMITS[k]]
    if bad:
        sys.exit(f"{path}: {', '.join(bad)} beyond the limit")


def check_jacobians(file, model, note):
    p, x = model.parameters, model.inputs["x"]
    y = lambda at: models.tanh_layers(p, "layer", at, model.count, False, np.tanh)
    for i in range(x.shape[1]):
        step = np.eye(x.shape[1])[i]
        note("jacobian", file["jacobian"][:, :, i], central(lambda t: y(x + t * step), 1e-3))
        for j in range(x.shape[1]):
            other = np.eye(x.shape[1])[j]
            slope = lambda s: central(lambda t: y(x + t * step + s * other), 3e-3)
            note("jacobian", file["input_hessian"][:, :, i, j], central(slope, 3e-3))


def first_adam_step(file, model, targets, note):
    """The first step from the stored gradient by the formula, and what the loss is then."""
    moved = {}
    for k, p in model.parameters.items():
        g = file[f"grad/{k}"][()]
        m, v = 0.1 * g, 0.001 * g * g
        moved[k] = p - RATE / (1 - 0.9) * m / (np.sqrt(v) / np.sqrt(1 - 0.999) + 1e-8)
    loss = model.loss(model.tensors(moved), model.tensors(model.inputs), targets).item()
    note("first adam step", file["adam/losses"][1], loss)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, make in MODELS.items():
        path = out / f"{name}.h5"
        Record(path, make())
        check(path, make())
    torch_optimisers.write(out / "optimisers")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
