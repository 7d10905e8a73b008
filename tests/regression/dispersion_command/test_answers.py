# SPDX-License-Identifier: BSD-3-Clause
"""`moho dispersion` keeps its contract: keys, values, formats, the same bits on any rank count."""
import json
import math
import os
from decimal import Decimal, getcontext
from pathlib import Path

import h5py
import numpy as np
import pytest

from conftest import CRUST, HALFSPACE, case, model, random_cases

CASE_KEYS = {"name", "model", "periods", "mode_count", "modes", "kernels", "flags"}
MODEL96 = """MODEL.01
A crust over a mantle
ISOTROPIC
KGS
FLAT EARTH
1-D
CONSTANT VELOCITY
LINE08
LINE09
LINE10
LINE11
 H(KM) VP(KM/S) VS(KM/S) RHO(GM/CC) QP QS ETAP ETAS FREFP FREFS
 35.0 6.3 3.6 2.8 0.0 0.0 0.0 0.0 1.0 1.0
 0.0 8.1 4.6 3.3 0.0 0.0 0.0 0.0 1.0 1.0
"""


def curve(answer, wave, mode):
    return next(m for m in answer["modes"] if m["wave"] == wave and m["mode"] == mode)


def bisect(f, low, high):
    assert f(low) * f(high) < 0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if f(low) * f(middle) <= 0 else (middle, high)
    return 0.5 * (low + high)


def rayleigh_of_halfspace(vp, vs):
    """Rayleigh (1885): (2 - c2/b2)^2 = 4 sqrt(1 - c2/a2) sqrt(1 - c2/b2)."""
    return bisect(lambda c: (2 - (c / vs) ** 2) ** 2
                  - 4 * math.sqrt(1 - (c / vp) ** 2) * math.sqrt(1 - (c / vs) ** 2),
                  0.5 * vs, vs * (1 - 1e-12))


def love_fundamental(h, b1, rho1, b2, rho2, period):
    """Love (1911): tan(k h nu1) = mu2 nu2 / (mu1 nu1), lowest root."""
    mu1, mu2, w = rho1 * b1**2, rho2 * b2**2, 2 * math.pi / period

    def phase_defect(c):
        nu1, nu2 = math.sqrt((c / b1) ** 2 - 1), math.sqrt(1 - (c / b2) ** 2)
        return w / c * h * nu1 - math.atan2(mu2 * nu2, mu1 * nu1)

    return bisect(phase_defect, b1 * (1 + 1e-13), b2 * (1 - 1e-13))


def test_keys_of_the_contract(folder):
    request = [{"wave": "rayleigh", "mode": 0, "period": 17.0},
               {"wave": "love", "mode": 0, "period": 5.0}]
    out = folder.solved([case(kernels=request), case("half-space", HALFSPACE, [4.0])], "--modes", 3)
    assert out["format"] == "moho.dispersion/1"
    assert out["units"]["period"] == "s"
    assert [one["name"] for one in out["cases"]] == ["crust", "half-space"]
    for one in out["cases"]:
        assert set(one) == CASE_KEYS
        assert set(one["mode_count"]) == {"rayleigh", "love"}
        assert [(m["wave"], m["mode"]) for m in one["modes"]] == [
            (wave, mode) for wave in ("rayleigh", "love") for mode in range(3)]
        for m in one["modes"]:
            keys = {"wave", "mode", "phase", "group"}
            assert set(m) == (keys | {"ellipticity"} if m["wave"] == "rayleigh" else keys)
            for values in (m["phase"], m["group"]):
                assert len(values) == len(one["periods"])
            absent = [phase is None for phase in m["phase"]]
            counts = one["mode_count"][m["wave"]]
            assert absent == [count <= m["mode"] for count in counts]
            assert [group is None for group in m["group"]] == absent
    rayleigh, love = out["cases"][0]["kernels"]
    assert rayleigh["period"] == 17.0  # not among the periods of the case
    assert len(rayleigh["dc_dvp"]) == len(rayleigh["dc_dvs"]) == 2
    assert "reason" not in rayleigh
    assert not {"dc_dvp", "dU_dvp", "ellipticity", "dellipticity_dvs"} & set(love)
    assert set(love) >= {"dc_dh", "dc_dvs", "dc_drho", "dU_dvs"}


