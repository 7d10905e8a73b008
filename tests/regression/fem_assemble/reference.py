# SPDX-License-Identifier: BSD-3-Clause
"""An independent assembly in numpy: Lagrange bases from monomials by a Vandermonde system, Gauss
quadrature, the numbering of the command's contract by dictionaries. Simplices, and masses, take more
points than are needed; other forms on tensor cells degree + 2 along each axis, as DOLFINx and moho
do: on those that are not affine no rule is exact."""
from itertools import combinations, product

import numpy as np
from meshes import DIM

CORNERS = {
    "triangle": np.array([[0, 0], [1, 0], [0, 1]]),
    "tetrahedron": np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    "quadrilateral": np.array([[i & 1, i >> 1] for i in range(4)]),
    "hexahedron": np.array([[i & 1, i >> 1 & 1, i >> 2] for i in range(8)]),
}


def is_simplex(cell):
    return cell in ("triangle", "tetrahedron")


def supports(cell, degree):
    """The vertices that carry each node of a cell: one (a vertex), two (an edge), .."""
    if degree == 1:
        return [(v,) for v in range(len(CORNERS[cell]))]
    if is_simplex(cell):
        n = len(CORNERS[cell])
        return [(v,) for v in range(n)] + list(combinations(range(n), 2))
    found = []
    for place in product(range(3), repeat=DIM[cell]):
        place = place[::-1]  # x fastest
        found.append(tuple(v for v, c in enumerate(CORNERS[cell])
                           if all(p == 1 or p == 2 * x for p, x in zip(place, c))))
    return found


def basis(cell, degree):
    """Exponents of the monomials and coefficients (monomial, node)."""
    dim = DIM[cell]
    powers = [p for p in product(range(degree + 1), repeat=dim)
              if not is_simplex(cell) or sum(p) <= degree]
    nodes = np.array([CORNERS[cell][list(s)].mean(0) for s in supports(cell, degree)])
    vandermonde = np.array([[np.prod(x ** np.array(p)) for p in powers] for x in nodes])
    coefficients = np.linalg.inv(vandermonde)
    return np.array(powers), np.round(coefficients)  # integers for these nodes


def evaluate(cell, degree, x):
    """Values (points, nodes) and gradients (points, nodes, dim) at reference points."""
    powers, c = basis(cell, degree)
    values = np.stack([np.prod(x ** p, 1) for p in powers], -1) @ c
    gradients = []
    for d in range(DIM[cell]):
        column = []
        for p in powers:
            lower = p.copy()
            lower[d] = max(p[d] - 1, 0)
            column.append(p[d] * np.prod(x ** lower, 1))
        gradients.append(np.stack(column, -1) @ c)
    return values, np.stack(gradients, -1)


def rule(cell, n=5):
    x, w = np.polynomial.legendre.leggauss(n)
    x, w = (x + 1) / 2, w / 2
    dim = DIM[cell]
    points = np.array(list(product(x, repeat=dim)))
    weights = np.array([np.prod(v) for v in product(w, repeat=dim)])
    if is_simplex(cell):  # Duffy: coordinates shrink one after the other
        rest = np.ones(len(points))
        for d in range(dim):
            weights = weights * rest if d else weights
            points[:, d] *= rest
            rest = rest - points[:, d]
    return points, weights


def numbering(mesh, degree):
    """Nodes (cells, k) and their number, by the contract: vertices, edges, faces, cells."""
    cells = mesh["topology"]
    local = supports(mesh["cell"], degree)
    number = {}
    for size in sorted({len(s) for s in local}):
        keys = sorted({tuple(sorted(cell[list(s)])) for cell in cells for s in local
                       if len(s) == size})
        if size == 2 ** DIM[mesh["cell"]] and not is_simplex(mesh["cell"]):  # the cell itself
            keys = list(dict.fromkeys(tuple(sorted(cell)) for cell in cells))
        for key in keys:
            number[key] = len(number)
    nodes = np.array([[number[tuple(sorted(cell[list(s)]))] for s in local] for cell in cells])
    return nodes, len(number)


def node_points(mesh, degree):
    nodes, count = numbering(mesh, degree)
    points = np.empty((count, DIM[mesh["cell"]]))
    for a, support in enumerate(supports(mesh["cell"], degree)):
        points[nodes[:, a]] = mesh["geometry"][mesh["topology"][:, list(support)]].mean(1)
    return points


def local_matrices(mesh, degree, form, young=1.0, nu=0.3):
    cell, dim = mesh["cell"], DIM[mesh["cell"]]
    xi, w = rule(cell, 5 if is_simplex(cell) or form == "mass" else degree + 2)
    N, dN = evaluate(cell, degree, xi)
    _, dM = evaluate(cell, 1, xi)
    J = np.einsum("eai,qaj->eqij", mesh["geometry"][mesh["topology"]], dM)
    jxw = np.abs(np.linalg.det(J)) * w
    G = np.einsum("qaj,eqji->eqai", dN, np.linalg.inv(J))
    if form == "mass":
        return np.einsum("eq,qa,qb->eab", jxw, N, N)
    if form == "poisson":
        return np.einsum("eq,eqai,eqbi->eab", jxw, G, G)
    lam, mu = young * nu / ((1 + nu) * (1 - 2 * nu)), young / (2 * (1 + nu))
    gg = np.einsum("eq,eqai,eqbj->eabij", jxw, G, G)
    block = lam * gg + mu * gg.swapaxes(3, 4)
    block += mu * np.einsum("eabii->eab", gg)[..., None, None] * np.eye(dim)
    k = N.shape[1]
    return block.transpose(0, 1, 3, 2, 4).reshape(-1, k * dim, k * dim)


def matrix(mesh, degree, form, nodes=None, count=None, **material):
    """(row_ptr, col, val) with structural zeros."""
    if nodes is None:
        nodes, count = numbering(mesh, degree)
    components = DIM[mesh["cell"]] if form == "elasticity" else 1
    dofs = (nodes[:, :, None] * components + np.arange(components)).reshape(len(nodes), -1)
    local = local_matrices(mesh, degree, form, **material)
    rows = np.repeat(dofs, dofs.shape[1], 1).ravel()
    cols = np.tile(dofs, (1, dofs.shape[1])).ravel()
    size = count * components
    keys, place = np.unique(rows * size + cols, return_inverse=True)
    values = np.bincount(place, local.ravel(), len(keys))
    row_ptr = np.concatenate([[0], np.cumsum(np.bincount(keys // size, minlength=size))])
    return row_ptr, keys % size, values


def difference(a, b):
    """Relative difference in the Frobenius norm."""
    return np.linalg.norm(a - b) / np.linalg.norm(b)
