#!/usr/bin/python3
"""The box with a broker of its own: who gets in, what outlives whom, and what
those who watch it are told.

Method: real depotd with [broker] mode = managed and start = child; foreign
clients for MQTT, HTTP and the control socket; faults by signal."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import depot_harness as h

SEEDING = [("device", "dock-1", 1, ""), ("device", "gun-2", 1, ""),
           ("bin", "A-01"), ("item", "MUG", 0),
           ("code", "04006381333931", "MUG", 1)]
STOCK = h.PREFIX + "/stock/MUG"
STATUS = h.PREFIX + "/status"
DROPPED = h.PREFIX + "/alert/broker_dropped"
HOLD_AT = os.path.join(h.BUILD, "tests/e2e/libe2e_hold_at.so")


class ManagedBox(h.Box):
    """depotd and its mosquitto, which is the broker of the clients too."""

    def __init__(self, scratch, *, anonymous="no", **directives):
        h.need("mosquitto")
        self.port = h.port_free()
        self.http_port = h.port_free()
        super().__init__(scratch, 0, seeding=SEEDING, **{
            "broker__mode": "managed", "broker__uri": "",
            "broker__start": "child", "broker__port": self.port,
            "broker__anonymous": anonymous, "http__port": self.http_port,
            **directives})

    def broker_pid(self):
        with open(os.path.join(self.runtime, "broker.pid"),
                  encoding="utf-8") as file:
            return int(file.read())

    def broker_kill(self):
        """kill -9, and its end seen."""
        pid = self.broker_pid()
        end = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        select.select([end], [], [], h.LIMIT)
        os.close(end)
        return pid

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def kill(self):
        """kill -9 of depotd alone. Its log does not end with it: the broker
        writes there too."""
        self.program.signal(signal.SIGKILL)
        return self.program.process.wait()

    def end(self):
        super().end()
        with contextlib.suppress(OSError):
            self.broker_kill()

    def get(self, path):
        """Status and body of what HTTP says."""
        try:
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.http_port}{path}",
                    timeout=h.LIMIT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ask(self, command, **arguments):
        """What the control socket answers; as boss."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(h.LIMIT)
            control.connect(os.path.join(self.runtime, "control.sock"))
            line = {"cmd": command, "args": arguments, "account": "boss"}
            control.sendall(json.dumps(line).encode() + b"\n")
            with control.makefile() as file:
                answer = json.loads(file.readline())
        if "error" in answer:
            raise AssertionError(f"{command}: {answer}")
        return answer

    def login(self, name, role):
        """A new account of the broker's, for a client."""
        given = self.ask("broker.give", name=name, role=role)
        return name, given["password"]

    def refreshed(self, times):
        """Waits until its files were written so many times."""
        at = 0
        for _ in range(times):
            at = 1 + self.program.wait_line(" broker_refreshed: ", after=at)

    def http_until(self, path, condition):
        """Asks until @condition(status, body) holds: the figures are taken
        once a second, and nothing tells when."""
        waited = threading.Event()
        for _ in range(int(h.LIMIT * 10)):
            answer = self.get(path)
            if condition(*answer):
                return answer
            waited.wait(.1)
        raise h.Late(f"{path} stays {answer}")


def readings(metrics):
    """How many had a result."""
    return sum(int(line.split()[-1]) for line in metrics.splitlines()
               if line.startswith("depot_readings_total{"))


def state_is(word):
    return lambda one: one.json()["state"] == word


@h.test
def a_device_with_its_password_scans_and_nobody_without(scratch):
    box = ManagedBox(scratch).start()
    login = box.login("dock-1", "device")
    gun = h.Device(scratch, box, "dock-1", user=login)
    h.same(gun.ask(op="receive", code="4006381333931", qty=12, bin="A-01"),
           None, "exception")
    try:
        h.Device(scratch, box, "gun-2", limit=2)
        raise AssertionError("gun-2 got in without a password")
    except h.Late:
        pass
    screen = h.Client(scratch, box, "screen", subscribe=[STOCK],
                      user=box.login("screen-1", "dashboard"))
    screen.wait_message(STOCK, lambda one: one.json()["on_hand"] == 12)
    # Told anew (SIGHUP), the broker drops nobody.
    box.signal(signal.SIGHUP)
    box.program.wait_line(" broker_refreshed: ",
                          after=box.program.wait_line(" reloaded: "))
    gun.ask(op="receive", code="4006381333931", qty=1, bin="A-01")
    h.same((gun.connects, screen.connects), (1, 1), "connects")
    box.stop()
    box.audit(found=0)


