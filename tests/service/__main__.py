# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the stand-in by hand until Ctrl+C, with a line for each request. Never prints a picture, nor a key beside its
own two."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from .records import Request
from .stand_in import StandIn

PORT = 8765


def said(request: Request) -> None:
    """One line: when, what, and how it was answered. An address is shown without what signs it."""
    clock = time.strftime("%H:%M:%S", time.localtime(request.at))
    answer = "no answer" if request.status is None else request.status
    size = f"  {request.size:,} bytes" if request.size else ""
    print(f"{clock}  {answer}  {request.method:<6} {request.path}{size}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py service", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--seconds", type=float, default=0.0, help="how long a task takes at least")
    parser.add_argument("--model", type=Path, metavar="GLB", help="answer every task with this file at once")
    options = parser.parse_args()
    try:
        service = StandIn(model=options.model, seconds=options.seconds, port=options.port, log=said)
    except (OSError, OverflowError) as error:
        print(f"Port {options.port} cannot be used: {getattr(error, 'strerror', 'there is none')}.", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with service:
        print("Set these where Blender is started from, and no request leaves this machine:\n")
        print(f"MESHY_API_URL={service.meshy_url} MESHY_API_KEY={service.meshy_key}")
        print(f"CSM_API_URL={service.csm_url} CSM_API_KEY={service.csm_key}")
        print(f"COMFYUI_API_URL={service.comfyui_url}\n")
        print("Ctrl+C ends it.\n", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
