# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that was chosen as a picture: whether it is there, may be read, and can be a picture at all; and what to say
where it is not. Reads its beginning at most, and never waits."""

import os
import re
from pathlib import Path
from typing import BinaryIO

from . import kinds
from .errors import PictureError
from .sources import ENDING_OF_KIND, ENDINGS, ending_of
from .words import named

LIMIT_BYTES = 512 << 20  # no picture that Blender could open in the memory of an ordinary machine is larger

USUAL_ENDINGS = 4  # of all, in a sentence

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?!$)")
"""The beginning of an address: two letters at least, as one is a drive."""
_HOST = re.compile(r"www\.|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(:[0-9]+)?/")
"""The beginning of an address without its scheme."""
_BASE64 = ("iVBORw0KGgo", "/9j/4", "UklGR", "R0lGOD")
"""How a PNG, JPEG, WebP and GIF begin in base64."""

WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0)
"""A pipe that has taken the place of a file is not waited for when it is opened."""


def look_at(path: Path) -> os.stat_result:
    """Return what the system says of the picture file at `path`, which can be read. Raises `PictureError`, `OSError`;
    never waits."""
    if not os.path.isfile(path):  # which takes a name that is none, or endless, for one that is not there
        raise PictureError(f"There is no picture at {named(path)}: choose one that exists.")
    with opened(path) as file:
        found = os.fstat(file.fileno())
    if found.st_size > LIMIT_BYTES:
        raise PictureError(f"{named(path.name)} is larger than {LIMIT_BYTES >> 20} MB: scale the picture down.")
    return found


def opened(path: Path) -> BinaryIO:
    """Open a picture file. Raises `PictureError` where the user may not read it, `OSError`."""
    try:
        return open(path, "rb", opener=lambda name, flags: os.open(name, flags | WITHOUT_WAITING))
    except PermissionError:
        raise PictureError(f"{named(path.name)} may not be read: check the permissions of the file.") from None


def require_picture(path: Path) -> None:
    """Raise `PictureError` where neither its name nor its content says that a file is a picture. One that is not there
    and is called as no other kind of file is, is somebody else's to miss. Raises `OSError`, too."""
    if ending_of(path.name):
        return
    kind = _kind_of(path)
    if kind in ENDING_OF_KIND or (not kind and not path.suffix and not os.path.isfile(path)):
        return
    if kind in kinds.WORDS and kinds.WORDS[kind].what != kinds.NOT_A_PICTURE:
        raise PictureError(kinds.cannot_open(path, named(path.name)))
    usual = ", ".join(ENDINGS[:USUAL_ENDINGS])
    raise PictureError(f"{named(path.name)} is no picture: choose one of {usual} or the like.")


def ending_for(path: Path) -> str:
    """The ending for a copy of the picture at `path`: its own, or where that is none of a picture, that of its
    content; "" where that is not known. Raises `PictureError`, `OSError`."""
    return ending_of(path.name) or ENDING_OF_KIND.get(_kind_of(path), "")


def _kind_of(path: Path) -> str:
    """What a file is by its content; "" where there is none, or where it is not known. Raises as `opened` does."""
    if not os.path.isfile(path):
        return ""
    with opened(path) as file:
        return kinds.kind_in(file)


def missing(source: str) -> PictureError:
    """What to say where `source`, which is no address and no data URI, is no file either."""
    called = named(source, 200)
    scheme = _SCHEME.match(source)
    if scheme and scheme[1].lower() in ("http", "https"):
        return PictureError(f"The address {called} is incomplete: it has to begin with https:// and name a host.")
    if scheme and scheme[1].lower() == "file":
        return PictureError(f"{called} is on another computer: copy the picture to this one, and choose that.")
    if scheme:
        return PictureError(
            f"A picture cannot be fetched from {named(scheme[0])}: use an address that begins with https://, or save "
            "the picture and choose its file."
        )
    if _HOST.match(source):
        return PictureError(f"There is no file {called}: begin it with https:// where it is an address.")
    if source.startswith(_BASE64):
        return PictureError(
            "There is no file of that name: begin it with data:image/png;base64, where it is a picture."
        )
    return PictureError(f"There is no picture at {called}: choose one that exists.")
