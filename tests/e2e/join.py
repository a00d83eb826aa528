#!/usr/bin/python3
"""A bare box becomes a site over a link: by the code alone.

Method: HQ is a real depotd with a real depot-link to a broker in between; the
new box has nothing but the code, a folder for its store, and the wish to be
told where its own broker is. What people do wrong, what a broker loses, what a
crash cuts short and who else comes with the code is done to it; each is told in
its own words, and the box works all the while. The sheet is followed as it is
printed, and the time that takes is said.
"""

import html
import json
import os
import re
import shutil
import socket
import subprocess
import time

import depot_harness as h
from join_bed import (DEPOT, FAST, TLS, Bare, Network, TlsBroker, agree,
                      asks_at, control, on_hand, scan, states)


@h.test
def a_code_is_all_that_a_bare_box_needs(scratch):
    network = Network(scratch)
    code = network.invite("hz-07")["code"]
    bare = Bare(scratch, "a")
    said = bare.join(code)
    h.same((said["stage"], said["org"], said["name"], said["site"],
            said["epoch"]), ("joined", h.ORG, "hz-07", 4, 2))
    # Nothing of the secret stays, nor of a root key that no one needs.
    h.same(sorted(os.listdir(scratch.file("a"))),
           ["depot.conf", "store", "store-keys"])
    h.same(sorted(os.listdir(bare.store + "-keys")),
           ["epoch-1.key", "epoch-2.key"])
    box = bare.operate()
    box.seed()
    box.start()
    scan(scratch, box, 5, "b1")
    feeds = agree(network, box)
    h.same({site for site, _, _ in feeds}, {1, 3, 4})
    h.same({(site, epoch) for site, epoch, _ in feeds if site == 4}, {(4, 2)})
    h.same(network.hq.depot("audit", "--network")["unexplained"], 0)
    # A box that hears nothing for four seconds asks again.
    h.until("the count", lambda: network.asks()["welcomed"] > 0)
    counts = network.asks()
    h.same((counts["refused"], counts["denied"], counts["strangers"]),
           (0, 0, 0))
    h.same(counts["invitations"][0]["invitation"], 1)
    # Whoever comes next is told so, and the box itself, too.
    h.same(bare.join(code, expect=6)["error"]["code"], "conflict")
    other = Bare(scratch, "b")
    refused = other.join(code, expect=6)
    h.same(refused["error"]["code"], "join_refused")
    h.same("used by another box" in refused["error"]["text_en"], True)
    h.same(os.path.exists(other.store), False, "a store of nobody's")


@h.test
def a_box_books_before_hq_has_answered_and_what_it_booked_comes_along(scratch):
    network = Network(scratch, is_started=False)
    code = network.invite("hz-07")["code"]
    bare = Bare(scratch, "a")
    h.same(bare.join_until(code, says="no HQ answered")["stage"], "asking")

    def told_in_chinese():
        told = subprocess.run(
            [DEPOT, "--config", bare.config, "--yes", "--lang", "zh", "join",
             *FAST], capture_output=True, text=True, check=False)
        h.same(told.stderr, "", "what a person need not read")
        return "没有总部应答" in told.stdout and "depotd" in told.stdout

    h.until("the same in Chinese", told_in_chinese)
    box = bare.operate()
    box.seed()
    box.start()
    h.same((box.org, box.site), ("joining", "new-1"))
    scan(scratch, box, 7, "b1")
    h.same(on_hand(box), 14)
    # It works: there is nothing to start.
    told = subprocess.run([DEPOT, "--config", bare.config, "--yes", "join",
                           code, *FAST], capture_output=True, text=True,
                          check=False)
    h.same(("HQ has not answered" in told.stdout, "systemctl" in told.stdout),
           (True, False), told.stdout)
    h.until("the box asks", lambda: "HQ was asked" in control(
        box, "join.show", {})["text_en"])
    network.hq.start()
    box.again()
    h.same((box.org, box.site), (h.ORG, "hz-07"))
    scan(scratch, box, 3, "b2")
    h.same(on_hand(box), 20)
    feeds = agree(network, box)
    h.same({(site, epoch) for site, epoch, _ in feeds if site == 4}, {(4, 2)})
    h.same(network.hq.depot("audit", "--network")["unexplained"], 0)
    h.same(box.depot("audit")["verdict"], "clean")


