# SPDX-License-Identifier: BSD-3-Clause
"""Run folders and files -> records and arrays.

A run folder is `<out>/<study>/<case id>/{result.json, data.h5}` with `<out>/<study>/study.toml`.
Any level of it can be given. A folder that is half-finished or damaged never stops the rest: it is
named in `Runs.problems` (damaged) or `Runs.unfinished` (no record yet).
"""
from __future__ import annotations

import functools
import json
import operator
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import jsonschema
import numpy as np
import pandas as pd

SCHEMA_FILE = Path(__file__).resolve().parent / "schema.json"
WAVES = ("rayleigh", "love")  # index = the integer code in HDF5
STATUS = ("ok", "absent", "failed", "multivalued", "channel", "extended")
RELATIONS = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
CURVE_COLUMNS = [
    "name",
    "wave",
    "mode",
    "period",
    "phase",
    "group",
    "ellipticity",
    "status",
    "truth_phase",
    "truth_group",
    "truth_ellipticity",
]
QUANTITIES = ("phase", "group", "ellipticity")
KERNELS = ("dc_dvs", "dc_dvp", "dc_drho", "dc_dh", "dU_dvs")


class LoadError(Exception):
    """A file that cannot be used; the text names it and says why."""


@dataclass(frozen=True)
class Problem:
    """Something that was skipped: which file, and why."""

    path: Path
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


@dataclass
class Record:
    """One valid result.json and where it lies."""

    path: Path
    content: dict

    def __getitem__(self, key: str):
        return self.content[key]

    def get(self, key: str, default=None):
        return self.content.get(key, default)

    @property
    def data_file(self) -> Path | None:
        return self.path.parent / self["data"] if self["data"] else None

    @property
    def ranks(self) -> int:
        return self["provenance"]["run"]["ranks"]


@dataclass
class Micro:
    """One output of moho-bench: what it ran on, and its benchmarks."""

    path: Path
    context: dict
    benchmarks: list[dict]


@dataclass
class Runs:
    """Everything found below a folder."""

    root: Path
    records: list[Record] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unfinished: list[Problem] = field(default_factory=list)
    micro: list[Micro] = field(default_factory=list)
    studies: dict[str, dict] = field(default_factory=dict)  # name -> study.toml

    def of_study(self, name: str) -> list[Record]:
        return [r for r in self.records if r["study"] == name]

    def study_names(self) -> list[str]:
        names = {r["study"] for r in self.records} | set(self.studies)
        names |= {p.path.resolve().parent.name for p in self.unfinished}
        return sorted(names)


# ---- records -------------------------------------------------------------------------------------


@functools.cache
def schema() -> dict:
    return json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema())


def _no_constant(text: str):
    raise ValueError(f"{text} is not JSON (an unknown value is null)")


def _unique_keys(pairs: list[tuple]) -> dict:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"key '{key}' stands twice")
    return dict(pairs)


def check_record(content) -> list[str]:
    """What is wrong with a parsed result.json: schema first, then what a schema cannot say."""
    errors = sorted(_validator().iter_errors(content), key=lambda e: list(map(str, e.path)))
    if errors:
        return [f"{e.json_path}: {_short(e.message)}" for e in errors]
    wrong = []
    for check in content["checks"]:
        value, limit = check["value"], check["limit"]
        holds = value is not None and RELATIONS[check["relation"]](value, limit)
        if holds != check["pass"]:
            wrong.append(
                f"check '{check['name']}' says pass = {str(check['pass']).lower()} "
                f"({value} {check['relation']} {limit} is {str(holds).lower()})"
            )
    if len(content["provenance"]["run"]["binding"]) != content["provenance"]["run"]["ranks"]:
        wrong.append("provenance.run.binding does not have one entry per rank")
    return wrong


def _short(text: str, width: int = 200) -> str:
    return text if len(text) <= width else text[:width] + " ..."


def read_json(path: Path):
    """Parsed JSON; LoadError names the file and the place."""
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        what = "is empty" if not text.strip() else f"is not JSON (line {error.lineno}: {error.msg})"
        raise LoadError(f"{path}: {what}") from error
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LoadError(f"{path}: cannot be read ({reason})") from error


def load_record(path: Path) -> Record:
    """Reads and checks one result.json; LoadError names the file and what is wrong."""
    content = read_json(path)
    wrong = check_record(content)
    if not wrong and content["id"] != path.parent.name:
        wrong.append(
            f"id is '{content['id']}' but the folder is '{path.parent.name}'; "
            "was it copied or renamed?"
        )
    if wrong:
        more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
        raise LoadError(f"{path}: not a moho.result/1 record: {'; '.join(wrong[:3])}{more}")
    return Record(path, content)


