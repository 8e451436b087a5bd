#!/usr/bin/env python3
# aio: asyncio for C++20 on Boost.Asio.
# SPDX-License-Identifier: BSL-1.0

"""Draws what `bench --json FILE` has written, and prints it as Markdown tables:

    plot.py FILE [FOLDER]      SVG and PNG, one of each per scenario, into FOLDER

The drawings need Debian's python3-matplotlib; without it there are only the tables.
"""

import json
import pathlib
import sys

OURS = "#c0392b"
RIVALS = "#7f8c8d"


def table(name, rows):
    """The rows as Markdown."""
    if name == "idle":
        head = ["server", "bytes per idle connection"]
        cells = [[r["name"], f"{r['bytes']:.0f}"] for r in rows]
    elif name == "micro":
        head = ["operation", "ns"]
        cells = [[r["name"], f"{r['ns']:.1f}"] for r in rows]
    else:
        head = ["server", "CPU / epoll", "least to most", "CPU µs", "requests/s",
                "p50 µs", "p99 µs", "p99.9 µs"]
        cells = [
            [r["name"], f"**{r['cpu_ratio']:.3f}**",
             f"{r['cpu_ratio_least']:.2f} to {r['cpu_ratio_most']:.2f}",
             f"{r['cpu_us']:.2f}", f"{r['requests_per_second']:.0f}",
             f"{r['p50_us']:.1f}", f"{r['p99_us']:.1f}", f"{r['p999_us']:.1f}"]
            for r in rows
        ]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)] + cells
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def draw(name, rows, folder):
    """One bar per server: CPU per request beside plain epoll, or memory."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    key, label = {
        "idle": ("bytes", "bytes per idle connection"),
        "micro": ("ns", "nanoseconds"),
    }.get(name, ("cpu_ratio", "CPU time per request, plain epoll = 1"))
    names = [r["name"] for r in rows]
    values = [r[key] for r in rows]
    colours = [OURS if n.startswith("aio") or name == "micro" else RIVALS for n in names]
    figure, axes = pyplot.subplots(figsize=(8, 0.6 + 0.32 * len(rows)))
    errors = None
    if key == "cpu_ratio":
        errors = [
            [r["cpu_ratio"] - r["cpu_ratio_least"] for r in rows],
            [r["cpu_ratio_most"] - r["cpu_ratio"] for r in rows],
        ]
        axes.axvline(1, color="black", linewidth=0.8)
    axes.barh(names, values, color=colours, xerr=errors, ecolor="#34495e")
    axes.invert_yaxis()
    axes.set_xlabel(label)
    axes.set_title(name)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for place, value in enumerate(values):
        axes.annotate(f" {value:.4g}", (0, place), va="center", fontsize=8, color="white")
    figure.tight_layout()
    for kind in ("svg", "png"):
        figure.savefig(folder / f"{name}.{kind}", dpi=120)
    pyplot.close(figure)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    results = json.loads(pathlib.Path(sys.argv[1]).read_text())
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    for name, rows in results.items():
        print(f"### {name}\n\n{table(name, rows)}\n")
        if not folder:
            continue
        try:
            draw(name, rows, folder)
        except ImportError:
            print("no drawings: python3-matplotlib is missing", file=sys.stderr)
            folder = None


main()
