# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a job's process and keeps a diary of what it does for good: `diary.py DIARY PROGRAM ARGUMENT ...`.

A line of JSON for each step, in order: ["sync", name], ["rename", from, to, the record where it is one], ["send", first
line], ["say", text]. Names are those of the files themselves. Python's own audit events say when, but for a sync and
for what is said, which have none.
"""

import json
import os
import runpy
import sys
from pathlib import Path

diary = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
fsync, stderr = os.fsync, sys.stderr


def note(*entry):
    os.write(diary, json.dumps(entry).encode() + b"\n")


def noted_sync(descriptor):
    fsync(descriptor)
    note("sync", os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))


class Said:
    """Standard error, which is the job's log."""

    def write(self, text):
        note("say", text)
        return stderr.write(text)

    def __getattr__(self, name):
        return getattr(stderr, name)


def heard(event, arguments):
    if event == "os.rename":
        source, target = (Path(os.fsdecode(name)) for name in arguments[:2])
        note("rename", source.name, target.name, json.loads(source.read_text()) if target.name == "job.json" else None)
    elif event == "http.client.send" and isinstance(arguments[1], bytes):
        line = arguments[1].partition(b"\r\n")[0].decode("latin-1")
        if line.endswith("HTTP/1.1"):
            note("send", line)


os.fsync, sys.stderr = noted_sync, Said()
sys.addaudithook(heard)
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
