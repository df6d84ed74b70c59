# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program with a fast clock: `hurry.py FACTOR PROGRAM ARGUMENT ...`. Its pauses are shorter by that factor, and
it cannot tell.

The network and other processes keep to the real time.
"""

import runpy
import sys
import time

factor = float(sys.argv[1])
sleep, monotonic = time.sleep, time.monotonic
began = monotonic()
time.sleep = lambda seconds: sleep(seconds / factor)
time.monotonic = lambda: began + (monotonic() - began) * factor

sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
