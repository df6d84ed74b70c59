# SPDX-License-Identifier: GPL-3.0-or-later
"""Any text -> one that Blender takes for a report, a label or the clipboard: half a character in it raises there.
Raises nothing itself.

What comes from outside is cleaned where it comes in; this is for what is drawn and said of names of files and of older
records as well.
"""

AT_MOST = 2000  # characters: more than any sentence of ours, less than what makes a window slow


def shown(text: object) -> str:
    """Return what can be seen of `text`, in one line; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    text = text[:AT_MOST]
    if text.isascii() and text.isprintable():
        return text
    from ..api.words import one_line  # here, as its tables would slow down the start of Blender

    return one_line(text)
