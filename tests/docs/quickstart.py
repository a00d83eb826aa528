#!/usr/bin/python3
"""Runs gateway/quickstart --once as README's reader would, and looks at what it
says and at what it leaves behind.

usage: quickstart.py ROOT
"""

import os
import pathlib
import re
import subprocess
import sys

TIMEOUT_S = 1500
EXPECTED = (
    r"receive: scan items",
    r"receive 12 x MUG -> A-01",
    r"pick 3 x MUG A-01 -> PICKED",
    r"MUG +White mug +13 +10 +3 ",
    r"clean: unexplained=0",
    r"mosquitto_sub -p \d+ -v -t 'depot/v1/demo/hz-01/stock/\+'",
)


def left_behind():
    """Processes and folders of a quickstart."""
    found = [str(path) for path in pathlib.Path("/tmp").glob("depot-quickstart-*")]
    for status in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = status.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if "depot-quickstart-" in words:
            found.append(words)
    return set(found)


def main():
    root = pathlib.Path(sys.argv[1])
    before = left_behind()
    done = subprocess.run(
        [root / "gateway/quickstart", "--once"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", timeout=TIMEOUT_S, check=False,
        env=dict(os.environ, LC_ALL="C.UTF-8"),
    )
    missing = [one for one in EXPECTED if not re.search(one, done.stdout)]
    after = left_behind() - before
    if done.returncode != 0 or missing or after:
        print(done.stdout)
        print(f"exit {done.returncode}; not said: {missing}; left: {after}")
        return 1
    print(f"{len(EXPECTED)} things said, nothing left behind")
    return 0


if __name__ == "__main__":
    sys.exit(main())
