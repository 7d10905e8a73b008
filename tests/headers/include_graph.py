#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Keeps the shape of the source: who may include whom, what stays out of headers, file lengths.

    include_graph.py [ROOT]    prints each violation as file:line: text; exit 1 if there is one
"""
import pathlib
import re
import sys

KERNEL_MODULES = ("core", "dispersion", "fem", "nn")
ALLOWED = {  # module -> modules it may include, itself aside
    "core": set(),
    "dispersion": {"core"},
    "fem": {"core"},
    "nn": {"core"},
    "parallel": {"core"},
    "study": {"core", "dispersion", "fem", "nn", "parallel"},
    "app": {"core", "dispersion", "fem", "nn", "parallel", "study"},
}
# Kernel modules build with Kokkos alone.
NOT_IN_KERNELS = re.compile(r"(mpi|hdf5|H5\w+|petsc\w*|slepc\w*)\.h(pp)?$|(nlohmann|toml\+\+|CLI|fmt)/")
# Slow to compile, so in .cpp files only (a forward declaration is fine).
NOT_IN_HEADERS = re.compile(r"(nlohmann/(?!json_fwd)|toml\+\+/|toml\.hpp$|CLI/)")
KOKKOS = re.compile(r"Kokkos_\w+\.hpp$")
KOKKOS_HOME = "include/moho/core/kokkos.hpp"
HAVE_MPI = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b.*\b\w*HAVE_MPI\w*")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

LINE_LIMIT = 600
LIMITED_FOLDERS = ("src", "include", "tests", "analysis", "benchmarks")
LIMITED_SUFFIXES = {".cpp", ".hpp", ".h", ".py", ".sh", ".cmake", ".txt", ".toml", ".j2", ".in", ".css"}
LICENSED_SUFFIXES = {".cpp", ".hpp", ".h", ".py", ".sh", ".cmake"}


def files_below(root, folders):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def module_of(relative):
    """Module of a path below the root, or None (tests, benchmarks, generated headers)."""
    parts = relative.parts
    if parts[:2] == ("include", "moho") and len(parts) > 3:
        return parts[2]
    if parts[:1] == ("src",) and len(parts) > 2:
        return parts[1]
    return None


def target_module(root, path, name):
    """Module that `#include name` in `path` reaches, or None if it is not one of moho's files."""
    match = re.match(r"moho/(\w+)/", name)
    if match:
        return match.group(1)
    for base in (path.parent, root / "src", root / "include"):
        found = (base / name).resolve()
        if found.is_file() and found.is_relative_to(root.resolve()):
            return module_of(found.relative_to(root.resolve()))
    return None


def check_include(root, path, name):
    relative = path.relative_to(root)
    module = module_of(relative)
    if module is None:
        return
    if module not in ALLOWED:
        yield f"unknown module '{module}'; add it to ALLOWED"
        return
    target = target_module(root, path, name)
    if target is not None and target != module and target not in ALLOWED[module]:
        yield f"{module} must not include {target} ({name})"
    if module in KERNEL_MODULES and NOT_IN_KERNELS.search(name):
        yield f"{name} in the kernel module {module}, which builds with Kokkos alone"
    if path.suffix in (".hpp", ".h") and NOT_IN_HEADERS.search(name):
        yield f"{name} in a header; include it in .cpp files only"
    if KOKKOS.search(name) and relative.as_posix() != KOKKOS_HOME:
        yield f"{name} included directly; include moho/core/kokkos.hpp"


def check_source(root, path):
    """Violations in one C++ file: (line, text)."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if HAVE_MPI.search(line):
            yield number, "conditional on MPI; put MPI code in a module that always has it"
        match = INCLUDE.match(line)
        if match:
            for text in check_include(root, path, match.group(2)):
                yield number, text


def check_form(path):
    """Violations of length and licence line in one text file: (line, text)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if path.suffix in LIMITED_SUFFIXES and len(lines) > LINE_LIMIT:
        yield LINE_LIMIT + 1, f"{len(lines)} lines, more than {LINE_LIMIT}; split the file"
    if path.suffix in LICENSED_SUFFIXES and "SPDX-License-Identifier" not in "".join(lines[:2]):
        yield 1, "no SPDX-License-Identifier in the first two lines"


def violations(root):
    """All violations as 'file:line: text'. An empty tree is one: nothing was checked."""
    root = pathlib.Path(root)
    found, sources = [], 0
    for path in files_below(root, ("include", "src")):
        if path.suffix in (".cpp", ".hpp", ".h"):
            sources += 1
            found += [(path, *v) for v in check_source(root, path)]
    for path in files_below(root, LIMITED_FOLDERS):
        if path.suffix in LIMITED_SUFFIXES | LICENSED_SUFFIXES:
            found += [(path, *v) for v in check_form(path)]
    messages = [f"{path.relative_to(root)}:{line}: {text}" for path, line, text in found]
    if sources == 0:
        messages.append(f"{root}: no source below include/ and src/")
    return messages


def main(arguments):
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).parents[2]
    messages = violations(root)
    print("\n".join(messages))
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
