#!/usr/bin/python3
"""A box that HQ has revoked, its page and its phones; and a sheet in the wrong
hands before and after.

Method: HQ and boxes that join over a link, as in join.py. A box is revoked
while it runs: it goes on booking, says to its people that nobody believes it
any more, and its old code opens nothing. It is wiped, and joins anew: no phone
of before is known there. What was said on the plane of joining is recorded and
said again, to the same box and to others, at other numbers, cut, and long.
"""

import os
import subprocess

import depot_harness as h
import join_bed as j
import page_bed
import sites as s

h.TESTS.clear()  # those of the files above

PLANE = "depot/v1/_/sync/join/"


class Page:
    """What page_bed's caller wants to know of a box."""

    def __init__(self, box):
        self.box = box
        self.page_port = int(box.page_port)

    def offer(self, account, device):
        return self.box.depot("--yes", "page", "pair", "--account", account,
                              "--device", device)["page"]["code"]


def with_page(box):
    """A drop-in, as `depot page on` writes it."""
    box.page_port = h.port_free()
    folder = box.config + ".d"
    with open(os.path.join(folder, "60-page.conf"), "w",
              encoding="utf-8") as file:
        file.write(f"[page]\nenabled = yes\naddress = 127.0.0.1\n"
                   f"port = {box.page_port}\n")
    return Page(box)


def joined(scratch, network, name, code):
    bare = j.Bare(scratch, name)
    h.same(bare.join(code)["stage"], "joined")
    box = bare.operate()
    box.seed()
    return bare, box


def on_plane(scratch, network):
    """Somebody who hears, and says, whatever he likes there."""
    return h.Client(scratch, network.far, "stranger", checked=False,
                    subscribe=[PLANE + "#"])


def said(client, number, what):
    """The payloads that were said so far of that invitation."""
    return [message.payload for message in client.messages
            if message.topic == f"{PLANE}{number}/{what}"]


@h.test
def a_box_that_was_revoked_tells_its_people_and_its_code_opens_nothing(scratch):
    network = j.Network(scratch)
    stranger = on_plane(scratch, network)
    code = network.invite("hz-07")["code"]
    bare, box = joined(scratch, network, "a", code)
    page = with_page(box)
    box.start().program.wait_line(" page_ready: ")
    j.scan(scratch, box, 4, "b1")
    j.agree(network, box)
    phone = page_bed.Caller(page).pair("boss", "phone-1")
    h.same(phone.state()["ack"], None)
    h.same(box.alerts("site_ended"), {}, "before")

    revoked = network.hq.depot("--yes", "hq", "revoke", "hz-07", "--reason",
                               "stolen")
    h.until("the alert", lambda: box.alerts("site_ended"))
    (subject,) = box.alerts("site_ended")
    h.same(subject, f"2: {revoked['seq']} (revoked)")
    (alert,) = [one for one in phone.state()["alerts"]["alerts"]
                if one["code"] == "site_ended"]
    assert "HQ has ended" in alert["text_en"], alert
    assert "总部已终止" in alert["text_zh"], alert
    # It works on; its phones are its own affair.
    j.scan(scratch, box, 2, "b2")
    h.same(phone.scan("TEA", op="receive", qty=2, bin="A-01")["except"], [])
    h.same(j.on_hand(box), 14)
    h.same(j.states(network)[4, 2], "fenced")
    held = [row["seq"] for row in s.network("feeds", network.hq.store)
            if row["site"] == 4]
    h.same(held, [revoked["seq"]], "what HQ believes of it")

    # What it had asked with before is said again: HQ does not welcome it.
    before = network.asks()
    for ask in said(stranger, 1, "ask"):
        stranger.publish(PLANE + "1/ask", ask)
    h.until("the refusal",
            lambda: network.asks()["refused"] > before["refused"])
    h.same(network.asks()["welcomed"], before["welcomed"])

    # It is wiped; the old code and the old phone open nothing anywhere.
    box.stop()
    told = subprocess.run(
        [j.DEPOT, "--config", box.config, "--json", "wipe", "--yes"],
        capture_output=True, text=True, check=False)
    lose = h.decode(told.stdout)["error"]["text_en"].split()[0]
    box.depot("wipe", "--yes", "--lose", lose)
    h.same(os.path.exists(box.store + "-keys"), False, "keys")
    again = j.Bare(scratch, "c")
    h.same(again.join(code, expect=6)["error"]["code"], "join_refused")
    code = network.invite("hz-07", "--replace")["code"]
    again, new = joined(scratch, network, "b", code)
    page = with_page(new)
    new.start().program.wait_line(" page_ready: ")
    other = page_bed.Caller(page)
    other.cookie = phone.cookie.replace(
        f"-{box.page_port}=", f"-{new.page_port}=")
    other.refused(401, "not_paired", "GET", "/api/state")
    h.same(new.alerts("site_ended"), {}, "the new box")
    j.scan(scratch, new, 1, "b1")
    stranger.close()


