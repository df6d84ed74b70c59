# SPDX-License-Identifier: GPL-3.0-or-later
"""What a headless program hears from whoever started it, a request; and what it says to them: one JSON object a line,
appended to a file. Imports no bpy.

Lines: `{"progress": 0.4, "message": "Shaping the model"}` while the work goes on; last `{"done": {...facts}}` or
`{"error": "one sentence that says what to do"}`. A program that ends without a last line has crashed. A file and not a
pipe: a pipe cannot be read without blocking on every system that Blender runs on.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOOK_EVERY_S = 0.02
"""How often is looked for a request: its model is waited for."""


def wait_for_request(starter_is_gone: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """Return what the request file that the first argument names asks for, as soon as there is one.

    It gets its name when it is whole (`Program.give`). Ends the process when the one that started it has died.
    """
    path = Path(sys.argv[1])
    while not path.exists():
        if starter_is_gone():
            sys.exit("The process that started this program is gone.")
        time.sleep(LOOK_EVERY_S)
    request: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return request


class Report:
    """Appends lines to `path`; made anew by each program at its start. `starter_is_gone` is asked with each of them."""

    def __init__(self, path: Path, starter_is_gone: Callable[[], bool] = lambda: False) -> None:
        self._path = path
        self._starter_is_gone = starter_is_gone

    def progress(self, fraction: float, message: str) -> None:
        """Say how far the work is (0 to 1) and what is done next, in words for the panel.

        Ends the process when the one that started it has died: nobody would take the result. (On Linux and macOS it
        does not live so long, see `process.end_with_starter`; Windows knows nothing like it.)
        """
        if self._starter_is_gone():
            sys.exit("The process that asked for this work is gone.")
        self._write({"progress": round(fraction, 4), "message": message})

    def done(self, **facts: Any) -> None:
        """Say that the work is complete, with facts about it (counts, notes for the user)."""
        self._write({"done": facts})

    def fail(self, sentence: str) -> None:
        """Say that the work cannot be done, in one sentence that tells the user what to do."""
        self._write({"error": sentence})

    def _write(self, line: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
