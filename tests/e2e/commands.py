#!/usr/bin/python3
"""Commands and queries as messages: an integrator asks on cmd/, hears on res/.

Method: real mosquitto, real depotd, a foreign client that holds each answer to
the published contract; the journal is read behind depotd's back."""

import json

import depot_harness as h

SEEDING = [("device", "dock-1", 1, ""), ("bin", "A-01"), ("bin", "A-02"),
           ("item", "MUG", 0), ("code", "04006381333931", "MUG", 1)]


def open_box(scratch):
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING).start()
    erp = h.Client(scratch, broker, "erp",
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


if __name__ == "__main__":
    h.main()
