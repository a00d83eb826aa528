#!/usr/bin/python3
"""How a network begins, from the command line: HQ, an invitation, a box that
joins by a file, and what people do wrong on the way.

Method: `depot` only, on stores without a daemon and at last through one; files
are carried as a stick would carry them, and mistyped as people mistype."""

import os
import re
import stat

import cli_bed
from cli_bed import Depot, h


class Boxes:
    """HQ, and places for boxes that are bare."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.hq = self.bare("hq")
        self.hq.text("init", "--yes", "--org", "acme", "--site", "hq",
                     "--path", scratch.file("hq-store"), "--map-size",
                     "64 MiB", "--timezone", "Asia/Shanghai", "--account",
                     "boss", "--write-config")

    def bare(self, name):
        return Depot(self.scratch.file(name + ".conf"))

    def file(self, name):
        return self.scratch.file(name)

    def found(self):
        self.hq.text("hq", "init", "--root-key", self.file("root.txt"))
        return self

    def invite(self, name, *more):
        path = self.file(name + ".txt")
        document = self.hq.json("hq", "invite", "--site", name, "--out", path,
                                *more)
        return path, document

    def join(self, name, invitation, **more):
        """A bare box joins; what it says, and the file that goes back."""
        ask = self.file(name + "-ask.txt")
        box = self.bare(name)
        said = box.json("join", invitation, "--ask", ask, "--path",
                        self.file(name + "-store"), "--map-size", "64 MiB",
                        "--account", "ann", **more)
        return box, said, ask

    def sites(self):
        return {site["name"]: site
                for site in self.hq.json("hq", "sites")["sites"]}


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


@h.test
def a_network_is_founded_once_and_its_root_key_leaves_the_box(scratch):
    boxes = Boxes(scratch)
    boxes.hq.error("not_hq", "hq", "invite", "--site", "hz-07", exit=1)
    root = boxes.file("root.txt")
    said = boxes.hq.json("hq", "init", "--root-key", root)
    h.same((said["site"], said["name"], said["root_key"]), (3, "hq", root))
    h.same(re.fullmatch("[0-9a-f]{32}", said["net"]) is not None, True)
    h.same(stat.S_IMODE(os.stat(root).st_mode), 0o600)
    lines = [line for line in text_of(root).splitlines()
             if not line.startswith(("#", "depot"))]
    h.same(len(lines), 4)
    for line in lines:
        h.same(re.fullmatch(r"(?:[0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-Z*+$%]",
                            line) is not None, True, line)
    h.same(sorted(os.listdir(scratch.file("hq-store-keys"))),
           ["control-1.key", "epoch-1.key", "master-1.key"])
    # Again: not over the file, and not anywhere else.
    boxes.hq.error("conflict", "hq", "init", "--root-key", root, exit=6)
    other = boxes.file("other.txt")
    boxes.hq.error("conflict", "hq", "init", "--root-key", other, exit=6)
    h.same(os.path.exists(other), False, "a key's file that holds nothing")
    h.same(len(text_of(root).splitlines()) > 4, True, "the first one")


@h.test
def what_hq_asks_is_listed_until_the_site_answers(scratch):
    """No daemon here, so nobody answers: e2e_master has the answers."""
    boxes = Boxes(scratch).found()
    path, _ = boxes.invite("hz-07")
    boxes.hq.json("hq", "admit", boxes.join("hz-07", path)[2])
    said = boxes.hq.json("hq", "ask", "hz-07", "task.add", "bin=A-01",
                         "--hours", "24")
    h.same((said["site"], said["verb"]), (4, "task.add"))
    boxes.hq.json("hq", "ask", "hz-07", "item.set", "item=MUG",
                  "inactive:=true", "weight_mg:=12", "--hours", "0")
    rows = boxes.hq.json("hq", "intents", "--open", "--site",
                         "hz-07")["intents"]
    h.same([(row["name"], row["arguments"], row["by"], row["state"],
             "expires" in row) for row in rows],
           [("hz-07", '{"bin":"A-01"}', "boss", "asked", True),
            ("hz-07", '{"item":"MUG","inactive":true,"weight_mg":12}',
             "boss", "asked", False)])
    assert rows[0]["intent"] in boxes.hq.text("hq", "intents")
    boxes.hq.error("unknown_verb", "hq", "ask", "hz-07", "launch", exit=5)
    boxes.hq.error("unknown_site", "hq", "ask", "hz-99", "task.add", exit=5)
    for wrong in ("bin", "=A", "to:=much"):
        boxes.hq.error("usage", "hq", "ask", "hz-07", "task.add", wrong,
                       exit=2)
    boxes.hq.error("bad_name", "hq", "invite", "--site", "network", exit=2)
    boxes.hq.error("bad_name", "hq", "invite", "--site", "sync", exit=2)


@h.test
def what_hq_sets_is_master_data_and_proposals_are_named(scratch):
    boxes = Boxes(scratch)
    boxes.hq.text("item", "set", "OLD")
    boxes.found()
    h.same(boxes.hq.json("item", "set", "NEW")["standing"], "master")
    h.same([(row["item"], row["standing"])
            for row in boxes.hq.json("item", "list")["items"]],
           [("NEW", "master"), ("OLD", "proposal")])
    h.same(boxes.hq.json("hq", "proposals", "hq")["proposals"], [],
           "what is not sealed yet")
    boxes.hq.error("unknown_proposal", "hq", "adopt", "hq", "OLD", exit=5)
    boxes.hq.error("unknown_proposal", "hq", "decline", "hq", "OLD", exit=5)
    h.same(boxes.hq.json("hq", "adopt", "hq", "--all"),
           {"items": 0, "codes": 0, "left": 0})
    boxes.hq.error("missing_field", "hq", "adopt", "hq", exit=2)


@h.test
def the_root_key_gives_hq_new_keys_and_nothing_else_does(scratch):
    """What an HQ of which the keys were lost does; e2e_restored has one that
    was set back, among its sites."""
    boxes = Boxes(scratch).found()
    root = boxes.file("root.txt")
    path, _ = boxes.invite("hz-07")
    box, _, ask = boxes.join("hz-07", path)
    boxes.hq.json("hq", "admit", ask)
    os.rename(boxes.file("hq-store-keys/control-1.key"),
              boxes.file("lost.key"))
    boxes.hq.error("hq_behind", "hq", "invite", "--site", "hz-08", exit=1)
    boxes.hq.error("root_key", "hq", "renew", "--yes", exit=2)
    boxes.hq.error("root_key", "hq", "renew", "--yes", "--root", "/no/such",
                   exit=5)
    boxes.hq.error("root_key", "hq", "renew", "--yes", "--root", path, exit=2)
    other = Boxes(Folder(boxes.file("other"))).found()
    boxes.hq.error("root_key", "hq", "renew", "--yes", "--root",
                   other.file("root.txt"), exit=2)
    box.error("not_hq", "hq", "renew", "--yes", "--root", root, exit=6)
    h.same(boxes.hq.json("hq", "renew", "--yes", "--root", root),
           {"epoch": 2, "parent_epoch": 1, "seq": 3, "certified": False})
    h.same({name: site["state"] for name, site in boxes.sites().items()},
           {"hq": "admitted", "hz-07": "admitted"})
    boxes.invite("hz-08")
    h.same(boxes.sites()["hz-08"]["state"], "invited")


@h.test
def an_hq_without_its_guard_asks_whether_the_disk_was_set_back(scratch):
    """Where no daemon runs; e2e_restored_hq has daemons, and sites."""
    boxes = Boxes(scratch).found()
    path, _ = boxes.invite("hz-07")
    box, _, ask = boxes.join("hz-07", path)
    guard = boxes.file("hq-store-guard")
    h.same(boxes.hq.json("hq", "confirm", "--yes"), {"confirmed": False})
    os.rename(guard, guard + ".lost")
    boxes.hq.error("hq_listens", "hq", "invite", "--site", "hz-08", exit=1)
    boxes.hq.error("hq_listens", "hq", "admit", ask, exit=1)
    boxes.hq.error("usage", "hq", "confirm", exit=2)
    h.same(os.path.exists(guard), False, "a guard")
    h.same(boxes.hq.json("hq", "confirm", "--yes"), {"confirmed": True})
    boxes.invite("hz-08")
    boxes.hq.json("hq", "admit", ask)
    box.error("not_hq", "hq", "confirm", "--yes", exit=1)


class Folder:
    """A place for the files of another network."""

    def __init__(self, path):
        self.path = path
        os.mkdir(path)

    def file(self, name):
        return os.path.join(self.path, name)


@h.test
def what_waits_for_hqs_word_is_listed_and_asked_for_by_name(scratch):
    """In a network in which nothing happened: e2e_restored has the cases."""
    boxes = Boxes(scratch).found()
    path, _ = boxes.invite("hz-07")
    _, _, ask = boxes.join("hz-07", path)
    boxes.hq.error("unknown_site", "hq", "succeed", "hz-07", exit=5)
    boxes.hq.json("hq", "admit", ask)
    h.same(boxes.hq.json("hq", "successors")["successors"], [])
    boxes.hq.error("no_successor", "hq", "succeed", "hz-07", exit=5)
    boxes.hq.error("bad_key", "hq", "succeed",
                   "hz-07", "--key", "12", exit=2)
    boxes.hq.error("unknown_branch", "hq", "choose", "hz-07", "--branch",
                   "00112233445566aa", "--yes", exit=5)
    h.same(boxes.hq.json("fork", "list")["forks"], [])
    boxes.hq.error("unknown_fork", "fork", "show", "1", exit=5)
    boxes.hq.error("unknown_file", "fork", "verify", "/no/such/file", exit=5)
    boxes.hq.error("bad_file", "fork", "verify", path, exit=2)


@h.test
def for_a_try_the_root_key_may_stay(scratch):
    boxes = Boxes(scratch)
    said = boxes.hq.json("hq", "init", "--keep-root-here")
    h.same("root_key" in said, False)
    h.same("root.key" in os.listdir(scratch.file("hq-store-keys")), True)


@h.test
def a_box_joins_by_a_file_and_hq_admits_it_by_another(scratch):
    boxes = Boxes(scratch).found()
    path, invited = boxes.invite("hz-07", "--until", "2030-12-20", "--like",
                                 "hq", "--share", ".15", "--host",
                                 "hq.example:8883")
    h.same((invited["number"], invited["site"]), (1, 4))
    h.same(invited["until"], "2030-12-20T16:00:00Z", "midnight at HQ")
    h.same(invited["code"].endswith("/HQ.EXAMPLE:8883"), True)
    h.same(text_of(path), invited["file"])
    h.same(stat.S_IMODE(os.stat(path).st_mode), 0o600)
    h.same(boxes.sites()["hz-07"]["state"], "invited")

    box, said, ask = boxes.join("hz-07", path)
    h.same((said["org"], said["name"], said["site"]), ("acme", "hz-07", 4))
    config = text_of(box.config)
    for line in ("org = acme", "site = hz-07", "timezone = Asia/Shanghai"):
        h.same(line in config, True, line)
    # It works before HQ has answered.
    box.text("item", "set", "MUG")
    box.text("bin", "set", "A-01")
    box.text("book", "receive", "MUG", "--qty", "5", "--bin", "A-01")
    h.same(box.json("audit")["verdict"], "clean")

    admitted = boxes.hq.json("hq", "admit", ask)
    h.same((admitted["site"], admitted["name"], admitted["epoch"]),
           (4, "hz-07", 1))
    h.same((boxes.sites()["hz-07"]["state"],
            boxes.sites()["hz-07"]["epoch"]), ("admitted", 1))
    h.same(boxes.hq.json("audit")["verdict"], "clean")
    # The stick was lost: the box writes it again, HQ says the same.
    again = boxes.file("again.txt")
    h.same(box.json("join", path, "--ask", again)["site"], 4)
    h.same(boxes.hq.json("hq", "admit", again)["site"], 4)


@h.test
def an_invitation_is_for_one_box(scratch):
    boxes = Boxes(scratch).found()
    path, _ = boxes.invite("hz-07")
    _, _, first = boxes.join("hz-07", path)
    _, _, second = boxes.join("other", path)
    boxes.hq.text("hq", "admit", first)
    boxes.hq.error("join_refused", "hq", "admit", second, exit=6)
    boxes.hq.error("already_invited", "hq", "invite", "--site", "hq", exit=6)
    # Withdrawn before it was used.
    path, invited = boxes.invite("hz-08")
    boxes.hq.error("already_invited", "hq", "invite", "--site", "hz-08",
                   exit=6)
    _, _, ask = boxes.join("hz-08", path)
    boxes.hq.text("hq", "withdraw", invited["number"])
    boxes.hq.error("join_refused", "hq", "admit", ask, exit=6)
    boxes.hq.error("invitation_used", "hq", "withdraw", "1", exit=6)
    boxes.hq.error("unknown_invitation", "hq", "withdraw", "99", exit=5)
    h.same("hz-08" in boxes.sites(), False, "withdrawn")


@h.test
def what_is_mistyped_or_damaged_is_told_with_what_to_do(scratch):
    boxes = Boxes(scratch).found()
    path, invited = boxes.invite("hz-07")
    bare = boxes.bare("hz-07")
    code = invited["code"]
    wrong = code[:-3] + ("A" if code[-3] != "A" else "B") + code[-2:]
    for text, exit_code, name in (
            (wrong, 2, "bad_code"), ("DEPOT:0001", 2, "bad_code"),
            ("DEPOT:0001-!", 2, "bad_code"), (code + "9", 2, "bad_code"),
            (code, 2, "no_link"), (code.lower(), 2, "no_link"),
            (boxes.file("none.txt"), 5, "not_found")):
        bare.error(name, "join", text, exit=exit_code)
    whole = text_of(path)
    lines = whole.splitlines()
    lines[9] = ("1" if lines[9][0] != "1" else "2") + lines[9][1:]
    mistyped = "\n".join(lines)
    lines = whole.splitlines()
    ask = boxes.file("hz-07-ask.txt")
    for name, text in (
            ("a symbol", mistyped),
            ("a line gone", "\n".join(lines[:9] + lines[10:])),
            ("cut in half", whole[:len(whole) // 2]),
            ("lines mixed", "\n".join(lines[:5] + lines[5:7][::-1]
                                      + lines[7:])),
            ("another file", "item,name\nMUG,Mug\n"), ("empty", "")):
        damaged = scratch.write("damaged.txt", text)
        result = bare.run("join", damaged, "--ask", ask)
        h.same((result.exit, result.out), (2, ""), f"{name}: {result}")
        h.same(result.err.startswith(f"depot: {damaged}: "), True, name)
        h.same(os.path.exists(ask), False, name)
        h.same(os.path.exists(bare.config), False, name)
    result = bare.run("join", scratch.write("damaged.txt", mistyped))
    h.same("line 10 is mistyped" in result.err, True, str(result))
    # The wrong file at HQ, and one of another network.
    boxes.hq.error("bad_file", "hq", "admit", path, exit=1)
    boxes.hq.error("not_found", "hq", "admit", boxes.file("none"), exit=5)
    box, _, ask = boxes.join("hz-07", path)
    h.same(box.json("hq", "sites")["own"], 4)
    os.rename(ask, boxes.file("theirs.txt"))
    boxes.hq.error("bad_name", "hq", "invite", "--site", "HZ 7", exit=2)
    boxes.hq.error("usage", "hq", "invite", "--site", "b", "--share", "x",
                   exit=2)
    boxes.hq.error("bad_host", "hq", "invite", "--site", "b", "--host", "x",
                   exit=2)
    # A box that is a site already stays what it is.
    path, _ = boxes.invite("hz-09")
    box.error("conflict", "join", path, "--ask", boxes.file("no.txt"), exit=6)
    h.same(os.path.exists(boxes.file("no.txt")), False)


@h.test
def the_sheet_is_a_page_in_both_languages_and_the_labels_behind_it(scratch):
    """The labels are those that `depot label` prints, which cli_labels has read
    by another program."""
    h.need("zint")
    boxes = Boxes(scratch).found()
    sheet = boxes.file("sheet.html")
    _, invited = boxes.invite("hz-07", "--sheet", sheet)
    page = text_of(sheet)
    for part in (invited["code"], "hz-07", "<svg", "depot label bin",
                 "加入单", "Good for one box",
                 invited["expires"][:16].replace("T", " ") + " UTC"):
        h.same(part in page, True, part)
    first, behind = page.split('<div class="behind">')
    figures = re.findall(r"<figure>.*?</figure>", behind, re.S)
    printed = "".join(boxes.hq.text("label", *words)
                      for words in (["op"], ["bin", "DOCK"]))
    h.same(figures, re.findall(r"<figure>.*?</figure>", printed, re.S))
    h.same((len(figures), behind.count("<svg viewBox")), (28, 28))
    h.same((invited["code"] in behind, "<figure" in first), (False, False),
           "what is kept and what is torn up")
    # Without zint there is no sheet, and no code that nobody has seen.
    lone = boxes.file("lone.html")
    missing = boxes.hq.json("hq", "invite", "--site", "hz-06", "--sheet", lone,
                            exit=1, environment={"PATH": boxes.file("none")})
    h.same("apt install zint" in missing["error"]["text_en"], True)
    h.same((os.path.exists(lone), "hz-06" in boxes.hq.text("hq", "sites")),
           (False, False))
    # In words the code is there with its QR code, and what comes next.
    words = boxes.hq.text("hq", "invite", "--site", "hz-08", "--out",
                          boxes.file("hz-08.txt"))
    h.same(re.search(r"(?m)^DEPOT:0002-", words) is not None, True, words)
    h.same("depot hq admit" in words and "█" in words, True, words)
    words = boxes.hq.text("hq", "invite", "--site", "hz-09", "--lang", "zh")
    h.same("仅显示一次" in words, True, words)


@h.test
def a_site_is_revoked_or_ended_where_hq_stands(scratch):
    boxes = Boxes(scratch).found()
    for name in ("hz-07", "hz-08"):
        path, _ = boxes.invite(name)
        _, _, ask = boxes.join(name, path)
        boxes.hq.text("hq", "admit", ask)
    boxes.hq.error("bad_site", "hq", "revoke", "hq", "--yes", exit=2)
    boxes.hq.error("unknown_site", "hq", "revoke", "hz-99", "--yes", exit=5)
    # Nobody is there to be asked, and --yes was not said.
    boxes.hq.error("usage", "hq", "revoke", "hz-07", exit=2)
    said = boxes.hq.json("hq", "revoke", "hz-07", "--yes", "--reason", "lost")
    h.same((said["site"], said["seq"], said["verdict"]), (4, 0, "revoked"))
    boxes.hq.error("usage", "hq", "close", "hz-07", exit=2)
    boxes.hq.error("bad_site", "hq", "close", "hq", "--yes", exit=2)
    said = boxes.hq.json("hq", "close", "hz-07", "--yes", "--reason", "gone")
    h.same((said["verdict"], said["written_off"], said["transfers"]),
           ("closed", 0, []))
    h.same(boxes.sites()["hz-07"]["state"], "closed")
    said = boxes.hq.json("hq", "fence", "hz-08", "--epoch", "1", "--seq", "0")
    h.same(said["verdict"], "ended")
    boxes.hq.error("not_held", "hq", "fence", "hz-08", "--seq", "9", exit=1)
    for lang in ("en", "zh"):
        boxes.hq.text("hq", "sites", "--lang", lang)


@h.test
def with_a_daemon_it_is_the_same_and_hq_is_not_founded_under_it(scratch):
    bench = cli_bed.Bench(scratch, False)
    depot = bench.depot
    h.need("mosquitto")
    depot.text("hq", "init", "--keep-root-here")
    bench.box.start()
    bench.with_daemon = True
    depot.error("again", "hq", "init", "--root-key", scratch.file("r.txt"),
                exit=75)
    h.same(os.path.exists(scratch.file("r.txt")), False)
    path = scratch.file("hz-07.txt")
    invited = depot.json("hq", "invite", "--site", "hz-07", "--out", path)
    h.same(text_of(path), invited["file"])
    depot.error("already_invited", "hq", "invite", "--site", "hz-07", exit=6)
    box = Depot(scratch.file("hz-07.conf"))
    ask = scratch.file("ask.txt")
    box.text("join", path, "--ask", ask, "--path", scratch.file("s"),
             "--map-size", "64 MiB")
    # HQ's feeds are read beside its daemon.
    whole = scratch.file("hz-08.join")
    depot.json("hq", "invite", "--site", "hz-08", "--bundle", whole)
    other = Depot(scratch.file("hz-08.conf"))
    said = other.json("join", whole, "--ask", scratch.file("ask-8.txt"),
                      "--path", scratch.file("s8"), "--map-size", "64 MiB")
    h.same(said["carried"]["files"][0]["whole"], True, "beside a daemon")
    assert said["carried"]["taken"] > 0, said
    h.same(depot.json("hq", "admit", ask)["name"], "hz-07")
    h.same([site["name"] for site in depot.json("hq", "sites")["sites"]],
           [bench.box.site, "hz-07", "hz-08"])
    depot.json("hq", "revoke", "hz-07", "--yes")
    # No link is configured, and nobody was heard.
    peers = depot.json("peers")
    h.same((peers["site"], peers["links"], peers["peers"]), (3, [], []))
    h.same("no link" in depot.text("status", exit=depot.run("status").exit),
           True, "status")
    for lang in ("en", "zh"):
        depot.text("peers", "--lang", lang)
    bench.box.stop()
    depot.error("not_running", "peers", exit=75)
    bench.box.start()
    bench.end()


GOODS = 5000


def goods_import(boxes):
    """A catalogue with a code for each item, at HQ."""
    table = boxes.scratch.write("items.csv", "item,name_en\n" + "".join(
        f"SKU-{number:06},thing {number}\n" for number in range(GOODS)))
    boxes.hq.json("item", "import", table)
    table = boxes.scratch.write("codes.csv", "code,item\n" + "".join(
        f"LBL{number:06},SKU-{number:06}\n" for number in range(GOODS)))
    boxes.hq.json("code", "import", table)


def bundled(boxes, name):
    """An invitation with HQ's goods behind it: its path, and its bytes."""
    path = boxes.file(name + ".join")
    boxes.hq.json("hq", "invite", "--site", name, "--bundle", path)
    with open(path, "rb") as file:
        return path, file.read()


