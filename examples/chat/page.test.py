#!/usr/bin/env python3
"""The page of the chat in Chromium, and with it the terminal client and the server.

    page.test.py PROGRAMS FOLDER

PROGRAMS holds `chat` and `chat_terminal`; FOLDER is for what the browser leaves behind.
Chromium is driven by chromedriver, with nothing but the standard library.
"""
# SPDX-License-Identifier: BSL-1.0

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

programs, folder = sys.argv[1:]
patience = 20  # seconds

IMG = "<img src=x onerror=alert(1)>"  # a name of 28 characters
EVIL = [
    IMG,
    "<script>alert(2)</script>",
    '"><b>bold</b>',
    "javascript:alert(3)",
    "&lt;i&gt; &amp; {{7*7}} ${alert(4)}",
    "a" * 300,
]


def until(what, look):
    """Waits until look() is true, and returns what it returned."""
    end = time.monotonic() + patience
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)


def equal(what, seen, expected):
    assert seen == expected, f"{what}:\n  seen     {seen!r}\n  expected {expected!r}"


started = []  # programs, which shall end with us


class Program:
    """A child whose lines are collected as they come."""

    def __init__(self, *command, **options):
        self.lines = []
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
        )
        started.append(self)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def line(self, pattern):
        """The first line that is like that."""

        def look():
            all_found = (re.search(pattern, line) for line in self.lines)
            found = next((one for one in all_found if one), None)
            assert found or self.reader.is_alive(), f"ended before: {pattern}"
            return found

        return until(pattern, look)

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def ended(self):
        code = self.process.wait(timeout=patience)
        self.reader.join(timeout=patience)
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Server(Program):
    def __init__(self, port=0):
        flags = f"--web {port} --line 0 --log warning --max-message 1000"
        super().__init__(os.path.join(programs, "chat"), *flags.split())
        self.url = self.line(r"^Chat: (http://127\.0\.0\.1:\d+/)$").group(1)
        self.port = int(self.url.split(":")[2].rstrip("/"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        equal("the exit code of the server", self.ended(), 0)


class Browser:
    """Chromium, as WebDriver has it."""

    def __init__(self):
        self.driver = Program(
            shutil.which("chromedriver"), "--port=0", stderr=subprocess.DEVNULL
        )
        self.session = None
        port = self.driver.line(r"started successfully on port (\d+)").group(1)
        self.port = int(port)
        flags = (
            "headless=new no-sandbox disable-gpu disable-quic no-first-run "
            "disable-background-networking disable-component-update disable-sync "
            "disable-dev-shm-usage"
        )
        options = {
            "args": [f"--{flag}" for flag in flags.split()]
            + [f"--user-data-dir={folder}/profile", "--window-size=1000,700"],
            "binary": shutil.which("chromium"),
        }
        made = self.command(
            "POST",
            "/session",
            {
                "capabilities": {
                    "alwaysMatch": {
                        "goog:chromeOptions": options,
                        "goog:loggingPrefs": {"browser": "ALL"},
                        "unhandledPromptBehavior": "ignore",
                    }
                }
            },
        )
        self.session = made["sessionId"]
        started.append(self)

    def command(self, method, path, body=None):
        if self.session:
            path = f"/session/{self.session}{path}"
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        text = json.dumps(body or {}) if method == "POST" else None
        link.request(method, path, text, {"Content-Type": "application/json"})
        value = json.loads(link.getresponse().read())["value"]
        link.close()
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError(f"{method} {path}: {value['error']}: {value['message']}")
        return value

    def devtools(self, name, **params):
        self.command("POST", "/goog/cdp/execute", {"cmd": name, "params": params})

    def log(self):
        """What the console has said since the last call."""
        entries = self.command("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries]

    def kill(self):
        self.command("DELETE", "")


class Page:
    """A window of the browser."""

    keys = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Shift": "\ue008"}

    def __init__(self, browser, url):
        self.browser = browser
        self.window = browser.command("POST", "/window/new", {"type": "window"})["handle"]
        self.post("/url", {"url": url})

    def post(self, path, body=None):
        self.browser.command("POST", "/window", {"handle": self.window})
        return self.browser.command("POST", path, body)

    def run(self, script, *args):
        return self.post("/execute/sync", {"script": script, "args": args})

    def read(self, expression):
        return self.run(f"return {expression};")

    def get(self, name, expression):
        """Something of the element with that id."""
        return self.read(f"document.getElementById('{name}').{expression}")

    def waiting(self):
        """How many messages are not confirmed."""
        return self.get("waiting", "childElementCount")

    def press(self, *keys):
        """Keys by name, and texts, one after the other."""
        actions = []
        held = []
        for key in keys:
            chars = [self.keys[key]] if key in self.keys else list(key)
            if key == "Shift":
                held = chars
                actions.append({"type": "keyDown", "value": chars[0]})
                continue
            for char in chars:
                actions.append({"type": "keyDown", "value": char})
                actions.append({"type": "keyUp", "value": char})
        actions += [{"type": "keyUp", "value": char} for char in held]
        keyboard = {"type": "key", "id": "keyboard", "actions": actions}
        self.post("/actions", {"actions": [keyboard]})

    def accessible(self, selector):
        """The role and the name that assistive technology gets."""
        found = self.post("/element", {"using": "css selector", "value": selector})
        element = next(iter(found.values()))
        return tuple(
            self.browser.command("GET", f"/element/{element}/{what}")
            for what in ("computedrole", "computedlabel")
        )

    def state(self):
        return self.get("state", "textContent")

    def focus(self):
        """What has the focus, by id or by text."""
        active = "document.activeElement"
        return self.read(f"{active}.id || {active}.textContent")

    def messages(self):
        return self.read(
            "Array.from(document.querySelectorAll('#said .message'), (item) =>"
            " item.querySelector('.name').textContent + ': '"
            " + item.querySelector('.text').textContent)"
        )

    def notices(self):
        return self.read(
            "Array.from(document.querySelectorAll('#said .notice'), (item) =>"
            " item.textContent)"
        )

    def people(self):
        return sorted(
            self.read(
                "Array.from(document.querySelectorAll('#names li'), (item) =>"
                " item.textContent)"
            )
        )

    def is_connected(self):
        return self.state() == "Connected"

    def say(self, text):
        self.run("document.getElementById('text').focus();")
        self.press(text, "Enter")


def said_by(terminal):
    """What the terminal client shows as said, without the time."""
    found = (re.match(r"\d\d:\d\d ([^*].*)", line) for line in terminal.lines)
    return [one.group(1) for one in found if one]


# ----- what is tested -----

CONTRAST = r"""
const numbers = (color) => color.match(/[\d.]+/g).map(Number);
const light = (color) => {
  const [r, g, b] = numbers(color).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor;
    const [, , , alpha = 1] = numbers(color);
    if (alpha === 1) return color;
    if (alpha !== 0) throw new Error("a background that lets others through");
  }
  throw new Error("no background");
};
const bad = [];
let count = 0;
const look = (element, what, color) => {
  const [a, b] = [light(color), light(behind(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  count += 1;
  if (ratio < 4.5) bad.push(`${what}: ${ratio.toFixed(2)}`);
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim();
  const element = walker.currentNode.parentElement;
  if (!text || !element.checkVisibility()) continue;
  look(element, text, getComputedStyle(element).color);
}
for (const input of document.querySelectorAll("input")) {
  if (!input.checkVisibility()) continue;
  look(input, `#${input.id}`, getComputedStyle(input).color);
  const placeholder = getComputedStyle(input, "::placeholder");
  look(input, `#${input.id}::placeholder`, placeholder.color);
}
return { bad, count };
"""

OVERFLOW = r"""
const width = document.documentElement.clientWidth;
const wide = [];
for (const one of document.querySelectorAll("html, body, body *")) {
  if (!one.checkVisibility() || one.matches(".unseen")) continue;
  const { left, right } = one.getBoundingClientRect();
  const isTooFull = one.matches("html, body, #log, #log *") && one.clientWidth > 0
    && one.scrollWidth > one.clientWidth;
  if (left < -0.5 || right > width + 0.5 || isTooFull) {
    wide.push(`${one.tagName} ${one.id || one.className} ${left}..${right} of ${width}`);
  }
}
return wide;
"""

SMALL = r"""
return Array.from(document.querySelectorAll("button, input"))
  .filter((one) => one.checkVisibility())
  .filter((one) => {
    const { width, height } = one.getBoundingClientRect();
    return width < 44 || height < 44
      || (one.matches("input") && parseFloat(getComputedStyle(one).fontSize) < 16);
  })
  .map((one) => one.id || one.textContent);
"""


def test_entrance(browser, server):
    """With keys alone: a name is proposed, the room is that of the address."""
    anna = Page(browser, server.url)
    until("the dialog", lambda: anna.get("entrance", "open"))
    equal("the dialog", anna.accessible("dialog"), ("dialog", "Who are you?"))
    equal("the name", anna.accessible("#name"), ("textbox", "Name"))
    equal("the room", anna.accessible("#where"), ("textbox", "Room"))
    assert anna.get("name", "value"), "no name was proposed"
    equal("the room", anna.get("where", "value"), "lobby")
    anna.press("Escape")
    until("the dialog again", lambda: anna.get("entrance", "open"))
    until("the focus in the dialog", lambda: anna.focus() == "name")
    anna.run("document.getElementById('name').select();")
    anna.press("anna", "Tab")
    equal("the focus", anna.focus(), "where")
    anna.press("Enter")
    until("anna is in", anna.is_connected)
    until("the focus in the input", lambda: anna.focus() == "text")
    equal("the heading", anna.accessible("h1"), ("heading", "lobby"))

    bert = Page(browser, server.url + "#lobby")
    until("the dialog", lambda: bert.get("entrance", "open"))
    bert.press(IMG, "Enter")
    until("bert is in", bert.is_connected)
    return anna, bert


def test_conversation(anna, bert, carl):
    """All see all, in one order, once; what looks like code is text."""
    until("three people", lambda: anna.people() == sorted(["anna", IMG, "carl"]))
    until("three people", lambda: bert.people() == anna.people())
    equal("the number", anna.get("count", "textContent"), "3")
    until("a notice", lambda: "carl has joined" in anna.notices())

    anna.say("hello")
    bert.say("good morning")
    for text in EVIL:
        carl.say(text)
    bert.say(EVIL[0])
    anna.say(EVIL[2])
    number = 4 + len(EVIL)
    until("all of it", lambda: len(anna.messages()) == number)
    until("all of it", lambda: len(bert.messages()) == number)
    until("all of it", lambda: len(said_by(carl)) == number)
    equal("what bert sees", bert.messages(), anna.messages())
    equal("what carl sees", said_by(carl), anna.messages())
    expected = ["anna: hello", f"anna: {EVIL[2]}"]
    expected += [f"{IMG}: good morning", f"{IMG}: {EVIL[0]}"]
    expected += [f"carl: {text}" for text in EVIL]
    equal("what was said", sorted(anna.messages()), sorted(expected))
    for page in (anna, bert):
        equal("nothing waits", page.waiting(), 0)
        made = "#log :is(img, script, b, i, a), #people :is(img, script), h1 bdi *"
        equal("elements", page.read(f"document.querySelectorAll('{made}').length"), 0)


def test_roles(anna):
    equal("the top", anna.accessible("header")[0], "banner")
    equal("the middle", anna.accessible("main")[0], "main")
    equal("the side", anna.accessible("aside"), ("complementary", "People (3)"))
    equal("the log", anna.accessible("#log"), ("log", "Messages"))
    equal("how it is read", anna.get("log", "ariaLive"), "polite")
    equal("the input", anna.accessible("#text"), ("textbox", "Message"))
    equal("the button", anna.accessible("#say button"), ("button", "Send"))
    equal("the news", anna.accessible("#news")[0], "status")
    equal("the language", anna.read("document.documentElement.lang"), "en")


def test_keys(anna):
    """One gets everywhere with Tab, and back with Escape."""
    anna.run("document.activeElement.blur(); getSelection().removeAllRanges();")
    anna.press("Escape")
    equal("the focus", anna.focus(), "text")
    order = []
    for _ in range(4):
        anna.press("Shift", "Tab")
        order.append(anna.focus())
    equal("back from the input", order[:3], ["log", "share", "change"])
    anna.press("Escape", "Tab")
    equal("on from the input", anna.focus(), "Send")
    assert anna.read(
        "getComputedStyle(document.activeElement).outlineStyle === 'solid'"
    ), "the focus is not seen"
    anna.press("Escape")

    # The dialog is left as it was entered.
    anna.press("Shift", "Tab", "Tab", "Tab")
    equal("the focus", anna.focus(), "change")
    anna.press("Enter")
    until("the dialog", lambda: anna.get("entrance", "open"))
    until("the focus in the dialog", lambda: anna.focus() == "name")
    anna.press("Escape")
    until("the focus in the input", lambda: anna.focus() == "text")
    assert not anna.get("entrance", "open"), "Escape did nothing"


def test_too_long(anna):
    anna.run("document.getElementById('text').value = 'ä'.repeat(2001);")
    before = anna.messages()
    anna.press("Enter")
    said = anna.get("trouble", "textContent")
    equal("what is wrong", said, "This is too long by 2 bytes.")
    equal("the messages", anna.messages(), before)
    anna.run("document.getElementById('text').value = '';")


def test_refused(browser, anna):
    """What the server does not take stays, and says why."""
    before = anna.messages()
    anna.run("document.getElementById('text').value = 'b'.repeat(1500);")
    anna.press("Enter")
    waiting = "document.getElementById('waiting').textContent"
    refusal = "b" * 1500 + "Not sent: it is too long" + "Send again" + "Discard"
    until("it is refused", lambda: anna.read(waiting) == refusal)
    test_contrast(browser, anna, 20)
    anna.press("Shift", "Tab", "Tab")
    equal("the focus", anna.focus(), "Send again")
    anna.press("Enter")
    equal("the focus", anna.focus(), "text")
    until("it is refused again", lambda: anna.read(waiting) == refusal)
    anna.press("Shift", "Tab")
    equal("the focus", anna.focus(), "Discard")
    anna.press("Enter")
    equal("it is gone", anna.read(waiting), "")
    equal("the messages", anna.messages(), before)


def test_room(anna, bert):
    """Another room has another address and other messages; the way back is as usual."""
    before = bert.messages()
    room = "document.getElementById('room').textContent"
    bert.run("document.getElementById('change').click();")
    bert.run("document.getElementById('where').focus();")
    bert.run("document.getElementById('where').select();")
    bert.press("tea & co", "Enter")
    until("another room", lambda: bert.read(room) == "tea & co")
    equal("the address", bert.read("location.search"), "?room=tea+%26+co")
    equal("the messages", bert.messages(), [])
    until("he has left", lambda: f"{IMG} has left" in anna.notices())
    bert.say("nobody hears me")
    until("he hears himself", lambda: bert.messages() == [f"{IMG}: nobody hears me"])
    bert.post("/back")
    until("the room as before", lambda: bert.read(room) == "lobby")
    equal("the messages", bert.messages(), before)
    until("he is back", lambda: anna.people() == sorted(["anna", IMG, "carl"]))


def test_sizes(browser, bert):
    """On a phone, also with its keyboard; on a screen with 200 %."""
    for width, height in ((500, 350), (320, 300), (320, 640)):
        bert.read("1")
        browser.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2,
            mobile=True,
        )
        until("the size", lambda width=width: bert.read("innerWidth") == width)
        equal("too wide", bert.run(OVERFLOW), [])
        equal("too small", bert.run(SMALL), [])
        box = bert.get("text", "getBoundingClientRect().toJSON()")
        assert box["top"] >= 0 and box["bottom"] <= height and box["width"] >= 150, box
        log = bert.get("log", "clientHeight")
        assert log >= 100, f"messages have {log} pixels of {height}"
    names = "document.getElementById('names').checkVisibility()"
    assert not bert.read(names), "the people are in the way"
    equal("the button", bert.accessible("#show-people"), ("button", "People 3"))
    bert.run("document.getElementById('show-people').click();")
    assert bert.read(names), "the people are not shown"
    equal("too wide", bert.run(OVERFLOW), [])
    bert.press("Escape")
    assert not bert.read(names), "the people stay"
    browser.devtools("Emulation.clearDeviceMetricsOverride")


def test_reload(anna):
    before = anna.messages()
    anna.post("/refresh")
    until("she is back", anna.is_connected)
    equal("after a reload", anna.messages(), before)
    equal("the room", anna.get("room", "textContent"), "lobby")
    anna.say("I am back")
    until("it is heard", lambda: anna.messages() == before + ["anna: I am back"])


def test_contrast(browser, page, least):
    page.read("1")
    for scheme in ("light", "dark"):
        wanted = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.devtools("Emulation.setEmulatedMedia", features=wanted)
        found = page.run(CONTRAST)
        equal(f"contrast in {scheme}", found["bad"], [])
        assert found["count"] >= least, f"only {found['count']} texts"
    browser.devtools("Emulation.setEmulatedMedia", features=[])


def test_restart(browser, server, anna, bert, carl):
    """All come back by themselves; what is said in between is heard once."""
    before = anna.messages()
    until("all of it", lambda: bert.messages() == before)
    until("all of it", lambda: said_by(carl) == before)
    server.stop()
    for page in (anna, bert):
        until("it is noticed", lambda page=page: not page.is_connected())
    anna.say("anybody there?")
    carl.say("I type on")
    until(
        "it waits",
        lambda: anna.get("waiting", "textContent")
        == "anybody there?sending…",
    )
    test_contrast(browser, anna, 20)

    again = Server(server.port)
    for page in (anna, bert):
        until("all are back", page.is_connected)
    expected = sorted(before + ["anna: anybody there?", "carl: I type on"])
    for look in (anna.messages, bert.messages, lambda: said_by(carl)):
        until("it is heard", lambda look=look: len(look()) >= len(expected))
    bert.say("the end")  # what comes twice would be there by now
    expected = sorted(expected + [f"{IMG}: the end"])
    for look in (anna.messages, bert.messages, lambda: said_by(carl)):
        until("the end", lambda look=look: f"{IMG}: the end" in look())
        equal("after the restart", sorted(look()), expected)
        equal("the order", look(), anna.messages())
    equal("nothing waits", anna.waiting(), 0)
    return again


def test():
    server = Server()
    browser = Browser()
    anna, bert = test_entrance(browser, server)
    terminal = os.path.join(programs, "chat_terminal")
    carl = Program(terminal, server.url, "--name", "carl")
    test_conversation(anna, bert, carl)
    test_roles(anna)
    test_keys(anna)
    test_too_long(anna)
    test_refused(browser, anna)
    test_room(anna, bert)
    test_sizes(browser, bert)
    test_reload(anna)
    equal("the console", browser.log(), [])

    server = test_restart(browser, server, anna, bert, carl)
    expected = re.compile("WebSocket connection to .* failed: ")
    other = [line for line in browser.log() if not expected.search(line)]
    equal("the console", other, [])
    carl.process.stdin.close()
    equal("the exit code of the terminal client", carl.ended(), 0)
    until("carl has left", lambda: "carl has left" in anna.notices())
    server.stop()


# A time limit ends us with SIGTERM: everything shall end with us.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
try:
    test()
finally:
    for one in reversed(started):
        one.kill()
print("the page is as it should be")
