"""Peak memory of one engine, measured in a process of its own: in a common one the engines cannot be told apart."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path

from qkernels.report.record import OPENVINO_F32, QKERNELS


def peak_rss_mb(engine: str, model_path: str, threads: int) -> float | None:
    """10^6 bytes resident at most while `engine` loads the model and runs once; None if that process fails."""
    done = subprocess.run([sys.executable, "-m", "qkernels.measure.memory", engine, model_path, str(threads)],
                          capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else None


def _run_once(engine: str, model_path: str, threads: int) -> None:
    if engine == QKERNELS:
        from qkernels.engines.native import NativeEngine
        native = NativeEngine(model_path, threads)
        native.run(native.zeros())
        return
    import openvino

    from qkernels.engines.openvino import OpenvinoEngine, float_model
    model = openvino.Core().read_model(model_path)
    OpenvinoEngine(float_model(model) if engine == OPENVINO_F32 else model, threads)


def _peak_bytes() -> int:
    """Of this process. Not ru_maxrss where /proc is: that carries the parent's peak over into a child."""
    status = Path("/proc/self/status")
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.MULTILINE) if status.exists() else None
    if found:
        return int(found.group(1)) * 1024
    # in bytes on macOS and in 1024 bytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    _run_once(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    print(_peak_bytes() / 1e6)
