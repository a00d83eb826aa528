#!/usr/bin/python3
"""The wire budget of catch-up and of news, in bytes, which no machine changes:
at most 10.5 a movement in deltas of 64 rows and more, 130 for one alone.

usage: wire_budget.py BENCH_DELTA
"""

import json
import subprocess
import sys

CATCH_UP, URGENT = 10.5, 130


def main():
    for rows in (64, 128, 1024):
        result = json.loads(subprocess.run(
            [sys.argv[1], "week", str(rows)], capture_output=True, text=True,
            check=True).stdout)
        assert result["movements"] > 10000, result
        assert 5 < result["wire_bytes"] <= CATCH_UP, (rows, result)
        assert 64 < result["urgent_bytes"] <= URGENT, (rows, result)
        print(f"{result['movements']} movements, deltas of {rows}: "
              f"{result['wire_bytes']} B each, {result['urgent_bytes']} alone")


if __name__ == "__main__":
    main()
