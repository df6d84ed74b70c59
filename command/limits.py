# SPDX-License-Identifier: GPL-3.0-or-later
"""How many jobs run at the same time. Measures nothing but cores and free memory, and imports no bpy."""

import os

from ..api.services import SERVICES
from ..programs.bounds import MOST_THREADS
from ..programs.memory import available_bytes

LOCAL_BYTES = 3 << 29
"""Free memory that a job of Local is given. Of the penguin it took 0.62 GB (4.5); the rest is for larger pictures."""


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def most_at_once(service: str) -> tuple[int, str]:
    """How many jobs of a service may run at the same time, and why not more: a part of a sentence. 0 for no bound."""
    about = SERVICES[service]
    if about.reach == "none":
        free = available_bytes()
        room = max(free // LOCAL_BYTES, 1) if free else cores()
        if room < cores():
            return room, f"there are {free / 1e9:.1f} GB of free memory"
        return cores(), f"there {'is 1 core' if cores() == 1 else f'are {cores()} cores'}"
    return about.at_once, f"{about.label} runs at most {about.at_once} tasks of an account"


def jobs_at_once(service: str, wanted: int, usual: int) -> tuple[int, str]:
    """How many jobs run at the same time where `wanted` were asked for (0 for the `usual` number), and a sentence where
    that is less than what was wanted, else ""."""
    most, why = most_at_once(service)
    if not wanted:
        return (most if SERVICES[service].reach == "none" else min(usual, most or usual)), ""
    if most and wanted > most:
        return most, f"{most} {'job runs' if most == 1 else 'jobs run'} at the same time and not {wanted}: {why}."
    return wanted, ""


def threads_for(service: str, at_once: int) -> int:
    """How many threads each background Blender gets, so that the jobs share the cores; 0 for as many as it likes."""
    return min(max(cores() // at_once, 1), MOST_THREADS) if SERVICES[service].reach == "none" and at_once > 1 else 0
