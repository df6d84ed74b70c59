# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts the figure of a picture out, in a process of its own: fetches the picture, looks whether it can be read, has a
background Blender work, and checks what that has made. Makes no job, sends the picture nowhere, and imports no bpy.

The process gets one line of JSON on its standard input, writes one line to its standard output, and ends. The input
stays open: its end tells the process that Blender has gone away.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import files
from ..api import blender, headers, picture
from ..api.errors import ImageTo3DError, PictureError, user_message
from ..api.network import Network
from ..api.sources import LONGER_SIDE_PX
from ..api.words import SENTENCE_AT_MOST, clean, named
from ..programs import process as processes
from ..programs.bounds import Bounds
from ..programs.process import Process, starter_is_gone
from ..programs.program import CUT_OUT, blender_command

CUT_OUT_FILE = "cut out.png"
"""What the picture with the figure alone is called, in the folder that the process works in."""

ORIGINS = ("alpha", "background", "rectangle")
"""Where a shape may come from, as `headless.cutout` says it."""

STOPPED = "The figure could not be cut out, as the process stopped unexpectedly: try again."


def start(*, python: Sequence[str], config: dict[str, Any]) -> Process:
    """Start the process in the Python that the command line `python` begins with; never waits. Raises `StartError`.

    `config` are "source" (a path, an address or a data URI), "called" (what the user knows the picture as), "how" (see
    `headless.cutout.cut_out`), "folder" (an empty one, for all that is written), "blender" (the binary, "" for the bpy
    module), "bounds" (the options of `Bounds`) and "network" (those of `Network`).
    """
    return processes.start(
        "jobs.cutting", python=python, config=config, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def answer(process: Process) -> dict[str, Any] | None:
    """Return what has become of it, None while the process works; never waits.

    {"ok": True, "shape_from": one of `ORIGINS`} where `CUT_OUT_FILE` is in its folder, with a "note" for the user where
    there is something to be said; or {"ok": False, "sentence": what to do}.
    """
    line = processes.last_line(process)
    if line is None:
        return None
    try:
        found = json.loads(line)
        if found["ok"] is True and found["shape_from"] in ORIGINS:
            note = clean(found.get("note", ""), SENTENCE_AT_MOST)
            return {"ok": True, "shape_from": found["shape_from"]} | ({"note": note} if note else {})
        return {"ok": False, "sentence": clean(found["sentence"], SENTENCE_AT_MOST) or STOPPED}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # it has died in the middle of it
        return {"ok": False, "sentence": STOPPED}


def kill(process: Process) -> None:
    """End the process at once, and the background Blender with it."""
    processes.kill(process)
    processes.let_go(process)


def main() -> None:
    """Read the config, cut out, write the answer."""
    os.umask(0o077)  # what is made is for the user's eyes only
    line = sys.stdin.buffer.readline()
    if line.endswith(b"\n"):  # else Blender has gone away in the middle of it
        print(json.dumps(cut(json.loads(line), starter_is_gone)))


def cut(config: dict[str, Any], starter_is_gone: Callable[[], bool]) -> dict[str, Any]:
    """Do what `config` says, and return the answer as `answer` says. Ends the process where nobody is there any more to
    hear it."""

    def sleep(seconds: float) -> None:
        if starter_is_gone():
            sys.exit(1)
        time.sleep(seconds)

    network = Network(**config["network"])
    try:
        return {"ok": True, **_cut_out(config, network, sleep)}
    except (ImageTo3DError, OSError) as error:
        return {"ok": False, "sentence": clean(user_message(error), SENTENCE_AT_MOST, [network.proxy])}


def _cut_out(config: dict[str, Any], network: Network, sleep: Callable[[float], None]) -> dict[str, str]:
    """Write `CUT_OUT_FILE`, and return where its shape comes from, "shape_from", and a "note" for the user, which may
    be "". Raises `ImageTo3DError`, `OSError`."""
    folder, source, called = Path(config["folder"]), config["source"], named(config["called"])
    output, stem = folder / CUT_OUT_FILE, folder / "picture"
    if picture.is_path(source):
        file = Path(os.path.abspath(source))
        picture.look_at(file)
    else:
        file = picture.to_file(source, stem, network=network, check_cancelled=lambda: sleep(0.0))
    beside = stem.with_name(f"{stem.name}-read")
    file, note = picture.readable(file, beside, called=called, check_cancelled=lambda: sleep(0.0))
    request = {"picture": str(file), "called": called, "how": config["how"], "output": str(output)}
    bounds = Bounds(**config["bounds"], what="picture")
    program = blender.start(blender_command(config["blender"]), CUT_OUT, request, folder, None, bounds)
    report = blender.finished(program, sleep)
    if report.done is None:
        raise PictureError(report.error)
    # It has opened a stranger's picture, and the user's Blender opens what it has written.
    shape_from = report.done.get("shape_from")
    size = headers.size_of(output) if files.is_plain_file(output) and headers.kind_of(output) == "PNG" else None
    if shape_from not in ORIGINS or size is None or max(size) > LONGER_SIDE_PX:
        raise PictureError(program.not_understood)
    return {"shape_from": str(shape_from), "note": f"{note} {report.done['note']}".strip()}


if __name__ == "__main__":
    main()
