# SPDX-License-Identifier: GPL-3.0-or-later
"""What this Blender knows while it runs, and saves nowhere: the queue of jobs, arrivals, accounts, the list, time left,
usual times, recent pictures, previews, what is cut out.

One object holds all of it. It is made when it is first asked for, and dropped when the extension is disabled. `look()`
is what a timer calls. Nothing is imported here that is not used, as all this waits until Blender has started.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .session import Session

_session: "Session | None" = None
"""The one of this Blender, None before anybody has asked for it. Everybody else gets it by `current()`."""


def current() -> "Session":
    """The session of this Blender."""
    global _session
    if _session is None:
        from .session import Session

        _session = Session()
    return _session


def begun() -> "Session | None":
    """The session of this Blender, None where nobody has asked for it yet. For what is drawn or ended before that, as
    the status bar with the first window: the start of Blender must not wait for all that a session is made of."""
    return _session


def register() -> None:
    """Nothing is read and nothing is started before somebody asks."""


def unregister() -> None:
    """Have all processes end themselves; their jobs go on after the next start."""
    global _session
    if _session is not None:
        _session.close()
    _session = None
