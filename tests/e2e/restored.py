#!/usr/bin/python3
"""A disk that goes back in time: the box takes back what peers have, and goes
on as its site's next life.

Method: HQ and two sites with real daemons and brokers (sites.py). A site's disk
is put back to an older image, work goes on there at once, and at the end all
hold the same deltas, every scan is in somebody's feed once, the box's own book
has all of them, and the network's audit is clean.
"""

import os
import shutil
import subprocess

import depot_harness as h
import sites as s

NO_BRANCH = "0" * 16
h.TESTS.clear()  # those of sites.py are its own


def begin(scratch):
    """The network; what its last site scanned all of them hold."""
    far, sites = s.begin(scratch)
    scan_agreed(scratch, sites, sites[2], 5, "b1")
    return far, sites


def scan_agreed(scratch, sites, box, count, boot):
    """The feeds, once all hold what is scanned at one of them."""
    s.scan(scratch, box, count, boot)
    return s.agree_on(sites, 5)


def image_of(scratch, box, with_guard=False):
    """A copy of the box's disk as it is, for which the box is off."""
    image = scratch.file("image")
    box.stop()
    shutil.copytree(box.store, image)
    if with_guard:
        shutil.copy(box.store + "-guard", image + "-guard")
    box.start()
    return image


def put_back(box, image):
    """What is in the memory of a box that was off is gone."""
    box.stop()
    shutil.rmtree(box.runtime)
    shutil.rmtree(box.store)
    shutil.copytree(image, box.store)
    if os.path.exists(image + "-guard"):
        shutil.copy(image + "-guard", box.store + "-guard")
    box.start()


def heirs(feeds, site):
    """Epochs of a site behind the first, in order."""
    return sorted({epoch for (number, epoch, _) in feeds
                   if number == site and epoch > 1})


def heir_agreed(sites):
    """The feeds, once all hold a later life of the last site, to its end."""
    return h.until("an heir that all hold", lambda: heirs(s.agree(sites), 5)
                   and s.agree_on(sites, 5))


def of(feeds, *numbers):
    """Those of these sites. Others say something whenever they have to."""
    return {name: feed for name, feed in feeds.items() if name[0] in numbers}


def receipts(box):
    return sum(entry["movement"] == "receive" and "carried" not in entry
               for entry in box.movements())


def has_receipts(box, count):
    """What it has lost it takes back as it comes, whoever has it."""
    h.until(lambda: f"{receipts(box)} of {count} receipts in the box's book",
            lambda: receipts(box) == count)


def successor(hq):
    """The one that a site began, as HQ is told of it."""
    rows = hq.depot("hq", "successors")["successors"]
    h.same(len(rows), 1, "successors")
    return rows[0]


def certified(hq, sites, reason):
    """HQ's people look, and certify; all come to agree on it."""
    row = successor(hq)
    h.same((row["name"], row["standing"], row["reason"], row["parent_epoch"]),
           ("sh-02", "provisional", reason, 1), "the case")
    told = hq.status()
    h.same((told["verdict"], told["to_certify"]), ("look", 1), "HQ's status")
    done = hq.depot("hq", "succeed", "sh-02", "--reason", "disk went back")
    h.same((done["epoch"], done["parent_epoch"]), (row["epoch"], 1), "word")
    h.until("the parent to end everywhere", lambda: all(
        feed[(5, 1, NO_BRANCH)][0] == "fenced"
        for feed in [s.agree(sites)]))
    h.same(successor(hq)["standing"], "certified", "standing")
    assert "to_certify" not in hq.status(), "it is done"


def clean(sites, feeds):
    """The network's audit finds nothing, at each of them."""
    for site in sites:
        result = site.depot("audit", "--network")
        h.same((result["unexplained"], result["findings"], result["feeds"]),
               (0, 0, feeds), f"audit at {site.site}")
        assert result["movements"] > 0


def on_hand(box):
    return box.depot("stock", "TEA")["on_hand"]


