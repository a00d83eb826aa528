#!/usr/bin/env python3
"""The count at the end of tests/run is what lands a change or does not, so it
is tested itself: a real ctest over a project with one test of each outcome.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

REPORT = pathlib.Path(__file__).parents[1] / "report.py"

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(outcomes NONE)
enable_testing()
add_test(NAME passes COMMAND sh -c "exit 0")
add_test(NAME fails COMMAND sh -c "exit 1")
add_test(NAME hangs COMMAND sh -c "exec sleep 60")
add_test(NAME is_not_there COMMAND no-such-program)
add_test(NAME skips COMMAND sh -c "echo 'SKIP: no tmpfs'; exit 77")
add_test(NAME skips_unsaid COMMAND sh -c "exit 77")
add_test(NAME skips_a_case COMMAND printf
	"SKIP: no vectors\\n[  SKIPPED ] vectors_agree\\n")
set_tests_properties(skips skips_unsaid PROPERTIES SKIP_RETURN_CODE 77)
set_tests_properties(hangs PROPERTIES TIMEOUT 1)
"""

TESTING = """# Testing

## Skips that are allowed

| test | when |
| --- | --- |
| `skips` | there is no tmpfs |
| `skips_a_case/vectors_agree` | the vectors are not there |

## Else

| `skips_unsaid` | is not meant here |
"""


def outcomes(folder):
    (folder / "CMakeLists.txt").write_text(PROJECT, "utf-8")
    (folder / "testing.md").write_text(TESTING, "utf-8")
    subprocess.run(["cmake", "-S", folder, "-B", folder / "build"],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ctest", "--test-dir", folder / "build",
                    "--output-junit", folder / "dev.xml"],
                   check=False, capture_output=True, timeout=300)


def report(folder, names, is_ci):
    done = subprocess.run(
        [sys.executable, REPORT, folder / "testing.md"]
        + [folder / name for name in names],
        capture_output=True, text=True, check=False,
        env={**os.environ, "CI": "true" if is_ci else ""})
    return done.returncode, done.stdout.splitlines()


def expect(got, code, last, contains=()):
    assert got[0] == code, got
    assert got[1][-1] == last, got
    for line in contains:
        assert line in got[1], (line, got)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        outcomes(folder)
        expect(report(folder, ["dev"], is_ci=False), 1,
               "2 passed, 3 failed, 3 skipped",
               ["FAILED  dev: fails", "FAILED  dev: hangs",
                "FAILED  dev: is_not_there",
                "SKIPPED dev: skips: no tmpfs",
                "SKIPPED dev: skips_unsaid: no reason given "
                "(not an allowed skip)",
                "SKIPPED dev: skips_a_case/vectors_agree: no vectors"])
        # What nobody allowed is a failure where it counts.
        expect(report(folder, ["dev"], is_ci=True), 1,
               "2 passed, 4 failed, 3 skipped")
        # Two runs add up; a run that left no report is a failure.
        expect(report(folder, ["dev", "dev", "asan"], is_ci=False), 1,
               "4 passed, 7 failed, 6 skipped")
        # Nothing ran: that proves nothing.
        (folder / "none.xml").write_text("<testsuite/>", "utf-8")
        expect(report(folder, ["none"], is_ci=False), 1,
               "0 passed, 1 failed, 0 skipped")
        (folder / "good.xml").write_text(
            '<testsuite><testcase name="a" status="run"/></testsuite>',
            "utf-8")
        expect(report(folder, ["good"], is_ci=True), 0,
               "1 passed, 0 failed, 0 skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
