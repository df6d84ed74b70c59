# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.add_to_asset_browser`: enters the folder of results as an asset library in Blender's preferences. Moves
and copies no model."""

import bpy

from .. import session
from .outcome import outcome, report

WHERE = "Edit > Preferences > File Paths > Asset Libraries"


class IMAGE_TO_3D_OT_add_to_asset_browser(bpy.types.Operator):
    """Show all models that were made in Blender's Asset Browser, to be dragged into any file"""

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
            library, done = assets.add_library(folder), "Added the asset library {!r}: remove it again"
        elif assets.switch_on(library):
            done = "Switched the asset library {!r} on: remove it, or switch it off,"
        else:
            done = "The models are in the Asset Browser already, as the library {!r}: remove it"
        assets.refresh_browsers(folder)
        report(self, "INFO", f"{done.format(library.name)} in {WHERE}")
        if bpy.context.preferences.is_dirty and not bpy.context.preferences.use_preferences_save:
            report(self, "WARNING", "Auto-Save Preferences is off: save the preferences to keep the asset library")


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_add_to_asset_browser,))
