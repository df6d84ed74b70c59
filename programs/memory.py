# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory another process takes, and how much there is. Never waits long, changes nothing."""

import contextlib
import re
import subprocess
import sys
from pathlib import Path

AVAILABLE = re.compile(rb"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)
PEAK = re.compile(rb"^VmPeak:\s+(\d+) kB$", re.MULTILINE)


def taken_bytes(pid: int) -> int:
    """Return on Linux the most address space that the process has had, on macOS the memory that it has now (not tried),
    else 0, as of one that has ended."""
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        if sys.platform == "linux":
            found = PEAK.search(Path(f"/proc/{pid}/status").read_bytes())
            return int(found[1]) << 10 if found else 0
        if sys.platform == "darwin":
            command = ["/bin/ps", "-o", "rss=", "-p", str(pid)]
            return int(subprocess.run(command, capture_output=True, timeout=1).stdout) << 10
    return 0


def available_bytes() -> int:
    """Return how much memory programs can still have on Linux, else 0, as where it is not known."""
    with contextlib.suppress(OSError, ValueError):
        found = AVAILABLE.search(Path("/proc/meminfo").read_bytes())
        return int(found[1]) << 10 if found else 0
    return 0
