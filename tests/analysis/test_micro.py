# SPDX-License-Identifier: BSD-3-Clause
"""Micro-benchmarks: rooflines whose points and ceilings are known, the same benchmark on a host and
a device, and what may not be put together."""
import json

import numpy as np
import pytest
from synthetic_device import (
    DEVICE_RATES,
    H0,
    H1,
    HOST_RATES,
    device_micro,
    find,
    host_micro,
    sample,
    write_micro,
)
from test_report import quick, write

import figures_micro
import load
import machine
import plot_micro
import style
import synthetic
import tables_micro

FEM = "fem/map/poisson_p1_triangle/64"


def outputs(tmp_path, **contents):
    for name, content in contents.items():
        write_micro(tmp_path, name, content)
    return load.load(tmp_path).micro


def table_of(tmp_path, **contents):
    return tables_micro.micro_table(outputs(tmp_path, **contents))


# ---- machines ------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend, device", [
    ("Serial", ""), ("OpenMP", ""), ("Threads", ""), ("", ""),
    ("Cuda", "X (CUDA)"), ("HIP", "X (HIP)"), ("SYCL", "X (SYCL)"),
    ("Kokkos::Experimental::SYCL", "X (SYCL)"),
])
def test_devices_are_told_from_hosts(backend, device):
    content = load.Micro(None, {"backend": backend, "device": "X" if device else "host"}, [])
    assert machine.of_micro(content).device == device
    record = load.Record(None, synthetic.changed(
        synthetic.changed(synthetic.record(), "provenance.build.backend", backend),
        "provenance.host.gpus", ["X"] if device else []))
    assert machine.device_of(record) == device


def test_a_device_without_a_name_is_one():
    found = machine.of_micro(load.Micro(None, {"backend": "SYCL", "device": "SYCL"}, []))
    assert found.on_device and found.device == "device without a name (SYCL)"


@pytest.mark.parametrize("context, threads", [
    ({"backend": "Serial"}, 1), ({"backend": "OpenMP"}, None),
    ({"backend": "OpenMP", "threads": "12"}, 12),
    ({"backend": "OpenMP", "configuration": "Kokkos::OpenMP thread_pool_topology[ 2 x 8 x 1 ]\n"},
     16),
])
def test_threads_are_told_or_unknown(context, threads):
    assert machine.of_micro(load.Micro(None, context, [])).threads == threads


def test_machines_and_builds_are_not_put_together(tmp_path):
    table = table_of(
        tmp_path, a=host_micro(), b=host_micro(), ranks=host_micro(ranks="2"),
        sha=host_micro(moho_sha="1" * 40), cpu=host_micro(cpu="other"), d0=device_micro(H0),
        d1=device_micro(H1),
    )  # fmt: skip
    rows = table[table["name"] == FEM]
    assert rows["n"].tolist() == [2, 1, 1, 1, 1, 1]  # a and b are repetitions of one another
    assert [m.on_device for m in rows["machine"]] == 4 * [False] + 2 * [True]
    ranks = {m.text for m in rows["machine"]}
    assert "Example CPU @ 2.0 GHz, 2 ranks x 1 thread (Serial)" in ranks
    assert {"NVIDIA H0 (CUDA), 1 rank", "NVIDIA H1 (CUDA), 1 rank"} < ranks


# ---- samples -------------------------------------------------------------------------------------


def test_unsteady_repetitions_are_left_out_where_others_are_steady(tmp_path):
    content = host_micro()
    content["benchmarks"] += [sample(FEM, t, HOST_RATES, flops=5e6, bytes=1e7, noisy=noisy,
                                     counts={"cells": 8192.0})
                              for t, noisy in ((9e-3, 1.0), (2e-3, 0.0))]  # fmt: skip
    row = table_of(tmp_path, a=content).set_index("name").loc[FEM]
    assert (row["n"], row["unsteady"], row["noisy"]) == (2, 1, False)
    assert row["seconds"] == pytest.approx(1.5e-3) and row["seconds_hi"] == pytest.approx(2e-3)
    assert row["stream"] == pytest.approx(2e10) and row["gemm"] == pytest.approx(5e10)


