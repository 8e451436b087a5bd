#!/usr/bin/env python3
# aio: asyncio for C++20 on Boost.Asio.
# SPDX-License-Identifier: BSL-1.0

"""Makes tables and drawings of what `bench --json FILE` has written:

    plot.py FILE                     Markdown tables on standard output
    plot.py FILE --markdown TABLES   the same into a file
    plot.py FILE --report FOLDER     results.md there, with drawings (SVG and PNG)
    plot.py FILE --report FOLDER --into README
                                     and the same between the lines <!-- results --> and
                                     <!-- end of results --> of README

The drawings need Debian's python3-matplotlib; without it there are only the tables.
"""

import argparse
import json
import math
import os
import pathlib
import sys

OURS = "#c0392b"
LIMIT = "#2c3e50"
RIVALS = "#95a5a6"
CURVES = ["#2c3e50", "#c0392b", "#e67e22", "#2980b9", "#27ae60", "#8e44ad"]

TEXTS = {
    "scale": "64 bytes to and fro, one request under way on each connection",
    "tasks": "many tasks at once: create, wait or sleep, wake and end, each",
    "idle": "connections that made one echo and stay: what they cost the server's heap",
    "micro": "the library's own operations: one loop, no sockets",
}


# --- tables -----------------------------------------------------------------------------


def number(row, key, form):
    value = row.get(key)
    return "-" if value is None else format(value, form)


def markdown(head, cells):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)] + cells
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def times(rows):
    head = ["server", "CPU / epoll", "least to most", "CPU µs/request", "requests/s",
            "/ epoll", "p50 µs", "p99 µs", "p99.9 µs", "busy"]
    cells = []
    for r in rows:
        spread = "-"
        if "cpu_ratio" in r:
            spread = f"{r['cpu_ratio_least']:.3f} to {r['cpu_ratio_most']:.3f}"
        ratio = number(r, "cpu_ratio", ".3f")
        cells.append(
            [r["name"], f"**{ratio}**", spread, number(r, "cpu_us", ".2f"),
             number(r, "requests_per_second", ".0f"), number(r, "rate_ratio", ".2f"),
             number(r, "p50_us", ".1f"), number(r, "p99_us", ".1f"),
             number(r, "p999_us", ".1f"), number(r, "busy", ".0%")])
    return markdown(head, cells)


def calls(rows):
    if not any("receives" in r or "bytes_per_connection" in r for r in rows):
        return ""
    head = ["server", "receives/request", "in vain", "sends", "epoll_waits",
            "epoll_ctls", "timer calls", "allocations", "bytes/connection"]
    cells = [
        [r["name"], number(r, "receives", ".2f"), number(r, "receives_in_vain", ".2f"),
         number(r, "sends", ".2f"), number(r, "waits", ".3f"),
         number(r, "epoll_ctls", ".2f"), number(r, "timer_calls", ".2f"),
         number(r, "allocations", ".2f"), number(r, "bytes_per_connection", ".0f")]
        for r in rows
    ]
    return "\n\n" + markdown(head, cells)


def curves_of(rows, by):
    """{name: {number: row}}, in the order of the rows."""
    curves = {}
    for r in rows:
        curves.setdefault(r["name"], {})[int(r[by])] = r
    return curves


def steps_of(curves):
    return sorted({n for curve in curves.values() for n in curve})


def growth_tables(curves, columns):
    """A table for each of the columns (title, key, format)."""
    steps = steps_of(curves)
    made = []
    for title, key, form in columns:
        cells = [[name] + [number(curve.get(n, {}), key, form) for n in steps]
                 for name, curve in curves.items()]
        made.append(markdown([title] + [f"{n:,}" for n in steps], cells))
    return made


def growth_lines(curves, key, least, text):
    made = []
    for name, curve in curves.items():
        if least in curve and max(curve) > least:
            most = max(curve)
            growth = curve[most][key] / curve[least][key]
            made.append(f"- {name}: x{growth:.2f} {text} from {least:,} to {most:,}")
    return "\n".join(made)


def scale_tables(rows):
    curves = curves_of(rows, "connections")
    made = growth_tables(curves, [("CPU µs/request", "cpu_us", ".2f"),
                                  ("CPU / epoll", "cpu_ratio", ".3f"),
                                  ("bytes/connection", "bytes_per_connection", ".0f")])
    made.append("Growth, in connections (with one of them, the price of a wake-up "
                "dominates):")
    made.append(growth_lines(curves, "cpu_us", 10, "CPU per request"))
    return "\n\n".join(made)


