#!/usr/bin/python3
"""The managed broker's TLS listener, as a scanner with a CA file uses it.

Method: mosquitto's own clients on depotd's mosquitto. The certificate is for
"localhost" only (tests/golden/tls), so that a wrong name would be seen.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading

import depot_harness as h

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "../golden/tls")
DEPOT = os.path.join(h.BUILD, "gateway/depot")
SCAN = {"v": 1, "op": "receive", "code": "MUG", "qty": 5, "bin": "A-01"}


class TlsBox(h.Box):
    """depotd and its mosquitto, with a TLS listener."""

    def __init__(self, scratch):
        h.need("mosquitto", "mosquitto_pub", "mosquitto_sub")
        self.port, self.tls_port = h.port_free(), h.port_free()
        self.files = [scratch.file("my.crt"), scratch.file("my.key")]
        self.ca = os.path.join(GOLDEN, "ca.crt")
        super().__init__(scratch, 0, seeding=[("bin", "A-01"),
                                              ("item", "MUG", 0)], **{
            "broker__mode": "managed", "broker__uri": "",
            "broker__start": "child", "broker__port": self.port,
            "broker__tls_port": self.tls_port,
            "broker__tls_cert_file": self.files[0],
            "broker__tls_key_file": self.files[1]})
        for name, path in zip(("server.crt", "server.key"), self.files):
            shutil.copyfile(os.path.join(GOLDEN, name), path)
            os.chmod(path, 0o600)

    def depot(self, *words):
        """The reply to a command, as JSON."""
        done = subprocess.run(
            [DEPOT, "--config", self.config, "--as", "boss", "--json", *words],
            capture_output=True, text=True, timeout=h.LIMIT, check=False)
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def broker_pid(self):
        with open(os.path.join(self.runtime, "broker.pid"),
                  encoding="utf-8") as file:
            return int(file.read())

    def client(self, program, account, topic, *more, ca=None, port=None):
        """Runs mosquitto_pub or _sub; its exit code and all that it said."""
        name, password = account
        tls = ["--cafile", ca or self.ca] if ca != "none" else []
        done = subprocess.run(
            [program, "-V", "5", "-h", "localhost", "-p",
             str(port or self.tls_port), *tls, "-u", name, "-P", password,
             "-q", "1", "-t", f"{h.PREFIX}/{topic}", *more],
            capture_output=True, text=True, timeout=h.LIMIT, check=False)
        return done.returncode, done.stdout + done.stderr

    def stock(self, account, **more):
        """What is retained on the stock topic."""
        return self.client("mosquitto_sub", account, "stock/MUG", "-C", "1",
                           "-W", "20", **more)

    def stock_until(self, account, said_all, **more):
        """Asks until @said_all(exit code, what it said) holds: neither a
        figure nor a certificate tells this client when it changes."""
        waited = threading.Event()
        for _ in range(int(h.LIMIT * 5)):
            answer = self.stock(account, **more)
            if said_all(*answer):
                return
            waited.wait(.1)
        raise h.Late(f"stock stays {answer}")

    def greet_plainly(self, port):
        """What the listener at @port answers to MQTT without TLS."""
        with socket.create_connection(("127.0.0.1", port), h.LIMIT) as client:
            client.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a")
            try:
                return client.recv(4)
            except ConnectionResetError:
                return b""


def has_stock(units):
    """A condition for stock_until."""
    return lambda code, said: (code == 0
                               and json.loads(said)["on_hand"] == units)


@h.test
def a_scanner_is_served_over_tls_and_sees_who_it_speaks_to(scratch):
    box = TlsBox(scratch).start()
    gun = ("gun-1", box.depot("device", "add", "gun-1", "--kind",
                              "scanner")["password"])
    wall = ("wall-1", box.depot("broker", "add", "wall-1")["password"])
    code, said = box.client("mosquitto_pub", gun, "scan/gun-1", "-m",
                            json.dumps(SCAN))
    h.same(code, 0, said)
    box.stock_until(wall, has_stock(5))
    # The same over the plain port, which is as it was.
    box.stock_until(wall, has_stock(5), ca="none", port=box.port)
    # An account needs its password over TLS, too.
    code, said = box.stock(("wall-1", "wrong"))
    assert code != 0 and "Not authorized" in said, (code, said)
    # A root that did not sign for this box; and no TLS at all.
    code, said = box.stock(wall, ca=os.path.join(GOLDEN, "other-ca.crt"))
    assert code != 0 and "TLS error" in said, (code, said)
    h.same(box.greet_plainly(box.port)[:2], b"\x20\x02")
    h.same(box.greet_plainly(box.tls_port)[:1] != b"\x20", True)
    box.audit(found=0)


@h.test
def a_renewed_certificate_is_taken_by_a_reload(scratch):
    h.need("openssl")
    box = TlsBox(scratch).start()
    wall = ("wall-1", box.depot("broker", "add", "wall-1")["password"])
    box.depot("book", "receive", "MUG", "--bin", "A-01")
    box.stock_until(wall, has_stock(1))
    pid = box.broker_pid()
    # Signed by itself: its own root.
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", box.files[1], "-out", box.files[0]],
        check=True, capture_output=True, timeout=h.LIMIT)
    after = len(box.program.lines)
    box.signal(signal.SIGHUP)
    box.program.wait_line("broker_refreshed", after=after)
    box.stock_until(wall, has_stock(1), ca=box.files[0])
    h.same(box.stock(wall)[0] != 0, True, "the old root is refused")
    h.same(box.broker_pid(), pid, "the broker, which nobody restarted")
    # One that cannot be used is told, and the old one stays.
    os.chmod(box.files[1], 0o644)
    box.signal(signal.SIGHUP)
    line = box.program.wait_line("broker_not_refreshed", after=after)
    assert box.files[1] in box.program.lines[line], box.program.lines[line]
    box.stock_until(wall, has_stock(1), ca=box.files[0])
    box.audit(found=0)


@h.test
def a_certificate_that_cannot_be_used_is_said_at_the_start(scratch):
    box = TlsBox(scratch)
    for spoil, said in (
            (lambda: os.chmod(box.files[1], 0o644), "others must not read"),
            (lambda: shutil.copyfile(box.files[0], box.files[1]),
             "no PEM of a PRIVATE KEY"),
            (lambda: os.unlink(box.files[0]), "my.crt")):
        os.chmod(box.files[1], 0o600)
        spoil()
        program = box.spawn()
        code = program.wait()
        text = program.text()
        assert code not in (0, 78) and said in text, (code, text)


if __name__ == "__main__":
    h.main()
