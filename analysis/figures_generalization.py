# SPDX-License-Identifier: BSD-3-Clause
"""Figures and the table of cross-validations: generalization matrices, what training reached, and
Green's functions found by probing."""
from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np

import load
import load_synthesis
import plot_green
import plot_matrix
import tables
from figure import Drawn, Figure, slug
from load_synthesis import MATRIX, Matrix, Probe, is_row, metric, synthesis
from report_tables import number, seconds

FITS = ("closed-form", "cgls", "gd", "adam")  # the order in which they are shown
ABREAST = 6  # matrices in one figure
MOST_FIGURES = 8  # of one kind; the table has all
HISTORIES = 4  # spaces whose loss is drawn
PROBES = 3  # spaces whose answers to unit inputs are drawn


def add(study: str, records: list[load.Record], drawn: Drawn) -> None:
    """Adds what rows, matrices and probes give to `drawn`."""
    rows = {r["id"]: r for r in records if is_row(r)}
    found = [r for r in records if synthesis(r) == MATRIX]
    keys = tables.telling_keys(found, WITHOUT)
    found.sort(key=lambda record: _place(record, keys))
    matrices = _read(found, rows, drawn)
    if found:
        drawn.tables.append(_table(found, {m.record["id"]: m for m in matrices}, rows))
    groups = list(_groups(matrices))
    for i, (title, group) in enumerate(groups[:MOST_FIGURES]):
        _matrices(study, title, group, drawn)
        if any(set(m.rows) & set(rows) for m in group):
            _trainings(study, title, group, rows, drawn)
    if len(groups) > MOST_FIGURES:
        more = sum(len(group) for _, group in groups[MOST_FIGURES:])
        drawn.missing.append(f"{more} more matrices (the table has all)")
    _green(study, records, matrices, rows, drawn)


def _place(record: load.Record, keys: list[str]) -> tuple:
    """Order of the fits, then of what else sets matrices apart: numbers by size, before words."""
    fit = record["case"].get("fit")
    values = [record["case"].get(k) for k in keys if k not in tables.METHOD_KEYS]
    return (
        FITS.index(fit) if fit in FITS else len(FITS),
        *((0, v, "") if isinstance(v, (int, float)) else (1, 0, str(v)) for v in values),
    )


def _read(found: list[load.Record], rows: dict, drawn: Drawn) -> list[Matrix]:
    """The matrices that can be read; what cannot, and rows that are missing, is named."""
    matrices, held = [], set()
    for record in found:
        if record["status"] == "failed":
            drawn.missing.append(f"matrix {record['id']} (failed: {record['error']})")
            continue
        try:
            matrix = load_synthesis.read_matrix(record)
        except load.LoadError as error:
            drawn.broken(error, record)
            continue
        matrices.append(matrix)
        held |= set(matrix.rows)
        lost = [i for i in matrix.rows if i not in rows]
        if lost:
            drawn.missing.append(
                f"{len(lost)} of {len(matrix.rows)} rows of {record['id']} (their records are "
                f"missing or broken: {_few(lost)})"
            )
    for record in found:
        if record["status"] == "failed":  # named above
            held |= set(record["case"].get("points", []))
    alone, said = _never_made({i: r for i, r in rows.items() if i not in held})
    drawn.missing += said
    if alone:
        drawn.missing.append(
            f"the generalization matrix of {len(alone)} rows (no synthesis that can be read holds "
            f"them: {_few(alone)}; run the study to its end)"
        )
    return matrices


def _never_made(rows: dict) -> tuple[list[str], list[str]]:
    """(ids of the rows whose matrix could be made, what is said of those where rows failed)."""
    keys = (*tables.METHOD_KEYS, "problem", "asked", "asked_hash")
    parts: dict[str, list[load.Record]] = {}
    for r in rows.values():
        same = {k: r["case"].get(k) for k in keys}
        parts.setdefault(json.dumps(same, sort_keys=True), []).append(r)
    told = tables.telling_keys([part[0] for part in parts.values()], ("asked", "asked_hash"))
    alone, said = [], []
    for part in parts.values():
        if any(r["status"] == "failed" for r in part):
            name = tables.label(part[0], told)
            said.append(load_synthesis.never_made(f"the generalization matrix of {name}", part))
        else:
            alone += [r["id"] for r in part]
    if len(said) > MOST_FIGURES:
        more = f"{len(said) - MOST_FIGURES} more generalization matrices that are missing"
        said = [*said[:MOST_FIGURES], more]
    return alone, said


def _few(ids: list[str]) -> str:
    return ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")


# ---- which matrices stand together ---------------------------------------------------------------

WITHOUT = ("synthesis", "points", "error", "tau")


