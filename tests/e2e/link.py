#!/usr/bin/python3
"""depot-link, the program: between depotd's side of its socket and far brokers
that are good, wrongly certified, hostile, silent, or not there.

Method: the real program; depotd's side is e2e_link_double, which is asked
throughout whether it still answers, beside a second link to a good broker that
has to carry on. Hostile brokers are written here, byte by byte. What a link
took of memory at most is what the kernel says (VmHWM).
"""

import contextlib
import os
import pathlib
import signal
import socket
import struct
import subprocess
import threading
import time

import depot_harness as h

LINK = os.path.join(h.BUILD, "gateway/depot-link")
DEPOT = os.path.join(h.BUILD, "gateway/depot")
DOUBLE = os.path.join(h.BUILD, "tests/e2e/e2e_link_double")
SYNC = f"depot/v1/{h.ORG}/sync"
MEMORY_MAX_KIB = 64 * 1024
HUGE = 268435455  # the longest that MQTT can say
AGAIN = 75


def is_sanitized():
    """A sanitizer's build takes what memory it likes, and is not confined."""
    cache = pathlib.Path(h.BUILD, "CMakeCache.txt").read_text("utf-8")
    return "DEPOT_PROFILE:STRING=asan" in cache or \
        "DEPOT_PROFILE:STRING=tsan" in cache


class Double(h.Program):
    """depotd's side of the links of one site."""

    def __init__(self, scratch, name="run"):
        self.folder = scratch.file(name)
        os.mkdir(self.folder, 0o700)
        super().__init__([DOUBLE, os.path.join(self.folder, "link.sock")],
                         stdin=subprocess.PIPE)
        scratch.callback(self.end)
        self.wait_line("listening")

    def end(self):
        if self.is_running():
            self.kill()
        self.process.stdin.close()

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, line, answer):
        """Says @line, and returns the line that begins with @answer."""
        before = len(self.lines)
        self.say(line)
        return self.lines[self.wait_line(answer, after=before)]

    def publish(self, link, topic, size=5, count=1, retain=0):
        self.ask(f"publish {link} {topic} {size} {count} {retain}",
                 "published ")


class Links:
    """The configuration of a site's links, and their processes. One that ends
    with "again" is started again, as depotd or systemd would."""

    def __init__(self, scratch, double, site=h.SITE):
        self.scratch, self.double, self.site = scratch, double, site
        self.sections = ""
        self.running = {}
        self.peak = {}  # KiB, by name
        self.restarts = 0
        scratch.callback(self.end)

    def add(self, name, uri, **directives):
        self.sections += f"[link {name}]\nuri = {uri}\n" + "".join(
            f"{key} = {value}\n" for key, value in directives.items())
        new = self.scratch.write("new.conf", (
            f"[site]\norg = {h.ORG}\nsite = {self.site}\n"
            f"[runtime]\ndir = {self.double.folder}\n{self.sections}"))
        self.config = self.scratch.file(f"{self.site}-depot.conf")
        os.replace(new, self.config)  # another one may be reading it
        return self.start(name)

    def start(self, name, prefix=()):
        self.running[name] = h.Program(
            [*prefix, LINK, name, "--config", self.config])
        return self.running[name]

    def look(self):
        """Notes what each took of memory so far; starts again who ended."""
        for name, program in list(self.running.items()):
            with contextlib.suppress(OSError):
                text = pathlib.Path(f"/proc/{program.pid}/status").read_text(
                    "ascii")
                if "VmHWM" in text:
                    peak = int(text.split("VmHWM:")[1].split()[0])
                    self.peak[name] = max(peak, self.peak.get(name, 0))
            if not program.is_running():
                code = program.wait()
                assert code == AGAIN or code < 0, (code, program.text())
                self.restarts += 1
                self.start(name)

    def end(self):
        for program in self.running.values():
            if program.is_running():
                program.kill()


def judge_memory(links):
    print("most memory, KiB:", links.peak, "restarts:", links.restarts)
    assert links.peak
    if not is_sanitized():
        assert all(peak < MEMORY_MAX_KIB for peak in links.peak.values()), \
            links.peak


class FarBroker(h.Broker):
    """mosquitto with other lines in its configuration."""

    def __init__(self, scratch, lines=""):
        super().__init__(scratch)
        with open(self.config, "a", encoding="utf-8") as file:
            file.write(lines)
        self.start()


# ---- TLS ----

def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True,
                   capture_output=True, timeout=h.LIMIT)


