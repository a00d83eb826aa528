#!/usr/bin/python3
"""Commands and queries as messages: an integrator asks on cmd/, hears on res/.

Method: real mosquitto, real depotd, a foreign client that holds each answer to
the published contract; the journal is read behind depotd's back."""

import json

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import depot_harness as h

SEEDING = [("device", "dock-1", 1, ""), ("bin", "A-01"), ("bin", "A-02"),
           ("item", "MUG", 0), ("code", "04006381333931", "MUG", 1)]


class Asker(h.Client):
    """Asks as MQTT 5 has it: where to answer, and what to send along."""

    def __init__(self, *arguments, **options):
        self.correlations = []
        super().__init__(*arguments, **options)

    def _on_message(self, client, data, raw):
        self.correlations.append(getattr(raw.properties, "CorrelationData",
                                         None))
        super()._on_message(client, data, raw)

    def ask(self, name, command_id, response, correlation=None):
        """The topic of the answer, and what came along."""
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic = response
        if correlation is not None:
            properties.CorrelationData = correlation
        after = self.mark()
        self.paho.publish(f"{h.PREFIX}/cmd/boss/{name}",
                          json.dumps({"v": 1, "id": command_id}), 1,
                          properties=properties)
        self.wait(lambda: len(self.messages) > after, "the answer")
        answer = self.messages[after]
        h.same(answer.json()["id"], command_id)
        assert "result" in answer.json(), answer.payload
        return answer.topic, self.correlations[after]


def open_box(scratch):
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING).start()
    erp = Asker(scratch, broker, "erp",
                   subscribe=[h.PREFIX + "/res/boss/#"])
    return box, erp


def ask(erp, name, command_id, args, heard=0):
    """The answer to one command, among those from index @heard on."""
    erp.publish(f"{h.PREFIX}/cmd/boss/{name}",
                json.dumps({"v": 1, "id": command_id, "args": args}))
    return erp.wait_message(f"{h.PREFIX}/res/boss/{name}/{command_id}",
                            after=heard).json()


@h.test
def a_command_is_booked_once_and_answered_each_time_it_is_sent(scratch):
    box, erp = open_box(scratch)
    book = {"op": "receive", "code": "4006381333931", "qty": 5, "bin": "A-01"}
    first = ask(erp, "book", "17", book)
    h.same(first["result"]["entries"], 1)
    again = ask(erp, "book", "17", book, 1)
    h.same(again, first)
    h.same(box.on_hand(), {"MUG": 5})
    booked, = box.movements()
    h.same(booked["actor"], "boss")
    h.same(first["result"]["pos"], str(booked["pos"]))
    # Another command under that id.
    h.same(ask(erp, "book", "17", dict(book, qty=6), 2)["error"]["code"], "id_reused")
    h.same(ask(erp, "move", "18", {"item": "MUG", "qty": 2, "from": "A-01",
                                   "to": "Z-99"})["error"]["code"],
           "unknown_bin")
    h.same(box.on_hand(), {"MUG": 5})
    box.audit(found=0)


@h.test
def an_id_outlives_a_crash(scratch):
    box, erp = open_box(scratch)
    book = {"op": "receive", "code": "MUG", "bin": "A-01"}
    first = ask(erp, "book", "c-1", book)
    box.kill()
    box.start()
    h.same(ask(erp, "book", "c-1", book, 1), first)
    h.same(box.on_hand(), {"MUG": 1})
    box.audit(found=0)


@h.test
def a_list_is_read_through_in_pages_as_long_as_a_message(scratch):
    _, erp = open_box(scratch)
    for number in range(60):
        item = {"item": f"ITEM-{number:03}",
                "name_en": "a name of some length " * 5}
        h.same("result" in ask(erp, "item.set", f"set-{number}", item), True)
    items, args, pages = [], {"limit": 1000}, 0
    while True:
        page = ask(erp, "item.list", f"page-{pages}", args)["result"]
        items += [row["item"] for row in page["items"]]
        pages += 1
        if "next" not in page:
            break
        args["after"] = page["next"]
    h.same(items, [f"ITEM-{number:03}" for number in range(60)] + ["MUG"])
    assert pages > 2, pages


@h.test
def an_answer_comes_on_the_response_topic_with_the_correlation_data(scratch):
    """Method: each way to give the two, one by one. What is not under the
    account's own res/, or longer than depot keeps, is as if not given."""
    _, erp = open_box(scratch)
    own = f"{h.PREFIX}/res/boss/screen-4"
    usual = f"{h.PREFIX}/res/boss/bin.list/"
    cases = [
        (own, b"\x00\xff\x80 17", own, b"\x00\xff\x80 17"),
        (own, None, own, None),
        (own, b"c" * 128, own, b"c" * 128),
        (own, b"c" * 129, own, None),
        (own + "x" * 300, b"17", None, b"17"),
        (f"{h.PREFIX}/status", b"17", None, b"17"),
        (f"{h.PREFIX}/res/ann/screen-4", b"17", None, b"17"),
    ]
    for number, (response, sent, topic, back) in enumerate(cases):
        h.same(erp.ask("bin.list", f"r-{number}", response, sent),
               (topic or f"{usual}r-{number}", back), response)


@h.test
def where_to_answer_outlives_a_crash(scratch):
    """Method: depotd is killed while a command waits at the broker."""
    box, erp = open_box(scratch)
    own = f"{h.PREFIX}/res/boss/screen-4"
    box.kill()
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = own
    properties.CorrelationData = b"17"
    erp.paho.publish(f"{h.PREFIX}/cmd/boss/bin.list",
                     json.dumps({"v": 1, "id": "late"}), 1,
                     properties=properties)
    box.start()
    answer = erp.wait_message(own)
    h.same(answer.json()["id"], "late")
    h.same(erp.correlations[erp.messages.index(answer)], b"17")


if __name__ == "__main__":
    h.main()
