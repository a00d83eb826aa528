#!/usr/bin/python3
"""Reads deltas, from docs/format/delta.md and docs/format/journal.md alone: a
second opinion on what a pack holds, who signed it, and what is in its one form.

usage: delta_decode.py FILE

FILE has lines of "name hex": `net` the network's id, `key` the public key,
`pack` or `plain` packs of one feed, in order. Prints a line of JSON for each
entry. What is wrong ends it with a sentence.
"""

import hashlib
import json
import struct
import subprocess
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MASK = (1 << 64) - 1
NUMBERS = (1, 3, 10, 11, 12, 13, 14, 15)  # classes of wire type number
SYSTEM_BINS = (b"DOCK", b"PICKED", b"PACKED")
NEAR_MS = 60000


class Wrong(Exception):
    pass


def need(is_so, what):
    if not is_so:
        raise Wrong(what)


def zigzag(value):
    value &= MASK
    return (value << 1 ^ (MASK if value >> 63 else 0)) & MASK


def unzigzag(bits):
    return bits >> 1 ^ (MASK if bits & 1 else 0)


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def seconds(ms):
    value = signed(ms & MASK)
    return abs(value) // 1000 * (-1 if value < 0 else 1)


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def raw(self, size):
        need(self.at + size <= len(self.data), "cut short")
        self.at += size
        return self.data[self.at - size:self.at]

    def varint(self, least=0, most=MASK):
        start, value, shift = self.at, 0, 0
        while True:
            byte = self.raw(1)[0]
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                break
        need(value <= MASK and varint(value) == self.data[start:self.at],
             "a varint longer than it must be")
        need(least <= value <= most, f"{value} is out of its bounds")
        return value

    def u64(self):
        return struct.unpack(">Q", self.raw(8))[0]

    def span(self, most=4096):
        return self.raw(self.varint(most=most))

    def left(self):
        return len(self.data) - self.at


def prefix(tag, net):
    return tag.ljust(32, b"\0") + net


def blake(tag, net, data):
    return hashlib.blake2b(prefix(tag, net) + data, digest_size=32).digest()


# ---- the header ----

def header_bytes(head):
    out = varint(1) + varint(head["site"]) + varint(head["epoch"])
    out += varint(head["seq"]) + head["previous"]
    out += struct.pack(">Q", head["stamp"]) + varint(head["flags"])
    out += struct.pack(">Q", head["boot"])
    out += b"".join(map(varint, head["control"]))
    out += varint(len(head["needs"]))
    for one in head["needs"]:
        out += b"".join(map(varint, one))
    for name in ("first", "rules", "row_count", "rows_size"):
        out += varint(head[name])
    return out + head["rows_hash"]


def header_check(head):
    is_first = head["seq"] == 1
    need(head["flags"] < 4, "flags of a newer depot")
    need((head["first"] == 1) == is_first and head["first"] >= head["seq"],
         "first")
    need((head["previous"] == bytes(32)) == is_first, "previous")
    need(not is_first or head["flags"] & 2, "seq 1 begins a segment")
    need((head["control"][0] == 0) == (head["control"][1] == 0), "control")
    feeds = [one[:2] for one in head["needs"]]
    need(feeds == sorted(set(feeds)) and
         (head["site"], head["epoch"]) not in feeds, "needs")
    need(head["row_count"] <= head["rows_size"], "rows size")


# ---- packs ----

def small_header(reader, before, has_hash):
    marks = reader.varint()
    ms = (before["stamp"] >> 16) + signed(unzigzag(reader.varint()))
    need(0 <= ms < 1 << 48, "stamp")
    head = {"flags": marks >> 4,
            "stamp": ms << 16 | reader.varint(most=65535),
            "boot": before["boot"] if marks & 1 else reader.u64()}
    head["control"] = (before["control"] if marks & 2 else
                       (reader.varint(most=(1 << 24) - 1),
                        reader.varint(most=(1 << 40) - 1)))
    head["rules"] = (before["rules"] if marks & 4 else
                     reader.varint(most=(1 << 32) - 1))
    head["needs"] = []
    if marks & 8:
        for _ in range(reader.varint(1, 8)):
            head["needs"].append((reader.varint(1, (1 << 32) - 1),
                                  reader.varint(1, (1 << 24) - 1),
                                  reader.varint(1)))
    due = ((head["boot"] == before["boot"]) |
           (head["control"] == before["control"]) << 1 |
           (head["rules"] == before["rules"]) << 2 |
           bool(head["needs"]) << 3)
    need(marks & 15 == due, "a mark that is not due")
    head["row_count"] = reader.varint(1, 1024)
    head["rows_size"] = reader.varint(1, 28672)
    head["rows_hash"] = reader.raw(32) if has_hash else None
    return head


