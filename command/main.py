# SPDX-License-Identifier: GPL-3.0-or-later
"""The command from its words to its exit code: reads them, looks, says the price, has the work done, sums up. Writes
nothing but what its parts write."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ..api.errors import ImageTo3DError, user_message
from ..api.parameters import pictures
from ..api.services import SERVICES
from ..jobs.folder import Job
from ..jobs.queue import Queue
from ..session import access
from . import interrupt, limits
from .arguments import UsageError, Wanted, help_page, is_help_wanted, read
from .display import Display, display
from .pictures import LIST_BYTES, find
from .plan import Plan, Planner, Way
from .run import Run, Tally
from .shelf import Shelf

ALL_DONE, SOME_FAILED, WRONG_USE, NOTHING_STARTED, INTERRUPTED = 0, 1, 2, 3, 130
"""The exit codes."""

NOWHERE = Path("/dev/null")
"""Stands for the output folder of a dry run that names none: nothing is there, and nothing can be made there."""

STARTS = (Way.NEW, Way.GO_ON, Way.RETRY, Way.SEND_AGAIN)
"""What needs the service, or at least a process."""


def main(words: Sequence[str]) -> int:
    """Do what a command line asks for; return the exit code."""
    with interrupt.held() as wish:
        try:
            if is_help_wanted(words):
                print(help_page(words))
                return ALL_DONE
            wanted = read(words)
        except UsageError as error:
            print(f"image_to_3d: {error}", file=sys.stderr)
            return WRONG_USE
        shown = display(sys.stdout, json=wanted.json, quiet=wanted.quiet)
        try:
            return _work(wanted, shown, wish)
        except KeyboardInterrupt:
            shown.say("Stopped. The same call again goes on from here.")
            return INTERRUPTED
        except BrokenPipeError:  # nobody reads what is said
            return SOME_FAILED
        except (ImageTo3DError, OSError) as error:
            shown.say(user_message(error))
            return NOTHING_STARTED
        finally:
            shown.close()


def _work(wanted: Wanted, shown: Display, wish: interrupt.Interrupt) -> int:
    """Plan, and do it. Raises `ImageTo3DError` and `OSError` where nothing could begin, `KeyboardInterrupt`."""
    found = find(wanted.images, _read_list)
    for sentence in found.troubles:
        shown.say(sentence)
    if not found.sources:
        return NOTHING_STARTED
    shelf = Shelf(NOWHERE if wanted.output is None else wanted.output)
    if not wanted.dry_run:
        shelf.make()
    at_once, reduced = limits.jobs_at_once(wanted.service, wanted.jobs, access.jobs_at_once())
    if reduced:
        shown.say(reduced)
    queue = _queue(shelf, at_once, wanted)
    planner = Planner(wanted, shelf, queue, is_dry=wanted.dry_run)
    for source in found.sources:
        planner.add(source)
    plan = planner.plan
    for note in (*found.notes, *plan.notes):
        shown.say(note, is_note=True)
    if wanted.dry_run:
        return _say_price(plan, wanted, shown)
    if wanted.max_credits is not None and any(model.price is None for model in plan.models):
        shown.say(f"{SERVICES[wanted.service].label} does not tell what this costs: leave --max-credits out to go on.")
        return NOTHING_STARTED
    if lack := _lack(wanted, plan):
        shown.say(lack)
        return NOTHING_STARTED
    shown.begin(plan.items)
    work = Run(wanted, planner, queue, shelf, shown, wish, at_once)
    wish.is_gentle = True
    work.go()
    return _sum_up(work.tally, plan, shown, has_troubles=bool(found.troubles))


def _queue(shelf: Shelf, at_once: int, wanted: Wanted) -> Queue:
    """The jobs of the output folder, and processes for them."""
    threads = limits.threads_for(wanted.service, at_once)
    shown = wanted.formats != ("glb",)

    def config_of(job: Job) -> dict[str, Any]:
        return {**access.config_of(job), "threads": threads, "drawn": wanted.drawn, "shown": shown}

    return Queue(
        lambda: shelf.jobs,
        python=[sys.executable, *bpy.app.python_args],
        config_of=config_of,
        reason_to_wait=access.reason_to_wait,
        at_once=lambda: 2 * at_once,  # `Run` has fewer, and knows for which of them a service works
        draws=wanted.drawn,
    )


def _read_list() -> bytes:
    """What comes through standard input."""
    if sys.stdin is None:
        return b""
    if sys.stdin.isatty():
        print("Name one picture a line, then press Ctrl+D (on Windows Ctrl+Z and Enter).", file=sys.stderr)
    return sys.stdin.buffer.read(LIST_BYTES + 1)


def _lack(wanted: Wanted, plan: Plan) -> str:
    """Why nothing can be started at all, "" where something can, or nothing has to be."""
    starting = [model for model in plan.models if model.way in STARTS]
    if not starting:
        return ""
    table = SERVICES[wanted.service].parameters
    for model in (starting[0], starting[-1]):
        try:
            access.require_ready(wanted.service, {**wanted.values, pictures(table)[0]: model.source})
        except ImageTo3DError as error:
            return str(error)
    return ""


def _say_price(plan: Plan, wanted: Wanted, shown: Display) -> int:
    """Say what would be made and what it costs."""
    for item in plan.items:
        if item.trouble:
            shown.say(f"{item.picture}: {item.trouble}")
    there, left = plan.count(Way.DELIVER), plan.count(Way.LEAVE)
    paid = [model for model in plan.models if model.price != 0 and model.way in STARTS]
    free = plan.count(*STARTS) - len(paid)
    for model in paid:
        shown.say(f"{model.source}: {_credits(model.price)}")
    words = [f"{len(paid)} to be paid" if paid else "", f"{free} at no cost" if free else ""]
    words += [f"{there} already made" if there else "", f"{left} failed before" if left else ""]
    words += [f"{number} cannot be used" if (number := sum(bool(item.trouble) for item in plan.items)) else ""]
    known = [model.price for model in paid if model.price is not None]
    total = _credits(sum(known) if len(known) == len(paid) else None)
    count = _count(len(plan.items), "model")
    label = SERVICES[wanted.service].label
    price = f"{label} takes {total} in all" if paid else "It costs nothing"
    shown.say(f"{count}: {', '.join(filter(None, words))}. {price}.")
    if wanted.max_credits is not None and sum(known) + plan.spent > wanted.max_credits:
        spent = f" beside the {plan.spent:,} that are spent" if plan.spent else ""
        shown.say(f"That is more than --max-credits {wanted.max_credits}{spent}: the last ones would be left out.")
    return ALL_DONE if plan.models else NOTHING_STARTED


def _credits(number: int | None) -> str:
    return "credits whose number is not known" if number is None else _count(number, "credit")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _sum_up(tally: Tally, plan: Plan, shown: Display, *, has_troubles: bool) -> int:
    """Say how the call went; return the exit code."""
    if tally.already:
        shown.say(f"{_count(tally.already, 'model')} already there: nothing was made again.", is_note=True)
    if tally.unaffordable:
        shown.say(f"{_count(tally.unaffordable, 'model')} left out, as the credits would pass --max-credits.")
    if tally.is_interrupted:
        left = len(plan.items) - tally.done - tally.failed
        shown.say(f"Interrupted with {_count(left, 'model')} to go. The same call again goes on from here.")
        return INTERRUPTED
    if tally.can_be_retried:
        shown.say("Add --retry-failed to the same call to try again what has failed.", is_note=True)
    if not plan.models:
        return NOTHING_STARTED
    return SOME_FAILED if tally.failed or has_troubles else ALL_DONE
