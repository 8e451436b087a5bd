# SPDX-License-Identifier: BSL-1.0

"""run.py FOLDER [--rounds N] [--seconds S] [--connections N] [--json FILE]

Says hello over HTTP with keep-alive: each of the servers in FOLDER (http_aio, http_epoll,
http_beast), nginx (`return 200`, one worker), Go's net/http and aiohttp, where installed.
They are measured alternately, each pinned to CPU 0 with wrk on CPU 1, and compared by
their CPU time per request: wrk is the one that is busy first.

Then: the memory of 1000 connections after one request each, for http_aio.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

NGINX = """
worker_processes 1; daemon off; pid %(dir)s/pid; error_log %(dir)s/err;
events { worker_connections 2048; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path %(dir)s/b; proxy_temp_path %(dir)s/p;
  fastcgi_temp_path %(dir)s/f; uwsgi_temp_path %(dir)s/u; scgi_temp_path %(dir)s/s;
  server {
    listen 127.0.0.1:%(port)d backlog=512;
    location / { default_type text/plain; return 200 "Hello, World!"; }
  }
}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(cpu, command):
    taskset = shutil.which("taskset")
    if taskset and (os.cpu_count() or 1) > 1:
        return [taskset, "-c", str(cpu)] + command
    return command


class Server:
    def __init__(self, name, make_command):
        self.name = name
        self.port = free_port()
        self.process = subprocess.Popen(
            pinned(0, make_command(self.port)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.wait()

    def wait(self):
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not listen")

    def pids(self):
        own = str(self.process.pid)
        children = subprocess.run(["pgrep", "-P", own], capture_output=True, text=True)
        return [own] + children.stdout.split()

    def cpu_seconds(self):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def private_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"RssAnon:\s+(\d+)", f.read())[1]) * 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def measure(server, seconds, connections):
    before = server.cpu_seconds()
    wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    text = subprocess.run(
        pinned(1, wrk + [f"http://127.0.0.1:{server.port}/"]),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    used = server.cpu_seconds() - before
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(f"{server.name}: {text}")
    requests = int(re.search(r"(\d+) requests in", text)[1])
    return {
        "rate": float(re.search(r"Requests/sec:\s+(\S+)", text)[1]),
        "cpu": used / requests * 1e6,
        "p50": re.search(r"50%\s+(\S+)", text)[1],
        "p99": re.search(r"99%\s+(\S+)", text)[1],
    }


def idle_bytes(server, count):
    """After a first round of as many, so that what is kept for all is not counted."""
    def connect():
        made = []
        for _ in range(count):
            s = socket.create_connection(("127.0.0.1", server.port), 5)
            s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            s.recv(4096)
            made.append(s)
        return made

    before = server.private_bytes()
    held = connect()
    time.sleep(0.3)
    grown = server.private_bytes() - before
    for s in held:
        s.close()
    return grown / count


def contenders(folder, scratch):
    here = os.path.dirname(os.path.abspath(__file__))
    found = []
    for name in ("http_epoll", "http_aio", "http_beast"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            found.append((name, lambda port, path=path: [path, str(port)]))
    if shutil.which("nginx"):
        def nginx(port):
            conf = os.path.join(scratch, "nginx.conf")
            with open(conf, "w") as f:
                f.write(NGINX % {"dir": scratch, "port": port})
            return ["nginx", "-c", conf, "-p", scratch]
        found.append(("nginx", nginx))
    if shutil.which("go"):
        program = os.path.join(scratch, "http_go")
        source = os.path.join(here, "http_go.go")
        environment = dict(os.environ, GO111MODULE="off")
        environment.setdefault("GOCACHE", os.path.join(scratch, "go"))
        subprocess.run(
            ["go", "build", "-o", program, source], check=True, env=environment
        )
        found.append(("go net/http", lambda port: [program, str(port)]))
    python = "/usr/bin/python3"
    has = [python, "-c", "import aiohttp"]
    if os.path.exists(python) and subprocess.run(has, capture_output=True).returncode == 0:
        source = os.path.join(here, "http_aiohttp.py")
        found.append(("aiohttp", lambda port: [python, source, str(port)]))
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--json")
    wanted = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("not measured: wrk is not installed")
    scratch = tempfile.mkdtemp()
    servers = []
    results = {}
    try:
        for name, command in contenders(wanted.folder, scratch):
            servers.append(Server(name, command))
        for _ in range(wanted.rounds):
            for server in servers:
                results.setdefault(server.name, []).append(
                    measure(server, wanted.seconds, wanted.connections)
                )
        print(f"\nhttp: hello with keep-alive, {wanted.connections} connections, "
              f"{wanted.rounds} rounds of {wanted.seconds} s")
        print("server          CPU us/request   (min..max)      requests/s      p50      p99")
        table = {}
        for name, rows in results.items():
            cpu = [row["cpu"] for row in rows]
            rate = statistics.median(row["rate"] for row in rows)
            last = rows[-1]
            print(f"{name:15} {statistics.median(cpu):14.2f}   {min(cpu):5.2f}..{max(cpu):5.2f} "
                  f"{rate:15.0f} {last['p50']:>8} {last['p99']:>8}")
            table[name] = {"cpu_us": statistics.median(cpu), "rate": rate}
        for server in servers:
            if server.name == "http_aio":
                bytes_each = idle_bytes(server, 1000)
                print(f"\nhttp_aio: {bytes_each:.0f} bytes of memory per idle connection")
                table["http_aio"]["idle_bytes"] = bytes_each
        if wanted.json:
            with open(wanted.json, "w") as f:
                json.dump(table, f, indent=2)
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(scratch, ignore_errors=True)


main()
