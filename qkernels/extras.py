"""Packages that come with an extra of the distribution, and what to say where one is missing."""

_EXTRAS = {
    "report": ("PIL", "bokeh", "click", "filelock", "httpx", "jinja2", "markupsafe", "openvino", "platformdirs", "rich",
               "scipy"),
    "peers": ("ai_edge_litert", "numkong", "onnx", "onnxruntime", "threadpoolctl"),
}
_DISTRIBUTIONS = {"PIL": "pillow", "ai_edge_litert": "ai-edge-litert"}  # where it is not the package's name


def advice(error: ModuleNotFoundError) -> str:
    """One line: which package is missing and how to install it; the error's own text for a package of no extra."""
    package = (error.name or "").partition(".")[0]
    for extra, packages in _EXTRAS.items():
        if package in packages:
            return f"{_DISTRIBUTIONS.get(package, package)} is not installed: pip install qkernels[{extra}]"
    return f"{type(error).__name__}: {error}"
