#!/usr/bin/python3
"""docs/testing.md names every label, every folder and every profile's choice,
and nothing else: somebody who looks for a kind of test finds it there.

Method: the labels that ctest knows, the folders of tests/ that hold files, and
the table in tests/run, each compared with its table both ways; and with a
table that lacks its last row, so that the comparison is known to see.
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
    short = re.sub(r"^\| `unit` .*\n", "", text, flags=re.M)
    assert set(table(short, "label")) == labels - {"unit"}
    return 0


if __name__ == "__main__":
    sys.exit(main())
