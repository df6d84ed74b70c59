# SPDX-License-Identifier: GPL-3.0-or-later
"""`dev.py blenders`: brings two real Blenders with windows, in folders of Debian under `.venv/`. Installs nothing on
the machine itself, and leaves nothing mounted."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from .common import VENV, Stop, clean_environment, is_disk_full, last_line, relative, remove_folder, require_space
from .environments import HEARTBEAT_SECONDS, locked

DEBIAN_GB = 2.0  # a folder ends with 1.4 GB, and has the packages beside it while apt works
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # where debootstrap and chroot are, which not every PATH names

# Beside Blender: `requests` and `numpy`, which are in the Blender of blender.org; what draws without a graphics card;
# letters.
PACKAGES = ("blender", "libgl1", "libgl1-mesa-dri", "python3-requests", "python3-numpy", "fonts-dejavu-core")


class Debian(NamedTuple):
    """A suite of Debian, what is installed of it, and how apt is to fetch it."""

    suite: str
    packages: tuple[str, ...] = PACKAGES
    options: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return VENV / f"debian-{self.suite}"

    @property
    def wrapper(self) -> Path:
        """What is run as Blender."""
        return VENV / f"blender-{self.suite}"

    @property
    def log(self) -> Path:
        return VENV / f"debian-{self.suite}.log"

    @property
    def stamp(self) -> Path:
        """Written last: a folder without it was interrupted, one that says something else was made otherwise."""
        return self.folder / "made-by-dev.txt"


# Blender 4.3, and the newest that Debian has (5.2 when this was written), which lacks a module that its own extensions
# platform imports.
DEBIANS = (
    Debian("trixie"),
    Debian("sid", (*PACKAGES, "python3-cattr"), ("-o", "Acquire::Check-Valid-Until=false")),
)

# In a mount namespace of its own: what is mounted is seen by nobody else, not even by one who deletes the folder, and
# goes with the last process. The folder is seen at /mnt there, as debootstrap takes no path with a space. dpkg need not
# wait for the disk: what is interrupted is made again.
MAKE = """
mount --bind "$1" /mnt
debootstrap --variant=minbase --include=ca-certificates {suite} /mnt || {{ tail -n 5 /mnt/debootstrap/debootstrap.log; exit 1; }}
mount --bind /proc /mnt/proc
mount --rbind /dev /mnt/dev
printf 'force-unsafe-io\\npath-exclude=/usr/share/doc/*\\npath-exclude=/usr/share/man/*\\n' >/mnt/etc/dpkg/dpkg.cfg.d/dev
export DEBIAN_FRONTEND=noninteractive
ln -sf /proc/self/mounts /mnt/etc/mtab
chroot /mnt apt-get update -q -o Acquire::Retries=3 -o Acquire::Languages=none {options}
chroot /mnt apt-get install -yq -o Acquire::Retries=3 --no-install-recommends {packages}
chroot /mnt apt-get clean
"""
PRIVATELY = ("unshare", "--mount", "--propagation", "private")

# Each step becomes the next one, so that Blender has the process id that was started: signals and the exit code are its
# own.
WRAPPER = """\
#!/bin/sh
# Runs the Blender in debian-{suite}/ as if it were installed on this machine. Made by `python3 dev.py blenders`.
# /tmp and the checkout have the same paths inside; other folders of the machine are not seen.
here=$(dirname "$(readlink -f "$0")")
PATH=$PATH:{sbin} exec unshare --mount --propagation private /bin/sh -ec '
debian=$1/debian-{suite} checkout=${{1%/*}} place=$2
shift 2
mount --bind /proc "$debian/proc"
mount --rbind /dev "$debian/dev"
mount --bind /tmp "$debian/tmp"
mkdir -p "$debian$checkout"
mount --bind "$checkout" "$debian$checkout"
exec chroot "$debian" /bin/sh -c "cd \\"\\$0\\" 2>/dev/null; exec /usr/bin/blender \\"\\$@\\"" "$place" "$@"
' sh "$here" "$PWD" "$@"
"""
# That it starts, and has what a window (which needs a screen) and the extension ask for later.
PROOF = "import ctypes, numpy, requests; ctypes.CDLL('libGL.so.1'); print('Blender is complete')"


def command_blenders(_options: argparse.Namespace) -> int:
    require_tools()
    VENV.mkdir(exist_ok=True)
    with contextlib.ExitStack() as locks:
        for debian in DEBIANS:
            locks.enter_context(locked(debian.folder.with_suffix(".lock")))
        make([debian for debian in DEBIANS if not fits(debian)])
    print(f"BLENDER={shlex.quote(os.pathsep.join(str(debian.wrapper) for debian in DEBIANS))}", flush=True)
    return 0


def require_tools() -> None:
    """Stop unless folders of Debian can be made and entered here."""
    if sys.platform != "linux":
        raise Stop("Blenders are brought on Linux only: install Blender and name it in the variable BLENDER.")
    for program in ("debootstrap", "unshare", "chroot", "mount"):
        if not shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SBIN}"):
            raise Stop(
                f"{program} is missing (on Debian or Ubuntu: apt install debootstrap util-linux; "
                "elsewhere install Blender and name it in the variable BLENDER)."
            )
    if os.geteuid() != 0:
        raise Stop(
            "Folders of Debian can only be made and entered by root: use sudo, or name your own Blender in BLENDER."
        )
    if subprocess.run([*PRIVATELY, "true"], capture_output=True, env=environment()).returncode != 0:
        raise Stop(
            "This machine lets root mount nothing (a container without CAP_SYS_ADMIN), so no Debian can be entered."
        )


def environment() -> dict[str, str]:
    kept = clean_environment(LC_ALL="C.UTF-8")
    return {**kept, "PATH": f"{kept.get('PATH', '')}:{SBIN}"}


def recipe(debian: Debian) -> str:
    """All that a finished folder depends on; not where it is, as it may be moved with the checkout."""
    return script(debian) + wrapper_text(debian)


def script(debian: Debian) -> str:
    return MAKE.format(
        suite=debian.suite,
        options=shlex.join(debian.options),
        packages=shlex.join(debian.packages),
    )


def wrapper_text(debian: Debian) -> str:
    return WRAPPER.format(suite=debian.suite, sbin=SBIN)


def fits(debian: Debian) -> bool:
    made = debian.stamp.exists() and debian.stamp.read_text(encoding="utf-8") == recipe(debian)
    return made and debian.wrapper.exists()


def make(debians: list[Debian]) -> None:
    """Make these folders, all at the same time: mostly they wait for the network. Each that succeeds stays, whatever
    the others do."""
    for debian in debians:
        debian.wrapper.unlink(missing_ok=True)
        remove_folder(debian.folder)
        debian.folder.mkdir()
    require_space(VENV, DEBIAN_GB * len(debians))
    going: dict[Debian, subprocess.Popen[bytes]] = {}
    problems = []
    started = said = time.monotonic()
    try:
        for debian in debians:
            print(f"Making {relative(debian.folder)} (about 350 MB to fetch, once) ...", flush=True)
            going[debian] = start(debian)
        while going:
            time.sleep(0.1)
            if time.monotonic() - said > HEARTBEAT_SECONDS:
                said = time.monotonic()
                for debian in going:
                    print(f"  {said - started:3.0f} s  {debian.suite}: {log_end(debian)[:90]}", flush=True)
            for debian, process in list(going.items()):
                if process.poll() is None:
                    continue
                del going[debian]
                problem = problem_of(debian, process.returncode) or finish(debian)
                problems += [problem] if problem else []
                print(f"  {time.monotonic() - started:3.0f} s  {debian.suite}: {problem or 'done'}", flush=True)
    finally:
        for process in going.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if problems:
        raise Stop(" ".join(problems))


def start(debian: Debian) -> subprocess.Popen[bytes]:
    with debian.log.open("wb") as log:
        return subprocess.Popen(
            [*PRIVATELY, "/bin/sh", "-exc", script(debian), "sh", str(debian.folder)],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def finish(debian: Debian) -> str:
    """Write the wrapper, prove that it works, and stamp the folder; what is wrong, or nothing."""
    debian.wrapper.write_text(wrapper_text(debian), encoding="utf-8")
    debian.wrapper.chmod(0o755)
    command = [
        str(debian.wrapper),
        "--background",
        "--factory-startup",
        "--python-exit-code",
        "1",
        "--python-expr",
        PROOF,
    ]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment(), timeout=120)
    if done.returncode != 0 or "Blender is complete" not in done.stdout:
        return f"Blender of Debian {debian.suite} does not start: {last_line(done.stderr or done.stdout)}."
    debian.stamp.write_text(recipe(debian), encoding="utf-8")
    return ""


def log_end(debian: Debian) -> str:
    return last_line(debian.log.read_text(encoding="utf-8", errors="replace"))


# What debootstrap, wget and apt say when nobody answers them.
NO_NETWORK = re.compile(
    "Failed getting release file|Couldn't download|unable to resolve|Temporary failure resolving|Could not resolve|"
    "Could not connect|Network is unreachable|Connection timed out|Failed to fetch|cannot retrieve|No such host"
)


def problem_of(debian: Debian, code: int) -> str:
    """Why the folder could not be made, in one sentence; nothing if it was."""
    if code == 0:
        return ""
    output = debian.log.read_text(encoding="utf-8", errors="replace")
    if is_disk_full(output):
        return f"The disk is full: {debian.folder} needs {DEBIAN_GB:.1f} GB while it is made."
    if "No such script" in output:
        return f"This machine's debootstrap does not know Debian {debian.suite} yet: install a newer one."
    if NO_NETWORK.search(output):
        return f"No network: Debian {debian.suite} has to be fetched once, and its mirror did not answer (see {debian.log})."
    errors = [line for line in output.splitlines() if line.startswith(("E:", "dpkg: error"))]
    return f"Debian {debian.suite} could not be made: {last_line(errors[-1] if errors else output)} (see {debian.log})."
