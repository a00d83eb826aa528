#!/usr/bin/python3
"""The operator page's server, asked by a client that is no browser: what a
paired phone may do, and that nobody else may do anything."""

import json
import os
import socket
import ssl
import stat
import time

import depot_harness as h
from page_bed import Caller, Site

MISSES_S = 60  # of so long they are counted: OFFER_MISSES_MS
OWN_FILES = ("/", "/page.css", "/page.js", "/words.js", "/icon.svg")


def site_of(scratch):
    site = Site(scratch)
    site.start()
    return site, Caller(site)


@h.test
def a_phone_is_a_device(scratch):
    """Method: a session by labels, a complete reading, undo; the book is read
    by another way at the end."""
    site, phone = site_of(scratch)
    phone.pair()
    h.same(phone.state()["ack"], None)
    said = phone.scan("DEPOT.OP.RECEIVE")["session"]
    h.same(said["next"], "item")
    ack = phone.scan("4006381333931")
    h.same((ack["boot"], ack["upto"]), ("b1", "2"))
    assert "MUG" in ack["session"]["text_en"], ack
    state = phone.state()
    h.same(state["ack"]["upto"], "2")
    h.same((state["session"]["op"], state["session"]["lines"]),
           ("receive", 1))
    h.same((state["device"], state["account"], state["title"]),
           ("phone-1", "li", "Hangzhou 1"))
    phone.scan("DEPOT.QTY.5")
    phone.scan("4006381333931")
    h.same(site.on_hand_of("MUG"), 6)
    phone.scan("DEPOT.UNDO")
    h.same(site.on_hand_of("MUG"), 1)
    ack = phone.scan("4006381333931", op="putaway", qty=1, bin="A-01")
    h.same(ack["except"], [])
    phone.scan("DEPOT.DONE")
    h.same(phone.state()["session"], None)
    h.same(site.on_hand_of("MUG"), 1)


@h.test
def a_reading_sent_again_counts_once(scratch):
    """Method: the same name ten times, also after kill -9; the same name with
    another content."""
    site, phone = site_of(scratch)
    phone.pair()
    once = phone.reading(op="receive", code="4006381333931", qty=3)
    _, data, _ = phone.post("/api/scan", once)
    h.same(data["ack"]["except"], [])
    for turn in range(10):
        if turn == 5:
            site.kill()
            site.start()
        status, data, _ = phone.post("/api/scan", once)
        h.same(status, 200)
        if data["ack"] is None:
            continue  # the broker was not there yet
        h.same([one["result"] for one in data["ack"]["except"]],
               ["duplicate"])
    status, data, _ = phone.post("/api/scan", {**once, "qty": 4})
    h.same([one["result"] for one in data["ack"]["except"]], ["seq_reused"])
    h.same(site.on_hand_of("MUG"), 3)


@h.test
def a_number_that_never_comes_stops_nobody(scratch):
    """Method: numbers from 57 on, as after another device; then one is left
    out, as by a browser that died between giving it and keeping it."""
    site, phone = site_of(scratch)
    phone.pair()
    phone.seq = 56
    item = {"op": "receive", "code": "4006381333931"}
    h.same(phone.scan(**item)["upto"], "57")
    phone.seq += 1
    ack = phone.scan(**item)
    h.same((ack["upto"], ack["high"]), ("57", "59"))
    h.same(phone.scan(**item)["high"], "60")
    h.same(site.on_hand_of("MUG"), 3)


@h.test
def the_state_says_whether_there_is_news(scratch):
    site, phone = site_of(scratch)
    phone.pair()
    status, state, told = phone.ask("GET", "/api/state")
    tag = told["ETag"]
    status, data, again = phone.ask("GET", "/api/state", If_None_Match=tag)
    h.same((status, data, again["ETag"]), (304, b"", tag))
    site.depot("task", "add", "A-01")
    status, state, told = phone.ask("GET", "/api/state", If_None_Match=tag)
    h.same(status, 200)
    h.same([one["bin"] for one in state["tasks"]["tasks"]], ["A-01"])
    tag = told["ETag"]
    phone.scan(op="receive", code="24006381333935")
    status, state, _ = phone.ask("GET", "/api/state", If_None_Match=tag)
    h.same([one["wants"] for one in state["parked"]["parked"]],
           ["24006381333935"])


