# SPDX-License-Identifier: BSD-3-Clause
"""moho and its peers behind one face.

    seconds(job, at_least) -> processor and wall seconds of one pass over the job
    phase(curve, mode)     -> (periods) phase velocities of a published curve, NaN = no answer;
                              RuntimeError where the solver refuses

A peer that is not there is a `Missing`, and says why.
"""
from __future__ import annotations

import ctypes
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from jobs import WAVES, Curve, Job


class Missing(Exception):
    """A peer that cannot be had here; the text says why."""


def write_sets(path: Path, sets: list[tuple[int, list]]) -> None:
    """The text file that moho_peer reads: (modes, models) of each set."""
    with open(path, "w", encoding="ascii") as out:
        out.write(f"{len(sets)}\n")
        for modes, models in sets:
            out.write(f"{modes} {len(models)}\n")
            for model in models:
                out.write(f"{len(model.vs)} {len(model.periods)}\n")
                out.write(" ".join(f"{t:.17g}" for t in model.periods) + "\n")
                for row in zip(*model.rows):
                    out.write(" ".join(f"{x:.17g}" for x in row) + "\n")


class Moho:
    """The driver, waiting on its standard input: it takes no time while a peer runs."""

    name = "moho"

    def __init__(self, driver: str, sets: list[tuple[int, list]]):
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "sets.txt"
        write_sets(path, sets)
        self._process = subprocess.Popen(
            [driver, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.about = json.loads(self._ask("about"))

    def _ask(self, text: str, lines: int = 1) -> str:
        try:
            self._process.stdin.write(text + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the empty answer tells
        answer = [self._process.stdout.readline() for _ in range(lines)]
        if not answer[-1]:
            raise OSError(f"moho_peer died on '{text}' with status {self._process.wait()}")
        return "".join(answer)

    def seconds(
        self, place: int, job: Job, at_least: float, what: str | None = None
    ) -> list[float]:
        waves = "both" if len(job.waves) > 1 else job.waves[0]
        ask = f"time {place} {waves} {what or job.what} {job.calls} {at_least}"
        return [float(x) for x in self._ask(ask).split()]

    def curves(self, place: int, modes: int, models: list, wave: str) -> list[np.ndarray]:
        """(3, modes, periods) of each model: phase, group, status."""
        text = self._ask(f"curves {place} {wave}", len(models)).splitlines()
        rows = [np.array(line.split(), float).reshape(modes, -1, 3) for line in text]
        return [np.moveaxis(row, 2, 0) for row in rows]

    def kernels(self, place: int, models: list, wave: str) -> list[np.ndarray]:
        """(periods, layers) of each model: dc/dvs of the fundamental mode."""
        text = self._ask(f"kernels {place} {wave}", len(models)).splitlines()
        return [np.array(t.split(), float).reshape(-1, len(m.vs)) for t, m in zip(text, models)]

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()


class Peer:
    """A peer in this process: whole passes over a job are timed."""

    name = ""
    version = ""

    def can(self, job: Job) -> bool:
        return True

    def prepare(self, job: Job):
        """What a user does once per model and what need not be timed: a list of callables."""
        raise NotImplementedError

    def phase(self, curve: Curve, mode: int) -> np.ndarray:
        raise NotImplementedError

    def seconds(self, work, at_least: float) -> list[float]:
        passes, cpu, wall = 0, time.process_time(), time.perf_counter()
        while True:
            for call in work:
                call()
            passes += 1
            elapsed = time.process_time() - cpu
            if elapsed >= at_least:
                return [elapsed / passes, (time.perf_counter() - wall) / passes]


class Disba(Peer):
    """disba (Luu), numba. `step` is its dc (km/s), 0.005 by default."""

    def __init__(self, algorithm: str = "dunkin", step: float = 0.005):
        try:
            import disba
            import numba
        except ImportError as error:
            raise Missing(f"disba is not here ({error}) pip install disba numba") from error
        self._disba, self._options = disba, {"algorithm": algorithm, "dc": step}
        self.name = "disba" if algorithm == "dunkin" else "disba fast-delta"
        self.version = f"disba {disba.__version__}, numba {numba.__version__}"
        self.step = step

    def prepare(self, job):
        calls = []
        for model in job.models:
            for wave in job.waves:
                calls += self._calls(job, model, wave)
        return calls

    def _calls(self, job, model, wave):
        t, code = model.periods, self._disba
        if job.what == "phase+kernels":
            kernel = code.PhaseSensitivity(*model.rows, **self._options)
            return [
                lambda one=one: kernel(one, mode=0, wave=wave, parameter="velocity_s") for one in t
            ]
        kinds = [code.PhaseDispersion] + [code.GroupDispersion] * (job.what == "group")
        solvers = [kind(*model.rows, **self._options) for kind in kinds]
        return [
            lambda s=s, mode=mode: self._refusing(s, t, mode, wave)
            for s in solvers
            for mode in range(job.modes)
        ]

    def _refusing(self, solver, t, mode, wave):
        """None where disba refuses (no fundamental root found)."""
        try:
            return solver(t, mode=mode, wave=wave)
        except self._disba.DispersionError:
            return None

    def phase(self, curve, mode):
        try:
            solver = self._disba.PhaseDispersion(*curve.model.rows, **self._options)
            found = solver(curve.model.periods, mode=mode, wave=curve.wave)
        except (self._disba.DispersionError, ZeroDivisionError, ValueError) as error:
            raise RuntimeError(str(error)) from error
        out = np.full(curve.model.periods.shape, np.nan)
        out[np.searchsorted(curve.model.periods, found.period)] = found.velocity
        return out


class Surf96(Peer):
    """surfdisp96 of CPS (Herrmann) in F77, as pysurf96 packs it: step 0.005 km/s, model in single
    precision. Compiled here with -O3 -march=native and with room for more layers and periods than
    the packed 100 and 60; called without the wrapper's copies, which only makes it faster."""

    name = "surf96"
    step = 0.005
    LAYERS, PERIODS = 512, 128

    def __init__(self, folder: Path):
        try:
            import pysurf96
        except ImportError as error:
            raise Missing(f"surf96 is not here ({error}) pip install pysurf96") from error
        source = Path(pysurf96.__file__).with_name("surfdisp96.f")
        if not source.is_file():
            raise Missing(f"surf96 is not here ({source} does not exist)")
        self._function = _compiled(source, folder, self.LAYERS, self.PERIODS)
        self.version = "pysurf96's surfdisp96.f, gfortran -O3 -march=native"

    def can(self, job):
        return job.what in ("phase", "group")

    def _call(self, model, wave, mode, group):
        """A callable that solves anew into its own array and returns (array, error)."""
        single = [np.zeros(self.LAYERS, np.float32) for _ in range(4)]
        for row, values in zip(single, model.rows):
            row[: len(values)] = values
        t, out = np.zeros(self.PERIODS), np.zeros(self.PERIODS)
        count = len(model.periods)
        t[:count] = model.periods
        numbers = [len(model.vs), 0, 1 + (wave == "rayleigh"), mode + 1, int(group), count]
        integers = [ctypes.c_int(n) for n in numbers]
        error = ctypes.c_int(0)
        arrays = [a.ctypes.data_as(ctypes.c_void_p) for a in (*single, t, out)]
        arguments = [*arrays[:4], *map(ctypes.byref, integers), *arrays[4:], ctypes.byref(error)]

        def call(keep=(single, t)):
            error.value = 0
            self._function(*arguments)
            return out[:count], error.value

        return call

    def prepare(self, job):
        return [
            self._call(model, wave, mode, group)
            for model in job.models
            for wave in job.waves
            for mode in range(job.modes)
            for group in range(1 + (job.what == "group"))
        ]

    def phase(self, curve, mode):
        found, error = self._call(curve.model, curve.wave, mode, False)()
        if error:
            raise RuntimeError("surf96 found no fundamental mode")
        return np.where(found > 0, found, np.nan)


def _compiled(source: Path, folder: Path, layers: int, periods: int):
    """The routine, compiled into `folder` (once)."""
    text = source.read_text(encoding="latin-1")
    room = text.replace("NL=100", f"NL={layers}").replace("NLAY=100", f"NLAY={layers}")
    room = room.replace("NP=60", f"NP={periods}")
    if room.count(f"NL={layers}") < 5:
        raise Missing(f"surf96 is not here ({source} is not the source that this knows)")
    copy, library = folder / "surfdisp96.f", folder / "libsurfdisp96.so"
    folder.mkdir(parents=True, exist_ok=True)
    if not library.exists() or not copy.exists() or copy.read_text(encoding="latin-1") != room:
        copy.write_text(room, encoding="latin-1")
        flags = ["-O3", "-march=native", "-ffixed-line-length-none", "-w", "-fPIC", "-shared"]
        try:
            subprocess.run(
                ["gfortran", *flags, str(copy), "-o", str(library)], check=True, capture_output=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            library.unlink(missing_ok=True)
            raise Missing(
                f"surf96 is not here (gfortran: {error}) apt-get install gfortran"
            ) from error
    return ctypes.CDLL(str(library)).surfdisp96_


def one_thread() -> None:
    """Before numpy and numba are used: a comparison is on one core."""
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"


def peers(scratch: Path, kinds: dict) -> tuple[list[Peer], list[str]]:
    """Those of `kinds` (name -> maker) that are here, and why the others are not."""
    found, absent = [], []
    for make in kinds.values():
        try:
            found.append(make(scratch))
        except Missing as error:
            absent.append(str(error))
    return found, absent


__all__ = ["Disba", "Missing", "Moho", "Peer", "Surf96", "WAVES", "one_thread", "peers"]