def test_values_of_closed_forms(folder):
    periods = [30.0, 5.0, 10.0, 5.0]  # unsorted and repeated: the order is kept
    out = folder.solved([case(periods=periods), case("half-space", HALFSPACE, [3.0, 1.0])])
    crust, half = out["cases"]
    assert crust["periods"] == periods
    for period, phase in zip(periods, curve(crust, "love", 0)["phase"]):
        assert phase == pytest.approx(love_fundamental(35, 3.6, 2.8, 4.6, 3.3, period), rel=1e-11)
    c = rayleigh_of_halfspace(HALFSPACE["vp"][0], 3.5)
    assert curve(half, "rayleigh", 0)["phase"] == pytest.approx([c, c], rel=1e-11)
    assert curve(half, "rayleigh", 0)["group"] == pytest.approx([c, c], rel=1e-9)
    assert half["mode_count"] == {"rayleigh": [1, 1], "love": [0, 0]}
    assert curve(half, "love", 0)["phase"] == [None, None]


def test_a_fold_is_flagged_with_all_roots(folder):
    # A stiff lid on a soft basin: the Rayleigh branch turns back near 16 s (published in ref_fold).
    basin = model((0.11, 5.2, 2.8, 2.7), (0.2, 2.3, 1.15, 2.3), (2.1, 1.04, 0.31, 1.9),
                  (0.0, 6.8, 3.2, 2.8))
    points = [{"period": round(15.88043 + 0.02 * i, 5)} for i in range(30)]
    out = folder.solved([{"name": "basin", "model": basin, "points": points}])
    flags = [f for f in out["cases"][0]["flags"] if f["kind"] == "multivalued"]
    assert flags, "no period is flagged"
    for flag in flags:
        assert set(flag) == {"wave", "period", "mode", "kind", "reason", "roots"}
        speeds = [root["c"] for root in flag["roots"]]
        assert speeds == sorted(speeds) and len(speeds) > 2
        assert set(flag["roots"][0]) == {"c", "U", "ellipticity", "N_above"}
        assert any(root["U"] < 0 for root in flag["roots"])
    assert len({(f["wave"], f["period"]) for f in flags}) == len(flags)


def test_ten_thousand_layers(folder):
    rows = 10_000
    same = {"thickness": [0.01] * (rows - 1) + [0.0], "vp": [HALFSPACE["vp"][0]] * rows,
            "vs": [3.5] * rows, "rho": [2.7] * rows}
    out = folder.solved([case("deep", same, [10.0])], "--waves", "rayleigh")
    assert curve(out["cases"][0], "rayleigh", 0)["phase"][0] == pytest.approx(
        rayleigh_of_halfspace(HALFSPACE["vp"][0], 3.5), rel=1e-9)


@pytest.mark.parametrize("ending, more", [
    ("json", []), ("h5", []), ("json", ["--kernels"]), ("json", ["--flatten", "--kernels"])])
def test_same_bytes_on_one_to_four_ranks(folder, ending, more):
    cases = random_cases(40)
    cases[7]["model"]["vs"][0] = -1.0
    for i in range(8, 20):
        cases[i]["kernels"] = [{"wave": "rayleigh", "mode": i % 3, "period": 3.0},
                               {"wave": "love", "mode": 0, "period": cases[i]["periods"][0]}]
    name = folder.write(cases)
    written = []
    for ranks in (1, 2, 3, 4):
        done = folder.moho(name, "-o", f"out{ranks}.{ending}", "--modes", 2, *more, ranks=ranks)
        assert done.returncode == 2, done.stderr  # case 7 is bad on purpose
        written.append((folder.path / f"out{ranks}.{ending}").read_bytes())
    assert all(one == written[0] for one in written)
    assert len(written[0]) > 1000
    # The comparison can fail: other cases give other bytes.
    other = folder.write(random_cases(40, seed=2))
    folder.moho(other, "-o", f"other.{ending}", "--modes", 2, *more)
    assert (folder.path / f"other.{ending}").read_bytes() != written[0]


def test_a_case_does_not_depend_on_its_neighbours(folder):
    cases = random_cases(9)
    together = folder.solved(cases, "--modes", 2, ranks=2)["cases"]
    backwards = folder.solved(cases[::-1], "--modes", 2)["cases"][::-1]
    assert together == backwards
    assert folder.solved([cases[4]], "--modes", 2)["cases"] == [together[4]]


