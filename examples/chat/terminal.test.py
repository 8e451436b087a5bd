#!/usr/bin/env python3
"""The terminal client of the chat, against a server that does what the test says.

    terminal.test.py PROGRAMS
"""
# SPDX-License-Identifier: BSL-1.0

import base64
import fcntl
import hashlib
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

program = os.path.join(sys.argv[1], "chat_terminal")
patience = 20  # seconds
ids = (f"1700000000000-{number}" for number in range(1_000_000))


def until(what, look):
    """Waits until look() is true, and returns that; what() is what never was."""
    end = time.monotonic() + patience
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < end, f"never: {what()}"
        time.sleep(0.01)


def equal(what, seen, expected):
    assert seen == expected, f"{what}:\n  seen     {seen!r}\n  expected {expected!r}"


me = "cafe"


def message(name, text, mark=""):
    """News of a message; the mark is that of the client, if it was its own."""
    mark = f"{me}-{mark}" if mark else "beef-1"
    return {"type": "message", "id": next(ids), "name": name, "text": text, "mark": mark}


class Peer:
    """The server's end of one WebSocket."""

    def __init__(self, link):
        link.settimeout(patience)
        self.link = link
        self.bytes = link.makefile("rb")
        request = iter(self.bytes.readline, b"\r\n")
        fields = dict(line.decode().strip().split(": ", 1) for line in list(request)[1:])
        made = hashlib.sha1(
            fields["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        )
        accept = base64.b64encode(made.digest()).decode()
        link.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
            + accept.encode()
            + b"\r\n\r\n"
        )

    def send(self, opcode, payload):
        size = len(payload)
        head = bytes([size]) if size < 126 else struct.pack(">BH", 126, size)
        self.link.sendall(bytes([0x80 | opcode]) + head + payload)

    def tell(self, **news):
        self.send(1, json.dumps(news).encode())

    def frame(self):
        first, second = self.bytes.read(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self.bytes.read(2))
        mask = self.bytes.read(4)
        data = self.bytes.read(size)
        return first & 0xF, bytes(b ^ mask[i % 4] for i, b in enumerate(data))

    def hear(self, kind):
        """The next request, which must be of this kind."""
        opcode, data = self.frame()
        equal("the opcode", opcode, 1)
        request = json.loads(data)
        equal("the request", request.pop("type"), kind)
        if kind == "join":
            self.key = request.pop("key")
            assert re.fullmatch(r"[0-9a-f]{32}", self.key), self.key
        return request

    def welcome(self, name, room="lobby", history=(), gap=False, people=None):
        people = people or [name]
        self.tell(
            type="welcome",
            room=room,
            name=name,
            me=me,
            count=len(people),
            people=people,
            history=list(history),
            gap=gap,
        )

    def message(self, name, text, mark=""):
        news = message(name, text, mark)
        self.tell(**news)
        return news

    def goodbye(self):
        """The client leaves in order."""
        opcode, data = self.frame()
        equal("the end", (opcode, data[:2]), (8, struct.pack(">H", 1000)))
        self.send(8, data[:2])
        self.link.close()

    def close(self, code):
        self.send(8, struct.pack(">H", code))
        self.link.close()


class Server:
    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(patience)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def accept(self):
        return Peer(self.socket.accept()[0])


class Client:
    """The program with pipes."""

    def __init__(self, url, *more):
        self.process = subprocess.Popen(
            [program, url, *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.seen = b""

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait_for(self, pattern):
        def look():
            if select.select([self.process.stdout], [], [], 0)[0]:
                self.seen += os.read(self.process.stdout.fileno(), 65536)
            return re.search(pattern, self.seen.decode(), re.M)

        return until(lambda: f"{pattern} in {self.seen!r}", look)

    def end(self, code=0):
        self.process.stdin.close()
        self.seen += self.process.stdout.read()
        errors = self.process.stderr.read().decode()
        equal(f"the exit code ({errors})", self.process.wait(timeout=patience), code)
        return errors

    def messages(self):
        return re.findall(r"^\d\d:\d\d (.*)$", self.seen.decode(), re.M)


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, url, **environment):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [program, url, "--name", "anna"],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env={"PATH": os.environ["PATH"], "TERM": "xterm", **environment},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.seen = b""

    def type(self, text):
        os.write(self.master, text.encode())

    def look(self):
        while select.select([self.master], [], [], 0)[0]:
            self.seen += os.read(self.master, 65536)
        return self.seen.decode(errors="replace")

    def wait_for(self, text):
        until(lambda: f"{text!r} in {self.look()!r}", lambda: text in self.look())

    def input_line(self):
        """What is in the line of the cursor, without colours."""
        last = self.look().split("\r")[-1].lstrip("\n")
        return re.sub(r"\x1b\[[0-9;]*[mK]", "", last)

    def wait_for_input(self, text):
        until(
            lambda: f"{text!r}, but {self.input_line()!r}",
            lambda: self.input_line() == text,
        )

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.before

    def end(self, code=0):
        equal("the exit code", self.process.wait(timeout=patience), code)
        assert self.is_restored(), "the terminal is not as it was"
        equal("the last line", self.input_line(), "")
        os.close(self.master)
        os.close(self.slave)


# ----- what is tested -----


def test_lines(server):
    """Lines in, lines out; it ends when all is confirmed, and not before."""
    anna = Client(server.url + "?room=tea", "--name", "anna")
    peer = server.accept()
    equal("the request", peer.hear("join"), {"room": "tea", "name": "anna"})
    old = message("bert", "before")
    peer.welcome("anna (2)", "tea", [old], people=["anna", "anna (2)", "bert"])
    anna.wait_for(r"^\* You are anna \(2\) in tea; 3 people: anna, anna \(2\), bert$")
    anna.type("hello\n\n//quit\n/who\n")
    marks = []
    for text in ("hello", "/quit"):
        said = peer.hear("say")
        equal("the text", said["text"], text)
        marks.append(said["mark"])
    assert re.fullmatch(r"[0-9a-f]{32}", marks[0]) and marks[0] != marks[1], marks
    peer.tell(type="arrived", name="carl", count=4)
    peer.tell(type="left", name="bert", count=3)
    peer.message("anna (2)", "hello", marks[0])
    anna.process.stdin.close()
    anna.wait_for(r"^\d\d:\d\d anna \(2\): hello$")
    assert anna.process.poll() is None, "it did not wait for what is unconfirmed"
    peer.message("anna (2)", "/quit", marks[1])
    peer.goodbye()
    anna.end()
    expected = ["bert: before", "anna (2): hello", "anna (2): /quit"]
    equal("the messages", anna.messages(), expected)
    for notice in ("* carl has joined", "* bert has left"):
        assert notice in anna.seen.decode().splitlines(), anna.seen


def test_harmless(server):
    """What others write does nothing to the terminal."""
    anna = Client(server.url, "--name", "anna")
    peer = server.accept()
    peer.hear("join")
    peer.welcome("anna")
    nasty = "a\x1b[2Jb\x07\r\nc\x9b31md\u202ee\u2028f\x7fg"
    peer.message(nasty, nasty)
    peer.tell(type="arrived", name=nasty, count=2)
    peer.tell(type="error", reason=nasty)
    anna.wait_for(r"^\* The server says: .*$")
    equal("the message", anna.messages(), ["a[2Jb c31mde fg: a[2Jb  c31mde fg"])
    bad = re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", anna.seen.decode())
    equal("control characters", bad, [])
    anna.process.stdin.close()
    peer.goodbye()
    anna.end()


def test_reconnect(server):
    """It comes back, says again what was not confirmed, and prints nothing twice."""
    anna = Client(server.url, "--name", "anna")
    peer = server.accept()
    peer.hear("join")
    peer.welcome("anna", people=["anna", "bert"])
    first = peer.message("bert", "one")
    anna.wait_for("bert: one$")
    anna.type("two\nthree\n")
    marks = [peer.hear("say")["mark"], peer.hear("say")["mark"]]
    peer.close(1012)
    anna.wait_for(r"^\* The server restarts\.$")
    anna.type("four\n")

    # The first of them was heard before.
    key = peer.key
    peer = server.accept()
    request = {"room": "lobby", "name": "anna", "since": first["id"]}
    equal("the request", peer.hear("join"), request)
    equal("the key", peer.key, key)
    two = message("anna", "two", marks[0])
    peer.welcome("anna", history=[first, two])
    said = peer.hear("say")
    equal("again", said, {"text": "three", "mark": marks[1]})
    last = peer.hear("say")
    equal("then", last["text"], "four")
    peer.tell(type="arrived", name="bert", count=2)  # he comes back as well
    peer.tell(type="arrived", name="carl", count=3)
    peer.message("anna", "three", marks[1])
    peer.tell(**two)
    peer.tell(type="refused", mark=last["mark"], reason="too many")
    anna.wait_for(r"^\* Not sent: too many: four$")
    anna.process.stdin.close()
    peer.goodbye()
    anna.end()
    equal("the messages", anna.messages(), ["bert: one", "anna: two", "anna: three"])
    seen = anna.seen.decode()
    assert "carl has joined" in seen and "bert has joined" not in seen, seen


def test_broken(server):
    """Connections that break, and a server that talks nonsense."""
    anna = Client(server.url, "--name", "anna")
    peer = server.accept()
    peer.hear("join")
    peer.welcome("anna")
    first = peer.message("bert", "one")
    anna.wait_for("bert: one$")
    peer.link.shutdown(socket.SHUT_RDWR)
    peer = server.accept()
    anna.wait_for(r"^\* .* Reconnecting in [01]\.\d s\.$")
    peer.hear("join")
    peer.tell(type="welcome")
    peer = server.accept()
    equal("since", peer.hear("join")["since"], first["id"])
    peer.welcome("anna", gap=True)
    anna.wait_for(r"^\* Some messages are missing here\.$")
    anna.process.stdin.close()
    peer.goodbye()
    anna.end()


def test_rooms(server):
    """Another room, once all is confirmed in this one; and one that is not to be had."""
    anna = Client(server.url, "--name", "anna")
    peer = server.accept()
    peer.hear("join")
    peer.welcome("anna")
    anna.type("here\n/join tea\nthere\n/join full\nstill there\n/quit\n")
    peer.message("anna", "here", peer.hear("say")["mark"])
    equal("the room", peer.hear("join"), {"room": "tea", "name": "anna"})
    peer.message("bert", "not for me any more")
    peer.welcome("anna", "tea")
    peer.message("anna", "there", peer.hear("say")["mark"])
    equal("the room", peer.hear("join")["room"], "full")
    peer.tell(type="error", reason="too many rooms")
    equal("the room", peer.hear("join")["room"], "tea")
    peer.welcome("anna", "tea")
    peer.message("anna", "still there", peer.hear("say")["mark"])
    peer.goodbye()
    anna.end()
    expected = ["anna: here", "anna: there", "anna: still there"]
    equal("the messages", anna.messages(), expected)


def test_refusals(server):
    anna = Client(server.url, "--name", "anna")
    peer = server.accept()
    peer.hear("join")
    peer.welcome("anna")
    anna.type("ä" * 2001 + "\n" + "y" * 100_000 + "\n" + "ä" * 2000 + "\n")
    said = peer.hear("say")
    equal("the text", said["text"], "ä" * 2000)
    peer.message("anna", "long", said["mark"])
    anna.wait_for(r"^\* Not sent: too long by 2 bytes: ä")
    anna.wait_for(r"^\* Not sent: .* much too long$")
    anna.process.stdin.close()
    peer.goodbye()
    anna.end()

    anna = Client(server.url, "--name", "anna")
    peer = server.accept()
    peer.hear("join")
    peer.tell(type="error", reason="no such name")
    assert "the server says: no such name" in anna.end(1)


def test_typing(server):
    """What comes does not tear what one types."""
    anna = Terminal(server.url)
    peer = server.accept()
    peer.hear("join")
    peer.welcome("anna", people=["anna", "bert"])
    anna.wait_for_input("lobby> ")
    anna.type("helxx\x7f\x7f")
    anna.wait_for_input("lobby> hel")
    peer.message("bert", "I interrupt")
    anna.wait_for("I interrupt")
    anna.wait_for_input("lobby> hel")
    assert "\x1b[1;3" in anna.look(), "names have no colour"
    anna.type("lo ä\x7f€\x1b[A\x1bOB big worlds\x17world\r")
    said = peer.hear("say")
    equal("the text", said["text"], "hello € big world")
    anna.wait_for_input("lobby (1 unsent)> ")
    peer.message("anna", said["text"], said["mark"])
    anna.wait_for_input("lobby> ")
    anna.type("nonsense\x15" + "0123456789" * 10)
    anna.wait_for_input("lobby> " + ("0123456789" * 10)[-20:])
    anna.type("\x04\x15")
    anna.wait_for_input("lobby> ")

    # Ctrl-Z gives the terminal back, and `fg` takes it again.
    assert not anna.is_restored(), "keys do not come one by one"
    anna.type("draft")
    anna.wait_for_input("lobby> draft")
    anna.type("\x1a")
    _, status = os.waitpid(anna.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "Ctrl-Z does not stop it"
    assert anna.is_restored(), "the terminal is not as it was"
    peer.message("bert", "meanwhile")
    anna.process.send_signal(signal.SIGCONT)
    anna.wait_for("meanwhile")
    anna.wait_for_input("lobby> draft")
    assert not anna.is_restored(), "keys do not come one by one"
    anna.type("\x15\x04")
    peer.goodbye()
    anna.end()


def test_ends(server):
    """Whatever ends it, the terminal is as it was."""
    for how in ("\x03", "\x1c", "/quit\r", signal.SIGTERM, signal.SIGHUP):
        anna = Terminal(server.url, NO_COLOR="1")
        peer = server.accept()
        peer.hear("join")
        peer.welcome("anna")
        anna.wait_for_input("lobby> ")
        if isinstance(how, str):
            anna.type(how)
        else:
            anna.process.send_signal(how)
        peer.goodbye()
        anna.end()
        assert "m" not in re.findall(r"\x1b\[[0-9;]*(\w)", anna.seen.decode()), anna.seen

    anna = Terminal(server.url)
    peer = server.accept()
    peer.hear("join")
    peer.tell(type="error", reason="no")
    anna.wait_for("chat_terminal: the server says: no")
    equal("the exit code", anna.process.wait(timeout=patience), 1)
    assert anna.is_restored(), "the terminal is not as it was"


server = Server()
for name, test in list(globals().items()):
    if name.startswith("test_"):
        try:
            test(server)
        except BaseException:
            print(f"in {name}:", file=sys.stderr)
            raise
print("the terminal client is as it should be")
