# SPDX-License-Identifier: BSD-3-Clause
"""Weights of PyTorch networks as moho reads them, and back.

    python3 analysis/torch_weights.py to-moho MODEL.pt -o WEIGHTS.h5 [--map MAP] [--scaling S.npz]
    python3 analysis/torch_weights.py to-torch WEIGHTS.h5 -o MODEL.pt [--map MAP] [--scaling S.npz]
                                               [--dtype float32]

MODEL is a state_dict (torch.save(network.state_dict(), ..)), alone or under "state_dict" or
"model_state_dict", or an .npz of such arrays, for which no PyTorch is needed. WEIGHTS is HDF5 in
the format moho.weights/1, which `moho run` takes instead of training (method.weights =
"WEIGHTS.h5"), or the data.h5 of a record of a trained network. Known are, by the names of their
parameters,

    mlp        nn.Sequential of Linear and activations: 0.weight, 0.bias, 2.weight, ..
    fno        fourier_1d.py and fourier_2d.py of Li et al. (2022): fc0, conv<j>.weights1 (and
               weights2), w<j>, fc1, fc2
    deeponet   branch.<i>, trunk.<i>, each a Sequential of Linear; b0 or bias

all with a common prefix (module., net., ..) or none. MAP is JSON, {"name in PyTorch": "name in
moho"}, for other names; null leaves a parameter out. WEIGHTS keeps the names in PyTorch, and the
way back uses them.

A network of moho learns scaled rows: it takes (x - inputs_mean) / inputs_deviation, 0 where the
deviation is 0, and answers outputs_mean + outputs_deviation y, all arrays of a row's length. S.npz
holds these four; it is needed where the weights of a record were trained on scaled rows.
moho's FNO takes coordinates i/(N-1) where a grid has both ends, i/N on a
circle; fourier_1d.py has the former, and padding, always: problem.boundary = "walls" and
method.padding answer alike.
Exit code: 0 written, 1 unusable input or no place for the output, 2 wrong words on the command
line.
"""
from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

FORMAT = "moho.weights/1"
Arrays = dict[str, np.ndarray]
SCALING = ("inputs_mean", "inputs_deviation", "outputs_mean", "outputs_deviation")


class WeightsError(Exception):
    """PROBLEM (WHY) SUGGESTION."""


# ---- names ---------------------------------------------------------------------------------------

MAP_ADVICE = "give such parameters names by --map, or null to leave them out"
SEQUENCES = {"mlp": {"": "layer"}, "deeponet": {"branch.": "branch", "trunk.": "trunk"}}
FNO = {"fc0": "lift", "fc1": "proj1", "fc2": "proj2"}


def _sequences(parts: dict[str, str], keys: list[str]) -> dict[str, str]:
    """Names for the layers of each part, which are numbered with gaps (activations) in PyTorch."""
    found = {}
    for start, name in parts.items():
        pattern = re.compile(re.escape(start) + (r"(?:\w+\.)*?" if start else "")
                             + r"(\d+)\.(weight|bias)")
        hits = {key: hit for key in keys if (hit := pattern.fullmatch(key))}
        order = sorted({int(hit[1]) for hit in hits.values()})
        found |= {key: f"{name}{order.index(int(hit[1]))}.{hit[2]}" for key, hit in hits.items()}
    return found


def _deeponet(keys: list[str]) -> dict[str, str]:
    return (_sequences(SEQUENCES["deeponet"], keys)
            | {key: "bias" for key in keys if key in ("b0", "bias", "b")})


def _fno(keys: list[str]) -> dict[str, str]:
    found, two = {}, any(key.endswith(".weights2") for key in keys)
    for key in keys:
        if hit := re.fullmatch(r"(fc[012])\.(weight|bias)", key):
            found[key] = f"{FNO[hit[1]]}.{hit[2]}"
        elif hit := re.fullmatch(r"w(\d+)\.(weight|bias)", key):
            found[key] = f"skip{hit[1]}.{hit[2]}"
        elif hit := re.fullmatch(r"conv(\d+)\.weights([12])", key):
            found[key] = f"spec{hit[1]}.weight" + (("_lo", "_hi")[int(hit[2]) - 1] if two else "")
    return found


FAMILIES = {"fno": _fno, "deeponet": _deeponet,
            "mlp": lambda keys: _sequences(SEQUENCES["mlp"], keys)}


def _prefixes(keys: list[str]):
    """"", and what all names begin with: module. of module.0.weight and module.2.weight."""
    words = keys[0].split(".")
    for i in range(len(words)):
        prefix = "".join(word + "." for word in words[:i])
        if all(key.startswith(prefix) for key in keys):
            yield prefix


