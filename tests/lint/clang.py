#!/usr/bin/env python3
"""The second compiler has no word to say either: clang reads every file of
the build with the same flags, warnings as errors.

usage: clang.py BUILD   (a build of profile dev, for its compile_commands)
"""

import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys


def words_of(entry):
    """The command as clang takes it: no output, no dependency file."""
    words = shlex.split(entry["command"])
    kept, skip = ["clang"], False
    for word in words[1:]:
        if not skip and word not in ("-o", "-MF", "-MT", "-MD", "-c"):
            kept.append(word)
        skip = not skip and word in ("-o", "-MF", "-MT")
    return kept + ["-fsyntax-only"]


def judge(entry):
    done = subprocess.run(words_of(entry), cwd=entry["directory"],
                          capture_output=True, text=True, check=False)
    return entry["file"], done.returncode, done.stderr


def a_warning_is_seen(entries):
    """So that silence is known to mean something."""
    words = words_of(entries[0])[:-1]
    planted = [w for w in words if not w.endswith(".c")]
    done = subprocess.run(
        planted + ["-fsyntax-only", "-x", "c", "-"], check=False, text=True,
        input="int x(long a);\nint x(long a)\n{\n\treturn a;\n}\n",
        capture_output=True)
    assert done.returncode != 0, "the planted warning was not seen"


def main():
    build = pathlib.Path(sys.argv[1])
    entries = json.loads(
        (build / "compile_commands.json").read_text("utf-8"))
    a_warning_is_seen(entries)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, code, said in pool.map(judge, entries):
            failed += code != 0
            if code != 0:
                print(path, said, sep="\n")
    print(f"{len(entries)} files read, {failed} with warnings")
    assert len(entries) > 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
