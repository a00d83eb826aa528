"""What the campaigns that are written in Python share: children whose output
is shown as it comes, and kept, and the totals at the end."""

import os
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("DEPOT_BUILD", os.path.join(ROOT, "build/dev"))
SKIPPED = 77


def run(command, environment=None, shown=lambda line: True):
    """Runs @command and shows the lines for which @shown is true. Returns its
    exit code, or minus the signal that ended it, and its lines."""
    lines = []
    with subprocess.Popen(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, **(environment or {})},
                          text=True, errors="replace") as child:
        for line in child.stdout:
            lines.append(line.rstrip("\n"))
            if shown(lines[-1]):
                print(lines[-1], flush=True)
    return child.returncode, lines


def end_of(code):
    """An exit code in words."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit {code}"


def close(totals, is_good):
    """Prints the totals, pairs of name and value, and ends the campaign."""
    print("TOTALS")
    for name, value in totals:
        print(f"{name}: {value}")
    sys.exit(0 if is_good else 1)