@pytest.mark.parametrize("change", [
    {"real_time": 0.0}, {"real_time": -1.0}, {"real_time": None}, {"real_time": "NaN"},
    {"time_unit": "weeks"},
])
def test_a_time_that_is_none_is_not_known(tmp_path, change):
    content = host_micro()
    find(content, FEM).update(change)
    assert np.isnan(table_of(tmp_path, a=content).set_index("name").loc[FEM, "seconds"])


def test_nan_in_a_file_names_the_file(tmp_path):
    content = host_micro()
    find(content, FEM)["real_time"] = float("nan")
    path = write_micro(tmp_path, "a", content)
    (problem,) = load.load(tmp_path).problems
    assert problem.path == path and "NaN is not JSON" in problem.why


# ---- rooflines -----------------------------------------------------------------------------------


def test_points_and_ceilings_are_those_of_the_file(tmp_path):
    roofs, missing = tables_micro.roofs(table_of(tmp_path, h=host_micro(), d=device_micro()))
    assert missing == [] and [r.machine.on_device for r in roofs] == [False, True]
    for roof, rates in zip(roofs, (HOST_RATES, DEVICE_RATES)):
        assert roof.stream == pytest.approx((rates["stream"],) * 3)
        assert roof.gemm["float64"] == pytest.approx((rates["dgemm"],) * 3)
        assert roof.gemm["float32"] == pytest.approx((rates["sgemm"],) * 3)
    points = roofs[0].points.set_index("name")
    assert points.loc[FEM, "intensity"] == pytest.approx(0.5)
    assert points.loc[FEM, "flops"] == pytest.approx(5e9)
    # 0.5 flop/byte at 2e10 byte/s is 1e10 flop/s, of which it does half
    assert points.loc[FEM, "share"] == pytest.approx(0.5)
    assert roofs[0].attainable(0.5) == pytest.approx(1e10)
    solve = "dispersion_solve/love/phase/layers:10/models:16"
    assert points.loc[solve, "intensity"] == pytest.approx(10)
    assert roofs[0].attainable(10) == pytest.approx(5e10)
    assert points.loc[solve, "share"] == pytest.approx(0.2)
    # what declares no bytes is no point
    assert "nn/train/mlp/f32" not in points.index and "dgemm/order:768" not in points.index
    kernels = points.loc["kernel/exp"]
    assert kernels["share"] == pytest.approx(1.5) and kernels["family"] == "kernel"


def test_the_share_is_that_of_the_roof(tmp_path):
    """of_gemm and of_stream of a kernel, whichever ceiling is the lower one at its intensity."""
    for roof in tables_micro.roofs(table_of(tmp_path, h=host_micro(), d=device_micro()))[0]:
        share = roof.points["flops"] / roof.attainable(roof.points["intensity"])
        assert share.to_numpy() == pytest.approx(roof.points["share"].to_numpy())


def test_drawn_points_are_the_table(tmp_path):
    roofs, _ = tables_micro.roofs(table_of(tmp_path, h=host_micro()))
    with style.theme():
        axes = plot_micro.rooflines([[roofs[0]]]).axes[0]
    drawn = {(x, y) for line in axes.lines if line.get_linestyle() == "None"
             for x, y in zip(line.get_xdata(), line.get_ydata())}  # fmt: skip
    wanted = set(zip(roofs[0].points["intensity"], roofs[0].points["flops"] / 1e9))
    assert drawn == wanted
    ridge = [line for line in axes.lines if line.get_linestyle() == "-"]
    ends = {tuple(np.round([line.get_xdata()[0], line.get_ydata()[0]], 9)) for line in ridge}
    assert (2.5, 50.0) in ends  # 5e10 / 2e10 flop/byte, 50 Gflop/s
    assert "STREAM 20 GB/s" in [t.get_text() for t in axes.texts]
    assert "sgemm 100 Gflop/s, dgemm 50 Gflop/s" in [t.get_text() for t in axes.texts]


