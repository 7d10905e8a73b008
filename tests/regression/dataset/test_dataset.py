# SPDX-License-Identifier: BSD-3-Clause
"""A set of models in blocks: the same bytes however it was made, and the blocks as one array."""
import json
import os
import signal
import subprocess
import time

import dataset
import h5py
import numpy as np
import pytest
from conftest import SET, check_records, data_files

BLOCKS = 3


def index(place, *more):
    assert dataset.main(["index", str(place.runs / "set"), *more]) == 0
    return sorted((place.runs / "set").glob("*.h5"))


@pytest.fixture
def made(place):
    place.write(SET)
    place.moho("run", "study.toml")
    return place


def test_the_blocks_are_one_array(made):
    (path,) = index(made)
    assert path.name.startswith("weak-train-5-")
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["set/index"][()], np.arange(10))
        assert file["set/vs"].shape == (10, 256) and file["set/vs"].is_virtual
        assert file["set/vs"].attrs["units"] == "km/s"
        assert file["set/rayleigh/dc_dvs"].shape == (10, 2, 3, 256)
        assert file["set/rayleigh/dc_dvs"].dtype == np.float32
        assert file["set/love/phase"].shape == (10, 2, 3)
        assert file["set/period"][()].tolist() == [4, 15, 40]
        assert file["set/thickness"].shape == (256,)
        assert file["set/name"].asstr()[9].startswith("weak-train-9")
        assert json.loads(file.attrs["case"])["prior"] == "weak"
        blocks = {}
        for record in made.results():
            with h5py.File(record.parent / "data.h5") as block:
                blocks[int(block["set/index"][0])] = {
                    n: block[n][()] for n in ("set/vs", "set/love/phase", "set/rayleigh/dc_drho")}
        assert sorted(blocks) == [0, 4, 8]
        for name in blocks[0]:
            whole = np.concatenate([blocks[first][name] for first in (0, 4, 8)])
            np.testing.assert_array_equal(file[name][()], whole)
        phase, kernel = file["set/love/phase"][()], file["set/love/dc_dvs"][()]
        assert np.array_equal(np.isfinite(phase), np.isfinite(kernel).all(axis=-1))
        assert np.isfinite(phase[:, 0]).all() and not np.isfinite(phase[:, 1]).all()
        # A common factor of all densities changes no velocity: each kernel belongs to its model.
        rho, of_rho = file["set/rho"][()][:, None, None, :], file["set/love/dc_drho"][()]
        known = np.isfinite(phase)
        assert np.abs((rho * of_rho).sum(axis=-1))[known].max() < 1e-6
        assert np.abs((rho[::-1] * of_rho).sum(axis=-1))[known].max() > 1e-4  # the control
        assert np.abs(rho * of_rho).sum(axis=-1)[known].min() > 1e-3


def test_the_index_can_be_moved_with_its_blocks(made):
    (path,) = index(made)
    with h5py.File(path) as file:
        before = file["set/rayleigh/phase"][()]
    os.rename(made.runs, made.path / "moved")
    with h5py.File(made.path / "moved" / "set" / path.name) as file:
        np.testing.assert_array_equal(file["set/rayleigh/phase"][()], before)
    # The control: without the blocks there is nothing to show (HDF5 fills in zeros).
    for block in (made.path / "moved").glob("set/*/data.h5"):
        block.unlink()
    with h5py.File(made.path / "moved" / "set" / path.name) as file:
        assert not np.array_equal(file["set/rayleigh/phase"][()], before)


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_any_number_of_ranks_makes_the_same_bytes(made, ranks):
    alone = data_files(made)
    made.runs = made.path / "again"
    made.moho("run", "study.toml", "--out", "again", ranks=ranks)
    assert data_files(made) == alone
    assert len(alone) == BLOCKS


def test_another_seed_makes_other_bytes(made):
    alone = list(data_files(made).values())
    made.runs = made.path / "other"
    made.moho("run", "study.toml", "--out", "other", "--set", "problem.seed=6")
    assert not set(alone) & set(data_files(made).values())