def retained(scratch, box, prefix, sentinel):
    """The topics that the box's broker keeps under @prefix: what comes before
    a message that is published behind the subscription."""
    client = h.Client(scratch, box.broker, sentinel, checked=False,
                      subscribe=[prefix + "/#", "sentinel/" + sentinel])
    client.publish("sentinel/" + sentinel, b"x")
    client.wait_message("sentinel/" + sentinel)
    found = sorted(message.topic for message in client.messages
                   if message.is_retained and message.payload)
    client.close()
    return found


@h.test
def nothing_is_left_under_the_name_that_the_box_had_before(scratch):
    """Stock, snapshot, a task, and the status lie at the box's broker as the
    network of one that it was; a dashboard would show them for ever."""
    network = Network(scratch, is_started=False)
    code = network.invite("hz-07")["code"]
    bare = Bare(scratch, "a")
    bare.join(code, *FAST, expect=3)
    box = bare.operate()
    box.seed()
    box.start()
    old = f"depot/v1/{box.org}/{box.site}"
    scan(scratch, box, 3, "b1")
    box.depot("task", "add", "A-01")
    kinds = {"status", "stock", "snapshot", "task"}
    h.until("what it publishes", lambda: kinds <= {
        topic[len(old) + 1:].split("/")[0]
        for topic in retained(scratch, box, old, "before")})
    network.hq.start()
    box.again()
    h.until("the old name's", lambda: not
            retained(scratch, box, old, "after"))
    new = f"depot/v1/{box.org}/{box.site}"
    h.until("the new name's", lambda: kinds <= {
        topic[len(new) + 1:].split("/")[0]
        for topic in retained(scratch, box, new, "now")})
    box.stop()
    h.same(retained(scratch, box, old, "last"), [], "after its farewell")


@h.test
def over_tls_a_box_joins_whom_the_certificate_names_and_nobody_else(scratch):
    """The broker's certificate is for localhost. By its address, and by
    another root, the box does not even say that it asks."""
    network = Network(scratch, far=TlsBroker(scratch))
    h.until("HQ's link is up", lambda: any(
        link["up"] for link in network.hq.depot("peers")["links"]))
    code = network.hq.depot("hq", "invite", "--site", "hz-07")["code"]
    port = network.far.port
    for name, root in (("127.0.0.1", "ca.crt"), ("localhost", "other-ca.crt")):
        bare = Bare(scratch, "not-" + name)
        said = bare.join_until(code, "--link", f"ssl://{name}:{port}",
                               "--ca-file", f"{TLS}/{root}",
                               says="certificate")
        h.same(said["stage"], "asking", name)
        assert said["waiting"].startswith(
            f"ssl://{name}:{port} was not reached"), said["waiting"]
    h.same(network.asks()["asked"], 0, "asks that came")
    bare = Bare(scratch, "a")
    said = bare.join(code, "--link", network.far.uri, "--ca-file",
                     f"{TLS}/ca.crt")
    h.same((said["stage"], said["name"]), ("joined", "hz-07"))
    # The site's own link is the same, with the same root.
    box = bare.operate()
    box.seed()
    box.start()
    scan(scratch, box, 3, "b1")
    feeds = agree(network, box)
    h.same({site for site, _, _ in feeds}, {1, 3, 4})


