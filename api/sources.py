# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture may be given as: a path, an http(s) URL or a data URI, as people paste it. Reads no picture, and is
cheap to import."""

import contextlib
import os
import re

DATA = "data:"
LONGER_SIDE_PX = 4096  # more than any service's model shows; a picture of twice as many is four times as slow to send

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".tga", ".exr", ".hdr"),
    *(".apng", ".jpe", ".jfif", ".dib", ".psd", ".psb", ".jp2", ".j2k", ".j2c", ".gif", ".avif", ".heic", ".heif"),
    *(".dds", ".dpx", ".cin", ".sgi", ".rgb", ".rgba"),
)
"""The endings of files that hold one picture: all that some Blender opens (4.2 to 5.2), and those for which it has to
be said that this one does not. No file of ours has another: what a user's file is called can be anything."""

ENDING_OF_KIND = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "WEBP": ".webp",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "TGA": ".tga",
    "EXR": ".exr",
    "HDR": ".hdr",
    "PSD": ".psd",
    "JP2": ".jp2",
    "GIF": ".gif",
    "AVIF": ".avif",
    "HEIC": ".heic",
    "DDS": ".dds",
    "DPX": ".dpx",
    "CIN": ".cin",
    "SGI": ".sgi",
}
"""By what `headers.kind_of` says of a file's content."""

_WEB = ("http://", "https://")

_PAIRS = {'"': '"', "'": "'", "`": "`", "<": ">", "\u201c": "\u201d", "\u201e": "\u201c", "\u2018": "\u2019", "«": "»"}
"""What stands around a path that was copied from a terminal, a file manager ("Copy as path"), a letter or a text."""

_MARKS = "\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Without a shape: marks of a direction, which Windows puts before a path that is copied from a file's properties, and
of a file's beginning."""

_JOINERS = "\u200c\u200d"  # stand in names of files, inside of an emoji or of Persian

_WRAPPED = 4  # a path is in so many pairs of quotes at most


def is_url(source: str) -> bool:
    """Whether `source` has to be fetched from the network."""
    return source[:8].lower().startswith(_WEB)


def is_data(source: str) -> bool:
    """Whether `source` is a data URI."""
    return source[: len(DATA)].lower() == DATA


def is_path(source: str) -> bool:
    """Whether `source` is a file on this machine."""
    return not is_url(source) and not is_data(source)


def cleaned(source: str) -> str:
    """Return the path, address or data URI that is meant by what was typed or pasted.

    Quotes and white space around it go, `file:` and `~` become paths, the name of a scheme is written small, and what
    may not stand in an address is escaped behind its host. What is no certain spelling of anything stays as it is, and
    Blender's "//" does. Asks for no file.
    """
    source = _unwrapped(source)
    if is_data(source):
        return DATA + source[len(DATA) :]
    if is_url(source):
        scheme, colon, rest = source.partition(":")
        return scheme.lower() + colon + _escaped(rest)
    if source[:5].lower() == "file:":
        source = _path_of(source)
    if source.startswith("~"):
        with contextlib.suppress(ValueError):  # what no user can be called
            return os.path.expanduser(source)
    return source


def _unwrapped(source: str) -> str:
    """`source` without what stands around it."""
    for _ in range(_WRAPPED):
        source = source.strip().strip(_MARKS).strip()
        if len(source) < 2 or _PAIRS.get(source[0]) != source[-1]:
            break
        source = source[1:-1]
    return source


def _escaped(address: str) -> str:
    """An address, which begins behind its scheme, with spaces and letters that are not ASCII as browsers send them. Its
    host stays, and so does what cannot be seen: `address.read` judges both."""
    if address.isascii() and " " not in address:
        return address
    host, rest = re.fullmatch(r"(//[^/?#\\]*)(.*)", address, re.DOTALL).groups()  # type: ignore[union-attr]
    return host + "".join(_as_sent(letter) for letter in rest)


def _as_sent(letter: str) -> str:
    if letter != " " and (letter.isascii() or not (letter.isprintable() or letter in _JOINERS)):
        return letter
    return "".join(f"%{byte:02X}" for byte in letter.encode())


def _path_of(uri: str) -> str:
    """The path that a file URI names (RFC 8089, and spellings in use). One on another machine stays a URI, but for
    Windows."""
    from urllib.parse import unquote  # here, as it would slow down the start of Blender

    path = uri[5:]
    if path.startswith("//"):
        host, slash, path = path[2:].partition("/")
        if re.fullmatch("[A-Za-z][:|]|~|[.]{1,2}", host):  # file://C:/… and file://~/… are wrong, and clear
            path = host + slash + path
        elif host.lower() in ("", "localhost", "127.0.0.1"):
            path = slash + path
        elif os.sep == "\\":
            path = f"//{host}{slash}{path}"
        else:
            return uri
    path = unquote(path, errors="surrogateescape")
    path = re.sub(r"^/*([A-Za-z])[:|](?=[/\\]|$)", r"\1:", path)  # a drive
    # Two slashes are Blender's for the folder of the .blend.
    return re.sub(r"^//+", lambda _: "\\\\" if os.sep == "\\" else "/", path)


def ending_of(name: str) -> str:
    """Return the ending of a picture's file name in small letters, "" where it is none of `ENDINGS`."""
    return next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")
