# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call says to programs: one line of JSON for each model, when nothing more happens to it. Says no key, and
imports no bpy. The form is public: docs/command_line_output.md has its JSON Schema."""

import json
import re
from collections.abc import Sequence
from typing import IO, Any

from ..api.redact import redact
from . import terminal
from .item import Item
from .lines import is_there, record_of

VERSION = 1
"""Of the form. A later one may have further fields; what is there keeps its meaning."""

NOT_STARTED = "not_started"
"""The state of a model without a job. The others are those of jobs: `jobs.state.State`."""

HALF = re.compile("[\ud800-\udfff]")
"""Half a character, as Python has a byte in a file's name that is no text: many readers of JSON refuse it."""


class JsonLines:
    """Writes lines of JSON to `stream`, and sentences to `aside`. A `Display`."""

    def __init__(self, stream: IO[str], aside: IO[str], *, is_quiet: bool = False) -> None:
        self._stream, self._aside, self._is_quiet = stream, aside, is_quiet

    def begin(self, items: Sequence[Item]) -> None:
        """See `Display`."""

    def look(self, running: Sequence[Item]) -> None:
        """See `Display`."""

    def ended(self, item: Item) -> None:
        """See `Display`."""
        self._stream.write(f"{json.dumps(facts_of(item))}\n")  # in ASCII, so that any terminal and any reader takes it
        self._stream.flush()

    def say(self, sentence: str, *, is_note: bool = False) -> None:
        """See `Display`."""
        if not (is_note and self._is_quiet):
            self._aside.write(f"{terminal.writable(terminal.sentence(sentence), self._aside)}\n")
            self._aside.flush()

    def close(self) -> None:
        """See `Display`."""


def facts_of(item: Item) -> dict[str, Any]:
    """What a line says of an item that has ended."""
    job = record_of(item)
    facts: dict[str, Any] = {
        "version": VERSION,
        "ok": is_there(item),
        "picture": _text(item.picture),
        "stem": _text(item.stem),
        "variant": item.variant or None,
        "id": None,
        "service": None,
        "parameters": {},
        "state": NOT_STARTED,
        "task_id": None,
        "files": {word: _text(str(path)) for word, path in item.files.items()} if is_there(item) else {},
        "seconds": None,
        "credits": None,
        "message": _text(item.trouble),
        "note": "",
        "error": item.error or None,
    }
    if job is not None:
        facts |= {
            "id": job.id,
            "service": job.service,
            "parameters": {name: _plain(value) for name, value in job.parameters.items()},
            "state": str(job.state),
            "task_id": job.task_id or None,
            "seconds": round(job.took_s, 1) or None,
            "credits": job.credits,
            "message": _text(item.trouble or job.message),
            "note": _text(job.note),
            "error": item.error or job.error or None,
        }
    return facts


def _plain(value: Any) -> Any:
    """A value of a parameter, a list where it is one of several numbers."""
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    return HALF.sub("\N{REPLACEMENT CHARACTER}", redact(text))
