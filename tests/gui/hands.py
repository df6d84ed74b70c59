# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands at the mouse and the keyboard of a screen: real events of the X server, through xdotool. They know nothing of
Blender, and never wait for it."""

import os
import subprocess

from Xlib import X, display
from Xlib.protocol import event

BUTTONS = {"LEFTMOUSE": "1", "MIDDLEMOUSE": "2", "RIGHTMOUSE": "3"}
KEYS = {"RET": "Return", "ESC": "Escape", "TAB": "Tab", "BACK_SPACE": "BackSpace", "HOME": "Home", "SPACE": "space"}
"""The X server's names, by Blender's. It has its own for letters, which are small; those of F keys are the same."""

LETTER_MS = 12  # between two letters, as a very quick typist takes
WORKS_S = 30


class Hands:
    """Hands for an X display (":7"). Points are pixels from the upper left corner of the screen; keys and buttons have
    Blender's names."""

    def __init__(self, screen):
        self._screen = screen
        self._server = display.Display(screen)
        # What window managers bring along: a Blender that starts where nobody has said this word knows no way to close
        # a window.
        self._delete = self._server.intern_atom("WM_DELETE_WINDOW")

    def close(self):
        """Take the hands off."""
        self._server.close()

    def move(self, x, y):
        """Move the mouse to a point, and give the window there the focus, as window managers do."""
        said = self._do("mousemove", str(int(x)), str(int(y)), "getmouselocation", "--shell")
        self._do("windowfocus", said.partition("WINDOW=")[2].strip())

    def hold(self, button="LEFTMOUSE"):
        """Press a button of the mouse, and hold it until `let_go`."""
        self._do("mousedown", BUTTONS[button])

    def let_go(self, button="LEFTMOUSE"):
        """Release a button that is held."""
        self._do("mouseup", BUTTONS[button])

    def double_click(self):
        """Press and release the left button twice, as fast as one can."""
        self._do("click", "--repeat", "2", "--delay", "60", BUTTONS["LEFTMOUSE"])

    def press(self, key, **modifiers):
        """Press and release a key, while the modifiers that are true are held: press("A", ctrl=True)."""
        name = KEYS.get(key, key if len(key) > 1 else key.lower())
        self._do("key", "+".join([*(held for held, is_held in modifiers.items() if is_held), name]))

    def type(self, text):
        """Type a text, letter by letter."""
        self._do("type", "--delay", str(LETTER_MS), "--", text)

    # What is done with the frame that a window manager draws around a window. There is none, so the window is told what
    # that would tell it.

    def move_window(self, title, x, y):
        """Drag the window with this title to where its upper left corner is at this point."""
        self._window(title).configure(x=x, y=y)
        self._server.sync()

    def close_window(self, title):
        """Press the x in the frame of the window with this title."""
        window = self._window(title)
        protocols = self._server.intern_atom("WM_PROTOCOLS")
        data = (32, [self._delete, X.CurrentTime, 0, 0, 0])
        window.send_event(event.ClientMessage(window=window, client_type=protocols, data=data))
        self._server.sync()

    def _window(self, title):
        (window,) = [w for w in self._server.screen().root.query_tree().children if w.get_wm_name() == title]
        return window

    def _do(self, *words):
        """Let xdotool do this, and return what it says. The X server has the events when it ends."""
        environment = {**os.environ, "DISPLAY": self._screen}
        done = subprocess.run(
            ["xdotool", *words], env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=WORKS_S
        )
        return done.stdout
