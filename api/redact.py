# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes out of a text what nobody else may read: keys, pictures as data URIs, the signed part of addresses. Knows no
service.

A service decides what stands in the text, so the time it takes grows with the text's length and no faster: no pattern
here tries a character a second time (`++`, `*+`).
"""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "<hidden>"

_DATA_URI = re.compile(
    rf"data:([\w/+.-]*+)(?:;[\w=.-]++)*+,[A-Za-z0-9+/=%_-]*+(?:{HIDDEN}[A-Za-z0-9+/=%_-]*+)*+", re.IGNORECASE
)
_PATH_QUERY = re.compile(r"(with url: /[^\s?]*+)\?\S*+")  # as urllib3 names the rest of an address
_WORD = re.compile(rf"[^\s\"'<>]++(?:{HIDDEN}[^\s\"'<>]*+)*+")  # what was hidden already belongs to the word around it
_KEY_HEADER = re.compile(
    r"((?:authorization|x-api-key|api[-_]key)['\"]?+\s*+[:=]\s*+(?:b?['\"])?(?:(?:bearer|basic)\s++)?)[^\s'\",]++",
    re.IGNORECASE,
)
_SIGNED = re.compile(
    r"((?:(?<![a-z0-9])|(?<=%[0-9a-f]{2}))(?:(?:x-(?:amz|goog)-)?(?:signature|credential|security-token)|sig|awsaccesskeyid|key-pair-id|policy|"
    r"(?:access|id|auth|refresh)[-_]?token|token|api[-_]?key|secret|password)(?:=|%3D))[^\s\"'<>&]++",
    re.IGNORECASE,
)
"""The parts of a query that give access, also where the address before it is cut off or percent-encoded."""

_END_OF_SENTENCE = ").,;]}"
"""What stands behind an address and does not belong to it."""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without the `secrets` (those of at least four characters) and without what looks like one."""
    # Those first that hold others: an address of a proxy with its password, say.
    forms = {form for secret in secrets for form in _forms(secret.strip())}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    small = text.lower()  # to ask first is quicker than to search for what is not there
    if "data:" in small:
        text = _DATA_URI.sub(rf"data:\1,{HIDDEN}", text)
    if "://" in text:
        text = _WORD.sub(lambda found: _without_access(found[0]), text)
    if "with url" in text:
        text = _PATH_QUERY.sub(rf"\1?{HIDDEN}", text)
    if "=" in text or "%3d" in small:
        text = _SIGNED.sub(rf"\1{HIDDEN}", text)
    if any(name in small for name in ("authorization", "api-key", "api_key")):
        text = _KEY_HEADER.sub(rf"\1{HIDDEN}", text)
    return text


def _forms(secret: str) -> set[str]:
    """A secret as it may stand in a text: as it is, percent-encoded for an address, or escaped for JSON."""
    if len(secret) < 4:  # an empty or tiny one would tear the text apart
        return set()
    encoded = secret.encode("utf-8", "replace")
    escaped = json.dumps(secret)[1:-1]
    return {secret, quote(encoded, safe=""), quote(encoded), quote_plus(encoded), escaped, escaped.replace("/", r"\/")}


def _without_access(word: str) -> str:
    """A word without what gives access to an address in it: a name and a password before its host, and its query."""
    if "://" not in word:
        return word
    places = [place for mark in "?#" if (place := word.find(mark)) >= 0]
    start = min(places) + 1 if places else len(word)
    address, query = word[:start], word[start:]
    before, _, host = address.rpartition("://")
    if "@" in query and "/" not in host:  # the mark belongs to a password
        return _without_access(f"{before}://{HIDDEN}@{query.rpartition('@')[2]}")
    scheme, *rest = address.split("://")
    address = "://".join([scheme, *map(_without_password, rest)])
    if not query or (address.endswith("#") and "=" not in query):  # a mere place in a page
        return address + query
    said = query.rstrip(_END_OF_SENTENCE)
    return f"{address}{HIDDEN}{query[len(said) :]}"


def _without_password(rest: str) -> str:
    """What follows "://", without the name and the password before the host."""
    host, slash, path = rest.partition("/")
    # No port: the slash belongs to a password.
    if "@" in path and ":" in host and not host.rpartition(":")[2].isdigit():
        return f"{HIDDEN}@{path.rpartition('@')[2]}"
    before, at, after = host.rpartition("@")
    return f"{HIDDEN}@{after}{slash}{path}" if at and before else rest