@h.test
def two_boxes_with_one_sheet_and_whatever_else_comes_are_told_apart(scratch):
    """The sheet is copied; strangers shout on the plane of joining; what HQ
    answered one box is said to another. Each is refused and counted."""
    network = Network(scratch)
    code = network.invite("hz-07")["code"]
    topic = "depot/v1/_/sync/join/1/"
    client = h.Client(scratch, network.far, "stranger", checked=False,
                      subscribe=[topic + "answer"])
    first = Bare(scratch, "a")
    h.same(first.join(code)["stage"], "joined")
    client.wait(lambda: client.messages, "the answer")
    answer = client.messages[0].payload
    # Another box; somebody plays it the first one's answer meanwhile.
    second = Bare(scratch, "b")
    client.publish(topic + "answer", answer, retain=True)
    h.same(second.join(code, expect=6)["error"]["code"], "join_refused")
    client.publish(topic + "answer", b"", retain=True)
    # Of no invitation, not a frame, too long, and with a wrong secret.
    h.until("its refusal", lambda: network.asks()["refused"] > 0)
    # Behind whatever the two boxes asked a second time.
    client.publish(topic + "ask", b"behind")
    h.until("the first stranger", lambda: network.asks()["strangers"] == 1)
    before = network.asks()
    for payload in (b"", b"x", answer, b"\x60\x01" + b"y" * 80,
                    b"z" * 2000):
        client.publish(topic + "ask", payload)
    client.publish("depot/v1/_/sync/join/99/ask", b"\x60\x63" + b"y" * 80)
    h.until("the strangers' asks", lambda: network.asks()["asked"] >= before["asked"] + 5)
    after = network.asks()
    h.same(after["asked"] - before["asked"], 5, "the long one stays outside")
    h.same(after["denied"] - before["denied"], 1)
    h.same(after["strangers"] - before["strangers"], 4)
    assert before["welcomed"] > 0
    for count in ("welcomed", "refused"):
        h.same(after[count], before[count], count)
    h.same([(one["invitation"], one["denied"])
            for one in after["invitations"]], [(1, 1)])
    # A flood of them: HQ books on, and the next box joins.
    for _ in range(3000):
        client.publish(topic + "ask", b"\x60\x01" + b"y" * 80)
    code = network.invite("hz-08")["code"]
    h.same(Bare(scratch, "c").join(code)["name"], "hz-08")
    scan(scratch, with_names(network.hq, "hq"), 3, "b1")


def with_names(box, site):
    box.org, box.site = h.ORG, site
    return box


@h.test
def a_withdrawn_and_a_mistyped_code_are_told_in_words(scratch):
    network = Network(scratch)
    ear = h.Client(scratch, network.far, "ear", checked=False, subscribe=[
        "depot/v1/_/sync/join/+/ask", "ear"])

    def asked():
        """How many asks the broker has given on until now."""
        after = ear.mark()
        ear.publish("ear", b"now")
        ear.wait_message("ear", after=after)
        return sum(one.topic != "ear" for one in ear.messages)

    invited = network.invite("hz-07")
    network.hq.depot("hq", "withdraw", str(invited["number"]))
    box = Bare(scratch, "a")
    refused = box.join(invited["code"], expect=6)["error"]
    h.same("withdrawn" in refused["text_en"], True)
    h.same("撤回" in refused["text_zh"], True)
    # The same box, with a good one.
    h.same(box.join(network.invite("hz-07")["code"])["stage"], "joined")
    # One character was mistyped: nobody is asked.
    code = network.invite("hz-08")["code"]
    before = asked()
    assert before >= 2
    wrong = code.replace("DEPOT:0", "DEPOT:1", 1)
    refused = Bare(scratch, "b").join(wrong, expect=2)["error"]
    h.same(refused["code"], "bad_code")
    h.same(asked(), before, "asks")


@h.test
def the_first_answer_is_lost_and_the_box_dies_in_the_middle(scratch):
    """HQ is stopped in the moment after the invitation was used: the broker
    in between dies with the answer. The box that asks again is the same one."""
    network = Network(scratch)
    code = network.invite("hz-07")["code"]
    bare = Bare(scratch, "a")
    # Nobody hears the answer: what asks here has the box's frame only.
    client = h.Client(scratch, network.far, "thief", checked=False,
                      subscribe=["depot/v1/_/sync/join/1/ask"])
    network.hq.stop()
    h.until("the ask", lambda: bare.join(code, *FAST, expect=3)
            and client.messages)
    ask = client.messages[0].payload
    network.hq.start()
    h.until("up", lambda: any(
        link["up"] for link in network.hq.depot("peers")["links"]))
    client.publish("depot/v1/_/sync/join/1/ask", ask)
    h.until("welcomed", lambda: network.asks()["welcomed"] == 1)
    h.same(bare.join()["epoch"], 2, "the same answer")
    h.until("welcomed again", lambda: network.asks()["welcomed"] >= 2)


DIE_AT = os.path.join(h.BUILD, "tests/e2e/libe2e_die_at.so")
STEPS = range(1, 200)


def dying(at):
    """What makes a program die at its step @at."""
    return {**os.environ, "LD_PRELOAD": DIE_AT, "DIE_AT": str(at),
            # A sanitizer's runtime has to do without being the first.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")
                            + ":verify_asan_link_order=0"}


