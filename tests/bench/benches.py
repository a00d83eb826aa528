"""The benches themselves: each measures, and returns {figure: value}.

They share a Bench: a build, a folder on a real disk, and a large store that is
made once.
"""

import contextlib
import csv
import json
import lzma
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))

MIB = 1 << 20

# How much of everything; the second is for a test that it works at all.
SIZES = {
    "rounds": (7, 1), "readings": (40000, 400), "idle": (500, 20),
    "journal_rounds": (5, 1), "movements": (60000, 600),
    "items": (100000, 2500), "large": (1000000, 3000), "map_mib": (1024, 64),
    "starts": (3, 1), "wire": (90000, 300),
    "weeks": (14, 1),
    "slice_1": (3000, 30), "slice_32": (30000, 96), "slice_256": (90000, 512),
}


class Skip(Exception):
    """This machine lacks what the bench needs."""


class Bench:
    def __init__(self, build, work, is_tiny):
        os.environ["DEPOT_BUILD"] = build
        import depot_harness  # reads DEPOT_BUILD
        self.harness = depot_harness
        self.build = build
        self.work = work
        self.is_tiny = is_tiny
        self.scratch = None
        self.large_path = None

    def size(self, name):
        return SIZES[name][self.is_tiny]

    def program(self, name, *arguments):
        """Runs a bench program; returns what it printed."""
        done = subprocess.run(
            [os.path.join(self.build, "tests/bench", name),
             *map(str, arguments)], capture_output=True, text=True,
            check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{name} {' '.join(map(str, arguments))}: "
                               f"{done.stderr.strip()}")
        return done.stdout

    def measure(self, name, *arguments):
        return json.loads(self.program(name, *arguments))

    def folder(self, parent=None):
        return tempfile.mkdtemp(prefix="depot-bench-", dir=parent or self.work)

    # -- stores and boxes --

    def found(self, path, lines, map_mib):
        seed = os.path.join(self.folder(), "seed.tsv")
        with open(seed, "w", encoding="utf-8") as file:
            file.write("site\tacme\thz-01\naccount\tboss\t2\n" + lines)
        self.harness.tool("init", path, seed, str(map_mib))
        return path

    def store(self, items, bins, map_mib):
        return self.found(os.path.join(self.folder(), "store"),
                          self.program("bench_store", "list", items, bins),
                          map_mib)

    def large(self):
        """The path of a store with many items and movements."""
        if self.large_path is None:
            items = self.size("items")
            path = self.store(items, 1000, self.size("map_mib"))
            self.program("bench_store", "fill", path, self.size("large"),
                         items, 1000)
            self.large_path = path
        return self.large_path

    def box(self, path, broker):
        """depotd on the store at @path; not started. The intake ring lies
        where it lies in service: in memory."""
        runtime = self.scratch.enter_context(tempfile.TemporaryDirectory(
            prefix="depot-bench-", dir="/dev/shm"))
        return self.harness.Box(self.scratch, broker.port, seeding=None,
                                store=path, runtime=runtime,
                                map_mib=self.size("map_mib"))


def median(rows, key):
    return statistics.median(key(row) for row in rows)


# ---- intake ----

# What the senders may have under way: (senders, readings of each that the
# broker has not PUBACKed, readings of each without the taker's answer).
STREAM = (1, 100, 100000)
FLOOD = (4, 1000, 1000)


def intake_rounds(bench, broker, box, load):
    return bench.measure("bench_intake", "rate", broker.port,
                         bench.size("rounds"), bench.size("readings"), *load,
                         broker.program.pid, box.program.pid)["rounds"]


def intake_figures(rounds, name):
    return {
        f"{name}ratio": median(
            rounds, lambda one: one["box"]["rate"] / one["null"]["rate"]),
        f"{name}box_rate": median(rounds, lambda one: one["box"]["rate"]),
        f"{name}null_rate": median(rounds, lambda one: one["null"]["rate"]),
    }


