# SPDX-License-Identifier: GPL-3.0-or-later
"""One model that the command line was asked for. Does nothing itself."""

from dataclasses import dataclass, field
from pathlib import Path

from ..jobs.handle import Handle


@dataclass
class Item:
    """One picture, or one variant of it, on its way to files in the output folder."""

    picture: str
    """As it was given: the path of a file, or an address."""
    stem: str
    """What its files are called, without their endings. No two items of an output folder have the same."""
    variant: int = 0
    """Which variant it is, from 1; 0 for none."""
    handle: Handle | None = None
    """Its job, None as long as none was written down."""
    files: dict[str, Path] = field(default_factory=dict)
    """By format ("blend", "glb", "asset"), what was delivered."""
    trouble: str = ""
    """Why there is no job for it, or its model could not be delivered: a sentence; "" where nothing is wrong."""
    error: str = ""
    """The class of the error that `trouble` came of, by its name; "" where there is none, or its job tells it."""
