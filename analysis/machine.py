# SPDX-License-Identifier: BSD-3-Clause
"""What kernels ran on, as records and outputs of moho-bench tell it.

Times of a host and of a device, or of two devices, never stand in one series: records are parted by
device before anything is drawn of them (`by_device`), micro-benchmarks by the whole machine and the
build (`by_machine`).
"""
from __future__ import annotations

import math
import re
from dataclasses import dataclass

from load import Micro, Record

DEVICES = {"cuda": "CUDA", "hip": "HIP", "sycl": "SYCL"}  # Kokkos' name, in small letters -> word
HOST = ""  # in place of the name of a device


def _word(backend: str) -> str | None:
    """ "CUDA" of "Cuda"; None of a backend of hosts."""
    return DEVICES.get(backend.rsplit("::", 1)[-1].lower())


def _device(backend: str, names: list[str]) -> str:
    """ "NVIDIA H100 (CUDA)"; HOST where the backend is one of hosts."""
    word = _word(backend)
    if word is None:
        return HOST
    return f"{' and '.join(dict.fromkeys(names)) or 'device without a name'} ({word})"


@dataclass(frozen=True)
class Machine:
    """Where something was timed. `device`: HOST or its name; `backend`: Kokkos' default execution
    space, "" where it is not told; `threads`: of each rank, None where not told; `build`: commit,
    flags and rounding, "" of records (theirs stand in their provenance)."""

    device: str
    backend: str
    cpu: str
    ranks: int
    threads: int | None
    build: str = ""
    precision: str = "ieee"

    @property
    def on_device(self) -> bool:
        return self.device != HOST

    @property
    def text(self) -> str:
        """ "Xeon 8480, 2 ranks x 1 thread (Serial)", "NVIDIA H100 (CUDA), 1 rank"."""
        ranks = f"{self.ranks} rank{'' if self.ranks == 1 else 's'}"
        if self.on_device:
            return f"{self.device}, {ranks}"
        threads = "an unknown number of" if self.threads is None else self.threads
        many = "" if self.threads == 1 else "s"
        backend = self.backend or "backend not told"
        return f"{self.cpu}, {ranks} x {threads} thread{many} ({backend})"


def short_names(machines: list[Machine]) -> list[str]:
    """Of each its device or processor, or all that is known where two are the same."""
    names = [m.device or m.cpu for m in machines]
    return [m.text if names.count(n) > 1 else n for m, n in zip(machines, names)]


# ---- records -------------------------------------------------------------------------------------


def device_of(record: Record) -> str:
    """The device on which a record's kernels ran; HOST of a host."""
    provenance = record["provenance"]
    return _device(provenance["build"]["backend"], provenance["host"]["gpus"])


def of_record(record: Record) -> Machine:
    provenance = record["provenance"]
    return Machine(
        device_of(record),
        provenance["build"]["backend"],
        provenance["host"]["cpu"],
        record.ranks,
        provenance["run"]["threads"],
    )


def by_device(records: list[Record]) -> dict[str, list[Record]]:
    """device -> its records: HOST first, then in the order in which devices are found."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(device_of(record), []).append(record)
    return dict(sorted(found.items(), key=lambda one: one[0] != HOST))


def where(record: Record) -> str:
    """ "study/id", with the device: the same case has the same id wherever it runs."""
    device = device_of(record)
    return f"{record['study']}/{record['id']}" + (f" on {device}" if device else "")


# ---- micro-benchmarks ----------------------------------------------------------------------------


def _threads(context: dict) -> int | None:
    """Threads of a rank: told, or of what Kokkos prints of itself."""
    told = str(context.get("threads", ""))
    if told.isdigit():
        return int(told)
    if context.get("backend") == "Serial":
        return 1
    pool = re.search(r"thread_pool_topology\[([\d x]+)\]", str(context.get("configuration", "")))
    sizes = re.findall(r"\d+", pool.group(1)) if pool else []
    return math.prod(map(int, sizes)) if sizes else None


def of_micro(output: Micro) -> Machine:
    context = output.context
    backend, ranks = str(context.get("backend", "")), str(context.get("ranks", "1"))
    name = str(context.get("device", ""))
    # builds without MPI do not tell the processor
    unknown = f"processor of {context['host_name']}" if "host_name" in context else "a processor"
    build = ", ".join(str(context.get(k, "?")) for k in ("moho_sha", "flags", "blas"))
    return Machine(
        _device(backend, [name] if name not in ("", "host", backend) else []),
        backend,
        str(context.get("cpu", unknown)),
        int(ranks) if ranks.isdigit() else 1,
        _threads(context),
        build,
        str(context.get("precision", "ieee")),
    )


def by_machine(outputs: list[Micro]) -> dict[Machine, list[Micro]]:
    """machine and build -> its outputs, those of hosts first."""
    found: dict[Machine, list[Micro]] = {}
    for output in outputs:
        found.setdefault(of_micro(output), []).append(output)
    return dict(sorted(found.items(), key=lambda one: one[0].on_device))
