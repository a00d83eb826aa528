#!/usr/bin/python3
"""The decoder that was written from docs/format/delta.md reads what depot
writes, and says the same of it; what depot refuses, it refuses too.

usage: delta_agree.py DELTA_TOOL BENCH_FEED

Method: the golden segment, its zstd frame, the golden first deltas of an heir,
random deltas of every kind of entry and of none, and the deltas of a feed that a
store sealed, decoded by both and compared line by line; then bits of the
packs turned one at a time, and none of that decodes to anything else. The word
of the heir's parent is checked, and no longer fits with any of it changed.
"""

import os
import random
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import delta_decode  # noqa: E402  (stands beside this file)

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL, FEED = sys.argv[1:]
SITE, EPOCH = 3, 1  # of the feed that FEED seals
SEEDS = (1, 2, 3)
TURNS = 150


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stderr[-2000:])
    return done.stdout


def decoded(path):
    return run("/usr/bin/python3", os.path.join(HERE, "delta_decode.py"), path)


def agree(path, least):
    ours, theirs = run(TOOL, "dump", path), decoded(path)
    assert len(theirs.splitlines()) >= least, path
    for number, (a, b) in enumerate(zip(ours.splitlines(),
                                        theirs.splitlines())):
        assert a == b, f"{path}, entry {number + 1}:\n{a}\n{b}"
    assert ours == theirs, path
    return theirs


def golden(scratch, name):
    """The golden segment as one pack, plain or in a frame of zstd."""
    folder = os.path.join(HERE, "delta")
    path = os.path.join(scratch, name)
    with open(path, "w", encoding="ascii") as out:
        for file in ("segment.hex", "zstd.hex"):
            with open(os.path.join(folder, file), encoding="ascii") as lines:
                out.writelines(
                    line.replace(name, "pack") for line in lines
                    if line.split()[0] in ("net", "key", name))
    return path


def is_heir(rows, net, parent):
    try:
        delta_decode.heir_check(rows, net, parent)
    except delta_decode.Wrong:
        return False
    return True


def heir(scratch):
    """The golden heir: who vouches for it, and what it tells again."""
    path = os.path.join(scratch, "heir")
    with open(os.path.join(HERE, "delta", "heir.hex"),
              encoding="ascii") as file:
        lines = file.read().splitlines()
    said = {name: bytes.fromhex(text)
            for name, _, text in (line.partition(" ") for line in lines)}
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(
            f"{name} {said[given].hex()}" for name, given in
            (("net", "net"), ("key", "key"), ("pack", "plain"))) + "\n")
    agree(path, 7)
    rows = list(delta_decode.decode(path))
    head, founding, succession = rows[0][0], rows[0][3], rows[1][3]
    assert delta_decode.heir_check(rows[:2], said["net"],
                                   said["parent"]) == said["key"]
    assert delta_decode.statement(head, said["key"],
                                  dict(succession)) == said["statement"]
    assert not is_heir(rows[:2], said["net"], said["key"])
    assert not is_heir(rows[:2], bytes(16), said["parent"])
    assert not is_heir(rows[1:3], said["net"], said["parent"])
    changed = 0
    for name in ("site", "epoch"):
        other = [({**head, name: head[name] + 1}, *rows[0][1:]), rows[1]]
        assert not is_heir(other, said["net"], said["parent"])
        changed += 1
    for tag in (delta_decode.PARENT_EPOCH, delta_decode.PARENT_SEQ):
        fields = [(one, value + (one == tag)) if isinstance(value, int)
                  else (one, value) for one, value in succession]
        other = [rows[0], (*rows[1][:3], fields)]
        assert not is_heir(other, said["net"], said["parent"])
        changed += 1
    # Entries that are told again name their places in the epoch before.
    again = [(dict(fields).get(10, 0), dict(fields).get(11, 0))
             for _, _, kind, fields in rows if kind == 2]
    before = 2 << 40
    assert again == [(0, before | 55), (0, before | 56), (before | 62, 0),
                     (before | 63, 0)], again
    return changed + len(again)


def turned(path, scratch, seed):
    """Each bit that is turned is refused, or changes nothing signed."""
    with open(path, encoding="ascii") as file:
        lines = file.read().splitlines()
    expected = decoded(path)
    chance = random.Random(seed)
    refused = same = 0
    for _ in range(TURNS):
        which = chance.randrange(2, len(lines))
        name, _, text = lines[which].partition(" ")
        data = bytearray.fromhex(text)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        with open(scratch + "/turned", "w", encoding="ascii") as file:
            file.write("\n".join(lines[:which] + [f"{name} {data.hex()}"] +
                                 lines[which + 1:]) + "\n")
        found = []
        try:
            for head, number, *_ in delta_decode.decode(scratch + "/turned"):
                found.append((head["seq"], number))
            assert len(found) == len(expected.splitlines())
            same += 1
        except delta_decode.Wrong:
            refused += 1
    assert refused > TURNS * 9 // 10, (refused, same)
    return refused


def main():
    with tempfile.TemporaryDirectory() as scratch:
        packs = [golden(scratch, name) for name in ("plain", "zstd")]
        plain, zstd = [agree(path, 50) for path in packs]
        assert plain == zstd
        assert heir(scratch) == 8
        count = 0
        for seed in SEEDS:
            path = os.path.join(scratch, "random")
            with open(path, "w", encoding="ascii") as file:
                file.write(run(TOOL, "make", str(seed)))
            count += len(agree(path, 1000).splitlines())
        run(FEED, scratch + "/author", scratch + "/taker", "1", "50")
        with open(path, "w", encoding="ascii") as file:
            file.write(run(TOOL, "feed", scratch + "/author", str(SITE),
                           str(EPOCH)))
        sealed = len(agree(path, 10000).splitlines())
        refused = sum(turned(path, scratch, seed)
                      for seed, path in enumerate(packs))
    print(f"seeds {SEEDS}: {count} entries read alike, and {sealed} of a "
          f"store's feed; {refused} of {2 * TURNS} turned bits refused")


if __name__ == "__main__":
    main()
