#!/usr/bin/env python3
"""systemd understands every unit of the package, as it would load it.

Method: a folder that looks like a system on which the package is installed,
and systemd-analyze verify in it; then a unit with a directive that there is
not, and one whose program is not there, which it must name, so that the test
is known to look at the units.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

UNITS = "usr/lib/systemd/system"
UNITS_MIN = 5
# What the units want, order themselves by or run in.
OF_SYSTEMD = ("basic", "network", "network-online", "multi-user", "shutdown",
              "sysinit", "system.slice", "-.slice")


def installed(root, units):
    """The package's units below @root, and what their commands name."""
    folder = root / UNITS
    folder.mkdir(parents=True)
    for name in OF_SYSTEMD:
        unit = name if "." in name else name + ".target"
        (folder / unit).write_text(f"[Unit]\nDescription={name}\n")
    for unit in units:
        text = unit.read_text("utf-8")
        (folder / unit.name).write_text(text, "utf-8")
        for program in re.findall(r"^Exec\w+=[-+!@:]*(/\S+)", text, re.M):
            path = root / program[1:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("#!/bin/sh\n")
            path.chmod(0o755)
    return folder


def verdict(root, unit):
    """What systemd has to say against it."""
    name = unit.replace("@.", "@far.")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={root}", name],
        capture_output=True, text=True, check=False)
    return done.stderr.strip()


def main():
    units = sorted(path for path in pathlib.Path(sys.argv[1]).iterdir()
                   if path.suffix in (".service", ".path", ".socket"))
    assert len(units) >= UNITS_MIN, units
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        there = installed(root, units)
        for unit in units:
            said = verdict(root, unit.name)
            print(f"{unit.name}: {said or 'understood'}")
            assert not said, said
        worse = there / "worse.service"
        worse.write_text("[Service]\nExecStart=/usr/bin/depot\nProtectAll=1\n")
        assert "ProtectAll" in verdict(root, worse.name)
        worse.write_text("[Service]\nExecStart=/usr/bin/not-there\n")
        assert "not-there" in verdict(root, worse.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
