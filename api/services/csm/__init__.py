# SPDX-License-Identifier: GPL-3.0-or-later
"""CSM: what the service says of itself, and its table of parameters. Connects to nothing: `client` does.

Source: CSM, "Image to 3D: Create Session".
"""

from typing import TYPE_CHECKING

from ...about import About
from ...parameters import Table
from .. import rows

if TYPE_CHECKING:
    from .client import CSM

PARAMETERS: Table = (
    rows.IMAGE_URL,
    rows.geometry_model("Which geometry model the session uses", base="The standard one", turbo="The fast one"),
    rows.texture_model(
        "Which texture model the session uses",
        none="No texture",
        baked="Highlights and shadows may be part of the base color",
        pbr="A cleaner base color, and metallic and roughness maps",
    ),
    rows.SCALED_BBOX,
    rows.PRESERVE_ASPECT_RATIO,
    rows.TOPOLOGY,
    rows.resolution("How fine the mesh is", low_poly="Few faces", high_poly="Many faces"),
)


def _client() -> "type[CSM]":
    from .client import CSM

    return CSM


ABOUT = About(
    name="csm",
    number=1,
    label="CSM",
    description="Image-to-3D sessions of Common Sense Machines: needs an account, and costs credits",
    parameters=PARAMETERS,
    needs_key=True,
    is_paid=True,  # what it costs, CSM's page does not say
    reach="web",
    can_cancel=False,
    account_page="https://3d.csm.ai/dashboard/profile/developer-settings",
    default_url="https://api.csm.ai",
    client=_client,
    asks_quads=rows.asks_quads,
)
