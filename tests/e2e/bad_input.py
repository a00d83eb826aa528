#!/usr/bin/python3
"""What bad input gets: an answer with a stable code and a sentence in two
languages that names the thing and the value; and nothing else changes.

Method: a table. For each line the journal's head, the balances and the parked
inputs are compared before and after."""

import json
import re

import depot_harness as h

SEEDING = [("device", "dock-1", 1, ""), ("device", "scale-1", 2, "A-01"),
           ("device", "portal-1", 3, ""), ("bin", "A-01"), ("item", "MUG", 0),
           ("code", "04006381333931", "MUG", 1)]

MUG = '"op":"receive","code":"4006381333931"'


def reading(fields, version='"v":1'):
    """A payload; NUMBER is where the sequence number comes."""
    return "{" + version + ',"boot":"b1","seq":NUMBER,' + fields + "}"


# What is sent, result and code of the answer, and what the sentence names.
# Parked input is kept raw; refused input is not.
TABLE = [
    # malformed JSON
    ("{", "parked", "bad_json", "1"),
    ('{"v":1,"seq":NUMBER', "parked", "bad_json", "JSON"),
    ("{'v':1}", "parked", "bad_json", "2"),
    (reading(MUG) + " x", "parked", "bad_json", "JSON"),
    (reading(MUG + ",")[:-1], "parked", "bad_json", "JSON"),
    (reading(MUG + ',"lot":"a\tb"'), "parked", "bad_json", "0x09"),
    (reading(MUG + ',"lot":"a\\u0000b"'), "parked", "bad_json", "\\u0000"),
    (reading(MUG + ',"qty":03'), "parked", "bad_number", "03"),
    (reading(MUG + ',"qty":+3'), "parked", "bad_number|bad_json", ""),
    (reading(MUG + ',"qty":NaN'), "parked", "bad_json", ""),
    # duplicate keys, bad UTF-8, too deep
    (reading(MUG + ',"seq":7'), "parked", "duplicate_key", "seq"),
    (reading(MUG + ',"s\\u0065q":7'), "parked", "duplicate_key", "seq"),
    (reading(MUG).encode().replace(b"receive", b"rec\xffive"), "parked",
     "bad_utf8", "0xff"),
    (reading(MUG).encode().replace(b"receive", b"\xed\xa0\x80"), "parked",
     "bad_utf8", "0xed"),
    (reading(MUG + ',"lot":"\\ud800"'), "parked", "bad_utf8", ""),
    (reading(MUG + ',"x":' + "[" * 9 + "]" * 9), "parked", "too_deep", "8"),
    (reading(MUG + ',"x":' + "[" * 1500 + "]" * 1500), "parked", "too_deep",
     "8"),
    # too long
    (reading('"op":"receive","code":"' + "9" * 500 + '"'), "parked",
     "too_long", "500"),
    (reading(MUG + ',"bin":"' + "9" * 41 + '"'), "parked", "too_long", "41"),
    (reading(MUG + ',"lot":"' + "9" * 21 + '"'), "parked", "too_long", "21"),
    (reading('"op":"receive","codes":['
             + ",".join(['"4006381333931"'] * 33) + "]"), "parked",
     "too_long", "32"),
    (reading(MUG + ',"x":"' + "9" * 4000 + '"'), "parked", "too_long", ""),
    (reading(MUG + ',"x":"' + "9" * 60000 + '"'), "parked", "too_long", ""),
    # wrong types
    (reading(MUG + ',"qty":"3"'), "refused", "wrong_type", '"3"'),
    (reading(MUG + ',"qty":2.5'), "refused", "wrong_type", "2.5"),
    (reading(MUG + ',"qty":null'), "refused", "wrong_type", "qty"),
    (reading(MUG + ',"qty":true'), "refused", "wrong_type", "true"),
    (reading(MUG + ',"qty":[3]'), "refused", "wrong_type", "qty"),
    (reading('"op":"receive","code":4006381333931'), "refused", "wrong_type",
     "4006381333931"),
    (reading('"op":7,"code":"4006381333931"'), "refused", "wrong_type", "7"),
    (reading('"op":"receive","codes":"4006381333931"'), "refused",
     "wrong_type", "codes"),
    # numbers out of range, zero and negative quantities
    (reading(MUG + ',"qty":0'), "refused", "out_of_range", "0"),
    (reading(MUG + ',"qty":-1'), "refused", "out_of_range", "-1"),
    (reading(MUG + ',"qty":-0'), "refused", "out_of_range", "0"),
    (reading(MUG + ',"qty":9223372036854775808'), "refused", "out_of_range",
     "9223372036854775808"),
    (reading(MUG + ',"qty":1e30'), "refused", "out_of_range|wrong_type",
     "1e30"),
    (reading(MUG + ',"qty":9007199254740993'), "refused", "out_of_range",
     "9007199254740993"),
    (reading(MUG).replace("NUMBER", "0"), "refused", "out_of_range", "seq"),
    (reading(MUG).replace("NUMBER", "-4"), "refused", "out_of_range", "-4"),
    (reading(MUG).replace("NUMBER", "18446744073709551616"), "refused",
     "out_of_range", "18446744073709551616"),
    # fields
    (reading(MUG, '"w":1'), "refused", "missing_field", "v"),
    (reading(MUG, '"v":2'), "refused", "unknown_version", "2"),
    (reading('"op":"receive"'), "refused", "missing_field", "code"),
    (reading('"op":"receive","code":""'), "refused", "missing_field", "code"),
    (reading('"op":"receive","codes":[]'), "refused", "missing_field",
     "codes"),
    (reading(MUG + ',"codes":["4006381333931"]'), "refused",
     "conflicting_fields", "codes"),
    # unknown operation, item, bin
    (reading('"op":"steal","code":"4006381333931"'), "refused", "unknown_op",
     "steal"),
    (reading('"op":"Receive","code":"4006381333931"'), "refused",
     "unknown_op", "Receive"),
    (reading('"code":"4006381333931"'), "refused", "no_session",
     "4006381333931"),
    (reading('"op":"receive","code":"NO-SUCH"'), "parked", "unknown_item",
     "NO-SUCH"),
    (reading('"op":"receive","code":"mug"'), "parked", "unknown_item", "mug"),
    (reading(MUG + ',"bin":"Z-99"'), "parked", "unknown_bin", "Z-99"),
    (reading(MUG + ',"bin":" A-01"'), "refused", "bad_text", "A-01"),
    # check digits, dates
    (reading('"op":"receive","code":"]E04006381333930"'), "refused",
     "bad_check_digit", "4006381333930"),
    (reading('"op":"receive","code":"4006381333930","symbology":"ean13"'),
     "refused", "bad_check_digit", "4006381333930"),
    (reading('"op":"receive","code":"(01)04006381333930"'), "refused",
     "bad_check_digit", "04006381333930"),
    (reading('"op":"receive","code":"(01)04006381333931(17)261399"'),
     "refused", "bad_date", "261399"),
    (reading(MUG + ',"expiry":"2026-02-30"'), "refused", "bad_date",
     "2026-02-30"),
    (reading(MUG + ',"at":"yesterday"'), "refused", "bad_time", "yesterday"),
    (reading(MUG + ',"at":"2026-11-22T25:00:00Z"'), "refused", "bad_time",
     "25:00"),
    # an item where a bin belongs, and the other way round
    (reading(MUG + ',"bin":"MUG"'), "refused", "item_where_bin", "MUG"),
    (reading(MUG + ',"bin":"4006381333931"'), "refused", "item_where_bin",
     "4006381333931"),
    (reading('"op":"receive","code":"A-01","bin":"A-01"'), "refused",
     "bin_where_item", "A-01"),
    # what an operation lacks
    (reading('"op":"move","code":"MUG","bin":"A-01"'), "refused", "no_target",
     "move"),
    (reading('"op":"move","code":"MUG","bin":"A-01","to":"A-01"'), "refused",
     "same_bin", "A-01"),
    (reading('"op":"pick","code":"MUG"'), "refused", "no_bin", "pick"),
    (reading('"op":"scrap","code":"MUG","bin":"A-01"'), "refused",
     "no_reason", "scrap"),
    (reading('"op":"transfer_out","code":"MUG","bin":"A-01"'), "refused",
     "no_ref", "transfer_out"),
    (reading(MUG + ',"condition":"mint"'), "refused", "unknown_condition",
     "mint"),
    (reading(MUG + ',"bin":"PICKED"'), "refused", "bin_not_allowed",
     "PICKED"),
    (reading('"op":"receive","code":"DEPOT.OP.PICK"'), "refused",
     "label_in_reading", ""),
    (reading('"op":"undo"'), "refused", "nothing_to_undo", ""),
    # bare codes
    (b"", "refused", "missing_field", "code"),
    (b"\xff\xfe\x00", "parked", "bad_utf8", "0xff"),
    (b"4006381333931", "refused", "no_session", "4006381333931"),
    (b"DEPOT.OP.FLY", "refused", "unknown_label", "DEPOT.OP.FLY"),
    (b"DEPOT.QTY.0", "refused", "bad_quantity", "0"),
    (b"DEPOT.QTY.-3", "refused", "bad_quantity|unknown_label", "-3"),
]