def knows(site, number):
    """The last item and its code, as HQ says them."""
    shown, codes = site.run("item", "show", f"SKU-{number:06}",
                            "--json").documents()
    h.same(shown["name_en"], f"thing {number}")
    h.same([(one["code"], one["standing"]) for one in codes["codes"]],
           [(f"LBL{number:06}", "master")], "codes")


@h.test
def one_file_without_a_link_makes_a_site_that_has_hqs_goods(scratch):
    boxes = Boxes(scratch)
    boxes.hq.error("not_hq", "hq", "invite", "--site", "hz-07", "--bundle",
                   boxes.file("x.join"), exit=1)
    h.same(os.path.exists(boxes.file("x.join")), False, "no file is left")
    boxes.found()
    goods_import(boxes)
    path, _ = bundled(boxes, "hz-07")
    h.same(stat.S_IMODE(os.stat(path).st_mode), 0o600)
    boxes.hq.error("conflict", "hq", "invite", "--site", "hz-08", "--bundle",
                   path, exit=6)
    site, said, ask = boxes.join("hz-07", path)
    carried = said["carried"]
    h.same((carried["refusals"], carried["files"][0]["whole"],
            carried["files"][0]["from"]), (0, True, "hq"))
    rows = {feed["site"]: feed["rows"] for feed in carried["feeds"]}
    h.same(rows[2], 2 * GOODS, "rows of master data")
    knows(site, GOODS - 1)
    status = site.json("status", exit=3)
    h.same((status["items"], status["codes"]), (GOODS, GOODS),
           "what can be scanned")
    # It works at once, on goods of HQ's.
    site.text("bin", "set", "A-01")
    site.json("book", "receive", "SKU-000007", "--qty", "3", "--bin", "A-01")
    h.same(site.json("stock", "SKU-000007")["on_hand"], 3)
    h.same(site.json("import", path)["taken"], 0, "the same file again")
    h.same(boxes.hq.json("hq", "admit", ask)["name"], "hz-07")
    for lang in ("en", "zh"):
        box = boxes.bare(lang)
        told = boxes.hq.text("hq", "invite", "--site", lang, "--lang", lang,
                             "--bundle", boxes.file(lang + ".join"))
        h.same("depot join " + boxes.file(lang + ".join") in told, True)
        box.text("join", boxes.file(lang + ".join"), "--ask",
                 boxes.file(lang + "-ask.txt"), "--path", boxes.file(lang),
                 "--map-size", "64 MiB", "--lang", lang)


