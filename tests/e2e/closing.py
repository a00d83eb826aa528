#!/usr/bin/python3
"""A temporary warehouse, from its invitation to the box that is handed back.

Method: HQ and two sites as in sites.py. The temporary one is stocked, works,
hands some over by a transfer, writes the rest off, and closes: nothing is booked
there any more, its feed ends with a SEAL at every box, the network's audit is
clean and no unit is unaccounted for. It is wiped only when HQ has signed for the
SEAL, over a link and by stick. 100 markers that people and devices left on the
box, and those of its transfer and its links, are looked for afterwards in every
file of what had been its folder; those of a box of no network also, where this
machine can mount an image, in the raw blocks of its file system.
"""

import json
import os
import subprocess

import depot_harness as h
import sites as s
import usb

h.TESTS.clear()  # those of the files above

OURS = (5, 1, "0" * 16)
MARKS = [f"MARK{number:03}QZ" for number in range(100)]
LOTS = 10  # that are planted, of one unit each
# What only a box of a network has.
CARRIER, REASON, PASSWORD, KEY = FAR_MARKS = [
    f"MARK{number:03}QZ" for number in range(100, 104)]


def try_depot(site, *arguments):
    done = subprocess.run(
        [s.DEPOT, "--config", site.config, "--json", *arguments],
        capture_output=True, text=True, check=False)
    if not done.stdout:
        raise AssertionError(f"depot {arguments}: {done.returncode} "
                             f"{done.stderr}")
    return done.returncode, h.decode(done.stdout.splitlines()[-1])


def refuses(site, code, *arguments):
    _, told = try_depot(site, *arguments)
    h.same(told.get("error", {}).get("code"), code, str(arguments))


def empties(temporary, mother):
    """What is left goes to another site, and the last of it is scrapped."""
    name = temporary.depot("transfer", "create", "--to", "4", "--carrier",
                           CARRIER, "--reason", REASON)["transfer"]
    temporary.depot("book", "transfer_out", "TEA", "--qty", "15", "--bin",
                    "A-01", "--ref", name)
    temporary.depot("transfer", "ship", name)
    h.until("the packing list", lambda: mother.depot(
        "transfer", "list")["transfers"])
    return name


@h.test
def a_temporary_warehouse_opens_works_closes_and_is_wiped(scratch):
    folder = scratch.file("box")
    os.mkdir(folder)
    _, sites = s.begin(scratch, store=os.path.join(folder, "store"),
                       runtime=os.path.join(folder, "run"))
    hq, mother, temporary = sites
    s.scan(scratch, temporary, 10, "b1")  # 20 units
    plant(scratch, temporary)
    plant_far(temporary)
    name = empties(temporary, mother)
    temporary.depot("task", "add", "A-01")

    code, told = try_depot(temporary, "close", "--dry-run")
    h.same((code, told["stock"], told["units"], told["tasks"],
            told["under_way"], told["sealed"]),
           (3, 1 + LOTS, 5 + LOTS, 1, 1, False), "in the way")
    refuses(temporary, "not_empty", "close", "--yes")
    h.same(temporary.depot("stock", "TEA")["on_hand"], 5 + LOTS,
           "nothing was done")

    told = temporary.depot("close", "--yes", "--write-off", "end of season")
    h.same((told["closing"], told["sealed"], told["units"]), (True, True, 0),
           "closed")
    assert temporary.status()["closed_at"], "the status says so"
    # The box is read as before, and takes nothing.
    h.same(temporary.depot("stock", "--bin", "A-01")["items"], [], "stock")
    gun = h.Device(scratch, temporary.broker, "gun", boot="b2",
                   prefix=f"depot/v1/{h.ORG}/{temporary.site}")
    seq = gun.scan(op="receive", code="TEA", qty=1, bin="A-01")
    gun.wait(lambda: any(
        "site_closed" in json.dumps(message.json())
        for message in gun.messages), "the refusal")
    gun.close()
    assert seq is not None
    refuses(temporary, "site_closed", "book", "receive", "TEA", "--bin",
            "A-01")
    refuses(temporary, "site_closed", "item", "set", "NEW")

    # Everybody hears of it, and HQ signs that it has it.
    for site in sites:
        h.until(f"the seal at {site.site}",
             lambda site=site: site.feeds().get(OURS, ("",))[0] == "sealed")
    h.until("HQ's word", lambda: temporary.depot(
        "close", "--dry-run")["covered"])
    h.same([site["state"] for site in hq.depot("hq", "sites")["sites"]
            if site["site"] == 5], ["sealed"], "hq sites")
    # What was handed over is received behind its back.
    mother.depot("book", "transfer_in", "TEA", "--qty", "15", "--ref", name)
    mother.depot("transfer", "close", name)
    h.until("the transfer's end", lambda: all(
        one["closed"] for one in hq.depot(
            "transfer", "list", "--all")["transfers"]))
    for site in sites:
        usb.is_clean_at(site)

    the_last_word_is_compared(hq, temporary)
    refuses(temporary, "again", "wipe", "--yes")
    temporary.stop()
    h.same(sorted(found_under(folder)), MARKS + FAR_MARKS,
           "markers on the box that is closed")
    told = temporary.depot("wipe", "--yes")
    h.same(told["entries"], told["covered"], "nothing was lost")
    temporary.is_spoiled = True
    gone(temporary)
    h.same(found_under(folder), {}, "markers in files")
    h.same(sorted(os.listdir(folder)), ["run"], "what is left")
    refuses(temporary, "not_commissioned", "stock")
    for site in (hq, mother):
        usb.is_clean_at(site)


