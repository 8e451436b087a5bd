#!/usr/bin/env python3
"""The server of the chat, with clients that behave and others that do not.

    lines.test.py PROGRAMS
"""
# SPDX-License-Identifier: BSL-1.0

import asyncio
import signal
import socket
import sys

from clients import HANDSHAKE, Line, Page, Server, soon

programs = sys.argv[1]


async def talk():
    """Lines and pages hear each other, in the same order."""
    server = await Server.start(programs)
    anna = await Line.connect(server, "anna")
    bert = await Page.join(server, "bert")
    assert bert.welcome["people"] == ["anna", "bert"], bert.welcome
    await anna.expect("* bert has joined")
    anna.send("hello")
    bert.say("<b>hi</b>", "1")
    heard = [await bert.find("message") for _ in range(2)]
    assert {m["text"] for m in heard} == {"hello", "<b>hi</b>"}, heard
    assert heard[0]["id"] < heard[1]["id"], heard
    mine = next(m for m in heard if m["name"] == "bert")
    assert mine["mark"] == bert.welcome["me"] + "-1", mine
    await anna.expect("bert: <b>hi</b>")
    # The same name, a name that is none, a second line with the history.
    carl = await Line.connect(server)
    assert sorted([await carl.next(), await carl.next()]) == ["anna: hello", "bert: <b>hi</b>"]
    carl.send("anna")
    await carl.find(r"^\* You are anna \(2\)$")
    await anna.find(r"^\* anna \(2\) has joined$")
    dave = await Line.connect(server)
    dave.send("\x1b\x07")
    await dave.find(r"^\* You are 127\.0\.0\.1:\d+$")
    # Rooms.
    carl.send("/join tea")
    await anna.find(r"^\* anna \(2\) has left$")
    carl.send("/who")
    await carl.find(r"^\* 1 in tea: anna \(2\)$")
    eve = await Page.join(server, "eve", "tea")
    carl.send("//join is said")
    message = await eve.find("message")
    assert message["text"] == "/join is said", message
    anna.send("not heard in tea")
    eve.send({"type": "join", "room": "lobby", "name": "eve"})
    assert [m["text"] for m in (await eve.find("welcome"))["history"]][-1] == "not heard in tea"
    carl.send("/nonsense")
    await carl.find(r"^\* /join ROOM, /who")
    carl.send("/stats")
    await carl.find(r"^\* uptime=\d+ connections=5 ")
    carl.send("/quit")
    assert await carl.ended() == ""
    # What was said already is not said again, over whatever connection.
    key = {"key": "a secret that nobody else has"}
    page = await Page.join(server, "frida", "milk", **key)
    page.say("once", "7")
    last = await page.find("message")
    page.writer.transport.abort()
    page = await Page.join(server, "frida", "milk", since=last["id"], **key)
    assert page.welcome["history"] == [] and not page.welcome["gap"], page.welcome
    page.say("once", "7")
    page.say("twice", "8")
    assert (await page.find("message"))["text"] == "twice"
    thief = await Page.join(server, "thief", "milk")
    thief.say("mine", "9")
    assert (await thief.find("message"))["mark"] != page.welcome["me"] + "-9"
    assert (await server.stats())["repeated"] == "1"
    await end(server, anna, bert)


async def end(server, line=None, page=None, number=signal.SIGTERM):
    """In order, and everybody is told."""
    assert await server.stop(number) == 0
    if line:
        assert "* The server restarts." in await line.ended()
    if page:
        assert await page.ended() == 1012, page.closed


async def files():
    server = await Server.start(programs)
    for path, kind in (
        ("/", "text/html"), ("/chat.js", "javascript"), ("/chat.css", "text/css"),
    ):
        head, body = await server.get(path)
        assert head.startswith("HTTP/1.1 200 ") and kind in head and body, head
        assert "Content-Security-Policy: default-src 'none';" in head, head
        assert "X-Content-Type-Options: nosniff" in head, head
    for path in ("/../chat.cpp", "/%2e%2e/chat.cpp", "/none", "/..%2fchat.cpp"):
        head, _ = await server.get(path)
        assert head.split()[1] in ("404", "400", "403"), head
    head, _ = await server.get("/ws")
    assert head.startswith("HTTP/1.1 400 "), head
    await end(server, number=signal.SIGINT)


