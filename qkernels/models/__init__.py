"""The embedded model: MobileNet V1 1.0/224 in int8, its class names and what its input must look like."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

_HERE = Path(__file__).parent
_SIDE = 224
_CROP = 0.875


def embedded_model_path() -> Path:
    """The OpenVINO IR (.xml, its .bin beside it): float32 (1, 224, 224, 3) in -1..1 -> probabilities (1, 1001)."""
    return _HERE / "mobilenet_v1_1.0_224_int8.xml"


def imagenet_labels() -> tuple[str, ...]:
    """The 1001 class names in the order of the model's outputs; 0 is the background."""
    return tuple((_HERE / "imagenet_labels.txt").read_text(encoding="utf-8").splitlines())


def preprocess(image: "Image | NDArray[np.uint8]") -> NDArray[np.float32]:
    """An image as the embedded model's input, float32 (1, 224, 224, 3) in -1..1.

    `image`: a PIL image of any mode, or uint8 (height, width, 3) RGB. The centred square of 87.5 % of the shorter side
    is resized bilinearly to 224 x 224, then x / 127.5 - 1.
    Raises TypeError or ValueError for something else, ImportError where Pillow is missing.
    """
    try:
        from PIL import Image as images
    except ImportError as error:
        raise ImportError("preparing images needs Pillow: pip install qkernels[report]") from error
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ValueError(f"image: {image.dtype} {image.shape}, expected uint8 (height, width, 3)")
        image = images.fromarray(np.ascontiguousarray(image))
    if not isinstance(image, images.Image):
        raise TypeError(f"image: {type(image).__name__}, expected a PIL image or a uint8 array")
    side = min(image.size) * _CROP
    left, top = (image.width - side) / 2, (image.height - side) / 2
    resized = image.convert("RGB").resize((_SIDE, _SIDE), images.Resampling.BILINEAR,
                                          box=(left, top, left + side, top + side))
    return (np.asarray(resized, np.float32) / np.float32(127.5) - np.float32(1))[np.newaxis]


def sample_images() -> Path:
    """The directory of the pictures that come with the package."""
    return _HERE / "images"
