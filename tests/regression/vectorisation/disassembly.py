# SPDX-License-Identifier: BSD-3-Clause
"""Reads a disassembly: what the arithmetic of a function works on, its calls included."""
import re
import subprocess
from dataclasses import dataclass, field

REGISTER_OF_LANES = {8: "zmm", 4: "ymm", 2: "xmm"}

FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(?:\{\w+\}\s+)?(\S+)\s*(.*)$")
TARGET = re.compile(r"^\*?([0-9a-f]+) <([^>+]+(?:>[^>+]*)*?)(\+0x[0-9a-f]+)?>")
# add, subtract, multiply, divide, square root, fused multiply-add, of doubles or floats
ARITHMETIC = re.compile(r"^v?(?:add|sub|mul|div|sqrt|fn?m(?:add|sub)(?:132|213|231))([ps][ds])$")
LIBM = re.compile(r"^(?:__)?c?(?:exp|exp2|expm1|log|log2|log10|log1p|sin|cos|sincos|tan|sinh|cosh|"
                  r"tanh|erf|erfc|fma|pow|ldexp|floor|sqrt)f?(?:_finite)?(?:@.*)?$")


@dataclass
class Instruction:
    address: int
    name: str
    operands: str
    callee: str = ""  # of a call or a jump out of the function
    target: int = -1  # of a jump within the function


@dataclass
class Tally:
    """Instructions of floating-point arithmetic: packed by register, scalar; calls to libm."""
    packed: dict = field(default_factory=lambda: {"zmm": 0, "ymm": 0, "xmm": 0})
    scalar: int = 0
    libm: set = field(default_factory=set)
    functions: set = field(default_factory=set)

    def add(self, one):
        arithmetic = ARITHMETIC.match(one.name)
        if arithmetic and arithmetic[1][0] == "s":
            self.scalar += 1
        elif arithmetic:
            width = next(w for w in ("zmm", "ymm", "xmm") if w in one.operands)
            self.packed[width] += 1

    def merge(self, other):
        for width, count in other.packed.items():
            self.packed[width] += count
        self.scalar += other.scalar
        self.libm |= other.libm
        self.functions |= other.functions

    def arithmetic(self):
        return self.scalar + sum(self.packed.values())

    def share(self, register):
        return self.packed[register] / max(1, self.arithmetic())

    def __str__(self):
        return (f"{self.arithmetic()} instructions of arithmetic in "
                f"{len(self.functions)} functions: {self.packed}, {self.scalar} scalar; "
                f"libm: {sorted(self.libm) or 'none'}")


def parse(text):
    """{function: [Instruction]} of `objdump -d --no-show-raw-insn`."""
    functions, current, name = {}, [], ""
    for line in text.splitlines():
        if head := FUNCTION.match(line):
            name = head[1]
            current = functions.setdefault(name, [])
        elif found := INSTRUCTION.match(line):
            one = Instruction(int(found[1], 16), found[2], found[3])
            jump = TARGET.match(one.operands) if one.name[0] in "jc" else None
            if jump and jump[2] == name and one.name[0] == "j":
                one.target = int(jump[1], 16)
            elif jump:
                one.callee = jump[2]
            current.append(one)
    return functions


def disassembled(path):
    done = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True,
                          text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return parse(done.stdout)


def demangled(names):
    done = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True,
                          timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def tally(functions, instructions, result=None):
    """What some instructions do, with everything they call."""
    result = result or Tally()
    for one in instructions:
        result.add(one)
        if not one.callee:
            continue
        if LIBM.match(one.callee):
            result.libm.add(one.callee)
        elif one.callee in functions and one.callee not in result.functions:
            result.functions.add(one.callee)
            tally(functions, functions[one.callee], result)
    return result


def tally_of(functions, name):
    return tally(functions, functions[name], Tally(functions={name}))


def loops(functions, name):
    """Tallies of all loops in a function and in what it calls, calls included. A loop is the part
    between a backward jump and where it goes."""
    for here in tally_of(functions, name).functions:
        body = functions[here]
        for jump in body:
            if 0 <= jump.target <= jump.address:
                part = [one for one in body if jump.target <= one.address <= jump.address]
                yield tally(functions, part, Tally(functions={here}))


def hottest_loop(functions, name):
    """The loop with the most arithmetic."""
    return max(loops(functions, name), key=Tally.arithmetic, default=Tally())


def widest_loop(functions, name, lanes):
    """The loop with the most arithmetic on full registers: of a plain loop that the compiler has
    vectorised, the part that is not its remainder."""
    register = REGISTER_OF_LANES[lanes]
    return max(loops(functions, name), key=lambda one: one.packed[register], default=Tally())


def objections(found, lanes, least, most_scalar=0.1):
    """Why this is not vectorised; empty if it is."""
    register = REGISTER_OF_LANES[lanes]
    wrong = []
    if found.packed[register] < least:
        wrong.append(f"only {found.packed[register]} instructions on {register} ({least} expected)")
    if found.scalar > most_scalar * found.arithmetic():
        wrong.append(f"{found.scalar} of {found.arithmetic()} instructions are scalar")
    narrow = sum(n for width, n in found.packed.items() if width != register)
    if narrow > 0.05 * found.arithmetic():
        wrong.append(f"{narrow} of {found.arithmetic()} instructions use less than {register}")
    if found.libm:
        wrong.append(f"calls of libm: {sorted(found.libm)}")
    return wrong