@h.test
def a_site_check_is_done_with_its_answers(scratch):
    site, li = site_of(scratch)
    li.pair()
    site.depot("check", "import", scratch.write(
        "checks.csv", "check,question,name,kind,times,answer,high\n"
        "cold,,Freezer,cold_chain,08:00,,\n"
        "cold,1,Temperature,,,number,-18\n"
        "cold,2,Door closed?,,,yes,\n"))
    site.depot("check", "do", "cold", "-17", "yes", code=3)
    task, = li.state()["tasks"]["tasks"]
    h.same([one["answer"] for one in task["questions"]], ["number", "yes"])
    h.same(li.command("task.done", task=task["id"], id="k1")["error"]["code"],
           "task_is_check")
    done = li.command("check.do", check=task["id"], answers=["-19.5", "yes"],
                      id="k2")
    h.same((done["in_order"], done["task"]), (True, task["id"]))
    h.same(li.state()["tasks"]["tasks"], [])


@h.test
def commands_are_those_of_the_account(scratch):
    site, li = site_of(scratch)
    li.pair()
    site.depot("task", "add", "A-01")
    task, = li.state()["tasks"]["tasks"]
    h.same(li.command("task.claim", task=task["id"], id="c1")["account"], "li")
    h.same(li.command("task.done", task=task["id"], id="c2")["state"], "done")
    h.same(li.state()["tasks"]["tasks"], [])
    li.scan(op="receive", code="24006381333935", qty=2)
    parked, = li.state()["parked"]["parked"]
    named = {"number": parked["number"], "item": "MUG", "pack": 12}
    h.same(li.command("parked.name", **named)["error"]["code"], "denied")
    wang = Caller(site).pair("wang", "phone-2")
    h.same([one["item"] for one in
            wang.command("item.list")["items"]], ["LAMP", "MUG"])
    h.same(wang.command("parked.name", id="n1", **named)["booked"], 1)
    # Asked again under its id, it acts once and says the same.
    h.same(wang.command("parked.name", id="n1", **named)["booked"], 1)
    h.same(site.on_hand_of("MUG"), 24)
    # What is not on the list is not there, whatever the account may do.
    wang.refused(404, "unknown_command", "POST", "/api/command",
                 {"name": "account.set", "args": {"account": "x"}})
    wang.refused(404, "unknown_command", "POST", "/api/command",
                 {"name": "reverse", "args": {"entry": "1.1"}})
    # Who may not book may not scan.
    shen = Caller(site).pair("shen", "phone-3")
    shen.refused(403, "denied", "POST", "/api/scan",
                 shen.reading(code="4006381333931"))
    wang.refused(200, "bad_code", "POST", "/api/join", {"code": "X"})
    li.refused(403, "denied", "POST", "/api/join", {"code": "X"})


@h.test
def a_code_pairs_once(scratch):
    site, phone = site_of(scratch)
    code = site.offer()
    other = Caller(site)
    # As a person types it.
    typed = "-".join(code.upper()[i:i + 4] for i in range(0, 16, 4))
    status, _, _ = phone.post("/api/pair", {"code": typed})
    h.same(status, 200)
    other.refused(403, "code_used", "POST", "/api/pair", {"code": code})
    # A new offer for the same device makes the one before void.
    first, second = site.offer(), site.offer()
    other.refused(403, "bad_code", "POST", "/api/pair", {"code": first})
    status, _, _ = other.post("/api/pair", {"code": second})
    h.same(status, 200)
    # No code outlives the daemon; a pairing does.
    last = site.offer("li", "phone-9")
    phone.pair()
    site.stop()
    site.start()
    phone.state()
    phone.refused(403, "bad_code", "POST", "/api/pair", {"code": last})
    names = [one["device"] for one in site.depot("page", "list")["phones"]]
    h.same(names, ["phone-1"])


@h.test
def who_guesses_is_slowed_down(scratch):
    site, phone = site_of(scratch)
    good = site.offer()
    began = time.monotonic()
    for turn in range(10):
        phone.refused(403, "bad_code", "POST", "/api/pair",
                      {"code": f"{turn:016d}"})
    slowed = 0
    for turn in range(20):
        status, data, _ = phone.post("/api/pair", {"code": f"{turn:016d}"})
        code = data["error"]["code"]
        assert (status, code) == (429, "slow_down") \
            or time.monotonic() - began > MISSES_S, (status, code)
        slowed += status == 429
    assert slowed > 0, "nobody was slowed down"
    # And keeps nobody out.
    status, data, _ = Caller(site).post("/api/pair", {"code": good})
    h.same((status, data["device"]), (200, "phone-1"))
    for bad in ("", "x" * 17, "x" * 65, "not a code"):
        status, _, _ = phone.post("/api/pair", {"code": bad})
        assert status in (403, 429), status


