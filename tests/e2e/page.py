#!/usr/bin/python3
"""The operator page in a real browser, as a person uses it: with thumbs, by
what is written on it. DEPOT_SHOTS=FOLDER keeps pictures."""

import depot_harness as h
from page_bed import Site
from webdriver import DESKTOP, Browser

MUG = "4006381333931"
NOBODYS = "24006381333935"


class Person:
    """Somebody with a phone."""

    def __init__(self, scratch, site, account="li", device="phone-1", lang="en",
                 screen=None):
        self.site = site
        self.name = lang + ("-desktop" if screen else "-phone")
        self.browser = Browser(scratch, screen,
                               "zh-CN" if lang == "zh" else "en-GB")
        self.url = f"https://127.0.0.1:{site.page_port}/"
        code = site.offer(account, device)
        self.browser.open(self.url + "#pair=" + code)
        self.browser.wait("not paired", lambda: self.browser.text("#say"))

    def result(self):
        return self.browser.run(
            "return document.getElementById('say').dataset.result")

    def said(self, result, *parts):
        """Waits for a result, and that the big words hold @parts."""
        self.browser.wait(f"no {result} with {parts}", lambda: (
            self.result() == result and all(
                part.lower() in self.browser.text("#big").lower()
                for part in parts)))

    def scan(self, text, result="booked", *parts):
        self.browser.type("#code", text, enter=True)
        self.said(result, *(parts or ()))

    def choose(self, op):
        if self.browser.text(f"[data-op={op}]") is None:
            self.browser.click("#other" if self.browser.text("#other")
                               else "#more-ops")
        self.browser.click(f"[data-op={op}]")

    def turn(self, tab):
        self.browser.click(f"[data-tab={tab}]")

    def shot(self, name):
        self.browser.shot(f"{self.name}-{name}")

    def waiting(self):
        return self.browser.run(
            "return JSON.parse(localStorage['depot.queue'] || '[]').length")


def a_shift(scratch, lang, words, screen=None):
    """Goods come in, one is taken back, one has no name yet, a task is done."""
    site = Site(scratch, lang)
    site.start()
    site.depot("task", "add", "A-01")
    boss = Person(scratch, site, "wang", "phone-1", lang, screen)
    page = boss.browser
    page.wait_text("#title", "Hangzhou 1")
    page.wait_text("#tabs", words["tasks"])
    boss.shot("first")
    h.same(page.run("return location.hash"), "", "the code is gone")

    boss.choose("receive")
    boss.said("operation", words["receive"])
    page.wait_text("#next", words["item"])
    boss.scan("A-01", "bin", "A-01")
    boss.scan(MUG, "booked", words["received"], "MUG")
    for _ in range(4):
        page.click("#more")
    boss.scan(MUG, "booked", "5 × MUG")
    boss.shot("booked")
    h.same(site.on_hand_of("MUG"), 6)
    page.click("#undo")
    boss.said("booked", words["undone"])
    boss.shot("undone")
    h.same(site.on_hand_of("MUG"), 1)

    boss.scan("DEPOT.BIN.Z-99", "refused", "Z-99")
    boss.shot("refused")
    boss.scan(NOBODYS, "parked")
    boss.shot("parked")
    page.wait_text("[data-tab=names]", "1")
    boss.turn("names")
    page.wait_text("#name-list .code", NOBODYS)
    page.type("#name-list input[name=item]", "MUG")
    page.type("#name-list input[name=pack]", "12")
    boss.shot("names")
    page.click("#name-list .main")
    page.wait_text("#name-list", words["no_names"])
    h.same(site.on_hand_of("MUG"), 13)

    boss.turn("tasks")
    page.wait_text("#task-list .what", "A-01")
    boss.shot("tasks")
    page.click("#task-list .claim")
    page.wait("still open", lambda:
              page.text("#task-list .what") and
              page.text("#task-list .claim") is None)
    page.click("#task-list .finish")
    page.wait_text("#task-list", words["no_tasks"])
    h.same(site.depot("tasks")["tasks"], [])

    boss.turn("box")
    page.wait_text("#box-list", "wang")
    # The box has no network yet.
    page.wait("the form for a join code", lambda: page.text("#join-form"))
    boss.shot("box")
    page.click("#lang")
    page.wait_text("#lang", words["this"])
    boss.turn("scan")
    page.click("#done")
    boss.said("done")
    boss.shot("other-language")
    h.same(boss.waiting(), 0)
    no_foreign_words(page)


