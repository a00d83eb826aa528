"""MQTT clients that are not ours, and a device that understands depot's
acknowledgements. Tests take them from depot_harness.py.
"""

import json
import threading
import time

import paho.mqtt.client as paho
from paho.mqtt.properties import Properties
from paho.mqtt.packettypes import PacketTypes

import schema_check
from harness_process import LIMIT, PREFIX, Late


class Message:
    def __init__(self, raw):
        self.topic = raw.topic
        self.payload = raw.payload
        self.is_retained = bool(raw.retain)
        self.qos = raw.qos
        self.at = time.monotonic()

    def json(self):
        return json.loads(self.payload)


CONTRACT = schema_check.Contract()
# Of one client's messages, so many are held to the contract one by one, and
# of those beyond one in a hundred.
CHECKED_MAX = 1500


class Client:
    """A foreign MQTT client. Keeps all it hears; at its end each message of
    depot's own topics is held to the published contract, unless others
    publish there too: @checked is then false."""

    def __init__(self, scratch, broker, name, *, version=5, subscribe=(),
                 window=100, will=None, clean=True, user=None, limit=LIMIT,
                 checked=True):
        protocol = paho.MQTTv5 if version == 5 else paho.MQTTv311
        options = {} if version == 5 else {"clean_session": clean}
        self.changed = threading.Condition()
        self.messages = []
        self.pubacked = 0
        self.in_flight = {}  # message id -> what the caller calls it
        self.early = set()   # ids of PUBACKs that came before the name
        self.taken = set()   # names of what the broker PUBACKed
        self.connects = 0
        self.is_checked = checked
        self.is_up = False
        self.subscribed = set()
        self.topics = list(subscribe)
        self.paho = paho.Client(name, protocol=protocol, **options)
        self.paho.max_inflight_messages_set(window)
        self.paho.max_queued_messages_set(0)
        self.paho.reconnect_delay_set(1, 1)
        self.paho.on_connect = self._on_connect
        self.paho.on_disconnect = self._on_disconnect
        self.paho.on_message = self._on_message
        self.paho.on_publish = self._on_publish
        self.paho.on_subscribe = self._on_subscribe
        if will is not None:
            self.paho.will_set(*will)
        if user is not None:
            self.paho.username_pw_set(*user)
        more = {}
        if version == 5:
            more["clean_start"] = clean
            if not clean:
                more["properties"] = Properties(PacketTypes.CONNECT)
                more["properties"].SessionExpiryInterval = 3600
        self.paho.connect("127.0.0.1", broker.port, 60, **more)
        self.paho.loop_start()
        scratch.callback(self.close)
        self.wait(lambda: self.is_up and len(self.subscribed) >= len(
            self.topics), "the connection", limit)

    def _on_connect(self, client, _data, _flags, code, _properties=None):
        if code != 0:
            return  # refused; it tries again
        with self.changed:
            self.subscribed.clear()
        for topic in self.topics:
            client.subscribe(topic, 1)
        with self.changed:
            self.is_up = True
            self.connects += 1
            self.changed.notify_all()

    def _on_disconnect(self, _client, _data, _code, _properties=None):
        with self.changed:
            self.is_up = False
            self.changed.notify_all()

    def _on_subscribe(self, _client, _data, mid, _codes, _properties=None):
        with self.changed:
            self.subscribed.add(mid)
            self.changed.notify_all()

    def _on_message(self, _client, _data, raw):
        message = Message(raw)
        with self.changed:
            self.messages.append(message)
            self.heard(message)
            self.changed.notify_all()

    def _on_publish(self, _client, _data, mid):
        with self.changed:
            self.pubacked += 1
            if mid in self.in_flight:
                self.taken.add(self.in_flight.pop(mid))
            else:
                self.early.add(mid)
            self.changed.notify_all()

    def heard(self, message):
        """For those who make more of it; called with the lock held."""

    def publish(self, topic, payload, name=None, *, retain=False, qos=1):
        """Publishes; @name is in taken once the broker has PUBACKed it. No
        lock is held here: the library holds its own when it calls back."""
        if isinstance(payload, dict):
            payload = json.dumps(payload, ensure_ascii=False)
        mid = self.paho.publish(topic, payload, qos, retain).mid
        with self.changed:
            if mid in self.early:
                self.early.remove(mid)
                self.taken.add(name)
            else:
                self.in_flight[mid] = name

    def wait(self, condition, what, limit=LIMIT):
        """Waits until @condition() holds; returns what it returned."""
        end = time.monotonic() + limit
        with self.changed:
            while True:
                result = condition()
                if result:
                    return result
                left = end - time.monotonic()
                if left <= 0:
                    raise Late(f"{what} did not come in {limit:g} s; the last "
                               "heard: " + "; ".join(
                                   f"{one.topic} {one.payload[:300]!r}"
                                   for one in self.messages[-5:]))
                self.changed.wait(left)

    def wait_message(self, topic, condition=lambda message: True, *,
                     after=0, limit=LIMIT):
        """The first message on @topic, from index @after on, of which
        @condition holds."""
        state = {"at": after}

        def look():
            while state["at"] < len(self.messages):
                message = self.messages[state["at"]]
                state["at"] += 1
                if message.topic == topic and condition(message):
                    return message
            return None
        return self.wait(look, f"a message on {topic}", limit)

    def last(self, topic):
        """The last payload heard on @topic; None if there was none."""
        with self.changed:
            for message in reversed(self.messages):
                if message.topic == topic:
                    return message
        return None

    def mark(self):
        with self.changed:
            return len(self.messages)

    def close(self):
        self.paho.disconnect()
        self.paho.loop_stop()
        if self.is_checked:
            self.is_checked = False
            self.check()

    def check(self):
        """Holds what was heard to the contract."""
        with self.changed:
            heard = list(self.messages)
        said = [one for one in heard if not one.topic.startswith(
            tuple(f"{PREFIX}/{inlet}/" for inlet in schema_check.INPUTS))
                and one.topic != PREFIX + "/marker"]
        for index, message in enumerate(said):
            if index < CHECKED_MAX or index % 100 == 0:
                CONTRACT.check(message.topic, message.payload)


