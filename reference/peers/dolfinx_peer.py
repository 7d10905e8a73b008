#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""DOLFINx 0.5 as a peer (Debian: python3-dolfinx): assembly into PETSc and into its own CSR.
Writes its mesh with its own numbering, and its matrix, for moho to be compared with.
usage: dolfinx_peer.py CACHE, commands on stdin (fem_peer_loop.py); under mpirun for several ranks
"""
import logging
import sys
import time

import dolfinx
import h5py
import numpy as np
import ufl
from dolfinx import cpp, fem, mesh
from dolfinx.fem import petsc
from fem_peer_loop import serve
from mpi4py import MPI
from petsc4py import PETSc

logging.disable(logging.INFO)
comm = MPI.COMM_WORLD


def bilinear(space, form, dim):
    """Forms of `moho fem assemble` with E = 1, nu = 0.3."""
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    if form == "poisson":
        return ufl.inner(ufl.grad(u), ufl.grad(v)) * ufl.dx
    if form == "mass":
        return ufl.inner(u, v) * ufl.dx
    young, nu = 1.0, 0.3
    lam, mu = young * nu / ((1 + nu) * (1 - 2 * nu)), young / (2 * (1 + nu))

    def strain(w):
        return ufl.sym(ufl.grad(w))

    stress = lam * ufl.tr(strain(u)) * ufl.Identity(dim) + 2 * mu * strain(u)
    return ufl.inner(stress, strain(v)) * ufl.dx


def slowest(seconds):
    return comm.allreduce(seconds, op=MPI.MAX)


class Peer:
    def __init__(self, cache):
        self.jit = {"cffi_extra_compile_args": ["-O3", "-march=native", "-ffast-math"],
                    "cffi_libraries": ["m"], "cache_dir": cache}
        self.matrix = self.native = None

    def prepare(self, command):
        dim, n, degree, form = (command[k] for k in ("dim", "n", "degree", "form"))
        self.matrix = self.native = None
        build = mesh.create_unit_square if dim == 2 else mesh.create_unit_cube
        self.mesh = build(comm, *[n] * dim, ghost_mode=mesh.GhostMode.none)
        kind = fem.VectorFunctionSpace if form == "elasticity" else fem.FunctionSpace
        space = kind(self.mesh, ("Lagrange", degree))
        self.form = fem.form(bilinear(space, form, dim), jit_params=self.jit)
        comm.Barrier()
        start = time.perf_counter()
        self.matrix = petsc.create_matrix(self.form)
        set_up = slowest(time.perf_counter() - start)
        first = self.assemble()
        pattern = cpp.fem.create_sparsity_pattern(
            self.mesh.topology, [space.dofmap._cpp_object] * 2, {cpp.fem.IntegralType.cell})
        pattern.assemble()
        self.native = None if form == "elasticity" else cpp.la.MatrixCSR_float64(pattern)
        self.packed = (cpp.fem.pack_constants(self.form),
                       cpp.fem.pack_coefficients(self.form))
        if command.get("mesh"):
            self.write(command, dim, degree)
        nonzeros = self.matrix.getInfo(PETSc.Mat.InfoType.GLOBAL_SUM)["nz_used"]
        return {"version": f"DOLFINx {dolfinx.__version__}", "nonzeros": int(nonzeros),
                "cells": self.mesh.topology.index_map(dim).size_global, "set_up": set_up,
                "first": first}

    def write(self, command, dim, degree):
        """MESH.h5 and the matrix; on one rank."""
        if comm.size != 1:
            raise ValueError("the mesh is written on one rank")
        count = self.mesh.topology.index_map(dim).size_local
        linear, space = (fem.FunctionSpace(self.mesh, ("Lagrange", p)) for p in (1, degree))

        def dofs(of):
            return np.array(of.dofmap.list.array, dtype=np.int64).reshape(count, -1)

        with h5py.File(command["mesh"], "w") as file:
            file["geometry"] = linear.tabulate_dof_coordinates()[:, :dim]
            file["topology"] = dofs(linear)
            file["dofmap"] = dofs(space)
            file["dof_coordinates"] = space.tabulate_dof_coordinates()[:, :dim]
            file.attrs["cell"] = "triangle" if dim == 2 else "tetrahedron"
        row_ptr, col, val = self.matrix.getValuesCSR()
        with h5py.File(command["matrix"], "w") as file:
            file["row_ptr"], file["col"] = row_ptr.astype(np.int64), col.astype(np.int64)
            file["val"] = val

    def assemble(self):
        self.matrix.zeroEntries()
        comm.Barrier()
        start = time.perf_counter()
        petsc.assemble_matrix(self.matrix, self.form, bcs=[])
        self.matrix.assemble()
        return slowest(time.perf_counter() - start)

    def assemble_native(self):
        self.native.set(0.0)
        comm.Barrier()
        start = time.perf_counter()
        cpp.fem.assemble_matrix(self.native, self.form, *self.packed, [])
        self.native.finalize()
        return slowest(time.perf_counter() - start)

    def seconds(self, what, repeats):
        if what == "native" and self.native is None:
            raise ValueError("DOLFINx 0.5's own matrix has no blocks")
        work = self.assemble_native if what == "native" else self.assemble
        return {"seconds": [work() for _ in range(repeats)]}


serve(Peer(sys.argv[1]), comm)
