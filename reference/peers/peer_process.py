# SPDX-License-Identifier: BSD-3-Clause
"""A peer as a process that answers (fem_peer_loop.py), seen from the driver; arguments of both."""
from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
from pathlib import Path


class Parser(argparse.ArgumentParser):
    """Exits with 1 on bad arguments, as moho does: 2 says that a comparison is not sound."""

    def error(self, message):
        self.exit(1, f"{self.prog}: {message} (see --help)\n")


class Missing(Exception):
    """A peer that is not here, and why."""


class Process:
    """`command` in `environment`; what it writes to stderr goes to the file `log`."""

    def __init__(self, name: str, command: list, environment: dict, log: Path):
        self.name, self._log = name, log
        with open(log, "w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(list(map(str, command)), text=True,
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             stderr=errors, env=environment)

    def ask(self, **command) -> dict:
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self._process.stdout.readline()
        if not line:
            text = self._log.read_text(encoding="utf-8", errors="replace").strip()
            raise Missing(f"{self.name} died ({text.splitlines()[-1] if text else 'no message'})")
        answer = json.loads(line)
        if "error" in answer:
            raise Missing(f"{self.name}: {answer['error']}")
        return answer

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # it died, a command still in the buffer
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=60)