def joined_after_a_crash(network, bare, at):
    """False: the box had joined before it came to the step."""
    code = network.invite(bare.name)["code"]
    words = [DEPOT, "--config", bare.config, "--json", "--yes", "join", code,
             "--path", bare.store, "--map-size", "64 MiB", "--account", "boss"]
    done = subprocess.run(words, capture_output=True, text=True, check=False,
                          env=dying(at))
    if done.returncode == 0:
        return False
    again = subprocess.run(words, capture_output=True, text=True, check=False)
    said = json.loads(again.stdout.splitlines()[-1])
    # Killed behind its last step, it is a site, and the secret is gone.
    if again.returncode == 6:
        assert "belongs to a network already" in said["error"]["text_en"], \
            f"step {at}: {again.stdout}{again.stderr}"
    else:
        h.same((again.returncode, said.get("stage")), (0, "joined"),
               f"step {at}: {done.stdout}{again.stdout}{again.stderr}")
    h.same(os.path.exists(bare.store + "-join"), False, f"step {at}")
    accounts = bare.run("account", "list")
    assert "boss" in json.dumps(accounts), f"step {at}: {accounts}"
    return True


@h.test
def a_join_that_is_killed_at_any_step_is_gone_on_with(scratch):
    """Each call that makes, names, syncs or removes a file is the last
    one of `depot join` on a bare box; it is typed again, and the box is a site
    with its account. The last of them works."""
    network = Network(scratch)
    kills = 0
    for at in STEPS:
        bare = Bare(scratch, f"hz-{at:03}")
        if not joined_after_a_crash(network, bare, at):
            break
        kills += 1
        last = bare
    print(f"killed at {kills} steps")
    assert 20 < kills < len(STEPS) - 1, kills
    box = last.operate()
    box.seed()
    box.start()
    scan(scratch, box, 2, "b1")
    agree(network, box)
    h.same(network.hq.depot("audit", "--network")["unexplained"], 0)


def killed(words, at):
    """True if depot came to its step @at, and died there."""
    done = subprocess.run([DEPOT, *words], capture_output=True, check=False,
                          env=dying(at))
    return done.returncode != 0


@h.test
def an_init_that_is_killed_at_any_step_is_gone_on_with(scratch):
    """As above, of `depot init` and of `depot hq init` after it: in the end
    there is one account, and the root key is on one sheet of paper."""
    kills = {"init": 0, "hq": 0}
    for at in STEPS:
        bare = Bare(scratch, f"hz-{at:03}")
        paper = scratch.file(bare.name + "/root.txt")
        common = ["--config", bare.config, "--json", "--yes"]
        init = ["init", "--org", "acme", "--site", bare.name, "--path",
                bare.store, "--map-size", "64 MiB", "--account", "boss",
                "--timezone", "UTC", "--write-config"]
        if killed([*common, *init], at):
            kills["init"] += 1
            again = subprocess.run([DEPOT, *common, *init], text=True,
                                   capture_output=True, check=False)
            assert again.returncode == 0 or \
                (again.returncode == 6 and "depot status" in again.stdout), \
                f"step {at}: {again.stdout}"
        assert "boss" in json.dumps(bare.run("account", "list")), at
        if killed([*common, "hq", "init", "--root-key", paper], at):
            kills["hq"] += 1
            again = subprocess.run(
                [DEPOT, *common, "hq", "init", "--root-key", paper + "2"],
                capture_output=True, text=True, check=False)
            assert again.returncode in (0, 6), f"{at}: {again.stdout}"
            paper = paper if again.returncode == 6 else paper + "2"
        with open(paper, encoding="utf-8") as file:
            assert "root-key" in file.read(), f"step {at}: {paper}"
        left = bare.store + "-keys/root.key"
        if os.path.exists(left):  # it was written over
            with open(left, "rb") as file:
                h.same(file.read().strip(b"\0"), b"", f"step {at}")
        assert bare.name in json.dumps(bare.run("hq", "sites")), at
        if at > max(kills.values()):
            break
    print(f"killed at {kills} steps")
    assert 15 < kills["init"] < len(STEPS) - 1, kills
    assert 2 < kills["hq"] < len(STEPS) - 1, kills


