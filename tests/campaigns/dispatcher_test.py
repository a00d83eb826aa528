#!/usr/bin/python3
"""tests/campaign calls passed what passed and nothing else, and records both.

Method: the real tests/campaign in a tree of its own, whose campaigns end each
in another way; what builds and installs does nothing there.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

CAMPAIGN = pathlib.Path(__file__).resolve().parents[1] / "campaign"
# name: (what it does, its verdict, what its record says)
CAMPAIGNS = {
    "good": ("echo work; echo TOTALS; echo lost: 0", "passed", "lost: 0"),
    "fails": ("echo TOTALS; echo lost: 1; exit 1", "failed", "lost: 1"),
    "killed": ("echo at work; kill -9 $$", "failed", "at work"),
    "dies-late": ("echo TOTALS; echo lost: 0; kill -9 $$", "failed",
                  "lost: 0"),
    "silent": ("echo all is well", "failed", "all is well"),
    "told": ("echo TOTALS; echo $1 of $DEPOT_SEED in $DEPOT_BUILD",
             "passed", "tiny of 7 in /nowhere"),
}


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)


def tree(root):
    for name, (text, _, _) in CAMPAIGNS.items():
        script(root / "tests/campaigns" / name, text)
    shutil.copy(CAMPAIGN, root / "tests/campaign")
    script(root / "gateway/install-packages", "exit 0")
    for name in ("cmake", "ninja"):
        script(root / "bin" / name, "exit 0")
    script(root / "bin/git", "echo 0123abc")


def run(root, *arguments):
    done = subprocess.run(
        [root / "tests/campaign", *arguments], capture_output=True, text=True,
        check=False, timeout=60,
        env={"PATH": f"{root}/bin:{os.environ['PATH']}", "DEPOT_SEED": "7",
             "DEPOT_BUILD": "/nowhere"})
    return done.returncode, done.stdout + done.stderr


def check(root, name, expected, said):
    """Twice: the second record is added to the first."""
    for times in (1, 2):
        code, output = run(root, name, "tiny")
        assert (code == 0) == (expected == "passed"), (name, code, output)
        record, = (root / "docs/campaigns").glob(f"{name}-*.md")
        text = record.read_text("utf-8")
        for line in (f": {expected}\n", f"\n{said}\n", "\n- seed: 7\n",
                     f"\n- command: tests/campaign {name} tiny\n",
                     "\n- commit: 0123abc\n"):
            assert text.count(line) == times, (name, line, text)
        other = {"passed": "failed", "failed": "passed"}[expected]
        assert f": {other}\n" not in text, (name, text)


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        tree(root)
        for name, (_, expected, said) in CAMPAIGNS.items():
            check(root, name, expected, said)
        for name in ("unknown", "", "../campaign", "--help"):
            code, output = run(root, name)
            assert code == 2 and "  good\n" in output, (name, code, output)
        count = len(list((root / "docs/campaigns").iterdir()))
        assert count == len(CAMPAIGNS), count
    print(f"{count} campaigns judged")


if __name__ == "__main__":
    sys.exit(main())
