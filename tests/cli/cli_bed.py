"""What the tests of the command line stand on: a box that `depot init` made,
with a daemon and its broker or without, and a way to run `depot` on it."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../e2e"))

import depot_harness as h  # noqa: E402  (found by the line above)

PROGRAM = os.path.join(h.BUILD, "gateway/depot")

ITEMS = """item,name_en,name_zh,unit,tracking
MUG,White mug,白色马克杯,each,none
TEA,Green tea,绿茶,each,lot
LAMP,Desk lamp,台灯,each,none
SET,Tea set,茶具,each,none
"""
CODES = """code,item,pack
4006381333931,MUG,1
14006381333938,MUG,12
09521234567899,TEA,1
"""
BINS = "bin,zone\nA-01,front\nA-02,front\nB-01,back\n"


class Result:
    """How one run of `depot` ended, and what it said."""

    def __init__(self, arguments, done):
        self.arguments = arguments
        self.exit = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()

    def documents(self):
        """Every line of stdout is a document, and there is nothing else."""
        return [json.loads(line) for line in self.out.splitlines()]

    def __str__(self):
        return (f"depot {' '.join(self.arguments)}: exit {self.exit}\n"
                f"{self.out}{self.err}")


class Depot:
    """`depot` on one configuration."""

    def __init__(self, config):
        self.config = config

    def run(self, *arguments, text=None, environment=None):
        """Runs it; @text is its standard input."""
        env = {key: value for key, value in os.environ.items()
               if not key.startswith(("LC_", "LANG", "SUDO_"))}
        env["LC_ALL"] = "C.UTF-8"
        env.update(environment or {})
        arguments = list(map(str, arguments))
        options = [] if self.config is None else ["--config", self.config]
        done = subprocess.run([PROGRAM, *options, *arguments],
                              input=(text or "").encode()
                              if not isinstance(text, bytes) else text,
                              capture_output=True, check=False, env=env,
                              timeout=h.LIMIT)
        return Result(arguments, done)

    def text(self, *arguments, exit=0, **more):
        """Its words, when it must end with @exit."""
        result = self.run(*arguments, **more)
        if result.exit != exit:
            raise AssertionError(f"expected exit {exit}: {result}")
        return result.out if exit in (0, 3) else result.err

    def json(self, *arguments, exit=0, **more):
        """Its one document."""
        result = self.run(*arguments, "--json", **more)
        if result.exit != exit:
            raise AssertionError(f"expected exit {exit}: {result}")
        documents = result.documents()
        h.same(len(documents), 1, f"documents of {result}")
        return documents[0]

    def error(self, code, *arguments, exit, **more):
        """It must fail with @code; in words of both languages, too."""
        document = self.json(*arguments, exit=exit, **more)
        h.same(document["error"]["code"], code, f"code of {arguments}")
        for lang in ("en", "zh"):
            words = self.run(*arguments, "--lang", lang, **more)
            h.same(words.exit, exit, f"exit of {words}")
            h.same(words.out, "", f"stdout of {words}")
            if not re.search(r"(?m)^depot: \S", words.err):
                raise AssertionError(f"no sentence: {words}")
        return document


class Bench:
    """A box of its own. With a daemon it has its own broker, too."""

    def __init__(self, scratch, with_daemon):
        self.scratch = scratch
        self.box = None
        self.port = h.port_free()
        directives = {"broker__mode": "managed", "broker__uri": "",
                      "broker__start": "child", "broker__port": self.port,
                      "broker__anonymous": "yes"}
        if with_daemon:
            h.need("mosquitto")
        self.box = h.Box(scratch, 0, seeding=None, **directives)
        self.depot = Depot(self.box.config)
        self.depot.text("init", "--yes", "--account", "boss")
        if with_daemon:
            self.box.start()
        self.with_daemon = with_daemon

    def fill(self):
        """Items, codes, bins, two scanners."""
        for what, table in (("item", ITEMS), ("code", CODES), ("bin", BINS)):
            self.depot.text(what, "import", "-", text=table)
        for device in ("dock-1", "gun-2"):
            self.depot.text("device", "add", device, "--kind", "scanner")
        return self

    def stock(self, item="MUG", count=24, place="A-01"):
        self.depot.text("book", "receive", item, "--qty", count, "--bin",
                        place, *(("--lot", "L1") if item == "TEA" else ()))

    def end(self):
        """Every story ends with nothing unexplained."""
        if self.with_daemon:
            self.box.stop()
        audit = self.depot.json("audit")
        h.same((audit["verdict"], audit["unexplained"], audit["findings"]),
               ("clean", 0, 0), "audit")


def story(function):
    """Registers a test twice: straight on the store, and through a daemon."""
    def make(with_daemon, suffix):
        def told(scratch):
            bench = Bench(scratch, with_daemon)
            function(bench, bench.depot)
            bench.end()
        told.__name__ = function.__name__ + suffix
        told.__doc__ = function.__doc__
        h.test(told)
    make(False, "_without_a_daemon")
    make(True, "_with_a_daemon")
    return function