def load_micro(path: Path) -> Micro:
    """Reads `moho-bench --benchmark_out=FILE`; LoadError names the file and what is wrong."""
    content = read_json(path)
    context = content.get("context") if isinstance(content, dict) else None
    benchmarks = content.get("benchmarks") if isinstance(content, dict) else None
    if not isinstance(context, dict) or not isinstance(benchmarks, list):
        raise LoadError(f"{path}: not an output of moho-bench (keys 'context' and 'benchmarks')")
    if "moho_sha" not in context:
        raise LoadError(f"{path}: not an output of moho-bench (key 'context.moho_sha')")
    for i, one in enumerate(benchmarks):
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise LoadError(f"{path}: benchmark {i} has no name")
    return Micro(path, context, benchmarks)


def _case_folders(root: Path) -> list[Path]:
    """Folders that hold a record, or should: those below a folder that has a study.toml."""
    folders = {path.parent for path in root.rglob("result.json")}
    for study in root.rglob("study.toml"):
        folders |= {p for p in study.parent.iterdir() if p.is_dir() and p.name[0] not in "._"}
    return sorted(folders)


def load(root: Path | str) -> Runs:
    """Everything below `root`: records, and micro*.json of moho-bench. LoadError only if `root`
    itself is no folder."""
    root = Path(root)
    if not root.is_dir():
        raise LoadError(f"{root}: no such folder (give the folder that `moho run` wrote)")
    runs = Runs(root)
    for folder in _case_folders(root):
        path = folder / "result.json"
        if not path.exists():
            runs.unfinished.append(
                Problem(
                    folder,
                    "no result.json (running, or stopped before "
                    "the case was done; run the study again)",
                )
            )
            continue
        try:
            runs.records.append(load_record(path))
        except LoadError as error:
            runs.problems.append(Problem(path, str(error).removeprefix(f"{path}: ")))
    for path in sorted(root.rglob("micro*.json")):
        try:
            runs.micro.append(load_micro(path))
        except LoadError as error:
            runs.problems.append(Problem(path, str(error).removeprefix(f"{path}: ")))
    files = sorted(
        {
            *root.rglob("study.toml"),
            *(f for p in (root, *root.parents[:2]) if (f := p / "study.toml").is_file()),
        }
    )
    for path in files:
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
            runs.studies[path.resolve().parent.name] = content
        except (OSError, ValueError) as error:
            runs.problems.append(Problem(path, f"is not TOML ({error})"))
    return runs


# ---- arrays --------------------------------------------------------------------------------------


def strings(dataset) -> list[str]:
    """A dataset of strings."""
    return [s.decode() if isinstance(s, bytes) else str(s) for s in dataset[()]]


def _named(codes: np.ndarray, names, what: str) -> np.ndarray:
    if codes.size and (codes.min() < 0 or codes.max() >= len(names)):
        raise ValueError(f"{what} has a value outside 0..{len(names) - 1}")
    return np.asarray(names, dtype=object)[codes]


def has_group(path: Path, name: str) -> bool:
    """Whether the file has that group; LoadError where it is no HDF5 file."""
    try:
        with h5py.File(path, "r") as file:
            return name in file
    except OSError as error:
        raise LoadError(f"{path}: cannot be read ({_short(str(error))})") from error


def read_curves(path: Path) -> pd.DataFrame:
    """Flat rows of `/curve` (CURVE_COLUMNS), with `/truth` where present (NaN otherwise)."""
    try:
        with h5py.File(path, "r") as file:
            curve = file["curve"]
            keys = ["case", "wave", "mode", "period", "phase", "group", "status"]
            columns = {key: curve[key][()] for key in keys}
            for key, source in (
                ("ellipticity", "curve/ellipticity"),
                *((f"truth_{q}", f"truth/{q}") for q in QUANTITIES),
            ):
                if source in file:
                    columns[key] = file[source][()]
            sizes = {key: value.size for key, value in columns.items()}
            if len(set(sizes.values())) > 1:
                raise ValueError(f"columns of /curve and /truth differ in length: {sizes}")
            table = pd.DataFrame(columns).reindex(columns=["case", *CURVE_COLUMNS[1:]])
            table["name"] = _named(columns["case"], strings(file["case/name"]), "/curve/case")
            table["wave"] = _named(columns["wave"], WAVES, "/curve/wave")
            table["mode"] = columns["mode"].astype(int)
            table["status"] = _named(columns["status"], STATUS, "/curve/status")
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise LoadError(f"{path}: curves cannot be read ({_short(str(error))})") from error
    return table[CURVE_COLUMNS]