@h.test
def another_box_takes_a_sites_place_in_its_next_epoch(scratch):
    network = Network(scratch)
    first = Bare(scratch, "a")
    h.same(first.join(network.invite("hz-07")["code"])["epoch"], 2)
    old = first.operate()
    old.seed()
    old.start()
    scan(scratch, old, 3, "a1")
    h.until("the old's", lambda: states(network).get((4, 2)) == "contiguous")
    old.stop()
    done = subprocess.run([DEPOT, "--config", network.hq.config, "--json",
                           "hq", "invite", "--site", "hz-07"],
                          capture_output=True, text=True, check=False)
    h.same(h.decode(done.stdout)["error"]["code"], "site_exists")
    code = network.invite("hz-07", "--replace")["code"]
    bare = Bare(scratch, "b")
    said = bare.join(code)
    h.same((said["name"], said["site"], said["epoch"]), ("hz-07", 4, 3))
    box = bare.operate()
    box.seed()
    box.start()
    scan(scratch, box, 2, "b1")
    h.until("its feed", lambda: states(network).get((4, 3)) == "contiguous")
    # It ends when the new box has said how far it has the old one's book.
    h.until("the end of the box before",
            lambda: states(network)[4, 2] == "fenced")
    h.same(on_hand(box), 10, "the book of both")


@h.test
def a_box_that_works_joins_by_its_socket_and_by_its_scanner(scratch):
    """No command: a box that was founded by itself and books is told the code
    by what its page says to it, and another by a scan of the sheet."""
    network = Network(scratch)
    for name, is_scanned in (("hz-07", False), ("hz-08", True)):
        bare = Bare(scratch, name)
        bare.run("init", "--org", "alone", "--site", "shop", "--path",
                 bare.store, "--map-size", "64 MiB", "--account", "boss",
                 "--timezone", "UTC", "--write-config")
        box = bare.operate()
        box.seed()
        box.start()
        scan(scratch, box, 4, "b1")
        code = network.invite(name)["code"]
        # Somebody mistyped the address before, which has no check symbol.
        wrong = code.split("/")[0] + "/127.0.0.1:1"
        h.same(control(box, "join", {"code": wrong})["stage"], "asking")
        h.until("the box asks nobody", lambda where=box.store: asks_at(where, b"127.0.0.1:1"))
        if is_scanned:
            gun = h.Device(scratch, box.broker, "gun", boot="b2",
                           prefix="depot/v1/alone/shop")
            taken = gun.ask(op="receive", code=code)
            h.same((taken, gun.talks[-1]["session"]["what"]), (None, "join"))
            gun.close()
        else:
            begun = control(box, "join", {"code": code})
            h.same((begun["stage"], "text_zh" in begun), ("asking", True))
        box.again()
        h.same((box.org, box.site), (h.ORG, name))
        h.same(control(box, "join.show", {})["stage"], "joined")
        scan(scratch, box, 1, "b3")
        h.same(on_hand(box), 10)
        agree(network, box)
        box.stop()
        # The code is nowhere in what the box keeps.
        secret = code.split("/")[0].encode()
        kept = subprocess.run(["grep", "-rl", secret, bare.store + "-join",
                               bare.store], capture_output=True, check=False)
        h.same(kept.stdout, b"", "where the secret is")


@h.test
def a_restored_box_begins_to_join_anew(scratch):
    """The box asked, was restored, and then HQ could have answered to a life
    that is over: it books on by itself, and joins with the next code."""
    network = Network(scratch, is_started=False)
    bare = Bare(scratch, "a")
    bare.run("init", "--org", "alone", "--site", "shop", "--path", bare.store,
             "--map-size", "64 MiB", "--account", "boss", "--timezone", "UTC",
             "--write-config")
    box = bare.operate()
    box.seed()
    box.start()
    scan(scratch, box, 4, "b1")
    copy = scratch.file("backup")
    box.depot("backup", copy)
    control(box, "join", {"code": network.invite("hz-07")["code"]})
    h.until("the box asks", lambda: "HQ was asked" in control(
        box, "join.show", {})["text_en"])
    box.stop()
    shutil.rmtree(box.runtime)
    os.rename(box.store, box.store + ".lost")
    restored = box.depot("restore", copy)
    h.same((restored["epoch"], restored["joining_ended"]), (2, True),
           "a life of its own")
    h.same(os.path.exists(box.store + "-join"), False)
    network.hq.start()
    box.start()
    scan(scratch, box, 1, "b2")
    h.same(on_hand(box), 10)
    control(box, "join", {"code": network.invite("hz-08")["code"]})
    box.again()
    h.same((box.org, box.site), (h.ORG, "hz-08"))
    agree(network, box)


