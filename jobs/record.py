# SPDX-License-Identifier: GPL-3.0-or-later
"""What a record may hold: the kind and the range of each field. Turns the content of a job.json into values that nobody
has to doubt.

A record lies in a folder that other programs, other versions and people write to. What is read here is shown, computed
with, drawn and put into requests, and one bad value must not stop the care for the other jobs. So each field has its
check in `FIELDS`. Knows no folder.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, NoReturn

from ..api.words import clean, task_id

LIMIT_BYTES = 1 << 20  # ours have a few thousand

MARK = b"\xef\xbb\xbf"  # with which some editors begin a file in UTF-8

NAME_LENGTH = 300
WORDS_LENGTH = 2000  # of messages and notes
PATH_LENGTH = 32_767  # that Windows knows, which has the longest
WORD_LENGTH = 100  # of a service's name, or the name of a parameter
ENTRIES_AT_MOST = 1000  # of a list

LARGEST_FLOAT = 3.4028234e38  # that Blender's properties hold
LARGEST_INT = 1 << 63
BOUNDS_M = 1e10  # how far a model reaches at the most: none is longer than a tenth of that (`headless.seen.LONGEST_M`)
MOST_CREDITS = 10**15  # as `api.services.web.number` has it

ORDER_MOST = 1_000_000  # of the models in a row, as all pictures of a folder may be dropped at once
SECONDS_MOST = 1e9

GROUP = re.compile(r"[0-9a-z-]{0,64}", re.ASCII)

SHA256 = re.compile(r"[0-9a-f]{0,64}", re.ASCII)  # nothing is done with it but to show it

UNCLEAN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

Check = Callable[[Any], Any]
"""Returns the value as it is used, or raises `WrongError`."""


class WrongError(ValueError):
    """What is wrong with a record, in words that stand in brackets in a sentence: "`parameters` is no object"."""


def checked(content: bytes, job_id: str, states: Collection[str]) -> dict[str, Any]:
    """Return the known fields that the JSON in `content` has, each as its check returns it. Raises `WrongError`.

    `id` has to be `job_id`, and `state` one of `states`. What is not known is left out: a later version may have
    written more.
    """
    record = _object_in(content)
    checks = {
        **FIELDS,
        "id": _one_of([job_id], "is not the name of the folder, which may be a copy"),
        "state": _one_of(states, "is none that this version knows"),
    }
    for name in ("id", "service", "state"):
        if name not in record:
            raise WrongError(f"`{name}` is missing")
    found = _fields(record, checks)
    if found["state"] != "cancelled":
        found.pop("untold", None)  # nobody is to be told of what was not cancelled
    if found["state"] not in ("ready", "imported"):
        found.pop("undrawn", None)  # nothing can be drawn where no model is
    return {"name": job_id, "parameters": {}, **found}


def _object_in(content: bytes) -> dict[str, Any]:
    if len(content) > LIMIT_BYTES:
        raise WrongError(f"it is larger than {LIMIT_BYTES >> 20} MB")
    try:
        record = json.loads(content.removeprefix(MARK).decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise WrongError("it is not UTF-8") from None
    except WrongError:
        raise
    except ValueError as error:
        raise WrongError(f"it is no JSON: {error}") from None
    except RecursionError:
        raise WrongError("it is nested too deep") from None
    if not isinstance(record, dict):
        raise WrongError("it is no object")
    return record


def _refuse_constant(word: str) -> NoReturn:
    raise WrongError(f"it holds {word}, which is no number")


def _fields(values: Mapping[str, Any], checks: Mapping[str, Check]) -> dict[str, Any]:
    """Those of `values` that have a check, as that returns them. Raises `WrongError`, which names the field."""
    found = {}
    for name, check in checks.items():
        if name in values:
            try:
                found[name] = check(values[name])
            except WrongError as error:
                raise WrongError(f"`{name}` {error}") from None
    return found


def is_clean(text: str) -> bool:
    """Whether `text` holds nothing that cannot be drawn, nor be given to Blender."""
    return not UNCLEAN.search(text)


def _text(at_most: int) -> Check:
    """Words for people: cleaned and cut, as an earlier version may have written longer ones."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise WrongError("is no text")
        return clean(value, at_most)

    return check


