#!/usr/bin/python3
"""Goods go from one site to another, and all three boxes say the same of it.

Method: HQ and two sites as in sites.py, each a real depotd with a broker and a
link of its own. What the sender loads is the addressee's packing list as soon
as the feed is there; less comes than was sent, and is claimed; the answer comes
back. At each box the law of transfers holds, and the network's audit is clean.
"""

import depot_harness as h
import sites as s

h.TESTS.clear()  # those of sites.py


def shown(site, name):
    """The one item of the transfer, as @site knows it; None: nothing yet."""
    known = site.depot("transfer", "list", "--all")["transfers"]
    if not any(one["transfer"] == name for one in known):
        return None
    items = site.depot("transfer", "show", name)["items"]
    return items[0] if items else None


def law(item):
    return item["shipped"] + item["surplus"] == (
        item["received"] + item["damaged"] + item["claimed"] + item["lost"]
        + item["in_transit"])


@h.test
def what_is_loaded_here_is_received_there_and_the_rest_is_claimed(scratch):
    _, sites = s.begin(scratch)
    _, sender, addressee = sites
    s.scan(scratch, sender, 10, "b1")
    name = sender.depot("transfer", "create", "--to", "sh-02", "--carrier",
                        "SF 1")["transfer"]
    h.same(name, "4-5-1", "named by its sender")
    sender.depot("book", "transfer_out", "TEA", "--qty", "12", "--bin",
                 "A-01", "--ref", name)
    sender.depot("transfer", "ship", name)

    h.until("the packing list", lambda: addressee.depot(
        "transfer", "list")["transfers"]
        and "sender" in addressee.depot("transfer", "list")["transfers"][0]
        and addressee.depot("transfer", "list")["transfers"][0]["sender"][
            "state"] == "shipped")
    h.same(addressee.depot("stock", "TEA")["in_transit_in"], 12,
           "on its way here")
    h.same(law(shown(addressee, name)), True, "under way")
    addressee.depot("book", "transfer_in", "TEA", "--qty", "9", "--ref", name)
    addressee.depot("transfer", "close", name)
    h.same(addressee.depot("stock", "TEA")["in_transit_in"], 0, "received")

    h.until("the claim", lambda: sender.depot(
        "transfer", "show", name, "--claims")["claims"])
    claim = sender.depot("transfer", "show", name, "--claims")["claims"][0]
    h.same((claim["kind"], claim["qty"]), ("missing", 3), "claimed")
    sender.depot("transfer", "answer", claim["claim"], "accepted")
    sender.depot("transfer", "close", name)

    for site in sites:
        h.until(f"the end at {site.site}", lambda site=site: [
            one["state"] for one in site.depot("transfer", "list", "--all")[
                "transfers"]] == ["closed"])
        item = shown(site, name)
        h.same({key: item[key] for key in (
            "shipped", "surplus", "received", "damaged", "claimed", "lost",
            "in_transit")},
            {"shipped": 12, "surplus": 0, "received": 9, "damaged": 0,
             "claimed": 3, "lost": 0, "in_transit": 0}, site.site)
    s.agree(sites)
    s.adds_up(sites)


@h.test
def a_lost_truck_is_late_at_its_ends_and_written_off_by_hq(scratch):
    _, sites = s.begin(scratch)
    hq, sender, addressee = sites
    s.scan(scratch, sender, 10, "b1")
    name = sender.depot("transfer", "create", "--to", "5", "--expected",
                        "2020-01-02")["transfer"]
    sender.depot("book", "transfer_out", "TEA", "--qty", "12", "--bin",
                 "A-01", "--ref", name)
    sender.depot("transfer", "ship", name)
    h.until("the packing list at HQ", lambda: shown(hq, name)
         and shown(hq, name)["in_transit"] == 12)
    # Only a trusted clock can tell that it is late.
    if sender.status()["daemon"]["clock_trusted"]:
        for site in sites:
            h.until(f"the alert at {site.site}", lambda site=site: list(
                site.alerts("transfer_late")) == [name])
    done = hq.depot("hq", "write-off", name, "--reason", "truck burnt",
                    "--yes")
    h.same((done["transfer"], done["units"]), (name, 12), "written off")
    for site in sites:
        h.until(f"the end at {site.site}", lambda site=site: [
            (one["state"], one["from_name"], one["to_name"])
            for one in site.depot("transfer", "list", "--all", "--to",
                                  "sh-02")["transfers"]]
            == [("lost", "hz-01", "sh-02")])
        # HQ's word and the sender's come each by a way of its own.
        h.until(f"what was lost at {site.site}", lambda site=site:
                shown(site, name) and shown(site, name)["lost"] == 12)
        h.same(law(shown(site, name)), True, site.site)
        h.until(f"no alert at {site.site}", lambda site=site: not
             site.alerts("transfer_late"))
    s.agree(sites)
    s.adds_up(sites)


