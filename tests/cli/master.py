#!/usr/bin/python3
"""What a box is told before it works, by command line: goods, bins and codes
from tables and one by one; people, devices, and who may read at the broker.

Method: as in verbs.py; each story is told twice."""

import re

import cli_bed
from cli_bed import h, story


# ---- tables ----

@story
def tables_are_imported_whole_or_not_at_all(bench, depot):
    bench.fill()
    h.same([row["item"] for row in depot.json("item", "list")["items"]],
           ["LAMP", "MUG", "SET", "TEA"])
    again = depot.json("item", "import", "-", text=cli_bed.ITEMS)
    h.same((again["added"], again["unchanged"]), (0, 4))
    h.same(depot.json("bin", "import", "-", text=cli_bed.BINS)["added"], 0)
    bad = "code,item,pack\n4006381333931,MUG,1\n1,NOBODY,1\n2,MUG,zero\n"
    before = depot.json("code", "list")["codes"]
    reply = depot.error("bad_rows", "code", "import", "-", exit=1, text=bad)
    h.same([fault["line"] for fault in reply["faults"]], [3, 4])
    h.same(depot.json("code", "list")["codes"], before)
    # Checked only; and from a file of Chinese Windows.
    path = bench.scratch.file("gb.csv")
    with open(path, "wb") as file:
        file.write("货号;名称\nCUP;茶杯\n".encode("gb18030"))
    dry = depot.json("item", "import", path, "--dry-run")
    h.same((dry["rows"], dry["dry_run"]), (1, True))
    h.same(len(depot.json("item", "list")["items"]), 4)
    depot.text("item", "import", path)
    h.same(depot.json("item", "list")["items"][0]["name_zh"], "茶杯")
    depot.error("not_found", "item", "import", "/no/such/file", exit=5)


BAD_ITEMS = """货号,品名,单位,追踪方式,保质期,停用
MUG,白色马克杯,each,none,,
TEA,绿茶,each,none,abc,
,无名,each,none,,
LAMP,台灯,dozen,none,,
MUG,又一个,each,none,,
SHORT,三列
BAD,引"号,each,none,,
CUP,茶杯,each,none,,maybe
"""
BAD_EN = """\
depot: {0}: the file has rows that cannot be taken; nothing was imported
{0}:3: column 5 (保质期): shelf_life_days is abc; it must be a whole number
{0}:4: column 1 (货号): item is empty; leave it out, or give a value
{0}:5: column 3 (单位): dozen is not one of the words allowed: \
each, gram, millilitre, millimetre
{0}:6: column 1 (货号): the same name stands in line 2: MUG
{0}:7: the row has 2 columns; the header has 6
{0}:8: column 2 (品名): a quote in the middle of a field; put the whole field \
in quotes and double the quotes in it
{0}:9: column 6 (停用): maybe is not one of the words allowed: yes, no
bad rows: 7 of 8
"""
BAD_ZH = """\
depot: {0}: 文件中有无法接受的行；未导入任何内容
{0}:3: 第 5 列（保质期）：shelf_life_days 为 abc，应为整数
{0}:4: 第 1 列（货号）：item 为空；请省略该字段或给出值
{0}:5: 第 3 列（单位）：dozen 不是允许的取值：个、克、毫升、毫米
{0}:6: 第 1 列（货号）：前面已有同名的行 2: MUG
{0}:7: 该行有 2 列，表头有 6 列
{0}:8: 第 2 列（品名）：字段中间有引号；请给整个字段加引号，并把其中的引号写成两个
{0}:9: 第 6 列（停用）：maybe 不是允许的取值：是、否
有误的行：7，共 8
"""


@story
def each_bad_row_of_a_table_is_a_line_that_says_where_and_why(bench, depot):
    """Method: word by word, in both languages; the file is GB18030, as
    Chinese spreadsheets write it."""
    path = bench.scratch.file("items.csv")
    with open(path, "wb") as file:
        file.write(BAD_ITEMS.encode("gb18030"))
    for lang, expected in (("en", BAD_EN), ("zh", BAD_ZH)):
        words = depot.text("item", "import", path, "--lang", lang, exit=1)
        h.same(words, expected.format(path), lang)
    # So many that they are not all listed.
    many = "bin,zone\n" + ",cold\n" * 250
    words = depot.text("bin", "import", "-", exit=1, text=many)
    h.same(words.splitlines()[-1], "bad rows: 250 of 250; the first 200 are "
           "listed")
    h.same(len(words.splitlines()), 202)


