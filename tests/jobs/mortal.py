# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a job's process with a fault, just before the n-th thing it does to the disk or to other processes.

`mortal.py FAULT N LAUNCH MODULE ARGUMENT ...`: "kill" ends it there as SIGKILL does; "full" lets the disk be full from there on.
Python's own audit events say when. N beyond the last one changes nothing.
"""

import errno
import os
import runpy
import signal
import sys

fault, left = sys.argv[1], int(sys.argv[2])
EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "subprocess.Popen", "shutil.copyfile"}
NEED_SPACE = {"open", "os.mkdir", "shutil.copyfile"}


def strike(event, arguments):
    global left
    writes = event == "open" and isinstance(arguments[1], str) and arguments[1][0] in "wa"
    if not writes and event not in EVENTS:
        return
    left -= 1
    if left < 0 and fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if left < 0 and event in NEED_SPACE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


sys.argv = sys.argv[3:]
sys.addaudithook(strike)
runpy.run_path(sys.argv[0], run_name="__main__")