def the_last_word_is_compared(hq, temporary):
    """What HQ has of the site is wrong in one balance: it writes nothing off by
    that, and the audit names it. Made anew, it is what the site signed."""
    hq.stop()
    s.network("lie", hq.store, "5")
    refuses(hq, "seal_differs", "hq", "close", temporary.site, "--yes")
    code, told = try_depot(hq, "audit", "--network")
    h.same((code, sorted({one["kind"] for one in told["list"]})),
           (3, ["balance", "seal", "sum"]), "what the audit finds")
    hq.depot("rebuild", "--yes")
    hq.start()
    told = hq.depot("hq", "close", temporary.site, "--yes")
    h.same((told["seal"], told["written_off"], told["transfers"]),
           ("agrees", 0, []), "HQ's last word")


def gone(site):
    for end in ("", "-keys", "-guard", "-wiping"):
        h.same(os.path.exists(site.store + end), False, site.store + end)
    h.same(os.listdir(site.runtime) if os.path.isdir(site.runtime) else [],
           [], "the runtime's folder")


@h.test
def a_box_is_not_wiped_before_hq_has_signed_unless_the_loss_is_named(scratch):
    hq, one, other = usb.begin(scratch)
    usb.carry(scratch, hq, one)
    s.scan(scratch, one, 3, "b1")
    h.same(one.depot("close", "--yes", "--write-off", "moved out")["sealed"],
           True, "sealed at once: there is no link to listen to")
    entries = one.head()["pos"]
    one.stop()
    code, told = try_depot(one, "wipe", "--yes")
    h.same((code, told["error"]["code"]), (6, "not_covered"), "not yet")
    assert str(entries) in told["error"]["text_en"], told
    refuses(one, "not_covered", "wipe", "--yes", "--lose", str(entries - 1))
    # By stick: there and back.
    usb.carry(scratch, one, hq)
    refuses(one, "not_covered", "wipe", "--yes")
    usb.carry(scratch, hq, one)
    h.same(try_depot(one, "close", "--dry-run")[1]["covered"], True, "HQ's word")
    one.depot("wipe", "--yes")
    one.is_spoiled = True
    gone(one)
    usb.is_clean_at(hq)
    # The other never tells anybody: its loss is named.
    s.scan(scratch, other, 3, "b1")
    other.stop()
    lost = other.head()["pos"]
    # What a wipe of the box before left behind, which was cut short, means
    # nothing to this one.
    fill = os.path.join(os.path.dirname(other.store), ".depot-wipe")
    for path in (other.store + "-wiping", fill):
        with open(path, "wb"):
            pass
    refuses(other, "not_covered", "wipe", "--yes")
    said = subprocess.run([s.DEPOT, "--config", other.config, "wipe",
                           "--lose", str(lost)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    assert said.returncode == 2 and "is not closed" in said.stderr, said
    told = other.depot("wipe", "--yes", "--lose", str(lost))
    h.same((told["entries"], told["covered"]), (lost, 0), "lost")
    h.same(os.path.exists(fill), False, "the file that filled the disk")
    other.is_spoiled = True
    gone(other)


@h.test
def a_box_that_was_closed_stays_closed_over_a_restart(scratch):
    hq, one, _ = usb.begin(scratch)
    usb.carry(scratch, hq, one)
    one.depot("close", "--yes", "--write-off", "x")
    before = one.head()["pos"]
    one.kill()
    one.start()
    refuses(one, "site_closed", "bin", "set", "B-02")
    h.same(one.depot("close")["sealed"], True, "again")
    one.stop()
    refuses(one, "site_closed", "bin", "set", "B-02")
    h.same(one.head()["pos"], before, "nothing was written")


@h.test
def hq_closes_a_site_that_is_dead_and_its_stock_is_written_off(scratch):
    """What HQ held of it stands and counts as lost; what the box says later is
    refused; nothing is unexplained."""
    hq, dead, other = usb.begin(scratch)
    for site in (dead, other):
        usb.carry(scratch, hq, site)
        s.scan(scratch, site, 10, "b1")  # 20 units
        usb.carry(scratch, site, hq)
    name = dead.depot("transfer", "create", "--to", "5")["transfer"]
    dead.depot("book", "transfer_out", "TEA", "--qty", "6", "--bin", "A-01",
               "--ref", name)
    usb.carry(scratch, dead, hq)
    watcher = h.Client(scratch, hq.broker, "watcher",
                       subscribe=(f"depot/v1/{h.ORG}/network/stock/TEA",))

    def on_hand():
        last = watcher.last(f"depot/v1/{h.ORG}/network/stock/TEA")
        return None if last is None else last.json()["on_hand"]

    watcher.wait(lambda: on_hand() == 34, "both sites' stock")
    refuses(hq, "unknown_site", "hq", "close", "nobody", "--yes")
    told = hq.depot("hq", "close", dead.site, "--yes", "--reason", "burnt")
    h.same((told["verdict"], told["written_off"], told["transfers"]),
           ("closed", 14, [name]), "closed by HQ")
    watcher.wait(lambda: on_hand() == 20, "the other's stock alone")
    watcher.close()
    hq.depot("hq", "write-off", name, "--yes", "--reason", "burnt")
    states = {site["name"]: site["state"]
              for site in hq.depot("hq", "sites")["sites"]}
    h.same(states[dead.site], "closed", "hq sites")
    told = audit(hq)
    h.same((told["written_off"], told["under_way"]), (14, 0), "residual")
    # It lives after all, and nobody counts what it says.
    s.scan(scratch, dead, 3, "b2")
    stick = scratch.file("late.bundle")
    dead.depot("export", stick, "--since", "hq")
    code, told = try_depot(hq, "import", stick)
    h.same((code, told["refused"][0]["reason"]), (3, "fenced"), "late")
    h.same(audit(hq)["written_off"], 14, "as before")
    # All others come to the same.
    usb.carry(scratch, hq, other)
    h.same(audit(other)["written_off"], 14, "at the other site")


def audit(site):
    code, told = try_depot(site, "audit", "--network")
    h.same((code, told["unexplained"], told["findings"]), (0, 0, 0),
           f"audit at {site.site}")
    return told


# ---- what is left on the medium ----

def plant(scratch, site):
    """100 markers where people and devices leave them."""
    marks = iter(MARKS)
    for _ in range(20):
        mark = next(marks)
        site.depot("item", "set", "SKU-" + mark, "--name-en", next(marks))
        site.depot("code", "set", next(marks), "SKU-" + mark)
    for _ in range(10):
        site.depot("bin", "set", next(marks))
        site.depot("account", "add", "a-" + next(marks).lower(), "--role",
                   "operator")
    gun = h.Device(scratch, site.broker, "gun", boot="b9",
                   prefix=f"depot/v1/{h.ORG}/{site.site}")
    for _ in range(LOTS):
        gun.scan(op="receive", code="TEA", qty=1, bin="A-01",
                 lot=next(marks))
    for _ in range(4):
        gun.scan(op="receive", code=next(marks), qty=1, bin="A-01")
    gun.settle()
    gun.close()
    secret(site, "broker.password_file", ".password", next(marks),
           {"broker.user": "depotd"})
    for mark in marks:
        site.depot("device", "add", "d-" + mark.lower(), "--kind", "scanner")


def secret(site, directive, end, mark, more):
    """A file that the configuration names, with @mark in it; and what else the
    configuration must say beside it."""
    path = site.store + end
    with open(path, "w", encoding="utf-8") as file:
        file.write(mark)
    os.chmod(path, 0o600)
    site.directives.update({**more, directive: path})
    site.write_config()


def plant_far(site):
    """The secrets of its links: of the one that it has, and of one that was to
    come."""
    secret(site, "link far.password_file", ".far", PASSWORD,
           {"link far.user": "us"})
    secret(site, "link spare.key_file", ".key", KEY,
           {"link spare.uri": "ssl://far.example:8883",
            "link spare.cert_file": "/etc/ssl/site.crt"})


def found_in(path):
    with open(path, "rb") as file:
        raw = file.read().lower()
    return [mark for mark in MARKS + FAR_MARKS if mark.lower().encode() in raw]


def found_under(folder):
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if os.path.isfile(path) and not os.path.islink(path):
                for mark in found_in(path):
                    found.setdefault(mark, path)
    return found


class Image:
    """A file system of its own in a file, so that its raw blocks can be read.
    Needs root and a loop device."""

    def __init__(self, scratch, mib):
        self.path = scratch.file("box.img")
        self.folder = scratch.file("box")
        self.is_mounted = False
        os.mkdir(self.folder)
        h.need("mkfs.ext4", "mount", "losetup")
        if os.geteuid() != 0:
            raise h.Skip("mounting an image needs root")
        with open(self.path, "wb") as file:
            file.truncate(mib << 20)
        self.run("mkfs.ext4", "-q", "-F", self.path)
        self.run("mount", "-o", "loop", self.path, self.folder)
        self.is_mounted = True
        scratch.callback(self.end)

    @staticmethod
    def run(*arguments):
        done = subprocess.run(arguments, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise h.Skip(f"{arguments[0]}: {done.stderr.strip()}")

    def end(self):
        if self.is_mounted:
            subprocess.run(("umount", self.folder), check=False)
            self.is_mounted = False


def wiped_of_markers(scratch, folder, *options):
    """A box with its state in @folder: planted, and wiped."""
    box = usb.Apart(scratch, "hz-01", store=os.path.join(folder, "store"),
                    runtime=os.path.join(folder, "run"))
    box.depot("init", "--yes", "--account", "boss")
    box.seed()
    box.start()
    plant(scratch, box)
    box.stop()
    planted = found_under(folder)
    h.same(len(planted), len(MARKS), "markers on the box")
    box.depot("wipe", "--yes", "--lose", str(box.head()["pos"]), *options)
    box.is_spoiled = True
    gone(box)
    h.same(found_under(folder), {}, "markers in files")
    return box


@h.test
def no_marker_is_left_in_any_file(scratch):
    folder = scratch.file("box")
    os.mkdir(folder)
    wiped_of_markers(scratch, folder)
    h.same(sorted(os.listdir(folder)), ["run"], "what is left")


@h.test
def no_marker_is_left_in_the_blocks_of_the_file_system(scratch):
    image = Image(scratch, 256)
    wiped_of_markers(scratch, image.folder)
    image.end()
    left = found_in(image.path)
    print(f"{len(MARKS)} markers planted, {len(left)} in the raw image")
    h.same(left, [], "markers in the raw image")


if __name__ == "__main__":
    h.main()
