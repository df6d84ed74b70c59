# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a Blender look after its jobs, as its timer would, until something has happened. For tests only."""

import time

LOOK_S = 0.05


def tick_until(session, condition, deadline_s=60):
    """Tick until `condition()`; return the sentences that were said meanwhile."""
    return [entry.sentence for entry in listen_until(session, condition, deadline_s)]


def listen_until(session, condition, deadline_s=60):
    """Tick until `condition()`; return all that was said meanwhile, with how serious it is."""
    until = time.monotonic() + deadline_s
    said = []
    while not condition():
        assert time.monotonic() < until, f"it did not happen; said: {said}"
        said += session.tick()
        time.sleep(LOOK_S)
    return said


def hear(accounts, deadline_s=60):
    """Tick until no account is asked about any more."""
    until = time.monotonic() + deadline_s
    while accounts.is_busy():
        assert time.monotonic() < until, "no answer"
        accounts.hear()
        time.sleep(LOOK_S)
