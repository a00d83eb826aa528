#!/usr/bin/python3
"""Catch-up stays within its budget at the socket: at most 12 bytes a movement
with all that MQTT adds, of real movements.

usage: socket_budget.py DEPOT_PEER

Method: 20,000 movements of the retail year in one site's journal, sealed and
fetched by what depotd runs, over a mosquitto; the bytes of the reader's
connection are counted by a proxy, both ways, from its first to its last. All
of it has to arrive.
"""

import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import movements  # noqa: E402  (stand beside this file)
import sync_cost  # noqa: E402
from program import Peer  # noqa: E402

BUDGET = 12
MOVEMENTS = 20000


def main():
    if not os.path.exists("/usr/sbin/mosquitto"):
        print("SKIP: there is no mosquitto here")
        return 77
    try:
        texts = movements.retail(MOVEMENTS)
    except movements.Missing as missing:
        print(f"SKIP: {missing}")
        return 77
    folder = tempfile.mkdtemp(prefix="depot-peers-")
    try:
        figures = sync_cost.bulk(Peer("depot", [sys.argv[1]]),
                            os.path.join(folder, "bulk"), texts)
    finally:
        shutil.rmtree(folder)
    print(figures)
    assert 3 < figures["bytes_a_movement"] <= BUDGET, figures
    assert figures["connections"] == 1, figures
    return 0


if __name__ == "__main__":
    sys.exit(main())