def intake(bench):
    broker = bench.harness.Broker(bench.scratch).start()
    box = bench.box(bench.store(2000, 200, bench.size("map_mib")),
                    broker).start()
    stream = intake_rounds(bench, broker, box, STREAM)
    flood = intake_rounds(bench, broker, box, FLOOD)
    idle = bench.measure("bench_intake", "idle", broker.port,
                         bench.size("idle"))
    box.audit(found=0)
    figures = {**intake_figures(stream, "intake."),
               **intake_figures(flood, "intake.flood_"),
               "intake.idle_p50": idle["p50_ms"],
               "intake.idle_p99": idle["p99_ms"]}
    for side in ("box", "null"):
        for who, key in (("broker", "broker_us"), ("self", "taker_us"),
                         ("guns", "guns_us")):
            figures[f"intake.{side}_cpu_{who}"] = median(
                stream, lambda one, side=side, key=key: one[side][key])
    return figures


# ---- journal ----

def journal(bench):
    figures = {}
    for where, parent in (("disk", None), ("memory", "/dev/shm")):
        with tempfile.TemporaryDirectory(prefix="depot-bench-",
                                         dir=parent or bench.work) as folder:
            result = bench.measure("bench_journal", folder,
                                   bench.size("journal_rounds"),
                                   bench.size("movements"), 256)
        rounds = result["rounds"]
        for other in ("raw", "sqlite"):
            figures[f"journal.{where}_{other}_ratio"] = median(
                rounds, lambda one, other=other: one["ledger"] / one[other])
        for who in ("ledger", "raw", "sqlite"):
            figures[f"journal.{where}_{who}_rate"] = median(
                rounds, lambda one, who=who: one[who])
    return figures


# ---- bytes ----

def retail_lines(limit):
    """(invoice, sku, quantity) of goods sold, in the order of the year."""
    path = os.path.join(os.environ.get(
        "DEPOT_DATA", os.path.join(HERE, "../../../shared/data")),
        "uci-online-retail.csv.xz")
    if not os.path.exists(path):
        raise Skip(f"there is no {path}")
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            quantity = int(row["quantity"])
            if quantity > 0 and row["sku"][:5].isdigit():
                yield row["invoice"], row["sku"], quantity
                limit -= 1
                if limit == 0:
                    return


