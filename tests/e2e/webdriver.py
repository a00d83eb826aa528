"""A browser, driven by the W3C's WebDriver protocol over plain HTTP: Debian's
chromium and chromium-driver, and nothing else.

Nothing sleeps for a result: wait() asks the page again until it holds."""

import base64
import contextlib
import http.client
import json
import os
import time

import depot_harness as h

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
PHONE = {"width": 390, "height": 844, "pixelRatio": 2, "mobile": True,
         "touch": True}
DESKTOP = {"width": 1280, "height": 900, "pixelRatio": 1, "mobile": False,
           "touch": False}
KEY_ENTER = "\ue007"


def need_browser():
    """Where tests must run, a missing browser is a failure and no skip."""
    try:
        h.need("chromium", "chromedriver")
    except h.Skip as skip:
        if os.environ.get("CI"):
            raise AssertionError(str(skip)) from None
        raise


class Browser:
    """One browser with a profile of its own."""

    def __init__(self, scratch, device=None, lang="en-GB"):
        need_browser()
        self.scratch = scratch
        self.port = h.port_free()
        self.program = h.Program(
            ["chromedriver", f"--port={self.port}", "--log-level=SEVERE"])
        scratch.callback(self.end)
        self.session = None
        profile = scratch.file(f"profile-{self.port}")
        options = {"args": [
            "--headless=new", "--no-sandbox", "--disable-gpu",
            "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--disable-default-apps", "--hide-scrollbars",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--user-data-dir={profile}", f"--lang={lang}",
            f"--accept-lang={lang}"],
            "prefs": {"intl.accept_languages": lang}}
        options["mobileEmulation"] = {"deviceMetrics": device or PHONE}
        capabilities = {"browserName": "chrome", "acceptInsecureCerts": True,
                        "goog:chromeOptions": options}
        self._wait_driver()
        made = self._call("POST", "/session", {
            "capabilities": {"alwaysMatch": capabilities}})
        self.session = made["sessionId"]

    def _wait_driver(self):
        end = time.monotonic() + h.LIMIT
        while True:
            try:
                if self._call("GET", "/status")["ready"]:
                    return
            except OSError:
                if time.monotonic() > end:
                    raise
                self.program.live(.05)

    def _call(self, method, path, body=None):
        link = http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=h.LIMIT)
        try:
            link.request(method, path,
                         None if body is None else json.dumps(body),
                         {"Content-Type": "application/json"})
            answer = json.loads(link.getresponse().read())["value"]
        finally:
            link.close()
        if isinstance(answer, dict) and answer.get("error"):
            raise AssertionError(f"{path}: {answer['error']}: "
                                 f"{answer['message']}")
        return answer

    def call(self, method, path, body=None):
        return self._call(method, f"/session/{self.session}{path}", body)

    def end(self):
        if self.session is not None:
            with contextlib.suppress(Exception):
                self.call("DELETE", "")
            self.session = None
        if self.program.is_running():
            self.program.process.kill()
            self.program.process.wait()

    # -- looking --

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """The value of a function's body in the page."""
        return self.call("POST", "/execute/sync",
                         {"script": script, "args": list(arguments)})

    def text(self, selector):
        """What a person reads there; None if it is not to be seen."""
        return self.run(
            "const one = document.querySelector(arguments[0]);"
            "return one && one.getClientRects().length ? one.innerText : null",
            selector)

    def wait(self, what, condition, limit=h.LIMIT):
        """Asks again until @condition() is true; returns what it gave."""
        end = time.monotonic() + limit
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > end:
                shot = self.shot("late")
                raise h.Late(f"{what}: the page says "
                             f"{self.run('return document.body.innerText')!r}"
                             f" ({shot})")
            self.program.live(.05)

    def wait_text(self, selector, part):
        """Waits until what is read at @selector holds @part."""
        return self.wait(f"no {part!r} at {selector}", lambda: (
            part in (self.text(selector) or "")) and self.text(selector))

    # -- doing --

    def find(self, selector):
        return self.call("POST", "/element", {
            "using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.wait(f"no {selector}", lambda: self.text(selector) is not None)
        self.run("document.querySelector(arguments[0])"
                 ".scrollIntoView({block: 'center'})", selector)
        try:
            self.call("POST", f"/element/{self.find(selector)}/click", {})
        except AssertionError as error:
            # The page drew it anew in between: a person taps again.
            if "stale element" not in str(error):
                raise
            self.call("POST", f"/element/{self.find(selector)}/click", {})

    def type(self, selector, text, enter=False):
        element = self.find(selector)
        self.call("POST", f"/element/{element}/clear", {})
        self.call("POST", f"/element/{element}/value",
                  {"text": text + (KEY_ENTER if enter else "")})

    def shot(self, name):
        """A picture in DEPOT_SHOTS, for people; returns its path."""
        folder = os.environ.get("DEPOT_SHOTS")
        if not folder:
            return "DEPOT_SHOTS names no folder for a picture"
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, name + ".png")
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("GET", "/screenshot")))
        return path