def same_kernels(file, out):
    """/kernel holds, row by row, what the cases of the JSON hold; NaN for what a wave lacks."""
    rows = [(i, k) for i, one in enumerate(out) for k in one.get("kernels", [])]
    kernel = file["kernel"]
    offset = kernel["offset"][...]
    assert len(offset) == len(rows) + 1 and offset[0] == 0
    assert list(kernel["reason"].asstr()) == [k.get("reason", "") for _, k in rows]
    derivatives = [key for key in kernel if key.startswith(("dc_", "dU_", "dellipticity_"))]
    assert len(derivatives) == 12
    for r, (i, k) in enumerate(rows):
        assert kernel["case"][r] == i
        assert kernel["wave"][r] == ("rayleigh", "love").index(k["wave"])
        assert (kernel["mode"][r], kernel["period"][r]) == (k["mode"], k["period"])
        layers = len(out[i]["model"]["vs"])
        for key in derivatives:
            values = [np.nan if v is None else v for v in k.get(key, [None] * layers)]
            assert np.array_equal(kernel[key][offset[r]:offset[r + 1]], values, equal_nan=True)
        for key in ("phase", "group", "ellipticity"):
            value = k.get(key)
            assert np.array_equal(kernel[key][r], np.nan if value is None else value,
                                  equal_nan=True)


def test_hdf5_says_what_json_says(folder):
    cases = random_cases(6)
    cases[2]["periods"] = []
    cases[3]["kernels"] = [{"wave": "love", "mode": 1, "period": 3.0},
                           {"wave": "rayleigh", "mode": 0, "period": 3.0}]
    cases[5]["kernels"] = [{"wave": "rayleigh", "mode": 40, "period": 3.0}]
    out = folder.solved(cases, "--modes", 2, code=2)["cases"]
    assert folder.moho("in.json", "-o", "out.h5", "--modes", 2).returncode == 2
    with h5py.File(folder.path / "out.h5") as file:
        assert file["case/name"].shape == file["case/warning"].shape
        assert file.attrs["format"] in ("moho.dispersion/1", b"moho.dispersion/1")
        assert list(file["case/name"].asstr()) == [one["name"] for one in out]
        offset = file["model/offset"][...]
        assert len(offset) == 7 and offset[2] == offset[3]
        for key in ("thickness", "vp", "vs", "rho"):
            assert list(file[f"model/{key}"][offset[3]:offset[4]]) == out[3]["model"][key]
        data = {key: file[f"curve/{key}"][...] for key in file["curve"]}
        assert set(data) == {"case", "wave", "mode", "period", "phase", "group", "ellipticity",
                             "status"}
        for i, one in enumerate(out):
            for m in one.get("modes", []):
                rows = ((data["case"] == i) & (data["mode"] == m["mode"])
                        & (data["wave"] == ("rayleigh", "love").index(m["wave"])))
                for key in {"phase", "group", "ellipticity"} & set(m):
                    expected = np.array([np.nan if v is None else v for v in m[key]])
                    assert np.array_equal(data[key][rows], expected, equal_nan=True)
                assert list(data["period"][rows]) == one["periods"]
                assert list(data["status"][rows] == 1) == [v is None for v in m["phase"]]
        assert not (data["case"] == 2).any()
        counts = {key: file[f"mode_count/{key}"][...] for key in file["mode_count"]}
        assert set(counts) == {"case", "wave", "period", "count"}
        assert list(counts["count"][(counts["case"] == 5) & (counts["wave"] == 1)]) == (
            out[5]["mode_count"]["love"])
        assert set(file["kernel"]) >= {"case", "wave", "mode", "period", "offset", "dc_dh",
                                       "dc_dvp", "dc_dvs", "dc_drho", "dU_dvs"}
        same_kernels(file, out)
        assert set(file["flag"]) >= {"case", "wave", "period", "mode", "kind", "reason"}


