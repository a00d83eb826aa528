#!/usr/bin/env python3
"""`depot page`: on, off, and who is paired; the code on the terminal is read
back by a reader that is not ours."""

import os
import shutil
import sys
import tempfile

from cli_bed import Bench, h
import qr


def drawn_in(text):
    """The lines of a terminal that are of a QR code."""
    lines = [line for line in text.splitlines()
             if line and set(line) <= set(qr.LIGHT)]
    return "\n".join(lines)


def read_terminal(text):
    if shutil.which("ZXingReader") is None:
        raise h.Skip("there is no ZXingReader here")
    with tempfile.TemporaryDirectory() as folder:
        return qr.read_back(folder, qr.picture_of_blocks(drawn_in(text)))


def start(box):
    box.start()
    box.program.wait_line(" page_ready: ")


@h.test
def the_page_is_switched_on_paired_and_switched_off(scratch):
    bench = Bench(scratch, False).fill()
    depot, box = bench.depot, bench.box
    port = h.port_free()
    address = f"https://127.0.0.1:{port}/"

    # Nobody is there to ask, and nothing is on.
    depot.error("not_running", "page", "show", exit=75)
    depot.error("usage", "page", "on", "--port", "0", exit=2)
    made = depot.json("page", "on", "--address", "127.0.0.1", "--port", port)
    h.same(made, {"enabled": True, "needs_restart": True})
    h.same(depot.json("config", "check")["valid"], True)
    start(box)

    # Where it is, and what a phone compares.
    shown = depot.json("page", "show")
    h.same((shown["url"], shown["page"]["phones"]), (address, 0))
    text = depot.text("page", "show")
    h.same(read_terminal(text), address)
    assert shown["page"]["fingerprint"] in text, text
    assert "指纹" in depot.text("help", "page", "show", "--lang", "zh")
    assert "SHA-256" in depot.text("page", "show", "--lang", "zh")
    h.same(depot.json("page", "show", "--host", "box.local")["url"],
           f"https://box.local:{port}/")

    # A code, on the terminal and as a document.
    text = depot.text("page", "pair", "--account", "boss")
    link = read_terminal(text)
    assert link.startswith(address + "#pair="), link
    assert link in text and "phone-boss" in text, text
    made = depot.json("page", "pair", "--account", "boss", "--device", "gun-2")
    h.same((made["page"]["device"], made["page"]["seconds"]), ("gun-2", 600))
    h.same(made["url"], address + "#pair=" + made["page"]["code"])
    assert made["page"]["code"] not in link
    # The only account needs not be said; of two, one has to be.
    h.same(depot.json("page", "pair", "--device", "gun-3")["page"]["account"],
           "boss")
    depot.json("account", "add", "wang", "--role", "operator")
    depot.error("usage", "page", "pair", exit=2)
    assert "boss, wang" in depot.text("page", "pair", exit=2)
    depot.error("usage", "page", "pair", "--account", "boss", "--device",
                "No Name", exit=2)
    depot.error("unknown_account", "page", "pair", "--account", "li", exit=5)
    assert "phone-li" not in depot.text("device", "list")

    # Nobody has come yet.
    h.same(depot.json("page", "list"), {"phones": []})
    assert "no phones" in depot.text("page", "list")
    depot.error("not_found", "page", "revoke", "phone-boss", exit=5)

    depot.json("page", "off")
    box.stop()
    box.start()
    depot.error("page_off", "page", "show", exit=1)
    depot.error("page_off", "page", "pair", "--account", "boss", exit=1)
    bench.with_daemon = True
    bench.end()


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    h.main()