@pytest.mark.parametrize("ranks", [0, 2])
@pytest.mark.parametrize("name", ["SIGUSR1", "SIGKILL"])
def test_interrupted_and_resumed_makes_the_same_bytes(made, ranks, name):
    whole = data_files(made)
    made.runs = made.path / "again"
    slowly = ["run", "study.toml", "--out", "again", "--set", "measure.min_time=0.6"]
    process = made.start(*slowly, ranks=ranks)
    made.wait_for(lambda: made.results(), process)
    if name == "SIGKILL":  # mpirun puts its ranks into groups of their own
        for pid in [process.pid, *run_children(process.pid)]:
            os.kill(pid, signal.SIGKILL)
    else:
        process.send_signal(signal.SIGUSR1)  # mpirun hands it on
    process.communicate(timeout=60)
    time.sleep(0.3)  # ranks whose launcher was killed
    done = len(check_records(made))
    assert 1 <= done < BLOCKS, "not interrupted"
    before = data_files(made)
    assert before.items() <= whole.items()
    report = made.json(*slowly, ranks=ranks)
    assert [c["action"] for c in report["cases"]].count("skipped") == done
    assert data_files(made) == whole
    assert not [p for p in made.files() if p.name.startswith(".")], "something was left behind"


def run_children(pid):
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in done.stdout.split()]


def test_no_time_left_then_the_rest(place):
    place.write(SET)
    report = place.json("run", "study.toml", "--max-time", "0.001s")
    assert report["remaining"] > 0
    report = place.json("run", "study.toml")
    assert report["remaining"] == 0 and len(data_files(place)) == BLOCKS


def test_a_part_of_the_blocks_elsewhere(made):
    """--case I/N by a job array gives the blocks of the whole."""
    whole = data_files(made)
    made.runs = made.path / "parts"
    for part in range(2):
        made.moho("run", "study.toml", "--out", "parts", f"--case={part}/2")
    assert data_files(made) == whole


def test_an_incomplete_set_is_told(made, capsys):
    victim = made.results()[1].parent
    (victim / "result.json").unlink()
    folder = str(made.runs / "set")
    assert dataset.main(["index", folder]) == 1
    error = capsys.readouterr().err
    assert "missing or not ok" in error and "--partial" in error
    assert not list((made.runs / "set").glob("*.h5"))
    assert dataset.main(["index", folder, "--partial"]) == 0
    (path,) = (made.runs / "set").glob("*.h5")
    with h5py.File(path) as file:
        assert len(file["set/index"]) < 10 and len(file.attrs["blocks"]) == 2
        assert file["set/vs"].shape[0] == len(file["set/index"])


def test_an_invalid_block_is_no_part_of_the_set(made, capsys):
    path = made.results()[0]
    record = json.loads(path.read_text())
    record["status"] = "invalid"
    record["checks"][0]["pass"] = False
    record["checks"][0]["value"] = 1e9
    path.write_text(json.dumps(record))
    assert dataset.main(["index", str(made.runs / "set")]) == 1
    assert "not ok" in capsys.readouterr().err
    assert not list((made.runs / "set").glob("*.h5"))


def test_summary_adds_up(made, capsys):
    assert dataset.main(["summary", str(made.runs), "--json"]) == 0
    (total,) = json.loads(capsys.readouterr().out)
    assert total["models"] == 10 and total["blocks"] == BLOCKS
    assert total["points"] == 10 * 3 * 2 * 2
    assert sum(total[f"points_{s}"] for s in dataset.STATUS) == total["points"]
    assert sum(total[f"share_{s}"] for s in dataset.STATUS) == pytest.approx(1)
    assert total["certificates_checked"] > 0 == total["certificates_broken"]
    assert 2**20 < total["peak_memory"] < 2**31
    assert dataset.main(["summary", str(made.runs)]) == 0
    text = capsys.readouterr().out
    assert "3 of 3 blocks, 10 models, 120 points" in text