@h.test
def a_revoked_device_has_no_right_at_the_broker(scratch):
    """Whoever revokes it need not think of the broker: the ledger says so.
    What it scans then does not come to depotd, and no answer to it."""
    box = ManagedBox(scratch).start()
    login = box.login("dock-1", "device")
    gun = h.Device(scratch, box, "dock-1", user=login)
    gun.ask(op="receive", code="4006381333931", qty=1, bin="A-01")
    h.same(len(box.ask("broker.list")["accounts"]), 1)
    box.ask("device.revoke", device="dock-1")
    box.program.wait_line(" broker_account_revoked: ")
    box.program.wait_line(" broker_refreshed: ")
    h.same(box.ask("broker.list")["accounts"], [])
    other = h.Device(scratch, box, "gun-2", user=box.login("gun-2", "device"))
    heard = len(gun.messages)
    gun.scan(op="receive", code="4006381333931", qty=1, bin="A-01")
    gun.wait(lambda: gun.pubacked == 2, "the broker's word on it")
    other.ask(op="receive", code="4006381333931", qty=1, bin="A-01")
    _, text = box.http_until("/metrics", lambda _, text: readings(text) >= 2)
    h.same(readings(text), 2, "readings that came to depotd")
    h.same((len(gun.messages), gun.connects, other.connects), (heard, 1, 1))
    box.stop()


@h.test
def what_is_scanned_while_depotd_is_dead_is_kept_by_its_broker(scratch):
    """kill -9 of depotd; the same broker takes scans meanwhile, is adopted by
    the next depotd, and hands them over; an orderly end ends both."""
    box = ManagedBox(scratch, anonymous="yes").start()
    gun = h.Device(scratch, box, "dock-1", subscribe=[STOCK])
    gun.ask(op="receive", code="4006381333931", qty=5, bin="A-01")
    pid = box.broker_pid()
    box.kill()
    for _ in range(20):
        gun.scan(op="receive", code="4006381333931", qty=1, bin="A-01")
    gun.wait(lambda: len(gun.taken) == 21, "21 PUBACKs")
    box.start()
    gun.wait_message(STOCK, lambda one: one.json()["on_hand"] == 25)
    # An answer may be lost with the connection: the device asks again.
    gun.again(gun.unacked())
    gun.settle()
    h.same(box.broker_pid(), pid, "the broker")
    box.program.wait_line(" broker_adopted: ")
    h.same(gun.connects, 1, "the device was never cut off")
    h.booked_once(box, gun, range(1, 22))
    box.stop()
    h.same(box.listens(), False, "the broker has ended")
    box.audit(found=0)


@h.test
def a_killed_broker_is_back_with_everything_on_it(scratch):
    box = ManagedBox(scratch, anonymous="yes").start()
    gun = h.Device(scratch, box, "dock-1")
    gun.ask(op="receive", code="4006381333931", qty=5, bin="A-01")
    box.http_until("/healthz", lambda code, text: (code, text) == (
        200, '{"status":"ok","reasons":[]}'))
    pid = box.broker_kill()
    box.program.wait_line(" broker_exited: ")
    box.wait_up(after=box.program.wait_line(" broker_down: "))
    h.same(box.broker_pid() != pid, True, "another process")
    late = h.Client(scratch, box, "late", subscribe=[STOCK, STATUS])
    h.same(late.wait_message(STOCK).json()["on_hand"], 5)
    late.wait_message(STATUS, state_is("ready"))
    gun.wait(lambda: gun.connects == 2, "the device's way back")
    gun.ask(op="receive", code="4006381333931", qty=2, bin="A-01")
    _, text = box.http_until("/metrics", lambda _, text: (
        'depot_readings_total{result="booked"} 2\n' in text))
    h.same("depot_broker_exits_total 1\n" in text, True)
    box.stop()
    box.audit(found=0)


@h.test
def a_broker_that_cannot_come_back_is_no_health(scratch):
    """Killed, and kept from starting again by a program on its port, which is
    named; it comes back when that one goes."""
    box = ManagedBox(scratch, anonymous="yes").start()
    box.http_until("/healthz", lambda code, _: code == 200)
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # depotd stands still, or it could be quicker than the thief.
        box.signal(signal.SIGSTOP)
        box.broker_kill()
        thief.bind(("127.0.0.1", box.port))
        thief.listen()
        box.signal(signal.SIGCONT)
        line = box.program.wait_line(" broker_not_started: ")
        h.same(f"port {box.port} of 127.0.0.1 is taken"
               in box.program.lines[line], True, "the sentence")
        box.http_until("/healthz", lambda code, text: (
            code, json.loads(text)) == (503, {"status": "failing",
                                              "reasons": ["broker_down"]}))
    box.http_until("/healthz", lambda code, _: code == 200)
    box.stop()


@h.test
def a_port_that_is_taken_stops_the_start_with_a_sentence(scratch):
    box = ManagedBox(scratch)
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", box.port))
        thief.listen()
        program = box.spawn()
        h.same(program.wait(), 75, "exit code")
    h.same(f"managed broker: port {box.port} of 127.0.0.1 is taken"
           in program.text(), True, program.text())
    h.same(os.path.exists(os.path.join(box.runtime, "broker.conf")), False,
           "nothing was started or written")


