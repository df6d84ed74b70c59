# SPDX-License-Identifier: GPL-3.0-or-later
"""What an output folder knows of itself, in its folder `.image_to_3d`: which job was asked for what, and whose files
are called how. Starts nothing, deletes nothing, and imports no bpy.

Several calls may work on one output folder, also on several machines: who writes something down here holds the lock,
for milliseconds. It takes one look for each picture, however many jobs there are.
"""

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import files
from ..api.errors import BusyError, JobError
from ..api.words import named

FOLDER = ".image_to_3d"
JOBS, ASKED, NAMES, LOCK = "jobs", "asked", "names", "lock"
"""The folder of the jobs; for each request the id of its job; for each name of files whose it is; the lock."""

LOCK_WITHIN_S = 30.0  # whoever holds the lock writes two small files
LOCK_PAUSE_S = 0.02

STEM_BYTES = 180  # in UTF-8; with the longest ending it fits into any file system's names (255)
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
"""What cannot stand in a name on some system (Windows, "Naming Files")."""
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


@dataclass
class Claim:
    """Whose files of one name are. `source` is a path or an address, `content` the SHA-256 of its file (the address
    itself for one); `size` and `mtime_ns` are those of the file that was hashed. `files` says by format which job a
    file came from that we have written; "" while it is written."""

    source: str
    content: str
    size: int = -1
    mtime_ns: int = -1
    files: dict[str, str] = field(default_factory=dict)

    def is_of(self, source: str, content: str) -> bool:
        """Whether the files are those of this picture: it lies where it lay, or shows what it showed."""
        return content == self.content or source == self.source


class Shelf:
    """What the folder `output` knows of itself. Nothing is made before `make`."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self._own = output / FOLDER

    @property
    def jobs(self) -> Path:
        """The folder of the jobs."""
        return self._own / JOBS

    def make(self) -> None:
        """Make the folders that are missing. Raises `OSError`."""
        self.output.mkdir(parents=True, exist_ok=True)
        for folder in (self._own, self.jobs, self._own / ASKED, self._own / NAMES):
            with contextlib.suppress(FileExistsError):
                files.make_folder(folder)
            if not folder.is_dir():
                raise NotADirectoryError(20, os.strerror(20), str(folder))
        (self._own / LOCK).touch(files.FILE_MODE)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, to write something down. Raises `BusyError` where another call does not let go of it,
        `OSError`."""
        with files.open_private(self._own / LOCK, "r+b") as file:
            until = time.monotonic() + LOCK_WITHIN_S
            while not files.try_lock(file.fileno()):
                if time.monotonic() > until:
                    raise BusyError(f"Another call holds {named(self._own)}: end it, then try again.")
                time.sleep(LOCK_PAUSE_S)
            try:
                yield
            finally:
                files.unlock(file.fileno())

    # Requests

    def job_for(self, request: str) -> str:
        """The id of the job that was made for `request`, a digest; "" where there is none."""
        try:
            return (self._own / ASKED / request).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return ""

    def note_job(self, request: str, job_id: str) -> None:
        """Write down, and sync, which job was made for `request`. For who holds the lock, and before anything of the
        job is sent. Raises `OSError`."""
        self._write(self._own / ASKED / request, job_id, synced=True)

    # Names

    def claim_of(self, stem: str) -> Claim | None:
        """Whose the name is, None where it is nobody's."""
        try:
            return Claim(**json.loads(self._claim_file(stem).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def known_content(self, stem: str, source: str, found: os.stat_result) -> str:
        """The SHA-256 of the picture at `source` where it is known from an earlier call and the file is as it was then;
        else ""."""
        claim = self.claim_of(stem)
        if claim is None or claim.source != source:
            return ""
        return claim.content if (claim.size, claim.mtime_ns) == (found.st_size, found.st_mtime_ns) else ""

    def take(self, stems: Sequence[str], claim: Claim, endings: Sequence[str]) -> str:
        """Take, for the picture that `claim` describes, the first of `stems` that is its own already, or nobody's, and
        return it. A name that somebody else's file has, with one of `endings`, is not taken. For who holds the lock.
        Raises `JobError` where none can be taken, `OSError`."""
        for stem in stems:
            known = self.claim_of(stem)
            if known is None:
                if any(os.path.lexists(self.output / f"{stem}{ending}") for ending in endings):
                    continue
            elif not known.is_of(claim.source, claim.content):
                continue
            renewed = replace(claim, files=dict(known.files) if known else {})
            if renewed != known:
                self.note_claim(stem, renewed)
            return stem
        raise JobError(f"All names for the files of {named(claim.source)} are taken in {named(self.output)}.")

    def note_claim(self, stem: str, claim: Claim) -> None:
        """Write down whose a name is. Raises `OSError`."""
        self._write(self._claim_file(stem), json.dumps(asdict(claim)), synced=False)

    def _claim_file(self, stem: str) -> Path:
        return self._own / NAMES / f"{stem.casefold()}.json"  # some file systems do not tell "A" from "a"

    @staticmethod
    def _write(path: Path, text: str, *, synced: bool) -> None:
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        with files.open_private(part, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if synced:
                files.sync_open(file.fileno(), is_money=True)
        files.replace(part, path)
        if synced:
            files.sync(path.parent, is_money=True)


def stems_of(name: str, source: str, content: str, variant: int) -> list[str]:
    """What the files of a picture may be called, in the order in which that is tried: as the picture, with its folder,
    with a part of its digest. `variant` is 0 for none."""
    end = f"_{variant}" if variant else ""
    parent = os.path.basename(os.path.dirname(source))
    wanted = [name, f"{name} ({parent})" if parent else name, f"{name} ({digest_of(content)[:8]})"]
    return [f"{_fit(stem)}{end}" for stem in wanted]


def _fit(stem: str) -> str:
    """A stem that every system takes; of a long one, its beginning and a part of its digest."""
    fit = FORBIDDEN.sub("_", stem).strip(" .")
    if len(fit.encode()) > STEM_BYTES:
        fit = f"{fit.encode()[: STEM_BYTES - 9].decode(errors='ignore').rstrip()}-{digest_of(stem)[:8]}"
    return f"_{fit}" if DEVICES.fullmatch(fit) or not fit else fit


def digest_of(value: Any) -> str:
    """A digest of a value of JSON, the same in every call."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
