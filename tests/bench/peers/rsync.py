#!/usr/bin/python3
"""rsync -z: a file of JSON lines for each feed, drawn from an rsync daemon.

With --append rsync sends what a file has grown by and believes the rest.
The command line is that of every peer (docs/performance.md).
"""

import argparse
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time


def say(**answer):
    print(json.dumps(answer), flush=True)


def version():
    said = subprocess.run(["rsync", "--version"], capture_output=True,
                          text=True, check=True).stdout
    return re.search(r"version (\S+)", said).group(1)


def about(words):
    say(name="rsync -z --append" if words.append else "rsync -z",
        version=version(), live=False,
        verifies="a checksum, not keyed, of "
        + ("what it sends" if words.append else "each file that it sends")
        + "; order and author are not known to it")


# ---- the writer ----

CONFIG = """use chroot = no
uid = {uid}
gid = {gid}
lock file = {folder}/lock
log file = {folder}/log
[feeds]
path = {store}
read only = yes
"""


def answer(listener, config):
    """One daemon process for each connection, on that connection."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # closed: the end
            return
        with connection:
            subprocess.run(["rsync", "--daemon", f"--config={config}"],
                           stdin=connection, stdout=connection, check=False)


def append(store, feed, file):
    with open(file, encoding="utf-8") as lines, \
            open(os.path.join(store, f"feed-{feed:02}"), "a",
                 encoding="utf-8") as journal:
        text = lines.read()
        journal.write(text)
        journal.flush()
        os.fsync(journal.fileno())
    say(appended=text.count("\n"))


def serve(words):
    with tempfile.TemporaryDirectory() as folder, socket.socket() as listener:
        config = os.path.join(folder, "config")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(uid=os.getuid(), gid=os.getgid(),
                                     folder=folder,
                                     store=os.path.abspath(words.store)))
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        threading.Thread(target=answer, args=(listener, config),
                         daemon=True).start()
        say(port=listener.getsockname()[1], invitation="")
        for line in sys.stdin:
            append(words.store, **json.loads(line))
        say(end=True, errors=[], forks=[])


# ---- the reader ----

def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def peak_kib(pid):
    """The peak memory of the largest process at and below @pid so far."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            peaks = [int(number) for number in
                     re.findall(r"VmHWM:\s+(\d+)", file.read())]
        return max(peaks + [peak_kib(one) for one in children_of(pid)],
                   default=0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def pull(words):
    options = ["--append"] if words.append else []
    began = time.monotonic()
    client = subprocess.Popen(
        ["rsync", "-rtz", "--fsync", *options,
         f"rsync://127.0.0.1:{words.port}/feeds/", words.store + "/"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = 0
    while client.poll() is None:
        peak = max(peak, peak_kib(client.pid))
        time.sleep(0.002)
    seconds = time.monotonic() - began
    errors = client.stderr.read().splitlines()
    if client.returncode == 0:
        say(in_sync=True, seconds=seconds, rss_kib=peak)
    else:
        say(in_sync=False, error=f"rsync ended with {client.returncode}")
    say(end=True, errors=errors, forks=[])


def dump(words):
    for name in sorted(glob.glob("feed-*", root_dir=words.store)):
        with open(os.path.join(words.store, name), encoding="utf-8",
                  errors="replace") as file:
            for line in file:
                say(feed=int(name.partition("-")[2]),
                    movement=line.rstrip("\n"))
    say(end=True, errors=[], forks=[])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--append", action="store_true")
    parser.add_argument("--follow", action="store_true")  # it cannot
    parser.add_argument("verb", choices=["about", "serve", "pull", "dump"])
    parser.add_argument("store", nargs="?")
    parser.add_argument("port", nargs="?")
    parser.add_argument("invitation", nargs="?")
    words = parser.parse_args()
    if shutil.which("rsync") is None:
        sys.exit("there is no rsync here")
    {"about": about, "serve": serve, "pull": pull, "dump": dump}[
        words.verb](words)


if __name__ == "__main__":
    main()