SENSORS = [
    ("shelf/scale-1", '{"v":1,"bin":"A-01"}', "refused", "missing_field"),
    ("shelf/scale-1", '{"v":1,"bin":"A-01","weight_g":1,"quantity":1,'
     '"stable":true}',
     "refused", "conflicting_fields"),
    ("shelf/scale-1", '{"v":1,"bin":"A-01","weight_g":"heavy"}', "refused",
     "wrong_type"),
    ("shelf/scale-1", '{"v":1,"bin":"Z-99","weight_g":1,"stable":true}',
     "parked", "unknown_bin"),
    ("shelf/scale-1", "weight 12", "parked", "bad_json"),
    ("rfid/portal-1", '{"v":1,"reads":[]}', "refused", "missing_field"),
    ("rfid/portal-1", '{"v":1,"reads":[{"epc":"xyz"}]}', "refused",
     "bad_epc"),
    ("rfid/portal-1", '{"v":1,"reads":[{"epc":"30"}', "parked", "bad_json"),
]


def exception_of(ack):
    h.same(len(ack["except"]), 1, f"exceptions in {ack}")
    return ack["except"][0]


def check_sentence(exception, value):
    for language in ("text_en", "text_zh"):
        text = exception[language]
        h.same(value in text, True, f"{value!r} named in {text!r}")
    h.same(bool(re.search("[\u4e00-\u9fff]", exception["text_zh"])), True,
           f"Chinese in {exception['text_zh']!r}")