def test_noisy_samples_make_no_ceiling_and_are_crosses(tmp_path):
    content = host_micro()
    bad = find(content, FEM)
    bad |= {"noisy": 1.0, "GB/s": bad["GB/s"] * 9}  # as if STREAM were nine times as fast
    table = table_of(tmp_path, h=content)
    roof = tables_micro.roofs(table)[0][0]
    assert roof.stream[2] == pytest.approx(HOST_RATES["stream"])
    with style.theme():
        figure = plot_micro.rooflines([[roof]])
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert sum(len(line.get_xdata()) for line in crosses) == 1
    assert "rates unsteady" in [t.get_text() for t in figure.legends[0].get_texts()]
    assert ", 1 of them unsteady" in figures_micro.roof_words(roof)


@pytest.mark.parametrize("lose, why", [
    (("GB/s", "of_stream"), "without a steady STREAM rate and a benchmark that declares"),
    (("GFLOP/s", "of_gemm"), "without a steady rate of dgemm and a benchmark that declares"),
])
def test_a_roofline_without_a_ceiling_says_so(tmp_path, lose, why):
    content = host_micro()
    for one in content["benchmarks"]:
        for key in lose:
            one.pop(key, None)
    drawn = figures_micro.of_micro(outputs(tmp_path, h=content))
    assert not [f for f in drawn.figures if f.kind == "roofline"]
    (text,) = [m for m in drawn.missing if m.startswith("roofline of Example CPU")]
    assert why in text and "run moho-bench" in text


def test_each_machine_has_its_figure(tmp_path):
    drawn = figures_micro.of_micro(outputs(tmp_path, h=host_micro(), d=device_micro()))
    names = [f.name for f in drawn.figures]
    assert len(set(names)) == 3 and names[-1] == "micro-roofline"
    host, device, roofline = drawn.figures
    assert [f.path.name for f in roofline.files] == ["micro-host.json".replace("host", n)
                                                     for n in ("h", "d")]  # fmt: skip
    assert "on Example CPU" in host.caption and "on NVIDIA H0 (CUDA), 1 rank" in device.caption
    assert "STREAM 20 GB/s (20 G to 20 G)" in roofline.quote
    assert "STREAM 2 TB/s (2 T to 2 T), sgemm" not in roofline.quote  # dgemm first
    assert "dgemm 40 Tflop/s" in roofline.quote
    assert "1 above the roof as their data stay in caches" in roofline.quote


@quick
def test_a_host_has_its_roofline_and_no_chapter(tmp_path):
    synthetic.write(tmp_path, synthetic.scaling_record(1))
    write_micro(tmp_path, "h", host_micro())
    page = write(tmp_path)
    assert "micro-roofline" in page.ids and "micro-fractions" in page.ids
    assert "device" not in page.ids and "On the device" not in page.text


# ---- a host and a device -------------------------------------------------------------------------


def partners(tmp_path, host=None, device=None):
    table = table_of(tmp_path, h=host or host_micro(), d=device or device_micro())
    return tables_micro.partners(table, *dict.fromkeys(table["machine"]))


def test_ratios_are_those_of_the_times(tmp_path):
    found = partners(tmp_path)
    rows = found.table.set_index("name")
    for name in (FEM, "dgemm/order:768", "nn/train/mlp/f32"):
        assert rows.loc[name, "ratio"] == pytest.approx(40), name
        assert rows.loc[name, ["lo", "hi"]].tolist() == pytest.approx([40, 40])
    assert found.only_host == ["kernel/exp"] and found.only_device == []
    assert found.refused == [] and rows.loc["nn/train/mlp/f32", "group"] == "nn/train, float32"


def test_each_side_runs_the_policy_that_it_would_choose(tmp_path):
    rows = partners(tmp_path).table.set_index("name")
    default = rows.loc["fem/default/poisson_p1_triangle/64"]
    assert default["host_name"].startswith("fem/scatter/") and default["usual"]
    assert default["device_name"].startswith("fem/tiled-gather/")
    assert default["ratio"] == pytest.approx(40)
    # against what the host would not choose the device looks four times as good
    unfair = rows.loc["fem/tiled-gather/poisson_p1_triangle/64"]
    assert unfair["ratio"] == pytest.approx(160) and not unfair["usual"]