def test_waves_and_periods_options(folder):
    folder.write("# s\n5 10\n20\n", "periods.txt")
    out = folder.solved([case()], "--waves", "love", "--periods", "periods.txt")["cases"][0]
    assert out["periods"] == [5, 10, 20]
    assert list(out["mode_count"]) == ["love"]
    assert {m["wave"] for m in out["modes"]} == {"love"}
    assert folder.solved([case()], "--periods", "20,5")["cases"][0]["periods"] == [20, 5]


@pytest.mark.parametrize("name, text", [
    ("crust.mod", MODEL96), ("crust.csv", "thickness,vp,vs,rho\n35,6.3,3.6,2.8\n0,8.1,4.6,3.3\n"),
    ("crust.txt", "35 6.3 3.6 2.8\n0 8.1 4.6 3.3\n")])
def test_tables_give_the_answers_of_json(folder, name, text):
    expected = folder.solved([case(periods=[5, 10])])["cases"]
    folder.write(text, name)
    assert folder.solved(name, "--periods", "5,10", ranks=2)["cases"] == expected


def test_answers_can_be_asked_again(folder):
    first = folder.solved(random_cases(3))
    folder.write(json.dumps(first), "again.json")
    assert folder.solved("again.json") == first


def test_table_on_stdout_and_json_for_tools(folder):
    expected = folder.solved([case()])
    done = folder.moho("in.json", ranks=2)
    assert done.returncode == 0, done.stderr
    phase = curve(expected["cases"][0], "love", 0)["phase"][0]
    row = next(line for line in done.stdout.splitlines() if line.split()[:2] == ["love", "30"])
    assert float(row.split()[3]) == pytest.approx(phase, abs=1e-6)
    done = folder.moho("--json", "in.json")
    assert json.loads(done.stdout) == expected
    assert folder.files() == ["in.json", "out.json"]


@pytest.mark.parametrize("output", [["-o", "out.json"], ["-o", "out.h5"], []])
def test_plot(folder, output):
    folder.write([case()])
    def drawn(*more):
        done = folder.moho("in.json", *output, "--plot", "curves.png", *more, ranks=2)
        assert done.returncode == 0, done.stderr
        picture = (folder.path / "curves.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        return int.from_bytes(picture[20:24], "big")  # its height

    curves = drawn("--waves", "love")
    ellipticity = drawn()
    assert ellipticity > curves  # one figure more
    assert drawn("--kernels") > ellipticity
    assert folder.files() == sorted({"in.json", "curves.png", *output[1:]})


@pytest.mark.parametrize("wave", ["rayleigh", "love"])
def test_a_wrong_answer_would_be_noticed(folder, wave):
    """The closed forms above are sharp: a model that differs by 1e-9 does not pass."""
    shifted = model((0.0, 3.5 * 3**0.5 * (1 + 1e-9), 3.5 * (1 + 1e-9), 2.7))
    crust = model((35.0, 6.3, 3.6 * (1 + 1e-9), 2.8), (0.0, 8.1, 4.6, 3.3))
    half, layer = folder.solved([case("h", shifted, [3.0]), case("c", crust, [5.0])])["cases"]
    expected = {"rayleigh": rayleigh_of_halfspace(HALFSPACE["vp"][0], 3.5),
                "love": love_fundamental(35, 3.6, 2.8, 4.6, 3.3, 5.0)}[wave]
    phase = curve(half if wave == "rayleigh" else layer, wave, 0)["phase"][0]
    assert phase != pytest.approx(expected, rel=1e-11)
    assert phase == pytest.approx(expected, rel=1e-8)


REFERENCE = Path(os.environ["MOHO_SOURCE_DIR"]) / "reference" / "physics" / "dispersion"


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("ref_*.json")), ids=lambda path: path.stem)
def test_reference_files_go_through_hdf5_without_loss(folder, path):
    """Every reference file is read and answered; the HDF5 file of the answers holds what the JSON
    holds and asks, when it is read again, exactly what the reference file asked."""
    cases = json.loads(path.read_text())["cases"]
    for name in ("out.json", "out.h5"):
        done = folder.moho(path, "-o", name, "--modes", 2, ranks=2)
        assert done.returncode == 0 and done.stderr == "", done.stderr  # no warning either
    out = json.loads((folder.path / "out.json").read_text())["cases"]
    assert [(one["name"], one["model"]) for one in out] == [
        (one["name"], one["model"]) for one in cases]
    for one, asked in zip(out, cases):
        assert one["periods"] == asked.get("periods") or [p["period"] for p in asked["points"]]
        keys = ("wave", "mode", "period")
        assert [[k[key] for key in keys] for k in one["kernels"]] == [
            [k[key] for key in keys] for k in asked.get("kernels", [])]
        for k in one["kernels"]:
            assert None not in k["dc_dvs"] + k["dU_dvs"]
            # Where the surface hardly moves, its ellipticity may have no derivatives.
            assert "reason" not in k or "ellipticity" in k["reason"]
    with h5py.File(folder.path / "out.h5") as file:
        same_kernels(file, out)
    done = folder.moho("out.h5", "-o", "again.h5", "--modes", 2)
    assert done.returncode == 0, done.stderr
    assert (folder.path / "again.h5").read_bytes() == (folder.path / "out.h5").read_bytes()