@h.test
def a_disk_that_went_back_loses_nothing_and_all_agree(scratch):
    _, sites = begin(scratch)
    hq, _, box = sites
    image = image_of(scratch, box)
    before = scan_agreed(scratch, sites, box, 195, "b2")
    put_back(box, image)
    box.program.wait_line(" guard: rollback")
    s.scan(scratch, box, 150, "b3")
    box.program.wait_line(" succession: ")
    feeds = heir_agreed(sites)
    h.same(feeds[(5, 1, NO_BRANCH)], before[(5, 1, NO_BRANCH)],
           "the life before")
    s.holds(feeds, {1, 3, 4, 5})
    has_receipts(box, 350)
    certified(hq, sites, "rollback")
    clean(sites, 5)
    h.same([task["reason"] for task in box.depot("tasks")["tasks"]],
           ["medium_lost"], "tasks")
    h.same(on_hand(box), 700, "units of tea in the box's own book")


@h.test
def a_disk_that_takes_its_guard_along_is_noticed_by_the_others(scratch):
    _, sites = begin(scratch)
    box = sites[2]
    image = image_of(scratch, box, with_guard=True)
    scan_agreed(scratch, sites, box, 30, "b2")
    put_back(box, image)
    box.program.wait_line(" set_back: ")
    box.program.wait_line(" succession: ")
    s.scan(scratch, box, 3, "b3")
    feeds = heir_agreed(sites)
    s.holds(feeds, {1, 3, 4, 5})
    has_receipts(box, 38)


@h.test
def a_restored_backup_goes_on_in_a_new_life(scratch):
    _, sites = begin(scratch)
    hq, _, box = sites
    copy = scratch.file("backup")
    box.depot("backup", copy)
    scan_agreed(scratch, sites, box, 20, "b2")
    box.stop()
    shutil.rmtree(box.runtime)
    os.rename(box.store, box.store + ".lost")
    h.same(box.depot("restore", copy)["epoch"], 1)
    box.start()
    box.program.wait_line(" succession: ")
    s.scan(scratch, box, 3, "b3")
    feeds = heir_agreed(sites)
    s.holds(feeds, {1, 3, 4, 5})
    h.same(on_hand(box), 56, "units of tea in the box's own book")
    h.same((box.depot("peers")["provisional"],
            box.status()["daemon"]["network"]["provisional"]), (True, True),
           "provisional")
    certified(hq, sites, "restored")
    h.until("HQ's word at the box",
          lambda: not box.depot("peers")["provisional"])
    clean(sites, 5)


def gone(box):
    """The medium is lost: the store, its keys, the guard, all of it."""
    box.stop()
    shutil.rmtree(box.runtime)
    shutil.rmtree(box.store)
    shutil.rmtree(box.store + "-keys")
    os.remove(box.store + "-guard")


