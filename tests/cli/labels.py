#!/usr/bin/python3
"""Label sheets: what zint printed, ZXingReader reads back.

Method: every label of a warehouse as a picture, read by a program that is not
ours and given to `depot decode`: it means what the label says."""

import os
import re
import subprocess

import cli_bed
from cli_bed import Bench, h


def bench_of(scratch):
    h.need("zint", "ZXingReader")
    return Bench(scratch, False).fill()


def read(picture):
    """What the bars say, as a scanner with identifiers would send it."""
    done = subprocess.run(["ZXingReader", picture], capture_output=True,
                          check=False)
    found = re.search(r"BytesECI: *([0-9A-F ]+)", done.stdout.decode())
    if found is None:
        raise AssertionError(f"{picture}: {done.stdout.decode()}")
    return bytes.fromhex(found[1].strip()).decode()


def printed(depot, folder, *words):
    """The labels, each with its picture's content."""
    listed = depot.json("label", *words, "--format", "png", "--out", folder)
    h.same(listed["count"], len(listed["labels"]))
    for label in listed["labels"]:
        label["read"] = read(os.path.join(folder, label["file"]))
    return listed["labels"]


@h.test
def every_operation_label_reads_back(scratch):
    depot = bench_of(scratch).depot
    labels = printed(depot, scratch.file("op"), "op")
    h.same(len(labels), 15 + 12, "labels")
    for label in labels:
        h.same(label["read"].endswith(label["text"]), True, str(label))
        meaning = depot.json("decode", label["read"])
        h.same(meaning["kind"] in ("op", "qty", "undo", "done"), True,
               str(meaning))
    h.same({label["text"] for label in labels} >= {
        "DEPOT.OP.TRANSFER-OUT", "DEPOT.UNDO", "DEPOT.DONE", "DEPOT.QTY.24"},
           True)
    receive, = [one for one in labels if one["text"] == "DEPOT.OP.RECEIVE"]
    h.same((receive["text_en"], receive["text_zh"]), ("Receive", "收货"))


@h.test
def every_bin_label_reads_back_whatever_the_bin_is_called(scratch):
    bench = bench_of(scratch)
    bench.depot.text("bin", "set", "冷库-1")
    bench.depot.text("bin", "set", "a/b <&>")
    labels = printed(bench.depot, scratch.file("bin"), "bin")
    h.same(sorted(label["en"] if "en" in label else label["text_en"]
                  for label in labels),
           sorted(["A-01", "A-02", "B-01", "DOCK", "PACKED", "PICKED",
                   "冷库-1", "a/b <&>"]))
    for label in labels:
        meaning = bench.depot.json("decode", label["read"])
        h.same((meaning["kind"], meaning["label"]),
               ("bin", label["text_en"]))


@h.test
def an_item_has_the_bars_that_it_has(scratch):
    """A GTIN of each length, a code of the house's own, none at all; and a
    DataMatrix with lot and date."""
    depot = bench_of(scratch).depot
    depot.text("code", "set", "96385074", "LAMP")
    depot.text("item", "set", "CASE")
    depot.text("code", "set", "14006381333938", "CASE")
    labels = {label["file"]: label for label in
              printed(depot, scratch.file("item"), "item")}
    for name, symbology, meaning in (
            ("item-MUG.png", "ean", ("gtin", "04006381333931")),
            ("item-LAMP.png", "ean", ("gtin", "00000096385074")),
            ("item-CASE.png", "itf_14", ("gtin", "14006381333938")),
            ("item-SET.png", "code_128", ("label", "SET"))):
        label = labels[name]
        h.same(label["symbology"], symbology, name)
        h.same(depot.json("decode", label["read"])[meaning[0]], meaning[1],
               name)
    tea, = printed(depot, scratch.file("tea"), "item", "TEA", "--datamatrix",
                   "--lot", "L-7", "--expiry", "2027-12-31")
    meaning = depot.json("decode", tea["read"])
    h.same((meaning["gtin"], meaning["lot"], meaning["expiry"]),
           ("09521234567899", "L-7", "2027-12-31"))
    depot.error("not_found", "label", "item", "SET", "--datamatrix", exit=5)


@h.test
def a_sheet_holds_its_pictures_or_names_them(scratch):
    depot = bench_of(scratch).depot
    sheet = depot.text("label", "op", "RECEIVE", "QTY.3")
    h.same((sheet.count("<svg "), sheet.count("收货")), (2, 1))
    # A quantity that is not on the sheet, too.
    other = depot.text("label", "op", "QTY.48", "--format", "zpl")
    h.same("^FDDEPOT.QTY.48^FS" in other, True)
    folder = scratch.file("labels")
    h.same("2 labels" in depot.text("label", "op", "RECEIVE", "PICK", "--out",
                                    folder), True)
    with open(os.path.join(folder, "sheet.html"), encoding="utf-8") as file:
        names = re.findall(r'src="([^"]+)"', file.read())
    h.same(sorted(names + ["sheet.html"]), sorted(os.listdir(folder)))
    one = scratch.file("one.html")
    depot.text("label", "bin", "A-01", "--out", one, "--lang", "zh")
    with open(one, encoding="utf-8") as file:
        h.same(file.read().count("<figure>"), 1)
    h.same(depot.json("label", "op", "PICK"), {"labels": [{
        "text": "DEPOT.OP.PICK", "symbology": "code_128", "text_en": "Pick",
        "text_zh": "拣货"}], "count": 1})


@h.test
def zpl_is_for_label_printers_and_needs_no_zint(scratch):
    """Method: an empty PATH, so that there is no zint to run."""
    depot = bench_of(scratch).depot
    nowhere = {"PATH": scratch.file("no-programs")}
    depot.text("bin", "set", "x^y~z_")
    zpl = depot.text("label", "bin", "x^y~z_", "A-01", "--format", "zpl",
                     environment=nowhere)
    h.same((zpl.count("^XA"), zpl.count("^XZ")), (2, 2))
    h.same("DEPOT.BIN.x_5Ey_7Ez_5F" in zpl, True, zpl)
    for item, bars in (("MUG", "^BEN"), ("SET", "^BCN")):
        h.same(bars in depot.text("label", "item", item, "--format", "zpl",
                                  environment=nowhere), True, item)
    tea = depot.text("label", "item", "TEA", "--datamatrix", "--lot", "L7",
                     "--format", "zpl", environment=nowhere)
    h.same("^FD_1010952123456789910L7^FS" in tea, True, tea)
    # Pictures say what is missing.
    missing = depot.json("label", "op", "--out", scratch.file("none"), exit=1,
                         environment=nowhere)
    h.same("apt install zint" in missing["error"]["text_en"], True)


@h.test
def wrong_labels_are_told(scratch):
    depot = bench_of(scratch).depot
    depot.error("not_found", "label", "op", "FLY", exit=5)
    for wrong in ("QTY.0", "QTY.x", "QTY.", "QTY.048"):
        depot.error("not_found", "label", "op", wrong, exit=5)
    depot.error("not_found", "label", "bin", "A-01", "Z-99", "--format",
                "zpl", exit=5)
    depot.error("usage", "label", "op", "--format", "bmp", exit=2)
    depot.error("usage", "label", "op", "--format", "png", exit=2)


if __name__ == "__main__":
    h.main()