class Retail:
    """A slice of the retail year as readings of one scanner: the opening
    receipts, then each order's picks and its shipment, line by line."""

    def __init__(self, readings):
        self.seq = 0
        self.lines = list(retail_lines(readings // 2))
        self.units = {}
        for _, sku, quantity in self.lines:
            self.units[sku] = self.units.get(sku, 0) + quantity
        self.bins = {sku: f"A-{number % 400:04}"
                     for number, sku in enumerate(sorted(self.units))}

    def seeding(self):
        return ("device\tgun-1\t1\t\n"
                + "".join(f"bin\tA-{number:04}\n" for number in range(400))
                + "".join(f"item\t{sku}\t0\n" for sku in self.bins))

    def payload(self, **fields):
        self.seq += 1
        return json.dumps({"v": 1, "boot": "b1", "seq": self.seq, **fields},
                          separators=(",", ":")) + "\n"

    def opening(self):
        for sku, units in self.units.items():
            yield self.payload(op="receive", code=sku, bin=self.bins[sku],
                               qty=-units // 12 * -12)

    def order(self, lines):
        for op in ("pick", "ship"):
            for invoice, sku, quantity in lines:
                fields = {"op": op, "code": sku, "qty": quantity,
                          "ref": f"SO-{invoice}"}
                if op == "pick":
                    fields["bin"] = self.bins[sku]
                yield self.payload(**fields)

    def sales(self):
        lines = []
        for line in self.lines:
            if lines and lines[-1][0] != line[0]:
                yield from self.order(lines)
                lines = []
            lines.append(line)
        yield from self.order(lines)


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skip(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


@contextlib.contextmanager
def loop_disk(bench):
    """An ext4 of its own on a block device of its own: (folder, its stat)."""
    if os.geteuid() != 0:
        raise Skip("a loop device needs root")
    image = os.path.join(bench.folder(), "disk")
    folder = bench.folder()
    with open(image, "wb") as file:
        os.posix_fallocate(file.fileno(), 0,
                           (bench.size("map_mib") + 256) * MIB)
    with contextlib.ExitStack() as stack:
        device = command("losetup", "--find", "--show", image)
        stack.callback(command, "losetup", "--detach", device)
        command("mkfs.ext4", "-q", "-E",
                "lazy_itable_init=0,lazy_journal_init=0", device)
        command("mount", device, folder)
        stack.callback(command, "umount", folder)
        yield folder, f"/sys/block/{os.path.basename(device)}/stat"


def written(stat):
    """Bytes written to the device so far, what was buffered included."""
    os.sync()
    with open(stat, encoding="ascii") as file:
        return int(file.read().split()[6]) * 512


def payloads_write(bench, payloads, limit=None):
    path = os.path.join(bench.folder(), "payloads")
    with open(path, "w", encoding="utf-8") as file:
        for number, payload in enumerate(payloads):
            file.write(payload)
            if number + 1 == limit:
                break
    return path


def device_bytes(bench):
    # A commit's readings, and the entries that wait until they are sealed.
    plans = [(256, ()), (32, ()), (1, ()), (256, (768,)), (32, (768,))]
    retail = Retail(sum(bench.size(f"slice_{one}") for one, _ in plans))
    figures = {}
    with loop_disk(bench) as (folder, stat):
        path = bench.found(os.path.join(folder, "store"), retail.seeding(),
                           bench.size("map_mib"))
        bench.measure("bench_store", "steps", path,
                      payloads_write(bench, retail.opening()), 256)
        sales = retail.sales()
        for batch, rows in plans:
            payloads = payloads_write(bench, sales,
                                      bench.size(f"slice_{batch}"))
            before = written(stat)
            result = bench.measure("bench_store", "steps", path, payloads,
                                   batch, *rows)
            if result["acks_with_exceptions"] > 0:
                raise RuntimeError("a reading was not booked")
            name = "sealed" if rows else "batch"
            figures[f"bytes.{name}_{batch}"] = (
                (written(stat) - before) / result["movements"] / 1024)
    return figures


# ---- a large store ----

def rollup(pid):
    """(resident without the store's own file, anonymous and shared), MiB."""
    total = lmdb = own = 0
    name = ""
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if "-" in words[0] and not words[0].endswith(":"):
                name = words[5] if len(words) > 5 else ""
            elif words[0] == "Rss:":
                total += int(words[1])
                if name.endswith("/data.mdb"):
                    lmdb += int(words[1])
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(("RssAnon:", "RssShmem:")):
                own += int(line.split()[1])
    return (total - lmdb) / 1024, own / 1024


def memory(bench):
    broker = bench.harness.Broker(bench.scratch).start()
    box = bench.box(bench.large(), broker).start()
    figures = {"memory.start": rollup(box.program.pid)[0]}
    bench.measure("bench_intake", "rate", broker.port, 1,
                  bench.size("readings"), *FLOOD, broker.program.pid,
                  box.program.pid)
    figures["memory.rss"], figures["memory.own"] = rollup(box.program.pid)
    box.stop()
    return figures


def file_forget(path):
    """The pages of @path leave the page cache."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def first_scan(bench, box, gun):
    """Seconds from exec to the acknowledgement of a scan that waits."""
    seq = gun.scan(op="receive", code="SKU-000001", qty=1, bin="A-0001")
    gun.wait(lambda: seq in gun.taken, "the broker's PUBACK")
    began = time.monotonic()
    box.spawn()
    gun.wait(lambda: gun.is_acked(seq), "the first acknowledgement")
    seconds = time.monotonic() - began
    if gun.excepted:
        raise RuntimeError(f"not booked: {gun.excepted}")
    box.stop()
    return seconds


def start(bench):
    broker = bench.harness.Broker(bench.scratch).start()
    box = bench.box(bench.large(), broker)
    box.start()  # a first life, so that the broker knows its session
    box.stop()
    gun = bench.harness.Device(bench.scratch, broker, "gun-1",
                               boot=f"s{time.time_ns()}")
    warm, cold = [], []
    for _ in range(bench.size("starts")):
        file_forget(os.path.join(box.store, "data.mdb"))
        cold.append(first_scan(bench, box, gun))
        warm.append(first_scan(bench, box, gun))
    return {"start.first_scan": statistics.median(cold),
            "start.first_scan_warm": statistics.median(warm)}


def audit(bench):
    results = [bench.measure("bench_store", "audit", bench.large())
               for _ in range(bench.size("starts"))]
    if not all(result["clean"] for result in results):
        raise RuntimeError("the audit found something")
    return {"audit.seconds": median(results, lambda one: one["seconds"])}


def feed(bench):
    """A peer's feed: verified, applied, committed. The first in memory, where a
    commit waits for no disk."""
    figures = {}
    with tempfile.TemporaryDirectory(prefix="depot-bench-",
                                     dir="/dev/shm") as memory:
        for name, folder in (("memory", memory), ("disk", bench.folder())):
            result = bench.measure(
                "bench_feed", os.path.join(memory, name + "-author"),
                os.path.join(folder, "taker"), bench.size("weeks"), 50)
            figures[f"feed.{name}_rate"] = result["rate"]
            figures["feed.audit_seconds"] = result["audit_seconds"]
            figures["feed.own"] = result["anonymous_kib"] / 1024
    return figures


def anonymous_peak(running):
    """The most anonymous memory of a program until its end, in MiB."""
    most = 0
    while running.poll() is None:
        with contextlib.suppress(OSError):
            with open(f"/proc/{running.pid}/status", encoding="ascii") as file:
                for line in file:
                    if line.startswith(("RssAnon:", "RssShmem:")):
                        most = max(most, int(line.split()[1]))
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(0.005)
    return most / 1024


def depot(bench, name, *words):
    """The command line on a box of that name, under way."""
    return subprocess.Popen(
        [os.path.join(bench.build, "gateway/depot"), "--config",
         bench.scratch.file(name + ".conf"), "--json", *words],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def done(running):
    said = running.communicate()[0]
    if running.returncode != 0:
        raise RuntimeError(f"{running.args}: {said.decode()}")
    return json.loads(said)


def join(bench):
    """A bare box joins by one file, with all items of HQ's and a code for
    each; HQ and box on a real disk."""
    items = bench.size("items")
    folder = bench.folder()
    room = ("--map-size", f"{bench.size('map_mib')} MiB")
    done(depot(bench, "hq", "init", "--yes", "--org", "acme", "--site", "hq",
               "--path", os.path.join(folder, "hq"), *room, "--timezone",
               "UTC", "--account", "boss", "--write-config"))
    done(depot(bench, "hq", "hq", "init", "--keep-root-here"))
    for what, table in (
            ("item", "item,name_en,name_zh\n" + "".join(
                f"SKU-{one:06},thing number {one},物品 {one}\n"
                for one in range(items))),
            ("code", "code,item\n" + "".join(
                f"LBL{one * 7919 % 1000003:07},SKU-{one:06}\n"
                for one in range(items)))):
        done(depot(bench, "hq", what, "import",
                   bench.scratch.write(what + ".csv", table)))
    path = os.path.join(folder, "hz-07.join")
    began = time.monotonic()
    done(depot(bench, "hq", "hq", "invite", "--site", "hz-07", "--bundle",
               path))
    made = time.monotonic()
    running = depot(bench, "hz-07", "join", path, "--ask",
                    os.path.join(folder, "ask.txt"), "--path",
                    os.path.join(folder, "hz-07"), *room)
    own = anonymous_peak(running)
    said = done(running)
    ended = time.monotonic()
    rows = sum(feed["rows"] for feed in said["carried"]["feeds"])
    if rows < 2 * items:
        raise RuntimeError(f"{rows} rows came")
    return {"join.file_seconds": made - began,
            "join.seconds": ended - made,
            "join.file_size": os.path.getsize(path) / MIB,
            "join.own": own}


def delta(bench):
    """What a journal costs on the wire, and how fast it is written, packed,
    checked and read: a made-up week, and a slice of the retail year."""
    retail = Retail(bench.size("wire"))
    path = bench.found(os.path.join(bench.folder(), "store"),
                       retail.seeding(), bench.size("map_mib"))
    for payloads in (retail.opening(), retail.sales()):
        bench.measure("bench_store", "steps", path,
                      payloads_write(bench, payloads), 256)
    figures = {}
    for name, source in (("week", "week"), ("retail", path)):
        for rows in (64, 128):
            result = bench.measure("bench_delta", source, rows)
            figures[f"delta.{name}_{rows}"] = result["wire_bytes"]
        figures[f"delta.{name}_urgent"] = result["urgent_bytes"]
    for rate in ("rows_write", "rows_read", "rows_pack", "rows_unpack",
                 "rows_hash", "deltas_sign", "deltas_verify"):
        figures[f"delta.{rate}"] = result[rate]
    return figures


BENCHES = {"intake": intake, "journal": journal, "bytes": device_bytes,
           "memory": memory, "start": start, "audit": audit,
           "feed": feed, "join": join, "delta": delta}
