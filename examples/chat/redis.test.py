#!/usr/bin/env python3
"""Three servers of the chat on one Redis, which is restarted while people talk; one of
the servers is killed.

    redis.test.py PROGRAMS FOLDER
"""
# SPDX-License-Identifier: BSL-1.0

import asyncio
import os
import signal
import subprocess
import sys

from clients import Page, Server, soon, until

programs, folder = sys.argv[1:]
socket = os.path.join(folder, "redis.sock")
messages = 300  # of each talker
clients_each = 4


class Redis:
    """With its data in the folder, so that it finds it again."""

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            "redis-server", "--port", "0", "--unixsocket", socket, "--dir", folder,
            "--appendonly", "yes", "--save", "", stdout=asyncio.subprocess.DEVNULL,
        )

        def answers():
            ping = ["redis-cli", "-s", socket, "ping"]
            return b"PONG" in subprocess.run(ping, capture_output=True).stdout

        await until("Redis answers", answers)

    async def stop(self, number):
        self.process.send_signal(number)
        await soon(self.process.wait())


class Listener:
    """Hears everything that comes to one page, as (talker, number)."""

    def __init__(self, page):
        self.page = page
        self.heard = []
        self.task = asyncio.create_task(self.listen())

    async def listen(self):
        while (message := await self.page.next()) is not None:
            if message["type"] == "message":
                name, number = message["text"].split()
                self.heard.append((name, int(number)))


async def talk(page, name, so_far):
    """Says its numbers, at some hundred a second."""
    for number in range(messages):
        page.say(f"{name} {number}", f"m{number}")
        so_far[0] = number
        await asyncio.sleep(0.005)


async def main():
    redis = Redis()
    await redis.start()
    url = ["--redis", f"redis+unix://{socket}", "--rate", "0"]
    servers = [await Server.start(programs, *url) for _ in range(3)]
    listeners = []
    talkers = []
    progress = [0]
    for place, server in enumerate(servers):
        for n in range(clients_each):
            name = f"p{place}{n}"
            page = await Page.join(server, name)
            listeners.append(Listener(page))
            if n == 0:
                talkers.append((page, name))
    # Everybody knows of all people, wherever they are.
    async def everywhere(count):
        for server in servers:
            if server.process.returncode is not None:
                continue
            end = asyncio.get_running_loop().time() + 20
            while (await server.stats())["people"] != str(count):
                assert asyncio.get_running_loop().time() < end, await server.stats()
                await asyncio.sleep(0.05)

    await everywhere(12)

    talking = [asyncio.create_task(talk(page, name, progress)) for page, name in talkers]
    await until("a third is said", lambda: progress[0] > messages // 3)
    await redis.stop(signal.SIGKILL)
    await asyncio.sleep(0.3)  # people go on talking
    await redis.start()
    await until("a half is said", lambda: progress[0] > messages // 2)
    await servers[2].stop(signal.SIGKILL)
    talking[2].cancel()
    await until("more is said", lambda: progress[0] > messages * 2 // 3)
    await redis.stop(signal.SIGTERM)
    await redis.start()
    await asyncio.gather(*talking[:2])

    survivors = listeners[: 2 * clients_each]
    expected = [(name, n) for _, name in talkers[:2] for n in range(messages)]

    def all_heard():
        return all(
            sum(1 for one in listener.heard if one[0] != "p20") >= len(expected)
            for listener in survivors
        )

    await until("all is heard", all_heard)
    for listener in survivors:
        assert listener.heard == survivors[0].heard, "not the same for all"
    heard = survivors[0].heard
    assert len(set(heard)) == len(heard), "twice"
    for _, name in talkers:
        numbers = [n for one, n in heard if one == name]
        assert numbers == list(range(len(numbers))), f"{name}: lost or out of order"
    assert sum(1 for one, _ in heard if one != "p20") == len(expected)
    # The people of the server that was killed leave.
    await everywhere(8)
    # A newcomer hears of the past, also from a server that was not there.
    late = await Server.start(programs, *url)
    page = await Page.join(late, "late")
    assert page.welcome["history"][-1]["text"] == " ".join(map(str, heard[-1]))
    servers.append(late)
    await everywhere(9)
    for server in (servers[0], servers[1], late):
        assert await server.stop() == 0
    await redis.stop(signal.SIGTERM)
    print("none lost, none twice")


asyncio.run(asyncio.wait_for(main(), 100))
