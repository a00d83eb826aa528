#!/usr/bin/python3
"""HQ's word and the sites' own: master data, proposals, and what HQ asks.

Method: HQ and two sites as in sites.py, each a real depotd with a broker of its
own. What HQ sets is scanned at the sites, which never say it themselves; what a
site sets works there at once and elsewhere when HQ has adopted it; what HQ asks
of a site that is cut off and killed is done once it is back, and once. At the
end every ledger is rebuilt, and comes to the same.
"""

import subprocess

import depot_harness as h
import sites as s

h.TESTS.clear()  # those of sites.py run there

OOLONG = "6901234567892"
LOCAL = "4006381333948"


def items(site):
    return {row["item"]: row for row in site.depot("item", "list")["items"]}


def item_of(site, sku, **members):
    row = items(site).get(sku)
    return row and all(row.get(name) == value
                       for name, value in members.items()) and row


def receive(scratch, site, code, qty, boot):
    gun = h.Device(scratch, site.broker, "gun", boot=boot,
                   prefix=f"depot/v1/{h.ORG}/{site.site}")
    gun.scan(op="receive", code=code, qty=qty, bin="A-01")
    gun.settle()
    gun.close()


def on_hand(site, sku):
    return site.depot("stock", sku)["on_hand"]


@h.test
def what_hq_sets_is_scanned_everywhere(scratch):
    _, sites = s.begin(scratch)
    hq, first, second = sites
    done = hq.depot("item", "set", "OOLONG", "--name-en", "Oolong")
    h.same(done["standing"], "master", "standing")
    hq.depot("code", "set", OOLONG, "OOLONG", "--pack", "6")
    for number, site in enumerate((first, second)):
        h.until(f"OOLONG at {site.site}", lambda at=site: item_of(
            at, "OOLONG", standing="master") and any(
                row["code"].endswith(OOLONG)
                for row in at.depot("code", "list")["codes"]))
        receive(scratch, site, OOLONG, 2 + number, "b1")
        h.same(on_hand(site, "OOLONG"), 6 * (2 + number), "on hand")
    # The last word is HQ's, also of what the site calls otherwise.
    done = first.depot("item", "set", "OOLONG", "--name-en", "Ours")
    h.same(done["standing"], "proposal", "standing")
    h.same(items(first)["OOLONG"]["name_en"], "Oolong", "HQ's word")
    h.until("a proposal that differs", lambda: [
        row for row in hq.depot("hq", "proposals", first.site)["proposals"]
        if row["item"] == "OOLONG" and row["standing"] == "differs"])
    feeds = s.agree(sites)
    h.same([feed[4] for name, feed in feeds.items() if name[0] == 2], [0],
           f"void rows of the master feed: {feeds}")


@h.test
def a_proposal_works_and_is_adopted(scratch):
    _, sites = s.begin(scratch)
    hq, first, second = sites
    second.depot("item", "set", "LOCAL", "--name-en", "Local tea")
    second.depot("code", "set", LOCAL, "LOCAL")
    receive(scratch, second, LOCAL, 3, "b1")
    h.same(on_hand(second, "LOCAL"), 3, "on hand before anybody adopts it")
    h.until("the proposal at HQ", lambda: [
        row for row in hq.depot("hq", "proposals", second.site)["proposals"]
        if row.get("code", "").endswith(LOCAL) and row["standing"] == "new"])
    assert "LOCAL" not in items(first), "a proposal is nobody else's"
    h.same(hq.depot("hq", "adopt", second.site, "LOCAL"),
           {"items": 1, "codes": 1, "left": 0}, "adopted")
    h.until("LOCAL at the other site", lambda: item_of(
        first, "LOCAL", standing="master", name_en="Local tea"))
    receive(scratch, first, LOCAL, 4, "b1")
    h.same(on_hand(first, "LOCAL"), 4, "on hand")
    h.until("LOCAL as HQ's at its own site",
            lambda: item_of(second, "LOCAL", standing="master"))
    receive(scratch, second, LOCAL, 2, "b2")
    h.same(on_hand(second, "LOCAL"), 5, "its history goes on")


def asked_tasks(site):
    return [row for row in site.depot("tasks", "--all")["tasks"]
            if row.get("reason") == "asked"]


def intents(hq):
    return {row["intent"]: row for row in hq.depot("hq", "intents")["intents"]}


@h.test
def what_hq_asks_of_a_site_that_is_cut_off_is_done_once(scratch):
    far, sites = s.begin(scratch)
    hq, first, _ = sites
    s.agree(sites)
    far.stop()
    asked = hq.depot("hq", "ask", first.site, "task.add", "bin=A-01",
                     "item=TEA")["intent"]
    wrong = hq.depot("hq", "ask", first.site, "task.add",
                     "bin=NOWHERE")["intent"]
    h.same(intents(hq)[asked]["state"], "asked", "cut off")
    h.same(asked_tasks(first), [], "nothing was heard of it")
    far.start()
    # Killed while it may be at it, again and again, until HQ has the answer.
    for _ in range(3):
        first.program.live(0.5)
        first.kill()
        first.start()
    told = h.until("the answers at HQ", lambda: (
        lambda rows: rows if rows[asked]["state"] == "done"
        and rows[wrong]["state"] == "refused" else None)(intents(hq)))
    h.same(len(asked_tasks(first)), 1, "tasks")
    task = asked_tasks(first)[0]["id"]
    assert task in told[asked]["text"], told[asked]
    assert "NOWHERE" in told[wrong]["text"], told[wrong]
    h.same(told[asked]["by"], "boss", "who asked")
    for site in sites:
        site.stop()
    for site in sites:
        before = site.feeds()
        site.depot("rebuild")
        h.same(site.feeds(), before, f"feeds of {site.site}, rebuilt")
        done = subprocess.run(
            [s.DEPOT, "--config", site.config, "--json", "audit"],
            capture_output=True, text=True, check=False)
        h.same(done.returncode, 0, f"audit: {done.stdout}{done.stderr}")
    h.same(intents(hq)[asked]["state"], "done", "after the rebuild")
    h.same(len(asked_tasks(first)), 1, "tasks after the rebuild")


if __name__ == "__main__":
    h.main()
