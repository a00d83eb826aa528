#!/usr/bin/python3
"""Every verb of `depot`, on a store without a daemon and through one with its
broker: the same words, the same documents, the same exit codes.

Method: a box made by `depot init` itself; each story is told twice. Documents
are read by a JSON parser that is not ours; at the end every verb of the help
was run (verbs_are_all_run)."""

import json
import os
import re
import select
import subprocess

import cli_bed
from cli_bed import Depot, h, story


# ---- looking at nothing ----

LISTS = (("item list", "items"), ("code list", "codes"),
         ("account list", "accounts"), ("device list", "devices"),
         ("tasks", "tasks"), ("alerts", "alerts"), ("sessions", "sessions"),
         ("parked list", "parked"), ("stock", "items"),
         ("bin list", "bins"), ("broker list", "accounts"),
         ("journal", "entries"), ("journal --all", "entries"))


@story
def every_list_is_a_document_and_a_text_from_the_first_moment(bench, depot):
    for words, member in LISTS:
        document = depot.json(*words.split())
        if not isinstance(document[member], list):
            raise AssertionError(f"{words}: {document}")
        if words != "broker list":  # it is no query of the ledger
            h.same("as_of" in document, True, f"as_of of {words}")
        for lang in ("en", "zh"):
            out = depot.text(*words.split(), "--lang", lang)
            if not out.strip():
                raise AssertionError(f"{words} in {lang}: no word")


# ---- working ----

@story
def goods_are_booked_moved_counted_and_traced(bench, depot):
    bench.fill()
    booked = depot.json("book", "receive", "14006381333938", "--qty", 2,
                        "--bin", "A-01")
    h.same(len(booked["booked"]), 1)
    depot.text("move", "MUG", 5, "--from", "A-01", "--to", "A-02")
    stock = depot.json("stock", "MUG")
    h.same((stock["on_hand"], {row["place"]: row["units"]
                               for row in stock["places"]
                               if row["kind"] == "bin"}),
           (24, {"A-01": 19, "A-02": 5}))
    h.same([row["item"] for row in
            depot.json("stock", "--bin", "A-02")["items"]], ["MUG"])
    count = depot.json("count", "MUG", 18, "--bin", "A-01")
    h.same(count["booked"][0]["verdict"], "accepted")
    h.same(depot.json("stock", "MUG")["on_hand"], 23)
    # What the lists show as text is what the documents hold.
    line, = [line for line in depot.text("stock").splitlines()
             if line.startswith("MUG")]
    h.same(re.findall(r"\b\d+\b", line)[:2], ["23", "23"])
    # Which entry made it, and who.
    moved = depot.json("trace", "MUG")["movements"]
    h.same([row["movement"] for row in moved],
           ["count_adjust", "move", "receive"])
    entry = depot.json("trace", moved[1]["entry"])
    h.same((entry["of"]["item"], entry["by"]["account"]), ("MUG", "boss"))
    depot.text("trace", moved[1]["entry"])
    # The count that it adjusts, in columns that are filled.
    out = depot.text("trace", moved[0]["entry"])
    h.same("ENTRY WHAT" in " ".join(out.split()) and "count of MUG" in out,
           True, out)
    depot.text("trace", "MUG", "--lang", "zh")
    h.same(depot.json("trace", "--item", "MUG", "--last", 1)["movements"],
           moved[:1])
    # And back.
    depot.text("reverse", moved[1]["entry"])
    depot.error("reversed_already", "reverse", moved[1]["entry"], exit=6)
    h.same(depot.json("stock", "--bin", "A-02")["items"], [])
    depot.text("stock", "--all")


@story
def what_cannot_be_booked_is_told(bench, depot):
    bench.fill()
    depot.error("unknown_item", "move", "NOBODY", 1, "--from", "A-01", "--to",
                "A-02", exit=5)
    depot.error("unknown_bin", "move", "MUG", 1, "--from", "A-01", "--to",
                "Z-99", exit=5)
    depot.error("same_bin", "move", "MUG", 1, "--from", "A-01", "--to",
                "A-01", exit=1)
    depot.error("out_of_range", "move", "MUG", 0, "--from", "A-01", "--to",
                "A-02", exit=2)
    depot.error("usage", "move", "MUG", "many", "--from", "A-01", "--to",
                "A-02", exit=2)
    depot.error("missing_field", "move", "MUG", 1, exit=2)
    depot.error("unknown_op", "book", "juggle", "MUG", exit=2)
    depot.error("unknown_entry", "trace", "1.4711", exit=5)
    depot.error("unknown_entry", "reverse", "1.4711", exit=5)
    depot.error("unknown_item", "trace", "NOBODY", exit=5)
    depot.error("unknown_item", "stock", "NOBODY", exit=5)
    depot.error("unknown_bin", "stock", "--bin", "Z-99", exit=5)
    depot.error("usage", "transform", "SET", 1, "--of", "MUG", "--bin",
                "A-01", exit=2)