def no_foreign_words(page):
    """Nothing is loaded from elsewhere, nothing was blocked, nothing failed."""
    names = page.run("return performance.getEntriesByType('resource')"
                     ".map((one) => new URL(one.name).origin)")
    own = page.run("return location.origin")
    assert names and set(names) == {own}, names


EN = {"tasks": "Tasks", "receive": "receive", "item": "item",
      "received": "receive", "undone": "undone", "no_names": "has its name",
      "no_tasks": "Nothing to do", "this": "English"}
ZH = {"tasks": "任务", "receive": "收货", "item": "商品", "received": "收货",
      "undone": "已撤销", "no_names": "都已命名", "no_tasks": "没有任务",
      "this": "中文"}


@h.test
def a_shift_in_english(scratch):
    a_shift(scratch, "en", EN)


@h.test
def a_shift_in_chinese(scratch):
    a_shift(scratch, "zh", ZH)


@h.test
def a_shift_at_a_desk(scratch):
    a_shift(scratch, "en", EN, DESKTOP)


@h.test
def a_site_check_is_answered(scratch):
    """Method: a check that is always due, one answer missing, then both; the
    answers are read by another way."""
    site = Site(scratch)
    site.depot("check", "import", scratch.write("checks.csv", (
        "check,question,name_en,name_zh,kind,every_h,answer,low,high,measure\n"
        "cold-1,,Freezer,冷库,cold_chain,1,,,,\n"
        "cold-1,1,Temperature,温度,,,number,-22,-18.5,C\n"
        "cold-1,2,Door closed?,门已关？,,,yes,,,\n")))
    site.start()
    person = Person(scratch, site)
    page = person.browser
    person.turn("tasks")
    page.click("#task-list .answer")
    page.wait_text("#task-list", "Temperature")
    page.type("#task-list fieldset input", "-19,5")
    page.click("#task-list form .main")
    h.same(len(site.depot("check", "history", "cold-1")["results"]), 0)
    page.click("#task-list .yesno label")
    person.shot("check")
    page.click("#task-list form .main")
    page.wait_text("#task-list", "Nothing to do")
    result, = site.depot("check", "history", "cold-1")["results"]
    h.same([str(one["value"]) for one in result["answers"]], ["-19.5", "yes"])
    h.same(result["by"], "li")


@h.test
def nothing_is_lost_or_twice_when_the_box_dies(scratch):
    """Method: kill -9 between readings and under them, a reload of the page
    while the box is away, and the book at the end: each reading once."""
    site = Site(scratch)
    site.start()
    person = Person(scratch, site)
    page = person.browser
    person.choose("receive")
    person.said("operation")
    for turn in range(3):
        page.type("#code", MUG, enter=True)
        site.kill()
        for _ in range(4):
            page.type("#code", MUG, enter=True)
        person.said("kept")
        page.wait_text("#waiting", "kept on this phone")
        person.shot(f"away-{turn}")
        if turn == 1:
            # What waits outlives the page.
            waits = person.waiting()
            assert waits >= 4, waits
            site.start()
            page.open(person.url)
        else:
            site.start()
        page.wait("something waits", lambda: person.waiting() == 0)
        h.same(site.on_hand_of("MUG"), 5 * (turn + 1), f"after kill {turn}")
    site.stop()
    page.wait("the age is hidden", lambda: page.run(
        "return document.getElementById('age').className") == "late")
    person.shot("silent")


