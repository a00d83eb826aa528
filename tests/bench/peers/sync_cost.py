"""What it costs to be in sync, for each peer alike, counted at the socket."""

import collections
import contextlib
import os
from typing import NamedTuple

from program import Failed, Program, Writer
from proxy import Proxy

LIMIT = 900  # seconds for the longest step
NEW = 10     # movements that are new on a feed


class Sizes(NamedTuple):
    bulk: int     # movements on one feed
    feeds: int
    history: int  # movements that each feed has before


FULL = Sizes(bulk=100000, feeds=50, history=200)
TINY = Sizes(bulk=300, feeds=3, history=20)


def figures_of(counts, movements=None):
    figures = {"bytes": counts.bytes, "round_trips": counts.round_trips,
               "connections": counts.connections}
    if movements is not None:
        figures["bytes_a_movement"] = counts.bytes / movements
    return figures


class Pair:
    """A writer, a reader, and the proxy between them, which keeps what passes
    if @keeps."""

    def __init__(self, peer, folder, feeds, keeps=False):
        self.peer = peer
        self.stores = [os.path.join(folder, name)
                       for name in ("writer", "reader")]
        for store in self.stores:
            os.makedirs(store)
        self.writer = Writer(peer, self.stores[0], feeds, folder)
        self.proxy = Proxy(keeps=keeps)
        self.written = collections.Counter()

    def __enter__(self):
        self.writer.__enter__()
        self.proxy.target = self.writer.port
        self.proxy.__enter__()
        return self

    def __exit__(self, *reason):
        self.proxy.__exit__(*reason)
        self.writer.__exit__(*reason)

    def append(self, feed, movements):
        taken = self.writer.append(feed, movements)
        if taken != len(movements):
            raise Failed(f"{taken} of {len(movements)} were taken")
        self.written.update((feed, text) for text in movements)

    @contextlib.contextmanager
    def reader(self, *options):
        """(a reader in sync, what it said of that)"""
        with Program(self.peer.command, *options, "pull", self.stores[1],
                     self.proxy.port, self.writer.invitation) as reader:
            said = reader.read(LIMIT)
            if said is None or not said.get("in_sync"):
                raise Failed(f"pull: {said}")
            yield reader, said
            reader.finish()

    def pull(self):
        """(counts, what the reader says) of a sync from connect to quiet."""
        before = self.proxy.settle()
        with self.reader() as (_, said):
            return self.proxy.settle() - before, said

    def news(self, feed, movement):
        """What one movement costs a reader that is connected and waits."""
        with self.reader("--follow") as (reader, _):
            before = self.proxy.settle()
            self.append(feed, [movement])
            if not (reader.read(LIMIT) or {}).get("news"):
                raise Failed("the news did not come")
            return self.proxy.settle() - before

    def check(self):
        """The reader has what was written: nobody wins by not doing it."""
        self.writer.__exit__()
        found, errors = self.peer.entries(self.stores[1])
        read = collections.Counter(
            (entry["feed"], entry["movement"]) for entry in found)
        if read != self.written:
            raise Failed(f"the reader lacks {(self.written - read).total()}, "
                         f"has {(read - self.written).total()} too many; "
                         f"{errors}")


def bulk(peer, folder, movements):
    with Pair(peer, folder, 1) as pair:
        pair.append(0, movements)
        counts, said = pair.pull()
        pair.check()
    return {**figures_of(counts, len(movements)),
            "movements_a_second": len(movements) / said["seconds"],
            "seconds": said["seconds"], "receiver_kib": said["rss_kib"]}


def feeds(peer, folder, movements, sizes):
    """The cases in which little or nothing is new."""
    rest = iter(movements)

    def some(count):
        return [next(rest) for _ in range(count)]

    figures = {}
    with Pair(peer, folder, sizes.feeds) as pair:
        for feed in range(sizes.feeds):
            pair.append(feed, some(sizes.history))
        pair.pull()
        figures["in_sync"] = figures_of(pair.pull()[0])
        if peer.about()["live"]:
            figures["urgent"] = figures_of(pair.news(1, *some(1)), 1)
            pair.pull()
        else:
            pair.append(1, some(1))
            figures["urgent"] = figures_of(pair.pull()[0], 1)
        pair.append(2, some(NEW))
        figures["one_feed"] = figures_of(pair.pull()[0], NEW)
        for feed in range(sizes.feeds):
            pair.append(feed, some(NEW))
        figures["all_feeds"] = figures_of(pair.pull()[0], NEW * sizes.feeds)
        pair.check()
    return figures


def needed_by_feeds(sizes):
    return sizes.feeds * (sizes.history + NEW) + NEW + 1


def needed(sizes):
    """Movements for all of it."""
    return max(sizes.bulk, needed_by_feeds(sizes))


def measure(peer, folder, movements, sizes):
    figures = {"bulk": bulk(peer, os.path.join(folder, "bulk"),
                            movements[:sizes.bulk])}
    # From the end: the year begins with receipts that are all alike.
    figures.update(feeds(peer, os.path.join(folder, "feeds"),
                         movements[-needed_by_feeds(sizes):], sizes))
    return figures
