# SPDX-License-Identifier: BSD-3-Clause
"""XDMF files as a reader sees them: the text, the arrays behind it, and the order of cells' nodes.

VTK[..] are vtkCell::GetParametricCoords of VTK 9.7 in halves; the sample's cells are the reference
cells bent by x + 0.1 x^2, so that every node tells which one it is. (Checked against VTK's own
vtkXdmfReader, which is not a dependency: with it installed, the last test reads the files by it.)
"""
import os
import pathlib
import subprocess
import xml.etree.ElementTree as xml

import h5py
import numpy as np
import pytest

SAMPLE = os.environ["MOHO_XDMF_SAMPLE"]
MPIRUN = os.environ["MOHO_MPIRUN"]
VTK = {
    ("triangle", 1): ("Triangle", "000 200 020"),
    ("triangle", 2): ("Triangle_6", "000 200 020 100 110 010"),
    ("quadrilateral", 1): ("Quadrilateral", "000 200 220 020"),
    ("quadrilateral", 2): ("Quadrilateral_9", "000 200 220 020 100 210 120 010 110"),
    ("tetrahedron", 1): ("Tetrahedron", "000 200 020 002"),
    ("tetrahedron", 2): ("Tetrahedron_10", "000 200 020 002 100 110 010 001 101 011"),
    ("hexahedron", 1): ("Hexahedron", "000 200 220 020 002 202 222 022"),
    ("hexahedron", 2): (
        "Hexahedron_27",
        "000 200 220 020 002 202 222 022 100 210 120 010 102 212 122 012 001 201 221 021 "
        "011 211 101 121 110 112 111",
    ),
}


@pytest.fixture(scope="module", params=[1, 2], ids=["np1", "np2"])
def folder(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("xdmf")
    subprocess.run([MPIRUN, "-n", str(request.param), SAMPLE, str(path)], check=True)
    return path, request.param


def array(folder, item):
    """The array of a DataItem, which must say what the dataset is."""
    name, dataset = item.text.strip().split(":")
    assert "/" not in name  # the pair of files can be moved
    with h5py.File(folder / name) as file:
        values = file[dataset][()]
    assert item.get("Format") == "HDF"
    assert values.shape == tuple(int(n) for n in item.get("Dimensions").split())
    assert values.dtype == {"Float": "<f8", "Int": "<i8"}[item.get("NumberType")]
    assert item.get("Precision") == "8"
    return values


def bent(cell, degree, rank):
    """Nodes of the sample's cell of a rank in VTK's order, three coordinates."""
    x = np.array([[int(c) / 2 for c in node] for node in VTK[cell, degree][1].split()])
    x += 0.1 * x * x
    x[:, 0] += 2 * rank
    return x


@pytest.mark.parametrize("cell,degree", VTK)
def test_cells_and_fields(folder, cell, degree):
    path, ranks = folder
    root = xml.parse(path / f"{cell}{degree}.xdmf").getroot()
    assert root.tag == "Xdmf" and root.get("Version") == "3.0"
    (grid,) = root.findall("Domain/Grid")
    topology = grid.find("Topology")
    assert topology.get("TopologyType") == VTK[cell, degree][0]
    cells = array(path, topology.find("DataItem"))
    assert topology.get("NumberOfElements") == str(ranks) == str(len(cells))
    geometry = grid.find("Geometry")
    points = array(path, geometry.find("DataItem"))
    dim = {"XY": 2, "XYZ": 3}[geometry.get("GeometryType")]
    assert points.shape[1] == dim
    fields = {a.get("Name"): a for a in grid.findall("Attribute")}
    assert list(fields) == ["sum", "minus-x", "number"]
    kinds = [(a.get("AttributeType"), a.get("Center")) for a in fields.values()]
    assert kinds == [("Scalar", "Node"), ("Vector", "Node"), ("Scalar", "Cell")]
    total = array(path, fields["sum"].find("DataItem"))
    vector = array(path, fields["minus-x"].find("DataItem"))
    for rank in range(ranks):
        x = bent(cell, degree, rank)
        nodes = cells[rank]
        np.testing.assert_allclose(points[nodes], x[:, :dim], atol=1e-15)
        np.testing.assert_allclose(total[nodes], x @ [1, 2, 3], atol=1e-14)
        np.testing.assert_allclose(vector[nodes], -x, atol=1e-15)
        if degree == 2:  # negative: another order is told apart
            assert abs(points[np.sort(nodes)] - x[:, :dim]).max() > 0.1
    np.testing.assert_array_equal(
        array(path, fields["number"].find("DataItem")), np.arange(ranks) + 0.5
    )


def test_steps(folder):
    path, _ = folder
    root = xml.parse(path / "steps.xdmf").getroot()
    (series,) = root.findall("Domain/Grid")
    assert (series.get("GridType"), series.get("CollectionType")) == ("Collection", "Temporal")
    steps = series.findall("Grid")
    assert [s.find("Time").get("Value") for s in steps] == ["0.1", "0.25"]
    assert [len(s.findall("Attribute")) for s in steps] == [3, 1]
    for step in steps:
        for item in step.iter("DataItem"):
            array(path, item)


def test_nothing_else_is_left(folder):
    path, _ = folder
    names = [f"{cell}{degree}" for cell, degree in VTK] + ["steps"]
    expected = sorted(n + end for n in names for end in (".h5", ".xdmf"))
    assert sorted(os.listdir(path)) == expected


def test_vtk_reads_it(folder):
    vtk = pytest.importorskip("vtk", reason="allowed: VTK for Python is not installed")
    path, ranks = folder
    for cell, degree in VTK:
        reader = vtk.vtkXdmfReader()
        reader.SetFileName(str(path / f"{cell}{degree}.xdmf"))
        reader.Update()
        grid = reader.GetOutputDataObject(0)
        assert grid.GetNumberOfCells() == ranks
        for rank in range(ranks):
            found = grid.GetCell(rank)
            points = [found.GetPoints().GetPoint(i) for i in range(found.GetNumberOfPoints())]
            np.testing.assert_allclose(points, bent(cell, degree, rank), atol=1e-15)
