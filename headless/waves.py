# SPDX-License-Identifier: GPL-3.0-or-later
"""Cosine transforms of arrays, whose borders reflect. numpy only, which has Fourier transforms alone."""

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def cosines(values: NDArray[np.floating]) -> Doubles:
    """The cosine transform (DCT-II) of the last axis: of n values the sums with cos(pi k (2 i + 1) / (2 n)).

    The Fourier transform of the values at even places, followed by those at odd ones from the end, is the same but for
    a turn (J. Makhoul, "A fast cosine transform in one and two dimensions", 1980).
    """
    folded = np.concatenate((values[..., ::2], values[..., 1::2][..., ::-1]), axis=-1)
    many = values.shape[-1]
    return (np.fft.fft(folded) * np.exp(-0.5j * np.pi * np.arange(many) / many)).real


def values_of(waves: Doubles) -> Doubles:
    """What `cosines` gives `waves` for."""
    many = waves.shape[-1]
    mirrored = np.zeros_like(waves)
    mirrored[..., 1:] = waves[..., :0:-1]
    folded = np.fft.ifft((waves - 1j * mirrored) * np.exp(0.5j * np.pi * np.arange(many) / many)).real
    values = np.empty_like(folded)
    half = -(-many // 2)
    values[..., ::2] = folded[..., :half]
    values[..., 1::2] = folded[..., half:][..., ::-1]
    return values
