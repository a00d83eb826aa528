#!/usr/bin/python3
"""The broker dies, is away, or stands still; depotd is away or stands still
while the broker goes on. Nothing PUBACKed by a broker that lives is lost,
nothing counts twice, and what is retained comes back from the ledger."""

import contextlib
import ctypes
import random
import signal

import depot_harness as h

ITEMS = 250
SEEDING = [("device", "gun-1", 1, ""), ("device", "gun-2", 1, ""),
           ("bin", "A-01"), ("item", "MUG", 0),
           ("code", "04006381333931", "MUG", 1),
           *[("item", f"SKU-{number:03}", 0) for number in range(ITEMS)]]
STATUS = h.PREFIX + "/status"


def everything_is_retained(scratch, broker, name, on_hand):
    """A new subscriber hears every item with its stock, the whole snapshot,
    and a status that says that this is complete."""
    late = h.Client(scratch, broker, name, subscribe=[h.PREFIX + "/#"])

    def stock():
        return {one.json()["item"]: one.json()["on_hand"]
                for one in late.messages if "/stock/" in one.topic}

    late.wait(lambda: len(stock()) == ITEMS + 1, "every stock topic")
    late.wait_message(STATUS, lambda one: one.json()["state"] == "ready")
    late.wait(lambda: {item: units for item, units in stock().items()
                       if units} == on_hand, "the stock")
    chunks = late.last(STATUS).json()["chunks"]

    def rows():
        # A row: item, on_hand, ...
        return {row[0]: row[1] for one in late.messages
                if "/snapshot/" in one.topic and one.payload
                for row in one.json()["rows"]}

    late.wait(lambda: len(rows()) == ITEMS + 1, f"{chunks} chunks")
    late.wait(lambda: {item: units for item, units in rows().items()
                       if units} == on_hand, "the snapshot")
    late.close()


@h.test
def a_broker_that_dies_costs_nothing_that_was_acknowledged(scratch):
    """Method: three kills of the broker at random moments of a stream. The
    broker forgets all it had; the devices send again what has no ack."""
    draw = random.Random(h.seed())
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING).start()
    gun = h.Device(scratch, broker, "gun-1")
    other = h.Device(scratch, broker, "gun-2")
    for _ in range(3):
        connects = (gun.connects, other.connects)
        up = len(box.program.lines)
        for _ in range(draw.randrange(50, 400)):
            gun.scan(op="receive", code="4006381333931", bin="A-01")
            other.scan(op="receive", code=f"SKU-{draw.randrange(ITEMS):03}")
        gun.wait(lambda least=draw.randrange(1, gun.next_seq):
                 gun.upto >= least, "some answers")
        broker.kill()
        broker.start()
        box.wait_up(after=up)
        for device, before in zip((gun, other), connects):
            device.wait(lambda one=device, count=before: one.is_up
                        and one.connects > count and len(one.subscribed)
                        == len(one.topics), "the connection")
            device.again(device.unacked())
    for device in (gun, other):
        device.settle()
        h.same(h.booked_once(box, device, range(1, device.next_seq)),
               device.next_seq - 1)
    everything_is_retained(scratch, broker, "late", box.on_hand())
    box.audit(found=0)


@h.test
def what_was_retained_comes_back_after_the_brokers_death(scratch):
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING).start()
    gun = h.Device(scratch, broker, "gun-1")
    for number in range(ITEMS):
        gun.scan(op="receive", code=f"SKU-{number:03}", qty=number + 1)
    gun.settle()
    on_hand = {f"SKU-{number:03}": number + 1 for number in range(ITEMS)}
    everything_is_retained(scratch, broker, "late-1", on_hand)
    for number in (2, 3):
        up = len(box.program.lines)
        broker.kill()
        broker.start()
        box.wait_up(after=up)
        everything_is_retained(scratch, broker, f"late-{number}", on_hand)
    box.audit(found=0)


