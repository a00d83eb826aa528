#!/usr/bin/python3
"""HQ's disk goes back in time, and sites hold words of HQ that it lost.

Method: HQ and two sites with real daemons and brokers (sites.py), or with
sticks only (usb.py). HQ's disk is put back to an older image while the sites
hold more of what it said. With its guard, which says how far it had spoken, HQ
takes its words back and speaks on behind them; without, it is silent until
people decide. In the end there is one word of each number, all hold the same
deltas, and the network's audit is clean.
"""

import os
import shutil

import depot_harness as h
import restored as r
import sites as s
import usb

h.TESTS.clear()  # those of the others are their own


def heard(sites, name, item):
    """The feeds, once all hold what HQ has said last: of a site, of goods."""
    h.until(f"{name} and {item} everywhere", lambda: all(
        name in names_of(site) and any(
            row["item"] == item for row in site.depot("item", "list")["items"])
        for site in sites))
    return s.agree_on(sites, 3)


def spoken(scratch, hq, sites, tag):
    """HQ says something of each kind, and works; all come to hold it."""
    r_name = "wh-" + tag
    s.scan(scratch, hq, 3, "b" + tag)
    hq.depot("hq", "invite", "--site", r_name)
    hq.depot("item", "set", "SHOE" + tag)
    return heard(sites, r_name, "SHOE" + tag)


def lost(scratch, far, hq, sites):
    """An image of HQ's disk; what it said since, as the sites hold it; then the
    disk is what it was, the guard is not, and nobody is to be heard."""
    hq.depot("item", "set", "CAP")
    s.scan(scratch, hq, 3, "b1")
    s.agree_on(sites, 3)
    image = r.image_of(scratch, hq)
    feeds = spoken(scratch, hq, sites, "04")
    far.stop()
    r.put_back(hq, image)
    return feeds


def goes_on(feeds, before):
    """Both words go on in their epochs, behind what was said; nothing forked.
    """
    for number in (1, 2):
        state, seq = feeds[(number, 1, r.NO_BRANCH)][:2]
        h.same(state, "contiguous", f"what HQ says, feed {number}")
        assert seq > before[(number, 1, r.NO_BRANCH)][1], (feeds, before)
    h.same([feed for feed in feeds if feed[0] < 3],
           [(1, 1, r.NO_BRANCH), (2, 1, r.NO_BRANCH)], "what HQ says")


def certified(hq, sites):
    """HQ certifies how its own ledger goes on, and its old life ends."""
    h.until("HQ's new life to be sealed",
            lambda: hq.depot("hq", "successors")["successors"])
    done = hq.depot("hq", "succeed", "hq", "--reason", "disk went back")
    h.same((done["site"], done["parent_epoch"]), (3, 1), "HQ's own")
    h.until("HQ's old life to end everywhere", lambda: s.agree(sites)[
        (3, 1, r.NO_BRANCH)][0] == "fenced")
    h.until("HQ to be certified",
            lambda: not hq.depot("peers")["provisional"])


def clean(sites):
    for site in sites:
        result = site.depot("audit", "--network")
        h.same((result["unexplained"], result["findings"]), (0, 0),
               f"audit at {site.site}")
        assert result["movements"] > 0
        h.same(site.depot("fork", "list")["forks"], [], "forks")


@h.test
def an_hq_that_knows_how_far_it_spoke_takes_it_back_and_speaks_on(scratch):
    far, sites = s.begin(scratch)
    hq = sites[0]
    before = lost(scratch, far, hq, sites)
    hq.program.wait_line(" guard: rollback")
    r.is_refused(hq, "hq_behind", "hq", "invite", "--site", "xm-05")
    hq.stop()
    # Also where no daemon runs.
    r.is_refused(hq, "hq_behind", "hq", "invite", "--site", "xm-05")
    hq.start()
    r.is_refused(hq, "hq_behind", "item", "set", "HAT")
    far.start()
    hq.program.wait_line(" succession: ")
    hq.program.wait_line(" hq_words: ")
    hq.depot("hq", "invite", "--site", "xm-05")
    hq.depot("item", "set", "HAT")
    certified(hq, sites)
    s.scan(scratch, hq, 2, "b3")
    h.until("what HQ said since, everywhere", lambda: [
        feeds for feeds in [s.agree(sites)]
        if feeds[(2, 1, r.NO_BRANCH)][1] > before[(2, 1, r.NO_BRANCH)][1]])
    goes_on(s.agree(sites), before)
    for site in sites:
        h.same(set(names_of(site)), {"hq", "hz-01", "sh-02", "wh-04", "xm-05"},
               f"the register at {site.site}")
    clean(sites)
    # The next start has no doubt.
    hq.stop()
    hq.start()
    hq.depot("hq", "invite", "--site", "cd-06")


