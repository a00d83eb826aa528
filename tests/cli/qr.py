#!/usr/bin/env python3
"""A QR code that a program draws is read back by a reader that is not ours, as
what was put in. Method: texts of every length up to the bound, drawn in each
way there is, made into pictures here, read by ZXingReader.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = os.environ["DEPOT_BUILD"]
TOOL = os.path.join(BUILD, "tests/cli/cli_qr_tool")
TEXT_MAX = 256
SCALE = 4

# What is drawn is light: upper half, lower half.
LIGHT = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}


def run(way, text):
    return subprocess.run([TOOL, way, text], capture_output=True, check=False)


def pgm(rows):
    side = len(rows)
    body = b"".join(
        bytes(255 if light else 0 for light in row for _ in range(SCALE))
        * SCALE for row in rows)
    return b"P5\n%d %d\n255\n" % (side * SCALE, side * SCALE) + body


def picture_of_blocks(drawn):
    """The modules of half blocks, as a picture."""
    rows = []
    for line in drawn.splitlines():
        halves = [LIGHT[char] for char in line]
        rows.append([upper for upper, _ in halves])
        rows.append([lower for _, lower in halves])
    side = len(rows[0])
    assert side == len(rows) - len(rows) % 2 or side == len(rows) - 1, \
        (side, len(rows))
    return pgm([row for row in rows[:side]])


def picture_of_svg(svg):
    """The modules of the one path, as a picture."""
    side = int(re.search(r'viewBox="0 0 (\d+) ', svg).group(1))
    rows = [[1] * side for _ in range(side)]
    for x, y, run_ in re.findall(r"M(\d+) (\d+)h(\d+)v1", svg):
        for at in range(int(x), int(x) + int(run_)):
            rows[int(y)][at] = 0
    return pgm(rows)


def read_back(folder, picture):
    path = os.path.join(folder, "code.pgm")
    with open(path, "wb") as file:
        file.write(picture)
    said = subprocess.run(["ZXingReader", path], capture_output=True,
                          check=False).stdout.decode()
    found = re.search(r'^Text: *"(.*)"$', said, re.M)
    return found.group(1) if found else said


def texts():
    link = "https://192.168.178.123:8443/#pair=0123456789ABCDEF"
    yield link
    yield "1"
    yield "HTTPS://DEPOT/J/8ZQ4-C0DE"
    yield "仓库 hz-07"
    for size in range(8, TEXT_MAX + 1, 31):
        yield ("depot-" * TEXT_MAX)[:size]
    yield "x" * TEXT_MAX


def main():
    if shutil.which("ZXingReader") is None:
        print("SKIP: there is no ZXingReader here")
        return 1 if os.environ.get("CI") else 77
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        for text in texts():
            for way in ("plain", "colour", "picture", "svg"):
                done = run(way, text)
                assert done.returncode == 0, (way, text, done.stderr)
                if way == "picture":
                    picture = done.stdout
                elif way == "svg":
                    picture = picture_of_svg(done.stdout.decode())
                else:
                    drawn = done.stdout.decode()
                    if way == "colour":
                        assert drawn.startswith("\033[40;97m"), drawn[:9]
                        drawn = re.sub("\033\\[[0-9;]*m", "", drawn)
                    picture = picture_of_blocks(drawn)
                got = read_back(folder, picture)
                assert got == text, f"{way}: {got!r}, not {text!r}"
                count += 1
    for bad in ("", "x" * (TEXT_MAX + 1)):
        done = run("plain", bad)
        assert done.returncode == 1 and done.stdout == b"", done
        assert b"QR code" in done.stderr, done.stderr
    print(f"{count} codes were read back")
    assert count >= 40
    return 0


if __name__ == "__main__":
    sys.exit(main())