def certificates(scratch):
    """A root; of it a server that is "localhost", and a client; another root.
    """
    h.need("openssl")
    folder = scratch.file("tls")
    os.mkdir(folder, 0o755)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
           "-days", "30")
    for root in ("ca", "other"):
        openssl(folder, "req", "-x509", *key, "-subj", f"/CN={root}",
                "-keyout", f"{root}.key", "-out", f"{root}.crt")
    for name, more in (("server", ("-addext",
                                   "subjectAltName=DNS:localhost")),
                       ("client", ())):
        openssl(folder, "req", "-x509", *key, "-subj", f"/CN={name}",
                "-CA", "ca.crt", "-CAkey", "ca.key", *more,
                "-keyout", f"{name}.key", "-out", f"{name}.crt") \
            if has_ca_option() else sign(folder, name, more)
    for path in pathlib.Path(folder).iterdir():
        path.chmod(0o644)
    return folder


def has_ca_option():
    said = subprocess.run(["openssl", "req", "-help"], capture_output=True,
                          text=True, check=False)
    return " -CA " in said.stderr + said.stdout


def sign(folder, name, more):
    """For an openssl whose req cannot sign with another's key."""
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            *more, "-keyout", f"{name}.key", "-out", f"{name}.csr")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt",
            "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions",
            "copyall", "-days", "30", "-out", f"{name}.crt")


@h.test
def a_far_broker_over_tls_is_reached_by_its_right_name_only(scratch):
    """Beside the right one: another name of the same machine, a root that did
    not sign, no certificate of our own."""
    tls = certificates(scratch)
    broker = FarBroker(scratch, f"cafile {tls}/ca.crt\n"
                                f"certfile {tls}/server.crt\n"
                                f"keyfile {tls}/server.key\n"
                                "require_certificate true\n")
    double = Double(scratch)
    links = Links(scratch, double)
    own = {"cert_file": f"{tls}/client.crt", "key_file": f"{tls}/client.key"}
    right = f"ssl://localhost:{broker.port}"
    refused = [
        links.add("address", f"ssl://127.0.0.1:{broker.port}",
                  ca_file=f"{tls}/ca.crt", **own),
        links.add("root", right, ca_file=f"{tls}/other.crt", **own),
        links.add("bare", right, ca_file=f"{tls}/ca.crt"),
    ]
    links.add("right", right, ca_file=f"{tls}/ca.crt", **own)
    double.wait_line("up right")
    double.publish("right", f"head/{h.SITE}", retain=1)
    double.wait_line(f"message right head/{h.SITE} 5 0")
    for program in refused:
        program.wait_line("link_unreached: ")
        program.wait_line("link_unreached: ", after=len(program.lines))
    h.same(double.count("up "), 1, "links that reached the broker")
    links.look()
    judge_memory(links)


@h.test
def an_account_with_a_password_is_let_in(scratch):
    h.need("mosquitto_passwd")
    passwords = scratch.file("passwords")
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "hz-01",
                    "right"], check=True, capture_output=True)
    os.chmod(passwords, 0o644)
    broker = FarBroker(scratch, f"password_file {passwords}\n")
    with open(broker.config, encoding="utf-8") as file:
        text = file.read().replace("allow_anonymous true",
                                   "allow_anonymous false")
    scratch.write(os.path.basename(broker.config), text)
    broker.stop()
    broker.start()
    double = Double(scratch)
    links = Links(scratch, double)
    files = {}
    for name, word in (("good", "right"), ("bad", "wrong"), ("open", "right")):
        files[name] = scratch.write(f"{name}.pw", word + "\n")
        os.chmod(files[name], 0o644 if name == "open" else 0o600)
    uri = f"tcp://127.0.0.1:{broker.port}"
    bad = links.add("bad", uri, user="hz-01", password_file=files["bad"])
    loose = links.add("open", uri, user="hz-01", password_file=files["open"])
    links.add("good", uri, user="hz-01", password_file=files["good"])
    double.wait_line("up good")
    at = bad.wait_line("link_unreached: ")
    assert "ot authorized" in bad.lines[at] or "password" in bad.lines[at], \
        bad.lines[at]
    h.same(loose.wait(), 1)
    assert "others must not read it" in loose.text(), loose.text()
    h.same(double.count("up "), 1)


# ---- hostile brokers ----

def packet_read(client):
    """The first byte and the body of an MQTT packet."""
    first = client.recv(1)
    if not first:
        raise EOFError
    size, shift = 0, 0
    while True:
        byte = client.recv(1)
        if not byte:
            raise EOFError
        size |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            break
    body = b""
    while len(body) < size:
        more = client.recv(size - len(body))
        if not more:
            raise EOFError
        body += more
    return first[0], body


