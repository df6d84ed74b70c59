# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a job's process with a fault, just before the n-th thing it does to the disk, the network or other processes.

`mortal.py FAULT N PROGRAM ARGUMENT ...`: "kill" ends it there as SIGKILL does; "full" lets the disk be full from there
on, "full-once" only there; "cut" breaks the connection there. Python's own audit events say when. N beyond the last one
changes nothing.
"""

import errno
import os
import runpy
import signal
import sys

fault, left = sys.argv[1], int(sys.argv[2])
DISK = {"open", "os.mkdir", "shutil.copyfile"}
CHANGES = {"os.link", "os.mkdir", "os.utime", "os.rename", "os.remove", "os.rmdir", "subprocess.Popen"}
NETWORK = {"http.client.connect", "http.client.send"}
MOMENTS = {"kill": DISK | CHANGES | NETWORK, "full": DISK, "full-once": DISK, "cut": NETWORK}[fault]


def strike(event, arguments):
    global left
    if event not in MOMENTS or (event == "open" and not is_for_writing(arguments[1])):
        return
    left -= 1
    if left >= 0 or (left < -1 and fault in ("full-once", "cut")):
        return
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "cut":
        raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def is_for_writing(mode):
    return isinstance(mode, str) and mode[0] in "wax"


sys.argv = sys.argv[3:]
sys.addaudithook(strike)
runpy.run_path(sys.argv[0], run_name="__main__")
if left >= 0:
    sys.exit(3)  # for whoever counts the moments: there are no more
