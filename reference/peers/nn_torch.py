#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""PyTorch as a process that answers (fem_peer_loop.py): the cases of nn_jobs.py. A training step is
zero_grad, forward, loss, backward and Adam; answers are given under inference_mode.

The networks and names of parameters are those of the codes that the papers published, so that
analysis/torch_weights.py converts their weights. What favours PyTorch: the coordinates of grids
are made once, and the gradient goes to the parameters alone, not to the points of a PINN as well.

usage: OMP_NUM_THREADS=N PYTHON nn_torch.py [--compile] [--device cpu|cuda] [--tf32]
With --compile the networks go through torch.compile, of a PINN the whole loss, and Adam is the
fused one where it takes the parameters (real ones only). On a device the batch lies in its memory
from the start.
"""
from __future__ import annotations

import math
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent))
import torch_peer  # noqa: E402
from fem_peer_loop import serve  # noqa: E402

COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}


# ---- networks ------------------------------------------------------------------------------------


def mlp(sizes, activation, active_end=False) -> nn.Sequential:
    layers = []
    for inside, outside in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inside, outside), activation()]
    return nn.Sequential(*(layers if active_end else layers[:-1]))


def weights_of_modes(inside, outside, *modes) -> nn.Parameter:
    dtype = COMPLEX[torch.get_default_dtype()]
    return nn.Parameter(torch.rand(inside, outside, *modes, dtype=dtype) / (inside * outside))


class SpectralConv1d(nn.Module):
    def __init__(self, width, modes):
        super().__init__()
        self.modes = modes
        self.weights1 = weights_of_modes(width, width, modes)

    def forward(self, x):
        known = torch.fft.rfft(x)
        out = torch.zeros_like(known)
        out[:, :, :self.modes] = torch.einsum("bix,iox->box", known[:, :, :self.modes],
                                              self.weights1)
        return torch.fft.irfft(out, n=x.size(-1))


class SpectralConv2d(nn.Module):
    def __init__(self, width, modes):
        super().__init__()
        self.modes = modes
        self.weights1 = weights_of_modes(width, width, modes, modes)
        self.weights2 = weights_of_modes(width, width, modes, modes)

    def forward(self, x):
        m = self.modes
        known = torch.fft.rfft2(x)
        out = torch.zeros_like(known)
        for rows, weights in ((slice(None, m), self.weights1), (slice(-m, None), self.weights2)):
            out[:, :, rows, :m] = torch.einsum("bixy,ioxy->boxy", known[:, :, rows, :m], weights)
        return torch.fft.irfft2(out, s=(x.size(-2), x.size(-1)))


class Fno(nn.Module):
    """Li et al. 2021, fourier_1d.py and fourier_2d.py in their version of 2022."""

    def __init__(self, axes, width, modes, padding, points):
        super().__init__()
        spectral, convolution = ((SpectralConv1d, nn.Conv1d), (SpectralConv2d, nn.Conv2d))[axes - 1]
        self.padding, self.axes = padding, axes
        self.fc0 = nn.Linear(1 + axes, width)
        for i in range(4):
            setattr(self, f"conv{i}", spectral(width, modes))
            setattr(self, f"w{i}", convolution(width, width, 1))
        self.fc1 = nn.Linear(width, 128)
        self.fc2 = nn.Linear(128, 1)
        axis = torch.linspace(0, 1, points)
        grid = torch.stack(torch.meshgrid(*axes * [axis], indexing="ij"), -1)
        self.register_buffer("grid", grid, persistent=False)

    def forward(self, x):
        """x (n, points.., 1) -> (n, points.., 1)."""
        x = self.fc0(torch.cat((x, self.grid.expand(x.shape[0], *self.grid.shape)), -1))
        x = x.movedim(-1, 1)
        if self.padding:
            x = F.pad(x, self.axes * [0, self.padding])
        for i in range(4):
            x = getattr(self, f"conv{i}")(x) + getattr(self, f"w{i}")(x)
            x = F.gelu(x) if i < 3 else x
        if self.padding:
            x = x[(..., *self.axes * [slice(None, -self.padding)])]
        return self.fc2(F.gelu(self.fc1(x.movedim(1, -1))))


class DeepONet(nn.Module):
    """Lu et al. 2021, every function at the same points; the trunk is active at its end."""

    def __init__(self, branch, trunk, activation, points):
        super().__init__()
        self.branch = mlp(branch, activation)
        self.trunk = mlp(trunk, activation, active_end=True)
        self.b0 = nn.Parameter(torch.zeros(()))
        self.register_buffer("points", points, persistent=False)

    def forward(self, u):
        return self.branch(u) @ self.trunk(self.points).t() + self.b0


# ---- cases ---------------------------------------------------------------------------------------


def relative_l2(p, y):
    n = y.shape[0]
    return ((p - y).reshape(n, -1).norm(dim=1) / y.reshape(n, -1).norm(dim=1)).mean()


class Supervised:
    """A network with a batch of inputs and targets, and a loss of answers."""

    def __init__(self, network, inputs, targets, loss):
        self.network, self.inputs, self.targets, self._loss = network, inputs, targets, loss

    def to(self, device):
        self.network = self.network.to(device)
        self.inputs, self.targets = self.inputs.to(device), self.targets.to(device)

    def compile(self, network):
        """`network`: this one, compiled."""
        self.network = network

    def loss(self):
        return self._loss(self.network(self.inputs), self.targets)


class Pinn:
    """Residuals of u_t + 30 u_x = 0, or of Burgers' equation, and 100 known values."""

    def __init__(self, burgers):
        self.burgers = burgers
        self.network = mlp([2, 50, 50, 50, 50, 1], nn.Tanh)
        self.inputs = torch.rand(10000, 2)
        self.edge, self.known = torch.rand(100, 2), torch.randn(100, 1)

    def to(self, device):
        self.network = self.network.to(device)
        self.inputs, self.edge = self.inputs.to(device), self.edge.to(device)
        self.known = self.known.to(device)
        self.x, self.t = (self.inputs[:, i:i + 1].clone().requires_grad_() for i in (0, 1))

    def compile(self, _):
        # A compiled network has no second derivatives; a compiled loss holds them.
        self.loss = torch.compile(self.loss)

    def loss(self):
        x, t = self.x, self.t
        u = self.network(torch.cat([x, t], 1))
        one = torch.ones_like(u)
        u_x, u_t = torch.autograd.grad(u, (x, t), one, create_graph=True)
        if self.burgers:
            (u_xx,) = torch.autograd.grad(u_x, x, one, create_graph=True)
            residual = u_t + u * u_x - 0.01 / math.pi * u_xx
        else:
            residual = u_t + 30 * u_x
        return (residual**2).mean() + F.mse_loss(self.network(self.edge), self.known)


