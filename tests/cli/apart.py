#!/usr/bin/python3
"""What `depot` does without a box, or before there is one: help, usage,
decode, the configuration, init, replay, and how it ends.

Method: the program as people and scripts call it, also on a terminal of its
own (a pty) and with its output going nowhere."""

import csv
import json
import os
import pty
import re
import subprocess

import cli_bed
from cli_bed import Depot, h

HERE = os.path.dirname(os.path.abspath(__file__))
ALONE = Depot(None)


def config_of(scratch, **lines):
    """A configuration for a box that is not there yet."""
    box = h.Box(scratch, 0, seeding=None, broker__mode="managed", **lines)
    del box.directives["broker.uri"]
    box.write_config()
    return box, Depot(box.config)


# ---- help ----

@h.test
def help_is_as_it_was_printed_last(scratch):
    """Golden: a change of help.golden is seen in review. On a difference the
    new text is printed."""
    text = ALONE.text("--help")
    with open(os.path.join(HERE, "help.golden"), encoding="utf-8") as file:
        if file.read() != text:
            print(text)
            raise AssertionError("help.golden differs")


def verbs():
    return [found[1] for found in re.finditer(
        r"(?m)^  ([a-z]+(?: [a-z]+)?) {2,}\S", ALONE.text("--help"))]


@h.test
def every_verb_explains_itself_with_examples_first(scratch):
    names = verbs()
    for name in names:
        for lang, word in (("en", "examples:"), ("zh", "示例：")):
            words = name.split()
            out = ALONE.text("help", *words, "--lang", lang)
            h.same(out, ALONE.text(*words, "--help", "--lang", lang))
            h.same(out.split("\n")[2], word)
            # An example is a command that exists.
            for example in re.findall(r"(?m)^  (?:sudo )?(depot .*)$", out):
                if not example.startswith(f"depot {name}"):
                    raise AssertionError(f"{name}: {example}")
        # In Chinese there is Chinese.
        h.same(re.search("[\u4e00-\u9fff]", out) is not None, True, name)
    h.same(len(names) > 50, True, f"{len(names)} verbs")


@h.test
def the_man_page_and_the_completion_come_from_the_table(scratch):
    page = ALONE.text("help", "--man")
    table = ALONE.text("help", "--completion")
    for name in verbs():
        h.same(f".SS depot {name}\n" in page, True, f"{name} in the page")
        h.same(f"\n{name}|" in table, True, f"{name} in the completion")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"],
                          input=(".TH DEPOT 1\n" + page).encode(),
                          capture_output=True, check=True)
    h.same(done.stderr, b"", "groff's words")


@h.test
def wrong_calls_are_told_and_end_with_2(scratch):
    for words in (("fly",), ("item", "fly"), ("stock", "--no-such"),
                  ("stock", "a", "b"), ("item", "set"), ("stock", "--bin"),
                  ("stock", "--all=1"), ("stock", "--lang", "fr"),
                  ("--no-such", "stock")):
        depot = Depot(None)
        result = depot.run(*words)
        h.same((result.exit, result.out), (2, ""), str(result))
        h.same(result.err.startswith("depot: "), True, str(result))
        if "fr" not in words:
            depot.error("usage", *words, exit=2)
    # Alone it shows what there is; a group shows its verbs.
    h.same(ALONE.run().exit, 2)
    group = ALONE.run("item")
    h.same((group.exit, group.err.count("\n")), (2, 4))
    h.same(ALONE.text("item", "--help").count("\n"), 4)
    ALONE.error("not_found", "help", "fly", exit=5)
    h.same(ALONE.text("--version").startswith("depot "), True)


@h.test
def a_result_that_does_not_get_out_is_a_failure(scratch):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([cli_bed.PROGRAM, "--help"], stdout=full,
                              check=False)
    h.same(done.returncode, 1)


@h.test
def the_language_is_the_options_then_the_environments_then_the_sites(scratch):
    box, depot = config_of(scratch, site__lang="zh")
    quiet = {"LC_ALL": "", "LANG": ""}

    def speaks(*words, **environment):
        out = depot.text("help", *words, environment={**quiet, **environment})
        return "zh" if "示例" in out else "en"
    h.same(speaks(), "zh")
    h.same(speaks(LANG="en_GB.UTF-8"), "en")
    h.same(speaks(LANG="zh_CN.UTF-8"), "zh")
    h.same(speaks(LANG="C"), "zh")
    h.same(speaks("--lang", "en", LANG="zh_CN.UTF-8"), "en")
    box.directives["site.lang"] = "en"
    box.write_config()
    h.same(speaks(), "en")