def unzstd(data, size):
    done = subprocess.run(["zstd", "-dcq"], input=data, capture_output=True,
                          check=False)
    need(done.returncode == 0 and len(done.stdout) == size, "the frame")
    return done.stdout


def unpack(data, net, previous, first):
    """The deltas of a pack: (header, signature, rows)."""
    need(len(data) <= 32768, "a pack too long")
    reader = Reader(data)
    need(reader.varint() == 1, "version")
    codec = reader.varint(1, 2)
    site, epoch = reader.varint(1), reader.varint(1)
    reader.varint()  # the branch
    seq = reader.varint(1)
    count = reader.varint(1, 256)
    rows_size = reader.varint(1, min(262144, 8 * len(data) + 65536))
    need(reader.raw(4) == previous[:4], "follows another one")
    before = {"stamp": 0, "boot": 0, "control": (0, 0), "rules": 0}
    heads = []
    for _ in range(count):
        before = small_header(reader, before, codec == 2)
        heads.append((before, reader.raw(64)))
    need(sum(head["rows_size"] for head, _ in heads) == rows_size, "sizes")
    rows = reader.raw(reader.left())
    if codec == 2:
        rows = unzstd(rows, rows_size)
    need(len(rows) == rows_size, "rows")
    rows = Reader(rows)
    deltas = []
    for head, signature in heads:
        mine = rows.raw(head["rows_size"])
        rows_hash = blake(b"depot rows v1", net, mine)
        need(head["rows_hash"] in (None, rows_hash), "hash of the rows")
        head.update(site=site, epoch=epoch, seq=seq, previous=previous,
                    first=first, rows_hash=rows_hash)
        header_check(head)
        deltas.append((head, signature, mine))
        seq += 1
        first += head["row_count"]
        previous = blake(b"depot delta v1", net, header_bytes(head))
    return deltas, previous, first


# ---- rows ----

def classes():
    """{(kind or 0, tag): class} from the document's own tables."""
    names = {"const number": 1, "const bytes": 2, "number": 3, "bytes": 4,
             "item": 5, "place": 6, "home": 7, "ref": 8, "name": 9,
             "stamp": 10, "effective": 13, "pos": 15, "left out": None}
    path = __file__.rpartition("/")[0] + "/../../docs/format/delta.md"
    found, kind = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = [word.strip() for word in line.split("|")]
            if line.startswith("#"):
                head = line.split()[1]
                kind = 0 if head == "Head" else int(head) if (
                    line.startswith("### ") and head.isdigit()) else None
            elif kind is not None and len(words) == 5 and words[1].isdigit():
                found[kind, int(words[1])] = names[words[3]]
    need(len(found) > 100, "the document has no tables")
    return found


class Window:
    def __init__(self, capacity, longest):
        self.capacity, self.longest = capacity, longest
        self.texts, self.slots, self.added, self.last = [], {}, 0, 0

    def add(self, text):
        need(text not in self.slots, "a text that is there, told again")
        need(len(text) <= self.longest, "a text too long")
        slot = self.added % self.capacity
        if self.added >= self.capacity:
            del self.slots[self.texts[slot]]
            self.texts[slot] = text
        else:
            self.texts.append(text)
        self.slots[text] = slot
        self.added += 1
        return slot

    def newest(self):
        return (self.texts[(self.added - 1) % self.capacity] if self.added
                else b"")


