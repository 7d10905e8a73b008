# SPDX-License-Identifier: BSD-3-Clause
"""The same bits on 1 to 4 ranks, by every deterministic policy and partition."""
import os
from pathlib import Path

import numpy as np
import pytest
import reference
from meshes import CELLS, DIM, msh4, structured

# coo sums in PETSc's order and atomic in any.
EVERYWHERE = ("scatter", "owner-scatter", "tiled-gather", "two-pass", "insert")
APART = ("insert", "compressed-gather")  # other formulas for the blocks of P1 elasticity
LOOSE = ("coo", "atomic")
RANKS = (1, 2, 3, 4)


def big(cell, seed=8):
    return structured(cell, 8 if DIM[cell] == 2 else 3, seed, 0.2)


def expect_one_hash(shas):
    assert len(set(shas.values())) == 1, shas


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("degree", (1, 2))
def test_ranks(folder, cell, degree):
    mesh = big(cell)
    for form in ("poisson", "elasticity") if degree == 1 else ("elasticity",):
        expect_one_hash({ranks: folder.sha(mesh, form, "--degree", degree, ranks=ranks)
                         for ranks in RANKS})


@pytest.mark.parametrize("cell, degree, form", [
    ("tetrahedron", 1, "poisson"),
    ("triangle", 2, "mass"),
    ("hexahedron", 1, "elasticity"),
])
def test_policies(folder, cell, degree, form):
    mesh = big(cell)
    expect_one_hash({(policy, ranks): folder.sha(mesh, form, "--degree", degree, "--reduce", policy,
                                                 ranks=ranks)
                     for policy in EVERYWHERE for ranks in (1, 3)})


def test_policies_of_p1_elasticity(folder):
    """Blocks are formed from summed products of gradients, by MatSetValues from local matrices."""
    mesh = big("tetrahedron")
    same = [policy for policy in EVERYWHERE if policy not in APART]
    expect_one_hash({(policy, ranks): folder.sha(mesh, "elasticity", "--reduce", policy,
                                                 ranks=ranks)
                     for policy in same for ranks in (1, 3)})
    expected = folder.assembled(mesh, "elasticity")[2]
    for policy in APART:
        expect_one_hash({ranks: folder.sha(mesh, "elasticity", "--reduce", policy, ranks=ranks)
                         for ranks in RANKS})
        found = folder.assembled(mesh, "elasticity", "--reduce", policy)[2]
        assert reference.difference(found, expected) < 1e-14


def test_loose_policies_differ_in_rounding_at_most(folder):
    mesh = big("tetrahedron")
    expected = folder.assembled(mesh, "poisson", "--reduce", "scatter")
    for policy in LOOSE:
        for ranks in (1, 2, 4):
            found = folder.assembled(mesh, "poisson", "--reduce", policy, ranks=ranks)
            assert np.array_equal(found[0], expected[0]) and np.array_equal(found[1], expected[1])
            assert reference.difference(found[2], expected[2]) < 1e-14


def test_threads(folder):
    mesh = big("tetrahedron")
    expect_one_hash({threads: folder.sha(mesh, "poisson", "--reduce", "owner-scatter",
                                         "--threads", threads) for threads in (1, 2, 3, 7)})


@pytest.mark.parametrize("partition", ("blocks", "graph", "automatic"))
def test_partitions(folder, partition):
    """Points are shuffled, so that blocks are the worst of partitions."""
    mesh = big("triangle")
    expected = folder.sha(mesh, "poisson", "--degree", 2)
    for ranks in (2, 3, 4):
        assert expected == folder.sha(mesh, "poisson", "--degree", 2, "--partition", partition,
                                      ranks=ranks)


def test_gmsh_on_ranks(folder):
    folder.write("m.msh", msh4(big("tetrahedron")))
    for degree in (1, 2):
        expect_one_hash({ranks: folder.sha("m.msh", "elasticity", "--degree", degree, ranks=ranks)
                         for ranks in RANKS})


@pytest.mark.parametrize("name", ("disk.msh", "disk-order2.msh", "ball-order2.msh"))
def test_committed_meshes(folder, name):
    path = Path(os.environ["MOHO_SOURCE_DIR"]) / "reference" / "physics" / "fem" / "meshes" / name
    for degree in (1, 2):  # second-order files at degree 1: their vertices alone
        expect_one_hash({ranks: folder.sha(path, "poisson", "--degree", degree, ranks=ranks)
                         for ranks in (1, 2, 3)})


def test_a_changed_point_changes_the_hash(folder):
    mesh = big("triangle")
    before = folder.sha(mesh, "poisson")
    mesh["geometry"][5, 0] = np.nextafter(mesh["geometry"][5, 0], 2)
    assert folder.sha(mesh, "poisson", ranks=2) != before


def test_as_many_ranks_as_nodes(folder):
    mesh = structured("triangle", 1)
    expect_one_hash({ranks: folder.sha(mesh, "poisson", ranks=ranks) for ranks in (1, 4)})
