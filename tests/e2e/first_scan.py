#!/usr/bin/python3
"""One scan: journal, acknowledgement, stock topic; and what else a first
afternoon brings: a late dashboard, a crash, the same scan twice.

Method: real mosquitto, real depotd, foreign clients; the journal is read
behind depotd's back."""

import json
import signal
import time

import depot_harness as h

SEEDING = [("device", "dock-1", 1, ""), ("device", "gun-2", 1, ""),
           ("bin", "A-01"), ("item", "MUG", 0),
           ("code", "04006381333931", "MUG", 1),
           ("code", "14006381333938", "MUG", 12)]
STOCK = h.PREFIX + "/stock/MUG"
STATUS = h.PREFIX + "/status"


def open_box(scratch):
    broker = h.Broker(scratch).start()
    return broker, h.Box(scratch, broker.port, seeding=SEEDING).start()


@h.test
def one_scan_is_in_the_journal_acknowledged_and_on_the_stock_topic(scratch):
    broker, box = open_box(scratch)
    gun = h.Device(scratch, broker, "dock-1",
                   subscribe=[h.PREFIX + "/stock/+", h.PREFIX + "/changes"])
    # What a connect brings is on its way: from here on changes are told.
    gun.wait_message(STOCK, lambda one: one.json()["on_hand"] == 0)
    h.same(gun.ask(op="receive", code="4006381333931", qty=12, bin="A-01"),
           None, "exception")
    stock = gun.wait_message(STOCK, lambda one: one.json()["on_hand"] == 12)
    figures = stock.json()
    h.same([figures[name] for name in ("available", "reserved", "allocated",
                                       "on_hold", "quarantine", "damaged")],
           [12, 0, 0, 0, 0, 0])
    booked, = box.movements()
    h.same({name: booked[name] for name in (
        "movement", "item", "quantity", "to", "actor", "boot", "seq")},
           {"movement": "receive", "item": "MUG", "quantity": 12,
            "to": "A-01", "actor": "dock-1", "boot": "b1", "seq": 1})
    h.same(figures["pos"], booked["pos"], "the stock topic's pos")
    gun.wait_message(h.PREFIX + "/changes",
                     lambda one: one.json()["pos"] >= booked["pos"])
    h.same(box.balances(), {("MUG", "A-01", "", "good"): 12})
    box.audit(found=0)


@h.test
def a_case_counts_its_pack_and_a_pick_is_allocated_until_it_is_shipped(
        scratch):
    broker, box = open_box(scratch)
    gun = h.Device(scratch, broker, "dock-1", subscribe=[STOCK])
    for fields in ({"op": "receive", "code": "14006381333938", "qty": 2},
                   {"op": "putaway", "code": "MUG", "qty": 24, "to": "A-01"},
                   {"op": "pick", "code": "4006381333931", "qty": 5,
                    "bin": "A-01", "ref": "SO-1"}):
        h.same(gun.ask(**fields), None, f"exception of {fields}")
    gun.wait_message(STOCK, lambda one: (one.json()["on_hand"],
                                         one.json()["allocated"],
                                         one.json()["available"]) ==
                     (24, 5, 19))
    h.same(gun.ask(op="ship", code="4006381333931", qty=5, ref="SO-1"), None)
    gun.wait_message(STOCK, lambda one: (one.json()["on_hand"],
                                         one.json()["allocated"]) == (19, 0))
    h.same(box.balances(), {("MUG", "A-01", "", "good"): 19})
    box.audit(found=0)


@h.test
def a_device_of_mqtt_3_1_1_is_served_alike(scratch):
    broker, box = open_box(scratch)
    gun = h.Device(scratch, broker, "dock-1", version=3, subscribe=[STOCK])
    h.same(gun.ask(op="receive", code="4006381333931", bin="A-01"), None)
    gun.wait_message(STOCK, lambda one: one.json()["on_hand"] == 1)
    h.same(gun.ask(op="receive", code="]E04006381333930", bin="A-01")["code"],
           "bad_check_digit")
    box.audit(found=0)
    h.same(box.on_hand(), {"MUG": 1})