class Segment:
    KNOWN = classes()

    def __init__(self):
        self.shapes = Window(1023, 320)
        self.items = Window(8191, 64)
        self.places = Window(4095, 40)
        self.refs = Window(1023, 64)
        self.names = Window(1023, 96)
        self.of_class = {5: self.items, 6: self.places, 7: self.places,
                         8: self.refs, 9: self.names}
        self.homes = {}
        self.stamp = self.effective = 0

    def known(self, kind, tag):
        return self.KNOWN.get((0 if tag < 16 else kind, tag))

    # - shapes -

    def shape_parse(self, reader):
        start = reader.at
        kind, count, last, fields = reader.varint(1), reader.varint(), 0, []
        need(count <= 48, "a shape of too many fields")
        for _ in range(count):
            tag, klass = reader.varint(), reader.raw(1)[0]
            value = None
            need(tag > last and tag not in (6, 7) and 1 <= klass <= 15,
                 "a shape's tag or class")
            if klass == 1:
                value = reader.varint(1)
            elif klass == 2:
                value = reader.span()
                need(value, "an empty constant")
            self.class_check(kind, tag, klass, value)
            fields.append((tag, klass, value))
            last = tag
        return kind, fields, reader.data[start:reader.at]

    def class_check(self, kind, tag, klass, value):
        known = self.known(kind, tag)
        if known is None:
            need(klass < 10 or klass == 15, "a time that is none")
        elif klass == 2:
            need(self.class_of(known, value) == 2, "a constant that is none")
        elif klass in NUMBERS:
            right = {1: (1,), 15: (15,), 10: (10, 3),
                     13: (11, 12, 13, 14)}.get(known, (3,))
            need(klass in right, f"class {klass} for field {tag}")
        elif klass != 4:
            need(klass == known, f"class {klass} for field {tag}")

    @staticmethod
    def class_of(known, value):
        """The class of a field of class @known whose value is these bytes."""
        longest = {2: 32, 5: 64, 6: 40, 7: 40, 8: 64, 9: 96}.get(known, 0)
        if len(value) > longest:
            return 4
        return 2 if known == 7 and value in SYSTEM_BINS else known

    # - values -

    def text(self, reader, klass, row):
        window = self.of_class[klass]
        code = reader.varint()
        expected = (self.homes.get(row.get("item")) if klass == 7
                    else window.last)
        if expected is not None and expected >= len(window.texts):
            expected = None
        if code == 0:
            newest = window.newest()
            shared = reader.varint(most=len(newest))
            rest = reader.span(window.longest)
            need(rest[:1] != newest[shared:shared + 1] or not rest,
                 "less shared than could be")
            need(shared + len(rest) > 0, "an empty text")
            slot = window.add(newest[:shared] + rest)
            if klass == 5:
                self.homes.pop(slot, None)
        elif klass == 8:
            need(code <= len(window.texts), "a reference that is not there")
            slot = (window.added - code) % window.capacity
        elif code == 1:
            need(expected is not None, "nothing is expected")
            slot = expected
        else:
            slot = code - 2
            need(slot < len(window.texts) and slot != expected, "a slot")
        if klass == 7:
            if "item" in row:
                self.homes[row["item"]] = slot
        else:
            window.last = slot
        if klass == 5:
            row["item"] = slot
        return window.texts[slot]

    def follows(self, stamp):
        ms = (stamp >> 16) - (self.stamp >> 16)
        return stamp > self.stamp and self.after(ms) == stamp

    def after(self, ms):
        return (self.stamp + 1 if ms == 0
                else ((self.stamp >> 16) + ms << 16) & MASK)

    def effective_class(self, stamp_ms, effective):
        late = signed(stamp_ms - effective & MASK)
        is_near = -NEAR_MS < late < NEAR_MS
        if signed(effective) % 1000 == 0:
            return 12 if is_near else 14
        return 11 if is_near else 13

    def effective_read(self, code, klass, stamp_ms):
        number = signed(unzigzag(code))
        value = {11: lambda: stamp_ms - number,
                 12: lambda: (seconds(stamp_ms) - number) * 1000,
                 13: lambda: self.effective + number,
                 14: lambda: (seconds(self.effective) + number) * 1000,
                 }[klass]() & MASK
        again = {11: lambda: stamp_ms - value,
                 12: lambda: seconds(stamp_ms) - seconds(value),
                 13: lambda: value - self.effective,
                 14: lambda: seconds(value) - seconds(self.effective),
                 }[klass]()
        need(self.effective_class(stamp_ms, value) == klass and
             zigzag(again) == code, "an effective time's form")
        return value

    def value(self, reader, kind, field, pos, row):
        tag, klass, constant = field
        if klass in (1, 2):
            return constant
        if klass in (4, 5, 6, 7, 8, 9):
            value = (reader.span() if klass == 4
                     else self.text(reader, klass, row))
            known = self.known(kind, tag)
            need(value and (known is None or
                            self.class_of(known, value) == klass),
                 f"field {tag} has another class")
            return value
        number = reader.varint()
        if klass == 10:
            number = self.after(number)
            need(self.follows(number), "a stamp")
        elif klass == 15:
            number = pos - unzigzag(number) & MASK
        elif klass == 3:
            need(tag != 1 or not self.follows(number), "a stamp as a number")
        else:
            number = zigzag(self.effective_read(number, klass, row["ms"]) -
                            row["ms"])
        need(number != 0, "a zero")
        return number

    def row(self, reader, pos):
        """(kind, [(tag, value)]) of the next row."""
        code = reader.varint()
        if code == 1:
            return self.whole(reader.span())
        if code == 0:
            kind, fields, shape = self.shape_parse(reader)
            self.shapes.add(shape)
        else:
            need(code - 2 < len(self.shapes.texts), "a shape never told")
            kind, fields, _ = self.shape_parse(
                Reader(self.shapes.texts[code - 2]))
        row = {"ms": 0}
        values = []
        for field in fields:
            value = self.value(reader, kind, field, pos, row)
            if field[0] == 1 and isinstance(value, int):
                row["ms"], row["stamp"] = value >> 16, value
            values.append((field[0], value))
        self.times_move(row, dict(values))
        return kind, values

    def times_move(self, row, values):
        if "stamp" in row:
            self.stamp = row["stamp"]
            self.effective = row["ms"]
        if isinstance(values.get(2), int):
            self.effective = row["ms"] + unzigzag(values[2]) & MASK

    def whole(self, data):
        reader = Reader(data)
        need(reader.varint() == 1, "format")
        kind, values, last = reader.varint(1), [], 0
        while reader.left():
            key = reader.varint()
            value = reader.span() if key & 1 else reader.varint()
            need(key >> 1 > last and value and key >> 1 not in (6, 7),
                 "an entry as it is")
            last = key >> 1
            values.append((last, value))
        need(len(values) > 48 or self.shape_size(kind, values) > 320,
             "an entry that has a shape")
        return kind, values

    def shape_size(self, kind, values):
        size = len(varint(kind)) + len(varint(len(values)))
        for tag, value in values:
            known = self.known(kind, tag)
            size += len(varint(tag)) + 1
            if isinstance(value, int):
                size += len(varint(value)) if known == 1 else 0
            elif known and self.class_of(known, value) == 2:
                size += len(varint(len(value))) + len(value)
        return size