class Device(Client):
    """A device with sequence numbers, which understands depot's acks: `upto`
    and the exceptions. What it has not seen acknowledged it can send again."""

    def __init__(self, scratch, broker, name, *, boot="b1", first=1,
                 prefix=PREFIX, **more):
        self.name = name
        self.boot = boot
        self.first = first
        self.begin = None    # of what was ever spoken of
        self.upto = 0
        self.gaps = set()    # numbers below upto whose ack has been missed,
        self.missed = []     # and those of them that were not sent again yet
        self.oldest = first  # below it everything is answered
        self.high = 0        # the highest taken; above upto with holes
        self.excepted = {}   # seq -> [exception, ...]
        self.talks = []      # acks of unnamed readings and of sessions
        self.sent = {}       # seq -> payload
        self.next_seq = first
        self.topic = f"{prefix}/scan/{name}"
        self.ack_topic = f"{prefix}/ack/{name}"
        more.setdefault("subscribe", [])
        more["subscribe"] = [self.ack_topic, *more["subscribe"]]
        super().__init__(scratch, broker, f"device-{name}", **more)

    def heard(self, message):
        if message.topic != self.ack_topic:
            return
        ack = message.json()
        if ack["boot"] == self.boot and ack["upto"] is not None:
            self.spoken(int(ack["from"]), int(ack["upto"]))
            self.high = max(self.high, int(ack.get("high", 0)))
        for exception in ack["except"]:
            if "seq" not in exception:
                continue
            for seq in range(int(exception["seq"]), int(
                    exception.get("seq_last", exception["seq"])) + 1):
                self.excepted.setdefault(seq, []).append(exception)
        if ack["upto"] is None or "session" in ack:
            self.talks.append(ack)

    def spoken(self, begin, upto):
        """An ack speaks of the numbers from @begin to @upto."""
        if self.begin is None:
            self.begin, self.upto = begin, begin - 1
        gap = range(self.upto + 1, begin)
        self.gaps.update(gap)
        self.missed += gap
        if self.gaps:
            self.gaps.difference_update(range(begin, upto + 1))
        self.begin = min(self.begin, begin)
        self.upto = max(self.upto, upto)

    def scan(self, **fields):
        """Sends a reading under the next number; returns the number."""
        seq = self.next_seq
        self.next_seq += 1
        payload = {"v": 1, "boot": self.boot, "seq": seq, **fields}
        self.sent[seq] = payload
        self.publish(self.topic, payload, seq)
        return seq

    def again(self, seqs):
        """Sends readings again, as they were."""
        for seq in seqs:
            self.publish(self.topic, self.sent[seq], seq)

    def is_acked(self, seq):
        return (self.begin is not None and self.begin <= seq <= self.upto
                and seq not in self.gaps or seq in self.excepted)

    def waiting(self):
        """How far the oldest reading without an answer lies behind the next
        one: who keeps this below the window of the numbers that depot
        remembers is never told that one is too old."""
        while self.oldest < self.next_seq and self.is_acked(self.oldest):
            self.oldest += 1
        return self.next_seq - self.oldest

    def again_missed(self):
        """Sends again what lies in gaps that have been found since."""
        with self.changed:
            seqs = [seq for seq in self.missed
                    if seq in self.sent and not self.is_acked(seq)]
            self.missed.clear()
        self.again(seqs)
        return len(seqs)

    def is_refused_full(self, seq):
        return any(exception["code"] == "store_full"
                   for exception in self.excepted.get(seq, ()))

    def unacked(self):
        with self.changed:
            return [seq for seq in self.sent if not self.is_acked(seq)]

    def is_settled(self):
        """Whether every reading sent is acknowledged."""
        return self.waiting() == 0

    def settle(self, limit=LIMIT):
        """Waits until every reading sent is acknowledged. What lies in a gap
        is sent again."""
        while True:
            self.wait(lambda: self.missed or self.is_settled(),
                      f"{self.name}'s acknowledgements (upto {self.upto} of "
                      f"{self.next_seq - 1})", limit)
            if self.again_missed() == 0 and self.is_settled():
                return

    def ask(self, **fields):
        """Sends one reading and waits for its acknowledgement; returns its
        exception, or None if it was booked (perhaps with holes below)."""
        seq = self.scan(**fields)
        self.wait(lambda: self.is_acked(seq) or self.high == seq,
                  f"the answer to {fields}")
        return self.excepted.get(seq, [None])[-1]

    def bare(self, text):
        """Sends a bare code and waits for the session's answer."""
        before = len(self.talks)
        self.publish(self.topic, text)
        self.wait(lambda: len(self.talks) > before,
                  f"the answer to {text!r}")
        return self.talks[before]