def moho_names(keys: list[str]) -> dict[str, str]:
    """{name in PyTorch: name in moho} of a network of a known family."""
    best: dict[str, str] = {}
    for prefix in _prefixes(keys):
        inner = [key[len(prefix):] for key in keys]
        for rule in FAMILIES.values():
            found = {prefix + key: name for key, name in rule(inner).items()}
            if len(found) == len(keys):
                return found
            best = max(best, found, key=len)
    unknown = [key for key in keys if key not in best]
    raise WeightsError(f"parameter '{unknown[0]}' is not known ({len(unknown)} of {len(keys)} are "
                       f"not; known are mlp, fno and deeponet) {MAP_ADVICE}")


def torch_names(names: list[str]) -> dict[str, str]:
    """{name in moho: name in PyTorch} for weights that do not tell the latter."""
    back = {name: key for key, name in FNO.items()}
    found = {}
    for name in names:
        if hit := re.fullmatch(r"(lift|proj1|proj2)\.(weight|bias)", name):
            found[name] = f"{back[hit[1]]}.{hit[2]}"
        elif hit := re.fullmatch(r"skip(\d+)\.(weight|bias)", name):
            found[name] = f"w{hit[1]}.{hit[2]}"
        elif hit := re.fullmatch(r"spec(\d+)\.weight(|_lo|_hi)", name):
            found[name] = f"conv{hit[1]}.weights{2 if hit[2] == '_hi' else 1}"
        elif hit := re.fullmatch(r"(layer|branch|trunk)(\d+)\.(weight|bias)", name):
            part = "" if hit[1] == "layer" else hit[1] + "."
            found[name] = f"{part}{2 * int(hit[2])}.{hit[3]}"
        elif name == "bias":
            found[name] = "b0"
        else:
            raise WeightsError(f"parameter '{name}' has no name in PyTorch (it is of no mlp, fno "
                               f"or deeponet) {MAP_ADVICE}")
    return found


# ---- values --------------------------------------------------------------------------------------


def _is_spectral(name: str) -> bool:
    return re.fullmatch(r"spec\d+\.weight(_lo|_hi)?", name) is not None


def to_exchange(key: str, name: str, value: np.ndarray) -> np.ndarray:
    """An array of PyTorch as moho's files have it: complex numbers as (.., 2), convolutions of
    one point as matrices."""
    if value.dtype.kind not in "fc":
        raise WeightsError(f"parameter '{key}' holds {value.dtype} (weights are real or complex "
                           f"numbers) {MAP_ADVICE}")
    if not np.isfinite(value).all():
        raise WeightsError(f"parameter '{key}' holds a value that is not finite (nothing can be "
                           "answered with it) take weights of an earlier epoch")
    if value.dtype.kind == "c":
        if not _is_spectral(name):
            raise WeightsError(f"parameter '{key}' is complex (moho's {name} is real) correct the "
                               "map")
        value = np.stack([value.real, value.imag], -1)
    elif _is_spectral(name) and (value.ndim < 4 or value.shape[-1] != 2):
        raise WeightsError(f"parameter '{key}' is real with the shape {value.shape} (modes are "
                           "complex, or real with Re and Im along a last axis) correct the map")
    if re.fullmatch(r"skip\d+\.weight", name):
        if value.ndim < 2 or any(n != 1 for n in value.shape[2:]):
            raise WeightsError(f"parameter '{key}' has the shape {value.shape} (the convolution of "
                               "one point is (out, in, 1) or (out, in, 1, 1)) it has no place in "
                               "moho's FNO")
        value = value.reshape(value.shape[:2])
    if name == "bias" and value.size == 1:
        value = value.reshape(1)
    return np.ascontiguousarray(value, np.float64)


def to_native(name: str, value: np.ndarray, axes: int, shape: tuple | None) -> np.ndarray:
    """Its reverse; `axes`: of the grid of an FNO; `shape`: in PyTorch, where it is known."""
    if _is_spectral(name) and shape != value.shape:
        value = value[..., 0] + 1j * value[..., 1]
    elif shape is not None and int(np.prod(shape)) == value.size:
        value = value.reshape(shape)
    elif re.fullmatch(r"skip\d+\.weight", name):
        value = value.reshape(*value.shape, *axes * [1])
    elif name == "bias":
        value = value.reshape(())
    return value


# ---- networks ------------------------------------------------------------------------------------


