#!/usr/bin/python3
"""Real barcodes: zint draws each, ZXingReader reads it from the picture, and
what it read goes to depot as a scanner would send it: as a JSON reading, and
bare within a session. The book then holds what the goods' labels say."""

import subprocess

import depot_harness as h

GTIN = "4006381333931"
CASE = "14006381333938"
MILK = "09521234567899"
PHONE = "09506000134352"
SEEDING = [
    ("device", "json-1", 1, ""), ("device", "bare-1", 1, ""), ("bin", "A-01"),
    ("bin", "B-07"), ("item", "MUG", 0), ("item", "MILK", 1),
    ("item", "PHONE", 2), ("code", "0" + GTIN, "MUG", 1),
    ("code", CASE, "MUG", 12), ("code", MILK, "MILK", 1),
    ("code", PHONE, "PHONE", 1), ("item", "\u8336\u676f", 0),
    ("code", "TEA-\u8336", "\u8336\u676f", 1),
]

# Name, how zint draws it, the identifier that a scanner would send in front,
# and what it moves: item, lot, units.
GOODS = [
    ("GS1-128", ["-b", "GS1_128"], f"[01]{MILK}[17]291231[10]L42[30]6",
     "]C1", ("MILK", "L42", 6)),
    ("GS1-128 with a separator", ["-b", "GS1_128"],
     f"[01]{MILK}[10]L-43/a[17]291231", "]C1", ("MILK", "L-43/a", 1)),
    ("GS1 DataMatrix", ["-b", "71", "--gs1", "--quietzones"],
     f"[01]{PHONE}[10]P7[21]SN-0815", "]d2", ("PHONE", "P7", 1)),
    ("GS1 QR", ["-b", "58", "--gs1", "--quietzones"],
     f"[01]{MILK}[10]L44", "]Q3", ("MILK", "L44", 1)),
    ("QR with a Digital Link", ["-b", "58", "--quietzones"],
     f"https://id.gs1.org/01/{MILK}/10/L45?17=291231", "]Q1",
     ("MILK", "L45", 1)),
    ("QR with a link of one's own", ["-b", "58", "--quietzones"],
     f"https://shop.example/some/01/{PHONE}/21/SN-0816", "]Q1",
     ("PHONE", "", 1)),
    ("EAN-13", ["-b", "EANX"], GTIN, "]E0", ("MUG", "", 1)),
    ("ITF-14", ["-b", "ITF14"], CASE[:13], "]I1", ("MUG", "", 12)),
    ("Code 128", ["-b", "20"], "MUG", "]C0", ("MUG", "", 1)),
    ("QR in Chinese", ["-b", "58", "--eci", "26", "--quietzones"],
     "TEA-\u8336", "]Q1",
     ("\u8336\u676f", "", 1)),
]


def read_back(scratch, symbol, data):
    """Draws @data and reads the picture: (identifier, text)."""
    picture = scratch.file("barcode.png")
    subprocess.run(["zint", *symbol, "--scale", "3", "-d", data, "-o",
                    picture], check=True, capture_output=True)
    lines = subprocess.run(["ZXingReader", picture], check=True, text=True,
                           capture_output=True).stdout.splitlines()
    fields = {name: value.strip() for name, _, value in
              (line.partition(":") for line in lines)}
    return (fields["Identifier"],
            bytes.fromhex(fields["Bytes"]).decode("utf-8"))


def open_box(scratch, device):
    h.need("zint", "ZXingReader")
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING).start()
    return box, h.Device(scratch, broker, device)


def expected(moves, place):
    book = {}
    for item, lot, units in moves:
        name = (item, place, lot, "good")
        book[name] = book.get(name, 0) + units
    return book


@h.test
def what_a_label_says_is_what_is_booked_as_json(scratch):
    box, gun = open_box(scratch, "json-1")
    for name, symbol, data, identifier, move in GOODS:
        told, text = read_back(scratch, symbol, data)
        h.same(told, identifier, f"identifier of {name}")
        h.same(gun.ask(op="receive", code=told + text, bin="A-01"), None,
               f"exception of {name}, {text!r}")
        h.same(box.movements()[-1]["item"], move[0], f"item of {name}")
        print(f"{name}: {told}{text!r} -> {move}")
    h.same(box.balances(), expected([one[-1] for one in GOODS], "A-01"))
    expiry = {entry["lot"]: entry["expiry"] for entry in box.movements()
              if "expiry" in entry}
    h.same(expiry, {"L42": 20291231, "L-43/a": 20291231, "L45": 20291231})
    serials = [entry["serial"] for entry in box.movements()
               if "serial" in entry]
    h.same(serials, ["SN-0815", "SN-0816"])
    # A phone that is in stock already was not bought twice.
    told, text = read_back(scratch, GOODS[2][1], GOODS[2][2])
    h.same(gun.ask(op="receive", code=told + text, bin="A-01")["code"],
           "already_here")
    box.audit(found=0)


