# SPDX-License-Identifier: BSD-3-Clause
"""The small models of the recorded trajectories, twice: with torch, and with numpy as a check on it.

A model has `parameters` (name: array, in the order of flattening), `inputs`, `targets`, `attributes`;
`forward(p, inputs)` -> (y, further fields) and `loss(p, inputs, targets)` in torch; `check_forward()` ->
the same fields by numpy, with transforms as sums over explicit tables.
"""
import numpy as np
import torch

erf = np.vectorize(__import__("math").erf)


def gelu(x):
    return 0.5 * x * (1 + torch.erf(x / np.sqrt(2.0)))


def np_gelu(x):
    return 0.5 * x * (1 + erf(x / np.sqrt(2.0)))


class Model:
    other_grids = ()
    jacobians = False      # d y / d x and d2 y / dx2, sample by sample
    full_hessian = False

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.parameters, self.inputs, self.targets = {}, {}, {}

    def dense(self, name, inside, outside):
        bound = np.sqrt(3.0 / inside)
        self.parameters[f"{name}.weight"] = self.random.uniform(-bound, bound, (outside, inside))
        self.parameters[f"{name}.bias"] = self.random.uniform(-0.3, 0.3, outside)

    def tensors(self, arrays):
        return {k: torch.tensor(v, requires_grad=True) for k, v in arrays.items()}


def linear(p, name, x):
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


def tanh_layers(p, name, x, count, last_active, tanh=torch.tanh):
    for i in range(count):
        x = linear(p, f"{name}{i}", x)
        if i < count - 1 or last_active:
            x = tanh(x)
    return x


def relative_l2(y, target):
    n = y.shape[0]
    return ((y - target).reshape(n, -1).norm(dim=1) / target.reshape(n, -1).norm(dim=1)).mean()


class Mlp(Model):
    jacobians = full_hessian = True

    def __init__(self, seed, sizes, batch):
        super().__init__(seed)
        self.count = len(sizes) - 1
        for i in range(self.count):
            self.dense(f"layer{i}", sizes[i], sizes[i + 1])
        self.inputs["x"] = self.random.normal(size=(batch, sizes[0]))
        self.targets["y"] = self.random.normal(size=(batch, sizes[-1]))
        self.attributes = dict(model="MLP", sizes=np.array(sizes), activation="tanh",
                               loss="mean over all entries of (u-y)^2")

    def forward(self, p, inputs):
        return tanh_layers(p, "layer", inputs["x"], self.count, False), {}

    def loss(self, p, inputs, targets):
        return ((self.forward(p, inputs)[0] - targets["y"]) ** 2).mean()

    def check_forward(self):
        return {"y": tanh_layers(self.parameters, "layer", self.inputs["x"], self.count, False, np.tanh)}


class DeepONet(Model):
    full_hessian = True

    def __init__(self, seed, branch, trunk, functions, points):
        super().__init__(seed)
        self.branch, self.trunk = branch, trunk
        for name, sizes in (("branch", branch), ("trunk", trunk)):
            for i in range(len(sizes) - 1):
                self.dense(f"{name}{i}", sizes[i], sizes[i + 1])
        self.parameters["bias"] = np.array([0.1])
        self.inputs["u"] = self.random.normal(size=(functions, branch[0]))
        self.inputs["q"] = self.random.uniform(size=(points, trunk[0]))
        self.targets["y"] = self.random.normal(size=(functions, points))
        self.attributes = dict(model="DeepONet", branch=np.array(branch), trunk=np.array(trunk),
                               activation="tanh; branch last layer linear, trunk last layer tanh",
                               loss="mean over all entries of (G-y)^2")

    def fields(self, p, inputs, tanh):
        b = tanh_layers(p, "branch", inputs["u"], len(self.branch) - 1, False, tanh)
        t = tanh_layers(p, "trunk", inputs["q"], len(self.trunk) - 1, True, tanh)
        return b, t, b @ t.T + p["bias"]

    def forward(self, p, inputs):
        b, t, y = self.fields(p, inputs, torch.tanh)
        return y, {"branch": b, "trunk": t}

    def loss(self, p, inputs, targets):
        return ((self.forward(p, inputs)[0] - targets["y"]) ** 2).mean()

    def check_forward(self):
        b, t, y = self.fields(self.parameters, self.inputs, np.tanh)
        return {"branch": b, "trunk": t, "y": y}


