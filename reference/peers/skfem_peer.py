#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""scikit-fem as a peer (pip install scikit-fem): COO and CSR on the mesh that DOLFINx wrote.
usage: skfem_peer.py, commands on stdin (fem_peer_loop.py)"""
import time

import h5py
import numpy as np
import scipy.sparse
import skfem
from fem_peer_loop import serve
from skfem import Basis, BilinearForm, ElementVector, helpers

ELEMENTS = {
    ("triangle", 1): skfem.ElementTriP1,
    ("triangle", 2): skfem.ElementTriP2,
    ("tetrahedron", 1): skfem.ElementTetP1,
    ("tetrahedron", 2): skfem.ElementTetP2,
    ("quadrilateral", 1): skfem.ElementQuad1,
    ("quadrilateral", 2): skfem.ElementQuad2,
    ("hexahedron", 1): skfem.ElementHex1,
    ("hexahedron", 2): skfem.ElementHex2,
}
MESHES = {
    "triangle": skfem.MeshTri,
    "tetrahedron": skfem.MeshTet,
    "quadrilateral": skfem.MeshQuad,
    "hexahedron": skfem.MeshHex,
}
# scikit-fem's order of the vertices in terms of the tensor order of MESH.h5.
AROUND = {"quadrilateral": [0, 1, 3, 2], "hexahedron": [0, 4, 2, 1, 6, 5, 3, 7]}


@BilinearForm
def poisson(u, v, w):
    return helpers.dot(helpers.grad(u), helpers.grad(v))


@BilinearForm
def mass(u, v, w):
    return u * v


@BilinearForm
def elasticity(u, v, w):
    young, nu = 1.0, 0.3
    lam, mu = young * nu / ((1 + nu) * (1 - 2 * nu)), young / (2 * (1 + nu))
    eu, ev = helpers.sym_grad(u), helpers.sym_grad(v)
    return lam * helpers.trace(eu) * helpers.trace(ev) + 2 * mu * helpers.ddot(eu, ev)


FORMS = {"poisson": poisson, "mass": mass, "elasticity": elasticity}


def places(points, others):
    """For each of `others` the number of the point at the same place."""
    points, others = (np.round(x * 2**40).astype(np.int64) for x in (points, others))
    mine, theirs = np.lexsort(points.T), np.lexsort(others.T)
    if len(points) != len(others) or not np.array_equal(points[mine], others[theirs]):
        raise ValueError("the nodes of scikit-fem and of the mesh lie at different places")
    found = np.empty(len(points), np.int64)
    found[theirs] = mine
    return found


class Peer:
    def prepare(self, command):
        with h5py.File(command["mesh"]) as file:
            cell = file.attrs["cell"]
            points, cells = file["geometry"][:], file["topology"][:]
            nodes = file["dof_coordinates"][:] if "dof_coordinates" in file else points
        cells = cells[:, AROUND[cell]] if cell in AROUND else cells
        grid = MESHES[cell](points.T.copy(), cells.T.copy())
        element = ELEMENTS[cell, command["degree"]]()
        dim = points.shape[1]
        components = dim if command["form"] == "elasticity" else 1
        start = time.perf_counter()
        degree = command["degree"]
        constant = cell in ("triangle", "tetrahedron") and command["form"] != "mass"
        self.basis = Basis(grid, ElementVector(element) if components > 1 else element,
                           intorder=max(2 * degree - 2, 1) if constant else 2 * degree)
        set_up = time.perf_counter() - start
        self.form = FORMS[command["form"]]
        start = time.perf_counter()
        matrix = self.form.assemble(self.basis)
        first = time.perf_counter() - start
        self.write(command["matrix"], matrix, nodes, components)
        return {"version": f"scikit-fem {skfem.__version__}", "nonzeros": int(matrix.nnz),
                "cells": len(cells), "set_up": set_up, "first": first}

    def write(self, path, matrix, nodes, components):
        """The matrix in the numbering of the mesh file."""
        where = self.basis.doflocs.T
        node = places(nodes, where[::components])
        row = (node[:, None] * components + np.arange(components)).ravel()
        found = matrix.tocoo()
        ordered = scipy.sparse.csr_matrix((found.data, (row[found.row], row[found.col])),
                                          shape=matrix.shape)
        ordered.sort_indices()
        with h5py.File(path, "w") as file:
            file["row_ptr"] = ordered.indptr.astype(np.int64)
            file["col"], file["val"] = ordered.indices.astype(np.int64), ordered.data

    def seconds(self, what, repeats):
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            self.form.assemble(self.basis)
            times.append(time.perf_counter() - start)
        return {"seconds": times}


serve(Peer())
