"""A TCP proxy on loopback that counts what passes: the same for every peer,
so that nobody counts for himself."""

import contextlib
import socket
import struct
import threading
import time
from typing import NamedTuple

CHUNK = 1 << 18
# tcpi_segs_out and tcpi_segs_in of Linux's struct tcp_info.
SEGMENTS, SEGMENTS_AT = struct.Struct("=II"), 136
OUT, BACK = 0, 1  # from who connected, and to it


class Counts(NamedTuple):
    """Since the proxy began. A turn is a change of the direction in which
    bytes flow, over all connections: two of them are a round trip."""
    out: int = 0
    back: int = 0
    turns: int = 0
    connections: int = 0

    @property
    def bytes(self):
        return self.out + self.back

    @property
    def round_trips(self):
        return (self.turns + 1) // 2

    def __sub__(self, other):
        return Counts(*(a - b for a, b in zip(self, other)))


class Proxy:
    """Passes on to the port @target of this machine. Its own stays the same
    when the target changes, as a peer's address does when it starts again.
    Used as a context. @keeps: what passes is kept, too."""

    def __init__(self, target=None, keeps=False):
        self.target = target
        self._kept = (bytearray(), bytearray()) if keeps else None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.changed = threading.Condition()
        self._counts = Counts()
        self._flow = BACK  # who connects speaks first, or it is a turn
        self._threads = []
        self._sockets = []

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *_):
        for one in [self.listener, *self._sockets]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join()

    def counts(self):
        with self.changed:
            return self._counts

    def settle(self, quiet=0.5, limit=15):
        """Waits until nothing has passed for @quiet seconds; returns the
        counts. After @limit it is what it is."""
        end = time.monotonic() + limit
        with self.changed:
            while time.monotonic() < end:
                if not self.changed.wait(quiet):
                    break
            return self._counts

    def kept(self):
        """What has passed each way since it was asked last: (out, back)."""
        with self.changed:
            kept = tuple(map(bytes, self._kept))
            for way in self._kept:
                way.clear()
            return kept

    def segments(self):
        """TCP segments, both ways, of all that have connected."""
        with self.changed:
            return sum(sum(SEGMENTS.unpack_from(near.getsockopt(
                socket.IPPROTO_TCP, socket.TCP_INFO, 256), SEGMENTS_AT))
                       for near in self._sockets[::2])

    def _start(self, what, *arguments):
        thread = threading.Thread(target=what, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _count(self, way, chunk):
        size = len(chunk)
        with self.changed:
            if self._kept is not None:
                self._kept[way].extend(chunk)
            out, back, turns, connections = self._counts
            if way != self._flow:
                self._flow = way
                turns += 1
            if way == OUT:
                out += size
            else:
                back += size
            self._counts = Counts(out, back, turns, connections)
            self.changed.notify_all()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:  # closed: the end
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                self._counts = self._counts._replace(
                    connections=self._counts.connections + 1)
                self._sockets += [near, far]
            # A thread for each way: neither waits for the other.
            self._start(self._pass, OUT, near, far)
            self._start(self._pass, BACK, far, near)

    def _pass(self, way, source, sink):
        """Until @source has said its end, or one of them is gone."""
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                self._count(way, chunk)
                sink.sendall(chunk)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
