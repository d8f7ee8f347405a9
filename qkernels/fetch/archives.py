"""The archives that TensorFlow published: the table of names."""

from __future__ import annotations

from dataclasses import dataclass

_MODELS = "https://storage.googleapis.com/download.tensorflow.org/models"
_V1_FLOAT, _V1_QUANT, _V2 = "mobilenet_v1_2018_02_22", "mobilenet_v1_2018_08_02", "tflite_11_05_08"
_WIDTHS, _RESOLUTIONS = ("1.0", "0.75", "0.5", "0.25"), (224, 192, 160, 128)


@dataclass(frozen=True)
class Archive:
    """A .tgz with `name`.tflite in it; `sha256` of the archive in hexadecimal, None where none is known."""

    name: str
    url: str
    sha256: str | None = None

    @property
    def file(self) -> str:
        return f"{self.name}.tgz"

    @property
    def model(self) -> str:
        return f"{self.name}.tflite"


# Of those that build files of several independent projects give alike, TensorFlow's own among them for the second.
_SHA256 = {
    "mobilenet_v1_1.0_224": "1ccb74dbd9c5f7aea879120614e91617db9534bdfaa53dfea54b7c14162e126b",
    "mobilenet_v1_1.0_224_quant": "d32432d28673a936b2d6281ab0600c71cf7226dfe4cdcef3012555f691744166",
    "mobilenet_v2_1.0_224_quant": "d6a04d780f76f656c902413be432eb349ec4a458240e3739119eb44977f77a79",
}


def _archive(directory: str, name: str) -> Archive:
    return Archive(name, f"{_MODELS}/{directory}/{name}.tgz", _SHA256.get(name))


ARCHIVES = {archive.name: archive for archive in (
    *(_archive(directory, f"mobilenet_v1_{width}_{resolution}{suffix}")
      for directory, suffix in ((_V1_FLOAT, ""), (_V1_QUANT, "_quant")) for width in _WIDTHS for resolution in _RESOLUTIONS),
    _archive(_V2, "mobilenet_v2_1.0_224"),
    _archive(_V2, "mobilenet_v2_1.0_224_quant"),
)}
SHORT = {"mobilenet-v1": "mobilenet_v1_1.0_224_quant", "mobilenet-v2": "mobilenet_v2_1.0_224_quant"}


def named(name: str) -> Archive:
    """ValueError for a name that is neither in `ARCHIVES` nor in `SHORT`."""
    found = ARCHIVES.get(SHORT.get(name, name))
    if found is None:
        raise ValueError(f"name: expected {', '.join(SHORT)}, mobilenet_v1_{{{','.join(_WIDTHS)}}}_"
                         f"{{{','.join(map(str, _RESOLUTIONS))}}} or mobilenet_v2_1.0_224, both also with _quant, "
                         f"got {name!r}")
    return found