@h.test
def what_was_said_of_joining_is_nothing_when_it_is_said_again(scratch):
    """An answer that was recorded, retained for the next box; asks at another
    number, cut, doubled, long; an answer of another network's HQ."""
    network = j.Network(scratch)
    stranger = on_plane(scratch, network)
    first = network.invite("hz-07")["code"]
    h.same(j.Bare(scratch, "a").join(first)["stage"], "joined")
    h.until("the answer", lambda: said(stranger, 1, "answer"))
    old_ask = said(stranger, 1, "ask")[0]
    old_answer = said(stranger, 1, "answer")[0]

    # What is retained there is the first that a box hears; HQ is not there.
    number = network.invite("hz-08")
    answer = f"{PLANE}{number['number']}/answer"
    network.hq.stop()
    bare = j.Bare(scratch, "b")
    for payload in (old_answer, old_answer[:-1], old_answer[:40],
                    old_answer * 3, b"\x61", b"\x61\x02" + b"z" * 3000,
                    b"\x61\x02" + old_answer[2:], b"\x62\x02" + b"y" * 49):
        stranger.publish(answer, payload, retain=True)
        said_so = bare.join(number["code"], "--wait", "1", expect=3)
        h.same(said_so["stage"], "asking", f"{payload[:8]}")
    network.hq.start()
    h.same(bare.join(number["code"])["name"], "hz-08")
    stranger.publish(answer, b"", retain=True)

    h.until("the welcome", lambda: network.asks()["welcomed"] == 1)
    before = network.asks()
    third = network.invite("hz-09")
    ask = f"{PLANE}{third['number']}/ask"
    spoiled = [old_ask, b"\x60\x03" + old_ask[2:], old_ask[:-1], old_ask + b"x",
               old_ask[:33], old_answer]
    for payload in spoiled:
        stranger.publish(ask, payload)
    h.until("they were looked at", lambda: network.asks()["asked"]
            >= before["asked"] + len(spoiled))
    after = network.asks()
    h.same((after["welcomed"], after["refused"]),
           (before["welcomed"], before["refused"]), "nobody was answered")
    h.same(after["denied"] + after["strangers"] - before["denied"]
           - before["strangers"], len(spoiled), "all are counted")
    h.same(said(stranger, third["number"], "answer"), [], "nor told anything")
    h.same(j.Bare(scratch, "c").join(third["code"])["name"], "hz-09")
    stranger.close()


@h.test
def of_two_boxes_that_ask_at_one_time_one_is_the_site(scratch):
    """Both have the code; HQ hears them in one breath."""
    network = j.Network(scratch, is_started=False)
    code = network.invite("hz-07")["code"]
    boxes = [j.Bare(scratch, name) for name in "ab"]
    asking = [subprocess.Popen(
        [j.DEPOT, "--config", box.config, "--json", "--yes", "join", code,
         "--path", box.store, "--map-size", "64 MiB", "--account", "boss",
         "--wait", str(int(h.LIMIT))], stdout=subprocess.PIPE, text=True)
        for box in boxes]
    network.hq.start()
    told = [h.decode(one.communicate()[0].splitlines()[-1]) for one in asking]
    h.same(sorted(one.returncode for one in asking), [0, 6], f"{told}")
    (refused,) = [one["error"] for one in told if "error" in one]
    h.same(refused["code"], "join_refused")
    assert "another box" in refused["text_en"], refused
    assert "另一台盒子" in refused["text_zh"], refused
    (won,) = [one for one in told if "error" not in one]
    h.same((won["name"], won["site"]), ("hz-07", 4))


if __name__ == "__main__":
    h.main()
