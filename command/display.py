# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call says on the way: plain lines, or one line of JSON a model."""

import json as json_text
from collections.abc import Sequence
from typing import IO

from .item import Item


class Display:
    """Says how models are."""

    def __init__(self, stream: IO[str], *, json: bool, quiet: bool) -> None:
        self._stream, self._json, self._quiet = stream, json, quiet

    def begin(self, items: Sequence[Item]) -> None:
        """Nothing is said before a model has ended."""

    def look(self, running: Sequence[Item]) -> None:
        """Nothing is said of those that run."""

    def ended(self, item: Item) -> None:
        """Say how a model has ended."""
        message = item.trouble or (item.handle.message if item.handle else "")
        state = item.handle.state if item.handle else "failed"
        if self._json:
            files = {word: str(path) for word, path in item.files.items()}
            facts = {"picture": item.picture, "stem": item.stem, "state": state, "message": message, "files": files}
            print(json_text.dumps(facts), file=self._stream, flush=True)
        else:
            print(f"{item.stem or item.picture}: {message}", file=self._stream, flush=True)

    def say(self, sentence: str, *, is_note: bool = False) -> None:
        """Say a sentence; one that is a note only where nobody wants quiet."""
        if not (self._json or (self._quiet and is_note)):
            print(sentence, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing is left open."""


def display(stream: IO[str], *, json: bool, quiet: bool) -> Display:
    """What says how the models are."""
    return Display(stream, json=json, quiet=quiet)
