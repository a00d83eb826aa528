"""A wire between a link and its far broker: it can be unplugged, and what goes
through it can take its time. For kernels without netem, and for tests that
need neither namespaces nor root."""

import collections
import contextlib
import socket
import threading
import time

import depot_harness as h

BLOCK = 65536


class Pipe:
    """One direction of one connection: what comes is sent on @delay_s later,
    in order."""

    def __init__(self, source, target, delay_s):
        self.source, self.target, self.delay_s = source, target, delay_s
        self.waiting = collections.deque()
        self.changed = threading.Condition()
        for run in (self.read, self.write):
            threading.Thread(target=run, daemon=True).start()

    def read(self):
        block = b"."
        while block:
            block = b""
            with contextlib.suppress(OSError):
                block = self.source.recv(BLOCK)
            with self.changed:
                self.waiting.append((time.monotonic() + self.delay_s, block))
                self.changed.notify()

    def write(self):
        while True:
            with self.changed:
                while not self.waiting:
                    self.changed.wait()
                due, block = self.waiting.popleft()
                while due > time.monotonic():
                    self.changed.wait(due - time.monotonic())
            with contextlib.suppress(OSError):
                if block:
                    self.target.sendall(block)
                    continue
                self.target.shutdown(socket.SHUT_WR)
            return


class Wire:
    """Listens on ->port, and leads to @far_port."""

    def __init__(self, scratch, far_port, delay_s=0):
        self.far_port, self.delay_s = far_port, delay_s
        self.port = h.port_free()
        self.listener = None
        self.ends = []
        self.lock = threading.Lock()
        self.plug()
        scratch.callback(self.unplug)

    def plug(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, args=(self.listener,),
                         daemon=True).start()

    def unplug(self):
        """Every connection breaks, and none is taken."""
        if self.listener is None:
            return
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.listener = None
        with self.lock:
            for end in self.ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            self.ends.clear()

    def accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                try:
                    far = socket.create_connection(
                        ("127.0.0.1", self.far_port))
                except OSError:
                    near.close()
                    continue
                with self.lock:
                    self.ends += [near, far]
                Pipe(near, far, self.delay_s)
                Pipe(far, near, self.delay_s)
