"""Images whose bytes are the same everywhere: no decoder, no random generator."""

import numpy as np


def generated_images(side, count=8):
    """`count` arrays (1, side, side, 3) of uint8: waves of several lengths and directions, and a hashed noise on them."""
    y, x, channel = np.meshgrid(*map(np.arange, (side, side, 3)), indexing="ij")
    for index in range(count):
        waves = (x * (index + 1) + y * (7 - index) + channel * 40) % 256
        noise = (x * 73 + y * 151 + channel * 199 + index * 61) * 2654435761 >> 24 & 63
        yield np.minimum(np.abs(waves - 128) * 2 - 32 * (index % 3) + noise, 255).clip(0).astype(np.uint8)[np.newaxis]
