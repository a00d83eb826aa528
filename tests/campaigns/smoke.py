#!/usr/bin/python3
"""A campaign works, and gives the totals that it is there for.

Method: the script runs in a tiny size on the build that is there, as
tests/campaign runs it. Each expected total must be there, with a number that
fits; how large it is otherwise is the campaign's own business.

usage: smoke.py BUILD NAME [ARGUMENT...]
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = 77
# Of each campaign: what must stand in its totals.
TOTALS = {
    "kill9": (r"kills: 3", r"readings: [1-9]\d*",
              r"readings PUBACKed: [1-9]\d*",
              r"acknowledged before a kill and found after it: [1-9]\d*",
              r"found once: [1-9]\d*", r"lost: 0", r"doubles: 0",
              r"audits, all of them clean: 2", r"unexplained: 0"),
    "network-kill": (r"rounds: 2", r"kills of hq: \d+",
                     r"kills of broker: \d+", r"readings: [1-9]\d*",
                     r"times that all agreed: 1", r"lost: 0", r"doubles: 0",
                     r"unexplained: 0"),
    "powercut": (r"env, distinct images: [1-9]\d*",
                 r"env, of them prefixes: [1-9]\d*",
                 r"env, of them with a write missing: [1-9]\d*",
                 r"env, of them torn: [1-9]\d*",
                 r"env, images opened and checked: [1-9]\d*",
                 r"env, lost something acknowledged: 0",
                 r"env, damaged or audit unclean: 0"),
    "fuzz": (r"json: [1-9]\d* runs, coverage [1-9]\d* \([1-9]\d* features\), "
             r"\d+ new inputs of \d+ bytes, [1-9]\d* MiB, 0 crashes",),
    "sim": (r"schedules: 6", r"readings: [1-9]\d*", r"deltas admitted: "
            r"[1-9]\d*", r"crash: [1-9]\d*, in [\d.]+ % of schedules",
            r"failed: 0", r"failures: 0"),
    "retail": (r"lines of the table: 3000", r"readings: [1-9]\d*",
               r"kills: 4", r"readings sent while depotd was away: \d+",
               r"readings sent again: [1-9]\d*", r"found: 0", r"lost: 0",
               r"unexplained: 0"),
}
NEEDS = {"fuzz": "clang"}


def main():
    build, name, *arguments = sys.argv[1:]
    program = NEEDS.get(name)
    if program is not None and shutil.which(program) is None:
        print(f"SKIP: there is no {program} here")
        return SKIPPED
    # What a campaign keeps for whoever reads its result goes with the test.
    with tempfile.TemporaryDirectory(prefix="depot-") as folder:
        done = subprocess.run(
            [os.path.join(HERE, name), *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
            env={**os.environ, "DEPOT_BUILD": build, "DEPOT_SEED": "1",
                 "TMPDIR": folder})
    print(done.stdout)
    assert done.returncode == 0, done.returncode
    totals = done.stdout.partition("\nTOTALS\n")[2].splitlines()
    for pattern in TOTALS[name]:
        assert any(re.fullmatch(pattern, line) for line in totals), pattern
    print(f"{len(TOTALS[name])} totals")
    return 0


if __name__ == "__main__":
    sys.exit(main())
