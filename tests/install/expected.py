"""What an install must lay, and what it laid, as lines "mode path"."""

import pathlib
import stat

PROGRAMS = {"depotd": "/usr/sbin/depotd", "depot": "/usr/bin/depot",
            "depot-link": "/usr/sbin/depot-link"}
EXPECTED = pathlib.Path(__file__).with_name("expected.txt")


def expected(programs):
    """The lines of expected.txt; a program that has no source yet is not
    expected."""
    absent = {path for name, path in PROGRAMS.items() if name not in programs}
    lines = [line for line in EXPECTED.read_text("utf-8").splitlines()
             if line and not line.startswith("#")]
    return [line for line in lines if line.split()[1] not in absent]


def laid(root):
    """Every file below @root, and the folders named depot."""
    lines = []
    for path in sorted(root.rglob("*")):
        if path.is_dir() and "depot" not in str(path.relative_to(root)):
            continue
        mode = stat.S_IMODE(path.lstat().st_mode)
        lines.append(f"{mode:04o} /{path.relative_to(root)}")
    return lines


def compare(got, want):
    for line in sorted(set(got) ^ set(want), key=lambda x: x.split()[1]):
        print("unexpected:" if line in got else "missing:   ", line)
    assert sorted(got) == sorted(want), "see above"
