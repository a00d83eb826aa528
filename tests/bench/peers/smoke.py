#!/usr/bin/python3
"""The bench of peers counts what passes and judges by what is there.

Method: nothing is installed and nothing leaves this machine. The proxy gets
known bytes, also more than buffers hold in both directions at once; the whole
bench runs on a peer of its own making (toy_peer.py), honest and not; verdicts
are asked of counts made by hand; and the lock of the npm packages names each
with its hash, and no place to get it from.
"""

import json
import os
import re
import socket
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import accident  # noqa: E402  (stand beside this file)
import movements  # noqa: E402
import mqtt_packets  # noqa: E402
import sync_cost  # noqa: E402
import tables  # noqa: E402
from program import Failed, Peer  # noqa: E402
from proxy import Proxy  # noqa: E402

BIG = 8 << 20  # more than sockets hold


def same(actual, expected, what):
    assert actual == expected, f"{what}: {actual!r}, expected {expected!r}"


# ---- the proxy ----

def serve_once(listener, serve):
    def run():
        connection, _ = listener.accept()
        with connection:
            serve(connection)
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def receive(connection, size):
    got = 0
    while got < size:
        chunk = connection.recv(1 << 16)
        assert chunk, f"the end after {got} of {size}"
        got += len(chunk)


def exchange(connection):
    """BIG bytes each way at once, whoever reads first."""
    sender = threading.Thread(target=connection.sendall, args=(bytes(BIG),))
    sender.start()
    receive(connection, BIG)
    sender.join()


def the_proxy_counts_bytes_turns_and_connections():
    def echo(connection):
        for size in (5, 7):
            receive(connection, size)
            connection.sendall(bytes(10 * size))
    with socket.create_server(("127.0.0.1", 0)) as listener, \
            Proxy(listener.getsockname()[1]) as proxy:
        for number in (1, 2):
            server = serve_once(listener, echo)
            with socket.create_connection(("127.0.0.1", proxy.port)) as near:
                for size in (5, 7):
                    near.sendall(bytes(size))
                    receive(near, 10 * size)
            server.join()
            same(proxy.counts(), (12 * number, 120 * number, 4 * number,
                                  number), "out, back, turns, connections")
        same(proxy.counts().round_trips, 4, "round trips")
        same((proxy.counts() - proxy.counts()).bytes, 0, "difference")


def the_proxy_passes_both_ways_at_once():
    with socket.create_server(("127.0.0.1", 0)) as listener, \
            Proxy(listener.getsockname()[1]) as proxy:
        server = serve_once(listener, exchange)
        with socket.create_connection(("127.0.0.1", proxy.port)) as near:
            exchange(near)
        server.join()
        same(proxy.settle(quiet=0.05)[:2], (BIG, BIG), "out, back")


def what_passes_is_kept_if_that_is_wanted():
    def echo(connection):
        receive(connection, 5)
        connection.sendall(b"abc")
    with socket.create_server(("127.0.0.1", 0)) as listener, \
            Proxy(listener.getsockname()[1], keeps=True) as proxy:
        server = serve_once(listener, echo)
        with socket.create_connection(("127.0.0.1", proxy.port)) as near:
            near.sendall(b"12345")
            receive(near, 3)
        server.join()
        same(proxy.kept(), (b"12345", b"abc"), "kept")
        same(proxy.kept(), (b"", b""), "kept since")
        assert 4 < proxy.segments() < 40, proxy.segments()


def mqtt_published(topic, number, payload):
    body = (len(topic).to_bytes(2, "big") + topic.encode()
            + number.to_bytes(2, "big") + b"\0" + payload)
    assert len(body) < 128
    return bytes([0x32, len(body)]) + body