@h.test
def a_late_subscriber_hears_what_is_retained(scratch):
    broker, box = open_box(scratch)
    gun = h.Device(scratch, broker, "dock-1",
                   subscribe=[STOCK, h.PREFIX + "/snapshot/0"])
    gun.ask(op="receive", code="4006381333931", qty=7, bin="A-01")
    gun.wait_message(STOCK, lambda one: one.json()["on_hand"] == 7)
    gun.wait_message(h.PREFIX + "/snapshot/0")
    late = h.Client(scratch, broker, "late", subscribe=[h.PREFIX + "/#"])
    stock = late.wait_message(STOCK)
    h.same((stock.is_retained, stock.json()["on_hand"]), (True, 7))
    status = late.wait_message(STATUS)
    h.same((status.is_retained, status.json()["state"]), (True, "ready"))
    chunk = late.wait_message(h.PREFIX + "/snapshot/0")
    h.same(chunk.is_retained, True, "the snapshot is retained")
    h.same("MUG" in json.dumps(chunk.json()), True, "MUG is in the snapshot")
    box.audit(found=0)


WILL_DELAY_S = 5


def restart_in_time(box, watch, is_ready):
    """Restarts within the will's delay; a slow machine may need more tries.
    The broker counts in whole seconds. Returns the mark before it."""
    for _ in range(20):
        mark = watch.mark()
        began = time.monotonic()
        box.kill()
        box.start()
        took = time.monotonic() - began
        watch.wait_message(STATUS, is_ready, after=mark)
        if took < WILL_DELAY_S - 1:
            return mark
        print(f"a restart of {took:.1f} s proves nothing: again")
    raise h.Late("no restart was quick")


@h.test
def who_dies_is_lost_who_stops_is_disconnected_who_is_back_is_ready(scratch):
    """The will has a delay of 5 s: a restart within it is no loss."""
    broker, box = open_box(scratch)
    watch = h.Client(scratch, broker, "watch", subscribe=[STATUS])

    def state_is(word):
        return lambda one: one.json()["state"] == word

    watch.wait_message(STATUS, state_is("ready"))
    session = watch.last(STATUS).json()["session"]
    mark = watch.mark()
    box.kill()
    lost = watch.wait_message(STATUS, state_is("lost"), after=mark)
    h.same(lost.json()["session"], session, "the lost one's session")
    mark = watch.mark()
    box.start()
    back = watch.wait_message(STATUS, state_is("ready"), after=mark)
    h.same(back.json()["session"] != session, True, "a session of its own")
    mark = restart_in_time(box, watch, state_is("ready"))
    box.stop()
    watch.wait_message(STATUS, state_is("disconnected"), after=mark)
    h.same([one.json()["state"] for one in watch.messages[mark:]
            if one.json()["state"] == "lost"], [], "lost after a restart")
    late = h.Client(scratch, broker, "late", subscribe=[STATUS])
    h.same(late.wait_message(STATUS).json()["state"], "disconnected")
    box.audit(found=0)


@h.test
def a_reading_that_comes_again_is_booked_once_and_answered_alike(scratch):
    broker, box = open_box(scratch)
    gun = h.Device(scratch, broker, "dock-1")
    gun.ask(op="receive", code="4006381333931", qty=3, bin="A-01")
    head = box.head()
    for _ in range(5):
        mark = gun.mark()
        gun.again([1])
        ack = gun.wait_message(gun.ack_topic, after=mark).json()
        h.same((ack["upto"], [(one["seq"], one["result"])
                              for one in ack["except"]]),
               ("1", [("1", "duplicate")]))
    h.same(box.head(), head, "the journal's head")
    # Over a restart too.
    box.kill()
    box.start()
    mark = gun.mark()
    gun.again([1])
    ack = gun.wait_message(gun.ack_topic, after=mark).json()
    h.same(ack["except"][0]["result"], "duplicate")
    h.same(box.head(), head, "the journal's head")
    box.audit(found=0)


@h.test
def a_number_used_again_is_kept_alerted_and_not_booked(scratch):
    broker, box = open_box(scratch)
    gun = h.Device(scratch, broker, "dock-1",
                   subscribe=[h.PREFIX + "/alert/+"])
    gun.ask(op="receive", code="4006381333931", qty=3, bin="A-01")
    gun.sent[1] = dict(gun.sent[1], qty=4)
    gun.again([1])
    gun.wait(lambda: 1 in gun.excepted, "the answer")
    exception = gun.excepted[1][-1]
    h.same((exception["result"], exception["code"]),
           ("seq_reused", "seq_reused"))
    alert = gun.wait(lambda: next((
        one for one in gun.messages if "/alert/" in one.topic), None),
        "an alert")
    h.same(alert.json()["code"], "seq_reused")
    parked, = box.parked()
    h.same(json.loads(parked["payload"])["qty"], 4, "what is kept")
    h.same(box.on_hand(), {"MUG": 3})
    # The same boot from 1 on: the scanner without a boot id that restarts.
    h.same(gun.ask(op="receive", code="4006381333931", bin="A-01"), None)
    box.audit(found=0)


