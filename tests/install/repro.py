#!/usr/bin/env python3
"""Whoever builds a release from one source gets the same bytes, wherever the
source and the build lie.

Method: two copies of the source under names of different length, built in
folders of different depth; every archive, program and document compared. A
third, with one word changed, must differ, so that the comparison is known to
see.

usage: repro.py SOURCE PROGRAM...   (the programs that the build has)
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

PARTS = ("CMakeLists.txt", "LICENSE", "gateway", "rules", "store", "systemd",
         "docs")


def copy(source, target):
    target.mkdir(parents=True)
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part)
        else:
            shutil.copy(source / part, target / part)


def build(source, folder, targets):
    subprocess.run(["cmake", "-G", "Ninja", "-S", source, "-B", folder,
                    "-DDEPOT_PROFILE=release", "-DBUILD_TESTING=OFF"],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", folder, "-j", "2", "--quiet", *targets],
                   check=True)


def digests(folder, programs):
    wanted = set(programs) | {"depot.conf", "depot.conf.5"}
    return {str(p.relative_to(folder)):
            hashlib.sha256(p.read_bytes()).hexdigest()
            for p in folder.rglob("*") if p.is_file()
            and (p.suffix == ".a" or p.name in wanted)}


def main():
    source, programs = pathlib.Path(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        one, two = folder / "a" / "source", folder / "other" / "place" / "src"
        copy(source, one)
        copy(source, two)
        build(one, folder / "a" / "build", ["all"])
        build(two, two / "build" / "release", ["all"])
        first = digests(folder / "a" / "build", programs)
        second = digests(two / "build" / "release", programs)
        differ = sorted(n for n in first.keys() | second.keys()
                        if first.get(n) != second.get(n))
        print(f"{len(first)} files compared")
        assert not differ, differ
        # Seven libraries, two documents, the programs.
        assert len(first) >= 9 + len(programs), sorted(first)

        err = two / "rules" / "base" / "err.c"
        text = err.read_text("utf-8")
        assert '"not_found"' in text
        err.write_text(text.replace('"not_found"', '"not_there"'), "utf-8")
        build(two, two / "build" / "release", ["depot_base"])
        assert digests(two / "build" / "release", programs) != second
    return 0


if __name__ == "__main__":
    sys.exit(main())