def a_stream_of_mqtt_is_told_apart():
    """A packet of each part, and a PUBACK for each, in the other stream."""
    hello, head, live = bytes([0x41]), bytes([0x47]), bytes([0x4d])
    out = (b"\x10\x02ab" + mqtt_published("req", 7, hello + b"12")
           + b"\x40\x02\x00\x09" + b"\x40\x02\x00\x08" + b"\xe0\x00")
    back = (b"\x20\x01a" + mqtt_published("head", 8, head + b"1")
            + b"\x40\x02\x00\x07" + mqtt_published("live", 9, live))
    same(mqtt_packets.parts((out, back)),
         {mqtt_packets.SETUP: 4 + 2 + 3, mqtt_packets.SESSION: 13 + 4,
          mqtt_packets.HEADS: 13 + 4, mqtt_packets.NEWS: 12 + 4,
          "payload": 3 + 1}, "parts")


# ---- the whole bench on a toy ----

def toy(*options):
    return Peer("toy", [os.path.join(HERE, "toy_peer.py"), *options])


def the_bench_measures_a_peer():
    texts = movements.made("toy", sync_cost.needed(sync_cost.TINY))
    with tempfile.TemporaryDirectory() as folder:
        figures = sync_cost.measure(toy(), folder, texts, sync_cost.TINY)
    lines = sum(len(text) + 1 for text in texts[:sync_cost.TINY.bulk])
    # The toy sends a number a feed, and is answered with lines.
    same(figures["bulk"]["bytes"], lines + len("0\n"), "bytes in bulk")
    for key in ("bulk", "in_sync", "urgent", "one_feed", "all_feeds"):
        same((figures[key]["connections"], figures[key]["round_trips"]),
             (1, 1), f"connections, round trips of {key}")
        assert figures[key]["bytes"] > 0, key
    assert figures["bulk"]["receiver_kib"] > 1000, figures["bulk"]
    return figures


def a_peer_that_does_not_deliver_has_no_figures():
    texts = movements.made("toy", sync_cost.needed(sync_cost.TINY))
    with tempfile.TemporaryDirectory() as folder:
        try:
            sync_cost.measure(toy("--lose"), folder, texts, sync_cost.TINY)
        except Failed as failed:
            assert "lacks 1" in str(failed), failed
            return
    raise AssertionError("a movement was lost and nobody noticed")


def played(*options):
    with tempfile.TemporaryDirectory() as folder:
        return accident.play(toy(*options), folder)


def the_accident_is_judged_by_what_is_in_the_replicas():
    lost = played()
    same(lost["verdict"], "100 lost silently", "a version vector")
    same(lost["evidence"]["reader"],
         {"common": 100, "orphans": 100, "others": 50, "after": 1,
          "hidden": 0, "damaged": 0}, "the reader's replica")
    same(lost["evidence"]["writer"]["others"], 150, "the writer's")
    same(played("--careful")["verdict"], "fork proved (64 B); "
         "reader gets nothing more; 151 not at the reader",
         "one that compares hashes")
    accident.LIMIT = 1  # the slower, the surer
    same(played("--hang")["verdict"], "stuck without a word; reader gets "
         "nothing more; 151 not at the reader",
         "one that says nothing")
    return lost


# ---- verdicts ----

def evidence(in_sync=True, errors=(), forks=(), told=(), after_taken=1,
             is_unreadable=False, **reader):
    counts = {**accident.SIZES, "hidden": 0, "damaged": 0, **reader}
    return {"sizes": accident.SIZES, "in_sync": [in_sync], "reader": counts,
            "errors": list(errors), "forks": list(forks), "told": list(told),
            "after_taken": after_taken, "is_unreadable": is_unreadable}