@h.test
def a_pairing_ends(scratch):
    site, phone = site_of(scratch)
    phone.pair()
    other = Caller(site).pair()  # the same device: the first one ends
    phone.refused(401, "not_paired", "GET", "/api/state")
    other.state()
    h.same(site.depot("page", "revoke", "phone-1")["removed"], True)
    other.refused(401, "not_paired", "GET", "/api/state")
    site.depot("page", "revoke", "phone-1", code=5)
    # An account that ends takes its phones along, and a device as well.
    phone.pair()
    status, data, told = phone.post("/api/leave", {})
    h.same(status, 200)
    assert "Max-Age=0" in told["Set-Cookie"]
    phone.refused(401, "not_paired", "GET", "/api/state")
    phone.pair()
    site.depot("account", "revoke", "li")
    phone.refused(403, "denied", "GET", "/api/state")
    phone.refused(403, "denied", "POST", "/api/scan",
                  phone.reading(code="4006381333931"))
    site.depot("page", "pair", "--account", "li", code=5)
    site.depot("page", "pair", "--account", "nobody", code=5)


@h.test
def a_lost_phone_that_is_revoked_as_a_device_sees_and_does_nothing(scratch):
    """Method: a manager's phone; its device is revoked as a lost scanner is,
    its account is not. What it scans is kept and not booked."""
    site, phone = site_of(scratch)
    phone.pair("wang", "phone-7")
    other = Caller(site).pair("wang", "phone-8")
    site.depot("device", "revoke", "phone-7")
    items = len(site.depot("item", "list")["items"])
    phone.refused(401, "revoked_device", "GET", "/api/state")
    phone.refused(401, "revoked_device", "POST", "/api/join", {"code": "X"})
    for name, args in (("item.list", {}), ("stock.list", {}),
                       ("item.set", {"item": "X", "name_en": "X"})):
        phone.refused(401, "revoked_device", "POST", "/api/command",
                      {"name": name, "args": args})
    h.same(len(site.depot("item", "list")["items"]), items, "items")
    ack = phone.scan("4006381333931", op="receive", qty=3, bin="A-01")
    h.same([one["code"] for one in ack["except"]], ["revoked_device"])
    h.same(site.on_hand_of("MUG"), 0)
    # A new phone of that name is a person's word; the lost one stays out.
    Caller(site).pair("wang", "phone-7").state()
    phone.refused(401, "not_paired", "GET", "/api/state")
    # The same person's other phone goes on.
    other.state()
    h.same(other.scan("4006381333931", op="receive", qty=3,
                      bin="A-01")["except"], [])
    h.same(site.on_hand_of("MUG"), 3)


@h.test
def a_pairing_that_cannot_be_kept_did_not_happen(scratch):
    """Method: where the list lies is a folder, so no list can be put there."""
    site, phone = site_of(scratch)
    phone.pair()
    badges = os.path.join(site.store + "-keys", "page.badges")
    os.rename(badges, badges + ".away")
    os.mkdir(badges)
    for device in ("phone-1", "phone-2"):
        code = site.offer("li", device)
        status, _, told = Caller(site).post("/api/pair", {"code": code})
        h.same(status, 503, f"pairing {device}")
        assert "Set-Cookie" not in told, told
        phone.state()  # nobody took the place of who was there
        names = [one["device"] for one in site.depot("page", "list")["phones"]]
        h.same(names, ["phone-1"])
    os.rmdir(badges)
    os.rename(badges + ".away", badges)
    Caller(site).pair("li", "phone-2").state()
    phone.state()


@h.test
def nobody_without_a_badge_gets_in(scratch):
    site, phone = site_of(scratch)
    for method, path in (("GET", "/api/state"), ("POST", "/api/scan"),
                         ("POST", "/api/command"), ("POST", "/api/join"),
                         ("POST", "/api/leave")):
        body = {} if method == "POST" else None
        phone.refused(401, "not_paired", method, path, body)
        own = f"__Host-depot-{site.page_port}="
        for cookie in (own, own + "0" * 26, "depot=1", own + "%00",
                       own + "0" * 27, "x" * 500):
            phone.refused(401, "not_paired", method, path, body,
                          Cookie=cookie)
    assert not any(entry["kind"] == "movement" for entry in site.journal())


