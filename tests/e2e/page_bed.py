"""A box that serves the operator page, set up with `depot` and nothing else of
ours, and a client of it that is no browser."""

import contextlib
import hashlib
import http.client
import json
import os
import signal
import ssl
import subprocess

import depot_harness as h

DEPOT = os.path.join(h.BUILD, "gateway/depot")

ITEMS = ("item,name_en,name_zh,unit\nMUG,White mug,白色马克杯,each\n"
         "LAMP,Desk lamp,台灯,each\n")
CODES = "code,item,pack\n4006381333931,MUG,1\n"
BINS = "bin\nA-01\nA-02\n"


class Site(h.Box):
    """Its broker is its own; items, bins and an operator are in it."""

    def __init__(self, scratch, lang="en"):
        h.need("mosquitto")
        self.mqtt_port = h.port_free()
        self.page_port = h.port_free()
        os.mkdir(scratch.file("run"))
        super().__init__(scratch, 0, seeding=None, **{
            "broker__mode": "managed", "broker__uri": "",
            "broker__start": "child", "broker__port": self.mqtt_port,
            "site__lang": lang, "site__name": "Hangzhou 1",
            "page__enabled": "yes", "page__address": "127.0.0.1",
            "page__port": self.page_port})
        self.depot("init", "--org", h.ORG, "--site", h.SITE, "--path",
                   self.store, "--map-size", "64MiB", "--account", "boss")
        for what, table in (("item", ITEMS), ("code", CODES), ("bin", BINS)):
            self.depot(what, "import", scratch.write(what + ".csv", table))
        self.depot("account", "add", "li", "--role", "operator")
        self.depot("account", "add", "wang", "--role", "manager,purchasing")
        self.depot("account", "add", "shen", "--role", "finance")

    def start(self, limit=h.LIMIT):
        super().start(limit)
        self.program.wait_line(" page_ready: ", limit)
        return self

    def end(self):
        """Ends in order if it can: its broker ends with it."""
        if self.program is not None and self.program.is_running():
            with contextlib.suppress(AssertionError, h.Late):
                self.stop()
        super().end()

    def kill(self):
        """kill -9. Its broker lives on, and holds the log open: the end of
        that is not waited for."""
        self.program.signal(signal.SIGKILL)
        return self.program.process.wait()

    def depot(self, *words, code=0):
        """Runs `depot --json`; returns its document."""
        done = subprocess.run(
            [DEPOT, "--config", self.config, "--json", "--yes", *words],
            capture_output=True, check=False, text=True, timeout=h.LIMIT,
            stdin=subprocess.DEVNULL)
        h.same(done.returncode, code, f"exit of depot {' '.join(words)}: "
               f"{done.stdout}{done.stderr}")
        return json.loads((done.stdout or done.stderr).splitlines()[0])

    def offer(self, account="li", device="phone-1"):
        """A one-time code."""
        made = self.depot("page", "pair", "--account", account, "--device",
                          device)
        url, code = made["url"], made["page"]["code"]
        h.same(url, f"https://127.0.0.1:{self.page_port}/#pair={code}")
        h.same(len(code), 16, "letters of 5 bits")
        return code

    def on_hand_of(self, item):
        return self.depot("stock", item)["on_hand"]


class Caller:
    """Speaks HTTPS to the page; keeps its cookie, as a browser would."""

    def __init__(self, site):
        self.site = site
        self.cookie = None
        self.origin = f"https://127.0.0.1:{site.page_port}"
        self.seq = 0
        self.boot = "b1"
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def connection(self):
        return http.client.HTTPSConnection(
            "127.0.0.1", self.site.page_port, context=self.context,
            timeout=h.LIMIT)

    def fingerprint(self):
        """Of the certificate that is served."""
        link = self.connection()
        link.connect()
        raw = link.sock.getpeercert(True)
        link.close()
        digest = hashlib.sha256(raw).hexdigest().upper()
        return ":".join(digest[i:i + 2] for i in range(0, 64, 2))

    def ask(self, method, path, body=None, **headers):
        """Returns (status, document or bytes, headers)."""
        sent = {"Origin": self.origin, "Content-Type": "application/json"}
        if self.cookie:
            sent["Cookie"] = f"other=1; {self.cookie}"
        sent.update({name.replace("_", "-"): value
                     for name, value in headers.items()})
        sent = {name: value for name, value in sent.items()
                if value is not None}
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        link = self.connection()
        try:
            link.request(method, path, body, sent)
            answer = link.getresponse()
            data = answer.read()
        finally:
            link.close()
        told = dict(answer.getheaders())
        if "json" in told.get("Content-Type", "") and data:
            data = json.loads(data)
        return answer.status, data, told

    def post(self, path, body, **headers):
        return self.ask("POST", path, body, **headers)

    def refused(self, status, code, *request, **headers):
        """Asks, and must be refused so."""
        got, data, told = self.ask(*request, **headers)
        h.same((got, data["error"]["code"]), (status, code),
               f"answer to {request[:2]}")
        assert data["error"]["text_en"] and data["error"]["text_zh"]
        return told

    def pair(self, account="li", device="phone-1"):
        code = self.site.offer(account, device)
        status, data, told = self.post("/api/pair", {"code": code})
        h.same((status, data), (200, {"device": device, "account": account}))
        cookie = told["Set-Cookie"]
        name, rest = cookie.split(";", 1)
        front = f"__Host-depot-{self.site.page_port}="
        assert name.startswith(front) and len(name) == len(front) + 26, name
        for word in ("Path=/", "Secure", "HttpOnly", "SameSite=Strict"):
            assert word in rest, cookie
        self.cookie = name
        return self

    def state(self):
        status, data, _ = self.ask("GET", "/api/state")
        h.same(status, 200, f"state: {data}")
        return data

    def reading(self, **fields):
        self.seq += 1
        return {"v": 1, "boot": self.boot, "seq": self.seq, **fields}

    def scan(self, code=None, **fields):
        """Sends a reading until its acknowledgement comes; returns that."""
        if code is not None:
            fields["code"] = code
        reading = self.reading(**fields)
        while True:
            status, data, _ = self.post("/api/scan", reading)
            h.same(status, 200, f"scan: {data}")
            if data["ack"] is not None:
                return data["ack"]

    def command(self, name, **args):
        status, data, _ = self.post("/api/command",
                                    {"name": name, "args": args})
        h.same(status, 200, f"{name}: {data}")
        return data
