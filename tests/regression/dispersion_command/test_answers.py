# SPDX-License-Identifier: BSD-3-Clause
"""`moho dispersion` keeps its contract: keys, values, formats, the same bits on any rank count."""
import json
import math

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
    assert rayleigh["reason"] and rayleigh["period"] == 17.0
    assert rayleigh["dc_dvp"] == rayleigh["dc_dvs"] == [None, None]
    assert "dc_dvp" not in love


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


@pytest.mark.parametrize("ending", ["json", "h5"])
def test_same_bytes_on_one_to_four_ranks(folder, ending):
    cases = random_cases(40)
    cases[7]["model"]["vs"][0] = -1.0
    cases[11]["kernels"] = [{"wave": "rayleigh", "mode": 0, "period": 3.0}]
    name = folder.write(cases)
    written = []
    for ranks in (1, 2, 3, 4):
        done = folder.moho(name, "-o", f"out{ranks}.{ending}", "--modes", 2, ranks=ranks)
        assert done.returncode == 2, done.stderr  # case 7 is bad on purpose
        written.append((folder.path / f"out{ranks}.{ending}").read_bytes())
    assert all(one == written[0] for one in written)
    assert len(written[0]) > 1000
    # The comparison can fail: other cases give other bytes.
    folder.moho(folder.write(random_cases(40, seed=2)), "-o", f"other.{ending}", "--modes", 2)
    assert (folder.path / f"other.{ending}").read_bytes() != written[0]


def test_a_case_does_not_depend_on_its_neighbours(folder):
    cases = random_cases(9)
    together = folder.solved(cases, "--modes", 2, ranks=2)["cases"]
    backwards = folder.solved(cases[::-1], "--modes", 2)["cases"][::-1]
    assert together == backwards
    assert folder.solved([cases[4]], "--modes", 2)["cases"] == [together[4]]


def test_hdf5_says_what_json_says(folder):
    cases = random_cases(6)
    cases[2]["periods"] = []
    cases[3]["kernels"] = [{"wave": "love", "mode": 1, "period": 3.0}]
    out = folder.solved(cases, "--modes", 2, code=2)["cases"]
    assert folder.moho("in.json", "-o", "out.h5", "--modes", 2).returncode == 2
    with h5py.File(folder.path / "out.h5") as file:
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
                for key in ("phase", "group"):
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
        rows = len(out[3]["model"]["vs"])
        assert list(file["kernel/offset"][...]) == [0, rows]
        assert np.isnan(file["kernel/dc_dvs"][...]).all()
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
    row = next(line for line in done.stdout.splitlines() if line.split()[:3] == ["love", "0", "30"])
    assert float(row.split()[3]) == pytest.approx(phase, abs=1e-6)
    done = folder.moho("--json", "in.json")
    assert json.loads(done.stdout) == expected
    assert folder.files() == ["in.json", "out.json"]


@pytest.mark.parametrize("output", [["-o", "out.json"], ["-o", "out.h5"], []])
def test_plot(folder, output):
    folder.write([case()])
    done = folder.moho("in.json", *output, "--plot", "curves.png", ranks=2)
    assert done.returncode == 0, done.stderr
    assert (folder.path / "curves.png").read_bytes().startswith(b"\x89PNG")
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
