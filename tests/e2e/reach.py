#!/usr/bin/python3
"""How a site stands with the others is what its status says, on the command
line and on its topic: since when the link is down, what exists only here, and
what HQ has for good.

Method: HQ and two sites as in sites.py. The broker in between is stopped, and
what is scanned then has to show as what HQ has not; when it is back, as what HQ
has. A link's process that is ended is told by its name.
"""

import os
import signal

import depot_harness as h
import sites as bed

h.TESTS.clear()  # those of sites.py


def network(site):
    """Nothing in the daemon's first second."""
    return site.status()["daemon"].get("network", {"links_up": None})


def until(site, what, condition):
    """What the status says of the network, once that fulfils @condition."""
    told = [None]

    def look():
        told[0] = network(site)
        return condition(told[0])

    h.until(lambda: f"{what} at {site.site}: {told[0]}", look)
    return told[0]


def says(**expected):
    """A condition: a status whose network has all of that."""
    def holds(message):
        told = message.json().get("network", {}) if message.payload else {}
        return all(told.get(key) == what for key, what in expected.items())
    return holds


@h.test
def what_exists_only_here_is_told_until_hq_has_it(scratch):
    far, (hq, site, other) = bed.begin(scratch)
    wall = h.Client(scratch, site.broker, "wall", subscribe=[
        f"depot/v1/{h.ORG}/{site.site}/status"])
    bed.scan(scratch, site, 10, "b1")
    before = until(site, "HQ has all", lambda told: told["links_up"] == 1
                   and told["backlog_entries"] == 0 and told.get("hq_seq", 0))
    h.same((before["site"], before["hq"], before["links"], before["stuck"]),
           (4, False, 1, 0))
    assert before["backlog_bytes"] == 0 and "down_s" not in before

    after = wall.mark()
    far.stop()
    down = until(site, "the link is down", lambda told:
                 told["links_up"] == 0)
    assert ("down_since" in down) and down["down_s"] <= h.LIMIT
    wall.wait_message(f"depot/v1/{h.ORG}/{site.site}/status",
                      says(links_up=0, links=1), after=after)
    bed.scan(scratch, site, 30, "b2")
    lacks = until(site, "HQ lacks it", lambda told:
                  told["backlog_entries"] >= 30)
    h.same(lacks["hq_seq"], down["hq_seq"], "what HQ has")
    # What is not sealed yet is no delta, and is missing at HQ all the same.
    h.same(lacks["backlog_deltas"] > 0, lacks["backlog_bytes"] > 0)

    far.start()
    back = until(site, "HQ has all again", lambda told: told["links_up"] == 1
                 and told["backlog_entries"] == 0)
    assert back["hq_seq"] > down["hq_seq"]
    h.same((back["backlog_deltas"], back["backlog_bytes"]), (0, 0))
    heads = {(feed["site"]): feed["seq"]
             for feed in bed.network("feeds", hq.store)}
    assert back["hq_seq"] <= heads[4], (back, heads)
    told = until(hq, "HQ's links", lambda told: told["links_up"] == 1)
    assert told["hq"] and "hq_seq" not in told
    # A peer that only got news is known to have it, too.
    until(other, "HQ has the other's", lambda told: told.get("hq_seq", 0))
    peers = {peer["peer"]: peer for peer in site.depot("peers")["peers"]}
    assert peers["hq"]["acked"] >= back["hq_seq"]
    h.same(site.depot("peers")["stuck"], [])
    # What HQ has signed to hold is what is here, says the audit.
    h.until("an acknowledgement that is kept", lambda:
            site.depot("audit", "--network")["witnessed"])
    told = site.depot("audit", "--network")
    h.same((told["findings"], told["unexplained"]), (0, 0))


# Before a range that does not come is worth an alert (edge/concerns.c).
STUCK_S = 120


def told_within(seconds, what, look):
    """h.until, of what is due after @seconds at the earliest."""
    limit, h.LIMIT = h.LIMIT, h.LIMIT + seconds
    try:
        return h.until(what, look)
    finally:
        h.LIMIT = limit


