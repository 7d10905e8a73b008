# SPDX-License-Identifier: BSD-3-Clause
"""Whatever is wrong: a message that names file and item, exit code 1 on all ranks, no output."""
import json
import os
import random
import re
import stat
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
import reference
from conftest import QUICK_END
from meshes import msh2, msh4, structured

NAN, INF = float("nan"), float("inf")


def mesh(cell="triangle", n=3, **changes):
    """A mesh with some of its datasets replaced; None removes one."""
    found = {**structured(cell, n), **changes}
    return {key: value for key, value in found.items() if value is not None}


def with_entry(dataset, place, value, cell="triangle", **more):
    found = mesh(cell, **more)
    found[dataset] = found[dataset].copy()
    found[dataset][place] = value
    return found


def with_dofmap(degree=2, cell="triangle", **changes):
    found = structured(cell, 2)
    nodes, _ = reference.numbering(found, degree)
    found |= {"dofmap": nodes, "dof_coordinates": reference.node_points(found, degree)}
    return {k: v for k, v in (found | changes).items() if v is not None}


def changed_dofmap(place, value):
    found = with_dofmap()
    found["dofmap"] = found["dofmap"].copy()
    found["dofmap"][place] = value
    return found


def dangling():
    found = mesh()
    found["geometry"] = np.vstack([found["geometry"], [[5.0, 5.0]]])
    return found


def coincident():
    """Two squares that touch along x = 1, not joined there."""
    one, two = structured("triangle", 1), structured("triangle", 1)
    points = np.vstack([one["geometry"], two["geometry"] + [1.0, 0.0]])
    return {"cell": "triangle", "geometry": points,
            "topology": np.vstack([one["topology"], two["topology"] + 4])}


def folded():
    """An inner point pulled through the opposite side of one of its triangles."""
    found = structured("triangle", 3)
    place = np.flatnonzero((np.abs(found["geometry"] - 1 / 3) < 1e-12).all(1))[0]
    found["geometry"][place] = [0.9, 0.5]
    return found


def doubled():
    found = mesh()
    found["topology"] = np.vstack([found["topology"], found["topology"][4:5]])
    return found


def quad(points):
    return {"cell": "quadrilateral", "geometry": np.array(points, float),
            "topology": np.array([[0, 1, 2, 3]])}


GOOD = structured("triangle", 3)

