#!/usr/bin/python3
"""Sticks from somebody who means harm, or who was careless: he knows the form
of a bundle, and holds no key.

Method: real boxes without a link, as in usb.py. Bundles are taken apart and put
together again with all checksums right: packs in another order, left out,
doubled, of an hour ago; a revocation is cut away; counts claim what is not
there; beside bundles lie things that are none; the stick is pulled out while it
is read; what HQ had asked, or an HQ that has lost its say, comes again. After
each a good stick makes the boxes equal.
"""

import os
import random
import shutil
import subprocess

import bundles
import depot_harness as h
import sites as s
import usb

h.TESTS.clear()  # those of usb.py

PULL_OUT = os.path.join(h.BUILD, "tests/e2e/libe2e_pull_out.so")
CONTROL = (1, 1, "0" * 16)
ONE = (4, 1, "0" * 16)


def begin(scratch, *more):
    """As in usb.py, with further sites; nobody runs."""
    sites = [usb.Apart(scratch, name) for name in (*s.NAMES, *more)]
    hq = sites[0]
    hq.depot("init", "--yes", "--account", "boss")
    hq.seed()
    hq.depot("hq", "init", "--root-key", scratch.file("root-key.txt"))
    for site in sites[1:]:
        s.join(hq, site)
    return sites


def book(site, count):
    for _ in range(count):
        site.depot("book", "receive", "TEA", "--qty", "2", "--bin", "A-01")


def exported(scratch, site, *options):
    path = scratch.file("out.bundle")
    site.depot("export", path, *options)
    with open(path, "rb") as file:
        return file.read()


