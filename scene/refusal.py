# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender says when it refuses something, fit for a sentence of ours. Raises nothing."""


def reason_of(error: Exception) -> str:
    """The last line of Blender's words, without the "Error:" before and the full stop after it."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].removeprefix("Error: ").rstrip(".")
