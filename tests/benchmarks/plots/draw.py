#!/usr/bin/env python3
"""Draws the plots of docs/benchmarks.md and README.md.

Reads the points that `cargo bench --package scrip-benchmarks` has written beside this file, and for the costs the units
and list prices in tests/costs.

  draw.py            draws them into docs/images
  draw.py --check    fails if those in docs/images differ

Needs what requirements.txt names, and draws the same bytes from the same figures.
"""

import argparse
import io
import json
import sys
import tomllib
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
IMAGES = ROOT / "docs" / "images"
COSTS = ROOT / "tests" / "costs"

# Okabe and Ito's colours, which people who see few colours tell apart.
SCRIP, PATTERN, OTHER, LIGHT = "#0072B2", "#D55E00", "#7F7F7F", "#56B4E9"
INK, FAINT = "#1F2328", "#D0D7DE"
STYLE = {
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "lines.markersize": 5,
    # Glyphs as outlines: every reader sees the same, and each id follows from what it names.
    "svg.fonttype": "path",
    "svg.hashsalt": "scrip",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def points(name: str) -> dict[str, list[list[float]]]:
    """The lines that were measured, by their names."""
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def costs(name: str) -> dict:
    """A file of tests/costs."""
    return tomllib.loads((COSTS / f"{name}.toml").read_text(encoding="utf-8"))


def million_usd() -> tuple[float, float]:
    """DynamoDB's part of a million debits: Scrip's, and with an idempotency table."""
    prices, debit = costs("prices"), costs("measured")["debit"]

    def usd(unit: str, amount: float) -> float:
        price = prices[f"dynamodb_{unit}_unit"]
        return price["usd"] / price["per"] * amount * 1_000_000

    own = usd("write", debit["write_units"]) + usd("read", debit["read_units"])
    return own, usd("write", debit["write_units_with_idempotency_table"])


def bars(axes: Axes, rows: list[tuple[str, float, str, str]]) -> None:
    """Horizontal bars, the first on top: name, length, text at the end, colour."""
    names, lengths, texts, colours = zip(*rows, strict=True)
    drawn = axes.barh(names, lengths, color=colours, height=0.62)
    axes.bar_label(drawn, texts, padding=5, fontweight="bold")
    axes.invert_yaxis()
    axes.margins(x=0.18)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def debit() -> Figure:
    """Cost and latency of a debit, beside what is built instead."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.5))
    own, other = million_usd()
    table = "Idempotency table,\nbalance, ledger row"
    bars(left, [("Scrip", own, f"${own:.3f}", SCRIP), (table, other, f"${other:.3f}", PATTERN)])
    left.set_title("DynamoDB, for a million debits", pad=12)
    left.set_xlabel("dollars: units that a debit takes, at list prices")
    waiting = points("waiting")
    rows = []
    for percentile in (50, 99):
        for name, line, colour in (("Scrip", "Scrip", SCRIP), (table, "an idempotency table", PATTERN)):
            ms = dict(map(tuple, waiting[line]))[percentile]
            rows.append((f"{name}, p{percentile}", ms, f"{ms:.1f} ms", colour))
    bars(right, rows)
    right.set_title("A debit's waiting for DynamoDB", pad=12)
    right.set_xlabel("ms: from published times of calls from Lambda")
    figure.tight_layout(w_pad=3)
    return figure


def by_clients() -> Figure:
    """A debit's latency on one machine."""
    figure, axes = pyplot.subplots(figsize=(7.2, 4))
    styles = {
        "p50": ("Scrip, p50", SCRIP, "-"),
        "p95": ("Scrip, p95", LIGHT, "-"),
        "the SDK's calls alone, p50": ("the SDK's three calls alone, p50", OTHER, "--"),
        "an idempotency table, p50": ("an idempotency table, p50", PATTERN, "-"),
    }
    for line, (name, colour, dashes) in styles.items():
        clients, ms = zip(*points("debits")[line], strict=True)
        axes.plot(clients, ms, dashes, marker="o", color=colour, label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(clients, [f"{count:g}" for count in clients])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("clients")
    axes.set_ylabel("ms")
    axes.set_title("A debit's latency on one machine, embedded database")
    axes.legend()
    figure.tight_layout()
    return figure


def refill() -> Figure:
    """Accounts refilled a second, by how many there are."""
    figure, axes = pyplot.subplots(figsize=(7.2, 3.4))
    for (line, measured), colour, dashes in zip(points("refill").items(), (SCRIP, OTHER), ("-", "--"), strict=True):
        accounts, per_second = zip(*measured, strict=True)
        axes.plot(accounts, per_second, dashes, marker="o", color=colour, label=line)
    axes.set_xscale("log")
    axes.set_xticks(accounts, [f"{count:,.0f}" for count in accounts])
    axes.minorticks_off()
    axes.set_ylim(0, 2500)
    axes.set_xlabel("accounts")
    axes.set_ylabel("accounts a second")
    axes.set_title("A month's turn")
    axes.legend(loc="lower right")
    figure.tight_layout()
    return figure


PLOTS = {"debit": debit, "debits-by-clients": by_clients, "refill": refill}


def drawn(plot) -> bytes:
    """A plot as SVG, without a date."""
    with matplotlib.rc_context(STYLE):
        figure = plot()
        written = io.BytesIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    # matplotlib leaves spaces at the ends of lines.
    lines = written.getvalue().decode().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines).encode()


def main() -> int:
    """Draws or checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with those in docs/images")
    check = parser.parse_args().check
    differing = []
    for name, plot in PLOTS.items():
        file, image = IMAGES / f"{name}.svg", drawn(plot)
        if not check:
            file.write_bytes(image)
        elif not file.is_file() or file.read_bytes() != image:
            differing.append(str(file.relative_to(ROOT)))
    if differing:
        print(f"{', '.join(differing)}: other figures; run tests/benchmarks/plots/draw.py")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