def test_kernels_and_ellipticity_meet_the_reference(folder):
    path = REFERENCE / "ref_a_simple.json"
    out = folder.solved(path, "--modes", 3)["cases"]
    compared = 0
    for one, asked in zip(out, json.loads(path.read_text())["cases"]):
        for found, known in zip(one["kernels"], asked["kernels"]):
            for key in set(known) & {"dc_dh", "dc_dvp", "dc_dvs", "dc_drho", "dU_dvs"}:
                size = max(max(map(abs, known[key])), 1e-2)
                assert found[key] == pytest.approx(known[key], abs=1e-6 * size), key
                compared += 1
        known = curve(asked, "rayleigh", 0)["ellipticity"]
        assert curve(one, "rayleigh", 0)["ellipticity"] == pytest.approx(known, rel=1e-6)
    assert compared > 50


def test_kernels_option_asks_for_every_root(folder):
    request = [{"wave": "love", "mode": 0, "period": 5.0},
               {"wave": "love", "mode": 4, "period": 2.0}]
    out = folder.solved([case(kernels=request)], "--modes", 2, "--kernels")["cases"][0]
    roots = [(m["wave"], m["mode"], period) for m in out["modes"]
             for period, phase in zip(out["periods"], m["phase"]) if phase is not None]
    asked = [(k["wave"], k["mode"], k["period"]) for k in out["kernels"]]
    assert asked[:2] == [("love", 0, 5.0), ("love", 4, 2.0)]  # those of the file come first
    assert sorted(asked) == sorted({*roots, *asked[:2]})
    assert all(None not in k["dc_dvs"] for k in out["kernels"])


def test_kernels_of_absent_modes_are_null_with_a_reason(folder):
    request = [{"wave": "love", "mode": 9, "period": 30.0}, {"wave": "rayleigh", "mode": 10**9,
                                                             "period": 30.0}]
    kernels = folder.solved([case(kernels=request)])["cases"][0]["kernels"]
    assert kernels[0]["dc_dvs"] == kernels[1]["dc_dvp"] == [None, None]
    assert kernels[0]["phase"] is None
    assert "mode 9 is absent at 30 s (1 modes" in kernels[0]["reason"]
    assert "mode 1000000000" in kernels[1]["reason"]


def test_a_kernel_at_a_fold_is_that_of_the_modes_root(folder):
    basin = model((0.11, 5.2, 2.8, 2.7), (0.2, 2.3, 1.15, 2.3), (2.1, 1.04, 0.31, 1.9),
                  (0.0, 6.8, 3.2, 2.8))
    periods = [round(15.88043 + 0.02 * i, 5) for i in range(30)]
    out = folder.solved([case("basin", basin, periods)], "--kernels", "--waves", "rayleigh")
    out = out["cases"][0]
    folds = {f["period"]: f["roots"] for f in out["flags"] if f["kind"] == "multivalued"}
    assert folds
    for kernel in out["kernels"]:
        if kernel["period"] in folds:
            assert kernel["status"] == "multivalued"
            root = next(r for r in folds[kernel["period"]] if r["c"] == kernel["phase"])
            assert kernel["group"] == pytest.approx(root["U"], rel=1e-6)
            vs, vp = np.array(basin["vs"]), np.array(basin["vp"])
            # sum(vs dc/dvs + vp dc/dvp) = c - c (1 - c / U): scaling, also on a branch that folds.
            total = vs @ kernel["dc_dvs"] + vp @ kernel["dc_dvp"]
            assert total == pytest.approx(root["c"] ** 2 / root["U"], rel=1e-6)


