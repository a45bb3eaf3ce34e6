"""Figures: medians, percentiles, and ratios with their spread."""

import statistics


def percentile(values, percent):
    """Give the value that so many percent of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def milliseconds(seconds):
    """Write a duration."""
    return f"{seconds * 1000:7.1f} ms"


def spread(values, digits=2):
    """Write the median of several runs, and the lowest and the highest beside it."""
    low, middle, high = (
        f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values))
    )
    return f"{middle} ({low} … {high})"


def line(name, figure, goal=""):
    """Print one figure, with its goal where it has one."""
    print(f"{name:<58} {figure}{f'   goal {goal}' if goal else ''}", flush=True)
