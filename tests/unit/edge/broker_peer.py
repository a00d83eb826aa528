#!/usr/bin/env python3
"""A foreign MQTT client for the managed broker's tests: paho-mqtt of Python.

usage: broker_peer.py matrix|anonymous|plain|websocket|gone PORT CREDENTIALS
       broker_peer.py refused PORT

CREDENTIALS is a file of lines "NAME PASSWORD". Each prints what it did; a
promise that does not hold is a failed assertion and exit 1.
"""

import pathlib
import queue
import signal
import sys
import threading
import time

import paho.mqtt.client as mqtt

SITE = "depot/v1/acme/hz-01"
OTHER = "depot/v1/acme/sh-02"
NETWORK = "depot/v1/acme/network"
SYNC = "depot/v1/acme/sync"
NOT_AUTHORIZED = 0x87
PATIENCE_S = 120

# What each account may do, said a second time: the test holds this against
# what the broker does, not against depot's own table.
LOOK = {f"{site}/{rest}" for site in (SITE, OTHER) for rest in (
    "status", "stock/MUG", "snapshot/0", "changes", "plan/purchase/p1",
    "task/t1-7", "alert/ring_full")} | {
    f"{NETWORK}/status", f"{NETWORK}/stock/MUG", f"{NETWORK}/stock/MUG/1"}
BUYING = {f"{site}/{rest}" for site in (SITE, OTHER)
          for rest in ("po/4711", "notice/SO-1")}
SHOP = {topic for topic in LOOK if topic.split("/")[4] in
        ("status", "stock", "snapshot", "changes")
        and not topic.endswith("/MUG/1")} | {f"{site}/notice/SO-1" for site in (SITE, OTHER)}


def own(name, *rest):
    return {f"{SITE}/" + part.replace("@", name) for part in rest}


MAY_READ = {
    "dock-1": own("dock-1", "ack/@", "task/t1-7"),
    "screen-1": LOOK,
    "mia": LOOK | BUYING | own("mia", "res/@/stock.list/1"),
    "erp-1": LOOK | BUYING | own("erp-1", "res/@/stock.list/1"),
    "shop-1": SHOP | own("shop-1", "res/@/stock.list/1"),
    "acme-mugs": own("acme-mugs", "res/@/stock.list/1"),
}
MAY_WRITE = {
    "dock-1": own("dock-1", "scan/@", "shelf/@", "rfid/@", "task/t1-7/claim/@",
                  "task/t1-7/done/@"),
    "screen-1": set(),
    "mia": own("mia", "task/t1-7/claim/@", "task/t1-7/done/@",
               "cmd/@/stock.list"),
    "erp-1": own("erp-1", "order/@", "cmd/@/stock.list"),
    "shop-1": own("shop-1", "order/@", "cmd/@/stock.list"),
    "acme-mugs": own("s-100", "supplier/@/confirm", "supplier/@/asn",
                     "supplier/@/invoice", "supplier/@/quote"),
}


def all_topics():
    """Every topic of the contract, by everybody's name and by a stranger's."""
    topics = LOOK | BUYING | {f"{SITE}/supplier/s-200/confirm",
                              f"{SITE}/marker", f"{SITE}/else"}
    # Another site's devices and commands, and what sites say to each other.
    topics |= {f"{OTHER}/scan/dock-1", f"{OTHER}/cmd/mia/stock.list",
               f"{OTHER}/order/erp-1", f"{OTHER}/supplier/s-100/confirm"}
    topics |= {f"{SYNC}/{rest}" for rest in (
        "head/sh-02", "live/hz-01", "alarm/sh-02", "req/hq/sh-02",
        "rep/hz-01/hq/00000001")}
    for name in [*MAY_READ, "stranger", "s-100"]:
        topics |= own(name, "scan/@", "shelf/@", "rfid/@", "ack/@", "order/@",
                      "task/t1-7/claim/@", "task/t1-7/done/@",
                      "cmd/@/stock.list", "res/@/stock.list/1",
                      "supplier/@/confirm", "supplier/@/asn",
                      "supplier/@/invoice", "supplier/@/quote")
    return sorted(topics)