@h.test
def what_another_page_sends_is_refused(scratch):
    site, phone = site_of(scratch)
    phone.pair()
    reading = phone.reading(op="receive", code="4006381333931")
    for origin in (None, "null", "https://evil.example", "http://127.0.0.1:"
                   + str(site.page_port), "https://127.0.0.1",
                   phone.origin + ".evil.example", phone.origin + "/"):
        phone.refused(403, "foreign_origin", "POST", "/api/scan", reading,
                      Origin=origin)
        phone.refused(403, "foreign_origin", "POST", "/api/pair",
                      {"code": "x"}, Origin=origin)
    for kind in (None, "text/plain", "application/x-www-form-urlencoded"):
        phone.refused(415, "wrong_type", "POST", "/api/scan", reading,
                      Content_Type=kind)
    h.same(site.on_hand_of("MUG"), 0)
    for method, path in (("GET", "/api/scan"), ("PUT", "/api/scan"),
                         ("POST", "/api/state"), ("DELETE", "/"),
                         ("OPTIONS", "/api/scan"), ("POST", "/page.js")):
        phone.refused(405, "bad_method", method, path)


@h.test
def bad_bodies_are_refused(scratch):
    """Method: each gets its refusal by name, and the next good one works."""
    site, phone = site_of(scratch)
    phone.pair()
    good = phone.reading(op="receive", code="4006381333931")
    cases = [
        (b"", "bad_json"), (b"{", "bad_json"), (b"null", "wrong_type"),
        (b"[]", "wrong_type"), (b'{"code":"\xff"}', "bad_utf8"),
        (b'{"a":1,"a":2}', "duplicate_key"), (b'{"seq":1} x', "bad_json"),
        (b"[" * 100 + b"]" * 100, "too_deep"),
        (b'{"v":1,"code":"X"}', "missing_field"),
        (b'{"v":1,"seq":1,"code":"X"}', "missing_field"),
        (b'{"v":1,"seq":0,"boot":"b","code":"X"}', "out_of_range"),
        (b'{"v":1,"seq":1.5,"boot":"b","code":"X"}', "wrong_type"),
        (b'{"v":1,"seq":1,"boot":"","code":"X"}', "bad_text"),
        (b'{"v":1,"seq":1,"boot":7,"code":"X"}', "wrong_type"),
        (b'{"v":1,"seq":1,"boot":"' + b"b" * 33 + b'"}', "bad_text"),
    ]
    for body, code in cases:
        phone.refused(400, code, "POST", "/api/scan", body)
    for size in (3841, 20000, 4000000):
        try:
            status, _, _ = phone.post("/api/scan", b" " * size)
            h.same(status, 413)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass  # it need not be read
    status, _, _ = phone.post("/api/scan", iter([b" " * 2000] * 4))
    h.same(status, 413)
    for args in ([], "x", 1):
        phone.refused(400, "wrong_type", "POST", "/api/command",
                      {"name": "item.list", "args": args})
    status, data, _ = phone.post("/api/scan", good)
    h.same((status, data["ack"]["except"]), (200, []))
    h.same(len(cases), 15)


@h.test
def only_its_own_files_are_served(scratch):
    site, phone = site_of(scratch)
    phone.pair()
    total = 0
    for path in OWN_FILES:
        status, data, told = phone.ask("GET", path)
        h.same(status, 200, path)
        total += len(data)
        policy = told["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        h.same((told["X-Content-Type-Options"], told["Referrer-Policy"]),
               ("nosniff", "no-referrer"))
        status, data, _ = phone.ask("GET", path, If_None_Match=told["ETag"])
        h.same((status, data), (304, b""))
        assert b"http://" not in data and b"https://" not in data
    print(f"{total} bytes of page")
    assert 4096 < total <= 60 * 1024
    keys = os.path.basename(site.store) + "-keys"
    for path in ("/../" + keys + "/page.key", "/%2e%2e/page.key", "/page.key",
                 "/..%2f..%2fetc%2fpasswd", "//etc/passwd", "/index.html",
                 "/page.js%00.css", "/api", "/api/", "/api/state/",
                 "/api/../api/state", "/\\..\\page.key"):
        phone.refused(404, "not_found", "GET", path)


def plain_link(site, source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", site.page_port), h.LIMIT,
                                    (source, 0))


