#!/usr/bin/env python3
# aio: asyncio for C++20 on Boost.Asio.
# SPDX-License-Identifier: BSL-1.0

"""Compares what operations cost with what they may cost.

    check_counts.py PROGRAM BASELINES COMPILER [--allocations | --update]

PROGRAM is counts.cpp, COMPILER what it was built with, such as "GNU 12.2.0". Instructions
are counted by valgrind (exit code 77 without it, or with a compiler that the baselines
are not for) and may be 15 % above the baseline; allocations are counted by the program
itself and may not be above it at all.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOLERANCE = 0.15
SKIPPED = 77
HEAD = """\
# What operations cost: user instructions and allocations of each, with g++ -O2.
# Written by `./dev counts --update`, compared by the ctest "instruction counts".
"""


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def allocations_of(output):
    """{operation: (N, allocations of one)} from the lines that the program prints."""
    made = {}
    for line in output.splitlines():
        name, n, once, thrice = line.split("\t")
        made[name] = (int(n), (int(thrice) - int(once)) / (2 * int(n)))
    return made


def run_plain(program):
    return allocations_of(subprocess.run([program], check=True, text=True,
                                         stdout=subprocess.PIPE).stdout)


def run_valgrind(program):
    """{operation: (instructions, allocations)} of one operation."""
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            ["valgrind", "--tool=callgrind", "--instr-atstart=no",
             f"--callgrind-out-file={folder}/out", "--error-exitcode=99", program],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if made.returncode != 0:
            sys.exit(f"{program} under valgrind: exit code {made.returncode}\n"
                     f"{made.stdout}{made.stderr}")
        totals = {}
        for file in pathlib.Path(folder).glob("out.*"):
            text = file.read_text()
            label = re.search(r"^desc: Trigger: Client Request: (.+)$", text, re.M)
            total = re.search(r"^(?:totals|summary): (\d+)$", text, re.M)
            if label and total:
                totals[label[1]] = int(total[1])
    if not totals:
        skip("the program was built without valgrind's headers")
    return {
        name: ((totals[f"{name}/3N"] - totals[f"{name}/N"]) / (2 * n), allocations)
        for name, (n, allocations) in allocations_of(made.stdout).items()
    }


def read_baselines(file):
    compiler, limits = "", {}
    for line in file.read_text().splitlines():
        if line.startswith("compiler:"):
            compiler = line.removeprefix("compiler:").strip()
        elif line and not line.startswith("#"):
            name, instructions, allocations = re.split(r" {2,}", line.strip())
            limits[name] = (float(instructions), float(allocations))
    return compiler, limits


def write_baselines(file, compiler, counted):
    lines = [f"compiler: {compiler}", ""]
    lines += [f"{name:<34}{instructions:>10.0f}{allocations:>12.2f}"
              for name, (instructions, allocations) in counted.items()]
    file.write_text(HEAD + "\n".join(lines) + "\n")


def major(compiler):
    return compiler.split(".")[0]  # "GNU 12.2.0": "GNU 12"


def too_many_allocations(counted, limits):
    wrong = []
    for name, allocations in counted.items():
        # Now and then a container grows, which is no allocation per operation.
        if name in limits and allocations > limits[name][1] + 0.02:
            wrong.append(f"{name}: {allocations:.2f} allocations, not "
                         f"{limits[name][1]:.2f}")
    return wrong


def too_many_instructions(counted, limits):
    wrong = []
    print(f"{'operation':<34}{'instructions':>14}{'baseline':>10}")
    for name, (instructions, _) in counted.items():
        if name not in limits:
            print(f"{name:<34}{instructions:>14.0f}{'none':>10}")
            wrong.append(f"{name}: not in the baselines")
            continue
        limit = limits[name][0]
        change = instructions / limit - 1
        print(f"{name:<34}{instructions:>14.0f}{limit:>10.0f}{change:>+8.0%}")
        if change > TOLERANCE:
            wrong.append(f"{name}: {instructions:.0f} instructions, {change:+.0%}")
        if change < -TOLERANCE:
            print(f"    {-change:.0%} less: lower the baseline (./dev counts --update)")
    return wrong


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("baselines", type=pathlib.Path)
    parser.add_argument("compiler")
    parser.add_argument("--allocations", action="store_true")
    parser.add_argument("--update", action="store_true")
    wanted = parser.parse_args()

    if wanted.allocations:
        _, limits = read_baselines(wanted.baselines)
        counted = {name: made for name, (_, made) in run_plain(wanted.program).items()}
        for name, made in counted.items():
            print(f"{name:<34}{made:>8.2f} allocations")
        wrong = too_many_allocations(counted, limits)
        wrong += [f"{name}: not counted any more" for name in limits.keys() - counted]
    else:
        if shutil.which("valgrind") is None:
            skip("valgrind is not installed")
        counted = run_valgrind(wanted.program)
        if wanted.update:
            write_baselines(wanted.baselines, major(wanted.compiler), counted)
            print(wanted.baselines.read_text(), end="")
            return
        compiler, limits = read_baselines(wanted.baselines)
        wrong = too_many_instructions(counted, limits)
        if major(wanted.compiler) != compiler:
            skip(f"the baselines are for {compiler}, not {wanted.compiler}")
    if wrong:
        sys.exit("too much:\n  " + "\n  ".join(wrong))


main()
