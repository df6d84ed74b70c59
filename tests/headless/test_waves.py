# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic that is done in a quicker way than it is defined, against its definition."""

import numpy as np
import pytest
from once import once

from image_to_3d.headless.pixels import blur, blur_inside, blur_inside_widely
from image_to_3d.headless.waves import cosines, values_of

pytestmark = once


@pytest.mark.parametrize("many", [1, 2, 5, 8, 13])
def test_cosines_are_the_sums_that_they_stand_for(many: int) -> None:
    values = np.random.default_rng(many).standard_normal((3, many))
    places = np.arange(many)
    sums = values @ np.cos(np.pi * (2 * places[:, None] + 1) * places / (2 * many))
    assert cosines(values) == pytest.approx(sums, abs=1e-9)
    assert values_of(cosines(values)) == pytest.approx(values, abs=1e-9)


@pytest.mark.parametrize("shape", [(1024, 1024), (700, 1301)])
def test_a_wide_blur_of_a_smaller_picture_looks_the_same(shape: tuple[int, int]) -> None:
    down, right = np.mgrid[: shape[0], : shape[1]]
    weight = (np.hypot(down - shape[0] / 2, right - shape[1] / 2) < 0.4 * min(shape)).astype(np.float32)
    image = blur(np.random.default_rng(1).random(shape, dtype=np.float32), 2)
    image = (image - image.min()) / np.ptp(image)
    sigma = max(shape) / 40
    difference = np.abs(blur_inside_widely(image, weight, sigma) - blur_inside(image, weight, sigma))
    assert difference[weight > 0].max() * 255 < 2
