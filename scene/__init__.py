# SPDX-License-Identifier: GPL-3.0-or-later
"""What enters the user's file, and this Blender's view of the jobs."""

import time

BEGUN_NS = time.time_ns()
"""When this Blender has loaded the extension, in nanoseconds of the clock that files are dated by: what it holds of a
file that was written earlier is what the file has."""