@dataclass
class Weights:
    """Arrays by moho's names; what PyTorch calls each, and its shape there, where known."""

    arrays: Arrays
    keys: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, tuple] = field(default_factory=dict)
    scaling: Arrays = field(default_factory=dict)  # by the names of SCALING; empty: not known

    @property
    def axes(self) -> int:
        """Of the grid of an FNO; 0: it is none."""
        return max((a.ndim - 3 for name, a in self.arrays.items() if _is_spectral(name)), default=0)

    def called(self, name: str) -> str:
        key = self.keys.get(name)
        return name if key is None else f"{name} ('{key}' in PyTorch)"

    def extents(self, name: str) -> tuple:
        if name not in self.arrays:
            raise WeightsError(f"parameter {name} is missing (there are {', '.join(self.arrays)}) "
                               "layers without bias have no counterpart in moho: give them zeros")
        return self.arrays[name].shape

    def expect(self, name: str, *wanted: int | None) -> tuple:
        """Its shape; None: any."""
        shape = self.extents(name)
        if len(shape) != len(wanted) or any(w not in (None, n) for w, n in zip(wanted, shape)):
            text = ", ".join("any" if w is None else str(w) for w in wanted)
            raise WeightsError(f"parameter {self.called(name)} has the shape {shape} (the others "
                               f"want ({text})) the file is of another network, or the map wrong")
        return shape

    def dense(self, name: str, inside: int | None = None, outside: int | None = None) -> tuple:
        """(in, out) of a layer."""
        rows, columns = self.expect(f"{name}.weight", outside, inside)
        self.expect(f"{name}.bias", rows)
        return columns, rows

    def count(self, pattern: str) -> int:
        """Layers numbered 0, 1, ..; those that are not are missing one."""
        numbers = {int(hit[1]) for name in self.arrays if (hit := re.fullmatch(pattern, name))}
        for i in range(len(numbers)):
            if i not in numbers:
                raise WeightsError(f"layer {i} is missing (there are "
                                   f"{', '.join(map(str, sorted(numbers)))} of {pattern}) correct "
                                   "the map")
        return len(numbers)

    def chain(self, name: str) -> list[int]:
        """Widths of dense layers, one behind the other."""
        widths: list[int] = []
        for i in range(self.count(rf"{name}(\d+)\..*")):
            inside, outside = self.dense(f"{name}{i}", widths[-1] if widths else None)
            widths += [inside, outside] if not widths else [outside]
        return widths


def describe(weights: Weights) -> str:
    """Says what network it is, in the words of `moho run`, after checking that all fits together.
    Of names that no family has only the values were checked."""
    names, expected = set(weights.arrays), set()
    if any(map(_is_spectral, names)):
        text, expected = _describe_fno(weights)
    elif any(name.startswith("layer") for name in names):
        widths = weights.chain("layer")
        text, expected = "mlp " + "-".join(map(str, widths)), _dense_names("layer", widths)
    elif any(name.startswith(("branch", "trunk")) for name in names):
        branch, trunk = weights.chain("branch"), weights.chain("trunk")
        if not branch or not trunk:
            raise WeightsError("a DeepONet needs branch and trunk (one of them is missing) "
                               "correct the map")
        weights.expect(f"trunk{len(trunk) - 2}.weight", branch[-1], None)
        weights.expect("bias", 1)
        text = f"deeponet {'-'.join(map(str, branch))} and {'-'.join(map(str, trunk))}"
        expected = _dense_names("branch", branch) | _dense_names("trunk", trunk) | {"bias"}
    else:
        return "network of no family that is known here"
    if extra := sorted(names - expected):
        raise WeightsError(f"parameter {weights.called(extra[0])} is not one of this network "
                           f"({text}) {MAP_ADVICE}")
    return text


def _dense_names(name: str, widths: list[int]) -> set[str]:
    return {f"{name}{i}.{part}" for i in range(len(widths) - 1) for part in ("weight", "bias")}


def _describe_fno(weights: Weights) -> tuple[str, set[str]]:
    axes, layers = weights.axes, weights.count(r"spec(\d+)\..*")
    halves = [".weight"] if axes == 1 else [".weight_lo", ".weight_hi"]
    channels, width = weights.dense("lift")
    modes = weights.extents("spec0" + halves[0])[2:2 + axes]
    expected = {f"{part}.{kind}" for part in ("lift", "proj1", "proj2")
                for kind in ("weight", "bias")}
    for i in range(layers):
        for half in halves:
            weights.expect(f"spec{i}{half}", width, width, *modes, 2)
        weights.dense(f"skip{i}", width, width)
        expected |= {f"spec{i}{half}" for half in halves}
        expected |= {f"skip{i}.weight", f"skip{i}.bias"}
    projection = weights.dense("proj1", width)[1]
    outputs = weights.dense("proj2", projection)[1]
    if channels <= axes:
        raise WeightsError(f"parameter {weights.called('lift.weight')} takes {channels} channels "
                           f"(the {axes} coordinates and one value at least are needed) the file "
                           "is of another network")
    text = (f"fno in {axes} dimension{'s' if axes > 1 else ''}, {channels - axes} to {outputs} "
            f"channels: width {width}, modes {' x '.join(map(str, modes))}, layers {layers}, "
            f"projection {projection}")
    return text, expected


