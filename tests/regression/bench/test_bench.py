# SPDX-License-Identifier: BSD-3-Clause
"""`moho-bench` under MPI: no hang, one report, fractions of the machine's rates."""
import json
import os
import subprocess

import pytest

SMALL = ["--moho_smoke", "--moho_keep_noisy"]
QUICK = ["--benchmark_min_time=0", *SMALL]


def bench(*arguments, ranks=1, environment=None):
    launch = [os.environ["MOHO_MPIRUN"], "-n", str(ranks)] if ranks > 1 else []
    command = [*launch, os.environ["MOHO_BENCH"], *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100,
                          env={**os.environ, **(environment or {})})


def report(*arguments, ranks=1):
    done = bench("--benchmark_format=json", *arguments, ranks=ranks)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # one document: the other ranks are silent


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_every_benchmark_runs_on_any_number_of_ranks(ranks):
    document = report(*QUICK, ranks=ranks)
    assert document["context"]["ranks"] == str(ranks)
    assert document["context"]["moho_sha"]
    names = [one["name"] for one in document["benchmarks"]]
    for word in ("stream_triad", "dgemm", "rayleigh/layers:10", "rayleigh/layers:50",
                 "rayleigh/layers:100", "love/layers:10", "love/layers:50", "love/layers:100"):
        assert any(word in name for name in names), (word, names)
    for one in document["benchmarks"]:
        assert not one.get("error_occurred"), one
        assert one["real_time"] > 0
        assert one["noisy"] in (0, 1)
        fractions = [one[key] for key in ("of_stream", "of_gemm") if key in one]
        assert fractions and all(0 < value < 1e4 for value in fractions), one
        if "dispersion" in one["name"]:
            models = int(one["name"].split("models:")[1].split("/")[0])
            assert one["curves"] == models * ranks
            assert one["layer_evaluations"] > 60 * models * ranks


def test_more_iterations_stay_in_step():
    document = report("--benchmark_min_time=0.05", *SMALL, "--benchmark_repetitions=3",
                      "--benchmark_filter=dgemm/order:(32|128)/", ranks=3)
    runs = [one for one in document["benchmarks"] if one["run_type"] == "iteration"]
    assert len(runs) == 6
    assert all(one["iterations"] > 1 and "of_gemm" in one for one in runs)


def test_work_is_counted_the_same_every_time():
    arguments = [*QUICK, "--benchmark_filter=dispersion.*layers:10/"]
    counts = [[one["layer_evaluations"] for one in report(*arguments)["benchmarks"]]
              for _ in range(2)]
    assert counts[0] == counts[1]


def test_unsteady_rates_void_a_sample():
    """Rates are never equal to many digits, so a limit of zero must void every sample."""
    done = bench("--benchmark_format=json", "--benchmark_min_time=0", "--moho_smoke",
                 "--moho_most_drift=0", "--benchmark_filter=dgemm", ranks=2)
    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)["benchmarks"]
    assert runs and all("discarded" in one["error_message"] for one in runs)


def test_the_report_file_is_written_once(tmp_path):
    out = tmp_path / "micro.json"
    done = bench(*QUICK, "--benchmark_filter=dgemm/order:32/", f"--benchmark_out={out}", ranks=2)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(out.read_text())["benchmarks"]) == 1


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--moho_rate_seconds=x"],
                                       ["--moho_rate_seconds=-1"],
                                       ["--benchmark_filter=no_such_benchmark"]])
def test_bad_arguments_exit_1(arguments):
    done = bench(*arguments, ranks=2)
    assert done.returncode == 1
    assert done.stderr


def test_help_is_printed_once():
    done = bench("--help", ranks=2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("--moho_rate_seconds") == 1
