# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of errors: `str(error)` is one sentence that tells the user what to do. Never holds a key, never prints.

Everything that this project raises on purpose descends from `ImageTo3DError`; whatever else arrives is a bug of ours, and its
traceback belongs in the job's log.
"""

import errno
import os


class ImageTo3DError(Exception):
    """Something the user can be told in one sentence."""


class PictureError(ImageTo3DError):
    """The picture cannot be read, fetched or used."""


class ParameterError(ImageTo3DError):
    """A request parameter has a value that the service does not take."""


class ConnectionFailedError(ImageTo3DError):
    """A host cannot be reached, or the connection to it broke."""


class ServiceError(ImageTo3DError):
    """The service accepted the request and could not fulfil it; the sentence carries the service's own words."""


class GlbError(ImageTo3DError):
    """The file that a service delivered is not a whole, self-contained GLB."""


class BlenderError(ImageTo3DError):
    """A background Blender could not be started, or stopped before its work was done."""


class JobError(ImageTo3DError):
    """A job's folder cannot be read, or the job cannot do now what was asked of it."""


class BusyError(JobError):
    """Another process holds the job's lock."""


def sentence_of(error: ImageTo3DError | OSError) -> str:
    """Return the sentence for the user, also for what the system itself reports."""
    if isinstance(error, ImageTo3DError):
        return str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full: free some space, then try again."
    where = f" at {error.filename}" if error.filename else ""
    return f"The disk cannot be used{where} ({os.strerror(error.errno or 0)}): check it, then try again."