def _word(value: Any) -> str:
    """A short name that is compared, and so never changed."""
    if not isinstance(value, str) or not 0 < len(value) <= WORD_LENGTH or not value.isprintable():
        raise WrongError("is not the name of a service")
    return value


def _any_text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > NAME_LENGTH:
        raise WrongError("is no short text")
    return value


def _one_of(words: Collection[str], wrong: str) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise WrongError(wrong)
        return value

    return check


def _matching(form: re.Pattern[str], wrong: str) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise WrongError(wrong)
        return value

    return check


def _task_id(value: Any) -> str:
    """The id of a task, "" for none."""
    if not isinstance(value, str) or (value and not task_id(value)):
        raise WrongError("is no id of a task")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongError("is neither true nor false")
    return value


def is_number(value: Any) -> bool:
    """Whether a value of JSON is a finite number. True and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(_as_float(value))


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf


def _number(least: float, most: float) -> Check:
    def check(value: Any) -> float:
        if not is_number(value):
            raise WrongError("is no number")
        if not least <= value <= most:
            raise WrongError(f"is not from {least:g} to {most:g}")
        return float(value)

    return check


def _credits(value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or abs(value) > MOST_CREDITS):
        raise WrongError("is no number of credits")
    return value


def _moment(value: Any) -> str:
    """A time as `folder.now` writes it, "" for none. With its zone, as without one nobody could say how long ago it
    was."""
    wrong = WrongError("is no time in ISO 8601 with a zone")
    if not isinstance(value, str):
        raise wrong
    try:
        if value and datetime.fromisoformat(value).utcoffset() is None:
            raise wrong
    except ValueError:
        raise wrong from None
    return value


def _list_of(check: Check, least: int = 0, most: int = ENTRIES_AT_MOST) -> Check:
    def check_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise WrongError("is no list")
        if not least <= len(value) <= most:
            raise WrongError(f"has {len(value):,} entries")
        try:
            return tuple(check(entry) for entry in value)
        except WrongError as error:
            raise WrongError(f"holds something that {error}") from None

    return check_all


def _object_of(checks: Mapping[str, Check], needed: Collection[str] = ()) -> Check:
    """An object with these fields; what else it has is left out."""

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise WrongError("is no object")
        missing = [name for name in needed if name not in value]
        if missing:
            raise WrongError(f"lacks `{missing[0]}`")
        try:
            return _fields(value, checks)
        except WrongError as error:
            raise WrongError(f"holds a bad value: {error}") from None

    return check


def _bounds(value: Any) -> tuple[tuple[float, ...], ...]:
    """The two corners of a box, the lower one first; no corners where it is not known."""
    if value == []:
        return ()
    low, high = _list_of(_list_of(_number(-BOUNDS_M, BOUNDS_M), 3, 3), 2, 2)(value)
    if any(least > most for least, most in zip(low, high, strict=True)):
        raise WrongError("is no box")
    return low, high


def box(value: Any) -> tuple[tuple[float, ...], ...]:
    """The same of what somebody else says, "bounds" of a model that a program has measured: no corners for whatever is
    no box, as a record that holds it could not be read again."""
    try:
        return _bounds(value)
    except WrongError:
        return ()


def _candidates(value: Any) -> tuple[str, ...]:
    """The ids among them: what a service has called so and can be none is nothing to choose."""
    return tuple(filter(task_id, _list_of(_any_text)(value)))


def _parameters(value: Any) -> dict[str, Any]:
    """An object of what the tables of services are made of. Whether a service takes it is asked when the request is
    made."""
    if not isinstance(value, dict):
        raise WrongError("is no object")
    for name, entry in value.items():
        if len(name) > WORD_LENGTH or not name.isprintable():
            raise WrongError("holds a name that is none")
        if not (_is_plain(entry) or (isinstance(entry, list) and all(map(is_number, entry)))):
            raise WrongError(f"holds a value that no parameter has: `{name}`")
    return value


def _pictures(value: Any) -> dict[str, Any]:
    """By parameter, a whole note of a picture that is not the job's own yet."""
    if not isinstance(value, dict):
        raise WrongError("is no object")
    checks: dict[str, Check] = {"path": _path, "size": _count, "mtime_ns": _count, "is_linked": _flag}
    check = _object_of(checks, needed=checks)
    return {name: check(note) for name, note in value.items()}


