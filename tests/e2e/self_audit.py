#!/usr/bin/python3
"""The box audits itself, says what it found, and when that is over.

Method: one unit is written into a balance behind depotd's back, under a good
checksum, as a mistake of ours would leave it. Nobody asks for an audit: the
box has to find it. Then the balances are made again from the journal.
"""

import os
import subprocess

import depot_harness as h

DEPOT = os.path.join(h.BUILD, "gateway/depot")
ALERT = h.PREFIX + "/alert/audit_failed"
# The first audit comes a minute after the start.
FIRST = 60 + h.LIMIT


def depot(box, *words, codes=(0,)):
    done = subprocess.run([DEPOT, "--config", box.config, "--as", "boss",
                           *words], capture_output=True, text=True,
                          timeout=h.LIMIT, check=False)
    assert done.returncode in codes, (words, done)
    return done.stdout


@h.test
def a_lie_in_the_balances_is_found_and_told_until_it_is_mended(scratch):
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port,
                seeding=[("device", "dock-1", 1, ""), ("bin", "A-01"),
                         ("item", "MUG", 0)]).start()
    watch = h.Client(scratch, broker, "watch",
                     subscribe=[h.PREFIX + "/alert/#", h.PREFIX + "/status"])
    gun = h.Device(scratch, broker, "dock-1")
    gun.scan(op="receive", code="MUG", qty=5, bin="A-01")
    gun.settle()
    box.stop()
    h.tool("lie", box.store, "MUG", "A-01")

    box.start()
    box.program.wait_line("error audit_failed: ", FIRST)
    alert = watch.wait_message(ALERT).json()
    h.same((alert["code"], alert["severity"]), ("audit_failed", "critical"))
    watch.wait_message(h.PREFIX + "/status",
                       lambda one: one.json()["health"] == ["audit_failed"])
    # Readings are booked all the same.
    gun.scan(op="receive", code="MUG", qty=1, bin="A-01")
    gun.settle()
    depot(box, "audit", codes=(3,))

    box.stop()
    depot(box, "rebuild", "--yes")
    box.start()
    # Who has mended it need not wait for the box's own.
    mark = watch.mark()
    depot(box, "audit")
    gone = watch.wait_message(ALERT, lambda one: not one.payload, after=mark)
    h.same(gone.payload, b"")
    box.audit(found=0)


if __name__ == "__main__":
    h.main()
