# SPDX-License-Identifier: BSD-3-Clause
"""Runs pytest on the given paths and counts as failed what pytest lets pass: skips without leave
(a reason that starts with "allowed:"), expected failures that pass, and an empty selection."""
import sys

REQUIRED = ("pytest", "numpy", "h5py")


def missing_modules():
    missing = []
    for name in REQUIRED:
        try:
            __import__(name)
        except ImportError as error:
            missing.append(f"{name} ({error})")
    return missing


class NoSilentSkips:
    def __init__(self):
        self.skipped = []

    def pytest_runtest_logreport(self, report):
        if report.skipped and not hasattr(report, "wasxfail"):
            self._note(report)

    def pytest_collectreport(self, report):
        if report.skipped:
            self._note(report)

    def _note(self, report):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith("allowed:"):
            self.skipped.append(f"{report.nodeid}: {reason}")


def main(arguments):
    missing = missing_modules()
    if missing:
        print(f"{sys.executable} lacks {', '.join(missing)}; install them, or choose another "
              "interpreter with -DMOHO_PYTHON=...", file=sys.stderr)
        return 3
    import pytest

    plugin = NoSilentSkips()
    options = ["-q", "-ra", "-p", "no:cacheprovider", "-o", "xfail_strict=true", "--strict-markers"]
    code = pytest.main(options + arguments, plugins=[plugin])
    for line in plugin.skipped:
        print(f"skipped without leave: {line}", file=sys.stderr)
    return int(code) or (4 if plugin.skipped else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
