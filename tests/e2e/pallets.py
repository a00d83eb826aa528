#!/usr/bin/python3
"""Pallets with SSCC labels go from one site to another, and each is received
with one scan of its label.

Method: HQ and two sites as in sites.py, a real depotd, broker and link each. The
sender's people load one pallet as it was received, with one scan, and build one
of two things while they load it. What is on them only the packing list says,
which comes to the addressee in the sender's feed: the first label is scanned
there while the broker in between is dead, the second after its list has come.
The scans of a label are counted at the broker of the addressee; stock, transfers
and both ends' audits tell the quantities.
"""

import depot_harness as h
import sites as s

h.TESTS.clear()  # those of sites.py

GTIN = "09521234567899"


def sscc(serial):
    """The 18 digits, with their check digit (GS1 General Specifications,
    7.9)."""
    digits = f"10614141{serial:09}"
    weighed = sum(int(digit) * (3 if at % 2 == 0 else 1)
                  for at, digit in enumerate(digits))
    return digits + str(-weighed % 10)


EARLY, LATE = sscc(234567890), sscc(234567891)


class Gun(h.Device):
    """A scanner at a site, and what its people scan one code at a time."""

    def __init__(self, scratch, site):
        super().__init__(scratch, site.broker, "gun", boot="b1",
                         prefix=f"depot/v1/{h.ORG}/{site.site}",
                         subscribe=[f"depot/v1/{h.ORG}/{site.site}/scan/gun"])

    def told(self, code, part):
        """Scans @code, and is told @part."""
        mark = self.mark()
        self.publish(self.topic, code)
        self.wait(lambda: any(part in one.payload.decode()
                              for one in self.messages[mark:]
                              if one.topic == self.ack_topic),
                  f"{part!r} for {code}")

    def scanned(self, label):
        """How often it was."""
        return sum(label in one.payload.decode() for one in self.messages
                   if one.topic == self.topic)


def label(pallet):
    return f"(00){pallet}"


MILK = f"(01){GTIN}(17)271231(10)L1"


def ship_whole(site, gun, pallet):
    """As it was received, with one scan. The transfer's number."""
    name = site.depot("transfer", "create", "--to", "sh-02")["transfer"]
    gun.told("DEPOT.OP.TRANSFER_OUT", f"transfer {name}")
    gun.told("DEPOT.BIN.A-01", "A-01")
    gun.told(label(pallet), "transfer out 24 x MILK [L1]")
    gun.told("DEPOT.DONE", f"transfer {name} is on its way")
    return name


def ship_mixed(site, gun, pallet):
    """Built while it is loaded, of two things. The transfer's number."""
    name = site.depot("transfer", "create", "--to", "sh-02")["transfer"]
    for code, units in ((MILK, 7), ("TEA", 5)):
        h.same(gun.ask(op="transfer_out", ref=name, bin="A-01", qty=units,
                       codes=[label(pallet), code]), None, "loaded")
    site.depot("transfer", "ship", name)
    return name


def stock(site):
    """What stands there of each, and what is on its way there."""
    return {item: (told["on_hand"], told["in_transit_in"])
            for item in ("MILK", "TEA")
            for told in (site.depot("stock", item),)}


def begin(scratch):
    far, sites = s.begin(scratch)
    hq = sites[0]
    hq.depot("item", "set", "MILK")
    hq.depot("code", "set", GTIN, "MILK")
    for site in sites[1:]:
        h.until(f"the catalogue at {site.site}", lambda site=site: any(
            one["item"] == "MILK"
            for one in site.depot("item", "list")["items"]))
    return far, sites


@h.test
def a_pallet_is_received_with_one_scan_before_its_list_and_after(scratch):
    far, sites = begin(scratch)
    _, sender, addressee = sites
    loader, gun = Gun(scratch, sender), Gun(scratch, addressee)
    for codes, units in (([label(EARLY), MILK], 24), ([MILK], 7),
                         (["TEA"], 5)):
        h.same(loader.ask(op="receive", bin="A-01", qty=units, codes=codes),
               None, "received")

    # Nobody can say what is on it: the scan is kept.
    far.stop()
    early = ship_whole(sender, loader, EARLY)
    h.same(stock(sender), {"MILK": (7, 0), "TEA": (5, 0)}, "loaded")
    gun.told("DEPOT.OP.TRANSFER_IN", "transfer in")
    gun.told(label(EARLY), "no_packing_list")
    parked = addressee.depot("parked", "list")["parked"]
    h.same([one["code"] for one in parked], ["no_packing_list"], "parked")
    h.same(stock(addressee), {"MILK": (0, 0), "TEA": (0, 0)}, "nothing yet")

    # The list comes, and it is booked with nobody there.
    far.start()
    h.until(lambda: f"what was parked: {stock(addressee)}", lambda:
            stock(addressee) == {"MILK": (24, 0), "TEA": (0, 0)})
    h.same(addressee.depot("parked", "list")["parked"], [], "parked")
    h.same(gun.scanned(EARLY), 1, "scans of the first label")

    # The other's list is there before it is.
    late = ship_mixed(sender, loader, LATE)
    h.until(lambda: f"the packing list: {stock(addressee)}", lambda:
            stock(addressee) == {"MILK": (24, 7), "TEA": (0, 5)})
    gun.told("DEPOT.OP.TRANSFER_IN", "transfer in")
    gun.told(label(LATE), "transfer in")
    h.same(stock(addressee), {"MILK": (31, 0), "TEA": (5, 0)}, "booked")
    h.same(gun.scanned(LATE), 1, "scans of the second label")
    came = [entry for entry in addressee.movements()
            if entry["movement"] == "transfer_in"]
    h.same(sorted((entry["item"], entry.get("lot", ""), entry["quantity"])
                  for entry in came),
           [("MILK", "L1", 7), ("MILK", "L1", 24), ("TEA", "", 5)],
           "movements in")

    for name in (early, late):
        addressee.depot("transfer", "close", name)
    for site in sites:
        h.until(f"the ends at {site.site}", lambda site=site: {
            one["transfer"]: one["closed"] for one in site.depot(
                "transfer", "list", "--all")["transfers"]}
            == {early: True, late: True})
        for name, lines in ((early, (("MILK", 24),)),
                            (late, (("MILK", 7), ("TEA", 5)))):
            items = site.depot("transfer", "show", name)["items"]
            h.same(sorted((one["item"], one["shipped"], one["received"],
                           one["in_transit"], one["verdict"])
                          for one in items),
                   [(item, units, units, 0, "balanced")
                    for item, units in lines],
                   f"{name} at {site.site}")
    s.agree(sites)
    s.adds_up(sites, 5)


if __name__ == "__main__":
    h.main()