@h.test
def sticks_give_an_hq_its_words_back(scratch):
    sites = usb.begin(scratch)
    hq, site, _ = sites
    hq.depot("item", "set", "CAP")
    s.scan(scratch, hq, 3, "b1")
    usb.around(scratch, sites)
    image = r.image_of(scratch, hq)
    s.scan(scratch, hq, 3, "b2")
    hq.depot("hq", "invite", "--site", "wh-04")
    hq.depot("item", "set", "SHOE")
    usb.around(scratch, sites)
    before = site.feeds()
    r.put_back(hq, image)
    hq.program.wait_line(" guard: rollback")
    stick = scratch.file("all.bundle")
    site.depot("export", stick)
    h.same(hq.any_exit("import", stick)["set_back"], True, "the stick")
    hq.program.wait_line(" succession: ")
    hq.program.wait_line(" hq_words: ")
    hq.depot("hq", "invite", "--site", "xm-05")
    hq.depot("item", "set", "HAT")
    h.until("an export to seal the new life", lambda: not hq.any_exit(
        "export", scratch.file("sealed.bundle"))["set_back"])
    hq.depot("hq", "succeed", "hq")
    usb.around(scratch, sites)
    goes_on(site.feeds(), before)
    clean(sites)


@h.test
def an_hq_without_its_guard_waits_to_be_told(scratch):
    """Method: the file is lost, the disk is what it was, and no site is to be
    heard."""
    far, sites = s.begin(scratch)
    hq = sites[0]
    hq.depot("item", "set", "CAP")
    s.scan(scratch, sites[1], 3, "b1")
    before = h.until("what HQ said, everywhere", lambda: [
        feeds for feeds in [s.agree_on(sites, 4)]
        if (2, 1, r.NO_BRANCH) in feeds])[0]
    hq.stop()
    far.stop()
    os.remove(hq.store + "-guard")
    r.is_refused(hq, "hq_listens", "hq", "invite", "--site", "wh-04")
    hq.start()
    hq.program.wait_line(" guard: missing")
    r.is_refused(hq, "hq_listens", "hq", "invite", "--site", "wh-04")
    r.is_refused(hq, "hq_listens", "item", "set", "HAT")
    h.same(hq.depot("hq", "confirm", "--yes")["confirmed"], True, "a person")
    hq.depot("hq", "invite", "--site", "wh-04")
    hq.depot("item", "set", "HAT")
    h.same(hq.depot("hq", "confirm", "--yes")["confirmed"], False, "again")
    hq.program.wait_line(" hq_words: ")
    hq.stop()
    # Where no daemon runs it is known, too, and what is said there kept.
    hq.depot("hq", "invite", "--site", "xm-05")
    os.remove(hq.store + "-guard")
    r.is_refused(hq, "hq_listens", "hq", "invite", "--site", "cd-06")
    hq.depot("hq", "confirm", "--yes")
    hq.depot("hq", "invite", "--site", "cd-06")
    far.start()
    hq.start()
    feeds = h.until("what HQ said, everywhere", lambda: [
        feeds for feeds in [s.agree(sites)]
        if feeds[(1, 1, r.NO_BRANCH)][1]
        >= before[(1, 1, r.NO_BRANCH)][1] + 3])[0]
    goes_on(feeds, before)
    clean(sites)


def names_of(box):
    return {site["name"]: site["state"]
            for site in box.depot("hq", "sites")["sites"]}