@h.test
def a_restore_on_a_new_medium_waits_for_the_key_that_people_carry(scratch):
    _, sites = begin(scratch)
    hq, other, box = sites
    copy = scratch.file("backup")
    box.depot("backup", copy)
    before = scan_agreed(scratch, sites, box, 20, "b2")
    gone(box)
    box.depot("restore", copy)
    box.start()
    box.program.wait_line(" succession: ")
    s.scan(scratch, box, 3, "b3")
    h.until("the new life to be sealed",
            lambda: box.depot("hq", "successors")["successors"])
    row = successor(box)
    h.same((row["reason"], row["parent_epoch"], row["standing"]),
           ("restored", 1, "provisional"), "as the box shows it")
    # Nobody vouches, so nobody takes it, and HQ names what does not come in.
    h.until("HQ to name the range", lambda: [
        stuck for stuck in hq.depot("peers")["stuck"]
        if (stuck["site"], stuck["epoch"], stuck["why"])
        == (5, row["epoch"], "stranger")])
    h.same(hq.depot("hq", "successors")["successors"], [], "successors at HQ")
    h.same(of(s.agree([hq, other]), 1, 2, 5), of(before, 1, 2, 5),
           "what the others hold")
    h.same(box.depot("peers")["provisional"], True, "provisional")
    epoch = str(row["epoch"])
    succeed = ["hq", "succeed", "sh-02"]
    is_refused(hq, "no_successor", *succeed)
    is_refused(hq, "no_successor", *succeed, "--epoch", epoch)
    is_refused(hq, "no_successor", *succeed, "--key", row["key"])
    # Cut, without what checks it, one digit wrong, two changed over; the key
    # of this site for another epoch, and of this epoch at another site.
    key = row["key"]
    h.same(len(key), 64 + 1 + 8, "digits to carry")
    at = next(i for i in range(63) if key[i] != key[i + 1])
    slips = [key[1:], key[:64], key[:64] + "-", key[:-1] + "%x" % (
        int(key[-1], 16) ^ 1), key[:at] + key[at + 1] + key[at] + key[at + 2:]]
    slips += [key[:i] + "%x" % (int(key[i], 16) ^ 1) + key[i + 1:]
              for i in range(0, 64, 9)]
    for slip in slips:
        is_refused(hq, "bad_key", *succeed, "--epoch", epoch, "--key", slip)
    is_refused(hq, "bad_key", *succeed, "--epoch", str(row["epoch"] + 1),
               "--key", key)
    is_refused(hq, "bad_key", "hq", "succeed", "hz-01", "--epoch", epoch,
               "--key", key)
    h.same(of(s.agree([hq, other]), 1, 2, 5), of(before, 1, 2, 5),
           "what HQ has said")
    done = hq.depot(*succeed, "--epoch", epoch, "--key", row["key"],
                    "--reason", "new disk")
    h.same((done["epoch"], done["parent_epoch"]), (row["epoch"], 1), "word")
    is_refused(hq, "several_successors", *succeed, "--epoch", epoch, "--key",
               row["key"])
    heir_agreed(sites)
    # It ends when HQ has heard how much of it the new life knows.
    h.until("the end of the life before", lambda: s.agree(sites)[
        (5, 1, NO_BRANCH)][:2] == ("fenced", before[(5, 1, NO_BRANCH)][1]))
    h.until("HQ's word at the box",
          lambda: not box.depot("peers")["provisional"])
    h.until("the range to be forgotten",
            lambda: not hq.depot("peers")["stuck"])
    has_receipts(box, 28)
    h.same(on_hand(box), 56, "units of tea in the box's own book")
    clean(sites, 5)


@h.test
def without_its_guard_a_box_that_nobody_hears_is_provisional(scratch):
    far, sites = begin(scratch)
    box = sites[2]
    far.stop()
    box.stop()
    os.remove(box.store + "-guard")
    box.start()
    box.program.wait_line(" guard: missing")
    s.scan(scratch, box, 3, "b2")
    h.until("the daemon to say that it is provisional",
          lambda: box.depot("peers")["provisional"])
    h.same(on_hand(box), 16, "units of tea in the box's own book")
    h.same(box.depot("peers")["unsealed"] >= 3, True, "nothing is sealed")


