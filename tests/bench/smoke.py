#!/usr/bin/python3
"""A bench gives every figure that it names.

Method: the bench runs with tiny numbers on the build that is there; the JSON
document has its figures, each a number above zero. What they are is no test's
business.

usage: smoke.py BUILD NAME
"""

import json
import os
import subprocess
import sys

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run")


def main():
    build, name = sys.argv[1:]
    done = subprocess.run([RUN, name, "--json", "--tiny", "--build", build],
                          stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.returncode
    result = json.loads(done.stdout)
    assert result["v"] == 1 and result["machine"]["cores"] >= 1
    if name in result["skipped"]:
        print(f"SKIP: {result['skipped'][name]}")
        return 77
    figures = result["figures"]
    assert figures, "no figure"
    for key, figure in figures.items():
        assert key.startswith(name + "."), key
        assert figure["value"] is not None and figure["value"] > 0, key
    print(f"{len(figures)} figures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