def raw_link(site, source="127.0.0.1"):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain_link(site, source))


@h.test
def slow_and_silent_clients_are_shown_out(scratch):
    """Method: from one address, connections that open TLS and say nothing,
    that never end their head, that never end their body, and more than there
    are places; a phone of another address is served at once, and all of them
    are hung up on."""
    site, phone = site_of(scratch)
    phone.pair()
    slow = []
    for turn in range(8):
        link = raw_link(site, "127.0.0.2")
        link.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " if turn % 2 else
                     b"POST /api/scan HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Length: 100\r\n\r\n{")
        slow.append(link)
    slow += [plain_link(site, "127.0.0.2") for _ in range(100)]
    began = time.monotonic()
    phone.state()
    assert time.monotonic() - began < 10, "it had to wait for them"
    for link in slow:
        # The end, however it comes; a reset, too, is one.
        try:
            while link.recv(4096):
                pass
        except (ConnectionResetError, ssl.SSLError):
            pass
        link.close()
    phone.state()


@h.test
def noise_does_no_harm(scratch):
    site, phone = site_of(scratch)
    phone.pair()
    random = __import__("random").Random(h.seed())
    for _ in range(60):
        noise = bytes(random.randrange(256) for _ in range(300))
        link = raw_link(site)
        try:
            link.sendall(noise + b"\r\n\r\n")
            link.unwrap()
        except (OSError, ssl.SSLError, ValueError):
            pass
        link.close()
        body = bytes(random.randrange(256) for _ in range(200))
        status, _, _ = phone.post("/api/command", body)
        assert status in (400, 429), status
        with socket.create_connection(("127.0.0.1", site.page_port)) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
    site.program.wait_line(" page_ready: ")
    assert site.program.is_running()


@h.test
def who_asks_too_often_waits(scratch):
    site, phone = site_of(scratch)
    phone.pair()
    codes = [phone.ask("GET", "/api/state")[0] for _ in range(300)]
    assert set(codes) <= {200, 429}, set(codes)
    print(f"{codes.count(200)} of {len(codes)} answered")
    assert codes[0] == 200
    assert Caller(site).ask("GET", "/")[0] == 200


@h.test
def the_certificate_is_the_boxs_own(scratch):
    site, phone = site_of(scratch)
    shown = site.depot("page", "show")
    h.same(shown["url"], f"https://127.0.0.1:{site.page_port}/")
    h.same(phone.fingerprint(), shown["page"]["fingerprint"])
    keys = site.store + "-keys"
    modes = {name: stat.S_IMODE(os.stat(os.path.join(keys, name)).st_mode)
             for name in ("page.key", "page.crt")}
    h.same(modes, {"page.key": 0o600, "page.crt": 0o644})
    phone.pair()
    with open(os.path.join(keys, "page.badges"), encoding="ascii") as file:
        kept = file.read()
    assert phone.cookie.split("=")[1] not in kept
    h.same(stat.S_IMODE(os.stat(os.path.join(keys, "page.badges")).st_mode),
           0o600)
    site.stop()
    site.start()
    h.same(phone.fingerprint(), shown["page"]["fingerprint"])
    # A key that others can read is no key: the box works on without a page.
    site.stop()
    os.chmod(os.path.join(keys, "page.key"), 0o644)
    h.Box.start(site)
    site.program.wait_line("page.key has mode 0644")
    h.same(site.depot("page", "show", code=1)["error"]["code"], "page_off")
    os.chmod(os.path.join(keys, "page.key"), 0o600)


@h.test
def a_stop_answers_who_waits(scratch):
    """Method: a reading is under way when the box ends; the answer is "again"
    or none, the end is in order, and the reading counts once."""
    site, phone = site_of(scratch)
    phone.pair()
    reading = phone.reading(op="receive", code="4006381333931")
    link = phone.connection()
    link.request("POST", "/api/scan", json.dumps(reading),
                 {"Origin": phone.origin, "Cookie": phone.cookie,
                  "Content-Type": "application/json"})
    site.stop()
    try:
        answer = link.getresponse()
        assert answer.status in (200, 503), answer.status
    except (OSError, __import__("http").client.HTTPException):
        pass
    site.start()
    ack = None
    while ack is None:
        _, data, _ = phone.post("/api/scan", reading)
        ack = data["ack"]
    h.same(site.on_hand_of("MUG"), 1)


if __name__ == "__main__":
    h.main()