@story
def a_bundle_is_made_of_its_parts(bench, depot):
    bench.fill()
    bench.stock("MUG", 10)
    bench.stock("LAMP", 10)
    depot.text("transform", "SET", 2, "--of", "MUG=2,LAMP=1", "--bin", "A-01")
    h.same([depot.json("stock", item)["on_hand"]
            for item in ("SET", "MUG", "LAMP")], [2, 6, 8])


@story
def a_command_with_an_id_acts_once(bench, depot):
    bench.fill()
    bench.stock()
    move = ("move", "MUG", 5, "--from", "A-01", "--to", "A-02", "--id", "m-1")
    first = depot.json(*move)
    h.same(depot.json(*move)["entry"], first["entry"])
    h.same(depot.json("stock", "--bin", "A-02")["items"][0]["units"], 5)
    depot.error("id_reused", "move", "MUG", 6, "--from", "A-01", "--to",
                "A-02", "--id", "m-1", exit=6)


@story
def a_count_far_off_is_asked_for_again(bench, depot):
    """It worked, but look: exit 3, and a task."""
    bench.fill()
    bench.stock("MUG", 100)
    far = depot.json("count", "MUG", 10, "--bin", "A-01", exit=3)
    h.same(far["booked"][0]["verdict"], "recount_blind")
    task, = depot.json("tasks")["tasks"]
    h.same((task["kind"], task["bin"]), ("count", "A-01"))
    h.same("A-01" in depot.text("tasks"), True)


@story
def tasks_are_taken_and_done(bench, depot):
    bench.fill()
    depot.text("account", "add", "li", "--role", "operator")
    one = depot.json("task", "add", "A-01", "--item", "MUG")["task"]
    two = depot.json("task", "add", "A-02")["task"]
    h.same(depot.json("task", "claim", one)["state"], "claimed")
    depot.error("task_claimed", "task", "claim", one, "--as", "li", exit=6)
    depot.text("task", "done", one)
    depot.error("task_over", "task", "claim", one, exit=6)
    depot.text("task", "cancel", two)
    h.same(depot.json("tasks")["tasks"], [])
    h.same(len(depot.json("tasks", "--all")["tasks"]), 2)
    depot.error("unknown_task", "task", "done", "t9-9", exit=5)
    depot.error("unknown_alert", "alert", "close", "no-such", exit=5)


@story
def transfers_are_listed_and_what_needs_a_network_says_so(bench, depot):
    """A network of one has transfers of its own: a van that goes round."""
    bench.fill()
    depot.error("no_network", "transfer", "create", "--to", "7", exit=1)
    # A number that was never used may be a slip: it is told.
    begun = depot.text("book", "transfer_out", "MUG", "--qty", "3", "--bin",
                       "A-01", "--ref", "van 7")
    h.same(begun.splitlines()[-1], "transfer van 7 begins", "the last line")
    one = depot.json("transfer", "list")["transfers"][0]
    h.same((one["transfer"], one["direction"], one["unsettled"]),
           ("van 7", "own", 1))
    depot.text("transfer", "ship", "van 7", "--carrier", "ours")
    item = depot.json("transfer", "show", "van 7")["items"][0]
    h.same((item["item"], item["shipped"], item["in_transit"]),
           ("MUG", 3, 3))
    h.same("in transit" in depot.text("transfer", "show", "van 7").lower(),
           True)
    line = depot.json("transfer", "show", "van 7", "--lines")["lines"][0]
    h.same(line["shipped"], 3)
    h.same(depot.json("transfer", "show", "van 7", "--claims")["claims"], [])
    depot.error("under_way", "transfer", "cancel", "van 7", exit=6)
    depot.error("under_way", "transfer", "close", "van 7", exit=6)
    depot.text("book", "transfer_in", "MUG", "--qty", "3", "--bin", "A-01",
               "--ref", "van 7")
    h.same(depot.json("transfer", "show", "van 7")["items"][0]["in_transit"],
           0)
    over = depot.text("transfer", "cancel", "van 7", "--reason", "is empty",
                      "--lang", "zh")
    h.same(over.splitlines()[-1], "调拨单 van 7 已结束", "the last line")
    h.same(depot.json("transfer", "list")["transfers"], [])
    h.same(len(depot.json("transfer", "list", "--all")["transfers"]), 1)
    depot.error("not_addressee", "transfer", "receive", "van 7", exit=1)
    depot.error("not_addressee", "transfer", "claim", "van 7", "MUG", "1",
                exit=1)
    depot.error("unknown_claim", "transfer", "answer", "van 7-c1",
                "accepted", exit=5)
    depot.error("unknown_transfer", "transfer", "show", "3-7-1", exit=5)


