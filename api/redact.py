# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes out of a text what nobody else may read: keys, pictures as data URIs, the signed part of addresses. Knows no service."""

import re
from collections.abc import Iterable

HIDDEN = "<hidden>"

_DATA_URI = re.compile(r"data:([\w/+.-]*)(?:;[\w=.-]+)*,[A-Za-z0-9+/=%_-]*")
_QUERY = re.compile(rf"(https?://[^\s\"'<>?]*)\?(?:{HIDDEN}|[^\s\"'<>)])*")
_PATH_QUERY = re.compile(r"(with url: /[^\s?]*)\?\S*")  # as urllib3 names the rest of an address
_PASSWORD = re.compile(r"(\w+://)[^\s/?#]+@")
_KEY_HEADER = re.compile(
    r"((?:authorization|x-api-key)['\"]?\s*[:=]\s*(?:b?['\"])?(?:(?:bearer|basic)\s+)?)[^\s'\",]+", re.IGNORECASE
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without the `secrets` (those of at least four characters) and without what looks like one."""
    for secret in map(str.strip, secrets):
        if len(secret) >= 4:  # an empty or tiny one would tear the text apart
            text = text.replace(secret, HIDDEN)
    text = _DATA_URI.sub(rf"data:\1,{HIDDEN}", text)
    text = _PASSWORD.sub(rf"\1{HIDDEN}@", text)
    text = _QUERY.sub(rf"\1?{HIDDEN}", text)
    text = _PATH_QUERY.sub(rf"\1?{HIDDEN}", text)
    return _KEY_HEADER.sub(rf"\1{HIDDEN}", text)