def read_kernels(path: Path) -> pd.DataFrame:
    """One row per kernel of `/kernel`: name, wave, mode, period, and for each of KERNELS that the
    file has an array over the layers, top first (NaN = not known). Empty where there is none."""
    keys = ("case", "wave", "mode", "period")
    try:
        with h5py.File(path, "r") as file:
            if "kernel" not in file:
                return pd.DataFrame(columns=["name", *keys[1:]])
            kernel = file["kernel"]
            columns = {key: kernel[key][()] for key in keys}
            offset, count = kernel["offset"][()], len(columns["case"])
            if len(offset) != count + 1 or any(len(c) != count for c in columns.values()):
                raise ValueError("/kernel/offset is not one longer than the columns of /kernel")
            if count and (np.diff(offset) < 0).any():
                raise ValueError("/kernel/offset falls")
            table = pd.DataFrame(columns)
            for name in KERNELS:
                if name in kernel:
                    values = kernel[name][()]
                    if len(values) != offset[-1]:
                        raise ValueError(f"/kernel/{name} does not end where its offsets do")
                    table[name] = [values[a:b] for a, b in zip(offset[:-1], offset[1:])]
            table["name"] = _named(columns["case"], strings(file["case/name"]), "/kernel/case")
            table["wave"] = _named(columns["wave"], WAVES, "/kernel/wave")
    except (OSError, KeyError, ValueError, IndexError, TypeError) as error:
        raise LoadError(f"{path}: kernels cannot be read ({_short(str(error))})") from error
    return table.drop(columns="case")


def read_models(path: Path) -> dict[str, pd.DataFrame]:
    """name -> thickness, vp, vs, rho, top row first, half-space last (thickness 0)."""
    try:
        with h5py.File(path, "r") as file:
            names, offset = strings(file["case/name"]), file["model/offset"][()]
            rows = {key: file[f"model/{key}"][()] for key in ("thickness", "vp", "vs", "rho")}
            if len(offset) != len(names) + 1:
                raise ValueError("/model/offset is not one longer than /case/name")
            return {
                name: pd.DataFrame({k: v[a:b] for k, v in rows.items()})
                for name, a, b in zip(names, offset[:-1], offset[1:])
            }
    except (OSError, KeyError, ValueError) as error:
        raise LoadError(f"{path}: models cannot be read ({_short(str(error))})") from error


def read_dispersion(path: Path) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], list[str]]:
    """Curves, models and messages of bad cases of an output of `moho dispersion` (JSON, HDF5)."""
    if path.suffix in (".h5", ".hdf5"):
        return read_curves(path), read_models(path), []
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != "moho.dispersion/1":
        raise LoadError(f"{path}: not a moho.dispersion/1 file (key 'format')")
    rows, models, errors = [], {}, []
    try:
        for case in content["cases"]:
            if "error" in case:
                errors.append(f"{case['name']}: {case['error']}")
                continue
            models[case["name"]] = pd.DataFrame(case["model"])
            rows += _case_rows(case)
    except (KeyError, TypeError, ValueError) as error:
        raise LoadError(f"{path}: a case is not as moho.dispersion/1 has it ({error!r})") from error
    return pd.DataFrame(rows, columns=CURVE_COLUMNS), models, errors


def _case_rows(case: dict) -> list[dict]:
    flags = {(f["wave"], f["period"], f["mode"]): f["kind"] for f in case.get("flags", [])}
    rows = []
    for mode in case["modes"]:
        absent = [None] * len(mode["phase"])
        values = [mode["phase"], mode.get("group") or absent, mode.get("ellipticity") or absent]
        for period, *numbers in zip(case["periods"], *values, strict=True):
            here = (mode["wave"], period)
            kind = flags.get((*here, mode["mode"])) or flags.get(
                (*here, None), flags.get((*here, -1))
            )
            row = {"name": case["name"], "wave": mode["wave"], "mode": mode["mode"]}
            row |= {"period": period, "status": kind or ("absent" if numbers[0] is None else "ok")}
            for quantity, value in zip(QUANTITIES, numbers):
                row[quantity] = np.nan if value is None else value
                row[f"truth_{quantity}"] = np.nan
            rows.append(row)
    return rows


def read_reference(path: Path) -> pd.DataFrame:
    """Answers of a `surface-wave-reference/1` file as CURVE_COLUMNS with the truth filled in."""
    content = read_json(path)
    rows = [row for case in content["cases"] if "modes" in case for row in _case_rows(case)]
    table = pd.DataFrame(rows, columns=CURVE_COLUMNS)
    for quantity in QUANTITIES:
        table[f"truth_{quantity}"] = table[quantity]
    return table


# ---- writing -------------------------------------------------------------------------------------


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces `path` in one step, so that no reader sees half of it; LoadError if it cannot."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise LoadError(f"{path}: cannot be written ({error.strerror})") from error
