"""Servers of the chat and clients of both kinds, for its tests: asyncio and nothing else.
"""
# SPDX-License-Identifier: BSL-1.0

import asyncio
import json
import os
import re
import signal

patience = 20  # seconds


async def soon(awaitable):
    return await asyncio.wait_for(awaitable, patience)


async def until(what, look):
    """Waits until look() is true."""
    end = asyncio.get_running_loop().time() + patience
    while not look():
        assert asyncio.get_running_loop().time() < end, f"never: {what}"
        await asyncio.sleep(0.02)


class Server:
    """One of them; its log goes to stderr."""

    @classmethod
    async def start(cls, programs, *options, web=0, line=0):
        self = cls()
        command = [os.path.join(programs, "chat"), "--log", "warning", *options]
        command += ["--web", str(web), "--line", str(line)]
        self.process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE
        )
        first = (await soon(self.process.stdout.readline())).decode()
        second = (await soon(self.process.stdout.readline())).decode()
        self.web = int(re.search(r"^Chat: http://127\.0\.0\.1:(\d+)/$", first)[1])
        self.line = int(re.search(r"^Lines: 127\.0\.0\.1:(\d+)$", second)[1])
        return self

    async def stop(self, number=signal.SIGTERM):
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await soon(self.process.wait())

    async def get(self, path):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.web)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = (await soon(reader.read())).decode()
        writer.close()
        head, _, body = answer.partition("\r\n\r\n")
        return head, body

    async def stats(self):
        _, body = await self.get("/stats")
        return {key: value for key, value in (pair.split("=") for pair in body.split())}


class Line:
    """What nc is."""

    @classmethod
    async def connect(cls, server, name=None):
        self = cls()
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", server.line, limit=1 << 20
        )
        await self.expect("Welcome! What is your name?")
        if name is not None:
            self.send(name)
        return self

    def send(self, text):
        self.writer.write(text.encode() + b"\n")

    async def next(self):
        line = await soon(self.reader.readline())
        return line.decode().rstrip("\n") if line else None

    async def expect(self, *lines):
        for line in lines:
            seen = await self.next()
            assert seen == line, (seen, line)

    async def find(self, pattern):
        """The next line that is like that."""
        while True:
            line = await self.next()
            assert line is not None, f"ended before: {pattern}"
            if re.search(pattern, line):
                return line

    async def ended(self):
        return (await soon(self.reader.read())).decode()


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Page:
    """What a page does, without the browser."""

    @classmethod
    async def connect(cls, server):
        self = cls()
        self.closed = None
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", server.web, limit=1 << 24
        )
        self.writer.write(HANDSHAKE)
        self.head = (await soon(self.reader.readuntil(b"\r\n\r\n"))).decode()
        return self

    @classmethod
    async def join(cls, server, name, room="lobby", **more):
        self = await cls.connect(server)
        assert self.head.startswith("HTTP/1.1 101 "), self.head
        self.send({"type": "join", "room": room, "name": name, **more})
        self.welcome = await self.find("welcome")
        return self

    def frame(self, opcode, payload, bits=0x80):
        size = len(payload)
        if size < 126:
            length = bytes([0x80 | size])
        elif size < 65536:
            length = b"\xfe" + size.to_bytes(2, "big")
        else:
            length = b"\xff" + size.to_bytes(8, "big")
        self.writer.write(bytes([bits | opcode]) + length + bytes(4) + payload)

    def send(self, value):
        self.frame(1, json.dumps(value).encode())

    def say(self, text, mark):
        self.send({"type": "say", "text": text, "mark": mark})

    async def next(self):
        """The next message; None, and a code in closed, at the end."""
        while True:
            try:
                head = await soon(self.reader.readexactly(2))
                size = head[1] & 0x7F
                if size >= 126:
                    more = await soon(self.reader.readexactly(2 if size == 126 else 8))
                    size = int.from_bytes(more, "big")
                payload = await soon(self.reader.readexactly(size))
            except (asyncio.IncompleteReadError, ConnectionError):
                self.closed = self.closed or 1006
                return None
            opcode = head[0] & 15
            if opcode == 1:
                return json.loads(payload)
            if opcode == 8:
                self.closed = int.from_bytes(payload[:2], "big")
                self.frame(8, payload)
                return None
            if opcode == 9:
                self.frame(10, payload)

    async def find(self, kind):
        while True:
            message = await self.next()
            assert message is not None, f"closed with {self.closed} before: {kind}"
            if message["type"] == kind:
                return message

    async def ended(self):
        """The code of the close; what comes before it is dropped."""
        while await self.next() is not None:
            pass
        return self.closed
