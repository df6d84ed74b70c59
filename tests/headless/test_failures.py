# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error that can end a conversion has one sentence. Needs no Blender."""

import pytest

from image_to_3d.api.errors import GlbError
from image_to_3d.headless.failures import BUG, NO_MEMORY, TOO_DEEP, sentence_of

TRACEBACK = 'Error: Python: Traceback (most recent call last):\n  File "ops.py", line 9\n{last}\nLocation: ops.py:109\n'


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (GlbError("The model is empty: look into it."), "The model is empty: look into it."),
        (OSError(28, "No space left on device"), "The disk is full: free some space, then try again."),
        (KeyError("meshes"), BUG),
        (ValueError(""), BUG),
        (AssertionError(), BUG),
        (MemoryError(), NO_MEMORY),
        (RuntimeError(TRACEBACK.format(last="numpy._core._exceptions._ArrayMemoryError: no 8 GiB")), NO_MEMORY),
        (RuntimeError(TRACEBACK.format(last="IndexError: list index out of range")), BUG),
        (RecursionError("maximum recursion depth exceeded"), TOO_DEEP),
        (
            RuntimeError("Error: Cannot write it\n"),
            "Blender could not prepare the model (Cannot write it): log.txt in the job's folder has the details.",
        ),
    ],
)
def test_an_error_has_its_sentence(error: Exception, sentence: str) -> None:
    assert sentence_of(error) == sentence