@h.test
def a_range_that_does_not_come_is_named_until_it_does(scratch):
    """HQ is off while a site seals, and then hears it only from the site
    itself, on whose disk a bit of the last signature has turned. Another
    site, which has it as it was, is off, too; it comes, and all is well."""
    _, (hq, site, other) = bed.begin(scratch)
    until(site, "HQ has all", lambda told: told.get("hq_seq", 0)
          and told["backlog_entries"] == 0)
    hq.stop()
    bed.scan(scratch, site, 10, "b1")

    def theirs(box):
        """The last delta of the site that @box holds, if that is all."""
        feed = next(feed for feed in bed.network("feeds", box.store)
                    if feed["site"] == 4)
        return feed["number"] == site.head()["pos"] and feed["seq"]

    last = h.until("the other has it", lambda: theirs(other))
    other.stop()
    site.stop()
    bed.network("forge", site.store, "4", str(last))
    site.start()
    hq.directives["http.port"] = h.port_free()
    hq.write_config()
    hq.start()
    h.until("the range", lambda: hq.any_exit("peers")["stuck"])
    (stuck,) = hq.any_exit("peers")["stuck"]
    h.same((stuck["site"], stuck["name"], stuck["epoch"], stuck["first"],
            stuck["last"], stuck["why"]),
           (4, "hz-01", 1, last, last, "forged"), "what is stuck")
    h.same((stuck["why_en"][:13], "签名" in stuck["why_zh"]),
           ("its signature", True), "in words")
    refusals_are_shown(hq, last)
    until(hq, "it is counted", lambda told: told.get("stuck") == 1)
    h.until("the figure", lambda: hq.metric("depot_feeds_stuck") == 1)
    told_within(STUCK_S, "the alert", lambda: hq.alerts("feed_stuck"))
    (subject,) = hq.alerts("feed_stuck")
    h.same(subject, f"hz-01.1: {last}-{last} (forged), hz-01", "the record")

    other.start()
    h.until("nothing is stuck", lambda: not hq.any_exit("peers")["stuck"])
    h.until("the figure", lambda: hq.metric("depot_feeds_stuck") == 0)
    h.until("the alert's end", lambda: not hq.alerts("feed_stuck"))
    until(hq, "none is counted", lambda told: told.get("stuck") == 0)
    h.same(next(feed["seq"] for feed in bed.network("feeds", hq.store)
                if feed["site"] == 4) >= last, True, "what HQ has now")
    h.same(hq.any_exit("audit", "--network")["findings"], 0, "HQ's copy")


def refusals_are_shown(hq, seq):
    """The forged delta @seq of site 4: in the last refusals and their counts,
    in the figures, in the log, and in what the store keeps."""
    told = hq.any_exit("peers")["refused"]
    assert told["packs"]["forged"] >= 1, told
    h.same(told["frames"]["garbled"], 0, "frames")
    h.same({(row["site"], row["name"], row["epoch"], row["seq"], row["from"])
            for row in told["last"] if row["why"] == "forged"},
           {(4, "hz-01", 1, seq, "hz-01")}, "what is named")
    h.until("the figure", lambda: hq.metric(
        'depot_packs_refused_total{reason="forged"}') >= 1)
    lines = [line for line in hq.program.text().split("\n")
             if " delta_refused" in line and "(forged)" in line]
    h.same(len(lines), 1, lines)
    assert "site=4 " in lines[0] and f"seq={seq}" in lines[0], lines

    def kept():
        return [row for row in hq.any_exit("audit", "--network")["refused"]
                if row["why"] == "forged"]

    (row,) = h.until("what is kept", kept)
    h.same((row["site"], row["name"], row["epoch"], row["seq"]),
           (4, "hz-01", 1, seq), "what is kept")
    assert row["count"] >= 1, row
    for lang in ("en", "zh"):
        for words in (("peers",), ("audit", "--network")):
            text = hq.text("--lang", lang, *words)
            assert "forged" in text and "hz-01" in text, text


