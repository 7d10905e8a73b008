# SPDX-License-Identifier: BSD-3-Clause
"""The workplace of tests/regression/crossval."""
import importlib.util
import os
from pathlib import Path

SOURCE = Path(os.environ["MOHO_SOURCE_DIR"])
_spec = importlib.util.spec_from_file_location("crossval_workplace",
                                               SOURCE / "tests/regression/crossval/conftest.py")
workplace = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(workplace)
place, shared = workplace.place, workplace.shared
