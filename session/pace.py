# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a job will still take, guessed from how fast it went so far in this Blender. Promises nothing, and keeps
nothing."""

LEAST_PROGRESS = 0.05  # less says nothing about the rest
LEAST_S = 2.0


def words(seconds: float | None) -> str:
    """A time that is left, in words; "" for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return "less than 1 min left"
    return f"about {round(seconds / 60)} min left"


class Pace:
    """What was seen of the progress of unfinished jobs."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[float, float]] = {}
        """By job: when its progress was seen first (seconds of a monotonic clock), and how far it was then (0 to 1)."""
        self._latest: dict[str, tuple[float, float]] = {}
        """By job: the same, when its progress changed last."""

    def note(self, job_id: str, progress: float, now_s: float) -> None:
        """Note how far a job is. One that has fallen back (it is tried again) begins anew, and so does one that has
        only waited."""
        begun = self._begun.get(job_id)
        if begun is None or progress < self._latest[job_id][1] or progress == begun[1]:
            self._begun[job_id] = (now_s, progress)
        self._latest[job_id] = (now_s, progress)

    def seconds_left(self, job_id: str, now_s: float) -> float | None:
        """How many seconds the job will need, at its own pace; None as long as that cannot be told."""
        if job_id not in self._begun:
            return None
        (begun_s, first), (latest_s, latest) = self._begun[job_id], self._latest[job_id]
        gone, took_s = latest - first, latest_s - begun_s
        if gone < LEAST_PROGRESS or took_s < LEAST_S:
            return None
        return max(0.0, took_s / gone * (1.0 - latest) - (now_s - latest_s))

    def forget(self, job_id: str) -> None:
        """Forget a job that has ended."""
        self._begun.pop(job_id, None)
        self._latest.pop(job_id, None)