@h.test
def a_row_that_is_not_its_writers_to_say_is_listed_everywhere(scratch):
    """HQ's master feed, signed by its key, says that stock moved."""
    _, (hq, site, _) = bed.begin(scratch)
    until(site, "HQ has all", lambda told: told.get("hq_seq", 0)
          and told["backlog_entries"] == 0)
    h.same(site.depot("audit", "--network")["voids"], [], "before")
    hq.stop()
    bed.network("void", hq.store, hq.store + "-keys", "TEA")
    hq.start()

    def voids():
        return site.depot("audit", "--network")["voids"]

    (row,) = h.until("the void row", voids)
    h.same((row["site"], row["epoch"], row["why"], row["kind"], row["item"]),
           (2, 1, "authority", "movement", "TEA"), "the row")
    assert row["pos"] >= 1 and row["why_zh"], row
    told = site.depot("audit", "--network")
    h.same((told["verdict"], told["void_rows"], told["voids_more"]),
           ("clean", 1, 0), "the rest")
    for lang, words in (("en", "rows that count nowhere"),
                        ("zh", "均不计入的行")):
        text = site.text("--lang", lang, "audit", "--network")
        assert words in text and "authority" in text and "TEA" in text, text


@h.test
def a_link_that_has_used_its_bytes_of_today_says_so(scratch):
    """Its budget is less than what joining costs."""
    _, (_, site, _) = bed.begin(scratch)
    until(site, "the link is up", lambda told: told["links_up"] == 1)
    h.same(network(site)["links_spent"], 0, "without a budget")
    assert "USED TODAY" not in site.text("peers")
    site.stop()
    site.directives["link far.budget"] = "1 KiB"
    site.directives["http.port"] = h.port_free()
    site.write_config()
    site.start()
    told = until(site, "spent", lambda told: told.get("links_spent"))
    h.same((told["links_spent"], told["links_up"]), (1, 1), "status")
    (link,) = site.any_exit("peers")["links"]
    h.same((link["budget"], link["spent"], link["up"]), (1024, True, True),
           "the link")
    assert link["used_today"] >= 1024, link
    h.until("the figure", lambda: site.metric(
        'depot_link_used_bytes{link="far"}') >= 1024)
    h.same(site.metric('depot_link_budget_bytes{link="far"}'), 1024, "of")
    told_within(10, "the alert", lambda: site.alerts("link_spent"))
    h.same(list(site.alerts("link_spent")), ["far"], "the alert's subject")
    bed.scan(scratch, site, 5, "b1")
    h.until("the log", lambda: " link_spent" in site.program.text())
    for lang, words in (("en", "bytes of today"), ("zh", "流量已用完")):
        assert words in site.text("--lang", lang, "status"), lang
    text = site.text("peers")
    assert "USED TODAY" in text and " 1024 yes" in text, text


def link_pid(site):
    """Of the link's process that depotd of @site runs."""
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except (OSError, ValueError):
            continue
        if words[0].endswith(b"depot-link") \
                and site.config.encode() in words:
            return int(entry)
    return None


@h.test
def a_link_whose_process_is_gone_is_told_apart(scratch):
    _, (_, site, _) = bed.begin(scratch)
    until(site, "the link is up", lambda told: told["links_up"] == 1)
    running = [link["running"] for link in site.depot("peers")["links"]]
    h.same(running, [True])
    os.kill(link_pid(site), signal.SIGSTOP)
    pid = link_pid(site)
    try:
        # It says nothing: depotd hangs up on it, and nobody starts it again.
        until(site, "hung up", lambda told: told["links_up"] == 0)
        links = site.any_exit("peers")["links"]
        h.same([(link["link"], link["running"], link["up"])
                for link in links], [("far", False, False)])
    finally:
        os.kill(pid, signal.SIGKILL)
    until(site, "started again", lambda told: told["links_up"] == 1)


if __name__ == "__main__":
    h.main()
