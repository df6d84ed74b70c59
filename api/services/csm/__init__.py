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
    rows.geometry_model("How CSM makes the shape", base="The standard way", turbo="The fast way"),
    rows.texture_model(
        "Which textures CSM makes",
        none="No texture",
        baked="Base color, which may include highlights and shadows",
        pbr="Cleaner base color, and metallic and roughness maps",
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
    description="AI guesses the sides you cannot see, at a CSM server of your own: needs its address and a key",
    purpose="AI guesses the unseen sides",
    needs="Needs a CSM server of your own",
    parameters=PARAMETERS,
    needs_key=True,
    is_paid=True,  # what it costs, CSM's page does not say
    reach="web",
    can_cancel=False,
    closed="CSM closed in January 2026, as far as is known: this is for a server of its protocol",
    default_url="https://api.csm.ai",
    client=_client,
    asks_quads=rows.asks_quads,
)
