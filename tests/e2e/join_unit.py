#!/usr/bin/python3
"""depot-join.service tells what it does and what it waits for.

Method: the command line of the unit itself, run beside a real depotd that
leaves joining to it; the box is given a withdrawn code, one whose broker is
not there, and the right one. What a person reads with journalctl is what it
writes to stderr: each stage once, in its order.
"""

import os
import re
import shlex

import depot_harness as h
import join_bed as j

UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../systemd/depot-join.service")


def unit(directive):
    with open(UNIT, encoding="utf-8") as file:
        return re.search(rf"^{directive}=(.*)$", file.read(), re.M).group(1)


class Told(h.Program):
    """The unit's process, and what it told so far."""

    def __init__(self, box):
        program, *words = shlex.split(unit("ExecStart"))
        h.same(program, "/usr/bin/depot")
        super().__init__([j.DEPOT, "--config", box.config, *words])
        self.at = 0

    def next(self, event, *parts):
        """The next line that it tells is of @event, and says @parts."""
        self.wait_line(": ", after=self.at)
        line = self.lines[self.at]
        self.at += 1
        h.same(line.split(":")[0].split()[1:], [event], line)
        for part in parts:
            assert part in line, f"no {part!r} in {line!r}"


@h.test
def each_stage_of_joining_is_told_once(scratch):
    # Else what it writes goes where its stdout does.
    h.same((unit("StandardOutput"), unit("StandardError")),
           ("null", "journal"))
    network = j.Network(scratch)
    bare = j.Bare(scratch, "a")
    bare.run("init", "--org", "alone", "--site", "shop", "--path", bare.store,
             "--map-size", "64 MiB", "--account", "boss", "--timezone", "UTC",
             "--write-config")
    box = bare.operate()
    with open(box.config + ".d/60-unit.conf", "w", encoding="utf-8") as file:
        file.write("[broker]\nstart = unit\n")
    box.start()
    told = Told(box)
    told.next("join_idle", "waits for a join code", "depot join CODE")

    invited = network.invite("hz-06")
    number = invited["number"]
    network.hq.depot("hq", "withdraw", str(number))
    j.control(box, "join", {"code": invited["code"]})
    told.next("join_asking", f"invitation {number} ", "HQ is asked at tcp://")
    told.next("join_refused", f"invitation {number} ", "withdrawn",
              "another code")

    invited = network.invite("hz-07")
    code = invited["code"]
    wrong = code.split("/")[0] + "/127.0.0.1:1"
    j.control(box, "join", {"code": wrong})
    told.next("join_asking", "tcp://127.0.0.1:1;")
    told.next("join_waiting", "tcp://127.0.0.1:1 was not reached")
    j.control(box, "join", {"code": code})
    told.next("join_asking", f"invitation {invited['number']} ",
              f":{network.far.port};")
    told.next("join_answered", f"this box is {h.ORG}/hz-07, site ")
    told.next("join_ready", "depotd starts anew")
    box.again()
    told.next("joined", "this box is site ", "certificate")
    h.same(told.wait(), 0, "the unit's end")
    h.same(len(told.lines), told.at, "lines")
    # On a box that is a site it is over at once, and says why.
    told = Told(box)
    told.next("joined", "this box is site ")
    h.same(told.wait(), 0, "the unit's end")


if __name__ == "__main__":
    h.main()