# What is wrong, the mesh, and what the error names.
BAD_MESHES = {
    "inverted quadrilateral": (quad([[0, 0], [1, 0], [0, 1], [0.2, 0.2]]), "cell 0 is inverted"),
    "quadrilateral vertices around": (quad([[0, 0], [1, 0], [1, 1], [0, 1]]), "cell 0 is inverted"),
    "folded": (folded(), "is inverted against cell"),
    "folded tetrahedra": (with_entry("geometry", 13, [1.23, 0.57, 0.41], "tetrahedron", n=2),
                          "is inverted against cell"),
    "flat cell": (with_entry("geometry", 0, structured("triangle", 3)["geometry"][5]),
                  "is degenerate"),
    "vertex twice": (with_entry("topology", (7, 1), GOOD["topology"][7, 0]),
                     "cell 7 has point"),
    "doubled cell": (doubled(), "4, 11, 18 share one facet"),
    "dangling vertex": (dangling(), "point 16 is in no cell"),
    "coincident points": (coincident(), "lie at the same place"),
    "nan coordinate": (with_entry("geometry", (3, 1), NAN), "point 3 has coordinate nan"),
    "inf coordinate": (with_entry("geometry", (3, 1), INF), "point 3 has coordinate inf"),
    "index too large": (with_entry("topology", (4, 2), 16), "/topology[4, 2] = 16"),
    "index negative": (with_entry("topology", (4, 2), -1), "/topology[4, 2] = -1"),
    "index of 64 bits": (with_entry("topology", (4, 2), 2**33), "/topology[4, 2]"),
    "no cells": (mesh(topology=np.empty((0, 3), np.int64)), "no cells"),
    "no geometry": (mesh(geometry=None), "no dataset /geometry"),
    "no topology": (mesh(topology=None), "no dataset /topology"),
    "no cell": ({k: v for k, v in GOOD.items() if k != "cell"}, "no root attribute 'cell'"),
    "unsupported cell": ({**GOOD, "cell": "prism"}, "cell 'prism'"),
    "misspelt cell": ({**GOOD, "cell": "Triangle"}, "triangle"),
    "cell is a number": ({**GOOD, "cell": 3}, "'cell'"),
    "cell of another dimension": ({**GOOD, "cell": "tetrahedron"}, "/geometry has the shape"),
    "too few vertices": (mesh(topology=GOOD["topology"][:, :2]), "/topology has the shape (18, 2)"),
    "flat topology": (mesh(topology=GOOD["topology"].ravel()), "/topology has the shape (54)"),
    "flat geometry": (mesh(geometry=GOOD["geometry"].ravel()), "/geometry has the shape (32)"),
    "geometry of integers": (mesh(geometry=np.zeros((16, 2), np.int64)), "/geometry"),
    "topology of floats": (mesh(topology=GOOD["topology"].astype(float)), "/topology"),
    "geometry in a plane of space": (
        mesh(geometry=np.hstack([GOOD["geometry"], np.zeros((16, 1))])), "(points, 2)"),
    "dofmap of degree 3": (with_dofmap(dofmap=np.zeros((8, 10), np.int64)),
                           "10 nodes per triangle"),
    "dofmap of other cells": (with_dofmap(dofmap=np.zeros((7, 6), np.int64)), "has 7 rows"),
    "dofmap without coordinates": (with_dofmap(dof_coordinates=None), "/dof_coordinates"),
    "dofmap out of range": (changed_dofmap((3, 4), 25), "/dofmap[3, 4] = 25"),
    "dofmap that fits no local order": (changed_dofmap((3, 4), 0), "/dofmap"),
    "dofmap of vertices only": (with_dofmap(dof_coordinates=np.zeros((25, 2))), "/dofmap"),
    "dofmap with spare nodes": (
        with_dofmap(dof_coordinates=np.vstack([reference.node_points(structured("triangle", 2), 2),
                                               [[9.0, 9.0]]])), "dof_coordinates"),
}


def expect_error(done, says, folder, left):
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.startswith("moho: ")]
    assert len(lines) == 1 and says in lines[0], done.stderr
    assert "(" in lines[0]  # PROBLEM (WHY) SUGGESTION
    assert done.stdout == "" and folder.files() == left


@pytest.mark.parametrize("what", BAD_MESHES)
def test_bad_meshes(folder, what):
    content, says = BAD_MESHES[what]
    folder.write("bad.h5", content)
    for ranks in (1, 3):
        done = folder.moho("bad.h5", "--form", "poisson", "-o", "a.h5", ranks=ranks)
        expect_error(done, says, folder, ["bad.h5"])
        assert "bad.h5" in done.stderr


def test_the_good_mesh_is_good(folder):
    for content in (GOOD, with_dofmap(), with_dofmap(1)):
        folder.assembled(content, "poisson")


GOOD_MSH = {"2": msh2(GOOD), "4": msh4(GOOD)}


def mixed():
    text = msh2(structured("triangle", 2)).replace("$Elements\n8\n", "$Elements\n9\n")
    return text.replace("$EndElements", "9 3 2 1 1 1 2 5 4\n$EndElements")