TABLE = "item,name_zh\nMUG,白色马克杯\n"
FILES = [  # what people hand over, how it ends, and what is said of it
    (TABLE.encode(), 0, "utf-8"),
    (b"\xef\xbb\xbf" + TABLE.encode(), 0, "utf-8"),
    (TABLE.replace("\n", "\r\n").encode(), 0, "utf-8"),
    (TABLE.replace("\n", "\r").encode(), 0, "utf-8"),
    (TABLE.replace(",", ";").encode(), 0, "utf-8"),
    (TABLE.replace(",", "\t").encode(), 0, "utf-8"),
    (TABLE.encode("gb18030"), 0, "which reads, for example 白色马克杯"),
    # Taken, and only a person can see that it is none.
    (TABLE.encode("big5", "replace"), 0, "which reads, for example "),
    (TABLE.encode("utf-16"), 1, ": line 1: a NUL byte, as in UTF-16; save the "
     "file as UTF-8 (in Excel: CSV UTF-8)\n"),
    ("item,name_en\nMUG,Café\n".encode("latin-1"), 1, ": line 2: neither "
     "UTF-8 nor GB18030; save the file as UTF-8 (in Excel: CSV UTF-8)\n"),
    (TABLE.encode() + b"LAMP,\xff\n", 1, ": line 3: neither UTF-8 nor GB18030;"),
    (b"PK\x03\x04\x14\0\x06\0", 1, ": this is a spreadsheet or an archive, not "
     "its text; save it as CSV (in Excel: CSV UTF-8)\n"),
    (TABLE.replace(",", "|").encode(), 1, ": line 1: the header has no column "
     "item; it has: item|name_zh\n"),
    ("MUG,白色马克杯\n".encode(), 1, ": line 1: the header has no column item; "
     "it has: MUG, 白色马克杯\n"),
    (b"item,sku\nA,A\n", 1, ": line 1, column 2: the header has item twice, "
     "here as sku\n"),
    (b"\xef\xbb\xbf", 1, ": the file is empty\n"),
    (b"", 1, " is empty\n"),
]


@story
def a_file_in_any_form_is_read_or_told_what_to_save_it_as(bench, depot):
    for number, (content, exit, said) in enumerate(FILES):
        path = bench.scratch.file(f"table-{number}.csv")
        with open(path, "wb") as file:
            file.write(content)
        words = depot.text("item", "import", path, "--dry-run", exit=exit)
        if said not in words or (exit == 1 and path not in words):
            raise AssertionError(f"file {number}: {words}")
        if exit == 0:
            h.same(words.splitlines()[0], "every row can be taken; nothing "
                   "was imported (--dry-run)")
    depot.error("bad_file", "item", "import", bench.scratch.path, exit=1)


@story
def a_table_of_many_pages_is_one_list(bench, depot):
    """Method: 700 items, which are four pages; by line and by JSON."""
    count = 700
    table = "item,name_en\n" + "".join(
        f"I-{n:04},item number {n}\n" for n in range(count))
    h.same(depot.json("item", "import", "-", text=table)["added"], count)
    rows = depot.json("item", "list")["items"]
    h.same([row["item"] for row in rows],
           [f"I-{n:04}" for n in range(count)])
    h.same(len(depot.text("item", "list").splitlines()), count + 1)
    h.same(len(depot.json("journal", "--all")["entries"]), count + 2)


@story
def master_data_is_set_and_shown(bench, depot):
    depot.text("item", "set", "MUG", "--name-en", "White mug", "--name-zh",
               "白色马克杯", "--unit", "each", "--class", "A",
               "--shelf-life", 0, "--weight", 350000)
    depot.text("code", "set", "4006381333931", "MUG")
    depot.text("code", "set", "14006381333938", "MUG", "--pack", 12)
    depot.text("bin", "set", "A-01", "--zone", "cold")
    item, codes = depot.run("item", "show", "MUG", "--json").documents()
    h.same((item["name_zh"], item["on_hand"]), ("白色马克杯", 0))
    h.same([(row["code"], row["pack"]) for row in codes["codes"]],
           [("04006381333931", 1), ("14006381333938", 12)])
    shown = depot.text("item", "show", "MUG", "--lang", "zh")
    if "白色马克杯" not in shown or "14006381333938" not in shown:
        raise AssertionError(shown)
    depot.text("item", "set", "MUG", "--inactive")
    h.same(depot.json("item", "list")["items"][0]["inactive"], True)
    depot.text("item", "set", "MUG", "--active")
    h.same("inactive" in depot.json("item", "list")["items"][0], False)
    depot.text("code", "set", "14006381333938")
    h.same(len(depot.json("code", "list", "MUG")["codes"]), 1)
    row, = [row for row in depot.json("bin", "list")["bins"]
            if row["bin"] == "A-01"]
    h.same(row["zone"], "cold")
    depot.error("unknown_word", "item", "set", "X", "--unit", "bushel", exit=2)
    depot.error("unknown_item", "code", "set", "123", "NOBODY", exit=5)
    depot.error("usage", "item", "set", "X", "--weight", "heavy", exit=2)