def task_tables(rows):
    curves = curves_of(rows, "tasks")
    made = growth_tables(curves, [("ns", "ns", ".1f"), ("bytes of each", "bytes", ".0f")])
    made.append("Growth, in tasks:")
    made.append(growth_lines(curves, "ns", 1, "CPU"))
    return "\n\n".join(made)


def tables(name, rows):
    if name == "scale":
        return scale_tables(rows)
    if name == "tasks":
        return task_tables(rows)
    if name == "idle":
        return markdown(["server", "bytes per idle connection"],
                        [[r["name"], number(r, "bytes", ".0f")] for r in rows])
    if name == "micro":
        return markdown(["operation", "ns"],
                        [[r["name"], number(r, "ns", ".1f")] for r in rows])
    return times(rows) + calls(rows)


def document(conditions, results, drawn, folder=""):
    """The sections of a document; `folder` is where it finds the drawings."""
    parts = []
    if conditions:
        parts.append(markdown(["measured", "on or with"],
                              [[k, v] for k, v in conditions.items()])
                     .replace("---:", "---"))
    parts.append("A ratio is the median over the rounds of the quotient in each round, "
                 "with the least and the most.")
    for name, rows in results.items():
        parts.append(f"### {name}")
        if name in TEXTS:
            parts.append(TEXTS[name][0].upper() + TEXTS[name][1:] + ".")
        if name in drawn:
            parts.append(f"![{name}]({folder}{name}.svg)")
        parts.append(tables(name, rows))
    return "\n\n".join(parts) + "\n"


def write_between_marks(file, text):
    before, mark, rest = file.read_text().partition("<!-- results -->\n")
    _, end, after = rest.partition("<!-- end of results -->")
    if not mark or not end:
        sys.exit(f"{file} has no place for results")
    file.write_text(f"{before}{mark}\n{text}\n{end}{after}")


# --- drawings ---------------------------------------------------------------------------


def colour(name):
    if name.startswith("aio"):
        return OURS
    return LIMIT if name.startswith("epoll") else RIVALS


def operation_colour(name):
    """Ours have no prefix."""
    if name.startswith("bare coroutine:"):
        return LIMIT
    return RIVALS if ": " in name else OURS


def tidy(axes):
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8)


def bars(axes, names, values, form, colours, errors=None, log=False):
    """Horizontal bars with their values behind them, the first on top."""
    axes.barh(range(len(names)), values, color=colours, xerr=errors, ecolor="#333333",
              error_kw={"elinewidth": 1, "capsize": 2}, height=0.7, log=log)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    ends = [v + (errors[1][i] if errors else 0) for i, v in enumerate(values)]
    for place, (value, end) in enumerate(zip(values, ends)):
        axes.annotate(format(value, form), (end, place), xytext=(4, 0),
                      textcoords="offset points", va="center", fontsize=8)
    if log:
        axes.set_xlim(10 ** math.floor(math.log10(min(values))), max(values) * 4)
    else:
        axes.set_xlim(0, max(ends) * 1.14)
    tidy(axes)


def draw_load(pyplot, name, rows):
    rows = [r for r in rows if "cpu_ratio" in r]
    names = [r["name"] for r in rows]
    figure, (left, right) = pyplot.subplots(
        1, 2, sharey=True, figsize=(11, 1.3 + 0.3 * len(rows)),
        gridspec_kw={"width_ratios": [3, 2]})
    errors = [[r["cpu_ratio"] - r["cpu_ratio_least"] for r in rows],
              [r["cpu_ratio_most"] - r["cpu_ratio"] for r in rows]]
    bars(left, names, [r["cpu_ratio"] for r in rows], ".2f",
         [colour(n) for n in names], errors)
    left.axvline(1, color="black", linewidth=0.8, linestyle=":")
    left.set_xlabel("CPU time per request (plain epoll = 1), median and range",
                    fontsize=9)
    for key, label, marker in (("p50_us", "p50", "o"), ("p99_us", "p99", "s"),
                               ("p999_us", "p99.9", "D")):
        right.scatter([r[key] for r in rows], range(len(rows)), s=22, marker=marker,
                      label=label, zorder=3)
    for place, r in enumerate(rows):
        right.plot([r["p50_us"], r["p999_us"]], [place, place], color="#bbbbbb",
                   linewidth=1, zorder=2)
    right.set_xscale("log")
    right.set_xlabel("latency, µs (logarithmic)", fontsize=9)
    right.grid(axis="x", color="#eeeeee")
    right.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncol=3,
                 frameon=False)
    tidy(right)
    right.tick_params(axis="y", length=0)
    return figure