BAD_FILES = {
    "empty.h5": b"",
    "text.h5": b"triangle\n",
    "empty.msh": b"",
    "text.msh": b"this is no mesh\n",
    "truncated nodes.msh": GOOD_MSH["2"][:len(GOOD_MSH["2"]) // 4],
    "truncated elements.msh": GOOD_MSH["2"][:-60],
    "truncated 4.msh": GOOD_MSH["4"][:-60],
    "truncated nodes 4.msh": GOOD_MSH["4"][:len(GOOD_MSH["4"]) // 3],
    "header alone.msh": GOOD_MSH["4"][:40],
    "missing node.msh": GOOD_MSH["2"].replace("\n1 2 2 1 1 ", "\n1 2 2 1 1 99 ", 1),
    "mixed.msh": mixed(),
    "points alone.msh": msh2({**GOOD, "topology": GOOD["topology"][:0]}),
    "prisms.msh": GOOD_MSH["2"].replace("\n1 2 2 1 1 ", "\n1 6 2 1 1 1 2 5 ", 1),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(folder, name):
    folder.write(name, BAD_FILES[name])
    for ranks in (1, 2):
        done = folder.moho(name, "--form", "poisson", "-o", "a.h5", ranks=ranks)
        expect_error(done, name, folder, [name])


# Gmsh files that PETSc's reader would break down on: where, by what, and what the error says.
SMALL = structured("triangle", 1)
SMALL_MSH = {"2": msh2(SMALL), "4": msh4(SMALL)}
BAD_COUNTS = {
    "fewer nodes announced": ("4", "1 4 1 4\n", "1 2 1 4\n", "$Nodes announces 2 nodes"),
    "fewer elements announced": ("4", "1 2 1 2\n", "1 1 1 2\n", "$Elements announces 1 elements"),
    "more elements announced": ("4", "1 2 1 2\n", "1 99 1 2\n", "$Elements announces 99 elements"),
    "fewer blocks announced": ("4", "1 2 1 2\n", "0 2 1 2\n", "$Elements announces 2 elements"),
    "huge count": ("4", "2 1 2 2\n", "2 1 2 9000000000\n", "$Elements has the count 9000000000"),
    "negative count": ("4", "2 1 0 4\n", "2 1 0 -4\n", "$Nodes has the count -4"),
    "no such entity": ("4", "2 1 0 4\n", "2 -1 0 4\n", "$Nodes has a block on entity -1"),
    "no such dimension": ("4", "2 1 2 2\n", "99 1 2 2\n", "of dimension 99"),
    "missing surface": ("4", "0 0 1 0\n1 0.0", "0 0 1 0\n2 0.0",
                        "which $Entities does not declare"),
    "huge entity": ("4", "0 0 1 0\n1 0.0", "0 0 1 0\n9223372036854775807 0.0", "$Entities has"),
    "partitioned": ("4", "$Nodes", "$PartitionedEntities\n2\n$Nodes", "it is partitioned"),
    "5000 tags": ("2", "\n1 2 2 1 1 ", "\n1 2 5000" + 5000 * " 1" + " ", "5000 tags"),
    "100000 tags": ("2", "\n1 2 2 1 1 ", "\n1 2 100000" + 100000 * " 1" + " ", "100000 tags"),
    "two blanks before a name": ("4", "$Entities", '$PhysicalNames\n1\n1 1  "a"\n'
                                 "$EndPhysicalNames\n$Entities", "one blank"),
}


def damaged(kind, was, becomes):
    assert was in SMALL_MSH[kind], was
    return SMALL_MSH[kind].replace(was, becomes, 1)


@pytest.mark.parametrize("what", BAD_COUNTS)
def test_counts_and_tags_of_gmsh_files(folder, what):
    *change, says = BAD_COUNTS[what]
    folder.write("bad.msh", damaged(*change))
    done = folder.moho("bad.msh", "--form", "poisson", "-o", "a.h5", ranks=2)
    expect_error(done, says, folder, ["bad.msh"])
    assert "'bad.msh'" in done.stderr


def test_gmsh_files_that_are_sound(folder):
    for kind, text in SMALL_MSH.items():
        folder.write("good.msh", text)
        assert folder.assembled("good.msh", "poisson")[0][-1] == 14, kind


def test_a_study_goes_on_after_a_bad_mesh(folder):
    """One of its meshes is bad: a failed record that names file and section."""
    folder.write("good.msh", SMALL_MSH["4"])
    folder.write("bad.msh", damaged("4", "1 4 1 4\n", "1 2 1 4\n"))
    folder.write("meshes.toml", """
[study]
name = "meshes"
[problem]
name = "poisson"
[method]
name = "fem"
n = 1
[axes]
mesh = ["bad.msh", "good.msh"]
[measure]
repeats = 1
""")
    done = subprocess.run([os.environ["MOHO_MPIRUN"], "-n", "2", os.environ["MOHO_EXE"], "run",
                           "meshes.toml", "--out", "runs"], cwd=folder.path, timeout=120,
                          capture_output=True, text=True, env={**os.environ, **QUICK_END})
    assert done.returncode == 4, done.stderr
    records = [json.loads(p.read_text()) for p in (folder.path / "runs").rglob("result.json")]
    assert len(records) == 2
    error, = [record["error"] for record in records if record["status"] == "failed"]
    assert "bad.msh" in error and "section $Nodes announces 2 nodes and holds 4" in error


def changed_words(text, draw):
    """The text with one word another, or one line away or twice, or cut off."""
    parts = re.split(rb"(\s+)", text)
    place = draw.choice([i for i in range(6, len(parts), 2) if parts[i]])
    lines = text.splitlines(True)
    line = draw.randrange(3, len(lines))
    return draw.choice([
        b"".join(parts[:place] + [draw.choice(WORDS)] + parts[place + 1:]),
        b"".join(parts[:place] + [draw.choice(parts[6::2])] + parts[place + 1:]),
        b"".join(lines[:line] + lines[line + 1:]), b"".join(lines[:line] + lines[line - 1:]),
        text[:draw.randrange(len(text))]])


def changed_bytes(content, draw):
    found = bytearray(content)
    place = draw.randrange(30, len(found) - 8)
    n = draw.choice((1, 4, 8))
    found[place:place + n] = draw.choice((-1, 0, 1, 99, 2**(8 * n - 1) - 1)).to_bytes(
        n, "little", signed=True)
    return bytes(found)


WORDS = [b"-1", b"0", b"1", b"3", b"99", b"2147483647", b"2147483648", b"9223372036854775807",
         b"1000000000", b"nan", b"x"]
BINARY = Path(os.environ.get("MOHO_SOURCE_DIR", ".")) / "tests/unit/parallel_petsc/meshes"


def test_random_damage_of_gmsh_files(folder):
    """Read, or refused: never a crash, never a hang. Many more in unit.parallel.plex."""
    seed = int(os.environ.get("MOHO_SEED", "20261121"))
    print("MOHO_SEED", seed)
    draw = random.Random(seed)
    for i in range(24):
        if i % 2 == 0:
            content = changed_words(SMALL_MSH[draw.choice("24")].encode(), draw)
        else:
            name = draw.choice(("ring1-22-binary.msh", "ring1-41-binary.msh"))
            content = changed_bytes((BINARY / name).read_bytes(), draw)
        folder.write("any.msh", content)
        done = folder.moho("any.msh", "--form", "poisson", "--repeats", 1, "-o", "a.h5",
                           ranks=2 if i % 6 == 5 else 1)
        assert done.returncode in (0, 1), (i, done.returncode, done.stderr)
        if done.returncode == 1:
            line, = [line for line in done.stderr.splitlines() if line.startswith("moho: ")]
            assert "any.msh" in line, (i, line)


@pytest.mark.parametrize("dataset", ("geometry", "topology"))
def test_shapes_beyond_all_memory(folder, dataset):
    folder.write("mesh.h5", {k: v for k, v in SMALL.items() if k != dataset})
    with h5py.File(folder.path / "mesh.h5", "a") as file:
        file.create_dataset(dataset, (2**31 - 1, SMALL[dataset].shape[1]), SMALL[dataset].dtype)
    done = folder.moho("mesh.h5", "--form", "poisson", "-o", "a.h5")
    assert done.returncode == 1 and "mesh.h5" in done.stderr, done.stderr
    assert f"/{dataset}" in done.stderr


@pytest.mark.parametrize("change, says", [
    (["--degree", "1"], "--degree 1 conflicts"),
    (["--degree", "3"], "--degree"),
    (["--form", "stokes"], "--form 'stokes'"),
    (["--reduce", "scater"], "scatter"),
    (["--partition", "bloks"], "blocks"),
    (["--form", "elasticity", "--nu", "0.5"], "--nu 0.5"),
    (["--form", "elasticity", "--nu", "nan"], "--nu"),
    (["--form", "elasticity", "--E", "0"], "--E 0"),
    (["--form", "elasticity", "--E", "inf"], "--E"),
    (["--output", "."], "."),
    (["--output", "none/a.h5"], "none/a.h5"),
    (["--output", "mesh.h5"], "it is the input"),
    (["--repeats", "-1"], "--repeats"),
])
def test_bad_options(folder, change, says):
    folder.write("mesh.h5", with_dofmap())
    options = {"--form": "poisson", "--output": "a.h5"}
    options |= dict(zip(change[::2], change[1::2]))
    words = [word for pair in options.items() for word in pair]
    for ranks in (1, 2):
        expect_error(folder.moho("mesh.h5", *words, ranks=ranks), says, folder, ["mesh.h5"])


@pytest.mark.parametrize("missing", ("--form", "-o", "mesh"))
def test_what_is_needed(folder, missing):
    folder.write("mesh.h5", GOOD)
    words = {"mesh": ["mesh.h5"], "--form": ["--form", "mass"], "-o": ["-o", "a.h5"]}
    del words[missing]
    done = folder.moho(*[w for part in words.values() for w in part])
    assert done.returncode == 1 and folder.files() == ["mesh.h5"]


def test_no_such_file(folder):
    for name in ("none.h5", "none.msh", "."):
        done = folder.moho(name, "--form", "poisson", "-o", "a.h5", ranks=2)
        expect_error(done, name, folder, [])


def test_more_ranks_than_nodes(folder):
    folder.write("mesh.h5", {"cell": "triangle", "geometry": np.array([[0.0, 0], [1, 0], [0, 1]]),
                             "topology": np.array([[0, 1, 2]])})
    for partition in ("automatic", "blocks", "graph"):
        done = folder.moho("mesh.h5", "--form", "poisson", "-o", "a.h5", "--partition", partition,
                           ranks=4)
        expect_error(done, "ranks", folder, ["mesh.h5"])


def test_policies_say_what_they_do_not_serve(folder):
    folder.write("mesh.h5", structured("quadrilateral", 2))
    done = folder.moho("mesh.h5", "--form", "poisson", "--reduce", "compressed-gather",
                       "-o", "a.h5", ranks=2)
    expect_error(done, "compressed-gather", folder, ["mesh.h5"])


def test_what_was_there_stays(folder):
    folder.write("bad.h5", BAD_MESHES["folded"][0])
    folder.write("a.h5", b"precious")
    folder.moho("bad.h5", "--form", "poisson", "-o", "a.h5")
    assert (folder.path / "a.h5").read_bytes() == b"precious"


def test_overflow_is_an_invalid_result(folder):
    found = structured("triangle", 2)
    found["geometry"] = found["geometry"] * 1e200
    folder.write("mesh.h5", found)
    done = folder.moho("mesh.h5", "--form", "mass", "-o", "a.h5", ranks=2)
    assert done.returncode in (1, 2) and folder.files() == ["mesh.h5"], done.stderr
    assert "moho: " in done.stderr


def test_folder_that_cannot_be_written(folder):
    folder.write("mesh.h5", GOOD)
    os.mkdir(folder.path / "closed")
    os.chmod(folder.path / "closed", stat.S_IRUSR | stat.S_IXUSR)
    if os.geteuid() == 0:
        pytest.skip("allowed: root may write everywhere")
    done = folder.moho("mesh.h5", "--form", "mass", "-o", "closed/a.h5", ranks=2)
    expect_error(done, "closed/a.h5", folder, ["closed", "mesh.h5"])
