#!/usr/bin/env python3
"""cmake --install lays exactly what expected.txt says, with these modes,
whatever the umask; and never overwrites a configuration that is there.

usage: tree.py BUILD PROGRAM...   (the programs that the build has)
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import expected

CONF = "etc/depot/depot.conf"


def install(build, root):
    subprocess.run(["cmake", "--install", build], check=True,
                   stdout=subprocess.DEVNULL,
                   env={**os.environ, "DESTDIR": str(root)})


def check_man_pages(root):
    pages = sorted((root / "usr/share/man").rglob("*.[158]"))
    assert len(pages) == 4, pages
    for page in pages:
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", "-z", page],
            check=True, capture_output=True, text=True)
        assert not done.stderr, done.stderr


def main():
    build, programs = sys.argv[1], sys.argv[2:]
    for umask in (0o022, 0o077):
        os.umask(umask)
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            install(build, root)
            lines = expected.laid(root)
            expected.compare(lines, expected.expected(programs))
            print(f"{len(lines)} paths as expected under umask {umask:04o}")
            check_man_pages(root)
            (root / CONF).write_text("mine", "utf-8")
            install(build, root)
            assert (root / CONF).read_text("utf-8") == "mine"
    return 0


if __name__ == "__main__":
    sys.exit(main())