def draw_bars(pyplot, rows, key, label, form, colours):
    rows = [r for r in rows if r.get(key, 0) > 0]
    figure, axes = pyplot.subplots(figsize=(9, 1.1 + 0.28 * len(rows)))
    names = [r["name"] for r in rows]
    bars(axes, names, [r[key] for r in rows], form, colours(names), log=True)
    axes.set_xlabel(label, fontsize=9)
    return figure


def curve_axes(axes, curves, key, label, numbers):
    """Lines over a logarithmic number of connections or tasks."""
    for shade, (name, curve) in zip(CURVES, curves.items()):
        steps = [n for n in sorted(curve) if curve[n].get(key, 0) > 0]
        if steps:
            axes.plot(steps, [curve[n][key] for n in steps], label=name, color=shade,
                      marker="o", markersize=4)
    ticks = steps_of(curves)
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
    axes.set_xlabel(numbers, fontsize=9)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    fine = high / low < 30
    marks = [m * 10**e for e in range(6) for m in ((1, 1.5, 2, 3, 4, 5, 7) if fine
                                                   else (1, 2, 5))
             if low <= m * 10**e <= high]
    axes.set_yticks(marks, [f"{m:,g}" for m in marks])
    axes.set_ylabel(label + " (logarithmic)", fontsize=9)
    axes.minorticks_off()
    axes.grid(color="#eeeeee")
    axes.legend(fontsize=8, frameon=False)
    tidy(axes)


def draw_scale(pyplot, rows):
    curves = curves_of(rows, "connections")
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    curve_axes(left, curves, "cpu_us", "CPU time per request, µs", "connections")
    curve_axes(right, curves, "bytes_per_connection", "memory per connection, bytes",
               "connections")
    return figure


def draw_tasks(pyplot, rows):
    figure, axes = pyplot.subplots(figsize=(7, 4))
    curve_axes(axes, curves_of(rows, "tasks"), "ns", "CPU time of each, ns", "tasks")
    return figure


def draw(pyplot, name, rows):
    if name == "idle":
        return draw_bars(pyplot, rows, "bytes",
                         "bytes per idle connection (logarithmic)", ",.0f",
                         lambda names: [colour(n) for n in names])
    if name == "micro":
        return draw_bars(pyplot, rows, "ns", "CPU time, nanoseconds (logarithmic)",
                         ",.1f", lambda names: [operation_colour(n) for n in names])
    if name == "scale":
        return draw_scale(pyplot, rows)
    if name == "tasks":
        return draw_tasks(pyplot, rows)
    return draw_load(pyplot, name, rows)


def draw_all(results, folder):
    """Returns: the names of those that are drawn."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        matplotlib.rcParams["svg.hashsalt"] = "aio"  # the same bytes for the same numbers
        from matplotlib import pyplot
    except ImportError:
        print("no drawings: python3-matplotlib is missing", file=sys.stderr)
        return set()
    for name, rows in results.items():
        figure = draw(pyplot, name, rows)
        figure.suptitle(name, fontsize=11, x=0.02, ha="left", fontweight="bold")
        figure.tight_layout()
        for kind, extra in (("svg", {"metadata": {"Date": None}}), ("png", {})):
            figure.savefig(folder / f"{name}.{kind}", dpi=110, **extra)
        pyplot.close(figure)
    return set(results)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--markdown", type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--into", type=pathlib.Path)
    wanted = parser.parse_args()
    results = json.loads(wanted.file.read_text())
    conditions = results.pop("conditions", {})
    if wanted.report:
        wanted.report.mkdir(parents=True, exist_ok=True)
        drawn = draw_all(results, wanted.report)
        (wanted.report / "results.md").write_text(
            "# Results\n\n" + document(conditions, results, drawn))
        print(f"written: {wanted.report}/results.md")
        if wanted.into:
            folder = os.path.relpath(wanted.report, wanted.into.parent)
            write_between_marks(wanted.into,
                                document(conditions, results, drawn, folder + "/"))
    elif wanted.markdown:
        wanted.markdown.write_text(
            "# Results\n\n" + document(conditions, results, set()))
    else:
        print(document(conditions, results, set()), end="")


main()
