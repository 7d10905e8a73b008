#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Assembly as TensorGalerkin's authors publish it (arXiv 2602.05052; camlab-ethz/TensorMesh), in
PyTorch, as a process that answers (fem_peer_loop.py): Map makes all local matrices with einsum from
geometric tensors that are kept, Reduce sums them into the values of a CSR matrix, by `index_add`
with a map of positions made once, or as the product with a `sparse` matrix of ones made once.

Double precision. P1 tetrahedra, 6 to a box of the unit cube: `poisson` with a coefficient of its
own in each cell, `elasticity` with E = 1 and nu = 0.3. What favours PyTorch: gradients and volumes
are kept where moho reads coordinates and makes them anew, elasticity has its strain matrices, and
positions are of 32 bits.

usage: OMP_NUM_THREADS=N PYTHON fem_torch.py [--compile] [--device cpu|cuda]
With --compile Map, and with it index_add, goes through torch.compile.
"""
from __future__ import annotations

import itertools
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
import torch_peer  # noqa: E402
from fem_peer_loop import serve  # noqa: E402

LAMBDA, MU = 0.3 / (1.3 * 0.4), 1 / 2.6  # of E = 1 and nu = 0.3
AXES = 3


# ---- mesh and pattern (numpy, once) --------------------------------------------------------------


def boxes(n: int) -> np.ndarray:
    """(n^3, 3) numbers of the boxes along each axis, x fastest."""
    z, y, x = np.meshgrid(*AXES * [np.arange(n)], indexing="ij")
    return np.stack([x, y, z], -1).reshape(-1, AXES)


def mesh(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, 3) and cells (6 n^3, 4), around the diagonal 000-111 of each box."""
    step = (n + 1) ** np.arange(AXES)
    corners = [np.cumsum([0, *step[list(order)]]) for order in itertools.permutations(range(AXES))]
    cells = (boxes(n) @ step)[:, None, None] + np.array(corners)
    return boxes(n + 1) / n, cells.reshape(-1, AXES + 1)


def coefficient(n: int) -> np.ndarray:
    """That of each cell: 1 to 15/8, by the box in which it lies (fem_benchmarks.cpp)."""
    return np.repeat(1 + boxes(n) @ np.array([1, 2, 4]) % 8 / 8, 6)