@h.test
def what_another_life_left_retained_and_the_ledger_lacks_is_cleared(scratch):
    broker = h.Broker(scratch).start()
    vandal = h.Client(scratch, broker, "vandal")
    old = [h.PREFIX + "/stock/GONE", h.PREFIX + "/snapshot/999",
           h.PREFIX + "/task/t1-4711", h.PREFIX + "/alert/x.y"]
    for topic in old:
        vandal.publish(topic, '{"v":1}', topic, retain=True)
    vandal.wait(lambda: len(vandal.taken) == len(old), "the PUBACKs")
    box = h.Box(scratch, broker.port, seeding=SEEDING)
    watch = h.Client(scratch, broker, "watch", subscribe=[h.PREFIX + "/#"],
                     checked=False)
    watch.wait(lambda: len(watch.messages) >= len(old), "what is retained")
    box.start()
    for topic in old:
        watch.wait_message(topic, lambda one: one.payload == b"")
    watch.close()
    everything_is_retained(scratch, broker, "late", {})
    late = h.Client(scratch, broker, "late-2", subscribe=[h.PREFIX + "/#"])
    late.wait_message(STATUS)
    late.wait_message(h.PREFIX + "/stock/SKU-249")
    h.same([one.topic for one in late.messages if one.topic in old], [])
    box.audit(found=0)


@h.test
def a_broker_that_stands_still_for_seconds_loses_nothing(scratch):
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING).start()
    gun = h.Device(scratch, broker, "gun-1")
    for _ in range(3):
        for _ in range(200):
            gun.scan(op="receive", code="4006381333931", bin="A-01")
        broker.signal(signal.SIGSTOP)
        box.program.live(1.5)
        for _ in range(200):
            gun.scan(op="receive", code="4006381333931", bin="A-01")
        broker.signal(signal.SIGCONT)
        gun.wait(lambda: not gun.in_flight, "every PUBACK")
    gun.settle()
    h.same(h.booked_once(box, gun, range(1, 1201)), 1200)
    h.same(gun.excepted, {}, "exceptions")
    box.audit(found=0)


@h.test
def depotd_starts_without_a_broker_and_works_when_it_comes(scratch):
    broker = h.Broker(scratch)
    box = h.Box(scratch, broker.port, seeding=SEEDING)
    box.spawn()
    box.wait_ready()
    h.same(box.program.count(" broker_up: "), 0, "connections")
    broker.start()
    box.wait_up()
    gun = h.Device(scratch, broker, "gun-1")
    h.same(gun.ask(op="receive", code="4006381333931", bin="A-01"), None)
    everything_is_retained(scratch, broker, "late", {"MUG": 1})
    box.audit(found=0)


@h.test
def depotd_starts_and_stops_where_the_brokers_name_leads_nowhere(scratch):
    box = h.Box(scratch, 1, seeding=SEEDING,
                broker__uri="tcp://no-such-host.invalid:1883")
    box.spawn()
    box.wait_ready()
    box.wait_state("STATUS=no broker", prefix=True)
    box.stop()
    box.audit(found=0)


def push_back(scratch, publish, **directives):
    """depotd stands still while @publish sends; a ring of the smallest size
    is overrun as soon as it goes on. Returns box and device."""
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING, intake__ring_slots=64,
                intake__receive_maximum=16, http__port=h.port_free(),
                **directives).start()
    gun = h.Device(scratch, broker, "gun-1",
                   subscribe=[h.PREFIX + "/stock/MUG"])
    box.signal(signal.SIGSTOP)
    publish(gun)
    gun.wait(lambda: not gun.in_flight, "every PUBACK")
    box.signal(signal.SIGCONT)
    return box, gun


def ask_behind_all(device):
    """Waits until all that was sent has been taken: until a reading behind it
    has its answer. Returns its number. Nothing is sent again: answers wait
    while the client is away on purpose."""
    seq = device.scan(op="receive", code="SKU-001")
    device.wait(lambda: device.is_acked(seq) or device.high == seq,
                f"the answer to {seq}")
    return seq