def _origins(value: Any) -> dict[str, str]:
    """By parameter, where a file was."""
    if not isinstance(value, dict):
        raise WrongError("is no object")
    return {name: _path(path) for name, path in value.items()}


def _names(value: Any) -> dict[str, str]:
    """By parameter, what an image of the user's was called; without names that no image has, and that Blender
    would refuse."""
    if not isinstance(value, dict):
        raise WrongError("is no object")
    names = {name: _any_text(called) for name, called in value.items()}
    return {name: called for name, called in names.items() if is_clean(called)}


def _order(value: Any) -> int:
    """A place in an order, from 1; 0 for none."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= ORDER_MOST:
        raise WrongError("is no place in an order")
    return value


def _path(value: Any) -> str:
    """Where a file is, "" for nowhere. Whatever it leads to is judged where it is opened."""
    if not isinstance(value, str) or len(value) > PATH_LENGTH or "\0" in value:
        raise WrongError("is no path")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_INT:
        raise WrongError("is no whole number")
    return value


def _is_plain(value: Any) -> bool:
    if value is None or isinstance(value, (str, bool)):
        return True
    return is_number(value) and (isinstance(value, float) or abs(value) <= LARGEST_INT)


def require_place(place: Mapping[str, Any]) -> None:
    """Raise `WrongError` where a record with this `place` could not be read again."""
    FIELDS["place"](json.loads(json.dumps(place)))


FIELDS: dict[str, Check] = {
    "service": _word,  # also one that this version does not know
    "name": _text(NAME_LENGTH),
    "parameters": _parameters,
    "pictures": _pictures,
    "origins": _origins,
    "images": _names,
    "file": _path,
    "group": _matching(GROUP, "is not the name of a group"),
    "variant": _order,
    "is_cleared": _flag,
    "took_s": _number(0.0, SECONDS_MOST),
    "picture_sha256": _matching(SHA256, "is no SHA-256"),
    "place": _object_of(  # as `scene.place.place` takes it
        {
            "location": _list_of(_number(-LARGEST_FLOAT, LARGEST_FLOAT), 3, 3),
            "size": _number(0.0, LARGEST_FLOAT),
            "collection": _any_text,
            "exactly": _flag,
            "select": _any_text,
            "row": _matching(GROUP, "is not the name of a row"),
            "number": _order,
        }
    ),
    "sent": _moment,
    "awaited": _flag,
    "task_id": _task_id,
    "adopted": _flag,
    "gone": _flag,
    "candidates": _candidates,
    "earlier": _list_of(_object_of({"sent": _moment, "task_id": _task_id}, needed=("sent", "task_id"))),
    "task_over": _flag,
    "untold": _flag,
    "undrawn": _flag,
    "credits": _credits,
    "progress": _number(0.0, 1.0),
    "message": _text(WORDS_LENGTH),
    "error": _text(WORD_LENGTH),
    "picture_note": _text(WORDS_LENGTH),
    "service_note": _text(WORDS_LENGTH),
    "note": _text(WORDS_LENGTH),
    "bounds": _bounds,
    "created": _moment,
    "updated": _moment,
}
"""The check of each field of `folder.Job`, but for `id` and `state`, which depend on more than the value."""
