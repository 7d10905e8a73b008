# SPDX-License-Identifier: BSD-3-Clause
"""A figure of the page: its picture, its caption, the records that it is drawn from."""
from __future__ import annotations

import base64
import re
import shlex
from dataclasses import dataclass, field
from typing import Callable

import load
import machine
import style


@dataclass
class Figure:
    """`make` draws it anew in whatever theme is set; `records` are those it is drawn from, or
    `files` the outputs of moho-bench. `quote` is the sentence that a reader may quote, `kind` what
    analysis/plots.py calls such a figure."""

    name: str
    caption: str
    make: Callable
    records: list[load.Record] = field(default_factory=list)
    files: list[load.Micro] = field(default_factory=list)
    quote: str = ""
    kind: str = ""
    pictures: dict[str, bytes] = field(default_factory=dict)

    def draw(self, pdf: bool = False) -> None:
        """Draws its pictures: "light", "dark" and, if asked, "pdf"."""
        self.pictures = style.pictures(self.make, pdf)

    def uri(self, kind: str) -> str:
        media = "application/pdf" if kind == "pdf" else "image/png"
        return f"data:{media};base64,{base64.b64encode(self.pictures[kind]).decode()}"

    @property
    def source(self) -> str:
        """What is drawn: "accuracy/ref-0001", "throughput, 12 records", "micro.json"."""
        if self.files:
            return ", ".join(_names(self.files))
        studies = dict.fromkeys(r["study"] for r in self.records)
        parts = []
        for study in studies:
            mine = [r for r in self.records if r["study"] == study]
            # the same case has the same id on a host and on a device
            ids = [i for i, _ in dict.fromkeys((r["id"], machine.device_of(r)) for r in mine)]
            parts.append(f"{study}/{ids[0]}" if len(ids) == 1 else f"{study}, {len(ids)} records")
        return "; ".join(parts)

    @property
    def commands(self) -> list[str]:
        """The launches that made what is drawn."""
        if self.files:
            return [
                f"mpirun -n {one.context.get('ranks', '1')} moho-bench --benchmark_out={name}"
                for one, name in zip(self.files, _names(self.files))
            ]
        return commands(self.records)


@dataclass
class Drawn:
    """The figures of one study, tables that belong to them (title, head, rows), what could not be
    drawn and why, and files that cannot be read."""

    figures: list[Figure] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    problems: list[load.Problem] = field(default_factory=list)
    tables: list[dict] = field(default_factory=list)

    def draw(self, pdf: bool = False) -> list[str]:
        """Draws every figure. One that cannot be drawn is taken out and named as missing; returns
        what is said of these."""
        kept, lost = [], []
        for one in self.figures:
            try:
                one.draw(pdf)
                kept.append(one)
            except Exception as error:  # noqa: BLE001: one figure must not cost the whole page
                why = " ".join(str(error).split())[:200] or "no reason given"
                lost.append(f"figure {one.name} (cannot be drawn: {type(error).__name__}: {why})")
        self.figures, self.missing = kept, self.missing + lost
        return lost

    def broken(self, error: load.LoadError, record: load.Record) -> None:
        """Names the data file of a record that cannot be used, once."""
        path = record.data_file or record.path
        problem = load.Problem(path, str(error).removeprefix(f"{path}: "))
        if problem not in self.problems:
            self.problems.append(problem)


def _names(files: list[load.Micro]) -> list[str]:
    """File names, with the folder where two are called the same."""
    names = [one.path.name for one in files]
    if len(set(names)) == len(names):
        return names
    return [f"{one.path.resolve().parent.name}/{one.path.name}" for one in files]


def commands(records: list[load.Record]) -> list[str]:
    """The launches that made these records, as a shell would read them."""
    found = {}
    for r in records:
        run = r["provenance"]["run"]
        program, *rest = run["command"]
        words = shlex.join([program.rsplit("/", 1)[-1], *rest])
        found[f"mpirun -n {run['ranks']} {words}" if run["ranks"] > 1 else words] = None
    return list(found)


def slug(text: str) -> str:
    """A name that is safe as a file name and as an anchor."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-") or "figure"