@h.test
def a_port_of_http_that_is_taken_stops_nothing(scratch):
    box = ManagedBox(scratch, anonymous="yes")
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", box.http_port))
        thief.listen()
        box.start()
        box.program.wait_line(" http_not_started: ")
        gun = h.Device(scratch, box, "dock-1")
        h.same(gun.ask(op="receive", code="4006381333931", qty=1, bin="A-01"),
               None, "exception")
    box.stop()


@h.test
def promtool_takes_the_metrics_of_a_working_box(scratch):
    h.need("promtool")
    box = ManagedBox(scratch, anonymous="yes").start()
    gun = h.Device(scratch, box, "dock-1")
    gun.ask(op="receive", code="4006381333931", qty=5, bin="A-01")
    h.same(gun.ask(op="receive", code="]E04006381333930", qty=5,
                   bin="A-01")["result"], "refused")
    _, text = box.http_until("/metrics", lambda _, text: (
        'depot_readings_total{result="refused"} 1\n' in text))
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines()
                   if not line.startswith("#"))
    h.same(int(figures["depot_journal_entries"]), int(box.head()["pos"]))
    for name, low, high in (
            ("process_resident_memory_bytes", 1 << 20, 1 << 30),
            ("depot_store_map_bytes", 64 << 20, 64 << 20),
            ("depot_store_used_bytes", 1, 64 << 20),
            ("depot_mqtt_connected", 1, 1), ("depot_items", 1, 1),
            ("depot_movements_total", 1, 1),
            ("depot_broker_running", 1, 1),
            ('depot_mqtt_events_total{event="pushed"}', 2, 2)):
        h.same(low <= int(figures[name]) <= high, True,
               f"{name} {figures[name]}")
    done = subprocess.run(["promtool", "check", "metrics"], input=text,
                          text=True, capture_output=True, check=False)
    h.same((done.returncode, done.stderr), (0, ""))
    box.stop()


@h.test
def messages_that_the_broker_drops_are_an_alert(scratch):
    """An external broker that queues one message for each session and counts
    each second; a dashboard that went away; a few stock messages."""
    port = h.port_free()
    config = scratch.write("small.conf", (
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n"
        "persistence false\nmax_queued_messages 1\nsys_interval 1\n"
        "max_inflight_messages 1000\nlog_dest stderr\n"))
    broker = h.Broker(scratch, port)
    broker.config = config
    broker.start()
    box = h.Box(scratch, port, seeding=SEEDING).start()
    away = h.Client(scratch, broker, "away", subscribe=[STOCK], clean=False)
    away.close()
    watch = h.Client(scratch, broker, "watch", subscribe=[STATUS, DROPPED])
    watch.wait_message(STATUS, state_is("ready"))
    gun = h.Device(scratch, broker, "dock-1")
    for _ in range(5):
        gun.ask(op="receive", code="4006381333931", qty=1, bin="A-01")
    alert = watch.wait_message(DROPPED, lambda one: one.payload != b"").json()
    h.same((alert["code"], alert["severity"]), ("broker_dropped", "warning"))
    h.same(alert["value"] >= 1, True)
    watch.wait_message(STATUS, lambda one: "broker_dropped"
                       in one.json()["health"])
    # A restart does not enter it a second time.
    box.stop()
    box.start()
    alerts = [entry for entry in box.journal() if entry["kind"] == "alert"]
    h.same(len(alerts), 1, "alerts in the journal")
    box.stop()


def valgrind_begin(scratch):
    """A mosquitto under valgrind, and the file of what valgrind says."""
    h.need("valgrind")
    log = scratch.file("valgrind.log")
    broker = scratch.file("mosquitto")
    with open(broker, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nexec valgrind -q "
                   f"--log-file={log}.%p /usr/sbin/mosquitto \"$@\"\n")
    os.chmod(broker, 0o755)
    return broker, log


def valgrind_end(log, brokers):
    folder, name = os.path.split(log)
    files = [one for one in os.listdir(folder) if one.startswith(name + ".")]
    h.same(len(files), brokers, "brokers that valgrind saw")
    for one in files:
        with open(os.path.join(folder, one), encoding="utf-8") as file:
            h.same(file.read(), "", "what valgrind says")


