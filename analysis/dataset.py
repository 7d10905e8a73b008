# SPDX-License-Identifier: BSD-3-Clause
"""Blocks of one set of models as one: arrays, totals, and sets that must share no model.

    python3 analysis/dataset.py index RUNDIR [-o FOLDER] [--partial]
    python3 analysis/dataset.py summary RUNDIR [--json]
    python3 analysis/dataset.py disjoint A.h5 B.h5 ...

A set is all cases of problem `dispersion-prior` that differ in their `block` alone.
`index` writes <prior>-<split>-<seed>-<hash>.h5 for each set that is stored as arrays: its /set/...
shows the blocks end to end, in order of the model's index, as virtual datasets. The blocks stay
where they are: move the folder as a whole. A missing, failed or invalid block is an error;
--partial takes what there is (see /set/index).
`summary` adds up what the blocks count: points by status, certificates, time, memory.
`disjoint` compares the hashes of models of index files (or of a data.h5).
Exit code: 0 done, 1 unusable input, 2 sets share models.
"""
from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections import defaultdict
from pathlib import Path

import h5py
import numpy as np

import load

# Small, or of a type that differs from block to block: copied into the index.
COPIED = ("set/index", "set/name", "set/hash")
SHARED = ("set/thickness", "set/period")  # one value for all models
STATUS = ("ok", "absent", "extended", "multivalued", "channel", "failed")
ADDED = ("points", *(f"points_{s}" for s in STATUS), "points_not_finite", "certificates_checked",
         "certificates_broken")