@h.test
def a_retained_message_on_an_input_topic_is_old_news(scratch):
    broker = h.Broker(scratch).start()
    early = h.Client(scratch, broker, "early")
    topic = h.PREFIX + "/scan/dock-1"
    reading = {"v": 1, "boot": "old", "seq": 1, "op": "receive",
               "code": "4006381333931", "bin": "A-01"}
    early.publish(topic, reading, "old", retain=True)
    early.wait(lambda: "old" in early.taken, "the PUBACK")
    box = h.Box(scratch, broker.port, seeding=SEEDING).start()
    head = box.head()
    gun = h.Device(scratch, broker, "dock-1")
    h.same(gun.ask(op="receive", code="4006381333931", bin="A-01"), None)
    h.same(box.head()["pos"], head["pos"] + 1, "the journal's head")
    box.audit(found=0)


@h.test
def readings_of_every_quality_of_service_are_booked(scratch):
    broker, box = open_box(scratch)
    gun = h.Device(scratch, broker, "dock-1")
    for qos in (0, 1, 2):
        gun.publish(gun.topic, {"v": 1, "boot": "b1", "seq": qos + 1,
                                "op": "receive", "code": "4006381333931",
                                "bin": "A-01"}, qos=qos)
        gun.wait(lambda number=qos + 1: gun.upto == number,
                 f"the answer to quality {qos}")
    h.same(box.on_hand(), {"MUG": 3})
    box.audit(found=0)


@h.test
def two_devices_may_use_the_same_numbers(scratch):
    broker, box = open_box(scratch)
    guns = [h.Device(scratch, broker, name) for name in ("dock-1", "gun-2")]
    for gun in guns:
        for _ in range(50):
            gun.scan(op="receive", code="4006381333931", bin="A-01")
    for gun in guns:
        gun.settle()
        h.same(gun.excepted, {}, f"exceptions of {gun.name}")
        h.same(h.booked_once(box, gun, range(1, 51)), 50)
    h.same(box.on_hand(), {"MUG": 100})
    box.audit(found=0)


@h.test
def what_was_sent_just_before_sigterm_is_booked_or_still_to_come(scratch):
    """SIGTERM in the middle of a stream; the rest comes after the start."""
    broker, box = open_box(scratch)
    gun = h.Device(scratch, broker, "dock-1")
    for _ in range(3):
        for _ in range(300):
            gun.scan(op="receive", code="4006381333931", bin="A-01")
        gun.wait(lambda: gun.upto > gun.next_seq - 250, "some answers")
        box.stop()
        box.start()
    gun.wait(lambda: len(gun.taken) == 900, "every PUBACK")
    # An answer may have been lost with the connection: ask again.
    gun.again(gun.unacked())
    gun.settle()
    h.same(h.booked_once(box, gun, range(1, 901)), 900)
    box.audit(found=0)


@h.test
def sighup_reads_the_configuration_again_and_nothing_is_lost(scratch):
    broker, box = open_box(scratch)
    gun = h.Device(scratch, broker, "dock-1", subscribe=[STATUS])
    box.directives["publish.fresh_for_s"] = "77"
    box.write_config()
    box.signal(signal.SIGHUP)
    box.program.wait_line(" reloaded: ")
    gun.ask(op="receive", code="4006381333931", bin="A-01")
    box.directives["publish.fresh_for_s"] = "soon"
    box.write_config()
    box.signal(signal.SIGHUP)
    box.program.wait_line(" reload_refused: ")
    gun.ask(op="receive", code="4006381333931", bin="A-01")
    # An older one may still be retained when the second is answered.
    stocks = h.Client(scratch, broker, "late", subscribe=[STOCK])
    stock = stocks.wait_message(STOCK, lambda one: one.json()["on_hand"] == 2)
    h.same(stock.json()["fresh_for_s"], 77)
    h.same(box.on_hand(), {"MUG": 2})
    box.audit(found=0)


if __name__ == "__main__":
    h.main()