VERDICTS = [
    (evidence(), {"merged_unnoticed": 1}),
    (evidence(told=["set back"]), {"told": 1, "kept": 1}),
    (evidence(told=["set back"], orphans=40), {"missing": 60, "told": 1}),
    (evidence(orphans=0), {"lost_silently": 100}),
    (evidence(orphans=0, common=0), {"lost_silently": 200}),
    (evidence(orphans=40, hidden=60), {"hidden": 60}),
    (evidence(others=149, damaged=1), {"lost_silently": 1, "damaged": 1}),
    (evidence(forks=[{"bytes": 350}, {"bytes": 340}]),
     {"fork_proved": 350, "kept": 1}),
    (evidence(forks=[{"bytes": 164}], others=0, after=0, after_taken=0,
              errors=["closed"]),
     {"fork_proved": 164, "writer_closed": 1, "missing": 150}),
    (evidence(errors=["a", "b"], in_sync=False, others=0, after=0),
     {"exception": 2, "reader_closed": 1, "missing": 151}),
    (evidence(in_sync=False, others=0, after=0),
     {"stuck": 1, "reader_closed": 1, "missing": 151}),
    (evidence(is_unreadable=True, errors=["closed"]),
     {"exception": 1, "unreadable": 1}),
]


def each_verdict_follows_from_counts():
    seen = set()
    for given, expected in VERDICTS:
        findings = dict(accident.verdict(given))
        same(findings, expected, given)
        assert accident.verdict_text(findings.items()), given
        seen |= set(findings)
    same(seen, set(accident.TEXTS), "verdicts")
    return len(VERDICTS)


def an_entry_is_hidden_damaged_or_shown():
    sets = {"a": ["1", "2"], "b": ["3"]}
    found = [{"movement": "1"}, {"movement": "2", "hidden": True},
             {"movement": "1", "hidden": True}, {"movement": "3x"}]
    same(accident.census(found, sets),
         {"a": 1, "b": 0, "hidden": 1, "damaged": 1}, "census")


# ---- what is written ----

def a_peer_that_is_not_there_has_a_reason_and_no_number(figures, lost):
    result = {"about": {"name": "Toy", "version": "1", "verifies": "nothing"},
              "wire": figures, "accident": lost}
    text = tables.markdown({
        "machine": {"cores": 1, "kernel": "6", "load": 0},
        "sizes": sync_cost.TINY._asdict(), "peers": {
            "toy": result, "depot": {"not_measured": "no program"}}})
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    same([row.split("|")[1].strip() for row in rows],
         ["`toy`", "`depot`", "`toy`", "`depot`", "`toy`"], "rows")
    for row in rows[1], rows[3]:
        assert "not measured: no program" in row, row
        assert not re.search(r"\d", row), row
    widths = {row.count("|") for row in rows[:2]}
    same(len(widths), 1, "columns")


def the_retail_year_gives_movements():
    texts = [json.loads(text) for text in movements.retail(5000)]
    same(len(texts), 5000, "movements")
    kinds = {}
    for one in texts:
        kinds[one["op"]] = kinds.get(one["op"], 0) + 1
        assert one["qty"] > 0 and one["from"] != one["to"], one
    assert min(kinds["receive"], kinds["pick"], kinds["ship"]) > 100, kinds
    return kinds


def the_lock_names_hashes_and_no_place():
    with open(os.path.join(HERE, "package-lock.json"),
              encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(HERE, "package.json"), encoding="utf-8") as file:
        wanted = json.load(file)["dependencies"]
    packages = json.loads(text)["packages"]
    same(packages.pop("")["dependencies"], wanted, "dependencies")
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), (name, version)
        same(packages[f"node_modules/{name}"]["version"], version, name)
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
    assert '"resolved"' not in text
    return len(packages)


def main():
    the_proxy_counts_bytes_turns_and_connections()
    the_proxy_passes_both_ways_at_once()
    what_passes_is_kept_if_that_is_wanted()
    a_stream_of_mqtt_is_told_apart()
    figures = the_bench_measures_a_peer()
    a_peer_that_does_not_deliver_has_no_figures()
    lost = the_accident_is_judged_by_what_is_in_the_replicas()
    count = each_verdict_follows_from_counts()
    an_entry_is_hidden_damaged_or_shown()
    a_peer_that_is_not_there_has_a_reason_and_no_number(figures, lost)
    packages = the_lock_names_hashes_and_no_place()
    print(f"{count} verdicts, {packages} packages")
    try:
        print(f"movements: {the_retail_year_gives_movements()}")
    except movements.Missing as missing:
        print(f"SKIP: {missing}")
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