CHECKS = """check,question,name_en,name_zh,kind,times,grace_min,answer,low,high
cold-1,,Freezer,冷库,cold_chain,08:00 20:00,30,,,
cold-1,1,Temperature,温度,,,,number,-22,-18.5
cold-1,2,Door closed?,门已关？,,,,yes,,
doors,,Doors,门,doors,20:00,,,,
"""
CHECKS_JSON = """[{"check": "cold-1", "name_en": "Freezer", "name_zh": "冷库",
  "kind": "cold_chain", "times": ["08:00", "20:00"],
  "questions": [{"name_en": "Temperature", "name_zh": "温度",
                 "answer": "number", "low": "-22", "high": "-18.5"},
                {"name_en": "Door closed?", "name_zh": "门已关？",
                 "answer": "yes"}]}]"""


@story
def site_checks_are_described_done_and_looked_up(bench, depot):
    """The daemon asks by itself meanwhile, if its clock is not trusted."""
    bench.fill()
    h.same(depot.json("check", "due")["checks"], [])
    h.same("nothing is due" in depot.text("check", "due"), True)
    took = depot.json("check", "import", "-", text=CHECKS)
    h.same((took["rows"], took["added"]), (4, 4))
    took = depot.json("check", "import", "-", text=CHECKS_JSON)
    h.same((took["unchanged"], took["vanished"]), (3, 1))
    h.same([check["check"] for check in
            depot.json("check", "list")["checks"]], ["cold-1", "doors"])
    one = depot.json("check", "show", "cold-1")
    h.same([question["answer"] for question in one["questions"]],
           ["number", "yes"])
    h.same("温度" in depot.text("check", "show", "cold-1", "--lang", "zh"),
           True)
    # Answers are words, numbers below zero too.
    done = depot.json("check", "do", "cold-1", "-19.5", "yes", "--note", "ok")
    h.same((done["in_order"], "followup" in done), (True, False))
    bad = depot.json("check", "do", "cold-1", "-17", "no", exit=3)
    h.same((bad["out_of_limits"], bad["in_order"]), (2, False))
    h.same("task" in depot.text("check", "do", "cold-1", "-17", "no",
                                exit=3), True)
    due, = [check for check in depot.json("check", "due")["checks"]
            if check["check"] == "cold-1"]
    task, = [task for task in depot.json("tasks")["tasks"]
             if task["check"] == "cold-1"]
    h.same((due["task"], len(task["questions"])), (task["id"], 2))
    depot.error("task_is_check", "task", "done", task["id"], exit=2)
    h.same([alert["code"] for alert in depot.json("alerts")["alerts"]],
           ["check_failed"])
    depot.json("check", "do", task["id"], "-20", "yes")
    h.same(depot.json("alerts")["alerts"], [])
    results = depot.json("check", "history", "cold-1")["results"]
    h.same([result["in_order"] for result in results],
           [True, False, False, True])
    h.same("Temperature -20" in depot.text("check", "history", "cold-1"), True)
    # What is wrong is told.
    depot.error("answer_count", "check", "do", "cold-1", "yes", exit=2)
    depot.error("answer_kind", "check", "do", "cold-1", "yes", "yes",
                exit=2)
    depot.error("unknown_check", "check", "show", "none", exit=5)
    broken = depot.error("bad_rows", "check", "import", "-",
                         text=CHECKS.replace("20:00", "25:00"), exit=1)
    h.same([fault["line"] for fault in broken["faults"]], [2, 5])
    depot.json("check", "import", "-", "--retire", text=CHECKS_JSON)
    depot.text("check", "retire", "cold-1", "--yes")
    depot.error("check_retired", "check", "do", "cold-1", "-20", "yes", exit=6)
    h.same(depot.json("check", "list")["checks"], [])
    h.same(len(depot.json("check", "list", "--all")["checks"]), 2)
    h.same("no checks" in depot.text("check", "list"), True)


# ---- scanning ----