class Peer(mqtt.Client):
    """One connection, MQTT 5; what the broker says comes through queues."""

    def __init__(self, port, credentials, transport="tcp"):
        super().__init__(client_id="peer", protocol=mqtt.MQTTv5,
                         transport=transport)
        self.connects = queue.Queue()
        self.reasons = queue.Queue()
        self.granted = queue.Queue()
        self.heard = queue.Queue()
        self.ends = queue.Queue()
        self.on_connect = lambda c, u, f, reason, p: self.connects.put(
            reason.value)
        self.on_subscribe = lambda c, u, mid, reasons, p: self.granted.put(
            mid)
        self.on_message = lambda c, u, message: self.heard.put(
            (message.topic, message.payload, message.retain))
        self.on_disconnect = lambda c, u, reason, p: self.ends.put(True)
        self.reconnect_delay_set(PATIENCE_S, PATIENCE_S)
        if credentials is not None:
            self.username_pw_set(*credentials)
        self.connect_at_last(port)
        self.loop_start()
        self.answer = self.connects.get(timeout=PATIENCE_S)

    def connect_at_last(self, port):
        """A broker that was just started may not listen yet."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.connect("127.0.0.1", port)
            except ConnectionRefusedError:
                if time.monotonic() > end:
                    raise
                threading.Event().wait(.02)

    def _handle_pubackcomp(self, cmd):
        # This version of paho keeps the reason code to itself.
        packet = self._in_packet["packet"]
        self.reasons.put(packet[2] if len(packet) > 2 else 0)
        return super()._handle_pubackcomp(cmd)

    def put(self, topic, payload, retain=False):
        """Publishes at QoS 1; the broker's reason code."""
        self.publish(topic, payload, qos=1, retain=retain)
        return self.reasons.get(timeout=PATIENCE_S)

    def retained(self, topics):
        """What the broker has retained for us on @topics.

        A PUBACK comes behind all that a subscription sent before it.
        """
        for topic in topics:
            self.subscribe(topic, qos=1)
            self.granted.get(timeout=PATIENCE_S)
        self.put(f"{SITE}/barrier", b"")
        found = set()
        while not self.heard.empty():
            topic, _, is_retained = self.heard.get()
            assert is_retained
            found.add(topic)
        return found

    def close(self):
        self.disconnect()
        self.loop_stop()


def read_credentials(path):
    lines = pathlib.Path(path).read_text("utf-8").splitlines()
    return {name: (name, password) for name, password in
            (line.split(" ") for line in lines)}


def matrix(port, path):
    """Every account at every topic, both ways."""
    accounts = read_credentials(path)
    topics = all_topics()
    depotd = Peer(port, accounts.pop("_depotd"))
    assert depotd.answer == 0
    for topic in topics:
        assert depotd.put(topic, b"x", retain=True) != NOT_AUTHORIZED, topic
    assert depotd.retained(topics) == set(topics)
    assert accounts.keys() == MAY_READ.keys() == MAY_WRITE.keys()
    refused = 0
    for name, credentials in accounts.items():
        peer = Peer(port, credentials)
        assert peer.answer == 0
        read = peer.retained(topics)
        assert read == MAY_READ[name], (name, read ^ MAY_READ[name])
        wrote = {topic for topic in topics
                 if peer.put(topic, b"y") != NOT_AUTHORIZED}
        assert wrote == MAY_WRITE[name], (name, wrote ^ MAY_WRITE[name])
        refused += 2 * len(topics) - len(read) - len(wrote)
        peer.close()
    depotd.close()
    print(f"{len(accounts)} accounts, {len(topics)} topics, "
          f"{refused} refusals")
    assert len(topics) > 100 and refused > 1000


def refused(port):
    """No account, an account that is not there."""
    for credentials in (None, ("dock-1", "wrong"), ("_depotd", ""),
                        ("_depotd", None), ("nobody", "x")):
        peer = Peer(port, credentials)
        assert peer.answer == NOT_AUTHORIZED, (credentials, peer.answer)
        peer.close()
    print("5 refused")


