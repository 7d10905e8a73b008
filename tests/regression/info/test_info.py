# SPDX-License-Identifier: BSD-3-Clause
"""`moho info`: provenance that validates, a binding map, rates, and its bad input."""
import json
import os
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest

SCHEMA = json.loads((Path(os.environ["MOHO_SOURCE_DIR"]) / "analysis/schema.json").read_text())


def info(*arguments, ranks=1, environment=None):
    launch = [os.environ["MOHO_MPIRUN"], "-n", str(ranks)] if ranks > 1 else []
    command = [*launch, os.environ["MOHO_EXE"], "info", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=150,
                          env={**os.environ, **(environment or {})})


def info_json(*arguments, **options):
    done = info("--json", *arguments, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def validate_provenance(provenance):
    schema = {"$schema": SCHEMA["$schema"], "$defs": SCHEMA["$defs"],
              "$ref": "#/$defs/provenance"}
    jsonschema.validate(provenance, schema)


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_provenance_follows_the_schema(ranks):
    document = info_json(ranks=ranks)
    assert document["format"] == "moho.info/1"
    validate_provenance(document["provenance"])
    run = document["provenance"]["run"]
    assert run["ranks"] == ranks
    assert [one["rank"] for one in run["binding"]] == list(range(ranks))
    assert run["command"][1:] == ["info", "--json"]
    assert document["rates"] is None


def test_the_schema_refuses_a_provenance_without_the_build():
    provenance = info_json()["provenance"]
    del provenance["build"]["flags"]
    with pytest.raises(jsonschema.ValidationError):
        validate_provenance(provenance)


def test_it_knows_this_machine():
    provenance = info_json()["provenance"]
    assert provenance["host"]["name"] == os.uname().nodename
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    assert provenance["host"]["memory"] == int(memory[1]) * 1024
    allowed = os.sched_getaffinity(0)
    numbers = set()
    for part in provenance["run"]["binding"][0]["cpuset"].split(","):
        first, _, last = part.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1))
    assert numbers == allowed


def test_slurm_and_modules_are_recorded_and_secrets_are_not():
    run = info_json(environment={"SLURM_JOB_ID": "7", "SLURM_JWT": "secret",
                                 "LOADEDMODULES": "gcc/12:openmpi/4"})["provenance"]["run"]
    assert run["slurm"] == {"SLURM_JOB_ID": "7"}
    assert run["modules"] == ["gcc/12", "openmpi/4"]


def test_people_see_build_machine_and_binding():
    done = info("--binding", ranks=2)
    assert done.returncode == 0, done.stderr
    for word in ("platform", "SIMD", "Kokkos", "MPI", "BLAS", "rank  host"):
        assert word in done.stdout
    assert len(re.findall(r"^ +[01]  \S+ +[\d,-]+$", done.stdout, re.M)) == 2
    assert done.stderr == ""


def test_sharing_cores_is_told():
    cores = len(os.sched_getaffinity(0))
    many = info_json("--binding", ranks=cores + 1)
    assert any("share" in warning for warning in many["warnings"])
    assert info_json("--binding", ranks=1)["warnings"] == []


def test_rates_are_measured_on_all_ranks():
    rates = info_json("--measure", "--seconds", "0.02", ranks=2)["rates"]
    assert len(rates["triad_of_rank"]) == len(rates["gemm_of_rank"]) == 2
    assert 1e7 < rates["triad"] <= 1.0001 * sum(rates["triad_of_rank"])
    assert 1e7 < rates["gemm"] <= 1.0001 * sum(rates["gemm_of_rank"])
    assert rates["triad_passes"] >= 3 and rates["gemm_passes"] >= 3
    done = info("--measure", "--seconds", "0.02")
    assert "STREAM triad" in done.stdout and "dgemm" in done.stdout


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--seconds", "-1"], ["--seconds", "x"]])
def test_bad_arguments_exit_1_and_say_so(arguments):
    done = info(*arguments, ranks=2)
    assert done.returncode == 1
    assert "moho: " in done.stderr
    assert done.stdout == ""