@h.test
def the_first_account_is_the_users_who_came_by_sudo(scratch):
    """The store is another's, as where depotd has a user of its own; the file
    is one that only root may read."""
    boxes = Boxes(scratch).found()
    path, _ = bundled(boxes, "hz-07")
    folder = scratch.file("lib")
    os.mkdir(folder)
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, 1, 1)
        os.chmod(scratch.path, 0o755)
    box = boxes.bare("hz-07")
    said = box.json("join", path, "--ask", scratch.file("ask.txt"), "--path",
                    os.path.join(folder, "store"), "--map-size", "64 MiB",
                    environment={"SUDO_UID": "4711"})
    h.same(said["carried"]["files"][0]["whole"], True, "taken by the owner")
    h.same(os.stat(os.path.join(folder, "store")).st_uid,
           1 if is_root else os.geteuid(), "whose the store is")
    h.same([one["uid"] for one in box.json("account", "list")["accounts"]],
           [4711 if is_root else os.getuid()], "whose the account is")


@h.test
def a_join_file_that_was_cut_gives_what_is_whole_and_names_the_rest(scratch):
    """Cut at places of each of its parts, and one byte of it changed."""
    boxes = Boxes(scratch).found()
    goods_import(boxes)
    _, whole = bundled(boxes, "hz-07")
    note = whole.index(b"# bundle\n")
    begin = whole.index(b"DEPOTBDL")
    h.same(note < begin < len(whole) // 2, True, "the parts")
    # In the invitation: no box joins by half of it.
    half = boxes.file("half.join")
    with open(half, "wb") as file:
        file.write(whole[:note - 8])
    box = boxes.bare("half")
    box.error("bad_file", "join", half, "--ask", boxes.file("half-ask.txt"),
              "--path", boxes.file("half-store"), exit=2)
    h.same(os.path.exists(boxes.file("half-store")), False, "no store")
    looked = 0
    middle = (begin + len(whole)) // 2
    for cut in (note + 9, begin, begin + 3, begin + 8, begin + 30, middle,
                len(whole) - 1):
        looked += 1
        name = f"cut-{looked}"
        with open(boxes.file(name), "wb") as file:
            file.write(whole[:cut])
        site, said, _ = boxes.join(name, boxes.file(name), exit=3)
        file = said["carried"]["files"][0]
        h.same((said["name"], file["whole"]), ("hz-07", False), "joined")
        assert "cut" in file["fault"] or "no bundle" in file["fault"], file
        h.same(said["carried"]["taken"] > 0, cut >= middle, f"cut at {cut}")
        # The file as it was brings the rest.
        site.json("import", boxes.file("hz-07.join"))
        knows(site, GOODS - 1)
    h.same(looked, 7, "cuts")
    bad = bytearray(whole)
    bad[middle] ^= 0x20
    with open(boxes.file("bad"), "wb") as file:
        file.write(bad)
    _, said, _ = boxes.join("bad", boxes.file("bad"), exit=3)
    h.same(said["carried"]["files"][0]["whole"], False, "one byte")
    h.same("depot import" in boxes.bare("text").text(
        "join", boxes.file("cut-6"), "--ask", boxes.file("text-ask.txt"),
        "--path", boxes.file("text-store"), "--map-size", "64 MiB", exit=3),
           True, "what to do")


@h.test
def what_one_exports_the_other_imports(scratch):
    """Without daemons: the stick's file, its name, its two languages, and what
    is wrong with the words."""
    boxes = Boxes(scratch).found()
    path, _ = boxes.invite("hz-07")
    site, _, ask = boxes.join("hz-07", path)
    boxes.hq.text("hq", "admit", ask)
    stick = scratch.file("stick")
    os.mkdir(stick)
    out = boxes.hq.json("export", stick)
    h.same((out["path"], out["acks"], out["unsealed"]),
           (stick + "/hq.bundle", True, 0), "exported")
    h.same([feed["feed"] for feed in out["feeds"]],
           ["control", "hq"], "feeds")
    told = site.json("import", stick)
    h.same((told["taken"], told["refusals"]), (out["deltas"], 0), "taken")
    h.same(site.json("import", stick)["taken"], 0, "again")
    site.json("export", stick, "--since", "hq")
    h.same(sorted(os.listdir(stick)), [
        "hq.bundle", "hz-07-for-hq.bundle"])
    boxes.hq.json("import", stick)
    h.same(boxes.hq.json("export", stick, "--since", "hz-07")["deltas"], 0)
    h.same(boxes.hq.json("export", stick, "--feeds", "control")["feeds"][0][
        "feed"], "control")
    for lang in ("en", "zh"):
        boxes.hq.text("export", stick, "--lang", lang)
        site.text("import", stick, "--lang", lang)
    boxes.hq.error("unknown_site", "export", stick, "--since", "xx", exit=5)
    boxes.hq.error("io", "export", "/no/such/folder/x", exit=1)
    boxes.hq.error("not_found", "import", scratch.file("none"), exit=5)
    empty = scratch.write("empty.bundle", "")
    boxes.hq.error("bad_file", "import", empty, exit=1)


@h.test
def a_site_closes_and_its_box_is_wiped(scratch):
    """Without a daemon, in both languages, with what people do wrong."""
    boxes = Boxes(scratch).found()
    path, _ = boxes.invite("hz-07")
    site, _, ask = boxes.join("hz-07", path)
    boxes.hq.text("hq", "admit", ask)
    boxes.hq.error("is_hq", "close", "--yes", exit=1)
    site.text("item", "set", "TEA")
    site.text("bin", "set", "A-01")
    site.text("book", "receive", "TEA", "--qty", "3", "--bin", "A-01")
    for lang in ("en", "zh"):
        site.text("close", "--dry-run", "--lang", lang, exit=3)
    site.error("not_empty", "close", "--yes", exit=6)
    # Nobody is there to be asked, and --yes was not said.
    site.error("usage", "close", "--write-off", "over", exit=2)
    told = site.json("close", "--yes", "--write-off", "over")
    h.same((told["sealed"], told["units"], told["covered"]), (True, 0, False))
    site.error("site_closed", "book", "receive", "TEA", "--bin", "A-01",
               exit=6)
    for lang in ("en", "zh"):
        site.text("close", "--lang", lang)
    site.error("usage", "wipe", "--lose", "lots", exit=2)
    site.error("not_covered", "wipe", "--yes", exit=6)
    stick = scratch.file("stick")
    os.mkdir(stick)
    # HQ first: who has not heard of it can take nobody's word.
    for one, other in ((boxes.hq, site), (site, boxes.hq), (boxes.hq, site)):
        one.json("export", stick)
        other.json("import", stick)
    h.same(site.json("close", "--dry-run")["covered"], True, "HQ signed")
    site.error("usage", "wipe", exit=2)
    site.text("wipe", "--yes", "--lang", "zh")
    site.error("not_commissioned", "stock", exit=4)
    h.same([name for name in os.listdir(scratch.path)
            if name.startswith("hz-07-store")], [], "left over")


@h.test
def a_box_of_no_network_has_no_peers_and_says_so(scratch):
    h.need("mosquitto")
    bench = cli_bed.Bench(scratch, True)
    bench.depot.error("no_network", "peers", exit=1)
    bench.depot.error("no_network", "export", scratch.file("x"), exit=1)
    h.same("network" in bench.depot.text(
        "status", exit=bench.depot.run("status").exit), False, "status")
    bench.end()


if __name__ == "__main__":
    h.main()
