# SPDX-License-Identifier: GPL-3.0-or-later
"""The developer's command: `python3 dev.py` lists what it can do. Never part of the extension, never needed by a user
of it.

The commands themselves are in `tools/`. Standard library only. It all parses on Python 3.8 and later, so that every
Python can say which one is needed; the commands run on 3.11 and 3.13, the two Pythons that the `bpy` wheels are made
for. Everything it makes lies in `.venv/`, `demo/` and `dist/` of the checkout.
"""

from __future__ import annotations

import argparse
import errno
import signal
import sys
from typing import TYPE_CHECKING

from tools.checks import command_check
from tools.common import Stop, disk_full_sentence
from tools.debian import command_blenders
from tools.demo import command_demo
from tools.environments import BLENDERS, require_python
from tools.package import command_build
from tools.reference import command_docs
from tools.release import command_release
from tools.service import command_service
from tools.stage import command_demo_inside
from tools.suites import command_bench, command_fuzz, command_test, default_lanes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def parser() -> argparse.ArgumentParser:
    """Sub-commands; `_demo_inside` is the second half of `demo` and is not listed."""
    main_parser = argparse.ArgumentParser(
        prog="dev.py", description="Image to 3D, for its developers.", allow_abbrev=False
    )
    commands = main_parser.add_subparsers(metavar="COMMAND")
    demo = commands.add_parser("demo", help="turn a picture into a model with the command line, and render it")
    demo.add_argument("--image", metavar="PATH", help="your own picture instead of the example")
    demo.set_defaults(run=command_demo)
    test = commands.add_parser(
        "test",
        allow_abbrev=False,
        help="run the tests in the Blender that fits this Python, and those with windows in each real Blender that the "
        "variable BLENDER names or the path has (further arguments: pytest's)",
    )
    test.add_argument("--all", action="store_true", help="in Blender 4.2, 4.5 and 5.2, as far as the Pythons are there")
    test.add_argument("--blender", choices=[b.series for b in BLENDERS], help="in this Blender only")
    test.add_argument(
        "--lanes",
        type=int,
        default=default_lanes(),
        metavar="N",
        help="so many suites side by side (2 GB of memory each; by default as many as there are cores; "
        "1: one after the other, said as it is written)",
    )
    test.set_defaults(run=command_test, takes_more=True)
    blenders = commands.add_parser(
        "blenders", help="bring two real Blenders with windows, for the tests in tests/gui (Linux, root, 4 GB)"
    )
    blenders.set_defaults(run=command_blenders)
    check = commands.add_parser("check", help="style, types, who imports whom, and the extension platform's rules")
    check.set_defaults(run=command_check)
    bench = commands.add_parser(
        "bench",
        allow_abbrev=False,
        help="measure against the promised times; or the cut-out alone, on a given folder of pictures and masks",
    )
    bench.set_defaults(run=command_bench, takes_more=True)
    fuzz = commands.add_parser(
        "fuzz",
        allow_abbrev=False,
        help="answer every call of CSM, Meshy and ComfyUI with spoiled answers (services, about 15 minutes), and "
        "prepare 2,500 broken and hostile models (models, about 30 minutes): both, or the one that is named first "
        "(further arguments: --only CALL or KIND, --case K, --seed S, --lanes N, --limit S, --answers N or --files N)",
    )
    fuzz.set_defaults(run=command_fuzz, takes_more=True)
    service = commands.add_parser(
        "service", help="answer as the web services do, on this machine, to try things by hand"
    )
    service.add_argument("--port", type=int, metavar="N", help="instead of 8765")
    service.add_argument("--seconds", type=float, metavar="S", help="how long a task takes at least")
    service.set_defaults(run=command_service)
    build = commands.add_parser("build", help="make the extension's zip in dist/, validated by Blender's own tool")
    build.set_defaults(run=command_build)
    release = commands.add_parser(
        "release",
        help="make the zip and a repository for Blender's updates in dist/, from a clean checkout with a new version",
    )
    release.set_defaults(run=command_release)
    docs = commands.add_parser("docs", help="write docs/parameters.md and docs/trouble.md anew, from the code")
    docs.set_defaults(run=command_docs)
    inside = commands.add_parser("_demo_inside")
    inside.add_argument("--image", required=True)
    inside.add_argument("--model", required=True)
    inside.set_defaults(run=command_demo_inside)
    return main_parser


def main(arguments: Sequence[str]) -> int:
    command_line = parser()
    options, more = command_line.parse_known_args(arguments)
    if not hasattr(options, "run"):
        command_line.print_help()
        return 0
    if more and not getattr(options, "takes_more", False):
        command_line.error(f"unrecognized arguments: {' '.join(more)}")
    options.arguments = more
    require_python(sys.version_info[:2])
    return options.run(options)


def run() -> NoReturn:
    """`main`, with every foreseen failure as one sentence instead of a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # who is told to end ends its own programs first
    # A shell lets what it starts in the background ignore Ctrl+C, and so would the tests that press it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = main(sys.argv[1:])
    except Stop as sentence:
        code = fail(str(sentence))
    except KeyboardInterrupt:
        code = fail("Interrupted.")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            code = fail(disk_full_sentence())
        elif error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            code = fail(f"{error.filename} cannot be written: {error.strerror}.")
        else:
            raise
    sys.exit(code)


def fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    run()
