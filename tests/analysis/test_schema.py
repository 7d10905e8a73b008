# SPDX-License-Identifier: BSD-3-Clause
"""The schema accepts a sound record and refuses each way of breaking one."""
import json

import jsonschema
import pytest
from conftest import ANALYSIS

import load
from synthetic import DELETE, changed, record, throughput_record


def test_schema_is_itself_sound():
    jsonschema.Draft202012Validator.check_schema(load.schema())


@pytest.mark.parametrize(
    "content", [record(), throughput_record(10)], ids=["accuracy", "throughput"]
)
def test_sound_record_is_accepted(content):
    assert load.check_record(content) == []


def test_void_and_failed_records_are_accepted():
    void = changed(changed(record(), "checks.0.value", 1e-3), "checks.0.pass", False)
    void["status"] = "invalid"
    for merit in void["fom"]:
        merit["value"] = None
    assert load.check_record(void) == []
    failed = changed(void, "status", "failed") | {"error": "rank 1: out of memory", "data": None}
    assert load.check_record(failed) == []


def test_unknown_value_is_null():
    assert load.check_record(changed(record(), "metrics.group_rel_max", None)) == []
    assert load.check_record(changed(record(), "timings.apply.ci95", [None, None])) == []


BROKEN = [
    ("format", "moho.result/2"),
    ("format", DELETE),
    ("id", ""),
    ("id", "a/b"),
    ("id", "../up"),
    ("study", DELETE),
    ("status", "fine"),
    ("case", {}),
    ("case.method", DELETE),
    ("case.problem", 3),
    ("case.ranks", 0),
    ("case.nested", {"a": 1}),
    ("extra", 1),
    ("provenance", DELETE),
    ("provenance.git.sha", "main"),
    ("provenance.git.dirty", "no"),
    ("provenance.build.flags", DELETE),
    ("provenance.build.colour", "red"),
    ("provenance.build.simd_width", 0),
    ("provenance.host.cores", "2"),
    ("provenance.host.gpus", None),
    ("provenance.run.ranks", 3),
    ("provenance.run.binding", []),
    ("provenance.run.binding.0.cpuset", DELETE),
    ("provenance.run.utc", "yesterday"),
    ("provenance.run.command", "moho run"),
    ("checks", {}),
    ("checks.0.pass", "yes"),
    ("checks.0.relation", "~"),
    ("checks.0.limit", None),
    ("checks.0.pass", False),  # a failed check in a record that says ok, and a lie: 3e-13 <= 1e-9
    ("checks.0.value", 1.0),  # a pass that does not hold
    ("checks.0.value", None),  # not computed is not passed
    ("counters.roots", 1.5),
    ("counters.roots", "96"),
    ("timings.apply.unit", "ms"),
    ("timings.apply.samples", []),
    ("timings.apply.median", -1.0),
    ("timings.apply.ci95", [1.0]),
    ("timings.apply.mean", 1.0),
    ("timings.apply.warmup", DELETE),
    ("metrics.phase_rel_max", "small"),
    ("metrics.9lives", 1.0),
    ("fom.0.better", "bigger"),
    ("fom.0.unit", DELETE),
    ("fom.0.value", "8"),
    ("data", "../other/data.h5"),
    ("error", "but ok"),
    ("status", "invalid"),
    ("status", "failed"),
    ("status", "partial-ish"),
]


@pytest.mark.parametrize(
    "path, value", BROKEN, ids=lambda v: "deleted" if v is DELETE else str(v)[:30]
)
def test_broken_record_is_refused(path, value):
    assert load.check_record(changed(record(), path, value))


def test_invalid_record_must_have_no_merit():
    content = changed(changed(record(), "checks.0.value", 1e-3), "checks.0.pass", False)
    content["status"] = "invalid"
    assert load.check_record(content)  # its figures of merit still have values


def test_schema_file_reads_as_plain_json():
    assert (
        json.loads((ANALYSIS / "schema.json").read_text())["properties"]["format"]["const"]
        == "moho.result/1"
    )