@h.test
def restarts_of_depotd_leave_the_brokers_memory_sound(scratch):
    """mosquitto dies, sooner or later, of a session that is to end and whose
    password changes while it is away: so depotd's stays, as long as the
    broker may live. Method: the broker under valgrind, depotd killed three
    times; what its sessions wait on is looked through each second."""
    broker, log = valgrind_begin(scratch)
    box = ManagedBox(scratch, anonymous="yes",
                     broker__mosquitto=broker).start()
    pid = box.broker_pid()
    gun = h.Device(scratch, box, "dock-1")
    for count in range(1, 4):
        box.kill()
        box.start()
        gun.ask(op="receive", code="4006381333931", qty=1, bin="A-01")
        gun.settle()
        h.same(box.broker_pid(), pid, f"the broker after {count} restarts")
    box.stop()
    valgrind_end(log, 1)


@h.test
def an_account_that_goes_while_away_leaves_the_brokers_memory_sound(scratch):
    """The same with an account that is removed while an MQTT 5 session of it,
    with an end, is away; and its name given again, which needs another
    broker, on which the new password holds and the old one does not."""
    broker, log = valgrind_begin(scratch)
    box = ManagedBox(scratch, broker__mosquitto=broker).start()
    pid = box.broker_pid()
    old = box.login("erp-1", "erp")
    h.Client(scratch, box, "erp-1", user=old, clean=False,
             subscribe=[STOCK]).close()
    box.ask("broker.take", name="erp-1")
    for _ in range(3):
        line = box.program.count(" broker_refreshed: ")
        box.signal(signal.SIGHUP)
        box.refreshed(line + 1)
    gun = h.Device(scratch, box, "dock-1", user=box.login("dock-1", "device"))
    gun.ask(op="receive", code="4006381333931", qty=1, bin="A-01")
    h.same(box.broker_pid(), pid, "the broker")
    new = box.login("erp-1", "erp")
    box.program.wait_line(" broker_reconfigured: ")
    box.wait_up(after=box.program.wait_line(" broker_down: "))
    erp = h.Client(scratch, box, "erp-1", user=new, subscribe=[STOCK])
    erp.wait_message(STOCK, lambda one: one.json()["on_hand"] == 1)
    h.same(box.broker_pid() != pid, True, "another broker")
    h.same(box.program.count(" broker_exited: "), 0, "ends nobody asked for")
    erp.close()
    try:
        h.Client(scratch, box, "erp-1", user=old, limit=2)
        raise AssertionError("the old password holds")
    except h.Late:
        pass
    box.stop()
    valgrind_end(log, 2)


class Hold:
    """A mosquitto that can be held between its passwords, which it reads
    first, and its rights."""

    def __init__(self, scratch):
        self.fifo = scratch.file("hold")
        self.program = scratch.file("mosquitto")
        self.held = None
        with open(self.program, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexec env HOLD_AT=broker.acl "
                       f"HOLD_BY={self.fifo} LD_PRELOAD={HOLD_AT} "
                       "/usr/sbin/mosquitto \"$@\"\n")
        os.chmod(self.program, 0o755)

    def begin(self):
        """The next that reads is held."""
        os.mkfifo(self.fifo)

    def wait(self):
        """Until one is."""
        def look():
            with contextlib.suppress(OSError):  # nobody reads it
                return os.open(self.fifo, os.O_WRONLY | os.O_NONBLOCK)
        self.held = h.until("the broker reads its files", look)

    def end(self):
        os.unlink(self.fifo)
        os.close(self.held)


@h.test
def accounts_made_while_the_broker_reads_the_others_work(scratch):
    """mosquitto forgets a signal that comes while it reads. Method: it has
    read its passwords, and is held there until five more have been given; the
    same once it is being started, when a signal would end it."""
    hold = Hold(scratch)
    box = ManagedBox(scratch, broker__mosquitto=hold.program).start()
    pid = box.broker_pid()
    hold.begin()
    box.signal(signal.SIGHUP)
    hold.wait()
    logins = [box.login("dock-1", "device")] + [
        box.login(f"wall-{number}", "dashboard") for number in range(4)]
    hold.end()
    gun = h.Device(scratch, box, "dock-1", user=logins[0])
    gun.ask(op="receive", code="4006381333931", qty=3, bin="A-01")
    for login in logins[1:]:
        wall = h.Client(scratch, box, login[0], user=login, subscribe=[STOCK])
        wall.wait_message(STOCK, lambda one: one.json()["on_hand"] == 3)
    h.same(box.broker_pid(), pid, "the broker")

    hold.begin()
    box.broker_kill()
    hold.wait()
    late = box.login("late", "dashboard")
    pid = box.broker_pid()
    hold.end()
    box.wait_up(after=box.program.wait_line(" broker_down: "))
    wall = h.Client(scratch, box, "late", user=late, subscribe=[STOCK])
    wall.wait_message(STOCK, lambda one: one.json()["on_hand"] == 3)
    h.same((box.broker_pid(), box.program.count(" broker_exited: ")), (pid, 1),
           "the broker, and how often it ended")
    box.stop()
    box.audit(found=0)


if __name__ == "__main__":
    h.main()