def length(size):
    out = b""
    while size > 127:
        out += bytes([size & 127 | 128])
        size >>= 7
    return out + bytes([size])


def publish_of(topic, payload, retain=False):
    body = struct.pack(">H", len(topic)) + topic + b"\0" + payload
    return bytes([0x30 | retain]) + length(len(body)) + body


class Hostile:
    """A broker that greets, takes the subscription, and then does what its
    @conduct does with the connection; @greets: whether it says anything."""

    def __init__(self, scratch, conduct, greets=True):
        self.conduct, self.greets = conduct, greets
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.served = 0
        self.changed = threading.Condition()
        self.clients = []
        threading.Thread(target=self.accept, daemon=True).start()
        scratch.callback(self.close)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for client in self.clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.clients.append(client)
            threading.Thread(target=self.serve, args=(client,),
                             daemon=True).start()

    def serve(self, client):
        with contextlib.suppress(OSError, EOFError):
            if self.greets:
                packet_read(client)
                client.sendall(b"\x20\x03\0\0\0")
                _, body = packet_read(client)
                client.sendall(b"\x90\x08" + body[:2] + b"\0" + b"\1" * 5)
            with self.changed:
                self.served += 1
                self.changed.notify_all()
            self.conduct(client)
            client.shutdown(socket.SHUT_RDWR)

    def wait_served(self, count, links):
        end = time.monotonic() + h.LIMIT
        while self.served < count:
            links.look()
            with self.changed:
                self.changed.wait(.05)
            if time.monotonic() > end:
                raise h.Late(f"{self.served} connections, not {count}")


def send_huge(client):
    """Announces 256 MB, and sends them."""
    topic = f"{SYNC}/live/hq".encode()
    client.sendall(b"\x30" + length(HUGE) + struct.pack(">H", len(topic))
                   + topic + b"\0")
    block = bytes(1 << 20)
    for _ in range(HUGE >> 20):
        client.sendall(block)


class Long:
    """Announces 30 MiB, which there is memory for, and sends them; again and
    again."""

    def __init__(self):
        self.sent = 0

    def __call__(self, client):
        topic = f"{SYNC}/live/hq".encode()
        size = 30 << 20
        block = bytes(1 << 20)
        while True:
            client.sendall(b"\x30" + length(size)
                           + struct.pack(">H", len(topic)) + topic + b"\0")
            left = size - 3 - len(topic)
            while left > 0:
                client.sendall(block[:left])
                left -= len(block)
            self.sent += 1


def send_bad_topics(client):
    """Topics that are none, a hundred times, and then one that is."""
    bad = [b"", b"\0", b"#", b"+", b"head/+", b"head/#", b"head/a\0b",
           b"head/\xff\xfe", b"head/" + b"a" * 60000, b"live", b"req/other/hq",
           b"../../head/hq", b"rep/hz-01/hq/+", b"rep/hz-01/hq/0000000g", b"alarm/" + b"\0" * 300]
    for _ in range(100):
        for topic in bad:
            client.sendall(publish_of(f"{SYNC}/".encode() + topic, b"x"))
            client.sendall(publish_of(topic, b"x"))
    client.sendall(publish_of(f"{SYNC}/head/hq".encode(), b"well"))
    packet_read(client)


def send_retained(client):
    """20,000 heads of sites that nobody knows, and one that ends them."""
    block = b"".join(publish_of(f"{SYNC}/head/site-{i}".encode(), bytes(256),
                                True) for i in range(1000))
    for _ in range(20):
        client.sendall(block)
    while True:
        client.sendall(publish_of(f"{SYNC}/head/last".encode(), b"x", True))
        threading.Event().wait(.2)


def send_twice_received(client):
    """QoS 2, which a receiver has to remember until it is let go: never."""
    topic = f"{SYNC}/live/hq".encode()
    number = 0
    while True:
        number = number % 65535 + 1
        body = (struct.pack(">H", len(topic)) + topic
                + struct.pack(">H", number) + b"\0" + bytes(30000))
        client.sendall(b"\x34" + length(len(body)) + body)


def stall(client):
    """Half of a message, and then nothing any more."""
    whole = publish_of(f"{SYNC}/live/hq".encode(), bytes(20000))
    client.sendall(whole[:10000])
    while client.recv(4096):
        pass