def was_held_back(box):
    """The ring was overrun, or this test tested nothing."""
    events = {name: box.metric(f'depot_mqtt_events_total{{event="{name}"}}')
              for name in ("throttled", "held", "braked", "again")}
    print(events)
    h.same(sum(events.values()) > 0, True, "the broker was held back")


@h.test
def a_ring_that_is_full_holds_the_broker_back_and_loses_nothing(scratch):
    def publish(gun):
        for _ in range(6000):
            gun.scan(op="receive", code="4006381333931", bin="A-01")

    box, gun = push_back(scratch, publish)
    last = ask_behind_all(gun)
    h.same(h.booked_once(box, gun, range(1, last + 1)), 6001)
    h.same([one for one in gun.excepted.values()
            if {exception["result"] for exception in one} != {"duplicate"}],
           [], "exceptions")
    was_held_back(box)
    box.audit(found=0)


@contextlib.contextmanager
def keeper_stopped(box):
    """LMDB's lock for writing, which depotd's keeper then waits for."""
    lmdb = ctypes.CDLL("liblmdb.so.0")
    env, txn = ctypes.c_void_p(), ctypes.c_void_p()
    h.same(lmdb.mdb_env_create(ctypes.byref(env)), 0)
    h.same(lmdb.mdb_env_open(env, box.store.encode(), 0, 0o600), 0)
    h.same(lmdb.mdb_txn_begin(env, None, 0, ctypes.byref(txn)), 0)
    yield
    lmdb.mdb_txn_abort(txn)
    lmdb.mdb_env_close(env)


@h.test
def answers_wait_while_the_client_is_away_on_purpose(scratch):
    """The keeper stands still until the ring is so full that the client leaves
    the broker; what it then refuses, each by name, is heard, though nothing is
    sent again."""
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING, intake__ring_slots=64,
                intake__receive_maximum=16).start()
    gun = h.Device(scratch, broker, "gun-1")
    with keeper_stopped(box):
        for _ in range(100):
            gun.scan(op="receive", code="4006381333931", bin="A-01", v=2)
        box.program.wait_line(" intake_held: ")
    gun.wait(lambda: not gun.unacked(), "100 answers")
    box.stop()


@h.test
def a_ring_that_is_full_counts_readings_without_numbers_once(scratch):
    def publish(gun):
        for number in range(6000):
            gun.publish(gun.topic, {"v": 1, "op": "receive", "code": "MUG"},
                        number)

    box, gun = push_back(scratch, publish)
    gun.wait_message(h.PREFIX + "/stock/MUG",
                     lambda one: one.json()["on_hand"] >= 6000)
    ask_behind_all(gun)
    h.same(box.on_hand()["MUG"], 6000)
    was_held_back(box)
    box.audit(found=0)


@h.test
def long_readings_fill_the_ring_and_are_all_taken(scratch):
    """Every slot at its longest, and some beyond it: those are parked."""
    def publish(gun):
        for number in range(1500):
            gun.scan(op="receive", code="4006381333931", bin="A-01",
                     note="x" * (3600 if number % 10 else 5000))

    box, gun = push_back(scratch, publish,
                            store__parked_max_count=1000)
    long = set(range(1, 1501, 10))
    last = ask_behind_all(gun)
    told = sum(exception["code"] == "too_long" for talk in gun.talks
               for exception in talk["except"])
    print(f"{told} of {len(long)} were told that they are too long")
    h.same(0 < told <= len(long), True, "answers")
    seqs = [seq for seq in range(1, last + 1) if seq not in long]
    h.same(h.booked_once(box, gun, seqs), len(seqs))
    h.same([one["cut"] for one in box.parked()], [True] * len(long))
    box.audit(found=0)


if __name__ == "__main__":
    h.main()
