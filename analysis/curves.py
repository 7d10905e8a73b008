# SPDX-License-Identifier: BSD-3-Clause
"""What `moho dispersion --plot` draws: curves, ellipticity and kernels of one answer, one under the
other in one picture.

    python3 analysis/curves.py OUT.json PICTURE.png|PICTURE.pdf [--dark]
"""
from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from PIL import Image

import load
from plot_curves import MAX_ROWS, dispersion_curves, ellipticity, kernel_panels, short_names
from style import DPI, render, theme

MAX_KERNELS = 6  # panels of kernels: one per model and mode


def read_kernels(source: Path) -> pd.DataFrame:
    """One row per kernel that has values: name, wave, mode, period and an array over the layers for
    each of load.KERNELS."""
    rows = []
    for case in load.read_json(source)["cases"]:
        for kernel in case.get("kernels", []):
            values = {
                key: np.array([np.nan if v is None else v for v in kernel[key]], float)
                for key in load.KERNELS
                if key in kernel
            }
            if any(np.isfinite(array).any() for array in values.values()):
                keys = ("wave", "mode", "period")
                rows.append({"name": case["name"], **{k: kernel[k] for k in keys}, **values})
    return pd.DataFrame(rows, columns=["name", "wave", "mode", "period", *load.KERNELS])


def kernel_figures(kernels: pd.DataFrame, models: dict[str, pd.DataFrame]) -> list:
    """Makers of the kernel panels, one per model and mode; a bare half-space has no depth to draw
    them against."""
    names = [n for n in dict.fromkeys(kernels["name"]) if len(models[n]) > 1]
    short = short_names(names)
    makers = []
    for name in names:
        for mode, rows in kernels[kernels["name"] == name].groupby("mode"):
            title = f"{short[name]}, kernels of mode {mode}"
            makers.append(
                lambda rows=rows, model=models[name], title=title: titled(
                    kernel_panels(rows, model), title
                )
            )
    if len(makers) > MAX_KERNELS:
        print(f"curves: drawn are the first {MAX_KERNELS} of {len(makers)} sets of kernels (one "
              "per model and mode)", file=sys.stderr)  # fmt: skip
    return makers[:MAX_KERNELS]


def titled(figure: Figure, title: str) -> Figure:
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=10)
    return figure


def makers_of(source: Path) -> list:
    """Functions that draw the figures of an answer, in the order of the page."""
    curves, models, errors = load.read_dispersion(source)
    for message in errors:
        print(f"curves: left out: {message}", file=sys.stderr)
    if curves.empty:
        raise load.LoadError(f"{source}: no curve to draw (every case has an error?)")
    total = curves["name"].nunique()
    if total > MAX_ROWS:
        print(f"curves: drawn are the first {MAX_ROWS} of {total} models", file=sys.stderr)
    makers = [lambda: dispersion_curves(curves, models)]
    if np.isfinite(curves["ellipticity"]).any():
        makers.append(lambda: ellipticity(curves))
    drawn = set(list(dict.fromkeys(curves["name"]))[:MAX_ROWS])
    kernels = read_kernels(source)
    return makers + kernel_figures(kernels[kernels["name"].isin(drawn)], models)


def stacked(pictures: list[bytes]) -> bytes:
    """PNGs one under the other on the paper of the first."""
    images = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in pictures]
    page = Image.new("RGB", (max(i.width for i in images), sum(i.height for i in images)),
                     images[0].getpixel((0, 0)))  # fmt: skip
    top = 0
    for image in images:
        page.paste(image, (0, top))
        top += image.height
    buffer = io.BytesIO()
    page.quantize(128, dither=Image.Dither.NONE).save(
        buffer, "png", optimize=True, dpi=(DPI, DPI)
    )
    return buffer.getvalue()


def pages(makers: list, theme_name: str) -> bytes:
    """A PDF of one figure per page, without time stamps."""
    buffer = io.BytesIO()
    with theme(theme_name), PdfPages(buffer, metadata={"CreationDate": None}) as pdf:
        for make in makers:
            pdf.savefig(make())
    return buffer.getvalue()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Draw the answers of `moho dispersion`.")
    parser.add_argument("source", type=Path, help="OUT.json of `moho dispersion`")
    parser.add_argument("image", type=Path, help="PNG or PDF to write")
    parser.add_argument("--dark", action="store_true", help="light ink on dark paper")
    options = parser.parse_args(arguments)
    kind = options.image.suffix.lower()
    colours = "dark" if options.dark else "light"
    try:
        if kind not in (".png", ".pdf"):
            raise load.LoadError(f"{options.image}: unknown kind of picture; use .png or .pdf")
        makers = makers_of(options.source)
        picture = (pages(makers, colours) if kind == ".pdf"
                   else stacked([render(make, colours) for make in makers]))  # fmt: skip
        load.write_atomically(options.image, picture)
    except load.LoadError as error:
        print(f"curves: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
