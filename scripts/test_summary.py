# SPDX-License-Identifier: BSD-3-Clause
"""Summary of a ctest run: what was skipped and why, then `N passed, N failed, N skipped`.

    python3 scripts/test_summary.py JUNIT.xml LastTest.log CTEST_EXIT_CODE

Exit code 1 if a test failed, a whole test was skipped, or none ran. Skips inside a test
(GoogleTest, pytest) are listed; the test itself decides whether it may pass with them.
"""
import re
import sys
import xml.etree.ElementTree

INSIDE = re.compile(r"^(?:\d+: )?(SKIPPED \[\d+\] .*|\[  SKIPPED \] .*\))$")


def whole_tests(junit: str) -> dict[str, list[str]]:
    """passed, failed and skipped test names (skipped ones with ctest's reason)."""
    found = {"passed": [], "failed": [], "skipped": []}
    for case in xml.etree.ElementTree.parse(junit).getroot().iter("testcase"):
        status, name = case.get("status"), case.get("name")
        if status == "run":
            found["passed"].append(name)
        elif status == "fail":
            found["failed"].append(name)
        else:  # notrun, disabled
            skipped = case.find("skipped")
            reason = skipped.get("message") if skipped is not None else status
            found["skipped"].append(f"{name} ({reason})")
    return found


def skips_inside(log: str) -> list[str]:
    """Lines in which a test program says that it skipped a part of itself."""
    with open(log, encoding="utf-8", errors="replace") as file:
        return list(
            dict.fromkeys(m.group(1) for line in file if (m := INSIDE.match(line.rstrip())))
        )


def main(junit: str, log: str, ctest_code: str) -> int:
    try:
        found = whole_tests(junit)
        inside = skips_inside(log)
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        print(f"no result of the tests: {error}\n0 passed, 0 failed, 0 skipped")
        return 1
    for kind in ("failed", "skipped"):
        for name in found[kind]:
            print(f"{kind}: {name}")
    for line in inside:
        print(f"skipped inside a test: {line}")
    bad = found["failed"] or found["skipped"] or not found["passed"] or int(ctest_code)
    if int(ctest_code) and not found["failed"]:
        print(f"ctest ended with {ctest_code}")
    print(", ".join(f"{len(found[kind])} {kind}" for kind in ("passed", "failed", "skipped")))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
