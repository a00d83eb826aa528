#!/usr/bin/python3
"""The smallest peer that keeps the contract (docs/performance.md): a file of
lines for each feed, and a reader that says how many of each it has. For
smoke.py, and for who writes another one.

  --careful  the reader also says a hash of them, and takes a writer that has
             others for a fork
  --hang     such a writer says nothing instead
  --lose     a movement
"""

import argparse
import hashlib
import json
import os
import socket
import sys
import threading


def say(**answer):
    print(json.dumps(answer), flush=True)


def lines_of(store, feed):
    try:
        with open(os.path.join(store, str(feed)), encoding="utf-8") as file:
            return file.readlines()
    except FileNotFoundError:
        return []


def extend(store, feed, lines):
    with open(os.path.join(store, str(feed)), "a", encoding="utf-8") as file:
        file.writelines(lines)


def hash_of(lines):
    return hashlib.sha256("".join(lines).encode()).hexdigest()


# ---- the writer ----

def answer(store, file, options):
    """To a line "COUNT [HASH]" for each feed: the lines that it lacks."""
    for feed, asked in enumerate(file.readline().split(",")):
        count, _, known = asked.strip().partition(" ")
        lines = lines_of(store, feed)
        if known and hash_of(lines[:int(count)]) != known:
            file.write("fork\n" if options.careful else "")
            if options.hang:
                file.flush()
                threading.Event().wait()  # for ever
            continue
        for line in lines[int(count):]:
            file.write(f"{feed} {line}" if options.feeds > 1 else line)
    file.flush()


def listen(listener, options):
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw", encoding="utf-8") as file:
            answer(options.store, file, options)


def serve(options):
    options.feeds = int(options.words[0])
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=listen, args=(listener, options),
                     daemon=True).start()
    say(port=listener.getsockname()[1], invitation=str(options.feeds))
    for line in sys.stdin:
        order = json.loads(line)
        with open(order["file"], encoding="utf-8") as file:
            lines = file.readlines()
        extend(options.store, order["feed"], lines[options.lose:])
        say(appended=len(lines))
    say(end=True, errors=[], forks=[])


# ---- the reader ----

def pull(options):
    feeds = int(options.words[1])
    held = [lines_of(options.store, feed) for feed in range(feeds)]
    is_careful = options.careful or options.hang
    forks = []
    with socket.create_connection(
            ("127.0.0.1", int(options.words[0]))) as connection, \
            connection.makefile("rw", encoding="utf-8") as file:
        file.write(",".join(
            f"{len(lines)} {hash_of(lines)}" if is_careful else str(len(lines))
            for lines in held) + "\n")
        file.flush()
        for line in file:
            if line == "fork\n":
                forks.append({"feed": 0, "position": 0, "bytes": 64})
                continue
            feed, line = line.split(" ", 1) if feeds > 1 else (0, line)
            extend(options.store, feed, [line])
    with open("/proc/self/status", encoding="ascii") as file:
        peak = next(line for line in file if line.startswith("VmHWM"))
    say(in_sync=True, seconds=1, rss_kib=int(peak.split()[1]))
    say(end=True, errors=[], forks=forks)


def dump(options):
    for feed in sorted(os.listdir(options.store)):
        for line in lines_of(options.store, feed):
            say(feed=int(feed), movement=line.rstrip("\n"))
    say(end=True, errors=[], forks=[])


def main():
    parser = argparse.ArgumentParser()
    for option in ("--careful", "--hang", "--follow"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("--lose", action="store_const", const=1, default=0)
    parser.add_argument("verb")
    parser.add_argument("store", nargs="?")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    if options.verb == "about":
        say(name="toy", version="1", live=False, verifies="nothing")
    else:
        {"serve": serve, "pull": pull, "dump": dump}[options.verb](options)


if __name__ == "__main__":
    main()