@h.test
def whatever_is_wrong_is_answered_and_changes_nothing(scratch):
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING).start()
    gun = h.Device(scratch, broker, "dock-1")
    head = box.head()
    parked = 0
    for number, (payload, result, code, value) in enumerate(TABLE, 1):
        if isinstance(payload, str):
            payload = payload.encode()
        payload = payload.replace(b"NUMBER", str(number).encode())
        mark = gun.mark()
        gun.publish(gun.topic, payload)
        ack = gun.wait_message(gun.ack_topic, after=mark).json()
        exception = exception_of(ack)
        where = f"{payload[:120]!r}"
        h.same(exception["result"], result, f"result of {where}")
        h.same(exception["code"] in code.split("|"), True,
               f"{exception['code']} for {where}, {code} expected")
        check_sentence(exception, value)
        if "seq" in exception:
            h.same(exception["seq"], str(number), f"seq of {where}")
        h.same(box.head(), head, f"the journal's head after {where}")
        kept = box.parked()
        parked += result == "parked"
        h.same(len(kept), parked, f"parked inputs after {where}")
        if result == "parked":
            raw = kept[-1]["payload"]
            h.same(raw, payload[:len(raw.encode())].decode(errors="replace"),
                   "what is kept")
            h.same(kept[-1]["cut"], len(payload) > 3840, f"cut of {where}")
    h.same(box.balances(), {}, "balances")
    print(f"{len(TABLE)} kinds of bad input, {parked} parked")
    # It still works; under another boot, since what could not be read left
    # holes in this one, behind which nothing is said to be complete.
    gun = h.Device(scratch, broker, "dock-1", boot="b2")
    h.same(gun.ask(op="receive", code="MUG", bin="A-01"), None)
    h.same(box.on_hand(), {"MUG": 1})
    box.audit(found=0)