async def limits():
    server = await Server.start(
        programs, "--max-message", "100", "--rate", "20", "--burst", "3",
        "--max-connections", "4", "--max-rooms", "2", "--idle-timeout", "1",
        "--join-timeout", "1", "--history", "5",
    )
    page = await Page.join(server, "anna")
    # Too long, too many, wrong: it is told, and stays.
    page.say("x" * 101, "1")
    refused = await page.find("refused")
    assert refused["mark"] == "1" and refused["reason"] == "it is too long", refused
    page.say(" \x1b ".strip(), "2")
    assert (await page.find("refused"))["reason"] == "it is empty"
    for wrong in ({"type": "say"}, {"type": 5}, {"type": "join"}, [1]):
        page.send(wrong)
        await page.find("error")
    start = asyncio.get_running_loop().time()
    for i in range(20):
        page.say(f"fast {i}", f"f{i}")
    for i in range(20):
        assert (await page.find("message"))["text"] == f"fast {i}"
    took = asyncio.get_running_loop().time() - start
    assert took > 0.8, f"20 messages at 20 a second took {took}"
    again = await Page.join(server, "bert", since="1-0")
    assert again.welcome["gap"] and len(again.welcome["history"]) == 5, again.welcome
    again.send({"type": "join", "room": "two", "name": "bert"})
    await again.find("welcome")
    page.send({"type": "join", "room": "three", "name": "anna"})
    assert (await page.find("error"))["reason"] == "there are too many rooms"
    # The number of clients.
    silent = await Line.connect(server, "silent")
    nameless = await Page.connect(server)
    full = await asyncio.open_connection("127.0.0.1", server.line)
    assert b"Too many people" in await soon(full[0].read())
    head = (await Page.connect(server)).head
    assert head.startswith("HTTP/1.1 503 "), head
    # Who says nothing.
    assert "silent for too long" in await silent.ended()
    assert await nameless.ended() == 1008
    stats = await server.stats()
    assert stats["idle"] == "2" and stats["connections"] == "2", stats
    assert int(stats["throttled"]) >= 17, stats
    long = await Line.connect(server, "long")
    long.send("y" * 102)
    assert "That line is too long. Goodbye." in await long.ended()
    await end(server, None, page)


async def hostile():
    """Nobody hears more of it than what was said."""
    server = await Server.start(programs, "--idle-timeout", "3", "--rate", "0")
    good = await Page.join(server, "good")
    friend = await Line.connect(server, "friend")
    await good.find("arrived")

    async def unharmed(n):
        friend.send(f"still here {n}")
        while (message := await good.find("message"))["text"] != f"still here {n}":
            pass

    # Bytes that are no text.
    raw = await Line.connect(server, "raw")
    raw.writer.write(b"\xff\xfe\x80 <script>alert(1)</script> \xe2\x82\x00\x1b[2J\n")
    text = (await good.find("message"))["text"]
    assert text == "\ufffd\ufffd\ufffd <script>alert(1)</script> \ufffd[2J", repr(text)
    page = await Page.join(server, '"><img src=x onerror=alert(1)>')
    assert page.welcome["name"] == '"><img src=x onerror=alert(1)>', page.welcome
    page.frame(1, b"\xff\xff")
    assert await page.ended() == 1007
    page = await Page.join(server, "binary")
    page.frame(2, b"bytes")
    assert await page.ended() == 1003
    page = await Page.join(server, "bits")
    page.frame(1, b"x", bits=0xF0)
    assert await page.ended() == 1002
    await unharmed(1)
    # 10 MiB, in one line and in one message.
    big = await Line.connect(server, "big")
    try:
        big.writer.write(b"z" * (10 << 20))
        await soon(big.writer.drain())
        assert "too long" in await big.ended()
    except ConnectionError:
        pass
    page = await Page.join(server, "big")
    try:
        page.frame(1, b"z" * (10 << 20))
        await soon(page.writer.drain())
    except ConnectionError:
        pass
    assert await page.ended() in (1009, 1006)
    await unharmed(2)
    # One that does not read, while much is said.
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", server.web))
    deaf.sendall(HANDSHAKE)
    hello = b'{"type":"join","room":"lobby","name":"deaf"}'
    deaf.sendall(bytes([0x81, 0x80 | len(hello), 0, 0, 0, 0]) + hello)
    await friend.find(r"^\* deaf has joined$")
    dropped = False
    for n in range(4000):
        friend.send("w" * 3900)
        assert len((await good.find("message"))["text"]) == 3900
        if n % 50 == 49 and (await server.stats())["slow"] == "1":
            dropped = True
            break
    assert dropped, "one who does not read may stay"
    await friend.find(r"^\* deaf has left$")
    deaf.close()
    # Half-open, and a byte now and then.
    slow = await Line.connect(server)
    halves = [await asyncio.open_connection("127.0.0.1", server.web) for _ in range(50)]
    halves[0][1].write(b"GET / HT")

    async def trickle():
        try:
            while True:
                slow.writer.write(b".")
                friend.send("I am not idle")
                await asyncio.sleep(0.2)
        except ConnectionError:
            pass

    trickling = asyncio.create_task(trickle())
    assert "silent for too long" in await slow.ended()
    trickling.cancel()
    await unharmed(3)
    for _, writer in halves:
        writer.close()
    # The one left is sent away after as long a time.
    await end(server, None, good)


async def hand_over():
    """The next server starts before this one ends; nobody is without one."""
    first = await Server.start(programs, "--reuse-port")
    page = await Page.join(first, "anna")
    second = await Server.start(
        programs, "--reuse-port", web=first.web, line=first.line
    )
    await end(first, None, page)
    again = await Page.join(second, "anna")
    assert again.welcome["name"] == "anna"
    await end(second, None, again)


async def main():
    for test in (talk, files, limits, hostile, hand_over):
        await asyncio.wait_for(test(), 45)
        print(test.__name__, flush=True)
    print("the chat is as it should be")


asyncio.run(main())