def test_train_and_test_share_no_model(made, capsys):
    made.moho("run", "study.toml", "--set", "problem.split=test")
    train, test = index(made)[::-1]
    capsys.readouterr()
    assert "train" in train.name and "test" in test.name
    assert dataset.main(["disjoint", str(train), str(test)]) == 0
    # The control: a set shares its models with itself, and a doubled model is seen.
    assert dataset.main(["disjoint", str(train), str(train)]) == 2
    assert "10 models in common" in capsys.readouterr().out
    copy = made.path / "twice.h5"
    with h5py.File(copy, "w") as file:
        file["set/hash"] = np.array([1, 2, 1])
    assert dataset.main(["disjoint", str(copy)]) == 2
    for record in made.results():
        names = {c["name"]: c for c in json.loads(record.read_text())["checks"]}
        assert names["splits_in_common"]["value"] == 0
        assert names["control.splits_in_common"]["value"] >= 1
    assert dataset.main(["disjoint", str(made.path / "study.toml")]) == 1


def test_memory_does_not_grow_with_the_number_of_blocks(place):
    """One block and five need the same; the kernels of a block are 12 MB in all their forms."""
    peak = []
    for blocks in (1, 5):
        place.runs = place.path / str(blocks)
        place.write(SET.replace("models = 10", f"models = {4 * blocks}")
                    .replace("keep = 1", "keep = 0")
                    .replace("to = 2", f"to = {blocks - 1}").replace("[4, 15, 40]", "[]"))
        place.moho("run", "study.toml", "--out", str(blocks), ranks=2)
        peak.append(max(json.loads(p.read_text())["provenance"]["run"]["peak_memory"]
                        for p in place.results()))
    assert peak[1] < peak[0] + 20 * 2**20


@pytest.mark.parametrize("change, parts", [
    (('"weak"', '"weird"'), ['problem.prior = "weird"', "strong, weak, random"]),
    (("models = 10", "models = 0"), ["problem.models = 0", "at least 1"]),
    (("to = 2", "to = 3"), ["problem.block = 3", "10 models", "0 .. 2"]),
    (("from = 0, to = 2", "from = -1, to = 2"), ["axes.block", "-1", "at least 0"]),
    (("from = 0, to = 2", "from = 2, to = 0"), ["axes.block is empty"]),
    (('"train"', '"training"'), ["problem.split", "train, validation, test"]),
    (('"float32"', '"float16"'), ["problem.store", "none, float32, float64"]),
    (('"weak"', '"random"'), ["problem.store", "random prior"]),
    (("[4, 15, 40]", "[4, 0]"), ["problem.periods"]),
    (('"dc_drho"', '"dc_dx"'), ["method.kernels", "dc_dx"]),
])
def test_wrong_input(place, change, parts):
    assert change[0] in SET
    place.write(SET.replace(*change))
    for ranks in (0, 2):
        message = place.refused("run", "study.toml", ranks=ranks)
        assert all(part in message for part in parts), message
    assert not place.runs.exists()


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_folder_that_cannot_be_written(place, ranks):
    place.write(SET)
    (place.path / "file").write_text("")
    message = place.refused("run", "study.toml", "--out", "file", ranks=ranks)
    assert "file" in message


def test_a_full_disk_is_told_and_leaves_nothing_half(place):
    """A limit on the size of files, 8 MiB, stands in for a full disk."""
    many = SET.replace("[4, 15, 40]", "[]").replace("models = 10", "models = 23")
    many = many.replace("block_size = 4", "block_size = 22").replace("to = 2", "to = 1")
    place.write(many)
    limit = "ulimit -f 8192; trap '' XFSZ; exec \"$@\""
    command = ["bash", "-c", limit, "-", *place.command("run", "study.toml", "--case=0/2")]
    done = subprocess.run(command, cwd=place.path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    assert "'runs/set/" in done.stderr and "File too large" in done.stderr
    assert "disk's free space" in done.stderr
    assert not place.results() and not [p for p in place.files() if p.suffix == ".h5"]
    place.moho("run", "study.toml")
    assert len(check_records(place)) == 2


def test_python_input_that_cannot_be_used(tmp_path, capsys):
    assert dataset.main(["summary", str(tmp_path / "none")]) == 1
    assert "none" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert dataset.main(["index", str(tmp_path / "empty")]) == 1