def to_moho(state: Arrays, mapping: dict[str, str | None] | None = None) -> Weights:
    """A state_dict of arrays, converted and checked."""
    mapping = mapping or {}
    for key in mapping:
        if key not in state:
            raise WeightsError(f"the map names '{key}' (the state_dict has {', '.join(state)}) "
                               "correct it")
    rest = [key for key in state if key not in mapping]
    names = {key: name for key, name in mapping.items() if name is not None}
    names |= moho_names(rest) if rest else {}
    weights = Weights({})
    for key in state:  # in the order of the network
        name = names.get(key)
        if name is None:
            continue
        if name in weights.arrays:
            raise WeightsError(f"parameters '{weights.keys[name]}' and '{key}' are both {name} "
                               "(moho has one) correct the map")
        weights.keys[name], weights.shapes[name] = key, state[key].shape
        weights.arrays[name] = to_exchange(key, name, state[key])
    if not weights.arrays:
        raise WeightsError("there are no parameters (nothing would be written) correct the map")
    describe(weights)
    return weights


def to_torch(weights: Weights, mapping: dict[str, str | None] | None = None) -> Arrays:
    """The reverse. Names: those of the map, then those that the file tells, then the usual ones."""
    describe(weights)
    mapped = {name: key for key, name in (mapping or {}).items() if name is not None}
    for name in mapped:
        if name not in weights.arrays:
            raise WeightsError(f"the map names {name} (the file has {', '.join(weights.arrays)}) "
                               "correct it")
    known = weights.keys | mapped
    known |= torch_names([name for name in weights.arrays if name not in known])
    state: Arrays = {}
    for name, value in weights.arrays.items():
        if known[name] in state:
            raise WeightsError(f"two parameters are called '{known[name]}' (the last is {name}) "
                               "correct the map")
        state[known[name]] = to_native(name, value, weights.axes, weights.shapes.get(name))
    return state


# ---- files ---------------------------------------------------------------------------------------


def _torch():
    try:
        import torch
    except ImportError:
        raise WeightsError(f"{sys.executable} has no PyTorch (.pt needs it) install python3-torch, "
                           "or use an .npz of the arrays") from None
    return torch


def _as_array(tensor) -> np.ndarray:
    tensor = tensor.detach().cpu().resolve_conj().resolve_neg()
    if tensor.is_floating_point():
        tensor = tensor.double()  # numpy has no bfloat16
    return tensor.numpy()


