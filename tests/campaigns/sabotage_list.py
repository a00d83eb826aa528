#!/usr/bin/python3
"""Every bug of the sabotage campaign can still be planted, and its tests exist.

Method: what each bug replaces stands once in its file, and ctest knows the
tests by name. Whether they notice is the campaign's business.

usage: sabotage_list.py BUILD
"""

import os
import re
import subprocess
import sys

import children
from sabotage_bugs import BUGS

BUGS_MIN = 15
AREAS = {"intake", "dedupe", "commit order", "hash check", "signature check",
         "epoch", "fence", "adjudication", "void rows", "authority", "credit",
         "canonical form", "start guard", "publishing before commit",
         "transfer law"}


def main():
    listed = subprocess.run(["ctest", "--test-dir", sys.argv[1], "-N"],
                            check=True, stdout=subprocess.PIPE, text=True)
    tests = set(re.findall(r"Test +#\d+: (\S+)", listed.stdout))
    assert tests
    for bug in BUGS:
        with open(os.path.join(children.ROOT, bug.file),
                  encoding="utf-8") as file:
            count = file.read().count(bug.old)
        assert count == 1, f"{bug.file}, '{bug.what}': {count} times"
        assert bug.old != bug.new
        missing = set(bug.tests) - tests
        assert bug.tests and not missing, f"'{bug.what}': {missing}"
    assert len(BUGS) >= BUGS_MIN
    assert AREAS <= {bug.area for bug in BUGS}
    print(f"{len(BUGS)} bugs can be planted")


if __name__ == "__main__":
    main()