def geometry(points, cells) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the shape functions (E, 4, 3), volumes (E)."""
    corners = points[cells]
    edges = corners[:, 1:] - corners[:, :1]
    reference = np.vstack([-np.ones(AXES), np.eye(AXES)])
    return reference @ np.linalg.inv(edges.transpose(0, 2, 1)), np.abs(np.linalg.det(edges)) / 6


class Pattern:
    """CSR of all pairs of nodes that share a cell; `position` (E k B k B) of each local entry in
    its values, `row` and `column` (nonzeros) of each value. Row = B * node + component."""

    def __init__(self, cells, nodes: int, components: int):
        keys = (cells[:, :, None] * nodes + cells[:, None, :]).reshape(-1)
        known, place = np.unique(keys, return_inverse=True)
        row, column = known // nodes, known % nodes
        first = np.searchsorted(row, np.arange(nodes + 1))
        degree = np.diff(first)
        axis = np.arange(components)
        # (pairs, i, j) -> where that value stands
        values = (components**2 * first[row])[:, None, None] + axis[:, None] * (
            components * degree[row])[:, None, None]
        values = values + (components * (np.arange(len(known)) - first[row]))[:, None, None] + axis
        self.nonzeros = values.size
        local = values[place.reshape(-1, 4, 4)]  # (E, a, b, i, j)
        self.position = local.transpose(0, 1, 3, 2, 4).reshape(-1)
        order = np.empty(values.size, np.int64)
        order[values.reshape(-1)] = np.arange(values.size)
        shape = np.broadcast(row[:, None, None], values).shape
        rows = np.broadcast_to((components * row)[:, None, None] + axis[:, None], shape)
        columns = np.broadcast_to((components * column)[:, None, None] + axis, shape)
        self.row, self.column = rows.reshape(-1)[order], columns.reshape(-1)[order]

    def matrix_of_ones(self) -> tuple[np.ndarray, np.ndarray]:
        """CSR (pointers, columns) of the matrix that sums local entries into values."""
        counts = np.bincount(self.position, minlength=self.nonzeros)
        return np.concatenate([[0], np.cumsum(counts)]), np.argsort(self.position, kind="stable")


def strains(gradients) -> np.ndarray:
    """(E, 6, 12): strains xx yy zz xy yz zx of each degree of freedom."""
    found = np.zeros((len(gradients), 6, 4, AXES))
    for i in range(AXES):
        found[:, i, :, i] = gradients[:, :, i]
        j = (i + 1) % AXES
        found[:, AXES + i, :, i] = gradients[:, :, j]
        found[:, AXES + i, :, j] = gradients[:, :, i]
    return found.reshape(len(gradients), 6, 12)


def field(points, components: int) -> np.ndarray:
    """The field of fem_benchmarks.cpp, by rows of the matrix."""
    x, y, z = (points[:, None, axis] for axis in range(AXES))
    c = np.arange(components)
    return ((c + 1) * x * x + y * z - c * y).reshape(-1)


# ---- the process ---------------------------------------------------------------------------------


class Peer(torch_peer.Peer):
    def map_of(self, form: str, gradients, volumes, n: int):
        """Map: a function without arguments that makes (E, k, k) local matrices."""
        volumes = self.tensor(volumes)
        if form == "poisson":
            g, k = self.tensor(gradients), self.tensor(coefficient(n))
            return lambda: torch.einsum("eai,ebi->eab", (k * volumes)[:, None, None] * g, g)
        b = self.tensor(strains(gradients))
        weighted = volumes[:, None, None] * b
        law = np.diag([2 * MU] * 3 + [MU] * 3)
        law[:3, :3] += LAMBDA
        law = self.tensor(law)
        return lambda: torch.einsum("epm,epn->emn", b,
                                    torch.einsum("pq,eqn->epn", law, weighted))

    def tensor(self, array, dtype=torch.float64):
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device, dtype)

    def prepare(self, command: dict) -> dict:
        """{form, n, what}: makes the mesh and all tables, warms up."""
        form, n = command["form"], command["n"]
        components = {"poisson": 1, "elasticity": AXES}[form]
        points, cells = mesh(n)
        pattern = Pattern(cells, len(points), components)
        local = self.map_of(form, *geometry(points, cells), n)
        position = self.tensor(pattern.position, torch.int32)
        self.values = torch.zeros(pattern.nonzeros, dtype=torch.float64, device=self.device)

        def add():
            self.values.zero_().index_add_(0, position, local().reshape(-1))

        self.calls = {"index_add": torch.compile(add) if self.compiled else add}
        if "sparse" in command["what"]:
            self.calls["sparse"] = self.product(pattern, local)
        found = self.warm(command["what"])
        told = {what: self.described(what, pattern, field(points, components))
                for what in found["seconds"]}
        return self.about | found | {"cells": len(cells), "nonzeros": pattern.nonzeros,
                                     "matrix": told}

    def product(self, pattern, local):
        """Reduce as a product with a vector; on a host with a matrix of one column, which PyTorch
        can do without MKL too."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that such tensors are in beta
            rows, columns = (self.tensor(part, torch.int32) for part in pattern.matrix_of_ones())
            ones = torch.ones(len(pattern.position), dtype=torch.float64, device=self.device)
            matrix = torch.sparse_csr_tensor(rows, columns, ones,
                                             size=(pattern.nonzeros, len(pattern.position)))
        local = torch.compile(local) if self.compiled else local

        shape = (-1,) if self.device.type == "cuda" else (-1, 1)

        def multiply():
            self.values = (matrix @ local().reshape(shape)).reshape(-1)

        return multiply

    def described(self, what: str, pattern, x) -> dict:
        """Frobenius norm and x . K x of what one call leaves."""
        self.calls[what]()
        values = self.values.cpu().numpy()
        # np.sum adds in pairs; np.linalg.norm of millions of values is off by 1e-12
        return {"frobenius": float(np.sqrt(np.sum(values**2))),
                "energy": float(np.sum(x[pattern.row] * values * x[pattern.column]))}


if __name__ == "__main__":
    serve(Peer(torch_peer.arguments("TensorGalerkin's pattern, as a process that answers")))