def titles(records: list[load.Record]) -> list[str]:
    """What sets each apart from the others; the method where nothing does."""
    keys = tables.telling_keys(records, WITHOUT)
    return [tables.label(r, keys) for r in records]


def _groups(matrices: list[Matrix]) -> Iterable[tuple[str, list[Matrix]]]:
    """(what they have in common, at most ABREAST matrices): all methods on one problem."""
    keys = tables.telling_keys([m.record for m in matrices], WITHOUT)
    common: list[str] = []
    parts = {"": matrices} if matrices else {}
    for key in (k for k in keys if k not in tables.METHOD_KEYS):
        if max(map(len, parts.values())) <= ABREAST:
            break
        common.append(key)
        parts = {}
        for m in matrices:
            parts.setdefault(tables.label(m.record, common), []).append(m)
    for title, part in parts.items():
        for i in range(0, len(part), ABREAST):
            yield title, part[i : i + ABREAST]


def _alike(matrices: list[Matrix]) -> list[list[Matrix]]:
    """Those of one problem and the same spaces: they share an axis."""
    parts: dict[str, list[Matrix]] = {}
    for m in matrices:
        case = m.record["case"]
        same = {k: v for k, v in case.items() if k in ("problem", "operator", "N", "k", "noise")}
        parts.setdefault(json.dumps([same, m.labels], sort_keys=True), []).append(m)
    return list(parts.values())


def _name(study: str, kind: str, title: str, group: list[Matrix], drawn: Drawn) -> str:
    name = slug(f"{study}-{kind}" + (f"-{title}" if title else ""))
    taken = {f.name for f in drawn.figures}
    return name if name not in taken else slug(f"{name}-{group[0].record['id']}")


def subject(group: list[Matrix]) -> str:
    """What all of them are about: "operator-1d, poisson, N = 24"."""
    cases = [m.record["case"] for m in group]
    same = [
        k for k in ("problem", "operator", "N") if len({json.dumps(c.get(k)) for c in cases}) == 1
    ]
    return tables.label(group[0].record, same) if same else "each problem"


# ---- captions ------------------------------------------------------------------------------------


def _size(value: float) -> str:
    return "–" if np.isnan(value) else "0" if value == 0 else f"{value:.1e}"


def finding(title: str, matrix: Matrix) -> str:
    """One matrix in a few words."""
    inside, outside, sgi = (
        metric(matrix.record, k) for k in ("in_span_max", "out_of_span_min", "sgi")
    )
    alone = (matrix.contains == np.eye(len(matrix.labels), dtype=bool)).all()
    where = "where it was prepared" if alone else "within the span of training"
    parts = [f"at most {_size(inside)} {where}"] if np.isfinite(inside) else []
    parts += [f"at least {_size(outside)} elsewhere"] if np.isfinite(outside) else []
    parts += [f"SGI {sgi:.3g}"] if np.isfinite(sgi) else []
    return f"{title} {', '.join(parts)}" if parts else f"{title} not known"


def _broadest(matrix: Matrix) -> str:
    worst = metric(matrix.record, "broadest_worst")
    if matrix.broadest is None or not np.isfinite(worst):
        return ""
    return f"; broadest is {matrix.broadest} with a worst error of {_size(worst)}"


def _by_chance(group: list[Matrix]) -> str:
    """How many errors are small although the space asked lies not within that of training."""
    small = sum(int(((m.values <= m.tau) & ~m.contains).sum()) for m in group)
    if not small:
        return ""
    what = "1 blue cell lies" if small == 1 else f"{small} blue cells lie"
    return f" {what} outside the outlines: such errors are small, but the space was not learnt."


def _matrices(study: str, title: str, group: list[Matrix], drawn: Drawn) -> None:
    names = titles([m.record for m in group])
    panels = list(zip(names, group))
    first = group[0]
    measure = plot_matrix.error_name(first.error)
    spaces = sorted({len(m.labels) for m in group})
    text = (
        f"Generalization{', ' + title if title else ''}: {measure} of a "
        f"method prepared on one of {' or '.join(map(str, spaces))} spaces (rows) and asked "
        "about each (columns); outlined where the space asked lies within that of training."
    )
    if any((m.values <= m.tau).any() for m in group):
        text += f" Blue is an error of at most {first.tau:g}.{_by_chance(group)}"
    drawn.figures.append(
        Figure(
            _name(study, "matrix", title, group, drawn),
            text,
            lambda: plot_matrix.matrices(panels),
            [m.record for m in group],
            kind="matrix",
            quote=f"{plot_matrix.capital(measure)} when {subject(group)} is "
            f"cross-validated: {'; '.join(finding(name, m) for name, m in panels)}"
            f"{_broadest(first) if len(group) == 1 else ''}.",
        )
    )