def started(kept):
    with open(kept, encoding="utf-8") as file:
        return [line for line in file.read().splitlines()
                if line.startswith("enable")]


@h.test
def a_box_is_started_behind_its_join_if_that_is_asked_for(scratch):
    """HQ is away, and has not answered; then it is there. systemctl fails at
    the one, and at the other the port is somebody else's."""
    network = Network(scratch, is_started=False)
    code = network.invite("hz-07")["code"]
    for name, failing, exit_code, expected in (
            ("a", (), 3, ["enable --now depotd", "enable --now depot-link@hq"]),
            ("b", ("enable --now depotd",), 1, ["enable --now depotd"]),
            ("c", ("disable",), 1, [])):
        bare = Bare(scratch, name)
        environment, kept = bare.systemctl(*failing)
        words = ["join", code, "--start", "--path", bare.store, "--map-size",
                 "64 MiB", "--account", "boss", *FAST]
        if name != "c":
            documents = bare.documents(*words, expect=exit_code,
                                       environment=environment)
        else:
            bare.documents(*words[:2], *words[3:], expect=3)
            documents = with_port_taken(bare, words, environment)
        h.same(documents[0]["stage"], "asking", name)
        h.same([document["error"]["code"] for document in documents[1:]],
               [] if exit_code == 3 else ["failed"], name)
        h.same(started(kept), expected, name)


def with_port_taken(bare, words, environment):
    """The broker's port is not free, and systemctl cannot stop who has it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        os.makedirs(bare.config + ".d", exist_ok=True)
        with open(bare.config + ".d/40-port.conf", "w",
                  encoding="utf-8") as file:
            file.write("[broker]\naddress = 127.0.0.1\n"
                       f"port = {taken.getsockname()[1]}\n")
        return bare.documents(*words, expect=1, environment=environment)


@h.test
def the_sheet_is_followed_as_it_is_printed(scratch):
    """From an installed package to the first booked scan: the commands are
    those that stand on the sheet, typed as they stand there."""
    network = Network(scratch)
    sheet = scratch.file("hz-07.html")
    network.invite("hz-07", "--sheet", sheet)
    with open(sheet, encoding="utf-8") as file:
        page = html.unescape(file.read())
    code = re.search(r'class="code">(\S+)<', page).group(1)
    # What is typed stands on one line: a break at a dash hides the dash.
    for rule in (".code", "code"):
        h.same(re.search(re.escape(rule) + r"\{[^}]*white-space:nowrap", page)
               is not None, True, rule)
    page, behind = page.split('<div class="behind">')
    english = re.findall(r"<tr><td>(.*?)</td>", page, re.S)
    command, = re.findall(r"<code>(.*?)</code>", english[0])
    assert "<b>Receive</b>, <b>DOCK</b> (the bin that every box has), an " \
        "item" in " ".join(" ".join(english).split()), english
    labels = re.findall(r"<small>(DEPOT\..*?)</small></figcaption>", behind)
    h.same({"DEPOT.OP.RECEIVE", "DEPOT.BIN.DOCK"} <= set(labels), True,
           str(labels))
    h.same(command, "sudo depot join CODE --start --device dock-1")
    bare = Bare(scratch, "a")
    began = time.monotonic()
    told = []

    def done(what):
        told.append(f"{time.monotonic() - began:6.1f} s  {what}")

    words = command.replace("CODE", code).split()[2:]
    environment, kept = bare.systemctl()
    joined, device = bare.documents(
        *words, "--path", bare.store, "--map-size", "64 MiB", "--account",
        "boss", environment=environment)
    h.same(joined["stage"], "joined")
    h.same((device["device"], len(device["password"]) > 8), ("dock-1", True))
    h.same(started(kept), ["enable --now depotd",
                           "enable --now depot-link@hq"])
    done("$ " + command.replace("CODE", code))
    box = bare.operate()  # what systemd starts
    box.start()
    box.depot("item", "set", "TEA")
    box.depot("code", "set", "TEA", "TEA")
    box.depot("bin", "set", "A-01")
    box.depot("device", "add", "gun", "--kind", "scanner")
    done("goods, a bin and a scanner are told to the box")
    scan(scratch, box, 1, "b1")
    done("the first scan is booked and acknowledged")
    h.same(on_hand(box), 2)
    print("\n".join(told))
    assert time.monotonic() - began < 300


if __name__ == "__main__":
    h.main()
