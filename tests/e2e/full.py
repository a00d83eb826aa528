#!/usr/bin/python3
"""No room: in the store's map, on its disk, for the ring. Readings are refused
with an answer that says so, people are told, and what needs no room goes on.

Method: small stores, and small file systems (tmpfs) that are really full; for
these the test needs root."""

import contextlib
import os
import subprocess

import depot_harness as h

SEEDING = [("device", "gun-1", 1, ""), ("bin", "A-01"), ("item", "MUG", 0),
           ("item", "CUP", 0), ("code", "04006381333931", "MUG", 1)]
STOCK = h.PREFIX + "/stock/MUG"
STATUS = h.PREFIX + "/status"
DEPOT = os.path.join(h.BUILD, "gateway/depot")


@contextlib.contextmanager
def small_disk(scratch, name, size):
    """A file system of @size bytes, mounted in the scratch folder."""
    folder = scratch.file(name)
    os.mkdir(folder)
    mount(["-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder])
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def mount(arguments):
    if os.geteuid() != 0:
        raise h.Skip("to mount a small file system one has to be root")
    done = subprocess.run(["mount", *arguments], capture_output=True,
                          check=False, text=True)
    if done.returncode != 0:
        raise h.Skip(f"mount: {done.stderr.strip()}")


LINES = 8  # movements in each reading
READING = {"op": "receive", "codes": ["MUG"] * LINES, "bin": "A-01"}


# Readings without an answer. Answers wait in a bounded queue, and a refusal
# stands in its answer one by one: a device that sends more at once has to ask
# again for what was dropped.
UNANSWERED_MAX = 500


def push_until_full(gun):
    """Sends readings until one of them is refused for want of room."""
    def is_refused():
        return any(gun.is_refused_full(seq) for seq in list(gun.excepted))

    def may_go_on():
        return (gun.next_seq - gun.upto <= UNANSWERED_MAX or is_refused())

    for _ in range(20000):
        gun.wait(may_go_on, "an answer")
        if is_refused():
            break
        gun.scan(**READING)
    gun.wait(lambda: not gun.in_flight, "every PUBACK")
    gun.wait(is_refused, "a refusal")
    gun.wait(lambda: all(gun.is_acked(seq) or gun.is_refused_full(seq)
                         for seq in gun.sent), "every answer")
    refused = [seq for seq in gun.excepted if gun.is_refused_full(seq)]
    print(f"{len(gun.sent)} readings sent, {len(refused)} refused")
    h.same(len(gun.sent) > 500, True, "some readings were taken before")


def ask_until_refused(gun):
    """Pages that the last commits gave back may hold some readings more."""
    for _ in range(2000):
        exception = gun.ask(**READING)
        if exception is not None:
            return exception
    raise AssertionError("never refused")


def check_full(scratch, broker, box, gun):
    """What goes on, and what people are told, while the store is full."""
    exception = ask_until_refused(gun)
    h.same((exception["result"], exception["code"]),
           ("refused", "store_full"))
    h.same("full" in exception["text_en"], True, exception["text_en"])
    late = h.Client(scratch, broker, f"late-{gun.next_seq}",
                    subscribe=[h.PREFIX + "/#"])
    late.wait_message(STATUS, lambda one: "store_full" in
                      one.json()["health"])
    late.wait_message(STOCK, lambda one: one.json()["on_hand"] > 0)
    alert = late.wait(lambda: next((
        one for one in late.messages if "/alert/" in one.topic and one.payload
        and one.json()["code"] == "store_full"), None), "the alert")
    h.same(alert.json()["severity"], "critical")
    late.close()


def check_again(box, gun, watch, mark):
    """There is room again, which is said after @mark: the device sends again,
    and all is booked once."""
    watch.wait_message(STATUS, lambda one: one.json()["state"] == "ready" and
                       "store_full" not in one.json()["health"], after=mark)
    again = [seq for seq in gun.sent if gun.is_refused_full(seq)]
    for seq in again:
        del gun.excepted[seq]
    gun.again(again)
    gun.settle()
    h.same([seq for seq in again if gun.is_refused_full(seq)], [],
           "refused again")
    h.same(gun.ask(**READING), None)


def check_books(box, gun):
    """Every reading is booked once or was refused, never both."""
    refused = {seq for seq in gun.sent if gun.is_refused_full(seq)}
    movements = box.movements()
    booked = {entry["seq"] for entry in movements}
    h.same(booked & refused, set(), "booked and refused")
    h.same(booked | refused, set(gun.sent), "booked or refused")
    h.same(h.booked_once(box, gun, booked, LINES, movements), len(booked))


@h.test
def a_map_without_room_refuses_and_works_again_when_it_is_larger(scratch):
    """The configuration knows another size than the store: the store's
    counts."""
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING, map_mib=4,
                store__map_size="1 GiB").start()
    gun = h.Device(scratch, broker, "gun-1")
    h.same(gun.ask(**READING), None)
    push_until_full(gun)
    check_full(scratch, broker, box, gun)
    check_books(box, gun)
    # Full from the start.
    box.stop()
    box.start()
    check_full(scratch, broker, box, gun)
    check_books(box, gun)
    box.stop()
    box.audit(found=0)
    # Deaths do not make it worse.
    box.start()
    box.kill()
    box.start()
    check_full(scratch, broker, box, gun)
    box.stop()
    done = subprocess.run([DEPOT, "--config", box.config, "--yes", "resize",
                           "64MiB"], capture_output=True, check=False,
                          text=True)
    h.same(done.returncode, 0, done.stdout + done.stderr)
    watch = h.Client(scratch, broker, "watch", subscribe=[h.PREFIX + "/#"])
    mark = watch.mark()
    box.start()
    check_again(box, gun, watch, mark)
    check_books(box, gun)
    box.audit(found=0)


def sparse_copy(source, target):
    subprocess.run(["cp", "-r", "--sparse=always", source, target],
                   check=True)


@h.test
def a_disk_without_room_refuses_and_works_again_when_there_is_room(scratch):
    """The store was copied, with holes, to a disk that has no room for all of
    its map: it cannot be allocated there, and a commit finds no block."""
    broker = h.Broker(scratch).start()
    with small_disk(scratch, "disk", "5m") as disk:
        box = h.Box(scratch, broker.port, seeding=SEEDING, map_mib=64,
                    store__map_size="64 MiB")
        sparse_copy(box.store, disk)
        sparse_copy(box.store + "-keys", disk)
        box.store = os.path.join(disk, "store")
        box.directives["store.path"] = box.store
        box.write_config()
        box.start()
        gun = h.Device(scratch, broker, "gun-1")
        h.same(gun.ask(**READING), None)
        push_until_full(gun)
        watch = h.Client(scratch, broker, "watch",
                         subscribe=[h.PREFIX + "/#"])
        watch.wait_message(STATUS, lambda one: "store_full" in
                           one.json()["health"])
        watch.wait_message(STOCK, lambda one: one.json()["on_hand"] > 0)
        # It is said once, not taken back and said again with every try.
        mark = watch.mark()
        for _ in range(20):
            h.same(gun.ask(**READING)["code"], "store_full")
            box.program.live(.15)
        h.same([one.json()["health"] for one in watch.messages[mark:]
                if one.topic == STATUS and "store_full" not in
                one.json()["health"]], [], "health without store_full")
        check_books(box, gun)
        # A kill and a start on the full disk.
        box.kill()
        box.start()
        h.same(gun.ask(**READING)["code"],
               "store_full")
        check_books(box, gun)
        mark = watch.mark()
        mount(["-o", "remount,size=200m", disk])
        check_again(box, gun, watch, mark)
        check_books(box, gun)
        box.audit(found=0)


@h.test
def a_disk_without_room_for_the_ring_ends_with_a_sentence(scratch):
    broker = h.Broker(scratch).start()
    with small_disk(scratch, "run", "1m") as disk:
        box = h.Box(scratch, broker.port, seeding=SEEDING, runtime=disk)
        box.spawn()
        code = box.program.wait()
        h.same(code, 1, box.program.text())
        h.same(disk in box.program.text(), True, box.program.text())
        box.audit(found=0)


@h.test
def a_read_only_disk_ends_with_a_sentence(scratch):
    broker = h.Broker(scratch).start()
    with small_disk(scratch, "disk", "100m") as disk:
        box = h.Box(scratch, broker.port, seeding=SEEDING,
                    store=os.path.join(disk, "store")).start()
        gun = h.Device(scratch, broker, "gun-1")
        gun.ask(**READING)
        box.stop()
        mount(["-o", "remount,ro", disk])
        box.spawn()
        h.same(box.program.wait(), 1, box.program.text())
        for part in (box.store, "ead-only"):
            h.same(part in box.program.text(), True, box.program.text())
        mount(["-o", "remount,rw", disk])
        box.start()
        h.same(gun.ask(**READING), None)
        box.audit(found=0)


@h.test
def a_store_is_not_founded_where_there_is_no_room_for_it(scratch):
    with small_disk(scratch, "disk", "20m") as disk:
        config = scratch.write("depot.conf", "[site]\norg = acme\n"
                               "site = hz-01\n[store]\npath = "
                               f"{disk}/store\nmap_size = 64MiB\n[runtime]\n"
                               f"dir = {scratch.file('run')}\n")
        done = subprocess.run([DEPOT, "--config", config, "init", "--yes",
                               "--org", "acme", "--site", "hz-01", "--path",
                               f"{disk}/store", "--map-size", "64MiB"],
                              capture_output=True, check=False, text=True)
        h.same(done.returncode, 1, done.stdout + done.stderr)
        h.same("room" in done.stderr or "space" in done.stderr, True,
               done.stderr)
        h.same(os.listdir(disk), [], "what is left on the disk")


if __name__ == "__main__":
    h.main()
