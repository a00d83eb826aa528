"""A peer's program as the bench uses it: JSON lines in, JSON lines out
(docs/performance.md, "Beside other programs"), and never left running."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading

END_LIMIT = 60  # seconds to put things away


class Failed(Exception):
    """The program did not keep the contract, or this step took too long."""


class Program:
    """One run of a peer's program. Used as a context: it is over after."""

    def __init__(self, command, *words):
        self.words = [*command, *map(str, words)]
        self.report = {}  # its last line
        self._lines = queue.SimpleQueue()
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(
            self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, start_new_session=True)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            # Its own session: what it started goes with it.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def read(self, limit):
        """The next line; None if none comes within @limit seconds."""
        try:
            line = self._lines.get(timeout=limit)
        except queue.Empty:
            return None
        if line is None:
            self._lines.put(None)  # for who asks again
            raise Failed(f"{' '.join(self.words)[:200]} ended early")
        answer = json.loads(line)
        if answer.get("end"):
            self.report = answer
        return answer

    def ask(self, limit, **command):
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = self.read(limit)
        if answer is None:
            raise Failed(f"{command}: no answer in {limit} s")
        return answer

    def finish(self, limit=END_LIMIT):
        """Ends its input and takes its last line: what it noticed. One that
        does not end has noticed nothing."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        with contextlib.suppress(Failed):
            while not self.report and self.read(limit) is not None:
                pass
        return {"errors": [], "forks": [], "told": [], **self.report}


class Peer:
    """A program to be measured, by its command line."""

    def __init__(self, name, command):
        self.name = name
        self.command = command

    def about(self):
        with Program(self.command, "about") as program:
            return program.read(END_LIMIT)

    def entries(self, store, limit=600):
        """([{feed, movement, hidden}], errors) of all that is in @store."""
        found = []
        with Program(self.command, "dump", store) as program:
            while not program.report:
                answer = program.read(limit)
                if answer is None:
                    return found, ["dump does not end"]
                if "movement" in answer:
                    found.append(answer)
            return found, program.report["errors"]


class Writer:
    """A store being served; appends to it."""

    def __init__(self, peer, store, feeds, scratch):
        self.scratch = scratch
        self.program = Program(peer.command, "serve", store, feeds)

    def __enter__(self):
        self.program.__enter__()
        ready = self.program.read(END_LIMIT)
        if ready is None or "port" not in ready:
            self.program.__exit__()
            raise Failed(f"serve: {ready}")
        self.port = ready["port"]
        self.invitation = ready["invitation"]
        return self

    def __exit__(self, *reason):
        self.program.finish()
        self.program.__exit__(*reason)

    def append(self, feed, movements, limit=600):
        """How many it took."""
        path = os.path.join(self.scratch, "append")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in movements)
        return self.program.ask(limit, feed=feed, file=path)["appended"]