# ---- training ------------------------------------------------------------------------------------


def _trainings(study: str, title: str, group: list[Matrix], rows: dict, drawn: Drawn) -> None:
    for part in _alike(group):
        names = titles([m.record for m in part])
        panels = list(zip(names, part))
        here = title if len(part) == len(group) else subject(part)
        if any((m.row.get("to_closed_form", np.zeros(1)) > 0).any() for m in part):
            _reached(study, here, panels, drawn)
        _histories(study, here, panels, rows, drawn)


def _reached(study: str, title: str, panels: list[tuple[str, Matrix]], drawn: Drawn) -> None:
    shown = plot_matrix.reached(panels)
    text = (
        "What training reached, by the space prepared on"
        f"{': ' + title if title else ''}. The closed form is W = C B\u207a; its distance and the "
        "weights off the span of the training inputs are relative to the size of the weights. What "
        "is exactly zero is not drawn."
    )
    said = []
    for name, matrix in panels:
        parts = []
        for key, words in (
            ("off_span", "of the weights off the span of training"),
            ("to_closed_form", "from the closed form"),
        ):
            values = matrix.row.get(key, np.full(1, np.nan))
            values = values[np.isfinite(values)]
            if values.size:
                parts.append(f"{_span(values, _size)} {words}")
        if parts:
            said.append(f"{name}: {', '.join(parts)}")
    if "condition" in shown:
        text += " Conditioning is that of the training inputs."
    drawn.figures.append(
        Figure(
            _name(study, "training", title, [m for _, m in panels], drawn),
            text,
            lambda: plot_matrix.training(panels),
            [m.record for _, m in panels],
            kind="training",
            quote=f"Training on {subject([m for _, m in panels])}: {'; '.join(said)}.",
        )
    )


def _histories(study: str, title: str, panels, rows: dict, drawn: Drawn) -> None:
    """Loss of the largest space of each family, HISTORIES of them at most."""
    first = panels[0][1]
    spaces = [last for _, _, last in plot_matrix.blocks(first)][:HISTORIES]
    curves: dict[str, list] = {}
    used, ends = [], {}
    for space in spaces:
        for name, matrix in panels:
            record = rows.get(matrix.rows[space])
            if record is None:
                continue
            try:
                history = load_synthesis.read_history(record)
            except load.LoadError as error:
                drawn.broken(error, record)
                continue
            if history is not None and len(history[0]):
                curves.setdefault(first.labels[space], []).append((name, *history))
                ends.setdefault(name, []).append((int(history[0][-1]), float(history[1][-1])))
                used.append(record)
    if not curves:
        return
    names = [name for name, _ in panels]
    said = [
        f"{name} ends after {_span([e[0] for e in end])} iterations at a loss of "
        f"{_span([e[1] for e in end], _size)}"
        for name, end in ends.items()
    ]
    drawn.figures.append(
        Figure(
            _name(study, "loss", title, [first], drawn),
            "Training loss against iteration, a panel per space prepared on (the largest of each "
            f"family){': ' + title if title else ''}.",
            lambda: plot_matrix.histories(curves, names),
            used,
            kind="loss",
            quote=f"Training on {subject([first])}: {'; '.join(said)}.",
        )
    )


def _span(values, text=number) -> str:
    low, high = min(values), max(values)
    return text(low) if low == high else f"{text(low)} to {text(high)}"


# ---- Green's functions ---------------------------------------------------------------------------


def _green(study: str, records, matrices: list[Matrix], rows: dict, drawn: Drawn) -> None:
    """Of each problem: the broadest space, those of no family and the largest of the families,
    PROBES in all, by the first method; of a study without rows its probed cases."""
    made = 0
    for title, chosen in _probed(records, matrices, rows):
        probes = []
        for name, record in chosen:
            try:
                if (probe := load_synthesis.read_probe(record)) is not None:
                    probes.append((name, probe))
            except load.LoadError as error:
                drawn.broken(error, record)
        if probes and made < MOST_FIGURES:
            made += 1
            _green_figures(study, title, probes[:PROBES], drawn)


