# SPDX-License-Identifier: BSD-3-Clause
"""How figures look: sizes, colours, light and dark themes, and the writing of pictures.

Colours are those of Okabe and Ito (2008) and viridis, told apart with any colour vision; marker or
line style always says the same once more. Sizes fit a two-column page (18.3 cm).
"""
from __future__ import annotations

import contextlib
import io

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from PIL import Image

WIDTH = 7.2  # inches: the text width of a two-column page
BLUE, ORANGE, GREEN, PURPLE, SKY, RED, YELLOW = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
)
DPI = 200

_THEMES = {
    "light": {
        "ink": "#1b1f24",
        "soft": "#6a737d",
        "grid": "#e3e6ea",
        "paper": "#ffffff",
        "cycle": [BLUE, RED, GREEN, PURPLE, ORANGE, SKY],
    },
    "dark": {
        "ink": "#e6e9ed",
        "soft": "#98a2ad",
        "grid": "#333a42",
        "paper": "#171b20",
        "cycle": [SKY, ORANGE, GREEN, PURPLE, YELLOW, RED],
    },
}


@contextlib.contextmanager
def theme(name: str = "light"):
    """Everything drawn inside looks like this theme."""
    t = _THEMES[name]
    with matplotlib.rc_context(
        {
            "font.family": "DejaVu Sans",
            "font.size": 8.5,
            "axes.titlesize": 9,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 8.5,
            "legend.fontsize": 8,
            "legend.frameon": False,
            "xtick.labelsize": 8,
            "ytick.labelsize": 8,
            "figure.facecolor": t["paper"],
            "savefig.facecolor": t["paper"],
            "axes.facecolor": t["paper"],
            "text.color": t["ink"],
            "axes.labelcolor": t["ink"],
            "axes.edgecolor": t["soft"],
            "xtick.color": t["soft"],
            "ytick.color": t["soft"],
            "xtick.labelcolor": t["ink"],
            "ytick.labelcolor": t["ink"],
            "grid.color": t["grid"],
            "grid.linewidth": 0.6,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "lines.linewidth": 1.4,
            "lines.markersize": 4,
            "axes.prop_cycle": matplotlib.cycler(color=t["cycle"]),
            "hatch.color": t["soft"],
        }
    ):
        yield


def ink(kind: str = "ink") -> str:
    dark = matplotlib.rcParams["figure.facecolor"] == _THEMES["dark"]["paper"]
    return _THEMES["dark" if dark else "light"][kind]


def cycle() -> list[str]:
    return matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]


def ramp(n: int) -> list:
    """n ordered colours, all readable on the paper, dark to light or light to dark."""
    ends = (0.42, 0.98) if ink("paper") == _THEMES["dark"]["paper"] else (0.0, 0.78)
    return [colormaps["viridis"](x) for x in np.linspace(*ends, max(n, 2))][:n]


def render(make, theme_name: str = "light", file_format: str = "png") -> bytes:
    """Bytes of the figure that `make()` draws in a theme."""
    with theme(theme_name):
        return _written(_laid_out(make()), file_format)


def pictures(make, pdf: bool = False) -> dict[str, bytes]:
    """What `make()` draws as PNG in the "light" and the "dark" theme and, if asked, as "pdf".
    Layout takes longer than drawing: it is found once, as themes differ in colours alone."""
    with theme("light"):
        light = _laid_out(make())
        found = {"light": _written(light, "png")}
        if pdf:
            found["pdf"] = _written(light, "pdf")
    with theme("dark"):
        found["dark"] = _written(_laid_out(make(), light), "png")
    return found


def _laid_out(figure: Figure, like: Figure | None = None) -> Figure:
    """Places the axes for good: by the figure's layout engine, or `like` a figure that differs
    from it in colours alone."""
    figure.set_dpi(DPI)
    FigureCanvasAgg(figure)
    engine = figure.get_layout_engine()
    if like is None and engine is not None:
        engine.execute(figure)
    if engine is not None:
        figure.set_layout_engine("none")
    for mine, theirs in zip(figure.axes, like.axes if like else (), strict=like is not None):
        mine.set_position(theirs.get_position(original=True))
        mine.set_anchor(theirs.get_anchor())
        mine.set_box_aspect(theirs.get_box_aspect())  # colour bars get theirs from the layout
        mine.set_aspect(theirs.get_aspect())
    for mine, theirs in zip(figure.texts, like.texts if like else ()):  # a title over all panels
        mine.set_position(theirs.get_position())
    return figure


def _written(figure: Figure, file_format: str) -> bytes:
    """Without time stamps, so that equal figures are equal files. A palette makes PNG much smaller;
    images and their colour bars keep all their shades."""
    buffer = io.BytesIO()
    if file_format != "png":
        metadata = {"pdf": {"CreationDate": None, "Producer": None}, "svg": {"Date": None}}
        figure.savefig(buffer, format=file_format, dpi=DPI, metadata=metadata.get(file_format))
        return buffer.getvalue()
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    if not _shaded(figure):
        picture = picture.quantize(128, dither=Image.Dither.NONE)
    picture.save(buffer, "png", dpi=(DPI, DPI))
    return buffer.getvalue()


def _shaded(figure: Figure) -> bool:
    """Whether colours stand for values."""
    meshes = (c for axes in figure.axes for c in axes.collections if isinstance(c, QuadMesh))
    return any(axes.images for axes in figure.axes) or next(meshes, None) is not None


def legend_below(figure: Figure, handles: list) -> None:
    """A legend under the panels, where it hides no data; the figure grows by its height."""
    longest = max((len(h.get_label()) for h in handles), default=0)
    columns = max(1, min(len(handles), int(figure.get_figwidth() * 13.5 / (longest + 7))))
    rows = -(-len(handles) // columns)
    columns = -(-len(handles) // max(rows, 1))
    height, extra = figure.get_figheight(), 0.19 * rows + 0.08
    figure.set_figheight(height + extra)
    figure.get_layout_engine().set(rect=(0, extra / (height + extra), 1, height / (height + extra)))
    figure.legend(handles=handles, loc="lower center", ncol=columns, borderaxespad=0.2)


def period_axis(axes) -> None:
    axes.set_xscale("log")
    plain_log(axes.xaxis)


def plain_log(axis) -> None:
    """Decimal labels (0.1, 1, 10) at 1, 2, 5 of each decade, as many as fit."""
    lo, hi = axis.get_view_interval()
    decades = np.log10(max(hi, 1e-300) / max(lo, 1e-300))
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2.2 else (1,), numticks=12))
    axis.set_major_formatter(
        FuncFormatter(lambda x, _: f"{x:g}" if 1e-3 <= x < 1e6 else f"{x:.0e}")
    )
    axis.set_minor_formatter(NullFormatter())
