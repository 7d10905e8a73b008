# SPDX-License-Identifier: BSD-3-Clause
"""The files of moho's HDF5 layer as h5py reads them, and their bytes from run to run."""
import os
import subprocess
import time

import h5py
import numpy as np
import pytest

PROGRAM = os.environ["MOHO_HDF5_SAMPLE"]


def write(path):
    subprocess.run([PROGRAM, str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    with h5py.File(write(tmp_path_factory.mktemp("h5") / "sample.h5")) as file:
        yield file


def test_numbers(sample):
    expected = np.array([[1.5, -2.0, np.nan], [0.1, 1e-300, 6.0]])
    np.testing.assert_array_equal(sample["/curve/phase"][...], expected)
    assert sample["/curve/phase"].dtype == np.dtype("<f8")
    assert sample["/curve/case"][...].tolist() == [0, 2**40]
    assert sample["/curve/case"].dtype == np.dtype("<i8")
    assert sample["/curve/mode"][...].tolist() == [-1, 2]
    assert sample["/curve/mode"].dtype == np.dtype("<i4")
    assert sample["/curve/status"][...].tolist() == [-1, 5]
    assert sample["/curve/status"].dtype == np.dtype("i1")
    assert sample["/empty/rows"].shape == (0, 3)


def test_strings(sample):
    names = sample["/case/name"].asstr()[...].tolist()
    assert names == ["a", "", "hélice", "long name with spaces "]
    assert sample["/empty/names"].shape == (0,)


def test_attributes(sample):
    assert sample["/curve/phase"].attrs["units"] == "km/s"
    assert isinstance(sample.attrs["format"], str)
    assert sample.attrs["format"] == "moho.dispersion/1"
    assert sample.attrs["accent"] == "été"
    assert sample.attrs["count"] == 42
    assert sample["/curve"].attrs["tolerance"] == 1e-11


def test_same_bytes_on_every_run(tmp_path):
    first = write(tmp_path / "first.h5").read_bytes()
    time.sleep(1.1)  # a time stamp would have a resolution of one second
    second = write(tmp_path / "second.h5").read_bytes()
    assert first == second


def test_a_time_stamp_would_be_noticed(tmp_path):
    """Negative: a file with tracked times does differ, so the comparison can fail."""
    content = []
    for name in ("first.h5", "second.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            file.create_dataset("x", data=[1.0], track_times=True)
        content.append((tmp_path / name).read_bytes())
        time.sleep(1.1)
    assert content[0] != content[1]