class Fno(Model):
    """What the two dimensions share; channels are second in `h`."""

    def skip(self, p, j, h):
        y = np if isinstance(h, np.ndarray) else torch
        bias = p[f"skip{j}.bias"].reshape((-1,) + (1,) * (h.ndim - 2))
        return y.einsum("bi...,oi->bo...", h, p[f"skip{j}.weight"]) + bias

    def blocks(self, p, h, fields, act):
        for j in range(self.layers):
            spectral = self.spectral(p, j, h)
            h = spectral + self.skip(p, j, h)
            if j < self.layers - 1:
                h = act(h)
            fields[f"block{j}_spectral"], fields[f"block{j}"] = spectral, h
        return h

    def project(self, p, h, act):
        return linear(p, "proj2", act(linear(p, "proj1", h)))

    def loss(self, p, inputs, targets):
        return relative_l2(self.forward(p, inputs)[0], targets["y"])

    def weights(self, name, *modes):
        scale = 1.0 / self.width
        self.parameters[name] = scale * self.random.uniform(-1, 1, (self.width, self.width, *modes, 2))

    def make(self, inside, hidden, modes, names):
        self.dense("lift", inside, self.width)
        for j in range(self.layers):
            for name in names:
                self.weights(f"spec{j}.{name}", *modes)
            self.dense(f"skip{j}", self.width, self.width)
        self.dense("proj1", self.width, hidden)
        self.dense("proj2", hidden, 1)


def table(n, k, sign):
    return np.exp(sign * 2j * np.pi * np.outer(np.arange(n), np.arange(k)) / n)


def real_inverse(half, n):
    """Last axis: bins 0 .. n//2 of a real signal; imaginary parts of bin 0 and of n/2 are not used."""
    k = half.shape[-1]
    weight = np.where((np.arange(k) == 0) | (2 * np.arange(k) == n), 1.0, 2.0)
    phase = 2 * np.pi * np.outer(np.arange(k), np.arange(n)) / n
    return ((half.real * weight) @ np.cos(phase) - (half.imag * weight) @ np.sin(phase)) / n


