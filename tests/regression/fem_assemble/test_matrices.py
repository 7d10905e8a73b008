# SPDX-License-Identifier: BSD-3-Clause
"""Matrices of every element and form against an independent assembly, and the layout of A.h5."""
import hashlib
import itertools
import json

import numpy as np
import pytest
import reference
from meshes import CELLS, DIM, msh2, msh4, structured

FORMS = ("poisson", "mass", "elasticity")
TOLERANCE = 1e-14


def perturbed(cell, seed=3):
    return structured(cell, 3 if DIM[cell] == 2 else 2, seed, 0.2)


def expect_same(found, expected, tolerance=TOLERANCE):
    assert np.array_equal(found[0], expected[0])
    assert np.array_equal(found[1], expected[1])
    assert reference.difference(found[2], expected[2]) <= tolerance


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("degree", (1, 2))
def test_every_element_and_form(folder, cell, degree):
    mesh = perturbed(cell)
    for form in FORMS:
        found = folder.assembled(mesh, form, "--degree", degree, "--E", 2.5, "--nu", 0.2)
        expected = reference.matrix(mesh, degree, form, young=2.5, nu=0.2)
        expect_same(found, expected)
        # The check can fail: a relative 1e-13 in one entry is seen.
        spoilt = expected[2].copy()
        spoilt[np.argmax(np.abs(spoilt))] *= 1 + 1e-13 * np.sqrt(len(spoilt))
        assert reference.difference(spoilt, expected[2]) > TOLERANCE


def test_layout_of_the_file(folder):
    mesh = perturbed("triangle")
    row_ptr, col, val, attributes = folder.assembled(mesh, "poisson")
    assert (row_ptr.dtype, col.dtype, val.dtype) == (np.int64, np.int64, np.float64)
    digest = hashlib.sha256()
    for part in (row_ptr, col, val):
        digest.update(part.astype(part.dtype.newbyteorder("<")).tobytes())
    assert attributes["sha256"] == digest.hexdigest()
    for time in ("time_setup", "time_first", "time_reassembly"):
        assert 0 < attributes[time] < 60
    for row in range(len(row_ptr) - 1):
        assert (np.diff(col[row_ptr[row]:row_ptr[row + 1]]) > 0).all()
    assert folder.files() == ["a.h5", "mesh.h5"]


def test_structural_zeros_are_kept(folder):
    """On Kuhn's cubes 37.5 % of the entries of P1 are zero or rounding."""
    mesh = structured("tetrahedron", 4)
    row_ptr, col, val, _ = folder.assembled(mesh, "poisson")
    n = 4
    edges = 3 * n * (n + 1) ** 2 + 3 * n * n * (n + 1) + n**3
    assert len(val) == (n + 1) ** 3 + 2 * edges
    assert (np.abs(val) < 1e-15).sum() > len(val) / 4


def test_defaults_are_unit_modulus_and_a_ratio_of_0_3(folder):
    mesh = perturbed("triangle")
    expect_same(folder.assembled(mesh, "elasticity"), reference.matrix(mesh, 1, "elasticity"))


def shuffled_dofmap(mesh, degree, seed):
    """A dofmap in another numbering and another local order, told by coordinates alone."""
    nodes, count = reference.numbering(mesh, degree)
    rng = np.random.default_rng(seed)
    number, local = rng.permutation(count), rng.permutation(nodes.shape[1])
    points = np.empty((count, DIM[mesh["cell"]]))
    points[number] = reference.node_points(mesh, degree)
    # In the last digits coordinates of two codes differ.
    points += 1e-16 * rng.uniform(-1, 1, points.shape)
    return number[nodes], count, {**mesh, "dofmap": number[nodes][:, local],
                                  "dof_coordinates": points}


@pytest.mark.parametrize("cell", CELLS)
def test_dofmap_fixes_the_numbering(folder, cell):
    mesh = perturbed(cell)
    for degree in (1, 2):
        nodes, count, with_dofmap = shuffled_dofmap(mesh, degree, 11)
        found = folder.assembled(with_dofmap, "poisson")  # the degree is that of the dofmap
        expect_same(found, reference.matrix(mesh, degree, "poisson", nodes, count))
        assert folder.sha(with_dofmap, "poisson", "--degree", degree) == found[3]["sha256"]
        assert folder.sha(mesh, "poisson", "--degree", degree) != found[3]["sha256"]


def test_order_of_vertices_in_simplices_is_free(folder):
    """Other codes write clockwise cells."""
    for cell in ("triangle", "tetrahedron"):
        mesh = perturbed(cell)
        rng = np.random.default_rng(5)
        turned = np.array([rng.permutation(row) for row in mesh["topology"]])
        for degree in (1, 2):
            found = folder.assembled({**mesh, "topology": turned}, "poisson", "--degree", degree)
            expect_same(found, reference.matrix(mesh, degree, "poisson"))


def test_numbers_of_other_types_are_read(folder):
    mesh = perturbed("triangle")
    other = {**mesh, "topology": mesh["topology"].astype(np.int32), "note": np.arange(3)}
    assert folder.sha(other, "mass") == folder.sha(mesh, "mass")


@pytest.mark.parametrize("cell", CELLS)
def test_gmsh_files(folder, cell):
    mesh = perturbed(cell)
    expected = {d: folder.sha(mesh, "poisson", "--degree", d) for d in (1, 2)}
    for name, text in (("a.msh", msh2(mesh)), ("b.msh", msh4(mesh))):
        folder.write(name, text)
        for degree in (1, 2):
            found = folder.assembled(name, "poisson", "--degree", degree)
            expect_same(found, reference.matrix(mesh, degree, "poisson"))
            if cell in ("quadrilateral", "hexahedron"):
                continue
            assert found[3]["sha256"] == expected[degree]


def test_json_for_tools(folder):
    mesh = folder.write("mesh.h5", perturbed("triangle"))
    done = folder.moho(mesh, "--form", "poisson", "-o", "a.h5", "--json", ranks=2)
    content = json.loads(done.stdout)
    assert content["format"] == "moho.fem-assemble/1" and content["ranks"] == 2
    assert (content["cells"], content["rows"]) == (18, 16)
    assert content["element"] == "P1 triangle" and len(content["sha256"]) == 64


def test_reference_itself(folder):
    """Constants lie in the kernel of the reference's stiffness, mass sums to the volume."""
    for cell, degree in itertools.product(CELLS, (1, 2)):
        mesh = structured(cell, 2)
        row_ptr, col, val = reference.matrix(mesh, degree, "poisson")
        sums = np.add.reduceat(val, row_ptr[:-1])
        assert np.abs(sums).max() < 1e-13
        assert abs(reference.matrix(mesh, degree, "mass")[2].sum() - 1) < 1e-13
