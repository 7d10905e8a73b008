# SPDX-License-Identifier: BSD-3-Clause
"""Runs the real executable under mpirun."""
import json
import os
import random
import subprocess

import pytest

FORMAT = "surface-wave-reference/1"

# Open MPI otherwise waits one or two seconds after a rank that ended with a non-zero code.
QUICK_END = {"OMPI_MCA_odls_base_sigkill_timeout": "0"}


def model(*rows):
    """A model from rows of (thickness, vp, vs, rho)."""
    return dict(zip(("thickness", "vp", "vs", "rho"), (list(column) for column in zip(*rows))))


CRUST = model((35.0, 6.3, 3.6, 2.8), (0.0, 8.1, 4.6, 3.3))
HALFSPACE = model((0.0, 3.5 * 3**0.5, 3.5, 2.7))


def case(name="crust", layers=None, periods=(30.0, 5.0, 10.0), **more):
    return {"name": name, "model": layers or CRUST, "periods": list(periods), **more}


def random_cases(n, seed=1):
    """Smooth models of different sizes, so that ranks get different work."""
    rng = random.Random(seed)
    cases = []
    for i in range(n):
        layers = rng.randint(0, 9)
        rows = []
        for row in range(layers + 1):
            vs = 2.0 + 0.25 * row + rng.uniform(-0.1, 0.1)
            thickness = rng.uniform(1, 6) if row < layers else 0.0
            rows.append((thickness, 1.75 * vs, vs, 2.0 + 0.1 * row))
        periods = [round(rng.uniform(1, 40), 3) for _ in range(rng.randint(1, 12))]
        cases.append(case(f"random {i}", model(*rows), periods))
    return cases


class Folder:
    """A folder of its own for one test, and the command run in it."""

    def __init__(self, path):
        self.path = path

    def write(self, content, name="in.json"):
        """A file; a list is written as the cases of a JSON file."""
        if isinstance(content, list):
            content = json.dumps({"format": FORMAT, "cases": content})
        mode = "wb" if isinstance(content, bytes) else "w"
        with open(self.path / name, mode) as out:
            out.write(content)
        return name

    def command(self, *arguments, ranks=1):
        return [os.environ["MOHO_MPIRUN"], "-n", str(ranks), os.environ["MOHO_EXE"], "dispersion",
                *map(str, arguments)]

    def moho(self, *arguments, ranks=1, environment=None):
        return subprocess.run(self.command(*arguments, ranks=ranks), cwd=self.path, timeout=200,
                              capture_output=True, text=True,
                              env={**os.environ, **QUICK_END, **(environment or {})})

    def solved(self, cases, *arguments, ranks=1, code=0):
        """The answers to some cases, as the parsed JSON."""
        name = self.write(cases) if isinstance(cases, list) else cases
        done = self.moho(name, "-o", "out.json", *arguments, ranks=ranks)
        assert done.returncode == code, done.stderr
        with open(self.path / "out.json") as file:
            return json.load(file, parse_constant=refuse)

    def files(self):
        return sorted(entry.name for entry in self.path.iterdir())


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)