def on_grid(axes, width, modes, padding, points):
    shape = (20, *axes * [points], 1)
    return Supervised(Fno(axes, width, modes, padding, points), torch.randn(shape),
                      torch.randn(shape), relative_l2)


def deeponet():
    network = DeepONet([100, *4 * [128]], [2, *4 * [128]], nn.ReLU, torch.rand(1024, 2))
    return Supervised(network, torch.randn(256, 100), torch.randn(256, 1024), F.mse_loss)


def perceptron():
    network = mlp([30, *4 * [256], 60], nn.ReLU)
    return Supervised(network, torch.randn(1024, 30), torch.randn(1024, 60), F.mse_loss)


CASES = {
    "fno1d": lambda: on_grid(1, 64, 16, 2, 1024),
    "fno2d": lambda: on_grid(2, 32, 12, 9, 85),
    "deeponet": deeponet,
    "mlp": perceptron,
    "pinn_convection": lambda: Pinn(False),
    "pinn_burgers": lambda: Pinn(True),
}


# ---- the process ---------------------------------------------------------------------------------


class Peer(torch_peer.Peer):
    apart = ("latency",)

    def optimiser(self, parameters):
        if self.compiled and not any(p.is_complex() for p in parameters):
            return torch.optim.Adam(parameters, lr=1e-3, fused=True)
        return torch.optim.Adam(parameters, lr=1e-3)

    def prepare(self, command: dict) -> dict:
        """{case, type, what}: makes it, warms it up. Seconds: of one call, about."""
        torch.set_default_dtype(getattr(torch, command["type"]))
        torch.manual_seed(0)
        case = CASES[command["case"]]()
        case.to(self.device)
        parameters = list(case.network.parameters())
        network = case.network
        if self.compiled:
            network = torch.compile(network)
            case.compile(network)
        optimiser = self.optimiser(parameters)

        def train():
            optimiser.zero_grad()
            case.loss().backward(inputs=parameters)
            optimiser.step()

        def answer(inputs):
            with torch.inference_mode():
                network(inputs)

        one = case.inputs[:1].clone()
        self.calls = {"train": train, "infer": lambda: answer(case.inputs),
                      "latency": lambda: answer(one)}
        return self.about | self.warm(command["what"]) | {
            "parameters": sum(p.numel() * (2 if p.is_complex() else 1) for p in parameters),
            "items": len(case.inputs),
        }


if __name__ == "__main__":
    serve(Peer(torch_peer.arguments("PyTorch's networks, as a process that answers")))