@h.test
def odd_codes_and_lost_numbers_stop_nobody(scratch):
    """Method: a code as long as a page and one that is no text, as a camera
    may see them; and a number that was given away by a tab that died."""
    site = Site(scratch)
    site.start()
    person = Person(scratch, site)
    page = person.browser
    person.choose("receive")
    person.said("operation")
    page.run("scan('x'.repeat(5000))")
    page.wait("it stands in the way", lambda: person.waiting() == 0)
    page.run("scan('a\\ud800b')")
    page.wait("it stands in the way", lambda: person.waiting() == 0)
    page.run("store.set('seq', store.get('seq', 0) + 1)")
    person.scan(MUG, "booked", "MUG")
    person.scan(MUG, "booked", "MUG")
    page.wait("something waits", lambda: person.waiting() == 0)
    h.same(site.on_hand_of("MUG"), 2)


@h.test
def a_stranger_sees_how_to_pair(scratch):
    """Method: no code, a wrong one, a used one; then the right one by hand."""
    site = Site(scratch)
    site.start()
    person = Person(scratch, site)
    page = Browser(scratch)
    page.open(person.url)
    page.wait_text("#pair-say", "not paired")
    h.same(page.text("#tabs"), None)
    page.shot("en-phone-pair")
    page.type("#pair-code", "0000-0000-0000-0000", enter=True)
    page.wait_text("#pair-say", "depot page pair")
    page.type("#pair-code", site.offer("li", "phone-2").upper(), enter=True)
    page.wait("not paired", lambda: page.text("#say"))
    # Lost: its next answer sends it back to the start.
    site.depot("page", "revoke", "phone-2")
    page.wait_text("#pair-say", "not paired")
    # The camera, where the browser has no detector, says so.
    has = person.browser.run("return 'BarcodeDetector' in window")
    person.browser.click("#camera")
    person.said("camera", "camera" if not has else "")
    # The owner ends it.
    person.turn("box")
    person.browser.click("#leave")
    person.browser.click("#leave")
    person.browser.wait_text("#pair-say", "not paired")
    h.same(site.depot("page", "list")["phones"], [])


@h.test
def the_camera_counts_what_comes_into_sight(scratch):
    """Method: a real stream of a camera that is none, and a detector in the
    browser's place that sees a code, for long, then nothing, then it again."""
    site = Site(scratch)
    site.start()
    person = Person(scratch, site)
    page = person.browser
    page.run("""
        window.looks = 0;
        window.sight = arguments[0];
        window.BarcodeDetector = class {
            async detect(video) {
                if (video.videoWidth === 0) return [];
                window.looks++;
                return window.sight ? [{rawValue: window.sight}] : [];
            }
        };""", MUG)
    person.choose("receive")
    person.said("operation")

    def looks(number):
        page.run("window.looks = 0")
        page.wait("no looks", lambda: page.run("return window.looks") > number)

    page.click("#camera")
    person.said("booked", "MUG")
    looks(10)  # at 150 ms each
    h.same(site.on_hand_of("MUG"), 1, "while it is in sight")
    person.shot("camera")
    page.run("window.sight = ''")
    looks(15)
    page.run("window.sight = arguments[0]", MUG)
    page.wait("not again", lambda: site.on_hand_of("MUG") == 2)
    page.click("#camera")
    page.wait("still on", lambda: page.run(
        "return document.getElementById('video').srcObject.active") is False)


@h.test
def a_box_without_a_network_asks_for_a_code(scratch):
    """Method: a code that cannot be one is typed; what the box says to it is
    shown, and the form stays. (What a good one does: join.py.)"""
    site = Site(scratch)
    site.start()
    person = Person(scratch, site, "wang")
    page = person.browser
    person.turn("box")
    page.type("#join-code", "DEPOT1-ABCD-EFGH", enter=True)
    page.wait_text("#join-say", "too short")
    assert page.text("#join-form"), "the form is gone"


@h.test
def a_second_tab_gives_no_number_twice(scratch):
    site = Site(scratch)
    site.start()
    page = Person(scratch, site).browser
    made = page.call("POST", "/window/new", {"type": "tab"})
    page.call("POST", "/window", {"handle": made["handle"]})
    page.open(f"https://127.0.0.1:{site.page_port}/")
    page.wait_text("#pair-say", "another tab")


if __name__ == "__main__":
    h.main()
