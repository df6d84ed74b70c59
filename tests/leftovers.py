# SPDX-License-Identifier: GPL-3.0-or-later
"""What the extension has left in Blender's lists. A timer that stays when Python ends hangs Blender, or crashes it.

For tests only.
"""

import gc
import types

import bpy


def timers(package):
    """The functions of a package that are app timers, whatever they are called."""
    # Blender tells of a function whether it is a timer, and has no list of them.
    # Not isinstance, which asks the object: one of Blender's that is gone raises.
    functions = [found for found in gc.get_objects() if type(found) is types.FunctionType]
    return [function for function in functions if _is_of(function, package) and bpy.app.timers.is_registered(function)]


def handlers(package):
    """The functions of a package in Blender's lists of handlers, each with its list."""
    lists = {
        name: found for name in dir(bpy.app.handlers) if isinstance(found := getattr(bpy.app.handlers, name), list)
    }
    return [(name, entry) for name, entries in lists.items() for entry in entries if _is_of(entry, package)]


def take_away(package):
    """Unregister what is left, so that Blender can end; return a word for each."""
    found = []
    for function in timers(package):
        bpy.app.timers.unregister(function)
        found.append(f"timer {function.__qualname__}")
    for name, entry in handlers(package):
        getattr(bpy.app.handlers, name).remove(entry)
        found.append(f"handler {entry.__qualname__} in {name}")
    return found


def _is_of(function, package):
    return (getattr(function, "__module__", None) or "").split(".")[: package.count(".") + 1] == package.split(".")