@h.test
def the_identifier_may_stand_beside_the_text(scratch):
    box, gun = open_box(scratch, "json-1")
    for name, symbol, data, _, _ in GOODS:
        told, text = read_back(scratch, symbol, data)
        h.same(gun.ask(op="receive", code=text, symbology=told, bin="A-01"),
               None, f"exception of {name}")
    h.same(box.balances(), expected([one[-1] for one in GOODS], "A-01"))
    box.audit(found=0)


@h.test
def a_person_with_a_bare_scanner_books_the_same(scratch):
    """Every label of the session is a real barcode too."""
    box, gun = open_box(scratch, "bare-1")

    def scan(symbol, data):
        told, text = read_back(scratch, symbol, data)
        return gun.bare(told + text)

    def label(text):
        return scan(["-b", "20"], text)

    ack = label("DEPOT.OP.RECEIVE")
    h.same((ack["except"], ack["session"]["next"]), ([], "item"))
    ack = label("DEPOT.BIN.B-07")
    h.same("B-07" in ack["session"]["text_en"], True, ack)
    h.same("B-07" in ack["session"]["text_zh"], True, ack)
    for name, symbol, data, _, move in GOODS:
        ack = scan(symbol, data)
        h.same(ack["except"], [], f"exceptions of {name}")
        h.same(move[0] in ack["session"]["text_en"], True, ack)
    label("DEPOT.QTY.30")
    scan(["-b", "EANX"], GTIN)
    ack = label("DEPOT.UNDO")
    h.same("undone" in ack["session"]["text_en"], True, ack)
    label("DEPOT.QTY.3")
    scan(["-b", "ITF14"], CASE[:13])
    ack = label("DEPOT.DONE")
    h.same(ack["session"]["next"], "operation")
    received = expected([one[-1] for one in GOODS]
                        + [("MUG", "", 3 * 12)], "B-07")
    h.same(box.balances(), received)
    # And out again: the oldest lot leaves first.
    label("DEPOT.OP.PICK")
    label("DEPOT.BIN.B-07")
    scan(["-b", "EANX"], GTIN)
    label("DEPOT.QTY.7")
    ack = scan(["-b", "20"], "MILK")
    h.same(ack["except"], [], ack)
    label("DEPOT.OP.SHIP")
    scan(["-b", "EANX"], GTIN)
    label("DEPOT.DONE")
    h.same(box.on_hand()["MUG"], 12 + 2 + 36 - 1)
    picked = {lot: units for (item, place, lot, _), units
              in box.balances().items() if (item, place) == ("MILK",
                                                             "PICKED")}
    h.same(picked.get("L42"), 6, f"the first lot of {picked}")
    h.same(sum(picked.values()), 7)
    box.audit(found=0)


@h.test
def a_session_says_what_is_wrong_and_goes_on(scratch):
    box, gun = open_box(scratch, "bare-1")

    def refused(text, code, next_one):
        ack = gun.bare(text)
        h.same([one["code"] for one in ack["except"]], [code], f"{text}: {ack}")
        h.same(ack["session"]["next"], next_one, f"{text}: {ack}")

    refused(GTIN, "no_session", "operation")
    refused("DEPOT.BIN.A-01", "no_session", "operation")
    gun.bare("DEPOT.OP.MOVE")
    refused(GTIN, "item_where_bin", "bin")
    refused("DEPOT.BIN.Z-99", "unknown_bin", "bin")
    gun.bare("DEPOT.BIN.A-01")
    refused(GTIN, "item_where_bin", "bin")
    gun.bare("DEPOT.BIN.B-07")
    refused("]E04006381333930", "bad_check_digit", "item")
    refused("DEPOT.QTY.0", "bad_quantity", "item")
    h.same(box.balances(), {})
    gun.bare("DEPOT.OP.RECEIVE")
    gun.bare("DEPOT.BIN.A-01")
    head = box.head()
    refused("NOBODY-KNOWS-THIS", "unknown_item", "item")
    parked, = box.parked()
    h.same('"bin":"A-01"' in parked["payload"], True, "a complete reading")
    h.same(box.head(), head, "the journal's head")
    gun.bare(GTIN)
    h.same(box.balances(), {("MUG", "A-01", "", "good"): 1})
    box.audit(found=0)


if __name__ == "__main__":
    h.main()
