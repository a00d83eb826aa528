#!/usr/bin/python3
"""docs/testing.md names every label, every folder and every profile's choice,
and nothing else: somebody who looks for a kind of test finds it there.

Method: the labels that ctest knows, the folders of tests/ that hold files, and
the table in tests/run, each compared with its table both ways; and with a
table that lacks its last row, so that the comparison is known to see. Each
case that is named for a bad input is looked for in its source.
"""

import json
import pathlib
import re
import subprocess
import sys


def table(text, first):
    """The first column, without quotes, of the table whose header begins with
    @first, and the rest of each row."""
    found = re.search(rf"^\| {first} \|.*\n\|[- |]+\|\n((?:\|.*\n)+)", text,
                      re.M)
    rows = re.findall(r"^\| `?([^`|]+?)`? \| (.*) \|$", found.group(1), re.M)
    assert len(rows) == len(found.group(1).splitlines()), first
    return dict(rows)


def labels_of(build):
    shown = subprocess.run(
        ["ctest", "--test-dir", build, "--show-only=json-v1"],
        capture_output=True, text=True, check=True).stdout
    return {label for test in json.loads(shown)["tests"]
            for one in test["properties"] if one["name"] == "LABELS"
            for label in one["value"]}


def folders_of(tests):
    return {f"tests/{one.name}/" for one in tests.iterdir()
            if one.is_dir() and any(part.is_file() and "__" not in str(part)
                                    for part in one.rglob("*"))}


def choices_of(run):
    """profile -> its labels, as tests/run chooses them."""
    rows = re.findall(r"^\t\[(\w+)\]='(.*)'$", run, re.M)
    return {profile: set(re.findall(r"[\w-]+", choice)) or {"everything"}
            for profile, choice in rows}


def source_of(tests, name):
    """The source of a ctest's cases."""
    kind, _, rest = name.partition("_")
    if rest.startswith("test_"):
        return tests / "unit" / kind / f"{rest}.c"
    return tests / kind / f"{rest}.py"


def missing_cases(tests, text):
    """Cases of the table of bad input that are in no source."""
    cases = re.findall(r"`([a-z_0-9]+)/([a-z_0-9]+)`", text)
    missing = [f"{name}/{case}" for name, case in cases
               if not re.search(rf"^(static void |def |){case}\(",
                                source_of(tests, name).read_text("utf-8"),
                                re.M)]
    return missing, len(cases)


def check(what, written, true):
    assert set(written) == set(true), (what, "not written",
                                       set(true) - set(written), "not there",
                                       set(written) - set(true))
    print(f"{len(true)} {what}")


def main():
    source, build = pathlib.Path(sys.argv[1]), sys.argv[2]
    text = (source / "docs/testing.md").read_text("utf-8")
    labels = labels_of(build)
    check("labels", table(text, "label"), labels)
    folders = folders_of(source / "tests")
    check("folders", set(re.findall(r"\btests/[a-z0-9]+/", text)), folders)
    choices = choices_of((source / "tests/run").read_text("utf-8"))
    check("profiles", table(text, "profile"), choices)
    for profile, row in table(text, "profile").items():
        check(f"labels of {profile}", set(re.findall(r"[\w-]+", row)),
              choices[profile])
    bad = text[text.index("## What bad input gets"):
               text.index("## Campaigns")]
    missing, count = missing_cases(source / "tests", bad)
    assert not missing and count > 40, (missing, count)
    print(f"{count} cases of bad input")
    turned = bad.replace("a_gap_is_no_refusal", "a_gap_is_a_refusal")
    assert len(missing_cases(source / "tests", turned)[0]) == 1
    short = re.sub(r"^\| `unit` .*\n", "", text, flags=re.M)
    assert set(table(short, "label")) == labels - {"unit"}
    return 0


if __name__ == "__main__":
    sys.exit(main())