def test_repetitions_give_the_bars(tmp_path):
    device = device_micro()
    device["benchmarks"].append(sample(FEM, 2.5e-5 / 2, DEVICE_RATES, flops=5e6, bytes=1e7,
                                       counts={"cells": 8192.0}))  # fmt: skip
    row = partners(tmp_path, device=device).table.set_index("name").loc[FEM]
    assert row["ratio"] == pytest.approx(1e-3 / 1.875e-5)
    assert row[["lo", "hi"]].tolist() == pytest.approx([40, 80]) and row["n_device"] == 2


@pytest.mark.parametrize("change, why", [
    ({"cells": 9000.0}, "a call does other work (host 8192 cells, device 9000)"),
    ({"real_time": 0.0}, "the device has no positive time"),
    ({"cells": None}, "a call does other work"),
])
def test_what_cannot_be_compared_is_refused_by_name(tmp_path, change, why):
    device = device_micro()
    find(device, FEM).update(change)
    found = partners(tmp_path, device=device)
    assert FEM not in set(found.table["name"])
    ((name, text),) = found.refused
    assert name == FEM and why in text


def test_ranks_that_add_up_their_work_are_refused(tmp_path):
    """Two ranks solve 32 curves under the name of 16."""
    host = host_micro(ranks="2")
    for one in host["benchmarks"]:
        for key in ("cells", "curves", "items"):
            if key in one:
                one[key] *= 2
    found = partners(tmp_path, host=host)
    assert {name for name, why in found.refused if "other work" in why} >= {FEM, "nn/train/mlp/f32"}


def test_other_rounding_of_products_is_refused(tmp_path):
    found = partners(tmp_path, device=device_micro(precision="tf32"))
    assert found.table.empty and all("ieee, tf32" in why for _, why in found.refused)


def test_counts_that_differ_by_rounding_are_the_same_work(tmp_path):
    device = device_micro()
    find(device, FEM)["cells"] *= 1.01
    assert FEM in set(partners(tmp_path, device=device).table["name"])


def test_noisy_on_one_side_is_noisy(tmp_path):
    host = host_micro()
    find(host, FEM)["noisy"] = 1.0
    rows = partners(tmp_path, host=host).table.set_index("name")
    assert rows.loc[FEM, "noisy"] and not rows.loc["dgemm/order:768", "noisy"]


def test_what_ended_in_an_error_has_no_partner(tmp_path):
    host = host_micro()
    find(host, FEM).update({"error_occurred": True, "error_message": "discarded"})
    found = partners(tmp_path, host=host)
    assert found.only_device == [FEM]


def test_moho_bench_itself_is_read(tmp_path):
    """Its own output of a few benchmarks, where it is built."""
    import os
    import subprocess
    from pathlib import Path

    bench = Path(os.environ.get("MOHO_EXE", "/nowhere/moho")).parent / "moho-bench"
    if not bench.exists():
        pytest.skip("allowed: moho-bench is not built")
    names = "dgemm/order:128|stream_triad/elements:16384|fem/scatter/elasticity_p1_tetrahedron/8/"
    done = subprocess.run([bench, "--moho_smoke", "--moho_keep_noisy", "--benchmark_min_time=0.01",
                           f"--benchmark_filter={names}",
                           f"--benchmark_out={tmp_path / 'micro.json'}"],
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    (output,) = load.load(tmp_path).micro
    told = machine.of_micro(output)
    assert told.backend and told.on_device == (output.context["device"] != "host")
    table = tables_micro.micro_table([output]).set_index("name")
    fem = table.loc["fem/scatter/elasticity_p1_tetrahedron/8"]
    assert fem["work"]["cells"] == 6 * 8**3 and fem["seconds"] > 0
    raw = json.loads((tmp_path / "micro.json").read_text())["benchmarks"]
    one = next(b for b in raw if b["name"].startswith("fem/scatter"))
    assert fem["stream"] == pytest.approx(1e9 * one["GB/s"] / one["of_stream"])
