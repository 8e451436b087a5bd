#!/usr/bin/env python3
# aio: asyncio for C++20 on Boost.Asio.
# SPDX-License-Identifier: BSL-1.0

"""Where the instructions of a request go, in aio's servers and beside plain epoll:

    profile.py FOLDER [ROW...] [--rounds N] [--seconds S] [--places N] [--into README]

FOLDER has the programs (build/.../benchmarks), built with -g, which changes no code but
says where it came from. ROWs are scenarios of bench; without any, all that are known.

Each server runs under valgrind's callgrind with N and with 3 N requests; the difference
is what 2 N requests take, without the start. Instructions are grouped by the file that they
were written in, whatever they were inlined into. CPU times are those of runs without
valgrind; the kernel samples which part of them is its own.
"""

import argparse
import collections
import contextlib
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

Row = collections.namedtuple("Row", "servers load requests")

ECHO = {"epoll": "echo_epoll", "aio streams": "echo_aio_streams",
        "aio protocol": "echo_aio_protocol"}
ROWS = {
    "1x64": Row(ECHO, "--connections 1 --wait awake", 2000),
    "1000x64": Row(ECHO, "--connections 1000", 20000),
    "50x16384": Row(ECHO, "--connections 50 --size 16384", 5000),
    "lines50x64x16": Row({name: program.replace("echo", "lines")
                          for name, program in ECHO.items()},
                         "--connections 50 --depth 16 --as lines", 20000),
    "tls50x64": Row({name: program.replace("echo", "tls")
                     for name, program in ECHO.items()},
                    "--connections 50 --as tls", 2000),
    "churn16": Row(ECHO, "--connections 16 --as churn", 1000),
}

# The first whose pattern is found in "OBJECT FILE FUNCTION" has the instruction.
GROUPS = [
    ("OpenSSL", r"^\S*lib(ssl|crypto)"),
    ("copying and comparing bytes", r" \S*(memcpy|memmove|memset|memcmp|memchr)\S*$"),
    ("allocation", r"^\S*libc\S* \S+ (malloc|free|calloc|realloc|cfree|_int_|tcache)"),
    ("allocation", r" operator (new|delete)"),
    ("C++ library", r"^\S*libstdc\+\+"),
    ("C library, its system calls", r"^\S*/(lib|ld-)[^ ]*\.so"),
    ("the server", r"^\S+ \S*benchmarks/net/"),
    ("aio: streams", r"^\S+ \S*aio/net/(stream_(reader|writer)|detail/(read(er)?_"
                     r"|stream_connection))"),
    ("aio: transport, writing", r"^\S+ \S*aio/(net|tls)/\S* .*::(write|send|flush)"),
    ("aio: transport, reading", r"^\S+ \S*aio/(net|tls)/"),
    ("aio: tasks and coroutines", r"^\S+ \S*aio/(coro|task|sync)/"),
    ("aio: loop, events", r"^\S+ \S*aio/(core|io|os)/"),
    ("aio: lists and pointers", r"^\S+ \S*aio/detail/"),
    ("C++ library", r"^\S+ \S*/c\+\+/"),
    ("Boost", r"^\S+ \S*/boost/"),
]
OTHER = "stubs and what has no source"


def group_of(place):
    return next((name for name, pattern in GROUPS if re.search(pattern, place)), OTHER)


def self_costs(file):
    """{"OBJECT FILE FUNCTION": instructions} of a file of callgrind's."""
    names = collections.defaultdict(dict)
    kinds = {"ob": "ob", "cob": "ob", "fl": "fl", "fi": "fl", "fe": "fl", "cfi": "fl",
             "cfl": "fl", "fn": "fn", "cfn": "fn"}
    at = {}
    of_call = False
    costs = collections.Counter()
    for line in file.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and key in kinds:
            number, _, name = value.partition(" ")
            known = names[kinds[key]]
            if name:
                known[number] = name
            at[key] = known[number]
            if key == "fn":
                at["in"] = at["fl"]
            elif key in ("fi", "fe", "fl"):
                at["in"] = at[key]
        elif key == "calls":
            of_call = True  # what follows is the cost of the callee
        elif re.match(r"[-+*\d]", line):
            if not of_call and len(line.split()) > 1:
                object_, source = (at[key].replace(" ", "") for key in ("ob", "in"))
                costs[f"{object_} {source} {at['fn']}"] += int(line.split()[1])
            of_call = False
    return costs


def on_cpu(number):
    cpus = sorted(os.sched_getaffinity(0))
    return [] if len(cpus) < 2 else ["taskset", "-c", str(cpus[number])]


