# SPDX-License-Identifier: BSD-3-Clause
"""What moho and other finite element codes are asked to assemble: the unit square cut into 2 n^2
triangles, the unit cube into 6 n^3 tetrahedra, raw matrices without boundary conditions."""
from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Job:
    """One matrix. `targets`: {ranks: ratio to DOLFINx into PETSc that is asked for}."""

    name: str
    dim: int
    n: int
    degree: int = 1
    form: str = "poisson"
    targets: dict = field(default_factory=dict)

    @property
    def nonzeros(self) -> int:
        """Structural: all pairs of nodes that share a cell."""
        n = self.n
        if self.dim == 2:
            vertices, edges, faces = (n + 1) ** 2, 3 * n * n + 2 * n, 2 * n * n
            if self.degree == 2:
                pairs = vertices + 2 * edges + 2 * (2 * edges + 3 * faces) + edges + 6 * faces
            else:
                pairs = vertices + 2 * edges
        else:
            if self.degree != 1:
                raise ValueError(f"{self.name}: pairs of P2 tetrahedra are not counted here")
            edges = 3 * n * (n + 1) ** 2 + 3 * n * n * (n + 1) + n**3
            pairs = (n + 1) ** 3 + 2 * edges
        return pairs * (self.dim**2 if self.form == "elasticity" else 1)


JOBS = (
    Job("poisson2d-P1-256", 2, 256, targets={1: 9.0}),
    Job("poisson2d-P1-512", 2, 512, targets={1: 10.0}),
    Job("poisson3d-P1-32", 3, 32, targets={1: 7.0, 2: 6.0}),
    Job("poisson3d-P1-64", 3, 64, targets={1: 6.5, 2: 5.0}),
    Job("elasticity3d-P1-32", 3, 32, form="elasticity", targets={1: 12.0}),
    Job("poisson2d-P2-256", 2, 256, degree=2, targets={1: 4.0}),
)
SMALL = (
    Job("poisson2d-P1-8", 2, 8),
    Job("poisson2d-P2-8", 2, 8, degree=2),
    Job("elasticity3d-P1-4", 3, 4, form="elasticity"),
)

# ---- beside TensorGalerkin's pattern in PyTorch --------------------------------------------------

REDUCTIONS = ("index_add", "sparse")


@dataclass(frozen=True)
class TorchJob(Job):
    """One of P1 tetrahedra. `on_device`: ratio to PyTorch that is asked for on a device."""

    on_device: float | None = None

    @property
    def cells(self) -> int:
        return 6 * self.n**3

    @property
    def benchmark(self) -> str:
        """Name in moho-bench: `poisson` has a coefficient of its own in each cell, `elasticity`
        one law for all."""
        case = {"poisson": "darcy", "elasticity": "elasticity"}[self.form]
        return f"{case}_p1_tetrahedron/{self.n}"

    def policy(self, device: str, threads: int) -> str:
        """moho's default (default_reduce in fem/assembly.hpp)."""
        if device == "cpu":
            return "scatter" if threads == 1 else "owner-scatter"
        return "compressed-gather" if self.form == "elasticity" else "tiled-gather"


def torch_job(form: str, n: int, on_device: float | None = None) -> TorchJob:
    return TorchJob(f"{form}3d-P1-{n}", 3, n, form=form, on_device=on_device)


# those of 8 are to try it out
TORCH = (torch_job("poisson", 8), torch_job("poisson", 32, 5.0), torch_job("poisson", 64, 5.0),
         torch_job("elasticity", 8), torch_job("elasticity", 32, 5.0))
