# SPDX-License-Identifier: GPL-3.0-or-later
"""An error that ends a conversion -> one sentence for the user. The traceback is the log's. Raises nothing.

Whoever asked for the conversion adds what became of the model, and what a retry does.
"""

from ..api.causes import IN_BLENDER, cause_of
from ..api.errors import ImageTo3DError, user_message

DETAILS = "log.txt in the job's folder has the details."
BUG = f"Something went wrong that should not have: {DETAILS}"
NO_MEMORY = "The model needs more memory than there is: close some programs, then retry."
TOO_DEEP = "The model's file is nested too deeply: other programs may still open it."


def sentence_of(error: Exception) -> str:
    """Return what the user is told of any error."""
    if isinstance(error, (ImageTo3DError, OSError)):
        return user_message(error)
    if is_short_of_memory(error):
        return NO_MEMORY
    if isinstance(error, RecursionError):
        return TOO_DEEP
    if isinstance(error, RuntimeError) and (cause := cause_of(error)) != IN_BLENDER:
        return f"Blender could not prepare the model ({cause}): {DETAILS}"
    return BUG


def is_short_of_memory(error: Exception) -> bool:
    """Whether the memory did not suffice; an operator of Blender's tells so in the words of its `RuntimeError`."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "MemoryError" in str(error))