@h.test
def a_sensor_that_talks_nonsense_is_answered_too(scratch):
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING).start()
    sensor = h.Client(scratch, broker, "sensors",
                      subscribe=[h.PREFIX + "/ack/+"])
    head = box.head()
    for topic, payload, result, code in SENSORS:
        mark = sensor.mark()
        sensor.publish(f"{h.PREFIX}/{topic}", payload)
        ack = sensor.wait_message(
            f"{h.PREFIX}/ack/{topic.split('/')[1]}", after=mark).json()
        exception = exception_of(ack)
        h.same((exception["result"], exception["code"]), (result, code),
               f"answer to {payload}")
        check_sentence(exception, "")
    h.same(box.head(), head, "the journal's head")
    box.audit(found=0)


@h.test
def an_unknown_device_is_told_so_and_its_reading_is_kept(scratch):
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING).start()
    head = box.head()
    stranger = h.Device(scratch, broker, "stranger-9")
    stranger.scan(op="receive", code="MUG", bin="A-01")
    ack = stranger.wait_message(stranger.ack_topic).json()
    exception = exception_of(ack)
    h.same((exception["result"], exception["code"]),
           ("parked", "unknown_device"))
    check_sentence(exception, "stranger-9")
    h.same(json.loads(box.parked()[0]["payload"]), stranger.sent[1])
    h.same(box.head(), head, "the journal's head")
    # What is no name of a device cannot be answered, and is kept all the same.
    gun = h.Device(scratch, broker, "dock-1")
    gun.publish(h.PREFIX + "/scan/NOT A NAME", "x")
    gun.publish(h.PREFIX + "/scan/\u4ed3\u5e93", "y")
    gun.publish(h.PREFIX + "/scan/" + "n" * 300, "z")
    h.same(gun.ask(op="receive", code="MUG", bin="A-01"), None)
    h.same([one["payload"] for one in box.parked()][1:], ["x", "y", "z"])
    box.audit(found=0)


@h.test
def the_parked_are_bounded_and_what_falls_out_leaves_a_loss_record(scratch):
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING,
                store__parked_max_count=100).start()
    gun = h.Device(scratch, broker, "dock-1",
                   subscribe=[h.PREFIX + "/alert/+"])
    for number in range(250):
        gun.scan(op="receive", code=f"UNKNOWN-{number}", bin="A-01")
    gun.settle()
    h.same({one[-1]["code"] for one in gun.excepted.values()},
           {"unknown_item"})
    kept = box.parked()
    h.same([one["wants"] for one in kept],
           [f"UNKNOWN-{number}" for number in range(150, 250)])
    lost = []
    for entry in box.journal():
        if entry["kind"] == "loss":
            lost += range(entry["first"], entry["last"] + 1)
    h.same(lost, list(range(1, 151)), "numbers in loss records")
    gun.wait(lambda: any("/alert/" in one.topic and one.payload and
                         one.json()["code"] == "parked_lost"
                         for one in gun.messages), "the alert")
    h.same(box.balances(), {})
    box.audit(found=0)


@h.test
def a_flood_of_rubbish_neither_stops_nor_slows_out_the_good_readings(scratch):
    """Method: a seeded mix of random bytes, mutated readings and good ones;
    every good one is booked once."""
    import random
    draw = random.Random(h.seed())
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING).start()
    gun = h.Device(scratch, broker, "dock-1")
    rubbish = h.Client(scratch, broker, "rubbish")
    for _ in range(1500):
        good = reading(MUG + ',"bin":"A-01"').replace("NUMBER", "1").replace(
            "b1", "rubbish").encode()
        if draw.random() < .3:
            payload = draw.randbytes(draw.randrange(200))
        else:
            payload = bytearray(good)
            for _ in range(draw.randrange(1, 4)):
                payload[draw.randrange(len(payload))] = draw.randrange(256)
        rubbish.publish(f"{h.PREFIX}/scan/" + draw.choice(
            ["dock-1", "stranger"]), bytes(payload))
        if draw.random() < .3:
            gun.scan(op="receive", code="MUG", bin="A-01", qty=2)
    gun.settle()
    sent = gun.next_seq - 1
    h.same(sent > 300, True, "good readings were sent")
    h.same(h.booked_once(box, gun, range(1, sent + 1)), sent)
    box.audit(found=0)


if __name__ == "__main__":
    h.main()