# ---- people and devices ----

@story
def accounts_are_added_and_revoked(bench, depot):
    depot.text("account", "add", "li", "--role", "operator,logistics",
               "--uid", 4711)
    depot.text("account", "add", "wang", "--role", "manager", "--user",
               "root")
    rows = {row["account"]: row for row in
            depot.json("account", "list")["accounts"]}
    h.same(rows["li"]["roles"], ["operator", "logistics"])
    h.same((rows["li"]["uid"], rows["wang"]["uid"]), (4711, 0))
    # An operator may not add accounts, and the journal names who did.
    depot.error("denied", "account", "add", "x", "--as", "li", exit=1)
    depot.text("account", "add", "x", "--as", "wang")
    last = depot.json("journal", "--last", 1)["entries"][0]
    h.same((last["kind"], last["actor"]), ("account", "wang"))
    # Without a terminal nobody is asked: it needs --yes.
    depot.error("usage", "account", "revoke", "li", exit=2)
    depot.text("account", "revoke", "li", "--yes")
    depot.error("denied", "stock", "--as", "li", exit=1)
    depot.error("unknown_account", "account", "revoke", "nobody", "--yes",
                exit=5)
    depot.error("unknown_word", "account", "add", "y", "--role", "king",
                exit=2)
    depot.error("bad_name", "account", "add", "Y y", exit=2)
    depot.error("not_found", "account", "add", "y", "--user", "no-such-user",
                exit=5)


@story
def a_device_gets_a_password_that_is_told_once(bench, depot):
    first = depot.json("device", "add", "dock-1", "--kind", "scanner",
                       "--place", "DOCK", "--gs", "~", "--interval", 60)
    if not re.fullmatch(r"[0-9a-z]{20}", first["password"]):
        raise AssertionError(first)
    h.same((first["user"], first["publishes"]),
           ("dock-1", h.PREFIX + "/scan/dock-1"))
    again = depot.json("device", "add", "dock-1")
    h.same((again["password"], "note_zh" in again), (None, True))
    other = depot.json("device", "add", "dock-1", "--new-password")
    h.same(other["password"] != first["password"], True)
    row, = depot.json("device", "list")["devices"]
    h.same((row["kind"], row["place"], row["gs"], row["interval_s"]),
           ("scanner", "DOCK", "~", 60))
    kept = open(bench.box.store + "-keys/broker.passwd",
                encoding="utf-8").read()
    h.same(other["password"] in kept, False)
    h.same(depot.json("broker", "list")["accounts"],
           [{"name": "dock-1", "role": "device"}])
    depot.error("usage", "device", "revoke", "dock-1", exit=2)
    depot.text("device", "revoke", "dock-1", "--yes")
    h.same(depot.json("broker", "list")["accounts"], [])
    h.same(depot.json("device", "list")["devices"][0]["revoked"], True)
    depot.error("unknown_device", "device", "revoke", "nobody", "--yes",
                exit=5)


@story
def others_get_a_name_at_the_broker(bench, depot):
    wall = depot.json("broker", "add", "wall")
    h.same(wall["role"], "dashboard")
    depot.error("conflict", "broker", "add", "wall", exit=6)
    again = depot.json("broker", "add", "wall", "--new-password")
    h.same(again["password"] != wall["password"], True)
    out = depot.text("broker", "add", "sap", "--role", "erp")
    h.same(len(out.splitlines()), 2)
    h.same(sorted(row["role"] for row in
                  depot.json("broker", "list")["accounts"]),
           ["dashboard", "erp"])
    depot.text("broker", "remove", "wall")
    depot.error("not_found", "broker", "remove", "wall", exit=5)
    depot.error("invalid", "broker", "add", "x", "--role", "king", exit=1)


if __name__ == "__main__":
    h.main()