def say_nothing(client):
    while client.recv(4096):
        pass


class Bed:
    """A double with a good link, and one to a hostile broker."""

    def __init__(self, scratch, conduct, greets=True, **directives):
        self.slowest = 0
        self.good = h.Broker(scratch).start()
        self.hostile = Hostile(scratch, conduct, greets)
        self.double = Double(scratch)
        self.links = Links(scratch, self.double)
        self.links.add("good", f"tcp://127.0.0.1:{self.good.port}")
        self.double.wait_line("up good")
        self.bad = self.links.add(
            "bad", f"tcp://127.0.0.1:{self.hostile.port}", **directives)

    def works(self, count=5):
        """The good link carries on, and depotd's side answers."""
        slowest = 0
        for _ in range(count):
            began = time.monotonic()
            before = len(self.double.lines)
            self.double.ask("ping", "pong")
            self.double.publish("good", f"head/{h.SITE}")
            self.double.wait_line(f"message good head/{h.SITE}", after=before)
            slowest = max(slowest, time.monotonic() - began)
            self.links.look()
        self.slowest = max(slowest, self.slowest)
        h.same(self.double.count("down good"), 0)

    def judge(self):
        print(f"the good link's slowest round: {self.slowest * 1000:.0f} ms")
        judge_memory(self.links)


@h.test
def a_publish_of_256_megabytes_costs_one_process_at_most(scratch):
    """Three connections of it, while the good link works; after each the link
    comes again, by itself or as a new process."""
    bed = Bed(scratch, send_huge)
    for number in range(1, 4):
        bed.hostile.wait_served(number, bed.links)
        bed.works()
    bed.judge()


@h.test
def long_publishes_that_fit_are_dropped_one_after_the_other(scratch):
    conduct = Long()
    bed = Bed(scratch, conduct)
    bed.double.wait_line("up bad")
    end = time.monotonic() + h.LIMIT
    while conduct.sent < 10 and time.monotonic() < end:
        bed.works(2)
    assert conduct.sent >= 10, conduct.sent
    h.same(bed.double.count("message bad"), 0)
    bed.judge()


@h.test
def topics_with_nul_or_wildcards_go_no_further_than_the_link(scratch):
    bed = Bed(scratch, send_bad_topics)
    bed.double.wait_line("message bad ")
    bed.works()
    h.same([line for line in bed.double.lines if "message bad" in line],
           ["message bad head/hq 4 0"])
    bed.judge()


@h.test
def a_flood_of_retained_messages_is_taken_or_dropped_and_nothing_else(scratch):
    bed = Bed(scratch, send_retained)
    bed.double.wait_line("message bad head/last 1 1")
    bed.works()
    passed = bed.double.count("message bad head/site-")
    print(f"{passed} of 20000 were passed on")
    bed.judge()


@h.test
def messages_that_have_to_be_remembered_end_the_link_at_most(scratch):
    """Until the process has been started again, or has been cut off."""
    bed = Bed(scratch, send_twice_received, keepalive_s=10)
    bed.hostile.wait_served(1 if is_sanitized() else 2, bed.links)
    bed.works()
    bed.judge()


@h.test
def a_broker_that_stalls_in_mid_frame_is_given_up(scratch):
    bed = Bed(scratch, stall, keepalive_s=10)
    bed.double.wait_line("up bad")
    bed.works()
    bed.double.wait_line("down bad")
    bed.hostile.wait_served(2, bed.links)
    bed.works()
    bed.judge()


@h.test
def a_listener_that_says_nothing_is_given_up(scratch):
    bed = Bed(scratch, say_nothing, greets=False)
    bed.hostile.wait_served(1, bed.links)
    bed.works()
    bed.bad.wait_line("link_unreached: ")
    bed.hostile.wait_served(2, bed.links)
    bed.works()
    h.same(bed.double.count("up bad"), 0)
    bed.judge()


class Names:
    """A name server that is bound and never read from, to whoever is started
    with @prefix: in a mount namespace whose /etc/resolv.conf names it."""

    def __init__(self, scratch, server):
        self.server = server
        server.settimeout(h.LIMIT)
        names = scratch.write("resolv.conf", "nameserver 127.0.0.77\n")
        self.prefix = (
            "unshare", "-m", "sh", "-c",
            f'mount --bind {names} /etc/resolv.conf && exec "$@"', "sh")

    def wait_asked(self):
        assert b"example" in self.server.recv(512)


