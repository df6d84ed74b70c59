# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen that the windows are on: Xvfb's where it is there, else the user's own. Takes pictures of it."""

import contextlib
import os
import shutil
import subprocess

from PIL import ImageGrab

WIDTH, HEIGHT = 1600, 1000


@contextlib.contextmanager
def screen():
    """Give the name of a new X display (":7") of WIDTH by HEIGHT pixels; that of the user's own, or None, where there
    is no Xvfb."""
    if not shutil.which("Xvfb"):
        yield os.environ.get("DISPLAY")
        return
    read, write = os.pipe()
    server = subprocess.Popen(
        f"Xvfb -displayfd {write} -screen 0 {WIDTH}x{HEIGHT}x24 +extension GLX -nolisten tcp".split(),
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            yield f":{answer.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


def picture(display):
    """What the screen shows now."""
    return ImageGrab.grab(xdisplay=display).convert("RGB")
