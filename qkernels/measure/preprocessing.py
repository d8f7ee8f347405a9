"""From an image file to a model's input."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

if TYPE_CHECKING:
    import openvino

FITS = ("crop", "stretch")
RESAMPLING = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR,
              "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
Triple = tuple[float, float, float]
# where models carry such things, by the convention of OpenVINO's Model API
_INFO = "model_info"
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)  # what Pillow's readers raise


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """
    height, width, channels_first   of the model's input (1, height, width, 3) or (1, 3, height, width)
    fit             "crop": the centred part with the input's proportions, `crop` of what fits; "stretch": all of it
    crop            share of the largest such part, 0..1
    interpolation   a key of RESAMPLING
    mean, scale     (x - mean) / scale for each of red, green and blue, x in 0..255
    bytes           the input is uint8 and takes x itself
    """

    height: int
    width: int
    channels_first: bool
    fit: str = "crop"
    crop: float = 0.875
    interpolation: str = "bilinear"
    mean: Triple = (127.5, 127.5, 127.5)
    scale: Triple = (127.5, 127.5, 127.5)
    bytes: bool = False

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise ValueError(f"fit: expected {', '.join(FITS)}, got {self.fit!r}")
        if self.interpolation not in RESAMPLING:
            raise ValueError(f"interpolation: expected {', '.join(RESAMPLING)}, got {self.interpolation!r}")
        if not 0 < self.crop <= 1:
            raise ValueError(f"crop: expected more than 0 and at most 1, got {self.crop!r}")
        with np.errstate(over="ignore"):
            mean, scale = np.float32(self.mean), np.float32(self.scale)
        if not np.isfinite(mean).all():
            raise ValueError(f"mean: expected finite float32 values, got {self.mean!r}")
        if not (np.isfinite(scale) & (scale != 0)).all():
            raise ValueError(f"scale: expected finite float32 values other than 0, got {self.scale!r}")

    def load(self, path: Path) -> NDArray[Any]:
        """The image in `path` as the model's input. Errors as for `read_image`."""
        return self.apply(read_image(path))

    def apply(self, image: Image.Image) -> NDArray[Any]:
        resized = image.convert("RGB").resize((self.width, self.height), RESAMPLING[self.interpolation], box=self._box(image))
        x = np.array(resized)
        if not self.bytes:
            x = (x.astype(np.float32) - np.float32(self.mean)) / np.float32(self.scale)
        return np.ascontiguousarray(x.transpose(2, 0, 1) if self.channels_first else x)[np.newaxis]

    def _box(self, image: Image.Image) -> tuple[float, float, float, float]:
        if self.fit == "stretch":
            return 0, 0, image.width, image.height
        by = self.crop * min(image.width / self.width, image.height / self.height)
        width, height = self.width * by, self.height * by
        left, top = (image.width - width) / 2, (image.height - height) / 2
        return left, top, left + width, top + height


def read_image(path: Path) -> Image.Image:
    """RGB. OSError where the file cannot be read; ValueError names it where it is no image, a damaged one or one so large
    that Pillow takes it for an attack."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)   # of odd metadata, beside a picture that can be read
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return image.convert("RGB")
    except UnidentifiedImageError as error:
        raise ValueError(f"{path}: not an image that Pillow can read") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: an image too large to be read: {error}") from error
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise                                 # of the file system
        raise ValueError(f"{path}: a damaged image: {error}") from error


def of_model(model: openvino.Model, **given: Any) -> Preprocessing:
    """What the model's input needs: `given`, else what the model itself says, else the defaults above.

    A model says it in its runtime information, as OpenVINO's Model API has it: model_info with mean_values, scale_values.
    Raises ValueError where the model has several inputs or one that is not an image of three channels.
    """
    shape = model.input(0).partial_shape if len(model.inputs) == 1 else None
    sides = [] if shape is None or shape.rank.is_dynamic else [d.get_length() if d.is_static else None for d in shape]
    first = len(sides) == 4 and sides[1] == 3
    if len(sides) != 4 or 3 not in (sides[1], sides[3]) or sides[0] not in (None, 1):
        raise ValueError(f"model: expected one input of one image of three channels, got {shape}")
    height, width = sides[2:] if first else sides[1:3]
    if height is None or width is None:
        raise ValueError(f"model: height and width of the input must be known, got {shape}")
    own = {name: value for name, key in (("mean", "mean_values"), ("scale", "scale_values"))
           if (value := _own_triple(model, key)) is not None}
    chosen = {**own, **{name: value for name, value in given.items() if value is not None}}
    takes_bytes = model.input(0).get_element_type().to_string() == "u8"
    return Preprocessing(height=height, width=width, channels_first=first, bytes=takes_bytes, **chosen)


def remember(model: openvino.Model, how: Preprocessing) -> None:
    """Writes mean and scale into the model's runtime information, where `of_model` finds them."""
    for key, values in (("mean_values", how.mean), ("scale_values", how.scale)):
        model.set_rt_info(" ".join(f"{value:.9g}" for value in values), [_INFO, key])


def _own_triple(model: openvino.Model, key: str) -> Triple | None:
    if not model.has_rt_info([_INFO, key]):
        return None
    text = str(model.get_rt_info([_INFO, key]).astype(str))
    try:
        values = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        values = []
    if len(values) not in (1, 3):
        raise ValueError(f"model: {_INFO}/{key} is {text!r}, expected one number or three")
    red, green, blue = values * (3 // len(values))
    return red, green, blue
