# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a command line -> what is wanted, and the page that `--help` prints. Opens no file but to ask whether it
is there, and imports no bpy."""

import argparse
import os
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ..api import access, sources
from ..api.errors import ParameterError
from ..api.parameters import File, Picture, Table, applies, check, pictures
from ..api.services import SERVICES
from ..api.texts import form_of, nearest, parameter_named, shortened, text_of, value_of
from ..api.words import named

FORMATS = ("blend", "glb", "asset")
JOBS_MOST, VARIANTS_MOST, CREDITS_MOST = 1000, 100, 1_000_000_000
"""Larger numbers are mistakes."""

SECRET = re.compile(r"(.*[_-])?(api[_-]?)?(key|token|secret|password)", re.IGNORECASE)
"""What people call a key. No parameter of a service is called so."""

WIDTH = 100  # columns of the list of parameters


class UsageError(Exception):
    """The command line cannot be understood: a sentence."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a command line asks for."""

    images: tuple[str, ...]
    service: str
    values: dict[str, Any]
    """The parameters that were set, and those that Blender's panel starts with, by wire name; without the picture."""
    output: Path | None
    """None is allowed for a dry run only."""
    formats: tuple[str, ...] = ("blend",)
    jobs: int = 0
    """How many at once; 0 for the usual number."""
    variants: int = 0
    """How many models of each picture; 0 for one without a number."""
    max_credits: int | None = None
    dry_run: bool = False
    retry_failed: bool = False
    send_again: bool = False
    json: bool = False
    quiet: bool = False

    @property
    def drawn(self) -> bool:
        """Whether the models' thumbnails are wanted: they are what the Asset Browser shows."""
        return "asset" in self.formats


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:].rstrip('.')}: see --help.")


def is_help_wanted(words: Sequence[str]) -> bool:
    """Whether the page of help is asked for."""
    return any(word in ("-h", "--help") for word in words)


def help_page(words: Sequence[str]) -> str:
    """The page of help, with the parameters of the service that `words` name, or of all. Raises `UsageError`."""
    names = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "--service"]
    names += [word.partition("=")[2] for word in words if word.startswith("--service=")]
    services = [_service(name) for name in names[-1:]] or list(SERVICES)
    return "\n".join([_parser().format_help(), *map(_parameters_page, services)])


def read(words: Sequence[str]) -> Wanted:
    """Read a command line. Raises `UsageError`, which repeats no value that may be a key."""
    options, unknown = _parser().parse_known_intermixed_args(list(words))
    for word in unknown:
        name = word.partition("=")[0]
        _refuse_key(name.lstrip("-"), "")
        raise UsageError(f"There is no option {shortened(name)!r}: see --help.")
    service = _service(options.service)
    if not options.images:
        raise UsageError("There is no picture: name files, folders, patterns or addresses, or - for a list.")
    if options.output is None and not options.dry_run:
        raise UsageError("There is no output folder: name one with --output.")
    if options.send_again and options.dry_run:
        raise UsageError("--send-again sends, and --dry-run does not: leave one out.")
    return Wanted(
        images=tuple(options.images),
        service=service,
        values=_values(service, options.set),
        output=None if options.output is None else _folder(options.output),
        formats=_formats(options.format),
        jobs=options.jobs,
        variants=options.variants,
        max_credits=options.max_credits,
        dry_run=options.dry_run,
        retry_failed=options.retry_failed,
        send_again=options.send_again,
        json=options.json,
        quiet=options.quiet,
    )


def _parser() -> _Parser:
    parser = _Parser(
        prog="blender --command image_to_3d",
        usage="blender --command image_to_3d IMAGE [IMAGE ...] --service NAME --set NAME=VALUE ... --output DIR",
        description="Turn pictures into 3D models: each picture becomes files in the output folder. The same call "
        "again goes on where it stopped, and pays for nothing twice.",
        epilog="Keys come from the environment (MESHY_API_KEY and the like) or from Blender's preferences, never from "
        "the command line. Exit codes: 0 all models are there, 1 some are not, 2 wrong use, 3 nothing could start, 130 "
        "interrupted.",
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="*",
        help="a file, a folder, a pattern as '*.png' or '**/*.png', an address, or - for a list on standard input",
    )
    add = parser.add_argument
    add("--service", default="local", metavar="NAME", help=f"{', '.join(SERVICES)}; local is the default")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the service, see below")
    add("--output", metavar="DIR", help="the folder for the files; it remembers its jobs")
    add(
        "--format",
        default="blend",
        metavar="WORDS",
        help="blend (the default), glb, asset, with commas between",
    )
    add("--jobs", type=_number(1, JOBS_MOST), default=0, metavar="N", help="how many at the same time")
    add("--variants", type=_number(1, VARIANTS_MOST), default=0, metavar="N", help="how many models of each picture")
    add("--max-credits", type=_number(0, CREDITS_MOST), metavar="N", help="start nothing that might cost more in all")
    add("--dry-run", action="store_true", help="say what would be made and what it costs; starts and writes nothing")
    add("--retry-failed", action="store_true", help="try what has failed again")
    add("--send-again", action="store_true", help="send requests again whose answers were lost: may be paid twice")
    add("--json", action="store_true", help="one line of JSON for each model")
    add("--quiet", action="store_true", help="say only what went wrong")
    add("-h", "--help", action="store_true", help="this page; with --service NAME, of that service alone")
    return parser


