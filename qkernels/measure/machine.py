"""The machine: processor, caches, and how many threads this process may use."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

import qkernels
from qkernels.report.record import CacheLevel, Interval, Machine

from .roofline import Roofline

_FALLBACK = (CacheLevel(1, 32 << 10), CacheLevel(2, 512 << 10), CacheLevel(3, 16 << 20))


def describe(isa: str, roofline: Roofline, cache_levels: tuple[CacheLevel, ...], kernels: dict[str, str],
             openvino_call_us: Interval | None = None) -> Machine:
    """The machine as results name it; `isa` and `kernels` (by kind of operator) are what the kernels ran on."""
    info = qkernels.cpu_info()
    return Machine(
        cpu=cpu_model(), isa=isa, architecture=platform.machine(),
        operating_system=f"{platform.system()} {platform.release()}", python_version=platform.python_version(),
        cores=os.cpu_count() or 1, threads_available=info["threads_available"], caches=cache_levels,
        peak_gmacs=roofline.peak_gmacs, peak_gmacs_one_thread=roofline.peak_gmacs_one_thread,
        bandwidth_gbs=roofline.bandwidth_gbs, kernel_versions=kernels, features=tuple(info["supported"]),
        openvino_call_overhead_us=openvino_call_us, load_average=load_average())


def cpu_model() -> str:
    """The processor's name as the operating system gives it."""
    try:
        found = re.search(r"^(?:model name|Hardware)\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if found:
            return found.group(1).strip()
    except OSError:
        pass
    if platform.system() == "Darwin":
        asked = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            return asked.stdout.strip()
    return platform.processor() or platform.machine()


def load_average() -> float | None:
    """Runnable processes averaged over the last minute; None where the system does not say."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None


def caches(root: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> tuple[CacheLevel, ...]:
    """Data and unified caches that the first CPU sees, smallest first.

    Where the system tells nothing, sizes of a common server core (32 KiB, 512 KiB, 16 MiB).
    """
    found = {}
    for index in sorted(root.glob("index*")):
        try:
            if (index / "type").read_text().strip() == "Instruction":
                continue
            level = int((index / "level").read_text())
            size, shared_by = (index / "size").read_text(), (index / "shared_cpu_list").read_text()
            found[level] = CacheLevel(level, _bytes(size), _count(shared_by))
        except (OSError, ValueError):
            continue
    return tuple(found[level] for level in sorted(found)) or _FALLBACK


def _bytes(text: str) -> int:
    """'512K' -> 524288"""
    found = re.fullmatch(r"(\d+)([KMG]?)", text.strip())
    if not found:
        raise ValueError(f"cache size: expected a number with K, M or G, got {text!r}")
    return int(found.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30}[found.group(2)]


def _count(cpu_list: str) -> int:
    """'0-3,8' -> 5"""
    total = 0
    for part in cpu_list.strip().split(","):
        first, _, last = part.partition("-")
        total += int(last or first) - int(first) + 1
    return total
