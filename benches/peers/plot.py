"""Draws what was measured: an SVG with a panel for each question. The same figures give the same bytes."""

import contextlib
import io
import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass

from measure import TARGET, say

FOLDER = TARGET / "peers" / "python"

INK, FAINT, GRID = "#1F2937", "#6B7280", "#E5E7EB"
COLOURS = ("#2563EB", "#D97706", "#047857", "#7C3AED")


@dataclass(frozen=True)
class Line:
    """The medians at each place, and how far the rounds lay apart."""

    label: str
    medians: list
    lows: list
    highs: list


@dataclass(frozen=True)
class Panel:
    """Lines over what changes: numbers, of which the first may be zero, or names, which become bars."""

    title: str
    x_label: str
    y_label: str
    places: list
    lines: list


def equip():
    """Starts this script anew with matplotlib, which is installed if need be."""
    python = FOLDER / "bin" / "python"
    if sys.prefix == str(FOLDER):
        return
    if not (FOLDER / "ready").exists():
        say("installing matplotlib")
        venv.create(FOLDER, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "matplotlib"], check=True)
        (FOLDER / "ready").touch()
    os.execv(python, [str(python), *sys.argv])


def draw(file, panels):
    with sheet(file, len(panels), (max(6, 4.2 * len(panels)), 3.4)) as axes:
        for panel, axis in zip(panels, axes):
            # The same question has the same scale, whatever it is asked of.
            fill(axis, panel, max(highest(other) for other in panels if other.title == panel.title))


@contextlib.contextmanager
def sheet(file, columns=1, size=(6, 3.4)):
    """Axes side by side, to be drawn on within the `with` block; then the file is written."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    settings = {
        "svg.fonttype": "none",  # letters, not their outlines
        "svg.hashsalt": "chinwag",
        "font.family": "sans-serif",
        "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
        "font.size": 10,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": FAINT,
        "axes.titlecolor": INK,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "grid.color": GRID,
        "legend.frameon": False,
        "legend.labelcolor": INK,
    }
    with matplotlib.rc_context(settings):
        figure, axes = pyplot.subplots(1, columns, figsize=size, squeeze=False, layout="constrained")
        yield axes[0]
        drawn = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(drawn, format="svg", facecolor="white", metadata=nothing)
        pyplot.close(figure)
    # A hundredth of a point is enough; coordinates have six digits, labels fewer.
    file.write_text(re.sub(r"(\.\d\d)\d{4,}", r"\1", drawn.getvalue()))


def highest(panel):
    return max(max(line.highs) for line in panel.lines)


def fill(axis, panel, top):
    axis.set_title(panel.title)
    axis.set_xlabel(panel.x_label)
    axis.set_ylabel(panel.y_label)
    axis.grid(axis="y")
    for index, line in enumerate(panel.lines):
        below = [middle - low for middle, low in zip(line.medians, line.lows)]
        above = [high - middle for middle, high in zip(line.medians, line.highs)]
        look = {"label": line.label, "color": COLOURS[index]}
        if isinstance(panel.places[0], str):
            width = 0.7 / len(panel.lines)
            at = [place + width * (index - (len(panel.lines) - 1) / 2) for place in range(len(panel.places))]
            axis.bar(at, line.medians, width * 0.9, yerr=(below, above), ecolor=FAINT, **look)
        else:
            axis.errorbar(panel.places, line.medians, (below, above), marker="o", markersize=4, elinewidth=1, **look)
    if isinstance(panel.places[0], str):
        axis.set_xticks(range(len(panel.places)), panel.places)
    else:
        positive = [place for place in panel.places if place > 0]
        # Zero has a place on this scale, left of the least of the others.
        axis.set_xscale("symlog", linthresh=min(positive), linscale=0.5) if 0 in panel.places else axis.set_xscale("log")
        axis.minorticks_off()
        axis.set_xticks(panel.places, [numeral(place) for place in panel.places], fontsize=8)
    axis.yaxis.set_major_formatter(lambda value, _: numeral(value))
    # From zero, with room for the legend.
    axis.set_ylim(0, top * (1.3 if len(panel.lines) > 1 else 1.1))
    if len(panel.lines) > 1:
        axis.legend(loc="upper left", fontsize=9, ncols=2)


def numeral(number):
    """As short as an axis needs it: 10k."""
    for bound, letter in ((1e6, "M"), (1e3, "k")):
        if number >= bound:
            return f"{number / bound:g}{letter}"
    return f"{number:g}"
