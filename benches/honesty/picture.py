"""Draws what the clients say beside the truth: latency by percentile, up to the slowest message."""

import math

import plot

TICKS = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "p99.5": 99.5, "p99.9": 99.9}
MARKERS = "osD^"


def draw(file, kept):
    load = kept["load"]
    count = load["connections"] * load["rate"] * load["seconds"]
    # The slowest message of all stands where one of so many is.
    end = 100 * (1 - 1 / count)
    with plot.sheet(file, size=(8, 4)) as (axis,):
        axis.set_title(f"What load clients report about a server that stalls for {kept['stall_s']:g} s in {kept['period_s']}")
        axis.set_xlabel("percentile of the messages")
        axis.set_ylabel("latency, ms")
        axis.grid(axis="y")
        true = [[min(place, end), value] for place, value in kept["truth"]["points"]]
        axis.fill_between(*places(true), color=plot.GRID, label="the truth", linewidth=0)
        for (client, figures), colour, marker in zip(kept["stalled"].items(), plot.COLOURS, MARKERS):
            reported = [[min(place, end), value] for place, value in figures["points"]]
            slowest = [[end, figures["max"]]] if figures["max"] is not None else []
            if reported:
                axis.plot(*places(reported + slowest), color=colour, linewidth=1.8)
            # Markers where a client reports a percentile; one that has them all has a curve, and markers at ours.
            if len(reported) > len(TICKS):
                reported = [[place, at(reported, place)] for place in TICKS.values() if place <= reported[-1][0]]
            label = client if reported else f"{client} (mean and slowest only)"
            look = {"color": colour, "marker": marker, "markersize": 5, "linestyle": "none"}
            axis.plot(*places(reported + slowest), label=label, **look)
        ticks = {**{name: place for name, place in TICKS.items() if place < end}, "slowest": end}
        axis.set_xticks([nines(place) for place in ticks.values()], list(ticks))
        axis.set_xlim(nines(40), nines(end) + 0.1)
        axis.set_ylim(0, kept["truth"]["max"] * 1.1)
        axis.legend(loc="upper left", fontsize=9)


def nines(percent):
    return -math.log10(1 - percent / 100)


def places(points):
    return [nines(place) for place, _ in points], [value for _, value in points]


def at(points, percent):
    return next(value for place, value in points if place >= percent)
