# SPDX-License-Identifier: BSD-3-Clause
import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ANALYSIS = Path(os.environ.get("MOHO_SOURCE_DIR", HERE.parents[1])) / "analysis"
sys.path[:0] = [str(ANALYSIS), str(HERE)]

import style
import synthetic


@pytest.fixture
def runs(tmp_path):
    """A complete run folder of three studies."""
    return synthetic.write_all(tmp_path / "runs")


@pytest.fixture
def no_drawing(monkeypatch):
    """For tests of text: drawing takes seconds. The pictures are then all alike."""
    kinds = {False: ("light", "dark"), True: ("light", "dark", "pdf")}
    monkeypatch.setattr(
        style, "pictures", lambda make, pdf=False: dict.fromkeys(kinds[pdf], b"\x89PNG")
    )
