# SPDX-License-Identifier: BSD-3-Clause
"""Runs `moho fem assemble` under mpirun on meshes made here."""
import os
import subprocess

import h5py
import numpy as np
import pytest

# Open MPI otherwise waits one or two seconds after a rank that ended with a non-zero code.
QUICK_END = {"OMPI_MCA_odls_base_sigkill_timeout": "0"}


class Folder:
    """A folder of its own for one test, and the command run in it."""

    def __init__(self, path):
        self.path = path

    def write(self, name, content):
        """Writes a mesh (a dictionary of datasets, with 'cell'), text or bytes."""
        if isinstance(content, dict):
            with h5py.File(self.path / name, "w") as file:
                for key, value in content.items():
                    if key == "cell":
                        file.attrs["cell"] = value
                    else:
                        file[key] = value
        else:
            mode = "wb" if isinstance(content, bytes) else "w"
            with open(self.path / name, mode) as file:
                file.write(content)
        return name

    def moho(self, *arguments, ranks=1):
        command = [os.environ["MOHO_MPIRUN"], "-n", str(ranks), os.environ["MOHO_EXE"], "fem",
                   "assemble", *map(str, arguments)]
        return subprocess.run(command, cwd=self.path, timeout=120, capture_output=True, text=True,
                              env={**os.environ, **QUICK_END})

    def assembled(self, mesh, form, *arguments, ranks=1, out="a.h5"):
        """The matrix as (row_ptr, col, val, attributes)."""
        name = self.write("mesh.h5", mesh) if isinstance(mesh, dict) else mesh
        done = self.moho(name, "--form", form, "--repeats", 1, "-o", out, *arguments, ranks=ranks)
        assert done.returncode == 0, done.stderr
        return read_matrix(self.path / out)

    def sha(self, *arguments, **more):
        return self.assembled(*arguments, **more)[3]["sha256"]

    def files(self):
        return sorted(entry.name for entry in self.path.iterdir())


def read_matrix(path):
    with h5py.File(path) as file:
        return (file["row_ptr"][:], file["col"][:], file["val"][:], dict(file.attrs))


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)