def toroidal(l, x):
    """Traction of a toroidal mode at the surface of a homogeneous ball (Lamb 1882) over x^l /
    (2l+1)!!: (l - 1) j_l(x) - x j_{l+1}(x), by the series in x^2, in exact rational steps."""
    def j(n, scale):
        term = total = scale
        for k in range(1, 400):
            term *= -x * x / (2 * k * (2 * n + 2 * k + 1))
            total += term
        return total
    return (l - 1) * j(l, Decimal(1)) - x * x * j(l + 1, Decimal(1) / (2 * l + 3))


def test_flattened_love_waves_are_those_of_a_sphere(folder):
    """A ball of vs 3.7 km/s: the fundamental toroidal modes of l = 40 and 80 as periods."""
    getcontext().prec = 80
    ball = model((2500.0, 6.5, 3.7, 3.0), (0.0, 6.5, 3.7, 3.0))
    periods, expected = [], []
    for l in (40, 80):
        low, high = Decimal(l), Decimal(l) * Decimal("1.12")
        assert toroidal(l, low) * toroidal(l, high) < 0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = ((middle, high) if toroidal(l, low) * toroidal(l, middle) > 0
                         else (low, middle))
        omega = float(low) * 3.7 / 6371
        periods.append(2 * math.pi / omega)
        expected.append(omega * 6371 / (l + 0.5))
    sphere = [case("ball", ball, periods)]
    out = folder.solved(sphere, "--flatten", "--waves", "love")["cases"][0]
    assert curve(out, "love", 0)["phase"] == pytest.approx(expected, rel=1e-7)
    assert "warnings" not in out
    # It can fail: another radius, and the flat model, which has no such wave at all.
    off = folder.solved(sphere, "--flatten", "--radius", "6400", "--waves", "love")["cases"][0]
    assert curve(off, "love", 0)["phase"] != pytest.approx(expected, rel=1e-6)
    assert curve(folder.solved(sphere)["cases"][0], "love", 0)["phase"] == [None, None]


def test_flattening_keeps_the_layout(folder):
    flat = folder.solved([case()], "--modes", 2)["cases"][0]
    out = folder.solved([case()], "--modes", 2, "--flatten")["cases"][0]
    assert out["model"] == flat["model"] and out["periods"] == flat["periods"]
    assert set(out) == set(flat) | {"warnings"}
    assert "138 km at 30 s" in out["warnings"][0]  # the waves reach below the last interface
    for wave in ("rayleigh", "love"):
        a, b = curve(flat, wave, 0)["phase"], curve(out, wave, 0)["phase"]
        assert all(1e-4 < y / x - 1 < 2e-2 for x, y in zip(a, b))


def test_a_spherical_model96_is_flattened(folder):
    folder.write(MODEL96.replace("FLAT EARTH", "SPHERICAL EARTH"), "crust.mod")
    expected = folder.solved([case(periods=[5, 10])], "--flatten")["cases"]
    assert folder.solved("crust.mod", "--periods", "5,10", "--flatten")["cases"] == expected
    done = folder.moho("crust.mod", "--periods", "5,10", "-o", "no.json")
    assert done.returncode == 1 and "--flatten" in done.stderr
    assert "no.json" not in folder.files()


def test_units_that_cannot_be_right_are_told_and_kept(folder):
    metres = model((35000.0, 6300.0, 3600.0, 2800.0), (0.0, 8100.0, 4600.0, 3300.0))
    done = folder.moho(folder.write([case(), case("metres", metres)]), "-o", "out.json", ranks=2)
    assert done.returncode == 0
    told = [line for line in done.stderr.splitlines() if "warning" in line]
    assert len(told) == 4
    for line, part in zip(told, ("vp[1] = 8100", "vs[1] = 4600", "rho[1] = 3300", "35000")):
        assert "'in.json', cases[1] 'metres': " in line and part in line
    first, second = json.loads((folder.path / "out.json").read_text())["cases"]
    assert "warnings" not in first
    assert len(second["warnings"]) == 4
    assert second["model"] == metres
