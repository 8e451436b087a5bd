# SPDX-License-Identifier: BSL-1.0

"""run.py FOLDER [--rounds N] [--seconds S] [--clients N] [--rooms N] [--talkers N]
          [--rate R] [--stalled N] [--json FILE]

A chat with many clients: chat_aio (the bundled application) and chat_epoll (a broadcaster
on plain epoll) in FOLDER, alternately, each pinned to CPU 0, with two processes of clients
on CPU 1. By default 10,000 pages in 100 rooms, of which 500 talk, a message a second each.
Every message must reach everybody in its room once and in order; what is compared is the
CPU time of the server per delivered message.

With --stalled N, as many clients more sit in a room of their own, where one says 2 MB a
second, and never read; they must be dropped, and nobody in the other rooms notice.
"""

import argparse
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request


def pinned(cpu, command):
    taskset = shutil.which("taskset")
    if taskset and (os.cpu_count() or 1) > 1:
        return [taskset, "-c", str(cpu)] + command
    return command


def cpu_seconds(pid):
    """To the nanosecond: the time that the process ran, in user and kernel mode."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def private_bytes(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"RssAnon:\s+(\d+)", f.read())[1]) * 1024


@contextlib.contextmanager
def serving(folder, name):
    """The process and the port of a server."""
    command = [os.path.join(folder, name)]
    if name == "chat_aio":
        command += ["--web", "0", "--line", "0", "--log", "warning", "--rate", "0"]
    process = subprocess.Popen(
        pinned(0, command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        line = process.stdout.readline()
        yield process, int(re.search(r":(\d+)/?\s*$", line)[1])
    finally:
        process.terminate()
        process.wait(20)


def text_frame(value):
    text = json.dumps(value).encode()
    size = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + text


def join_flood(port, name, buffer=None):
    s = socket.socket()
    if buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    s.connect(("127.0.0.1", port))
    s.sendall(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        + text_frame({"type": "join", "room": "flood", "name": name})
    )
    return s


class Flood:
    """A room of clients that do not read, and one that says 2 MB a second there, until
    they have been dropped."""

    def __init__(self, port, count):
        self.port, self.count = port, count
        self.stalled = [join_flood(port, f"stalled{i}", 4096) for i in range(count)]
        self.talker = join_flood(port, "flooder")
        self.talker.settimeout(5)
        self.failure = None
        self.thread = threading.Thread(target=self.talk)
        self.thread.start()

    def talk(self):
        try:
            for n in range(5000):
                self.talker.sendall(
                    text_frame({"type": "say", "text": "x" * 3900, "mark": str(n)})
                )
                got = 0
                while got < 3900:
                    got += len(self.talker.recv(65536))
                if n % 100 == 99 and int(stats(self.port)["slow"]) == self.count:
                    return
                time.sleep(0.002)
            self.failure = "the clients that do not read were not dropped"
        except OSError as error:
            self.failure = f"the flood: {error}"

    def end(self):
        self.thread.join()
        for s in self.stalled + [self.talker]:
            s.close()
        if self.failure:
            raise RuntimeError(self.failure)


def stats(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats") as answer:
        text = answer.read().decode()
    return {key: value for key, value in (pair.split("=") for pair in text.split())}


def measure(folder, name, wanted, stalled=0):
    messages = max(1, round(wanted.rate * wanted.seconds))
    half = wanted.clients // 2
    load = os.path.join(folder, "chat_load")
    with serving(folder, name) as (server, port):
        empty = private_bytes(server.pid)
        crowd = [
            subprocess.Popen(
                pinned(1, [load, str(port), str(first), str(half), str(wanted.clients),
                           str(wanted.rooms), str(wanted.talkers), str(wanted.rate),
                           str(messages)]),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for first in (0, half)
        ]
        for one in crowd:
            if one.stdout.readline() != "ready\n":
                raise RuntimeError(f"{name}: the clients could not join")
        if name == "chat_aio":  # notices of who has come are still under way
            time.sleep(1.5)
        flood = Flood(port, stalled) if stalled else None
        memory = (private_bytes(server.pid) - empty) / wanted.clients
        before, since = cpu_seconds(server.pid), time.monotonic()
        for one in crowd:
            one.stdin.write("go\n")
            one.stdin.flush()
        results = [json.loads(one.stdout.readline()) for one in crowd]
        used, wall = cpu_seconds(server.pid) - before, time.monotonic() - since
        for one in crowd:
            one.wait(10)
        if flood:
            flood.end()
    row = {key: sum(r[key] for r in results) for key in ("received", "lost", "disorder", "gone")}
    for key in ("p50", "p99", "p999", "max"):
        row[key] = max(r[key] for r in results)
    row.update(cpu_us=used / row["received"] * 1e6, busy=used / wall, idle_bytes=memory)
    if row["lost"] or row["disorder"] or row["gone"]:
        raise RuntimeError(f"{name}: {row}")
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, default=10000)
    parser.add_argument("--rooms", type=int, default=100)
    parser.add_argument("--talkers", type=int, default=500)
    parser.add_argument("--rate", type=float, default=1)
    parser.add_argument("--stalled", type=int, default=0)
    parser.add_argument("--json")
    wanted = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < wanted.clients + 100:
        sys.exit(f"not measured: a process may have {hard} descriptors only")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    rows = {"chat_epoll": [], "chat_aio": []}
    for _ in range(wanted.rounds):
        for name, so_far in rows.items():
            so_far.append(measure(wanted.folder, name, wanted))
    table = {}
    print(f"\nchat: {wanted.clients} clients in {wanted.rooms} rooms, {wanted.talkers} talk, "
          f"{wanted.rate:g} messages/s each; {wanted.rounds} rounds of {wanted.seconds:g} s")
    print("server        CPU us/delivered   (min..max)    busy   p50 ms   p99 ms   max ms   bytes/idle")
    for name, all_of in rows.items():
        table[name] = {key: statistics.median(r[key] for r in all_of) for key in all_of[0]}
        t, cpu = table[name], [r["cpu_us"] for r in all_of]
        print(f"{name:13} {t['cpu_us']:16.2f}   {min(cpu):5.2f}..{max(cpu):5.2f} {t['busy']:7.0%} "
              f"{t['p50']:8.2f} {t['p99']:8.2f} {t['max']:8.2f} {t['idle_bytes']:12.0f}")
    ratios = [a["cpu_us"] / e["cpu_us"] for a, e in zip(rows["chat_aio"], rows["chat_epoll"])]
    table["ratio"] = statistics.median(ratios)
    print(f"chat_aio / chat_epoll: {table['ratio']:.2f} ({min(ratios):.2f}..{max(ratios):.2f}); "
          "every message was heard once and in order")
    if wanted.stalled:
        row = measure(wanted.folder, "chat_aio", wanted, wanted.stalled)
        table["stalled"] = row
        print(f"with {wanted.stalled} more that never read: all dropped; p99 {row['p99']:.2f} ms, "
              f"{row['cpu_us']:.2f} us, nobody else noticed")
    if wanted.json:
        with open(wanted.json, "w") as f:
            json.dump(table, f, indent=2)


main()
