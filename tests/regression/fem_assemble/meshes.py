# SPDX-License-Identifier: BSD-3-Clause
"""Small meshes as dictionaries of datasets, and as Gmsh files."""
from itertools import permutations

import numpy as np

DIM = {"triangle": 2, "quadrilateral": 2, "tetrahedron": 3, "hexahedron": 3}
CELLS = tuple(DIM)


def structured(cell, n, seed=None, perturbation=0.0, stretch=1.0):
    """A mesh of the unit square or cube with n cells along each side. With a seed: points and cells
    shuffled, points moved by up to `perturbation` / n."""
    dim = DIM[cell]
    shape = (n + 1,) * dim
    grid = np.stack(np.meshgrid(*[np.arange(n + 1) for _ in range(dim)], indexing="ij"), -1)
    points = grid.reshape(-1, dim) / n * stretch
    number = np.arange(len(points)).reshape(shape)
    corners = np.stack(np.meshgrid(*[np.arange(n) for _ in range(dim)], indexing="ij"), -1)
    corners = corners.reshape(-1, dim)

    def at(offset):
        return number[tuple((corners + np.array(offset)).T)]

    if cell in ("quadrilateral", "hexahedron"):  # x fastest
        offsets = [[i >> d & 1 for d in range(dim)] for i in range(2**dim)]
        cells = np.stack([at(o) for o in offsets], -1)
    else:  # Kuhn's cut: along each path from corner 0 to corner 1
        cells = []
        for path in permutations(range(dim)):
            offset, row = [0] * dim, [at([0] * dim)]
            for axis in path:
                offset[axis] = 1
                row.append(at(offset))
            cells.append(np.stack(row, -1))
        cells = np.stack(cells, 1).reshape(-1, dim + 1)
    if seed is not None:
        rng = np.random.default_rng(seed)
        points = points + perturbation / n * rng.uniform(-1, 1, points.shape)
        order = rng.permutation(len(points))  # new number of each point
        points, cells = points[np.argsort(order)], order[cells]
        cells = cells[rng.permutation(len(cells))]
    return {"cell": cell, "geometry": points.astype(float), "topology": cells.astype(np.int64)}


GMSH = {"triangle": (2, 9), "quadrilateral": (3, 10), "tetrahedron": (4, 11), "hexahedron": (5, 12)}
# Gmsh counts vertices of tensor cells around, not in tensor order.
AROUND = {"quadrilateral": [0, 1, 3, 2], "hexahedron": [0, 1, 3, 2, 4, 5, 7, 6]}


def gmsh_vertices(mesh):
    cells = mesh["topology"]
    return cells[:, AROUND[mesh["cell"]]] if mesh["cell"] in AROUND else cells


def padded(points):
    return np.hstack([points, np.zeros((len(points), 3 - points.shape[1]))])


def msh2(mesh):
    """Gmsh 2.2, ASCII, first order."""
    points, cells = padded(mesh["geometry"]), gmsh_vertices(mesh) + 1
    kind = GMSH[mesh["cell"]][0]
    lines = ["$MeshFormat", "2.2 0 8", "$EndMeshFormat", "$Nodes", str(len(points))]
    lines += [f"{i + 1} " + " ".join(repr(float(x)) for x in p) for i, p in enumerate(points)]
    lines += ["$EndNodes", "$Elements", str(len(cells))]
    lines += [f"{i + 1} {kind} 2 1 1 " + " ".join(map(str, c)) for i, c in enumerate(cells)]
    return "\n".join(lines + ["$EndElements", ""])


def msh4(mesh):
    """Gmsh 4.1, ASCII, first order, one entity."""
    points, cells = padded(mesh["geometry"]), gmsh_vertices(mesh) + 1
    kind, dim = GMSH[mesh["cell"]][0], DIM[mesh["cell"]]
    n, m = len(points), len(cells)
    low, high = points.min(0), points.max(0)
    box = " ".join(repr(float(x)) for x in [*low, *high])
    counts = ["0"] * 4
    counts[dim] = "1"
    lines = ["$MeshFormat", "4.1 0 8", "$EndMeshFormat", "$Entities", " ".join(counts),
             f"1 {box} 0 0", "$EndEntities", "$Nodes", f"1 {n} 1 {n}", f"{dim} 1 0 {n}"]
    lines += [str(i + 1) for i in range(n)]
    lines += [" ".join(repr(float(x)) for x in p) for p in points]
    lines += ["$EndNodes", "$Elements", f"1 {m} 1 {m}", f"{dim} 1 {kind} {m}"]
    lines += [f"{i + 1} " + " ".join(map(str, c)) for i, c in enumerate(cells)]
    return "\n".join(lines + ["$EndElements", ""])
