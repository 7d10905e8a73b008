# SPDX-License-Identifier: BSD-3-Clause
"""What the processes that answer in PyTorch share (nn_torch.py, fem_torch.py): their arguments, the
device, the precision of products and the clock.

On a device calls are timed as moho-bench times them: several in a row between two points where the
host waits, for some milliseconds, with the device's own clock; of calls in `apart`, where the time
until an answer is asked for, each waits, and the host's clock counts."""
from __future__ import annotations

import argparse
import ctypes
import math
import os
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peer_process import Parser  # noqa: E402

LEAST_SECONDS = 5e-3  # of calls in a row, as in benchmarks/micro/harness.cpp
FIRST = {"cpu": 2, "cuda": 10}  # calls before anything is timed


def arguments(description: str, words=None) -> argparse.Namespace:
    parser = Parser(description=description)
    parser.add_argument("--compile", action="store_true", help="through torch.compile")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--tf32", action="store_true",
                        help="let products of float32 round their factors to TF32")
    return parser.parse_args(words)


def blas() -> str:
    """The library of matrix products; of OpenBLAS with the core that its kernels are for."""
    try:
        maps = Path("/proc/self/maps").read_text(encoding="ascii", errors="replace")
    except OSError:
        maps = ""
    for path in sorted({line.split()[-1] for line in maps.splitlines() if "openblas" in line}):
        try:
            library = ctypes.CDLL(path)
            texts = [library.openblas_get_config, library.openblas_get_corename]
        except (OSError, AttributeError):  # a copy with other names, as numpy has
            continue
        for text in texts:
            text.restype = ctypes.c_char_p
        config, core = (text().decode().strip() for text in texts)
        return f"{config} core {core}"
    return "MKL" if torch.backends.mkl.is_available() else "unknown"


class Peer:
    """What fem_peer_loop.serve asks. A subclass has prepare(command), which sets `calls`: a
    function by the name of what it does, and answers `about` and what `warm` found."""

    apart: tuple[str, ...] = ()

    def __init__(self, options):
        if options.device == "cuda" and not torch.cuda.is_available():
            sys.exit(f"PyTorch {torch.__version__} has no CUDA device here (take --device cpu)")
        self.device, self.compiled = torch.device(options.device), options.compile
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.tf32
        torch.backends.cudnn.benchmark = True  # the fastest of its convolutions
        on_cpu = self.device.type == "cpu"
        self.about = {
            "version": torch.__version__.split("+")[0], "compiled": self.compiled,
            "blas": blas() if on_cpu else f"cuBLAS of CUDA {torch.version.cuda}",
            "threads": torch.get_num_threads(),
            "coretype": os.environ.get("OPENBLAS_CORETYPE", ""),
            "device": "cpu" if on_cpu else torch.cuda.get_device_name(),
            "precision": "tf32" if options.tf32 else "ieee",
        }
        self.calls, self._in_a_row = {}, {}

    def warm(self, asked: list[str]) -> dict:
        """Calls everything that is asked about until it runs as it will. {seconds: of one call,
        about; refused: why, of what PyTorch cannot do}."""
        found = {"seconds": {}, "refused": {}}
        for what in asked:
            try:
                self._in_a_row[what] = 1
                self.seconds(what, FIRST[self.device.type])
                one = self.seconds(what, 1)["seconds"][-1]
            except Exception as error:  # torch.compile has no second derivatives, for one
                text = (str(error).strip() or type(error).__name__).splitlines()[0]
                found["refused"][what] = text if len(text) < 80 else text[:77] + "..."
                continue
            if self.device.type == "cuda" and what not in self.apart:
                self._in_a_row[what] = max(1, math.ceil(LEAST_SECONDS / max(one, 1e-6)))
            found["seconds"][what] = one
        return found

    def seconds(self, what: str, repeats: int) -> dict:
        """Of a call, in each of the groups that make up so many calls at least; `processor`: time
        of all threads, of a call."""
        call, row = self.calls[what], self._in_a_row[what]
        clock = self._on_host if self.device.type == "cpu" or what in self.apart else self._events
        groups = math.ceil(repeats / row)
        processor = time.process_time()
        found = [clock(call, row) / row for _ in range(groups)]
        used = time.process_time() - processor
        return {"seconds": found, "processor": used / (groups * row)}

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def _on_host(self, call, row: int) -> float:
        self._wait()
        start = time.perf_counter()
        for _ in range(row):
            call()
        self._wait()
        return time.perf_counter() - start

    def _events(self, call, row: int) -> float:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        start.record()
        for _ in range(row):
            call()
        end.record()
        end.synchronize()
        return 1e-3 * start.elapsed_time(end)
