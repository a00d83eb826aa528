#!/usr/bin/python3
"""What depotd will not start with: a sentence that names the thing and says
what to do, a code that a program can go by, and nothing changed: above all no
new empty store beside the old one."""

import hashlib
import os
import shutil
import subprocess

import depot_harness as h

SEEDING = [("device", "gun-1", 1, ""), ("bin", "A-01"), ("item", "MUG", 0)]
DEPOTD = os.path.join(h.BUILD, "gateway/depotd")


def tree(folder):
    """Every file below @folder with its hash, but not LMDB's reader table."""
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if name in ("lock.mdb", "writer.lock") or not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = hashlib.sha256(
                    file.read()).hexdigest()
    return found


def open_box(scratch, readings=3):
    """A box whose store holds a few readings; it is stopped."""
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING, map_mib=8,
                store__map_size="64 MiB").start()
    gun = h.Device(scratch, broker, "gun-1")
    for _ in range(readings):
        gun.scan(op="receive", code="MUG", bin="A-01")
    gun.settle()
    box.stop()
    return broker, box, gun


def refuses(box, code, *parts):
    """depotd ends with @code and a sentence that holds @parts, and leaves
    everything as it was."""
    before = tree(box.scratch.path)
    box.spawn()
    ended = box.program.wait()
    text = box.program.text()
    h.same(ended, code, f"exit code; it said: {text}")
    for part in parts:
        h.same(part in text, True, f"{part!r} in {text!r}")
    after = tree(box.scratch.path)
    # The ring and the packets are no state of the ledger.
    for files in (before, after):
        for name in [one for one in files if one.startswith("run/")]:
            del files[name]
    h.same(after, before, "files")


@h.test
def where_there_is_no_store_none_is_made(scratch):
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=None)
    refuses(box, 4, box.store, "depot init")
    # Nor where there is an empty folder, or a file.
    os.mkdir(box.store)
    refuses(box, 1, box.store)
    os.rmdir(box.store)
    scratch.write("store", "no store")
    refuses(box, 1, box.store)


@h.test
def a_store_in_use_is_left_alone(scratch):
    broker, box, gun = open_box(scratch)
    box.start()
    second = h.Box(scratch, broker.port, seeding=None,
                   runtime=scratch.file("run-2"))
    second.spawn()
    h.same(second.program.wait(), 75, second.program.text())
    for part in (box.store, str(box.program.pid)):
        h.same(part in second.program.text(), True, second.program.text())
    h.same(gun.ask(op="receive", code="MUG", bin="A-01"), None)
    box.audit(found=0)


@h.test
def a_store_of_a_newer_format_is_left_alone(scratch):
    _, box, _ = open_box(scratch)
    h.tool("format", box.store, "1000")
    box.is_spoiled = True
    refuses(box, 1, box.store, "newer")


@h.test
def a_store_of_another_site_is_left_alone(scratch):
    _, box, _ = open_box(scratch)
    box.directives["site.site"] = "hz-02"
    box.write_config()
    refuses(box, 6, box.store, "hz-01", "hz-02")


@h.test
def a_file_that_is_no_store_is_left_alone(scratch):
    _, box, gun = open_box(scratch)
    good = scratch.file("good")
    shutil.copytree(box.store, good)
    data = os.path.join(box.store, "data.mdb")
    size = os.path.getsize(data)
    for name, content in (("empty", b""), ("short", b"x" * 100),
                          ("zeros", bytes(size)), ("noise", os.urandom(65536)),
                          ("text", b"this is no store\n" * 5000)):
        with open(data, "wb") as file:
            file.write(content)
        refuses(box, 1, box.store, "depot verify")
        print(f"{name}: {box.program.text()}")
    for part in (4096, 8192, 65536):
        with open(os.path.join(good, "data.mdb"), "rb") as file:
            content = file.read(part)
        with open(data, "wb") as file:
            file.write(content)
        refuses(box, 1, box.store, "depot verify")
    os.unlink(data)
    refuses(box, 1, box.store)
    # The good one works as before.
    shutil.rmtree(box.store)
    shutil.copytree(good, box.store)
    box.start()
    h.same(gun.ask(op="receive", code="MUG", bin="A-01"), None)
    box.audit(found=0)


@h.test
def every_mistake_of_a_configuration_is_told_with_its_line(scratch):
    _, box, _ = open_box(scratch)
    with open(box.config, encoding="utf-8") as file:
        good = file.read()
    lines = ["[store]", "map_sise = 1 GiB", "batch_max = many",
             "[publish]", "fresh_for_s = -1", "[elsewhere]", "x = 1",
             "[log]", "level = loud", "nonsense without a sign"]
    first = good.count("\n") + 1
    with open(box.config, "w", encoding="utf-8") as file:
        file.write(good + "\n".join(lines) + "\n")
    wrong = [first + index for index in (1, 2, 4, 8)]
    refuses(box, 78, box.config, *[f":{line}" for line in wrong], "map_sise",
            "many", "-1", "loud", "elsewhere")
    done = subprocess.run([DEPOTD, "--config", box.config, "--check"],
                          capture_output=True, check=False, text=True)
    h.same(done.returncode, 78, done.stderr)
    h.same(done.stderr, box.program.text() + "\n", "what --check says")
    box.write_config()
    done = subprocess.run([DEPOTD, "--config", box.config, "--check"],
                          capture_output=True, check=False, text=True)
    h.same((done.returncode, done.stderr), (0, ""), "a right configuration")


@h.test
def a_configuration_that_is_not_there_is_told(scratch):
    for path in (scratch.file("none.conf"), scratch.path):
        done = subprocess.run([DEPOTD, "--config", path],
                              capture_output=True, check=False, text=True)
        h.same(done.returncode, 78, done.stderr)
        h.same(path in done.stderr, True, done.stderr)


@h.test
def an_unknown_option_is_told(_scratch):
    for arguments in (["--conf"], ["--frobnicate"], ["run"], ["-x"]):
        done = subprocess.run([DEPOTD, *arguments], capture_output=True,
                              check=False, text=True)
        h.same(done.returncode, 2, f"{arguments}: {done.stderr}")
        h.same("usage" in done.stderr, True, done.stderr)


@h.test
def an_old_ring_file_is_set_aside_or_taken_never_thrown_away(scratch):
    """A ring of another size, one cut short, and rubbish in its place."""
    broker, box, gun = open_box(scratch)
    ring = os.path.join(box.runtime, "intake.ring")
    box.directives["intake.ring_slots"] = "64"
    box.directives["intake.receive_maximum"] = "16"
    box.write_config()
    box.start()
    h.same(gun.ask(op="receive", code="MUG", bin="A-01"), None)
    box.stop()
    h.same(os.path.exists(ring + ".old"), True, "the ring set aside")
    for number, content in enumerate((b"", b"rubbish" * 3000), 1):
        with open(ring, "wb") as file:
            file.write(content)
        box.start()
        h.same(gun.ask(op="receive", code="MUG", bin="A-01"), None)
        box.stop()
        h.same(os.path.exists(f"{ring}.old.{number}"), True, "set aside")
    box.audit(found=0)


if __name__ == "__main__":
    h.main()
