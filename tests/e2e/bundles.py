"""Bundles taken apart and put together again, by somebody who knows their form
(docs/protocol/sync.md, "Bundles") and holds no key."""

HEAD = 9  # DEPOTBDL and the version
MASK = (1 << 64) - 1


def _turn(value, by):
    return (value << by | value >> (64 - by)) & MASK


def _rounds(v, count):
    for _ in range(count):
        v[0] = (v[0] + v[1]) & MASK
        v[1] = _turn(v[1], 13) ^ v[0]
        v[0] = _turn(v[0], 32)
        v[2] = (v[2] + v[3]) & MASK
        v[3] = _turn(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & MASK
        v[3] = _turn(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & MASK
        v[1] = _turn(v[1], 17) ^ v[2]
        v[2] = _turn(v[2], 32)


def checksum(before, data):
    """SipHash-2-4 under the key "depot v1" and @before."""
    keys = (int.from_bytes(b"depot v1", "little"),
            int.from_bytes(before.to_bytes(8, "big"), "little"))
    v = [keys[0] ^ 0x736f6d6570736575, keys[1] ^ 0x646f72616e646f6d,
         keys[0] ^ 0x6c7967656e657261, keys[1] ^ 0x7465646279746573]
    whole = len(data) // 8 * 8
    last = data[whole:].ljust(7, b"\0") + bytes([len(data) & 255])
    for at in range(0, whole + 8, 8):
        word = int.from_bytes(last if at == whole else data[at:at + 8],
                              "little")
        v[3] ^= word
        _rounds(v, 2)
        v[0] ^= word
    v[2] ^= 255
    _rounds(v, 4)
    return int.from_bytes((v[0] ^ v[1] ^ v[2] ^ v[3]).to_bytes(8, "little"),
                          "big")


def blocks(data):
    """The contents of its blocks: the first, the packs; the end left out."""
    found, at, chain = [], HEAD, 0
    while True:
        size = int.from_bytes(data[at:at + 4], "big")
        chain = checksum(checksum(chain, data[at:at + 4]),
                         data[at + 4:at + 4 + size])
        at += 4 + size + 8
        if data[at - 8:at] != chain.to_bytes(8, "big"):
            raise AssertionError("this is not how a bundle is checked")
        if size == 0:
            return found
        found.append(data[at - 8 - size:at - 8])


def bundle(contents):
    """A whole bundle of @contents, with all its checksums right."""
    made, chain = b"DEPOTBDL\1", 0
    for content in [*contents, b""]:
        head = len(content).to_bytes(4, "big")
        chain = checksum(checksum(chain, head), content)
        made += head + content + chain.to_bytes(8, "big")
    return made


def varint(value):
    """In its shortest form."""
    made = b""
    while value >= 128:
        made += bytes([value & 127 | 128])
        value >>= 7
    return made + bytes([value])