def _probed(records, matrices: list[Matrix], rows: dict):
    """(title, [(name, record)]) of what may have been probed."""
    parts = _alike(matrices)
    several = titles([part[0].record for part in parts]) if len(parts) > 1 else [""] * len(parts)
    for part, title in zip(parts, several):
        matrix = part[0]
        blocks = plot_matrix.blocks(matrix)
        blocks.sort(key=lambda block: block[2] - block[1] > 0)  # families of one space first
        spaces = [last for _, _, last in blocks]
        if matrix.broadest:
            best = matrix.labels.index(matrix.broadest)
            spaces = [best, *(s for s in spaces if s != best)]
        wanted = [(matrix.labels[s], rows.get(matrix.rows[s])) for s in spaces]
        yield title, [(name, record) for name, record in wanted if record is not None]
    cases = [r for r in load_synthesis.points(records) if r.data_file]
    for i in range(0, len(cases) if not matrices else 0, PROBES):
        part = cases[i : i + PROBES]
        yield (f"cases {i + 1} to {i + len(part)}" if len(cases) > PROBES else ""), list(
            zip(titles(part), part)
        )


def _green_figures(study: str, title: str, probes: list[tuple[str, Probe]], drawn: Drawn) -> None:
    records = [probe.record for _, probe in probes]
    said = []
    for name, probe in probes:
        error = metric(probe.record, "train_rel_mse")
        trained = f" (training error {_size(error)})" if np.isfinite(error) else ""
        said.append(f"{name} {_size(probe.difference)}{trained}")
    about = tables.label(records[0], ["problem", "operator", "N", "method", "fit"])
    quote = (
        f"Relative difference of answers to unit inputs from the exact operator ({about}; "
        f"Frobenius norm): {', '.join(said)}."
    )
    where = f": {title}" if title else ""
    name = slug(f"{study}-green" + (f"-{title}" if title else ""))
    drawn.figures.append(
        Figure(
            f"{name}-images",
            f"Green's functions found by probing{where}: column j of each image is the answer to "
            "the j-th unit input (a hat function). The differences have scales of their own; the "
            "inverse, times the mass matrix, is shown by its magnitude: a narrow band is the "
            "stencil of a differential operator; a map that was learnt on fewer functions than "
            "nodes is singular.",
            lambda: plot_green.green_images(probes),
            records,
            kind="green",
            quote=quote,
        )
    )
    if all(probe.nodes is not None for _, probe in probes):
        order = plot_green.kink_order(probes[0][1])
        drawn.figures.append(
            Figure(
                f"{name}-columns",
                f"Answers to three unit inputs over the nodes{where}, symbols, and the exact ones, "
                f"lines; below their differences of order {order}: a Green's function has its kink "
                "at the node of the unit input and is smooth elsewhere.",
                lambda: plot_green.green_columns(probes),
                records,
                kind="green",
                quote=_local(about, probes) or quote,
            )
        )


def _local(about: str, probes: list[tuple[str, Probe]]) -> str:
    """How local the second differences are, where the records say so."""
    shares = [(name, metric(probe.record, "stencil_off")) for name, probe in probes]
    if not all(np.isfinite(share) for _, share in shares):
        return ""
    return (
        "Share of the second differences of answers to unit inputs that lies off the node of the "
        f"input and its neighbours ({about}; Frobenius norm): "
        f"{', '.join(f'{name} {_size(share)}' for name, share in shares)}."
    )


# ---- the table -----------------------------------------------------------------------------------

HEAD = [
    "matrix",
    "status",
    "SGI",
    "jump (decades)",
    "diagonality",
    "largest error in span",
    "smallest outside",
    "broadest",
    "its worst error",
    "condition",
    "optimiser",
    "iterations",
    "samples",
    "time",
    "record",
]


def _table(found: list[load.Record], matrices: dict[str, Matrix], rows: dict) -> dict:
    lines = []
    for title, record in zip(titles(found), found):
        matrix = matrices.get(record["id"])
        mine = [rows[i] for i in matrix.rows if i in rows] if matrix else []
        condition = matrix.row.get("condition", np.zeros(0)) if matrix else np.zeros(0)
        condition = condition[np.isfinite(condition)]
        get = lambda name: metric(record, name)  # noqa: E731, B023
        lines.append(
            [
                title,
                record["status"],
                *(number(get(k)) for k in ("sgi", "ood_jump", "diagonality")),
                *(_size(get(k)) for k in ("in_span_max", "out_of_span_min")),
                (matrix.broadest if matrix else None) or "–",
                _size(get("broadest_worst")),
                _span(condition, lambda v: f"{v:.2g}") if condition.size else "–",
                str(record["case"].get("fit", "–")),
                *(_counted(mine, name) for name in ("iterations", "samples")),
                seconds(record["timings"].get("rows", {}).get("median")),
                record["id"],
            ]
        )
    return {"title": "Generalization matrices", "head": HEAD, "rows": lines}


def _counted(records: list[load.Record], name: str) -> str:
    """The range of a counter over the rows."""
    values = [r["counters"][name] for r in records if name in r["counters"]]
    return _span(values) if values else "–"
