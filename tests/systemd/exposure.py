#!/usr/bin/env python3
"""systemd-analyze gives each unit an exposure of at most 1.0 (a link's 1.1, since
nobody can say beforehand at which address a far broker is), and knows every
directive in it.

Method: the review that systemd does offline; and the same unit with one line
of its sandbox taken out, which must be judged worse, so that the test is known
to look at the unit.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

LIMIT = 1.0
LIMIT_OF = {"depot-link@.service": 1.1}
REMOVED = "PrivateUsers=yes\n"


def exposure_of(path):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=100",
         "--no-pager", str(path)],
        capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)",
                      done.stdout)
    assert found, done.stdout + done.stderr
    # What systemd does not understand it names on stderr and skips.
    assert not done.stderr.strip(), done.stderr
    return float(found[1])


def main():
    for unit in map(pathlib.Path, sys.argv[1:]):
        exposure = exposure_of(unit)
        limit = LIMIT_OF.get(unit.name, LIMIT)
        print(f"{unit.name}: exposure {exposure}, at most {limit}")
        assert exposure <= limit
        text = unit.read_text("utf-8")
        assert REMOVED in text
        with tempfile.TemporaryDirectory() as folder:
            worse = pathlib.Path(folder) / unit.name
            worse.write_text(text.replace(REMOVED, ""), "utf-8")
            assert exposure_of(worse) > exposure
    assert len(sys.argv) == 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