class Fno1d(Fno):
    def __init__(self, seed, n, batch, width, modes, layers, hidden, other_grids):
        super().__init__(seed)
        self.n, self.width, self.modes, self.layers = n, width, modes, layers
        self.make(2, hidden, (modes,), ["weight"])
        self.inputs["x"] = self.random.normal(size=(batch, n, 1))
        self.targets["y"] = self.random.normal(size=(batch, n, 1))
        self.other_grids = {m: self.random.normal(size=(batch, m, 1)) for m in other_grids}
        self.attributes = dict(model="FNO1d", width=np.int64(width), modes=np.int64(modes),
                               layers=np.int64(layers), proj_hidden=np.int64(hidden),
                               padding=np.int64(0), grid="i/N", activation="gelu (erf)",
                               loss="mean over batch of relative L2")

    def spectral(self, p, j, h):
        n, m, w = h.shape[-1], self.modes, p[f"spec{j}.weight"]
        if isinstance(h, np.ndarray):
            weight = w[..., 0] + 1j * w[..., 1]
            return real_inverse(np.einsum("bik,iok->bok", h @ table(n, m, -1), weight), n)
        kept = torch.einsum("bik,iok->bok", torch.fft.rfft(h)[..., :m], torch.view_as_complex(w))
        out = torch.zeros(*h.shape[:-1], n // 2 + 1, dtype=torch.complex128)
        out[..., :m] = kept
        return torch.fft.irfft(out, n=n)

    def forward(self, p, inputs):
        x, fields = inputs["x"], {}
        grid = (torch.arange(x.shape[1], dtype=torch.float64) / x.shape[1]).reshape(1, -1, 1)
        h = linear(p, "lift", torch.cat([x, grid.expand_as(x)], -1)).transpose(1, 2)
        fields["lift"] = h
        h = self.blocks(p, h, fields, gelu)
        return self.project(p, h.transpose(1, 2), gelu), fields

    def check_forward(self, x=None):
        x, p, fields = self.inputs["x"] if x is None else x, self.parameters, {}
        grid = np.broadcast_to(np.arange(x.shape[1])[None, :, None] / x.shape[1], x.shape)
        h = linear(p, "lift", np.concatenate([x, grid], -1)).swapaxes(1, 2)
        fields["lift"] = h
        h = self.blocks(p, h, fields, np_gelu)
        fields["y"] = self.project(p, h.swapaxes(1, 2), np_gelu)
        return fields


class Fno2d(Fno):
    def __init__(self, seed, n, m, batch, width, modes, padding, layers, hidden):
        super().__init__(seed)
        self.width, self.modes, self.padding, self.layers = width, modes, padding, layers
        assert 2 * modes[0] <= n + padding and modes[1] <= (m + padding) // 2 + 1
        self.make(3, hidden, modes, ["weight_lo", "weight_hi"])
        self.inputs["x"] = self.random.normal(size=(batch, n, m, 1))
        self.targets["y"] = self.random.normal(size=(batch, n, m, 1))
        self.attributes = dict(model="FNO2d", width=np.int64(width), modes=np.array(modes),
                               layers=np.int64(layers), proj_hidden=np.int64(hidden),
                               padding=np.int64(padding), grid="i/(N-1), j/(M-1)",
                               activation="gelu (erf)", loss="mean over batch of relative L2")

    def spectral(self, p, j, h):
        (n, m), (m1, m2) = h.shape[-2:], self.modes
        lo, hi = p[f"spec{j}.weight_lo"], p[f"spec{j}.weight_hi"]
        if isinstance(h, np.ndarray):
            bins = np.einsum("bixy,xk,yl->bikl", h, table(n, n, -1), table(m, m2, -1))
            out = np.zeros(bins.shape, complex)
            rows = np.arange(n)
            for weight, kept in ((lo, rows[:m1]), (hi, rows[n - m1:])):
                w = weight[..., 0] + 1j * weight[..., 1]
                out[:, :, kept] = np.einsum("bikl,iokl->bokl", bins[:, :, kept], w)
            columns = np.einsum("bokl,xk->boxl", out, table(n, n, 1)) / n  # complex, first axis first
            return real_inverse(columns, m)
        bins = torch.fft.rfft2(h)
        out = torch.zeros_like(bins)
        mix = lambda rows, w: torch.einsum("bikl,iokl->bokl", rows, torch.view_as_complex(w))
        out[:, :, :m1, :m2] = mix(bins[:, :, :m1, :m2], lo)
        out[:, :, n - m1:, :m2] = mix(bins[:, :, n - m1:, :m2], hi)
        # The two inverses one after the other: what irfft2 does, said aloud.
        return torch.fft.irfft(torch.fft.ifft(out, dim=-2), n=m, dim=-1)

    def forward(self, p, inputs):
        x, q, fields = inputs["x"], self.padding, {}
        b, n, m, _ = x.shape
        gx = (torch.arange(n, dtype=torch.float64) / (n - 1)).reshape(1, n, 1, 1).expand(b, n, m, 1)
        gy = (torch.arange(m, dtype=torch.float64) / (m - 1)).reshape(1, 1, m, 1).expand(b, n, m, 1)
        h = linear(p, "lift", torch.cat([x, gx, gy], -1)).permute(0, 3, 1, 2)
        h = torch.nn.functional.pad(h, (0, q, 0, q))
        fields["lift_padded"] = h
        h = self.blocks(p, h, fields, gelu)[:, :, :n, :m]
        return self.project(p, h.permute(0, 2, 3, 1), gelu), fields

    def check_forward(self):
        x, q, p, fields = self.inputs["x"], self.padding, self.parameters, {}
        b, n, m, _ = x.shape
        gx = np.broadcast_to(np.linspace(0, 1, n)[None, :, None, None], x.shape)
        gy = np.broadcast_to(np.linspace(0, 1, m)[None, None, :, None], x.shape)
        lifted = linear(p, "lift", np.concatenate([x, gx, gy], -1)).transpose(0, 3, 1, 2)
        h = np.zeros((b, self.width, n + q, m + q))
        h[:, :, :n, :m] = lifted
        fields["lift_padded"] = h
        h = self.blocks(p, h, fields, np_gelu)[:, :, :n, :m]
        fields["y"] = self.project(p, h.transpose(0, 2, 3, 1), np_gelu)
        return fields


class Pinn(Model):
    """u_t + beta u_x = 0 on [0, 2 pi] x [0, 1], u(x, 0) = sin x, periodic."""
    nu = 0.01 / np.pi

    def __init__(self, seed, sizes, beta, residual, initial, boundary, full_hessian=False):
        super().__init__(seed)
        self.full_hessian = full_hessian
        self.count, self.beta = len(sizes) - 1, float(beta)
        for i in range(self.count):
            self.dense(f"layer{i}", sizes[i], sizes[i + 1])
        self.inputs["x_res"] = self.random.uniform(0, 2 * np.pi, (residual, 1))
        self.inputs["t_res"] = self.random.uniform(0, 1, (residual, 1))
        self.inputs["x_ic"] = self.random.uniform(0, 2 * np.pi, (initial, 1))
        self.inputs["t_bc"] = self.random.uniform(0, 1, (boundary, 1))
        self.attributes = dict(model="PINN", sizes=np.array(sizes), beta=self.beta, activation="tanh",
                               loss="mean residual^2 + mean bc^2 + mean ic^2")

    def u(self, p, x, t):
        return tanh_layers(p, "layer", torch.cat([x, t], 1), self.count, False)

    def derivatives(self, p, inputs):
        x, t = inputs["x_res"], inputs["t_res"]
        d = lambda f, z: torch.autograd.grad(f.sum(), z, create_graph=True)[0]
        u = self.u(p, x, t)
        u_x, u_t = d(u, x), d(u, t)
        return {"u": u, "u_x": u_x, "u_t": u_t, "u_xx": d(u_x, x), "u_tt": d(u_t, t)}

    def forward(self, p, inputs):
        fields = self.derivatives(p, inputs)
        return fields["u"], fields

    def terms(self, p, inputs):
        f = self.derivatives(p, inputs)
        x_ic, t_bc = inputs["x_ic"], inputs["t_bc"]
        ends = [self.u(p, torch.full_like(t_bc, end), t_bc) for end in (0.0, 2 * np.pi)]
        start = self.u(p, x_ic, torch.zeros_like(x_ic)) - torch.sin(x_ic)
        return torch.stack([((f["u_t"] + self.beta * f["u_x"]) ** 2).mean(),
                            ((ends[1] - ends[0]) ** 2).mean(), (start ** 2).mean()])

    def loss(self, p, inputs, targets):
        return self.terms(p, inputs).sum()

    def burgers(self, p, inputs):
        f = self.derivatives(p, inputs)
        return ((f["u_t"] + f["u"] * f["u_x"] - self.nu * f["u_xx"]) ** 2).mean()

    def wave(self, p, inputs):
        f = self.derivatives(p, inputs)
        return ((f["u_tt"] - 4 * f["u_xx"]) ** 2).mean()

    def jets(self, x, t):
        """u and its derivatives carried forward through the layers, with no reverse mode."""
        n = len(x)
        h = {"u": np.concatenate([x, t], 1), "x": np.tile([1.0, 0.0], (n, 1)),
             "t": np.tile([0.0, 1.0], (n, 1)), "xx": np.zeros((n, 2)), "tt": np.zeros((n, 2))}
        for i in range(self.count):
            w = self.parameters[f"layer{i}.weight"].T
            h = {k: v @ w for k, v in h.items()}
            h["u"] = h["u"] + self.parameters[f"layer{i}.bias"]
            if i < self.count - 1:
                y = np.tanh(h["u"])
                s, c = 1 - y * y, -2 * y * (1 - y * y)
                h = {"u": y, "x": s * h["x"], "t": s * h["t"], "xx": s * h["xx"] + c * h["x"] ** 2,
                     "tt": s * h["tt"] + c * h["t"] ** 2}
        return h

    def check_forward(self):
        i = self.inputs
        h = self.jets(i["x_res"], i["t_res"])
        out = {"y": h["u"], "u": h["u"]}
        out.update({f"u_{k}": h[k] for k in ("x", "t", "xx", "tt")})
        return out

    def check_terms(self):
        i, n = self.inputs, np
        f = self.jets(i["x_res"], i["t_res"])
        end = [self.jets(n.full_like(i["t_bc"], e), i["t_bc"])["u"] for e in (0.0, 2 * n.pi)]
        start = self.jets(i["x_ic"], n.zeros_like(i["x_ic"]))["u"] - n.sin(i["x_ic"])
        return {"loss_terms_res_bc_ic": n.array([((f["t"] + self.beta * f["x"]) ** 2).mean(),
                                                 ((end[1] - end[0]) ** 2).mean(), (start ** 2).mean()]),
                "burgers/loss": ((f["t"] + f["u"] * f["x"] - self.nu * f["xx"]) ** 2).mean(),
                "wave/loss": ((f["tt"] - 4 * f["xx"]) ** 2).mean()}
