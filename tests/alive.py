# SPDX-License-Identifier: GPL-3.0-or-later
"""A standard input that does not end: to a program of ours its end says that whoever started it is gone. For tests only."""

import contextlib
import os


@contextlib.contextmanager
def alive():
    """The file descriptor of a pipe that nothing comes through."""
    reader, writer = os.pipe()
    try:
        yield reader
    finally:
        os.close(reader)
        os.close(writer)
