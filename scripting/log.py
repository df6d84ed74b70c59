# SPDX-License-Identifier: GPL-3.0-or-later
"""How jobs get on, said by `logging` while a background Blender works on them. Prints nothing where somebody has
configured logging, and nothing to standard output.

The logger has the name of the package, and each line is of the level INFO. Where nobody has configured logging, Python
would drop them; a Blender that works for minutes should say something, so the lines go to standard error then.
"""

import logging

from ..jobs.folder import Job as Record
from ..scene.shown import shown

PACKAGE = __package__.rpartition(".")[0]

logger = logging.getLogger(PACKAGE)


def is_configured() -> bool:
    """Whether somebody has said what is to happen with our lines: by a handler, or by a level."""
    return logger.hasHandlers() or logger.level != logging.NOTSET


def say(job: Record, sentence: str) -> None:
    """Say a sentence about a job, in one line with its id."""
    line = logger.makeRecord(
        PACKAGE, logging.INFO, __file__, 0, "%s  %s  %s", (job.id, shown(job.name), shown(sentence)), None, "say"
    )
    if is_configured():
        if logger.isEnabledFor(logging.INFO):
            logger.handle(line)
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("Image to 3D  %(message)s"))
        handler.handle(line)


def say_progress(job: Record, said: dict[str, str]) -> None:
    """Say how a job is, where that has changed since; `said` keeps by job what was said last."""
    line = progress_of(job)
    if said.get(job.id) != line:
        said[job.id] = line
        say(job, line)


def progress_of(job: Record) -> str:
    """How far a job is, and what happens to it: " 45%  Painting the maps"."""
    return f"{job.progress:4.0%}  {job.message}"