def is_refused(box, error, *arguments):
    """The command line says no, and why."""
    done = subprocess.run([s.DEPOT, "--config", box.config, "--json",
                           *arguments],
                          capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stdout
    h.same(h.decode(done.stdout or done.stderr)["error"]["code"], error,
           f"depot {arguments}")


class Elsewhere:
    """The same scratch, with other names: two boxes of one name do not share
    their folders."""

    def __init__(self, scratch):
        self.scratch = scratch

    def __getattr__(self, name):
        return getattr(self.scratch, name)

    def file(self, name):
        return self.scratch.file("elsewhere-" + name)


def twin_of(scratch, box, lonely):
    """A second box from a copy of the first one's disk and keys, on a link on
    which nobody is."""
    twin = s.Site(Elsewhere(scratch), box.site, lonely.port)
    for part in ("", "-keys", "-guard"):
        path = twin.store + part
        if os.path.isdir(path):
            shutil.rmtree(path)
        if os.path.isdir(box.store + part):
            shutil.copytree(box.store + part, path)
        else:
            shutil.copy(box.store + part, path)
    return twin


def sealed_of(box):
    """Deltas of the site's first epoch that the box itself holds."""
    return sum(feed[1] for (site, epoch, _), feed in box.feeds().items()
               if site == 5 and epoch == 1)


@h.test
def two_boxes_of_one_disk_are_proven_and_people_choose(scratch):
    far, sites = begin(scratch)
    hq, other, box = sites
    box.stop()
    lonely = h.Broker(scratch).start()
    twin = twin_of(scratch, box, lonely)
    twin.start()
    was = sealed_of(twin)
    s.scan(scratch, twin, 4, "t1")
    h.until("the twin to seal", lambda: sealed_of(twin) > was)
    twin.stop()
    box.start()
    scan_agreed(scratch, sites, box, 6, "b2")
    box.stop()
    # The twin comes to where the others are.
    with open(twin.config, encoding="utf-8") as file:
        text = file.read()
    with open(twin.config, "w", encoding="utf-8") as file:
        file.write(text.replace(str(lonely.port), str(far.port)))
    twin.start()
    twin.program.wait_line(" set_back: ")
    twin.program.wait_line(" succession: ")
    three = [hq, other, twin]
    h.until("an heir that all hold", lambda: heirs(s.agree(three), 5))
    forks = hq.depot("fork", "list")["forks"]
    h.same([(fork["site"], fork["epoch"]) for fork in forks], [(5, 1)],
           "forks")
    shown = hq.depot("fork", "show", "1")
    assert shown["bytes"] <= 400, shown["bytes"]
    proof = scratch.file("proof.txt")
    with open(proof, "w", encoding="utf-8") as file:
        file.write(shown["file"])
    done = subprocess.run([s.DEPOT, "fork", "verify", proof, "--json"],
                          capture_output=True, text=True, check=False)
    h.same((done.returncode, h.decode(done.stdout)["key"]),
           (0, shown["key"]), "the proof")
    # Facts of both count until HQ says otherwise.
    clean(three, 7)
    row = successor(hq)
    h.same(row["reason"], "clone", "reason")
    hq.depot("hq", "succeed", "sh-02", "--epoch", str(row["epoch"]))
    branches = [fork[side]["branch"] for fork in forks
                for side in ("first", "second")]
    h.same(len(set(branches)), 2, "branches")
    hq.depot("hq", "choose", "sh-02", "--epoch", "1", "--branch",
             branches[0], "--yes")
    h.until("the choice everywhere", lambda: [
        feed[0] for (site, epoch, branch), feed in s.agree(three).items()
        if (site, epoch, branch) == (5, 1, branches[1])] == ["fenced"])
    clean(three, 7)


@h.test
def the_disk_of_a_box_that_was_succeeded_says_nothing_more(scratch):
    """Method: somebody has a copy of a site's disk, keys and all, from before
    its box was set back and HQ certified how it goes on. The copy begins an
    epoch of its own, which its old key vouches for, and peers give it all that
    it asks for; nobody takes a word of it."""
    far, sites = begin(scratch)
    hq, other, box = sites
    image = image_of(scratch, box)
    box.stop()
    stolen = twin_of(scratch, box, far)
    box.start()
    scan_agreed(scratch, sites, box, 5, "b2")
    put_back(box, image)
    box.program.wait_line(" succession: ")
    h.until("an heir that all hold", lambda: heirs(s.agree(sites), 5))
    certified(hq, sites, "rollback")
    held = s.agree(sites)
    box.stop()
    # Its guard remembers more than it has, so it goes on as a new life.
    shutil.copy(box.store + "-guard", stolen.store + "-guard")
    stolen.start()
    s.scan(scratch, stolen, 7, "s1")
    stolen.program.wait_line(" succession: ")
    h.until("somebody to be asked to take it", lambda: any(
        "stranger" in str(one.any_exit("peers")) for one in (hq, other)))
    for one in (hq, other):
        h.same(heirs(one.feeds(), 5), heirs(held, 5), f"heirs at {one.site}")
    h.same(successor(hq)["standing"], "certified", "standing")
    clean([hq, other], 5)


if __name__ == "__main__":
    h.main()
