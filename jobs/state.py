# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a job, for all who show or compare them. Cheap to import."""

from enum import StrEnum


class State(StrEnum):
    """Where a job is. The words are public: they stand in job.json."""

    WAITING = "waiting"
    SUBMITTING = "submitting"
    RUNNING = "running"
    DOWNLOADING = "downloading"
    CONVERTING = "converting"
    READY = "ready"
    IMPORTED = "imported"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCONFIRMED = "unconfirmed"


UNFINISHED = frozenset({State.WAITING, State.SUBMITTING, State.RUNNING, State.DOWNLOADING, State.CONVERTING})
"""The states from which a job's process goes on."""

HAS_RESULT = frozenset({State.READY, State.IMPORTED})
