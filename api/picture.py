# SPDX-License-Identifier: GPL-3.0-or-later
"""A path, an http(s) URL or a data URI -> a file on disk. Never looks into the picture: whoever reads it judges it."""

import base64
import binascii
import mimetypes
import shutil
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from .errors import PictureError

LIMIT_BYTES = 512 << 20  # no picture that Blender could open in the memory of an ordinary machine is larger
DATA = "data:"

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_url(source: str) -> bool:
    """Whether `source` has to be fetched from the network."""
    return source.lower().startswith(("http://", "https://"))


def is_path(source: str) -> bool:
    """Whether `source` is a file on this machine."""
    return not is_url(source) and not source.startswith(DATA)


def leaves_machine(source: str) -> bool:
    """Whether fetching `source` needs a connection to another machine. Loopback counts as offline."""
    try:
        return is_url(source) and urlsplit(source).hostname not in LOOPBACK
    except ValueError:  # half typed, or no address at all
        return True


def name_of(source: str) -> str:
    """Return a name for the model from where the picture lies: the file's name without its ending."""
    if source.startswith(DATA):
        return "Picture"
    path = unquote(urlsplit(source).path) if is_url(source) else source
    return Path(path).stem or "Picture"


def to_file(source: str, stem: Path) -> Path:
    """Bring the picture at `source` to `stem` plus its ending, and return that path.

    Raises `PictureError` with the reason, `ConnectionFailedError` where the host of a URL cannot be reached.
    """
    if source.startswith(DATA):
        return _from_data_uri(source, stem)
    if is_url(source):
        return _from_url(source, stem)
    return _from_path(Path(source), stem)


def _from_path(path: Path, stem: Path) -> Path:
    if not path.is_file():
        raise PictureError(f"There is no picture at {path}: choose one that exists.")
    if path.stat().st_size > LIMIT_BYTES:
        raise PictureError(f"{path.name} is larger than {LIMIT_BYTES >> 20} MB: scale the picture down.")
    target = stem.with_suffix(path.suffix.lower())
    try:
        shutil.copyfile(path, target)
    except PermissionError:
        raise PictureError(f"{path.name} may not be read: check the permissions of the file.") from None
    return target


def _from_data_uri(source: str, stem: Path) -> Path:
    header, comma, content = source[len(DATA) :].partition(",")
    if not comma:
        raise PictureError("The data URI is incomplete: it has to read data:<mediatype>;base64,<content>.")
    media_type, *attributes = header.split(";")
    try:
        # Line breaks and percent escapes both occur in data URIs copied from elsewhere (RFC 2397).
        data = (
            base64.b64decode(unquote(content), validate=False) if "base64" in attributes else unquote_to_bytes(content)
        )
    except binascii.Error:
        raise PictureError("The data URI is damaged: its base64 content cannot be decoded.") from None
    target = stem.with_suffix(mimetypes.guess_extension(media_type) or "")
    target.write_bytes(data)
    return target


def _from_url(url: str, stem: Path) -> Path:
    from . import http  # here, because it imports requests, which alone would slow down the start of Blender

    part = stem.with_suffix(".part")
    with http.get(url) as answer:
        if answer.status_code != 200:
            raise PictureError(f"The picture's address answered {answer.status_code} {answer.reason}: check the URL.")
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        if media_type.startswith("text/"):
            raise PictureError(
                "The address leads to a web page, not to a picture: use the address of the picture itself."
            )
        size = 0
        with part.open("wb") as file:
            for piece in answer.iter_content(http.PIECE_BYTES):
                size += len(piece)
                if size > LIMIT_BYTES:
                    raise PictureError(f"The picture is larger than {LIMIT_BYTES >> 20} MB: use a smaller one.")
                file.write(piece)
    suffix = mimetypes.guess_extension(media_type) or Path(urlsplit(url).path).suffix.lower()
    return part.replace(stem.with_suffix(suffix))