def load(site, name, units):
    """By the command line, which needs no daemon. What it said that turned."""
    booked = site.depot("book", "transfer_out", "TEA", "--qty", str(units),
                        "--bin", "A-01", "--ref", name)
    site.depot("transfer", "ship", name)
    return booked.get("turned", {}).get("to")


@h.test
def a_sender_that_is_cut_off_loads_on_after_the_end_and_all_adds_up(scratch):
    """The end is known to HQ and to the addressee; the sender's daemon stands,
    and its people load on. Nobody's audit finds a residue at any time."""
    _, sites = s.begin(scratch)
    hq, sender, addressee = sites
    s.scan(scratch, sender, 10, "b1")
    name = sender.depot("transfer", "create", "--to", "sh-02")["transfer"]
    load(sender, name, 6)
    h.until("the packing list", lambda: shown(addressee, name) and
            shown(addressee, name)["shipped"] == 6)
    sender.stop()
    addressee.depot("transfer", "receive", name, "--bin", "A-01")
    addressee.depot("transfer", "close", name)
    h.until("the end at HQ", lambda: not
            hq.depot("transfer", "list")["transfers"])

    # It has not heard of the end: to it nothing turns.
    h.same(load(sender, name, 4), None, "what turned for the sender")
    h.same(shown(sender, name)["verdict"], "under_way", "at the sender")
    sender.start()
    for site in sites:
        h.until(f"the late load at {site.site}", lambda site=site: [
            (one["transfer"], one["state"], one.get("reopened"))
            for one in site.depot("transfer", "list")["transfers"]]
            == [(name, "shipped", True)])
        item = shown(site, name)
        h.same((item["shipped"], item["received"], item["in_transit"],
                item["verdict"]), (10, 6, 4, "under_way"), site.site)
        h.same(site.any_exit("audit")["unexplained"], 0, site.site)
    s.agree(sites)
    s.adds_up(sites)

    addressee.depot("transfer", "receive", name, "--bin", "A-01")
    addressee.depot("transfer", "close", name)
    for site in sites:
        h.until(f"the end at {site.site}", lambda site=site: not
                site.depot("transfer", "list")["transfers"])
    # And once more, after HQ has written off: it writes that off, too.
    h.same(load(sender, name, 2), "reopened", "what turned")
    h.until("the second late load", lambda:
            shown(hq, name)["in_transit"] == 2)
    h.same(hq.depot("hq", "write-off", name, "--yes")["units"], 2,
           "written off")
    for site in sites:
        h.until(f"nothing open at {site.site}", lambda site=site: not
                site.depot("transfer", "list")["transfers"])
        h.same(law(shown(site, name)), True, site.site)
    s.agree(sites)
    s.adds_up(sites)


@h.test
def goods_that_only_hqs_catalogue_names_are_sent_and_received(scratch):
    """Neither HQ nor the addressee has ever booked any of them."""
    far, sites = s.begin(scratch)
    hq, sender, addressee = sites
    hq.depot("item", "set", "LAMP")
    h.until("the catalogue", lambda: all(
        any(one["item"] == "LAMP" for one in site.depot(
            "item", "list")["items"]) for site in (sender, addressee)))
    sender.depot("book", "receive", "LAMP", "--qty", "9", "--bin", "A-01")
    name = sender.depot("transfer", "create", "--to", "5")["transfer"]
    sender.depot("book", "transfer_out", "LAMP", "--qty", "9", "--bin",
                 "A-01", "--ref", name)
    sender.depot("transfer", "ship", name)
    h.until("the packing list", lambda: any(
        one.get("sender", {}).get("state") == "shipped" for one in
        addressee.depot("transfer", "list")["transfers"]))
    addressee.depot("transfer", "receive", name, "--bin", "A-01")
    addressee.depot("transfer", "close", name)
    h.until("the end at HQ", lambda: shown(hq, name) is not None
         and shown(hq, name)["verdict"] == "balanced")
    h.same(addressee.depot("stock", "LAMP")["on_hand"], 9, "received")
    assert all(site.program.is_running() for site in sites)
    s.agree(sites)
    s.adds_up(sites, 5)
    far.stop()


if __name__ == "__main__":
    h.main()