@story
def depot_scan_types_as_a_scanner_would(bench, depot):
    bench.fill()
    result = depot.run("scan", "--device", "dock-1", "DEPOT.OP.RECEIVE",
                       "DEPOT.BIN.A-01", "4006381333931", "DEPOT.DONE",
                       "--json")
    h.same(result.exit, 0, str(result))
    answers = result.documents()
    h.same([answer["device"] for answer in answers], ["dock-1"] * 4)
    h.same("1 x MUG" in answers[2]["ack"]["session"]["text_en"], True)
    h.same(depot.json("stock", "MUG")["on_hand"], 1)
    # Lines of a scanner that types; in Chinese.
    out = depot.text("scan", "--device", "gun-2", "--lang", "zh",
                     text="DEPOT.OP.PICK\nDEPOT.BIN.A-01\n4006381333931\n")
    h.same(len(out.splitlines()), 3)
    h.same(depot.json("stock", "MUG")["allocated"], 1)
    h.same(len(depot.json("sessions")["sessions"]), 1)
    # A whole reading; and the entry that it made names it.
    depot.text("scan", "--device", "dock-1", '{"v":1,"seq":7,"boot":"b1",'
               '"op":"receive","code":"MUG","bin":"A-01"}')
    entry = depot.json("trace", "MUG")["movements"][0]
    traced = depot.json("trace", entry["entry"])["by"]
    h.same(traced, {"device": "dock-1", "boot": "b1", "seq": "7"})
    # What is wrong is an answer, too: look.
    refused = depot.json("scan", "--device", "dock-1", '{"v":1,"op":"fly"}',
                         exit=3)
    h.same(refused["ack"]["except"][0]["result"], "refused")
    depot.error("usage", "scan", "MUG", exit=2)
    depot.error("usage", "scan", "--device", "Dock 1", "MUG", exit=2)


@story
def a_parked_reading_is_named_and_booked(bench, depot):
    bench.fill()
    for code in ("5901234123457", "rubbish-1", "rubbish-2"):
        depot.run("scan", "--device", "dock-1", json.dumps(
            {"v": 1, "op": "receive", "code": code, "bin": "A-01"}))
    rows = depot.json("parked", "list")["parked"]
    h.same([row["wants"] for row in rows],
           ["05901234123457", "rubbish-1", "rubbish-2"])
    h.same("5901234123457" in depot.text("parked", "list"), True)
    shown = depot.json("parked", "show", rows[0]["number"])
    h.same(json.loads(shown["payload"])["code"], "5901234123457")
    depot.text("parked", "show", rows[0]["number"])
    named = depot.json("parked", "name", rows[0]["number"], "LAMP", "--pack",
                       6)
    h.same(named["booked"], 1)
    h.same(depot.json("stock", "LAMP")["on_hand"], 6)
    depot.error("unknown_item", "parked", "retry", rows[1]["number"], exit=5)
    depot.text("code", "set", "rubbish-1", "MUG")
    depot.error("usage", "parked", "drop", rows[2]["number"], "--reason", "x",
                exit=2)
    depot.error("missing_field", "parked", "drop", rows[2]["number"], "--yes",
                exit=2)
    depot.text("parked", "drop", rows[2]["number"], "--reason", "a test",
               "--yes")
    h.same(depot.json("parked", "list")["parked"], [])
    depot.error("unknown_parked", "parked", "show", 99, exit=5)
    loss = depot.json("journal", "--kind", "loss")["entries"]
    h.same([row["what"] for row in loss], ["parked: a test"])


# ---- the journal ----

@story
def the_journal_is_shown_by_item_bin_device_and_account(bench, depot):
    bench.fill()
    bench.stock("MUG", 3)
    bench.stock("LAMP", 3, "B-01")
    depot.text("scan", "--device", "dock-1",
               '{"v":1,"op":"pick","code":"MUG","bin":"A-01"}')
    movements = ("journal", "--kind", "movement")
    for option, value, count in (("--item", "MUG", 2), ("--bin", "B-01", 1),
                                 ("--device", "dock-1", 1),
                                 ("--account", "boss", 2)):
        entries = depot.json(*movements, option, value)["entries"]
        h.same(len(entries), count, f"{option} {value}")
    # Newest first in the document, oldest first for people.
    entries = [row["entry"] for row in depot.json("journal")["entries"]]
    numbers = [int(entry.split(".")[1]) for entry in entries]
    h.same(numbers, sorted(numbers, reverse=True))
    lines = depot.text("journal").splitlines()
    h.same(lines[-1].split()[0], entries[0])
    h.same(len(depot.text("journal", "--last", 2).splitlines()), 3)
    depot.error("unknown_word", "journal", "--kind", "dream", exit=2)


@story
def the_journal_is_followed_as_it_grows(bench, depot):
    bench.fill()
    entry = watched(bench, ["journal", "--follow", "--json", "--item", "MUG",
                            "--kind", "movement"], lambda entry: entry)
    h.same((entry["movement"], entry["item"]), ("receive", "MUG"))


