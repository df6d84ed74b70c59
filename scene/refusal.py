# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender says when it refuses something, fit for a sentence of ours. Raises nothing."""

from ..api.causes import cause_of


def reason_of(error: Exception) -> str:
    """Why Blender refused, without the "Error:" before and the full stop after it, and without folders of this
    machine."""
    return cause_of(error)
