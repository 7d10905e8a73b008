# SPDX-License-Identifier: BSD-3-Clause
"""The kernels work on registers of full width: read off the disassembly, not off a clock."""
import os
import platform
import shutil
import subprocess

import disassembly
import pytest

# Instructions of double arithmetic that a kernel has at least, calls included: about two thirds of
# what it needs, so that an empty or stubbed function does not pass.
LEAST = {"probe_rayleigh": 180, "probe_rayleigh_secular": 150, "probe_love": 50,
         "probe_rayleigh_derivatives": 500, "probe_love_derivatives": 150,
         "probe_exp": 10, "probe_sincos": 15}
# Of plain loops over elementary functions, likewise, for floats and doubles.
PLAIN = {"exp": (9, 13), "log": (12, 17), "tanh": (9, 12), "sigmoid": (9, 12), "sin": (9, 12),
         "cos": (9, 12), "erf": (10, 18), "gelu": (13, 26), "gelu_slope": (15, 26)}
PLAIN_LOOPS = [(f"probe_loop_{name}_{kind}", least[kind == "double"])
               for name, least in PLAIN.items() for kind in ("float", "double")]
LOOPS = [name for name in LEAST if name not in ("probe_exp", "probe_sincos")]


@pytest.fixture(scope="module")
def lanes():
    if os.environ["MOHO_OPTIMISED"] != "ON":
        pytest.skip("allowed: not an optimised build, its code says nothing")
    if platform.machine() != "x86_64":
        pytest.skip(f"allowed: the check knows the registers of x86_64, not {platform.machine()}")
    for tool in ("objdump", "c++filt"):
        if shutil.which(tool) is None:
            pytest.skip(f"allowed: {tool} is missing (package binutils), nothing was checked")
    done = subprocess.run([os.environ["MOHO_PROBE"], "run"], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and "nan" not in done.stdout, done.stdout
    return int(done.stdout.split()[0])


@pytest.fixture(scope="module")
def probe(lanes):
    return disassembly.disassembled(os.environ["MOHO_PROBE"])


@pytest.fixture
def say(capsys):
    """Tells what was checked, also where the test passes."""
    def tell(text):
        with capsys.disabled():
            print(f"\n{text}", end="")
    return tell


@pytest.mark.parametrize("name", LEAST)
def test_a_kernel_is_vectorised(probe, lanes, say, name):
    found = disassembly.tally_of(probe, name)
    say(f"{name}, {disassembly.REGISTER_OF_LANES[lanes]}: {found}")
    assert disassembly.objections(found, lanes, LEAST[name]) == []


@pytest.mark.parametrize("name", LOOPS)
def test_its_hot_loop_is_vectorised(probe, lanes, say, name):
    found = disassembly.hottest_loop(probe, name)
    say(f"{name}, hot loop: {found}")
    assert disassembly.objections(found, lanes, LEAST[name] // 2) == []


@pytest.mark.parametrize("name,least", PLAIN_LOOPS)
def test_a_plain_loop_over_a_function_is_vectorised(probe, lanes, say, name, least):
    if lanes == 2 and name.endswith("double"):
        pytest.skip("allowed: SSE2 does not compare 64-bit integers")
    found = disassembly.widest_loop(probe, name, lanes)
    say(f"{name}: {found}")
    assert disassembly.objections(found, lanes, least) == []
    assert not disassembly.tally_of(probe, name).libm


@pytest.mark.parametrize("name,why", [("wrong_loop_libm", "libm"), ("wrong_loop_chain", "scalar")])
def test_a_loop_that_cannot_be_vectorised_is_rejected(probe, lanes, say, name, why):
    found = disassembly.hottest_loop(probe, name)
    wrong = disassembly.objections(found, lanes, 1)
    say(f"{name}: {wrong}")
    assert any(why in one for one in wrong) and any("only 0" in one for one in wrong)
    assert disassembly.objections(disassembly.widest_loop(probe, name, lanes), lanes, 1)


@pytest.mark.parametrize("name", ["wrong_rayleigh", "wrong_love"])
def test_one_lane_at_a_time_is_rejected(probe, lanes, say, name):
    wrong = disassembly.objections(disassembly.tally_of(probe, name), lanes, 50)
    say(f"{name}: {wrong}")
    assert any("are scalar" in one for one in wrong)
    assert any("instructions on" in one for one in wrong)
    assert disassembly.objections(disassembly.hottest_loop(probe, name), lanes, 25)


def test_a_call_of_libm_is_rejected(probe, lanes, say):
    wrong = disassembly.objections(disassembly.tally_of(probe, "wrong_libm"), lanes, 1)
    say(f"wrong_libm: {wrong}")
    assert any("libm" in one and "exp" in one for one in wrong)


def test_registers_of_less_than_full_width_are_rejected(probe, lanes, say):
    wider = 2 * lanes if lanes < 8 else 4
    wrong = disassembly.objections(disassembly.tally_of(probe, "probe_rayleigh"), wider, 100)
    say(f"probe_rayleigh judged as {wider} lanes: {wrong}")
    assert any("less than" in one for one in wrong) and any("only 0" in one for one in wrong)


def test_the_shipped_program_has_the_same_kernels(lanes, say):
    """In `moho` itself: every function of the kernels that works on packs; where all of them are
    inlined, the loops of the search that hold the kernel."""
    functions = disassembly.disassembled(os.environ["MOHO_EXE"])
    mangled = [name for name in functions if "moho10dispersion" in name and "HostPack" in name]
    plain = dict(zip(disassembly.demangled(mangled), mangled))
    packs = {name: mangled for name, mangled in plain.items()
             if "DoubleDouble" not in name and "Kokkos" not in name and "std::" not in name}
    kernels = [mangled for name, mangled in packs.items() if "detail::" not in name]
    whole = disassembly.Tally()
    for name in kernels:
        tally = disassembly.Tally(functions={name})
        for one in functions[name]:
            tally.add(one)
        whole.merge(tally)
    if whole.arithmetic() < LEAST["probe_rayleigh"]:
        loops = [disassembly.hottest_loop(functions, name) for name in packs.values()]
        whole = max((one for one in loops if not one.libm), key=disassembly.Tally.arithmetic,
                    default=whole)
    say(f"moho: {whole}")
    assert disassembly.objections(whole, lanes, LEAST["probe_rayleigh"]) == []