def watched(bench, words, condition):
    """The first document of a `depot` that goes on, of which @condition holds
    while MUGs are received; it is ended by its pid. Its first look may come
    after a receipt: so another follows until it has seen one."""
    watcher = subprocess.Popen(
        [cli_bed.PROGRAM, "--config", bench.depot.config, *words],
        stdout=subprocess.PIPE)
    try:
        for _ in range(50):
            bench.stock("MUG", 1)
            ready, _, _ = select.select([watcher.stdout], [], [], 2)
            if not ready:
                continue
            document = json.loads(watcher.stdout.readline())
            if condition(document):
                return document
        raise AssertionError(f"{words}: nothing was seen")
    finally:
        watcher.kill()
        watcher.wait()


@story
def top_shows_what_moved(bench, depot):
    frame = depot.json("top", "--frames", 1)
    h.same((frame["site"], frame["items"]), (h.SITE, []))
    h.same(frame["as_of"] is None or frame["as_of"].endswith("Z"), True)
    bench.fill()
    frame = watched(bench, ["top", "--json"], lambda frame: frame["items"])
    item = frame["items"][0]
    h.same((item["name"], item["on_hand"] > 0, item["entries"] > 0),
           ("MUG", True, True))
    out = depot.text("top", "--frames", 1)
    h.same(out.startswith("\x1b[2J"), True)
    depot.error("usage", "top", "--frames", 0, exit=2)


# ---- the whole ----

@story
def status_gives_the_verdict_first(bench, depot):
    bench.fill()
    if not bench.with_daemon:
        status = depot.json("status", exit=3)
        h.same((status["verdict"], status["daemon"]), ("stopped", None))
        h.same("not running" in depot.text("status", exit=3).split("\n")[0],
               True)
        return
    status = depot.json("status")
    h.same((status["verdict"], status["items"], status["devices"],
            status["daemon"]["broker"], status["daemon"]["health"]),
           ("ok", 4, 2, "up", []))
    h.same(depot.text("status").split("\n")[0], f"{h.SITE}: well")
    h.same("正常" in depot.text("status", "--lang", "zh"), True)


@story
def the_ledger_is_audited_verified_and_backed_up(bench, depot):
    bench.fill()
    bench.stock()
    h.same(depot.json("audit")["unexplained"], 0)
    h.same("unexplained=0" in depot.text("audit").split("\n")[0], True)
    h.same(depot.json("verify")["verdict"], "clean")
    copy = bench.scratch.file("copy")
    made = depot.json("backup", copy)
    h.same((made["site"], made["path"]), (h.SITE, copy))
    depot.error("conflict", "backup", copy, exit=6)
    h.same(depot.json("verify", copy)["verdict"], "clean")
    h.same("clean" in depot.text("verify", copy), True)
    depot.text("verify", copy, "--lang", "zh")
    depot.error("not_commissioned", "verify", "/no/such/store", exit=4)
    if bench.with_daemon:
        for verb in (("rebuild",), ("resize", "128MiB"), ("restore", copy)):
            depot.error("again", *verb, exit=75)
        return
    h.same(depot.json("rebuild"), {"rebuilt": True})
    h.same(depot.json("resize", "128 MiB"), {"map_size": 128 << 20})
    depot.error("usage", "resize", "lots", exit=2)
    depot.error("conflict", "restore", copy, exit=6)
    os.rename(bench.box.store, bench.box.store + ".lost")
    depot.error("not_commissioned", "stock", exit=4)
    depot.error("not_found", "restore", "/no/such/backup", exit=5)
    h.same(depot.json("restore", copy)["epoch"], 2)
    h.same(depot.json("stock", "MUG")["on_hand"], 24)


@h.test
def verbs_are_all_run(scratch):
    """The table of verbs against the stories above and in the other files:
    a verb that nobody runs is a verb that nobody tests."""
    names = set()
    for line in Depot(None).text("--help").splitlines():
        found = re.match(r"  ([a-z]+(?: [a-z]+)?) {2,}\S", line)
        if found:
            names.add(found[1])
    here = os.path.dirname(os.path.abspath(__file__))
    source = "".join(open(os.path.join(here, name), encoding="utf-8").read()
                     for name in ("verbs.py", "master.py", "apart.py",
                                  "labels.py", "network.py", "page.py"))
    said = re.sub(r'",\s+"', " ", source)
    missing = sorted(name for name in names
                     if not re.search(rf'["( ]{name}[" ,]', said))
    h.same((len(names) > 50, missing), (True, []), "verbs never run")


if __name__ == "__main__":
    h.main()
