# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.add_to_asset_browser`: enters the folder of results as an asset library in Blender's preferences. Moves
and copies no model."""

from typing import Any

import bpy

from .. import session
from .outcome import outcome, report

WHERE = "Edit > Preferences > Asset Libraries"
WHERE_BEFORE = "Edit > Preferences > File Paths > Asset Libraries"
"""... where Blender's preferences have no section of their own for them (up to 5.1 or before)."""


class IMAGE_TO_3D_OT_add_to_asset_browser(bpy.types.Operator):
    """Show all models in Blender's Asset Browser, from where you can drag them into any file"""

    bl_idname = "image_to_3d.add_to_asset_browser"
    bl_label = "Add to Asset Browser"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, self._add)

    def _add(self) -> None:
        # Here, as they would slow down the start of Blender.
        from ..jobs.assets import write_catalogs
        from ..session import assets

        folder = session.current().queue.root
        write_catalogs(folder)
        library = assets.library_of(folder)
        if library is None:
            library, done = assets.add_library(folder), "Added the asset library {!r}. You can remove it"
        elif assets.switch_on(library):
            done = "Switched the asset library {!r} on. You can switch it off, or remove it,"
        else:
            done = "The models are in the Asset Browser already, as the library {!r}. You can remove it"
        assets.refresh_browsers(folder)
        report(self, "INFO", f"{done.format(library.name)} in {_where()}")
        if bpy.context.preferences.is_dirty and not bpy.context.preferences.use_preferences_save:
            report(self, "WARNING", "Auto-Save Preferences is off: save the preferences to keep the asset library")


def _where() -> str:
    """Where people find the asset libraries in this Blender."""
    section: Any = bpy.types.Preferences.bl_rna.properties["active_section"]
    return WHERE if "ASSETS" in section.enum_items else WHERE_BEFORE


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_add_to_asset_browser,))
