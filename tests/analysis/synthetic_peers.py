# SPDX-License-Identifier: BSD-3-Clause
"""Stand-ins for moho-bench and for Pythons that have PyTorch, what they tell; and the real two."""
import os
import subprocess
import sys
from pathlib import Path

import load
import pytest
from conftest import ANALYSIS

PEERS = ANALYSIS.parent / "reference" / "peers"
if str(PEERS) not in sys.path:
    sys.path.insert(0, str(PEERS))

CONTEXT = {"moho_version": "0.1.0", "moho_sha": "0" * 40, "moho_dirty": "false",
           "compiler": "GNU 1", "flags": "-O9", "build_type": "Release", "arch": "native",
           "simd_width": "8", "kokkos": "3.4.1", "backend": "Serial", "device": "host",
           "precision": "ieee", "blas": "BLAS"}
ON_DEVICE = CONTEXT | {"backend": "Cuda", "device": "NVIDIA H0", "blas": "cuBLAS"}

# `counters`: of benchmarks, by a word of their names; each call takes 2 ms
BENCH = """#!{python}
import json, os, sys
assert os.environ["OPENBLAS_NUM_THREADS"] == os.environ["OMP_NUM_THREADS"]
assert not {{"OPENBLAS_CORETYPE", "NVIDIA_TF32_OVERRIDE"}} & set(os.environ)
name = next(w for w in sys.argv if "filter" in w).split("^")[1]
found = [{{"name": name + "manual_time", "real_time": 2.0, "cpu_time": 2.0, "time_unit": "ms",
          **counters}} for word, counters in {counters!r}.items() if word in name]
print(json.dumps({{"context": {context!r}, "benchmarks": found[:1]}}))
"""

# a Python whose script is this; each call takes 4 ms, 3 ms where it is compiled
TORCH = """#!{python}
import sys; sys.path.insert(0, {peers!r})
from fem_peer_loop import serve
compiled, device = "--compile" in sys.argv, sys.argv[sys.argv.index("--device") + 1]
if device == "cuda" and {mood!r} == "hostly": sys.exit("PyTorch 9 has no CUDA device here")
class Peer:
    def prepare(self, command):
        if {mood!r} == "absent": raise ImportError("No module named 'torch'")
        return {{"version": "9", "compiled": compiled, "blas": "B", "coretype": "", "threads": 1,
                "device": "cpu" if device == "cpu" else "NVIDIA H0",
                "precision": "tf32" if "--tf32" in sys.argv else "ieee",
                "seconds": {{w: 0.01 for w in command["what"] if not (compiled and w == "train")}},
                "refused": {{"train": "no second derivatives"}} if compiled else {{}},
                **{answer!r}}}
    def seconds(self, what, repeats):
        if {mood!r} == "dies" and what == "infer": raise SystemExit("boom")
        one = 0.003 if compiled else 0.004
        return {{"seconds": [one] * repeats, "processor": one}}
serve(Peer())
"""


def script(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def bench(folder, counters, context=None):
    """A build folder without `moho`."""
    folder.mkdir(exist_ok=True)
    script(folder / "moho-bench", BENCH.format(python=sys.executable, counters=counters,
                                               context=context or CONTEXT))
    return folder


def torch(folder, answer, mood="good"):
    return script(folder / f"python-{mood}", TORCH.format(
        python=sys.executable, peers=str(PEERS), mood=mood, answer=answer))


def has_torch():
    done = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True)
    return done.returncode == 0


def beside_torch(program, out, only):
    """The records of a comparison of moho-bench, where it is built, with this Python's PyTorch."""
    build = Path(os.environ["MOHO_EXE"]).parent
    if not (build / "moho-bench").exists():
        pytest.skip("allowed: moho-bench is not built")
    if not has_torch():
        pytest.skip("allowed: PyTorch is not installed")
    done = subprocess.run([sys.executable, PEERS / program, "--build", build, "--out", out,
                           "--torch", sys.executable, "--rounds", "1", "--seconds", "0.01",
                           "--only", only], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = load.load(out)
    assert not runs.problems and all(r["status"] == "ok" for r in runs.records)
    return runs.records