class Set:
    """The blocks of one set of models, by number."""

    def __init__(self, case: dict):
        self.case = {k: v for k, v in case.items() if k != "block"}
        size = case["block_size"] or case["models"]
        self.count = -(-case["models"] // size)
        self.blocks: dict[int, load.Record] = {}

    @property
    def name(self) -> str:
        text = json.dumps(self.case, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return "{prior}-{split}-{seed}-".format(**self.case) + digest

    def missing(self) -> list[int]:
        return [b for b in range(self.count) if b not in self.blocks]

    def sound(self) -> list[load.Record]:
        return [r for _, r in sorted(self.blocks.items()) if r["status"] == "ok"]


def sets_of(runs: load.Runs) -> list[Set]:
    found: dict[str, Set] = {}
    for record in runs.records:
        case = record["case"]
        if case["problem"] != "dispersion-prior":
            continue
        one = Set(case)
        found.setdefault(one.name, one).blocks[case["block"]] = record
    return [found[name] for name in sorted(found)]


def _some(numbers: list[int]) -> str:
    text = ", ".join(map(str, numbers[:8]))
    return text + (f", .. ({len(numbers)} in all)" if len(numbers) > 8 else "")


def _usable(one: Set, partial: bool) -> list[load.Record]:
    records = [r for r in one.sound() if r.data_file is not None]
    if len(records) == one.count:
        return records
    usable = {r["case"]["block"] for r in records}
    absent = _some([b for b in range(one.count) if b not in usable])
    if not partial:
        raise load.LoadError(f"set {one.name}: blocks {absent} of {one.count} are missing or not "
                             "ok (the set is not complete) run the study again, or --partial")
    if not records:
        raise load.LoadError(f"set {one.name}: no block that can be used")
    print(f"dataset: {one.name} lacks blocks {absent} of {one.count}", file=sys.stderr)
    return records


def _arrays(path: Path) -> dict[str, tuple]:
    """Path -> (shape without models, dtype, units) of the arrays of a block."""
    result = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            result[name] = (item.shape, item.dtype, item.attrs.get("units"))

    with h5py.File(path) as file:
        if "set" not in file:
            raise load.LoadError(f"{path}: no arrays of a set (store = \"none\"?)")
        file["set"].visititems(lambda name, item: visit("set/" + name, item))
    return result


def _link(out: h5py.File, name: str, paths: list[Path], sizes: list[int], like: tuple,
          folder: Path) -> None:
    shape, dtype, units = like
    layout = h5py.VirtualLayout(shape=(sum(sizes), *shape[1:]), dtype=dtype)
    first = 0
    for path, size in zip(paths, sizes):
        source = h5py.VirtualSource(os.path.relpath(path, folder), name, shape=(size, *shape[1:]))
        layout[first:first + size] = source
        first += size
    dataset = out.create_virtual_dataset(name, layout)
    if units is not None:
        dataset.attrs["units"] = units


def _fill(out: h5py.File, one: Set, records: list[load.Record], folder: Path) -> None:
    paths = [r.data_file for r in records]
    arrays = _arrays(paths[0])
    copied, sizes = defaultdict(list), []
    for path in paths:
        here = _arrays(path)
        for name, (shape, dtype, _) in here.items():
            expected = arrays.get(name, (None, None, None))
            fits = shape[1:] == expected[0][1:] if expected[0] else False
            if not fits or (name not in COPIED and dtype != expected[1]):
                raise load.LoadError(f"{path}: '{name}' is not as in {paths[0]}")
        if here.keys() != arrays.keys():
            raise load.LoadError(f"{path}: has other arrays than {paths[0]}")
        with h5py.File(path) as file:
            sizes.append(file["set/index"].shape[0])
            for name in COPIED:
                text = name == "set/name"
                copied[name].append(file[name].asstr()[()] if text else file[name][()])
            for name in SHARED:
                if name in out and not np.array_equal(out[name][()], file[name][()]):
                    raise load.LoadError(f"{path}: '{name}' is not as in {paths[0]}")
                if name not in out:
                    out[name] = file[name][()]
                    out[name].attrs["units"] = arrays[name][2]
    for name, parts in copied.items():
        values = np.concatenate(parts)
        if name == "set/name":
            values = np.array([v.encode() for v in values])
        out.create_dataset(name, data=values)
    for name, like in arrays.items():
        if name not in COPIED + SHARED:
            _link(out, name, paths, sizes, like, folder)
    out.attrs["format"] = "moho.dataset/1"
    out.attrs["case"] = json.dumps(one.case, sort_keys=True)
    out.attrs["blocks"] = [r["case"]["block"] for r in records]


def write_index(one: Set, folder: Path, partial: bool = False) -> Path:
    """One file that shows all blocks of a set as one; returns its path."""
    records = _usable(one, partial)
    path = folder / f"{one.name}.h5"
    temporary = folder / f".{one.name}.{os.getpid()}.tmp.h5"
    try:
        with h5py.File(temporary, "w") as out:
            _fill(out, one, records, folder)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def totals(one: Set) -> dict:
    """What the blocks of a set count together. Only finished ones are counted, sound or not."""
    records = [r for r in one.blocks.values() if r["status"] in ("ok", "invalid")]
    result = {"set": one.name, "blocks": len(records), "blocks_of_set": one.count,
              "blocks_invalid": sum(r["status"] == "invalid" for r in records),
              "models": sum(r["counters"]["models"] for r in records)}
    for key in ADDED:
        result[key] = int(sum(r["metrics"][key] for r in records))
    for status in STATUS:
        result[f"share_{status}"] = result[f"points_{status}"] / max(1, result["points"])
    result["seconds"] = sum(r["timings"]["apply"]["median"] for r in records)
    result["peak_memory"] = max(
        (r["provenance"]["run"].get("peak_memory", 0) for r in records), default=0)
    result["ranks"] = sorted({r["provenance"]["run"]["ranks"] for r in records})
    return result


def summary(sets: list[Set]) -> str:
    lines = []
    for t in map(totals, sets):
        lines += [f"{t['set']}: {t['blocks']} of {t['blocks_of_set']} blocks, "
                  f"{t['models']} models, {t['points']} points, {t['seconds']:.1f} s on {t['ranks']} ranks, "
                  f"at most {t['peak_memory'] / 2**20:.0f} MiB per rank"]
        if t["blocks_invalid"]:
            lines.append(f"  INVALID: {t['blocks_invalid']} blocks break a limit")
        lines += [f"  {s:<12} {t['points_' + s]:>12}  {t['share_' + s]:.3e}" for s in STATUS]
        lines += [f"  certificates  {t['certificates_checked']} counted again, "
                  f"{t['certificates_broken']} broken; {t['points_not_finite']} not finite"]
    return "\n".join(lines)


def shared(paths: list[Path]) -> list[str]:
    """Pairs of files with models in common, and files with a model twice; as text."""
    found, hashes = [], []
    for path in paths:
        try:
            with h5py.File(path) as file:
                values = file["set/hash"][()]
        except (OSError, KeyError) as error:
            raise load.LoadError(f"{path}: no hashes of models ({error})") from None
        hashes.append(values)
        if len(np.unique(values)) < len(values):
            found.append(f"{path}: {len(values) - len(np.unique(values))} models stand twice")
    for i, a in enumerate(hashes):
        for j in range(i):
            common = np.intersect1d(a, hashes[j])
            if len(common):
                found.append(f"{paths[j]} and {paths[i]}: {len(common)} models in common")
    return found


def _index(options, sets: list[Set]) -> int:
    stored = [one for one in sets if one.case["store"] != "none"]
    if not stored:
        raise load.LoadError(f"{options.rundir}: no set is stored as arrays (store = \"none\"?)")
    folder = options.output or options.rundir
    folder.mkdir(parents=True, exist_ok=True)
    for one in stored:
        print(write_index(one, folder, options.partial))
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Blocks of one set of models as one.")
    commands = parser.add_subparsers(dest="command", required=True)
    index = commands.add_parser("index", help="one file that shows all blocks of a set")
    index.add_argument("-o", "--output", type=Path, help="folder (default: RUNDIR)")
    index.add_argument("--partial", action="store_true", help="also if blocks are missing")
    total = commands.add_parser("summary", help="points by status, certificates, time, memory")
    total.add_argument("--json", action="store_true")
    for command in (index, total):
        command.add_argument("rundir", type=Path)
    disjoint = commands.add_parser("disjoint", help="do sets share a model?")
    disjoint.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    try:
        if options.command == "disjoint":
            found = shared(options.files)
            print("\n".join(found) or "no model in common")
            return 2 if found else 0
        runs = load.load(options.rundir)
        for problem in runs.problems:
            print(f"dataset: skipped {problem}", file=sys.stderr)
        sets = sets_of(runs)
        if not sets:
            raise load.LoadError(f"{options.rundir}: no record of problem dispersion-prior")
        if options.command == "index":
            return _index(options, sets)
        as_json = options.json and json.dumps([totals(one) for one in sets], indent=1)
        print(as_json or summary(sets))
    except (load.LoadError, OSError) as error:
        print(f"dataset: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