def renewed(scratch, hq, sites, seq):
    """The root key speaks; HQ says something anew, and all come to hold it."""
    hq.stop()
    r.is_refused(hq, "hq_behind", "hq", "invite", "--site", "xm-05")
    done = hq.depot("hq", "renew", "--yes", "--root",
                    scratch.file("root-key.txt"))
    h.same((done["epoch"], done["parent_epoch"], done["certified"]),
           (2, 1, True), "renewed")
    assert done["seq"] >= seq, (done, seq)
    hq.start()
    h.same(hq.depot("peers")["provisional"], False, "provisional")
    hq.depot("hq", "invite", "--site", "xm-05")
    hq.depot("item", "set", "HAT")
    feeds = h.until("the new word everywhere", lambda: [
        feeds for feeds in [s.agree(sites)]
        if (1, 2, r.NO_BRANCH) in feeds and (2, 2, r.NO_BRANCH) in feeds
        and feeds[(1, 2, r.NO_BRANCH)][1] >= 2
        and all(feeds[(number, 1, r.NO_BRANCH)][0] == "fenced"
                for number in (1, 2, 3))])[0]
    h.same(feeds[(1, 1, r.NO_BRANCH)][1], done["seq"], "the word before")
    for site in sites:
        names = names_of(site)
        h.same(set(names), {"hq", "hz-01", "sh-02", "wh-04", "xm-05"},
               "the register")
        h.same({name for name, state in names.items() if state == "invited"},
               {"wh-04", "xm-05"}, "invitations")


@h.test
def an_hq_whose_guard_went_back_is_silent_until_the_root_speaks(scratch):
    far, sites = s.begin(scratch)
    hq = sites[0]
    hq.depot("item", "set", "CAP")
    s.scan(scratch, hq, 3, "b1")
    s.agree_on(sites, 3)
    image = r.image_of(scratch, hq, with_guard=True)
    s.scan(scratch, hq, 3, "b2")
    hq.depot("hq", "invite", "--site", "wh-04")
    hq.depot("item", "set", "SHOE")
    before = heard(sites, "wh-04", "SHOE")
    r.put_back(hq, image)
    hq.program.wait_line(" set_back: ")
    r.is_refused(hq, "hq_behind", "hq", "invite", "--site", "xm-05")
    r.is_refused(hq, "hq_behind", "item", "set", "HAT")
    hq.program.wait_line(" succession: ")
    r.is_refused(hq, "hq_behind", "hq", "invite", "--site", "xm-05")
    feeds = h.until("an heir that all hold",
                  lambda: r.heirs(s.agree(sites), 3) and s.agree(sites))
    for number in (1, 2):
        h.same(feeds[(number, 1, r.NO_BRANCH)], before[(number, 1, r.NO_BRANCH)],
               f"what HQ had said, feed {number}")
    renewed(scratch, hq, sites, before[(1, 1, r.NO_BRANCH)][1])
    s.scan(scratch, hq, 2, "b3")
    late = s.Site(scratch, "cd-06", far.port)
    s.join(hq, late)
    late.start()
    s.scan(scratch, late, 2, "b1")
    sites.append(late)
    h.until("who joined since, everywhere", lambda: any(
        site == 8 and feed[1] > 0
        for (site, _, _), feed in s.agree(sites).items()))
    for site in sites:
        result = site.depot("audit", "--network")
        h.same((result["unexplained"], result["findings"]), (0, 0),
               f"audit at {site.site}")
        assert result["movements"] > 0


@h.test
def an_hq_of_a_backup_on_a_new_box_speaks_with_new_keys(scratch):
    _, sites = s.begin(scratch)
    hq = sites[0]
    hq.depot("item", "set", "CAP")
    s.scan(scratch, hq, 3, "b1")
    s.agree_on(sites, 3)
    copy = scratch.file("backup")
    hq.depot("backup", copy)
    hq.depot("hq", "invite", "--site", "wh-04")
    s.scan(scratch, hq, 3, "b2")
    before = heard(sites, "wh-04", "CAP")
    hq.stop()
    for part in ("-keys", "-guard"):
        os.rename(hq.store + part, hq.store + part + ".lost")
    shutil.rmtree(hq.runtime)
    os.rename(hq.store, hq.store + ".lost")
    hq.depot("restore", copy)
    root = scratch.file("root-key.txt")
    r.is_refused(hq, "hq_behind", "hq", "renew", "--yes", "--root", root)
    hq.start()
    hq.program.wait_line(" succession: ")
    r.is_refused(hq, "hq_behind", "hq", "invite", "--site", "xm-05")
    renewed(scratch, hq, sites, before[(1, 1, r.NO_BRANCH)][1])


if __name__ == "__main__":
    h.main()
