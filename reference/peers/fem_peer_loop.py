# SPDX-License-Identifier: BSD-3-Clause
"""A peer as a process that answers: one JSON command per line on stdin, one answer on stdout. It
keeps its mesh and compiled kernels, so that rounds can go A B A B without paying for them again."""
from __future__ import annotations

import json
import os
import sys
import time


def serve(peer, comm=None) -> None:
    """`peer`: has prepare(command) and seconds(what, repeats), both returning dictionaries. With a
    communicator rank 0 reads; the others wait asleep, so that they leave their cores to moho."""
    answers = os.fdopen(os.dup(1), "w")  # compilers and logs write to stdout as well
    os.dup2(2, 1)
    root = comm is None or comm.rank == 0
    while True:
        line = sys.stdin.readline() if root else None
        if comm is not None:
            line = broadcast(comm, line)
        if not line:
            return
        command = json.loads(line)
        try:
            if command["do"] == "prepare":
                answer = peer.prepare(command)
            elif command["do"] == "time":
                answer = peer.seconds(command["what"], command["repeats"])
            else:
                raise ValueError(f"command '{command['do']}' is not known")
        except Exception as error:  # told to the driver, which decides
            answer = {"error": f"{type(error).__name__}: {error}"}
        if root:
            print(json.dumps(answer), file=answers, flush=True)


def broadcast(comm, line):
    """The root's line on all ranks, which sleep meanwhile."""
    if comm.rank == 0:
        for rank in range(1, comm.size):
            comm.send(line, dest=rank)
        return line
    while not comm.iprobe(source=0):
        time.sleep(0.001)
    return comm.recv(source=0)