# ---- decode ----

def vectors():
    """Inputs of kind `scan` that are one line of text."""
    with open(os.path.join(h.DATA, "gs1-vectors.tsv"),
              encoding="utf-8") as file:
        rows = csv.DictReader((line for line in file if line[0] != "#"),
                              delimiter="\t", quoting=csv.QUOTE_NONE)
        for row in rows:
            if row["kind"] != "scan":
                continue
            row["input"] = re.sub(
                r"\\(x[0-9A-Fa-f]{2}|.)",
                lambda found: chr(int(found[1][1:], 16))
                if found[1][0] == "x" and len(found[1]) == 3
                else {"t": "\t"}.get(found[1], found[1]), row["input"])
            if "\n" not in row["input"] and row["input"]:
                yield row


@h.test
def decode_reads_every_scanned_vector(scratch):
    """Method: all inputs in one run, a line each; where the official engine
    found elements behind an identifier, depot finds the same ones."""
    if not os.path.exists(os.path.join(h.DATA, "gs1-vectors.tsv")):
        raise h.Skip("there is no gs1-vectors.tsv")
    rows = list(vectors())
    text = "".join(row["input"] + "\n" for row in rows)
    result = Depot(None).run("decode", "-", "--json",
                             text=text.encode("latin-1"))
    documents = result.documents()
    h.same(len(documents), len(rows), "documents")
    compared = 0
    for row, document in zip(rows, documents):
        if row["expect"] == "valid" and row["ai_pairs"]:
            pairs = [f"{one['ai']}={one['value']}"
                     for one in document["elements"]]
            h.same(pairs, re.split(r"\\x1F|\|", row["ai_pairs"]), row["id"])
            h.same(document["valid"], True, row["id"])
            compared += 1
        if not document["valid"]:
            h.same(document["error"]["text_zh"] != "", True, row["id"])
    h.same(result.exit, 1 if any(not one["valid"] for one in documents) else 0)
    print(f"{len(rows)} inputs, {compared} with elements compared")
    h.same(len(rows) >= 20 and compared >= 8, True, "it ran")


@h.test
def decode_says_what_a_text_means(scratch):
    document = ALONE.json(
        "decode", "(01)09521234567899(10)LOT42(17)271231")
    h.same({name: document[name] for name in (
        "kind", "gtin", "lot", "expiry", "digital_link")},
           {"kind": "elements", "gtin": "09521234567899", "lot": "LOT42",
            "expiry": "2027-12-31", "digital_link":
            "https://id.gs1.org/01/09521234567899/10/LOT42?17=271231"})
    h.same([one["title"] for one in document["elements"]],
           ["GTIN", "BATCH/LOT", "USE BY or EXPIRY"])
    h.same(ALONE.json("decode", "DEPOT.OP.PICK")["op"], "pick")
    h.same(ALONE.json("decode", "DEPOT.BIN.A-01")["label"], "A-01")
    h.same(ALONE.json("decode", "~010952123456789910A~21B", "--gs",
                      "~")["serial"], "B")
    out = ALONE.text("decode", "4006381333931", "--lang", "zh")
    h.same("04006381333931" in out, True, out)
    bad = ALONE.run("decode", "]E04006381333930")
    h.same((bad.exit, bad.out.startswith("invalid: ")), (1, True), str(bad))
    # Whatever comes: NUL, no UTF-8, no end, far too long.
    many = b"a\0b\n\xff\xfe\n" + b"x" * 20000 + b"\nend"
    documents = ALONE.run("decode", "-", "--json", text=many).documents()
    h.same([one["valid"] for one in documents][2:], [False, True])


# ---- the configuration ----

@h.test
def the_configuration_is_checked_printed_and_explained(scratch):
    box, depot = config_of(scratch)
    h.same(depot.json("config", "check")["valid"], True)
    depot.text("config", "check")
    values = {f"{one['section']}.{one['name']}": one["value"]
              for one in depot.json("config", "print")["directives"]}
    h.same((values["site.org"], values["store.path"]), (h.ORG, box.store))
    # What is printed, and the example, read back.
    for verb, exit in (("print", 0), ("example", 78)):
        path = scratch.write(f"{verb}.conf", depot.text("config", verb))
        h.same(Depot(path).run("config", "check").exit, exit, verb)
    h.same("[site]" in depot.json("config", "example")["example"], True)
    box.directives["store.batch_ms"] = 500
    box.directives["http.no_such"] = 1
    box.write_config()
    checked = depot.json("config", "check", exit=78)
    h.same([one["line"] > 0 for one in checked["mistakes"]], [True, True])
    said = depot.text("config", "check", exit=78)
    h.same("batch_ms" in said and "no_such" in said, True, said)
    depot.error("bad_config", "stock", exit=78)
    Depot(scratch.file("none.conf")).error("not_commissioned", "stock",
                                           exit=4)
    # As a package lays it, or a join that was refused leaves it.
    bare = Depot(scratch.write("bare.conf", "# nothing yet\n"))
    for verb in ("status", "stock"):
        bare.error("not_commissioned", verb, exit=4)
    assert "depot join CODE" in bare.run("status").err


