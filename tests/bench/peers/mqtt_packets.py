"""What a stream of MQTT 5 is made of: packets, and of depot's frames in them
which (docs/protocol/sync.md)."""

from typing import NamedTuple

PUBLISH, PUBACK = 3, 4
NAMES = {1: "CONNECT", 2: "CONNACK", PUBACK: "PUBACK", 8: "SUBSCRIBE",
         9: "SUBACK", 12: "PINGREQ", 13: "PINGRESP", 14: "DISCONNECT"}
FRAMES = {1: "hello", 2: "have", 3: "want", 4: "batches", 5: "credit",
          6: "ack", 7: "head", 8: "proof", 9: "refuse", 13: "live"}


class Packet(NamedTuple):
    name: str    # of MQTT's packet, of depot's frame in a PUBLISH
    size: int    # all of it
    topic: int   # bytes
    payload: int
    number: int  # of a PUBLISH or its PUBACK; 0: none


def varint(data, at):
    """(value, where it ends)"""
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def u16(data, at):
    return int.from_bytes(data[at:at + 2], "big")


def publish(data, at, body, end):
    topic = u16(data, body)
    rest = body + 2 + topic
    number = 0
    if data[at] & 6:
        number = u16(data, rest)
        rest += 2
    properties, rest = varint(data, rest)
    rest += properties
    return Packet(FRAMES[data[rest] & 63], end - at, topic, end - rest, number)


def packets(data):
    """Of a stream from its first byte, or from any packet's."""
    at = 0
    while at < len(data):
        size, body = varint(data, at + 1)
        end, kind = body + size, data[at] >> 4
        if kind == PUBLISH:
            yield publish(data, at, body, end)
        else:
            number = u16(data, body) if kind == PUBACK else 0
            yield Packet(NAMES[kind], end - at, 0, 0, number)
        at = end


SETUP, HEADS, SESSION, NEWS = "connecting", "heads", "session", "news"
PARTS = {"head": HEADS, "live": NEWS}


def part_of(packet):
    if packet.name in NAMES.values():
        return SETUP
    return PARTS.get(packet.name, SESSION)


def parts(ways):
    """Bytes of both @ways by what they are for, and of those of the session
    and the news how many are frames. A PUBACK counts with what it is for."""
    streams = [list(packets(way)) for way in ways]
    sums = dict.fromkeys((SETUP, HEADS, SESSION, NEWS, "payload"), 0)
    for own, other in (streams, streams[::-1]):
        published = {one.number: part_of(one) for one in other if one.number
                     and one.name != "PUBACK"}
        for packet in own:
            part = published.get(packet.number, SETUP) \
                if packet.name == "PUBACK" else part_of(packet)
            sums[part] += packet.size
            if part in (SESSION, NEWS):
                sums["payload"] += packet.payload
    return sums
