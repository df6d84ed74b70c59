# SPDX-License-Identifier: GPL-3.0-or-later
"""How many jobs, and how much of the disk they take, in words. Asks nobody."""

UNITS = ("KB", "MB", "GB", "TB")


def in_words(jobs: int, size: float) -> str:
    """Return a number of jobs, and `size` in bytes, as "1,234 jobs, 5.6 GB"."""
    units = iter(UNITS)
    unit, size = next(units), size / 1000
    while size >= 999.5 and (larger := next(units, "")):
        unit, size = larger, size / 1000
    digits = 1 if size < 99.95 else 0
    return f"{jobs:,} {'job' if jobs == 1 else 'jobs'}, {size:,.{digits}f} {unit}"
