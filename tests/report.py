#!/usr/bin/env python3
"""Adds up what ctest reported, for tests/run.

usage: report.py TESTING_MD REPORT...   (reads REPORT.xml, ctest's JUnit form)

Lists every failure, and every skip with its reason; with CI=true, a skip that
TESTING_MD does not allow is a failure. The last line is always
"N passed, N failed, N skipped"; exit code 1 if anything failed or nothing ran.

A test skips by exit code 77 and a line "SKIP: reason". A case inside a test
that goes on skips by such a line, or by cmocka's skip().
"""

import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

SKIP_LINE = re.compile(r"^SKIP: (.+)$", re.M)
SKIP_CASE = re.compile(r"^\[  SKIPPED \] (\w+)$", re.M)


class Skip(NamedTuple):
    name: str  # TEST, or TEST/CASE
    reason: str


class Result(NamedTuple):
    name: str
    verdict: str  # passed, failed, skipped
    skips: list
    output: str


def skips_in(name, output):
    """The skips that a test tells of, whatever became of the rest of it."""
    cases = sorted(set(SKIP_CASE.findall(output)))
    reasons = SKIP_LINE.findall(output)
    if cases:
        reason = "; ".join(reasons) or "no reason given"
        return [Skip(f"{name}/{case}", reason) for case in cases]
    return [Skip(name, reason) for reason in reasons]


def result_of(case):
    name = case.get("name")
    output = case.findtext("system-out") or ""
    status = case.get("status")
    skipped = case.find("skipped")
    skips = skips_in(name, output)
    if status == "run":
        return Result(name, "passed", skips, output)
    if status == "disabled":
        return Result(name, "skipped", [Skip(name, "disabled")], output)
    # "notrun" also stands for a test that could not be started: no skip.
    if (status == "notrun" and skipped is not None
            and skipped.get("message", "").startswith("SKIP_")):
        return Result(name, "skipped",
                      skips[:1] or [Skip(name, "no reason given")], output)
    return Result(name, "failed", skips, output)


def results_of(path):
    """The results in one report; None if ctest left none."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        print(f"FAILED  {path}: {error}")
        return None
    return [result_of(case) for case in root.iter("testcase")]


def allowed_in(text):
    """The first column of the table under "Skips that are allowed"."""
    part = re.search(r"^## Skips that are allowed$(.*?)(?=^## |\Z)", text,
                     re.M | re.S)
    return set(re.findall(r"^\| `([^`]+)`", part[1], re.M)) if part else set()


def count(reports, allowed, is_ci):
    passed = failed = skipped = 0
    for report in reports:
        results = results_of(report + ".xml")
        if results is None:
            failed += 1
            continue
        profile = os.path.basename(report)
        for result in results:
            passed += result.verdict == "passed"
            failed += result.verdict == "failed"
            if result.verdict == "failed":
                print(f"FAILED  {profile}: {result.name}")
            for skip in result.skips:
                is_known = skip.name in allowed
                skipped += 1
                failed += is_ci and not is_known
                print(f"SKIPPED {profile}: {skip.name}: {skip.reason}"
                      + ("" if is_known else " (not an allowed skip)"))
    return passed, failed, skipped


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        allowed = allowed_in(file.read())
    passed, failed, skipped = count(sys.argv[2:], allowed,
                                    os.environ.get("CI") == "true")
    if passed + failed == 0:
        print("FAILED  no test ran")
        failed = 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
