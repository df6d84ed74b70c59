# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a service usually takes, from this user's own finished jobs. Promises nothing, keeps nothing, reads no
file."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..jobs.folder import Job

AT_MOST = 20
"""So many of a service's newest jobs count: what it took a year ago says little."""


def words(seconds: float | None) -> str:
    """A usual time in words: "usually 8 s", "usually 3 min"; "" for None."""
    if seconds is None:
        return ""
    if round(seconds) < 60:
        return f"usually {max(1, round(seconds))} s"
    if round(seconds / 60) < 60:
        return f"usually {round(seconds / 60)} min"
    return f"usually {round(seconds / 3600)} h"


class Usual:
    """The times that the newest jobs of each service took."""

    def __init__(self) -> None:
        self._times: dict[str, dict[str, float]] = {}
        """By service, and by job: seconds."""

    def note(self, job: "Job") -> None:
        """Note how long a job took, where that is known. Costs the same however many jobs there are."""
        if not job.took_s:
            return
        times = self._times.setdefault(job.service, {})
        times[job.id] = job.took_s
        if len(times) > AT_MOST:
            del times[min(times)]  # ids begin with the time

    def seconds(self, service: str) -> float | None:
        """What a model of this service usually takes (the median); None as long as no job has told."""
        times = sorted(self._times.get(service, {}).values())
        return times[len(times) // 2] if times else None