# ---- an heir ----

FOUNDING, SUCCESSION = 1, 19
FOUNDING_KEY = 19  # tags of docs/format/journal.md
PARENT_EPOCH, PARENT_SEQ, PARENT_HASH, WORD = 16, 17, 18, 22


def statement(head, key, succession):
    """What the parent's key signs about the epoch of that first delta."""
    return (varint(head["site"]) + varint(head["epoch"]) + key +
            varint(succession[PARENT_EPOCH]) + varint(succession[PARENT_SEQ]) +
            succession[PARENT_HASH])


def heir_check(rows, net, parent_key):
    """The key that the parent's vouches for. @rows: what decode yields of the
    first two rows of an epoch."""
    (head, _, first, founding), (_, _, second, succession) = rows
    need((head["seq"], first, second) == (1, FOUNDING, SUCCESSION),
         "not an heir's first rows")
    key, succession = dict(founding)[FOUNDING_KEY], dict(succession)
    need(succession[PARENT_EPOCH] < head["epoch"], "a parent that came later")
    try:
        Ed25519PublicKey.from_public_bytes(parent_key).verify(
            succession[WORD], prefix(b"depot heir v1", net) +
            statement(head, key, succession))
    except InvalidSignature:
        raise Wrong("the parent's word") from None
    return key


# ---- a file ----

def lines_of(path):
    with open(path, encoding="ascii") as file:
        for line in file:
            name, _, text = line.partition(" ")
            yield name, bytes.fromhex(text)


def decode(path):
    """Yields (header, row number, kind, fields) of every entry of a file."""
    net, key, previous, first = b"", None, bytes(32), 1
    segment = Segment()
    for name, data in lines_of(path):
        if name == "net":
            net = data
        elif name == "key":
            key = Ed25519PublicKey.from_public_bytes(data)
        elif name in ("pack", "plain", "zstd"):
            deltas, previous, first = unpack(data, net, previous, first)
            for head, signature, rows in deltas:
                try:
                    key.verify(signature,
                               prefix(b"depot delta v1 signature", net) +
                               header_bytes(head))
                except InvalidSignature:
                    raise Wrong("signature") from None
                if head["flags"] & 2:
                    segment = Segment()
                reader = Reader(rows)
                for index in range(head["row_count"]):
                    number = head["first"] + index
                    yield (head, number, *segment.row(
                        reader, head["epoch"] << 40 | number))
                need(reader.left() == 0, "more than the rows")


def printed(value):
    return value if isinstance(value, int) else value.hex()


def main():
    try:
        for head, number, kind, fields in decode(sys.argv[1]):
            print(json.dumps(
                {"site": head["site"], "epoch": head["epoch"],
                 "seq": head["seq"], "number": number, "kind": kind,
                 "fields": [[tag, printed(value)] for tag, value in fields]},
                separators=(",", ":")))
    except Wrong as wrong:
        sys.exit(f"not a delta in its one form: {wrong}")


if __name__ == "__main__":
    main()
