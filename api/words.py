# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts from outside (a service's words and ids, names of files, reports of programs) -> texts that may be shown, kept
and sent again.

Each is cleaned once, where it comes in. Never raises for what stands in a text, and never takes longer than its length
asks for.
"""

import re
import reprlib
import unicodedata
from collections.abc import Iterable

from .redact import redact

WORDS_AT_MOST = 300  # of somebody else's explanation, in a sentence of ours
ID_AT_MOST = 200
NAME_AT_MOST = 100
NAMELESS = "Picture"
SENTENCE_AT_MOST = 1000  # of one of our own programs, which may tell of several things
VALUE_AT_MOST = 120  # of a value that is refused: enough to know it again

READ_AT_MOST = 8000  # of a text, however long: far more than is kept of any
EDGE = 1000  # what is cut off with the rest where a text without spaces is cut: longer than a key

# What a terminal takes for a command (ECMA-48): its beginning is ESC and a letter, or one character of 0x80 to 0x9f. Of
# a title or the like that has no end only the beginning is one, as those characters also come of a wrong encoding.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"  # CSI: colors, the cursor
    # OSC and others: texts with an end
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f\r\n]*+(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[\]PX^_][^\x07\x1b\x90\x98\x9c-\x9f\r\n]*+"
    r"|\x1b[ -/]*+[0-~]?"
)

# Shown as nothing, and not in the category of such characters (Default_Ignorable_Code_Point); and what is no character
# at all.
_NOTHING = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufdd0-\ufdef\ufe00-\ufe0f\uffa0\ufff0-\ufff8\ufffe\uffff"
    "\U000e0000-\U000e0fff]"
)

_HALF = re.compile("[\ud800-\udfff]")

_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})
"""Control characters; marks that turn the direction of writing, and others without a shape; halves of characters."""


def clean(text: str, at_most: int = WORDS_AT_MOST, secrets: Iterable[str] = ()) -> str:
    """Return `text` fit for a sentence: one line of at most so many characters that can be seen, without keys and
    signatures.

    `secrets` are hidden wherever they stand, also percent-encoded. Of a text that is too long the beginning is kept.
    """
    return _shortened(redact(one_line(_beginning(text)), secrets), at_most)


def one_line(text: str) -> str:
    """Return the characters of `text` that can be seen, in one line, with single spaces between its words."""
    return " ".join(visible(text).split())


def visible(text: str) -> str:
    """Return `text` without commands to terminals and without characters that cannot be seen. Lines stay lines."""
    if not text.isprintable():
        text = "".join(map(_seen, _ESCAPE.sub("", text)))
    return text if text.isascii() else _NOTHING.sub("", text)


def _seen(character: str) -> str:
    """A character as it may stay: a space for what moves to somewhere else, "" for what cannot be seen."""
    if character.isprintable() or character in "\n\t":
        return character
    if character.isspace():
        return " "
    is_none = ord(character) & 0xFFFE == 0xFFFE or unicodedata.category(character) in _INVISIBLE
    return "" if is_none else character  # what is newer than this Python's tables is not printable to it


def both_ends(text: str, at_most: int) -> str:
    """Return `text`, or where it is longer whole words of its beginning and its end, together about so long, and a mark
    between them."""
    if len(text) <= at_most:
        return text
    half = at_most // 2
    head, tail = _whole_words(text[:half]), text[-half:]
    # From a line's beginning: what stands before a key, and says that it is one, may have been cut off.
    tail = tail.partition("\n")[2] or "".join(tail[EDGE:].split(None, 1)[1:])
    return f"{head}\n[{len(text) - len(head) - len(tail):,} characters are left out]\n{tail}"


def shown(value: object) -> str:
    """Return a value that somebody gave us as Python writes it, and where that is long, its beginning and its end.

    A picture that was given where a word should stand may have many megabytes.
    """
    try:
        return redact(_SHORT.repr(value))
    except ValueError:  # a number of more digits than Python writes
        return f"such a {type(value).__name__}"


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = VALUE_AT_MOST


def is_web_page(content: bytes) -> bool:
    """Whether `content` begins as a web page does, as of whoever stands in between, or where nobody answers any
    more."""
    return content[:1000].removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith((b"<!doctype html", b"<html"))


def named(path: object, at_most: int = SENTENCE_AT_MOST) -> str:
    """Return a path, or the name of a file, as it can stand in a sentence."""
    # Linux takes any bytes for a name, and Python has one that is no text as half a character. Seen as missing, two
    # names stay two.
    return clean(_HALF.sub("\N{REPLACEMENT CHARACTER}", str(path)), at_most)


def model_name(name: str) -> str:
    """Return `name` as a model can be called; "Picture" where nothing of it can be seen."""
    seen = named(name, NAME_AT_MOST)
    return seen if seen.strip(".") else NAMELESS


_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?:[^/?#]*@)?(?P<host>(?:\[[0-9a-f:.]+\]|[\w.-]+)(?P<port>:[0-9]{1,5})?)(?P<path>/[^?#]*)?(?P<rest>[?#].*)?",
    re.IGNORECASE,
)


def bare_address(url: str) -> str:
    """Return an http(s) address without what may give access to it: user, password, query and fragment. "" for what is
    no address.

    Also "" where a part of a password may stand in what is left: a slash, "?" or "#" in it ends the host for those who
    read addresses (RFC 3986, 3.2), and its "@" comes later.
    """
    found = _ADDRESS.fullmatch(url)
    if found is None or "\\" in url or not url.isprintable() or len(url.split()) != 1:
        return ""
    path, rest = found["path"] or "", found["rest"] or ""
    if ("@" in path and found["port"]) or ("@" in rest and not path):
        return ""
    return redact(f"{found['scheme'].lower()}://{found['host']}{path}")


def task_id(value: object, secrets: Iterable[str] = ()) -> str:
    """Return what a service calls a task, as it stands there; "" for what cannot be one or must not be kept.

    An id becomes a part of an address, is kept and shown: it is a text of 1 to 200 letters, digits and signs of ASCII,
    leads nowhere else, and holds none of the `secrets`.
    """
    if not isinstance(value, str) or not 0 < len(value) <= ID_AT_MOST:
        return ""
    if not (value.isascii() and value.isprintable()) or " " in value:
        return ""
    if "://" in value or {".", ".."} & set(re.split(r"[/\\]", value)):
        return ""
    return value if redact(value, secrets) == value else ""


def _beginning(text: str) -> str:
    """The beginning of a text, as far as anybody reads it."""
    if len(text) <= READ_AT_MOST:
        return text
    head = text[:READ_AT_MOST]
    # A password in an address is known by what stands behind it.
    return _whole_words(head) or ("" if "://" in head else head[:-EDGE])


def _whole_words(head: str) -> str:
    """The beginning of a text that was cut, without its last word: the half of a key would not be known as one."""
    return "".join(head.rsplit(None, 1)[:-1])


def _shortened(text: str, at_most: int) -> str:
    return text if len(text) <= at_most else f"{text[: at_most - 1].rstrip()}…"
