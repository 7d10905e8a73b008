# SPDX-License-Identifier: BSD-3-Clause
"""The include graph of this repository, and samples of each violation that must be found."""
import os
import pathlib

import pytest

import include_graph

SPDX = "// SPDX-License-Identifier: BSD-3-Clause\n"


def test_this_repository():
    root = pathlib.Path(os.environ.get("MOHO_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
    messages = include_graph.violations(root)
    assert not messages, "\n" + "\n".join(messages)


def make_tree(root, files):
    files = {"include/moho/core/sound.hpp": SPDX + "#include <vector>\n", **files}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


SOUND = {
    "include/moho/core/kokkos.hpp": "#include <Kokkos_Core.hpp>\n",
    "include/moho/dispersion/a.hpp": '#include "moho/core/sound.hpp"\n#include "moho/dispersion/b.hpp"\n',
    "include/moho/dispersion/b.hpp": '#include "moho/version.hpp"\n',
    "src/dispersion/a.cpp": '#include "private.hpp"\n// #include <mpi.h>\n',
    "src/dispersion/private.hpp": '#include "moho/dispersion/a.hpp"\n',
    "include/moho/parallel/c.hpp": "#include <mpi.h>\n",
    "src/parallel/c.cpp": "#include <hdf5.h>\n#include <petscmat.h>\n",
    "include/moho/study/d.hpp": '#include "moho/parallel/c.hpp"\n#include <nlohmann/json_fwd.hpp>\n',
    "src/study/d.cpp": "#include <nlohmann/json.hpp>\n#include <toml++/toml.h>\n",
    "src/app/main.cpp": '#include "moho/study/d.hpp"\n#include <CLI/CLI.hpp>\n',
    "tests/unit/t.cpp": '#include <mpi.h>\n#include "moho/dispersion/a.hpp"\n',
}


def with_spdx(files):
    return {name: SPDX + text for name, text in files.items()}


def test_a_sound_tree_passes(tmp_path):
    assert include_graph.violations(make_tree(tmp_path, with_spdx(SOUND))) == []


@pytest.mark.parametrize("name, line, message", [
    ("include/moho/core/x.hpp", '#include "moho/dispersion/a.hpp"', "core must not include dispersion"),
    ("include/moho/core/x.hpp", "#include <moho/study/d.hpp>", "core must not include study"),
    ("src/dispersion/x.cpp", '#include "moho/parallel/c.hpp"', "dispersion must not include parallel"),
    ("src/parallel/x.cpp", '#include "moho/dispersion/a.hpp"', "parallel must not include dispersion"),
    ("src/fem/x.cpp", '#include "moho/nn/y.hpp"', "fem must not include nn"),
    ("src/nn/x.cpp", '#  include "moho/fem/y.hpp"', "nn must not include fem"),
    ("src/study/x.cpp", '#include "moho/app/y.hpp"', "study must not include app"),
    ("src/parallel/x.cpp", '#include "../dispersion/private.hpp"', "parallel must not include dispersion"),
    ("src/parallel/x.cpp", '#include "dispersion/private.hpp"', "parallel must not include dispersion"),
    ("src/extra/x.cpp", "#include <vector>", "unknown module 'extra'"),
    ("include/moho/core/x.hpp", "#include <mpi.h>", "mpi.h in the kernel module core"),
    ("src/dispersion/x.cpp", '#include "hdf5.h"', "hdf5.h in the kernel module dispersion"),
    ("src/dispersion/x.cpp", "#include <H5Cpp.h>", "H5Cpp.h in the kernel module"),
    ("src/fem/x.cpp", "#include <petscmat.h>", "petscmat.h in the kernel module fem"),
    ("src/nn/x.cpp", "#include <fmt/format.h>", "fmt/format.h in the kernel module nn"),
    ("src/core/x.cpp", "#include <nlohmann/json.hpp>", "in the kernel module core"),
    ("src/core/x.cpp", "#include <Kokkos_Random.hpp>", "included directly"),
    ("include/moho/study/x.hpp", "#include <nlohmann/json.hpp>", "in a header"),
    ("include/moho/study/x.hpp", "#include <toml++/toml.h>", "in a header"),
    ("src/app/x.hpp", "#include <CLI/CLI.hpp>", "in a header"),
    ("src/core/x.cpp", "#ifdef HAVE_MPI", "conditional on MPI"),
    ("include/moho/core/x.hpp", "#if defined(MOHO_HAVE_MPI)", "conditional on MPI"),
])
def test_each_violation_is_found(tmp_path, name, line, message):
    root = make_tree(tmp_path, with_spdx({**SOUND, name: line + "\n"}))
    found = include_graph.violations(root)
    assert len(found) == 1, found
    assert found[0].startswith(f"{name}:2: ") and message in found[0]


@pytest.mark.parametrize("name", ["src/core/x.cpp", "include/moho/core/x.hpp", "tests/unit/x.cpp",
                                  "analysis/x.py", "benchmarks/ci/x.toml", "tests/CMakeLists.txt"])
def test_long_files_are_found(tmp_path, name):
    head = SPDX if name.endswith("pp") else SPDX.replace("//", "#")
    make_tree(tmp_path, {name: head + "\n" * 599})
    assert include_graph.violations(tmp_path) == []
    make_tree(tmp_path, {name: head + "\n" * 600})
    assert include_graph.violations(tmp_path) == [
        f"{name}:601: 601 lines, more than 600; split the file"]


def test_missing_licence_line_is_found(tmp_path):
    make_tree(tmp_path, {"src/core/x.cpp": "#include <vector>\n"})
    assert "no SPDX" in include_graph.violations(tmp_path)[0]


def test_an_empty_tree_does_not_pass(tmp_path):
    assert include_graph.violations(tmp_path)


def test_exit_codes(tmp_path, capsys):
    make_tree(tmp_path, {})
    assert include_graph.main([str(tmp_path)]) == 0
    make_tree(tmp_path, with_spdx({"src/core/x.cpp": "#include <mpi.h>\n"}))
    assert include_graph.main([str(tmp_path)]) == 1
    assert "src/core/x.cpp:2:" in capsys.readouterr().out