def laid(scratch, name, content):
    path = scratch.file(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    return path


def tasks(site):
    return [row for row in site.depot("tasks", "--all")["tasks"]
            if row.get("reason") == "asked"]


@h.test
def what_else_lies_on_a_stick_keeps_no_bundle_out(scratch):
    """The good one comes last by its name; nothing is waited for."""
    hq, one, _ = begin(scratch)
    usb.carry(scratch, hq, one)
    hq.start()
    book(one, 5)
    good = exported(scratch, one)
    stranger = usb.Apart(scratch, "sh-09")
    stranger.depot("init", "--yes", "--account", "boss")
    stranger.depot("hq", "init", "--root-key", scratch.file("other.txt"))
    folder = scratch.file("stick")
    os.mkdir(folder)
    os.mkfifo(os.path.join(folder, "a-pipe.bundle"))
    os.symlink("/dev/zero", os.path.join(folder, "b-zeros.bundle"))
    os.symlink("a-pipe.bundle", os.path.join(folder, "c-link.bundle"))
    os.symlink("/etc/passwd", os.path.join(folder, "d-link.bundle"))
    os.symlink("nowhere", os.path.join(folder, "e-link.bundle"))
    os.mkdir(os.path.join(folder, "f-folder.bundle"))
    laid(scratch, "stick/g-empty.bundle", b"")
    laid(scratch, "stick/h-noise.bundle", os.urandom(5000))
    laid(scratch, "stick/i-newer.bundle", good[:8] + b"\2" + good[9:])
    laid(scratch, "stick/j-foreign.bundle", exported(scratch, stranger))
    laid(scratch, "stick/k-cut.bundle", good[:len(good) // 2])
    laid(scratch, "stick/z-good.bundle", good)
    code, told = hq.try_depot("import", folder)
    h.same(code, 3, "somebody should look")
    said = {os.path.basename(file["path"])[0]:
            (file.get("refused"), file["whole"]) for file in told["files"]}
    h.same(said, {**{name: ("bad_file", False) for name in "abcdefghi"},
                  "j": ("foreign_net", False), "k": (None, False),
                  "z": (None, True)}, "what is said of each")
    for file in told["files"]:
        if not file["whole"]:
            assert file["fault"] and file["fault_zh"], file
    h.same(hq.feeds()[ONE][1:4], one.feeds()[ONE][1:4], "the good one")
    for lang, word in (("en", "another network"), ("zh", "另一个网络")):
        done = subprocess.run(
            [s.DEPOT, "--config", hq.config, "--lang", lang, "import",
             folder], capture_output=True, text=True, check=False)
        h.same(done.returncode, 3, done.stderr)
        assert word in done.stdout, done.stdout
    # Each alone, by its name: refused, and nothing is waited for.
    for name in sorted(os.listdir(folder))[:-2]:
        if name[0] in "f":
            continue  # a folder without bundles
        code, told = hq.try_depot("import", os.path.join(folder, name))
        h.same((code, told["error"]["code"]), (
            (5, "not_found") if name[0] == "e" else
            (1, "foreign_net") if name[0] == "j" else (1, "bad_file")), name)
    # More than are taken at once is said, and not that there are none.
    for number in range(600):
        laid(scratch, f"many/{number}.bundle", b"")
    code, told = hq.try_depot("import", scratch.file("many"))
    h.same((code, told["error"]["code"]), (1, "bad_file"), "too many")


@h.test
def packs_in_another_order_left_out_or_doubled_bring_what_follows(scratch):
    rng = random.Random(h.seed())
    hq, one, other = begin(scratch)
    parts = []
    for _ in range(6):
        usb.carry(scratch, hq, one)
        usb.carry(scratch, one, hq)
        book(one, 3)
        parts.append(bundles.blocks(exported(scratch, one, "--since", "hq")))
    good = exported(scratch, one)
    whole = bundles.blocks(good)
    assert bundles.bundle(whole) == good, "it is not put together so"
    first, packs = whole[0], whole[1:]
    packs += [pack for part in parts for pack in part[1:]]
    for turn in range(12):
        chosen = rng.choices(packs, k=rng.randrange(1, 2 * len(packs)))
        if turn == 0:
            chosen = [packs[-1]]  # what it builds on is missing
        bad = laid(scratch, "bad.bundle", bundles.bundle([first, *chosen]))
        before = other.feeds()
        code, told = other.try_depot("import", bad)
        h.same((told["files"][0]["whole"], told["files"][0]["packs"]),
               (True, len(chosen)), f"turn {turn}")
        assert turn > 0 or code == 3, "nothing was missing"
        for feed in told["feeds"]:
            assert feed["taken"] >= 0 and feed["void_rows"] == 0, feed
        for name, (_, seq, _, _, _) in before.items():
            assert other.feeds()[name][1] >= seq, "a head went back"
    other.depot("import", laid(scratch, "good.bundle", bundles.bundle(whole)))
    h.same(other.feeds()[ONE], one.feeds()[ONE], "whole in the end")
    for site in (one, other):
        done = site.any_exit("audit", "--network")
        h.same((done["unexplained"], done["findings"]), (0, 0), site.site)


@h.test
def a_revocation_that_is_cut_away_is_missed_and_an_old_stick_changes_nothing(
        scratch):
    hq, one, other, third = begin(scratch, "sz-03")
    for site in (one, other, third):
        usb.carry(scratch, hq, site)
        book(site, 2)
        usb.carry(scratch, site, hq)
    old = laid(scratch, "old.bundle", exported(scratch, hq))
    hq.depot("--yes", "hq", "revoke", one.site, "--reason", "box stolen")
    usb.carry(scratch, hq, third)
    usb.carry(scratch, third, hq)
    hq.depot("hq", "invite", "--site", "xm-05")
    book(hq, 2)
    behind = exported(scratch, hq, "--since", "sz-03")
    book(one, 2)  # what a stolen box says
    stolen = laid(scratch, "stolen.bundle", exported(scratch, one))
    before = other.feeds()
    # Control goes on behind the revocation, which is not there.
    bad = laid(scratch, "bad.bundle", behind)
    code, told = other.try_depot("import", bad)
    control = [feed for feed in told["feeds"] if feed["site"] == 1]
    h.same((code, [(feed["taken"], feed["missing_from"]) for feed in control]),
           (3, [(0, before[CONTROL][1] + 1)]), "named")
    h.same(other.feeds()[CONTROL], before[CONTROL], "control")
    # With it, once; then the word of before, again and again.
    other.depot("import", laid(scratch, "whole.bundle",
                               exported(scratch, hq)))
    after = other.feeds()
    h.same(after[ONE][0], "fenced", "the revoked feed")
    for _ in range(3):
        told = other.depot("import", old)
        h.same((told["taken"], told["refusals"]), (0, 0), "an old stick")
    h.same(other.feeds(), after, "nothing changed")
    code, told = other.try_depot("import", stolen)
    h.same((code, [(one["site"], one["epoch"], one["seq"], one["reason"])
                   for one in told["refused"]]),
           (3, [(4, 1, after[ONE][1] + 1, "fenced")]), "what it said since")
    h.same({name: feed for name, feed in other.feeds().items()}, after,
           "other feeds")


@h.test
def counts_that_are_not_so_are_refused_at_once(scratch):
    """In 256 MiB, a second each."""
    hq, one, _ = begin(scratch)
    book(one, 2)
    usb.carry(scratch, hq, one)
    good = exported(scratch, one)
    first, *packs = bundles.blocks(good)
    net, rest = first[:16], first[16:]
    name = rest[:1 + rest[0]]
    huge = [bundles.varint(n) for n in (1 << 31, (1 << 32) + 1, (1 << 64) - 1)]
    heads = [net + name + count + rest[len(name):] for count in huge]
    heads += [net + name + b"\0" + count + b"\0" * 40 for count in huge]
    heads += [net + bundles.varint(n) + b"x" * 60 for n in (64, 1 << 40)]
    heads += [net + b"\x03a/b" + b"\0\0", net, b""]
    bad = [bundles.bundle([head, *packs]) for head in heads]
    bad += [bundles.bundle([first])[:-12] + size.to_bytes(4, "big")
            for size in (65537, (1 << 31), (1 << 32) - 1)]
    # Packs: each of their first numbers is the largest there is.
    for at in range(min(12, len(packs[0]))):
        pack = packs[0]
        for count in huge:
            bad.append(bundles.bundle(
                [first, pack[:at] + count + pack[at + 1:]]))
    before = hq.feeds()
    refused = 0
    for number, content in enumerate(bad):
        path = laid(scratch, "bad.bundle", content)
        done = subprocess.run(
            ["/usr/bin/timeout", "--signal=KILL", str(h.LIMIT), s.DEPOT,
             "--config", hq.config, "--json", "import", path],
            capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1, 3), (number, done)
        told = h.decode(done.stdout.splitlines()[-1])
        if done.returncode == 1:
            h.same(told["error"]["code"], "bad_file", f"bundle {number}")
            refused += 1
            continue
        # Of what HQ says itself and has, nobody looks at a pack's contents.
        h.same(told["taken"], 0, f"bundle {number}")
        refused += done.returncode == 3
    h.same(hq.feeds(), before, "nothing was taken")
    print(f"{refused} of {len(bad)} refused")
    assert refused >= len(heads) + 3 + 24, refused
    hq.depot("import", laid(scratch, "good.bundle", good))
    h.same(hq.feeds()[ONE][1:4], one.feeds()[ONE][1:4], "the good one")


@h.test
def a_stick_that_is_pulled_out_is_good_up_to_there(scratch):
    hq, one, _ = begin(scratch)
    usb.carry(scratch, hq, one)
    hq.start()
    book(one, 12)
    good = exported(scratch, one)
    stick = laid(scratch, "good.bundle", good)
    ends = [bundles.HEAD]  # of each block
    for content in bundles.blocks(good):
        ends.append(ends[-1] + 12 + len(content))
    looked = 0
    for at in sorted({0, 5, *ends, *(end + 3 for end in ends),
                      len(good) - 1}):
        environment = {
            **os.environ, "LD_PRELOAD": PULL_OUT, "PULL_OUT": stick,
            "PULL_OUT_AT": str(at), "ASAN_OPTIONS": os.environ.get(
                "ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        done = subprocess.run(
            [s.DEPOT, "--config", hq.config, "--json", "import", stick],
            capture_output=True, text=True, check=False, env=environment)
        told = h.decode(done.stdout.splitlines()[-1])
        if at < ends[1]:
            h.same((done.returncode, told["error"]["code"]),
                   (1, "bad_file"), f"at {at}")
        else:
            file = told["files"][0]
            h.same((done.returncode, file["whole"], file["packs"]),
                   (3, False, sum(end <= at for end in ends[2:])), f"at {at}")
            assert "Input/output error" in file["fault"], file
        looked += 1
    assert looked >= 8, looked
    h.same(hq.depot("import", stick)["files"][0]["whole"], True, "again")
    h.same(hq.feeds()[ONE][1:4], one.feeds()[ONE][1:4], "whole at HQ")


@h.test
def what_hq_asked_comes_again_by_old_sticks_and_is_done_once(scratch):
    """At the site that it names, and nowhere else; not after its end."""
    hq, one, other = begin(scratch)
    for site in (one, other):
        usb.carry(scratch, hq, site)
        usb.carry(scratch, site, hq)
    asked = hq.depot("hq", "ask", one.site, "task.add", "bin=A-01",
                     "item=TEA")["intent"]
    stick = laid(scratch, "asked.bundle", exported(scratch, hq))
    one.start()
    other.start()
    for site in (one, other, one, other):
        site.depot("import", stick)
        usb.carry(scratch, hq, site)
        h.until("the task", lambda: len(tasks(one)) == 1)
    one.kill()
    one.start()
    one.depot("import", stick)
    usb.carry(scratch, one, hq)
    state = {row["intent"]: row["state"]
             for row in hq.depot("hq", "intents")["intents"]}
    h.same(state, {asked: "done"}, "at HQ")
    one.depot("import", stick)
    s.scan(scratch, one, 2, "b1")
    h.same((len(tasks(one)), len(tasks(other))), (1, 0), "done once")


@h.test
def a_box_that_was_set_back_does_not_do_again_what_hq_had_asked(scratch):
    """Its disk is of before the question; the old stick asks first, and HQ's
    brings the answer that the box has lost."""
    hq, one, _ = begin(scratch)
    usb.carry(scratch, hq, one)
    one.start()
    s.scan(scratch, one, 2, "b1")
    usb.carry(scratch, one, hq)
    one.stop()
    image = scratch.file("image")
    shutil.copytree(one.store, image)
    one.start()
    asked = hq.depot("hq", "ask", one.site, "task.add", "bin=A-01",
                     "item=TEA")["intent"]
    stick = laid(scratch, "asked.bundle", exported(scratch, hq))
    one.depot("import", stick)
    h.until("the task", lambda: len(tasks(one)) == 1)
    usb.carry(scratch, one, hq)
    one.stop()
    shutil.rmtree(one.runtime)
    shutil.rmtree(one.store)
    shutil.copytree(image, one.store)
    one.start()
    one.program.wait_line(" guard: rollback")
    one.depot("import", stick)
    one.program.live(2)  # the keeper has been round; nothing tells
    h.same(tasks(one), [], "it may have been done by the life that is lost")
    one.try_depot("import", laid(scratch, "back.bundle",
                                 exported(scratch, hq)))
    one.program.wait_line(" succession: ")
    had = tasks(one)  # those of a life that is over need not come back
    assert len(had) <= 1, had
    one.depot("import", stick)
    s.scan(scratch, one, 1, "b3")
    h.same(tasks(one), had, "in its next life")
    h.same({row["intent"]: row["state"] for row in
            hq.depot("hq", "intents")["intents"]}, {asked: "done"}, "at HQ")


class Twin:
    """Another box with a copy of @box's disk; it has no daemon."""

    depot = s.Site.depot

    def __init__(self, scratch, box):
        self.site = box.site
        store = scratch.file("twin-store")
        shutil.copytree(box.store, store)
        shutil.copytree(box.store + "-keys", store + "-keys")
        shutil.copy(box.store + "-guard", store + "-guard")
        with open(box.config, encoding="utf-8") as file:
            text = file.read().replace(box.store, store)
        self.config = scratch.write("twin.conf", text.replace(
            box.runtime, scratch.file("twin-run")))


@h.test
def an_hq_that_has_lost_its_say_asks_nothing_of_anybody(scratch):
    """A copy of HQ's disk is in foreign hands. The root has begun the next
    epoch of control; what the copy says behind that is refused by name."""
    hq, one, other = begin(scratch)
    for site in (one, other):
        usb.carry(scratch, hq, site)
    twin = Twin(scratch, hq)
    hq.depot("hq", "renew", "--yes", "--root", scratch.file("root-key.txt"))
    hq.depot("hq", "invite", "--site", "xm-05")
    usb.carry(scratch, hq, one)
    twin.depot("hq", "ask", one.site, "task.add", "bin=A-01", "item=TEA")
    twin.depot("--yes", "hq", "revoke", other.site, "--reason", "malice")
    stick = laid(scratch, "twin.bundle", exported(scratch, twin))
    before = one.feeds()
    one.start()
    for _ in range(2):
        code, told = one.try_depot("import", stick)
        named = [(row["site"], row["epoch"], row["reason"])
                 for row in told["refused"]]
        h.same((code, (1, 1, "fenced") in named), (3, True), f"{named}")
        at = [row["seq"] for row in told["refused"] if row["site"] == 1]
        h.same(at, [before[CONTROL][1] + 1], "its first word since")
    s.scan(scratch, one, 1, "b1")  # the keeper has been round
    h.same(tasks(one), [], "tasks")
    h.same(one.feeds()[CONTROL], before[CONTROL], "control as it was")
    h.same({row["name"]: row["state"] for row in
            one.depot("hq", "sites")["sites"]}[other.site], "admitted",
           "whom it would have revoked")
    # Who heard the copy first takes the root's word as soon as it comes.
    other.try_depot("import", stick)
    usb.carry(scratch, hq, other)
    h.same(other.feeds()[(1, 2, "0" * 16)], hq.feeds()[(1, 2, "0" * 16)],
           "the new epoch of control")
    h.same({row["name"]: row["state"] for row in
            other.depot("hq", "sites")["sites"]}[other.site],
           {row["name"]: row["state"] for row in
            hq.depot("hq", "sites")["sites"]}[other.site], "as HQ has it")
    usb.carry(scratch, other, hq)


if __name__ == "__main__":
    h.main()