def read_state(path: Path) -> Arrays:
    """Arrays of a .pt or .npz, in their order."""
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                return {key: file[key] for key in file.files}
        torch = _torch()
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(f"'{path}' cannot be read ({error}) name a state_dict or .npz") from None
    except WeightsError:
        raise
    except Exception as error:  # torch has errors of its own
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(f"'{path}' cannot be read as weights alone ({reason}) save "
                           "network.state_dict(), not the network") from None
    for key in ("state_dict", "model_state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(torch.is_tensor(t) for t in content.values()):
        raise WeightsError(f"'{path}' holds no state_dict (a dictionary of tensors is wanted) save "
                           "network.state_dict()")
    return {key: _as_array(tensor) for key, tensor in content.items()}


def _write(path: Path, content: bytes | memoryview) -> None:
    """Whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        raise WeightsError(f"'{path}' cannot be written ({error.strerror}) name another") from None
    finally:
        temporary.unlink(missing_ok=True)


def write_state(path: Path, state: Arrays, dtype: str = "float64") -> None:
    kinds = {"f": dtype, "c": {"float32": "complex64", "float64": "complex128"}[dtype]}
    state = {key: value.astype(kinds[value.dtype.kind]) for key, value in state.items()}
    content = io.BytesIO()  # torch.save ends the process when a disk is full
    if path.suffix == ".npz":
        np.savez(content, **state)
    else:
        torch = _torch()
        torch.save({key: torch.from_numpy(value) for key, value in state.items()}, content)
    _write(path, content.getbuffer())


def write_weights(path: Path, weights: Weights) -> None:
    """moho.weights/1, whole or not at all."""
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        file.attrs["format"] = FORMAT
        group = file.create_group("weights", track_order=True)
        for name, value in weights.arrays.items():
            dataset = group.create_dataset(name, data=value, dtype="<f8")
            if name in weights.keys:
                dataset.attrs["torch_name"] = weights.keys[name]
                dataset.attrs["torch_shape"] = np.array(weights.shapes[name], np.int64)
        for name, value in weights.scaling.items():
            file["scaling/" + name.replace("_", "/")] = value
        file.flush()
        content = file.id.get_file_image()
    _write(path, content)


def read_weights(path: Path) -> Weights:
    """Of a file of this format, or the data.h5 of a record."""
    weights = Weights({})
    try:
        with h5py.File(path) as file:
            group = file.get("weights")
            if not isinstance(group, h5py.Group) or not len(group):
                raise WeightsError(f"'{path}' has no group /weights (it is no file of weights) "
                                   "name the data.h5 of a trained network")
            for name, dataset in group.items():
                if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind != "f":
                    raise WeightsError(f"'{path}': /weights/{name} holds no numbers (arrays of "
                                       "floating-point numbers are wanted) write it anew")
                weights.arrays[name] = dataset[()].astype(np.float64)
                if "torch_name" in dataset.attrs:
                    weights.keys[name] = str(dataset.attrs["torch_name"])
                    weights.shapes[name] = tuple(int(n) for n in dataset.attrs["torch_shape"])
            if "scaling" in file:
                weights.scaling = {name: file["scaling/" + name.replace("_", "/")][()]
                                   for name in SCALING}
    except (KeyError, OSError) as error:
        raise WeightsError(f"'{path}' cannot be read ({error}) name a file of weights") from None
    for name, value in weights.arrays.items():
        if not np.isfinite(value).all():
            raise WeightsError(f"'{path}': /weights/{name} holds a value that is not finite "
                               "(nothing can be answered with it) write it anew")
    return weights


def read_scaling(path: Path | None) -> Arrays:
    if path is None:
        return {}
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name].astype(np.float64) for name in SCALING}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise WeightsError(f"'{path}' cannot be read ({error}) name an .npz of "
                           f"{', '.join(SCALING)}") from None
    if not all(value.ndim == 1 and np.isfinite(value).all() for value in found.values()):
        raise WeightsError(f"'{path}' (lists of finite numbers are wanted) write it anew")
    return found


def write_scaling(path: Path | None, scaling: Arrays, source: Path) -> None:
    """What a record says of its rows; rows as they are need no file."""
    plain = all((value == (name.endswith("deviation"))).all() for name, value in scaling.items())
    if path is None and not plain:
        raise WeightsError(f"'{source}' was trained on scaled rows (its weights alone answer "
                           "something else) name a file for means and deviations (--scaling S.npz)")
    if path is not None:
        content = io.BytesIO()
        np.savez(content, **scaling)
        _write(path, content.getbuffer())


def read_map(path: Path | None) -> dict[str, str | None]:
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"'{path}' cannot be read ({error}) a map is JSON") from None
    if not isinstance(content, dict) or not all(v is None or isinstance(v, str)
                                                for v in content.values()):
        raise WeightsError(f"'{path}' is no map (names or null by names are wanted) write "
                           '{"name in PyTorch": "name in moho"}')
    return content


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, source in (("to-moho", "state_dict (.pt) or .npz"), ("to-torch", "file of weights")):
        one = commands.add_parser(name)
        one.add_argument("source", type=Path, help=source)
        one.add_argument("-o", "--output", type=Path, required=True)
        one.add_argument("--map", type=Path, help='JSON: {"name in PyTorch": "name in moho"}')
        one.add_argument("--scaling", type=Path, help="means and deviations of rows, .npz")
    one.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    options = parser.parse_args(words)
    try:
        for read in filter(None, (options.source, options.map)):
            if options.output.resolve() == read.resolve():
                raise WeightsError(f"'{options.output}' is read and would be overwritten (--output "
                                   "names it too) name another")
        mapping = read_map(options.map)
        if options.command == "to-moho":
            weights = to_moho(read_state(options.source), mapping)
            weights.scaling = read_scaling(options.scaling)
            write_weights(options.output, weights)
        else:
            weights = read_weights(options.source)
            write_scaling(options.scaling, weights.scaling, options.source)
            write_state(options.output, to_torch(weights, mapping), options.dtype)
    except WeightsError as error:
        print(f"torch_weights: {error}", file=sys.stderr)
        return 1
    total = sum(value.size for value in weights.arrays.values())
    print(f"{options.output}: {describe(weights)}; {total} numbers in {len(weights.arrays)} arrays")
    return 0


if __name__ == "__main__":
    sys.exit(main())
