#!/usr/bin/python3
"""Runs gateway/quickstart --once as README's reader would, and looks at what it
says and at what it leaves behind.

With `sites` it is the network's story, and each command that its transcript in
docs/quickstart-sites.md shows has to be typed in it, in that order.

usage: quickstart.py ROOT [sites]
"""

import os
import pathlib
import re
import subprocess
import sys

TIMEOUT_S = 1500
EXPECTED = {
    "box": (
        r"receive: scan items",
        r"receive 12 x MUG -> A-01",
        r"pick 3 x MUG A-01 -> PICKED",
        r"MUG +White mug +13 +10 +3 ",
        r"clean: unexplained=0",
        r"mosquitto_sub -p \d+ -v -t 'depot/v1/demo/hz-01/stock/\+'",
    ),
    "sites": (
        r"this box is HQ of network [0-9a-f]{32}",
        r"5 sh-02 contiguous",
        r"MUG +15 +0 +15 +0 +0 +0 +0 balanced",
        r"wan +yes +no ",
        r"All three hold the same ledgers, \d+ s later",
        r"(clean: unexplained=0[^$]*\$[^$]*){3}",
        r'"on_hand":140,"good":133,"allocated":7,.*"in_transit":0,"sites":2',
        r"What you have seen\n",
    ),
}
TYPED = re.compile(r"^ *(\S+) +\$ (depot .*)$", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


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
    story = sys.argv[2] if len(sys.argv) > 2 else "box"
    before = left_behind()
    done = subprocess.run(
        [root / "gateway/quickstart", *sys.argv[2:], "--once"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
        timeout=TIMEOUT_S, check=False,
        env=dict(os.environ, LC_ALL="C.UTF-8"),
    )
    said = COLOUR.sub("", done.stdout)
    missing = [one for one in EXPECTED[story] if not re.search(one, said)]
    if story == "sites":
        written = (root / "docs/quickstart-sites.md").read_text("utf-8")
        shown, typed = TYPED.findall(written), TYPED.findall(said)
        if shown != typed or len(typed) < 20:
            missing.append(f"typed {typed}, the transcript has {shown}")
    after = left_behind() - before
    if done.returncode != 0 or missing or after:
        print(said)
        print(f"exit {done.returncode}; not said: {missing}; left: {after}")
        return 1
    print(f"{len(EXPECTED[story])} things said, nothing left behind")
    return 0


if __name__ == "__main__":
    sys.exit(main())
