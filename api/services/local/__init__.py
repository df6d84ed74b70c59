# SPDX-License-Identifier: GPL-3.0-or-later
"""Local: what the built-in service says of itself, and its table of parameters. Shapes nothing: `client` has that done.

Its parameters are those of CSM's "Create an Image-To-3D Session", with the same meaning, and some of its own: further
pictures, `cutout` and `back`.
"""

from typing import TYPE_CHECKING

from ...about import About
from ...parameters import Choice, Option, Table
from .. import rows

if TYPE_CHECKING:
    from .client import Local

PARAMETERS: Table = (
    rows.IMAGE_URL,
    *rows.views(),
    rows.geometry_model(
        "How the shape is made",
        base="Rounds out the silhouette, thicker where it is wider, and adds fine relief from the picture's shading",
        turbo="Rounds out the silhouette without the fine relief, which is faster",
    ),
    rows.texture_model(
        "Which textures the model gets",
        none="No texture",
        baked="The picture as it is, with its highlights and shadows",
        pbr="Base color with the shading evened out, and metallic, roughness and normal maps",
    ),
    rows.SCALED_BBOX,
    rows.PRESERVE_ASPECT_RATIO,
    rows.TOPOLOGY,
    rows.resolution(
        "How many faces the mesh has", low_poly="At most 5,000 faces", high_poly="Between 50,000 and 200,000 faces"
    ),
    Choice(
        name="cutout",
        label="Cutout",
        description="How the figure is told from its background",
        default="auto",
        options={
            "auto": Option(0, "By the transparency of the picture, else by what stands out from the background"),
            "filled": Option(1, "The same, and areas that the figure encloses belong to it"),
            "alpha": Option(2, "By the transparency of the picture alone"),
            "rectangle": Option(3, "Not at all: the whole picture becomes a relief"),
        },
    ),
    Choice(
        name="back",
        label="Unseen Back",
        description="What the back of the model shows where no picture shows it",
        default="mirrored",
        options={
            "mirrored": Option(0, "The front once more, mirrored"),
            "plain": Option(1, "No second face: the colors of the outline, carried inward"),
        },
        excluded=({rows.VIEWS[0]: True},),
    ),
)


def _client() -> "type[Local]":
    from .client import Local

    return Local


ABOUT = About(
    name="local",
    number=0,
    label="Local",
    description="Rounds out the silhouettes of up to four pictures, on this computer: no account, no network, no cost",
    purpose="Rounds out the silhouette",
    parameters=PARAMETERS,
    needs_key=False,
    is_paid=False,
    reach="none",
    views=rows.VIEWS,
    can_cancel=True,
    is_watertight=True,
    client=_client,
    asks_quads=rows.asks_quads,
)