def _number(least: int, most: int) -> Any:
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"use a whole number from {least:,} to {most:,}")
        return value

    return number


def _service(name: str) -> str:
    if name.lower() not in SERVICES:
        raise UsageError(f"There is no service {shortened(name)!r}: {nearest(name, SERVICES)}")
    return name.lower()


def _folder(text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise UsageError("There is no output folder: name one with --output.")
    folder = Path(sources.cleaned(text)).absolute()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{shortened(str(folder))} is a file: name a folder with --output.")
    return folder


def _formats(text: str) -> tuple[str, ...]:
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in FORMATS:
            raise UsageError(f"There is no format {shortened(word)!r}: {nearest(word, FORMATS)}")
    if not words:
        raise UsageError(f"There is no format: use {', '.join(FORMATS)}.")
    return tuple(dict.fromkeys(words))


def _refuse_key(name: str, service: str) -> None:
    """Raise `UsageError` for what people call a key; its value is not repeated."""
    if SECRET.fullmatch(name):
        variable = access.key_variable(service or "meshy")
        raise UsageError(
            "A key is not taken from the command line, where others can read it: set it in the environment "
            f"({variable}), or enter it in Blender's preferences."
        )


def _values(service: str, settings: Sequence[str]) -> dict[str, Any]:
    """What `--set` says, checked beside each other; and what Blender's panel starts with and has an effect beside."""
    table, given = SERVICES[service].parameters, dict[str, Any]()
    main = pictures(table)[0]
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        _refuse_key(name, service)
        if not equals:
            raise UsageError(f"--set {shortened(name)!r} has no value: write NAME=VALUE.")
        if name == main:
            raise UsageError(f"{main} is the picture: name it as IMAGE.")
        if name in given:
            raise UsageError(f"{shortened(name)} is set twice: leave one out.")
        try:
            parameter = parameter_named(table, name)
            given[name] = parameter.check(value_of(parameter, text))
            if isinstance(parameter, File):
                given[name] = _located(name, given[name])
        except ParameterError as error:
            raise UsageError(str(error)) from None
    values = {**_initial(table, given), **given}
    try:
        check(table, {**values, main: "picture.png"})
    except ParameterError as error:
        raise UsageError(str(error)) from None
    return values


def _initial(table: Table, given: dict[str, Any]) -> dict[str, Any]:
    """What Blender's panel starts with where the service assumes something else, as far as it has an effect."""
    all_values = {entry.name: given.get(entry.name, entry.initial) for entry in table}
    return {
        entry.name: entry.initial
        for entry in table
        if entry.initial != entry.default and entry.name not in given and applies(table, entry, all_values)
    }


def _located(name: str, source: str) -> str:
    """A file of a parameter by its whole path, as a later call may be made in another folder. Raises `UsageError` where
    it is missing."""
    if not source or not sources.is_path(source):
        return source
    if not os.path.isfile(source):
        raise UsageError(f"There is no file {named(source)} for {name}: name one that exists.")
    return os.path.abspath(source)


def _parameters_page(service: str) -> str:
    """The parameters of a service, as they are set."""
    about = SERVICES[service]
    lines = [f"{about.label} (--service {service}): {about.description}."]
    for parameter in about.parameters:
        if parameter.name == pictures(about.parameters)[0]:
            continue
        usual = text_of(parameter, parameter.initial)
        usual = f" [{usual}]" if usual and not isinstance(parameter, Picture) else ""
        lines.append(textwrap.fill(f"{parameter.name}={form_of(parameter)}{usual}", WIDTH, **_indent(2, 6)))
        lines.append(textwrap.fill(parameter.description, WIDTH, **_indent(6, 6)))
    return "\n".join(lines) + "\n"


def _indent(first: int, others: int) -> Any:
    return {"initial_indent": " " * first, "subsequent_indent": " " * others, "break_long_words": False}