@contextlib.contextmanager
def running(command):
    """(process, port) of a server, until the end of the block."""
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True)
    try:
        line = server.stdout.readline()
        if not line.startswith("listening on "):
            sys.exit(f"{command}: it does not listen")
        yield server, line.rpartition(":")[2].strip()
    finally:
        server.terminate()
        server.wait()


def load(folder, port, row, *options):
    made = subprocess.run(on_cpu(1) + [folder / "load", "127.0.0.1", port,
                                       *row.load.split(), *options],
                          stdout=subprocess.PIPE, text=True)
    if made.returncode != 0:
        sys.exit(f"load failed with {row.load}")
    return made.stdout


def counted(folder, command, row, requests, scratch):
    out = scratch / "callgrind.out"
    with running(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
                  *command]) as (_, port):
        load(folder, port, row, "--requests", str(requests))
    return self_costs(out)


def instructions(folder, command, row, scratch):
    """{place: instructions per request}"""
    n = row.requests
    once = counted(folder, command, row, n, scratch)
    thrice = counted(folder, command, row, 3 * n, scratch)
    return {place: (thrice[place] - once[place]) / (2 * n) for place in thrice}


def ticks(pid):
    """Clock ticks as (user, system)."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(stat[11]), int(stat[12])


def cpu_times(folder, commands, row, rounds, seconds):
    """{name: µs per request in (user, kernel)}, measured by turns."""
    times = {name: [] for name in commands}
    spent = {name: [0, 0] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            with running(on_cpu(0) + command) as (server, port):
                text = load(folder, port, row, "--seconds", str(seconds), "--pid",
                            str(server.pid))
                times[name].append(float(re.search(r"CPU ([\d.]+)", text)[1]))
                for i, n in enumerate(ticks(server.pid)):
                    spent[name][i] += n
    return {name: [statistics.median(times[name]) * part / sum(spent[name])
                   for part in spent[name]] for name in commands}


def table(title, profiles, times):
    groups = [name for name, _ in GROUPS] + [OTHER]
    lines = [[title, *profiles], ["---"] + ["---:"] * len(profiles)]
    for group in dict.fromkeys(groups):
        cells = [p.get(group, 0) for p in profiles.values()]
        if max(cells) >= 0.5:
            lines.append([group] + [f"{c:,.0f}" for c in cells])
    lines.append(["**instructions**"] + [f"**{sum(p.values()):,.0f}**"
                                         for p in profiles.values()])
    if times:
        for i, title in enumerate(["CPU µs outside the kernel", "CPU µs in the kernel"]):
            lines.append([title] + [f"{times[name][i]:.2f}" for name in profiles])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def replace_table(file, title, made):
    old = re.compile(rf"^\| {title} \| epoll .*?\n(?=\n)", re.MULTILINE | re.DOTALL)
    text, found = old.subn(made + "\n", file.read_text(), count=1)
    if not found:
        sys.exit(f"{file} has no table {title}")
    file.write_text(text)


def make_certificate(scratch):
    files = [str(scratch / "certificate.pem"), str(scratch / "key.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-out",
                    files[0], "-keyout", files[1]], check=True, stderr=subprocess.DEVNULL)
    return files


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("rows", nargs="*", metavar="ROW", default=list(ROWS))
    parser.add_argument("--rounds", type=int, default=15, help="0: no times")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--places", type=int, default=0, metavar="N",
                        help="show the N most expensive places of each server, too")
    parser.add_argument("--into", type=pathlib.Path, metavar="README",
                        help="replace the tables of the same name there")
    wanted = parser.parse_args()
    for row in wanted.rows:
        if row not in ROWS:
            parser.error(f"no row {row}; there are {' '.join(ROWS)}")
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed")
    with tempfile.TemporaryDirectory() as made:
        scratch = pathlib.Path(made)
        files = make_certificate(scratch)
        for name in wanted.rows:
            row = ROWS[name]
            arguments = ["127.0.0.1", "0"] + (files if name.startswith("tls") else [])
            commands = {server: [wanted.folder / program, *arguments]
                        for server, program in row.servers.items()}
            profiles = {}
            for server, command in commands.items():
                places = instructions(wanted.folder, command, row, scratch)
                profiles[server] = collections.Counter()
                for place, cost in places.items():
                    profiles[server][group_of(place)] += cost
                ranked = sorted(places.items(), key=lambda item: -item[1])
                for place, cost in ranked[:wanted.places]:
                    print(f"{server}: {cost:8.1f}  {group_of(place)}: {place}")
            times = wanted.rounds and cpu_times(wanted.folder, commands, row,
                                                wanted.rounds, wanted.seconds)
            made = table(name, profiles, times)
            print(made, end="\n\n", flush=True)
            if wanted.into:
                replace_table(wanted.into, name, made)


if __name__ == "__main__":
    main()
