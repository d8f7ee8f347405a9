"""Every benchmark, each in a process of its own, into bench/results/; then what was asked and what was measured.

A process of its own, because some engines fix their number of threads or their instruction set for as long as it lives.
Arguments go to every benchmark (`--repeats 5`). With QKERNELS_DATA set, LiteRT runs the quantized MobileNet among that
directory's models, and each of its quantized files is among the models.
"""

import os
import subprocess
import sys
from pathlib import Path

import qkernels
from qkernels.benchmarks.families import MODELS, NETWORK, PEERS_OF
from qkernels.benchmarks.targets import AVX2, file_name

HERE = Path(__file__).parent
RESULTS = HERE / "results"
TFLITE = Path("models", "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite")


def run(family: str, threads: int, *options: str, capped: bool = False) -> None:
    """One script; a failure ends the whole run."""
    json = RESULTS / file_name(family, threads, capped=capped)
    print(f"{family}, {threads} thread{'s' if threads > 1 else ''}{', AVX2' if capped else ''}", flush=True)
    subprocess.run([sys.executable, HERE / f"{family}.py", "--threads", str(threads), "--json", json, *options,
                    *sys.argv[1:]], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, **(AVX2 if capped else {})})


def main() -> None:
    info = qkernels.cpu_info()
    data = os.environ.get("QKERNELS_DATA")
    files: dict[str, tuple[str, ...]] = {}
    if data:
        files[NETWORK] = ("--tflite", str(Path(data) / TFLITE))
        files[MODELS] = tuple(part for path in sorted((Path(data) / "models").glob("*quant*.tflite"))
                              for part in ("--tflite", str(path)))
    for family in PEERS_OF:
        run(family, 1, *files.get(family, ()))
    if info["threads_available"] < 2:
        print("2 threads: left out, this process may use one CPU only")
    else:
        for family in ("quantize", "dequantize", "gemm", "conv", "depthwise", NETWORK, MODELS):
            # a flush empties the caches of one core only
            run(family, 2, "--cache", "warm", *files.get(family, ()))
    if "avx2" in info["supported"]:
        run(NETWORK, 1, "--peers", "openvino", capped=True)
    else:
        print("AVX2: left out, this CPU lacks it")
    subprocess.run([sys.executable, HERE / "targets.py", RESULTS], check=True)


if __name__ == "__main__":
    main()