def anonymous(port, path):
    """Without an account: any device's input, and everything to look at."""
    depotd = Peer(port, read_credentials(path)["_depotd"])
    assert depotd.put(f"{SITE}/stock/MUG", b"{}", retain=True) == 0x10
    anybody = Peer(port, None)
    assert anybody.answer == 0
    assert anybody.retained([f"{SITE}/stock/+"]) == {f"{SITE}/stock/MUG"}
    for topic in ("scan/dock-1", "shelf/s-1", "rfid/r-1", "task/1/done/mia"):
        assert anybody.put(f"{SITE}/{topic}", b"{}") == 0x10, topic
    for topic in ("stock/MUG", "status", "ack/dock-1", "alert/x", "task/1",
                  "cmd/mia/stock.list"):
        assert anybody.put(f"{SITE}/{topic}", b"{}") == NOT_AUTHORIZED, topic
    anybody.close()
    depotd.close()
    print("anonymous: scan yes, stock no")


def let_in(port, credentials, transport):
    """An account that the broker was told of, and knows soon."""
    end = time.monotonic() + PATIENCE_S
    while True:
        peer = Peer(port, credentials, transport)
        if peer.answer == 0:
            return peer
        peer.close()
        assert time.monotonic() < end, peer.answer


def dashboard(port, path, transport):
    """A dashboard gets a stock topic that was there before, and its changes."""
    accounts = read_credentials(path)
    depotd = Peer(port, accounts["_depotd"], transport)
    assert depotd.answer == 0
    payload = b"{" + b"x" * 3498 + b"}"
    assert depotd.put(f"{SITE}/stock/MUG", payload, retain=True) == 0x10
    screen = let_in(port, accounts["screen-1"], transport)
    screen.subscribe(f"{SITE}/stock/+", qos=1)
    assert screen.heard.get(timeout=PATIENCE_S) == (
        f"{SITE}/stock/MUG", payload, True)
    # And what comes later.
    assert depotd.put(f"{SITE}/stock/MUG", b"{}", retain=True) == 0
    assert screen.heard.get(timeout=PATIENCE_S)[1:] == (b"{}", False)
    screen.close()
    depotd.close()
    print(f"{transport} heard 2")


def websocket(port, path):
    dashboard(port, path, "websockets")


def plain(port, path):
    dashboard(port, path, "tcp")


def gone(port, path):
    """Two devices are connected; the one whose account goes has no right
    left, and none after it has logged in again."""
    accounts = read_credentials(path)
    kept = Peer(port, accounts["dock-1"])
    cut = Peer(port, accounts["dock-2"])
    assert kept.answer == 0 and cut.answer == 0
    cut.subscribe(f"{SITE}/task/+", qos=1)
    assert cut.granted.get(timeout=PATIENCE_S)
    assert cut.put(f"{SITE}/scan/dock-2", b"{}") != NOT_AUTHORIZED
    print("connected", flush=True)
    # SIGHUP has no receipt: what is refused now tells that it is done.
    end = time.monotonic() + PATIENCE_S
    while cut.put(f"{SITE}/scan/dock-2", b"{}") != NOT_AUTHORIZED:
        assert time.monotonic() < end
    depotd = Peer(port, accounts["_depotd"])
    depotd.put(f"{SITE}/task/t1-7", b"{}")
    assert kept.put(f"{SITE}/scan/dock-1", b"{}") != NOT_AUTHORIZED
    assert cut.put(f"{SITE}/scan/dock-2", b"{}") == NOT_AUTHORIZED
    assert cut.heard.empty() and kept.ends.empty()
    cut.close()
    cut = Peer(port, accounts["dock-2"])
    assert cut.answer in (0, NOT_AUTHORIZED)
    if cut.answer == 0:
        assert cut.put(f"{SITE}/scan/dock-2", b"{}") == NOT_AUTHORIZED
    kept.close()
    depotd.close()
    print("one gone, one kept")


def main():
    signal.alarm(600)
    what, port, *rest = sys.argv[1:]
    {"matrix": matrix, "anonymous": anonymous, "refused": refused,
     "websocket": websocket, "plain": plain, "gone": gone,
     }[what](int(port), *rest)


if __name__ == "__main__":
    main()