def silent_names(scratch):
    """None, and says why, where there can be none."""
    probe = subprocess.run(["unshare", "-m", "true"], check=False,
                           capture_output=True)
    if probe.returncode != 0:
        print("SKIP: no mount namespaces here")
        return None
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    scratch.callback(server.close)
    try:
        server.bind(("127.0.0.77", 53))
    except OSError as error:
        print(f"SKIP: port 53 cannot be had: {error}")
        return None
    return Names(scratch, server)


@h.test
def a_name_server_that_says_nothing_holds_up_its_own_link_alone(scratch):
    """SIGTERM ends the link while it waits."""
    names = silent_names(scratch)
    if names is None:
        raise h.Skip("no name server of our own here")
    bed = Bed(scratch, say_nothing)
    bed.links.add("nameless", "tcp://far.example:1883").kill()
    program = bed.links.start("nameless", names.prefix)
    names.wait_asked()
    bed.works(10)
    program.signal(signal.SIGTERM)
    h.same(program.wait(10), 0)
    del bed.links.running["nameless"]
    bed.judge()


# ---- life and death ----

@h.test
def a_link_that_is_killed_or_that_depotd_leaves_ends_and_comes_again(scratch):
    broker = h.Broker(scratch).start()
    double = Double(scratch)
    links = Links(scratch, double)
    program = links.add("hq", f"tcp://127.0.0.1:{broker.port}")
    double.wait_line("up hq")
    program.kill()
    seen = double.wait_line("down hq: the link's process ended")
    program = links.start("hq")
    double.wait_line("up hq", after=seen)
    double.kill()
    h.same(program.wait(), AGAIN)
    # Without depotd it does not even begin.
    h.same(links.start("hq").wait(), AGAIN)
    h.same(links.running["hq"].count("nobody listens"), 1)


@h.test
def what_is_not_configured_does_not_run(scratch):
    double = Double(scratch)
    links = Links(scratch, double)
    h.same(links.add("off", "tcp://127.0.0.1:1", enabled="no").wait(), 0)
    h.same(links.start("other").wait(), 5)
    assert "there is no [link other]" in links.running["other"].text()
    check = subprocess.run([LINK, "off", "--check", "--config", links.config],
                           check=False, capture_output=True)
    h.same(check.returncode, 0)
    links.add("HQ", "tcp://127.0.0.1:1")
    h.same(links.running["HQ"].wait(), 78)
    h.same(subprocess.run([LINK], check=False,
                          capture_output=True).returncode, 2)


@h.test
def depotd_runs_its_links_where_no_systemd_does(scratch):
    """Method: what depotd says of them, and what runs when it has ended. A box
    by itself has nobody at the other end, and runs none."""
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, **{
        "broker__start": "child",
        "link hq__uri": f"tcp://127.0.0.1:{broker.port}",
        "link off__uri": "tcp://127.0.0.1:1", "link off__enabled": "no"})
    box.start()
    box.stop()
    h.same(box.program.count(" link_"), 0)
    subprocess.run([DEPOT, "--config", box.config, "hq", "init", "--root-key",
                    scratch.file("root-key.txt")], check=True,
                   capture_output=True)
    box.start()
    # It is heard on its socket, or finds that nobody listens (yet), ends and
    # comes again.
    at = box.program.wait_line(" link_")
    assert " hq" in box.program.lines[at], box.program.lines[at]
    h.same(box.program.count("link off"), 0)
    box.audit(found=0)
    left = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes()
            if b"depot-link" in line and box.config.encode() in line:
                left.append(line)
    h.same(left, [], "links that outlive depotd")


# ---- speed ----

@h.test
def frames_of_32_kib_travel_through_two_links_and_a_broker(scratch):
    """Measured, not judged: 2,000 frames from one site to another."""
    broker = h.Broker(scratch).start()
    doubles = [Double(scratch, name) for name in ("run-a", "run-b")]
    for double, site in zip(doubles, ("a", "b")):
        Links(scratch, double, site).add(
            "hq", f"tcp://127.0.0.1:{broker.port}")
        double.wait_line("up hq")
    count = 2000
    doubles[1].ask(f"count {count}", "counts")  # before the first one comes
    began = time.monotonic()
    doubles[0].publish("hq", "rep/b/a/00000001", 32768, count)
    line = doubles[1].lines[doubles[1].wait_line(f"counted {count} ")]
    took = time.monotonic() - began
    print(f"{line}: {count * 32768 / 1e6 / took:.0f} MB/s")
    h.same(doubles[1].count("message "), 0)


if __name__ == "__main__":
    h.main()