# ---- init ----

@h.test
def init_asks_on_a_terminal_and_writes_what_it_was_told(scratch):
    """Method: a pty, on which the questions are answered as they come."""
    config = scratch.file("depot.conf")
    master, slave = pty.openpty()
    child = subprocess.Popen(
        [cli_bed.PROGRAM, "--config", config, "init", "--write-config",
         "--path", scratch.file("store"), "--map-size", "64MiB", "--lang",
         "en"],
        stdin=slave, stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    seen = ""
    for question, answer in (("organisation", "acme"), ("warehouse", ""),
                             ("warehouse", "hz-01"), ("time zone", "UTC")):
        while question not in seen:
            seen += os.read(master, 4096).decode()
        seen = ""
        os.write(master, answer.encode() + b"\n")
    out = child.stdout.read().decode()
    h.same(child.wait(h.LIMIT), 0, out)
    os.close(master)
    h.same("hz-01" in out and "next" in out, True, out)
    depot = Depot(config)
    h.same(depot.json("config", "check")["valid"], True)
    status = depot.json("status", exit=3)
    h.same((status["org"], status["site"], status["timezone"]),
           ("acme", "hz-01", "UTC"))
    account, = depot.json("account", "list")["accounts"]
    h.same((account["roles"], account["uid"]), (["manager"], os.getuid()))


@h.test
def init_never_makes_a_second_store(scratch):
    box, depot = config_of(scratch)
    made = depot.json("init", "--yes", "--account", "boss")
    h.same((made["path"], made["account"]), (box.store, "boss"))
    depot.error("conflict", "init", "--yes", exit=6)
    # What the options and the configuration say apart is not guessed.
    depot.error("conflict", "init", "--yes", "--site", "other", exit=6)
    h.same(len(depot.json("account", "list")["accounts"]), 1)


@h.test
def init_beside_an_example_writes_a_drop_in(scratch):
    path = scratch.write("depot.conf", ALONE.text("config", "example"))
    depot = Depot(path)
    made = depot.json("init", "--yes", "--org", "acme", "--site", "hz-01",
                      "--path", scratch.file("store"), "--map-size", "64MiB",
                      "--write-config")
    h.same(made["config"], path + ".d/10-init.conf")
    h.same(depot.json("config", "check")["valid"], True)
    depot.json("status", exit=3)


@h.test
def init_says_what_is_wrong_with_its_answers(scratch):
    depot = Depot(scratch.file("none.conf"))
    depot.error("usage", "init", "--yes", exit=2)
    for wrong in (("--org", "Acme Inc"), ("--timezone", "Mars/Base"),
                  ("--map-size", "1 KiB"), ("--path", "here")):
        depot.error("usage", "init", "--yes", "--org", "acme", "--site",
                    "hz-01", "--timezone", "UTC", "--path",
                    scratch.file("store"), *wrong, exit=2)
    h.same(os.path.exists(scratch.file("store")), False)


# ---- replay ----

def day_of(scratch, count):
    """A recorded day: receives, picks, one that is sent twice, one device
    that sends nonsense."""
    def line(second, device, payload):
        return json.dumps({"at": f"2026-03-01T08:{second // 60:02}:"
                           f"{second % 60:02}Z",
                           "topic": f"{h.PREFIX}/scan/{device}",
                           "payload": json.dumps(payload)
                           if isinstance(payload, dict) else payload})
    lines = []
    for n in range(count):
        lines.append(line(n, "dock-1", {
            "v": 1, "seq": n + 1, "boot": "b1", "code": "4006381333931",
            "op": "pick" if n % 3 == 2 else "receive", "bin": "A-01"}))
    lines.append(lines[-1])
    lines.append(line(count, "gun-2", "?"))
    return scratch.write("day.jsonl", "\n".join(lines) + "\n")


def tables_of(scratch):
    return [word for name, text in (("items", cli_bed.ITEMS),
                                    ("codes", cli_bed.CODES),
                                    ("bins", cli_bed.BINS))
            for word in (f"--{name}", scratch.write(f"{name}.csv", text))]


@h.test
def a_recorded_day_is_played_on_a_store_of_its_own(scratch):
    day = day_of(scratch, 90)
    before = set(os.listdir("/tmp"))
    played = ALONE.json("replay", day, *tables_of(scratch))
    h.same({name: played[name] for name in (
        "records", "booked", "duplicates", "movements")},
           {"records": 92, "booked": 90, "duplicates": 1, "movements": 90})
    h.same(played["audit"]["verdict"], "clean")
    # Played again it is the same; and nothing is left.
    h.same(ALONE.json("replay", day, *tables_of(scratch)), played)
    left = [name for name in set(os.listdir("/tmp")) - before
            if name.startswith("depot-replay")]
    h.same(left, [])
    ALONE.text("replay", day, *tables_of(scratch), "--lang", "zh")


@h.test
def a_replay_is_kept_where_it_is_wanted_and_never_on_a_box(scratch):
    box, depot = config_of(scratch)
    depot.text("init", "--yes")
    day = day_of(scratch, 9)
    depot.error("conflict", "replay", day, "--scratch", box.store, exit=6)
    depot.error("conflict", "replay", day, "--scratch", scratch.path, exit=6)
    kept = depot.json("replay", day, "--scratch", scratch.file("played"),
                      "--speed", 1000, *tables_of(scratch))
    h.same(ALONE.json("verify", kept["store"])["movements"], 9)
    # A played store is a begin for another.
    h.same(depot.run("replay", day, "--from", "/no/such/backup",
                     "--json").exit, 5)


@h.test
def what_mosquitto_sub_writes_is_a_record(scratch):
    """Its formats j (the payload a string) and J (an object), as 2.0.11 writes
    them, in two time zones: the same day."""
    def line(second, payload, clock="08", zone="+0000"):
        return (f'{{"tst":"2026-03-01T{clock}:00:{second:02}.603529Z{zone}",'
                f'"topic":"{h.PREFIX}/scan/dock-1","qos":1,"retain":0,'
                f'"payloadlen":{len(payload)},"payload":')
    bodies = [json.dumps({"v": 1, "seq": n + 1, "boot": "b1", "bin": "A-01",
                          "code": "4006381333931", "op": "receive"})
              for n in range(20)]
    played = []
    for name, text in (
            ("j", "".join(line(n, body) + json.dumps(body) + "}\n"
                          for n, body in enumerate(bodies))),
            ("J", "".join(line(n, body, "16", "+0800") + body + "}\n"
                          for n, body in enumerate(bodies)))):
        reply = ALONE.json("replay", scratch.write(name, text),
                           *tables_of(scratch))
        played.append({name: reply[name] for name in (
            "records", "booked", "movements", "from", "to") if name in reply})
    h.same(played[0]["booked"], 20)
    h.same(played[1], played[0])


@h.test
def a_line_that_is_no_record_says_what_is_wrong(scratch):
    good = f'"topic":"{h.PREFIX}/scan/d","payload":"x"}}\n'
    for text, words in (
            ('{"topic":"a","payload":"x"}\n', ("line 1", "at ")),
            ('{"at":"2026-03-01T08:00:00Z",' + good + "\n\nscan 1\n",
             ("line 4", "JSON")),
            ('{"tst":"yesterday",' + good, ("line 1", "tst", "yesterday")),
            ('{"tst":"2026-03-01T08:00:00Z+0100","topic":"t","payload":7}',
             ("line 1", "payload"))):
        path = scratch.write("bad.jsonl", text)
        said = ALONE.json("replay", path, exit=1)["error"]["text_en"]
        h.same([word for word in words if word not in said], [], said)
        h.same("mosquitto_sub" in said, True, said)


@h.test
def a_record_that_is_none_is_told_by_its_line(scratch):
    path = scratch.write("bad.jsonl", '{"at":"2026-03-01T08:00:00Z",'
                         f'"topic":"{h.PREFIX}/scan/d","payload":"x"}}\n{{}}\n')
    reply = ALONE.json("replay", path, exit=1)
    h.same((reply["error"]["code"], "line 2" in reply["error"]["text_en"]),
           ("bad_record", True))
    ALONE.error("not_found", "replay", "/no/such/file", exit=5)
    ALONE.error("usage", "replay", path, "--speed", "fast", exit=2)
    ALONE.error("bad_record", "replay", scratch.write("empty.jsonl", ""),
                exit=1)


if __name__ == "__main__":
    h.main()
