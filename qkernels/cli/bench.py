"""qkernels bench: microbenchmarks against the installed peers."""

from __future__ import annotations

from pathlib import Path

import click

from qkernels.benchmarks.caches import COLD_L2, STATES, WARM
from qkernels.benchmarks.families import MODELS, NETWORK, PEERS_OF

from . import interrupts, options


@click.command()
@click.argument("family", type=click.Choice(list(PEERS_OF)))
@click.option("--peers", metavar="NAME,...", help="Only these; default: all that are installed.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write the results there.")
@options.threads
@options.isa
@click.option("--repeats", type=click.IntRange(2), default=21, show_default=True, help="Rounds of every side in turn.")
@click.option("--cache", "states", type=click.Choice(STATES), multiple=True, default=(WARM, COLD_L2), show_default=True,
              help="State of the caches before each run; sweeps are measured warm alone.")
@click.option("--tflite", type=click.Path(exists=True, dir_okay=False, path_type=Path), multiple=True,
              help="A quantized TFLite file: any number for models, a MobileNet V1 1.0/224 for LiteRT beside the network.")
def bench(family: str, peers: str | None, json_path: Path | None, threads: int, isa: str | None, repeats: int,
          states: tuple[str, ...], tflite: tuple[Path, ...]) -> None:
    """FAMILY of kernels, or whole models, against the peers that are installed.

    Ctrl-C ends the measurement; the rows complete by then are printed, and written beside --json as NAME.partial.json.
    """
    from rich.console import Console

    from qkernels.benchmarks.job import Job, run_job
    from qkernels.benchmarks.record import write_results
    from qkernels.benchmarks.table import print_results

    interrupts.check()
    options.use(isa)
    chosen = None if peers is None else peers.split(",")
    if unknown := set(chosen or ()) - set(PEERS_OF[family]):
        raise click.BadParameter(f"{family} has {', '.join(PEERS_OF[family])}; got {', '.join(map(repr, sorted(unknown)))}",
                                 param_hint="--peers")
    if tflite and family not in (NETWORK, MODELS):
        raise click.BadParameter(f"goes with the families {NETWORK} and {MODELS}, got {family}", param_hint="--tflite")
    if len(tflite) > 1 and family == NETWORK:
        raise click.BadParameter(f"the family {NETWORK} takes one file, got {len(tflite)}", param_hint="--tflite")
    stderr = Console(stderr=True)
    job = Job(family, threads, repeats, states, chosen, tflite)
    with stderr.status("") as status:
        results = run_job(job, status.update)
    if json_path and results.interrupted:         # never over whole results
        json_path = json_path.with_name(f"{json_path.stem}.partial{json_path.suffix}")
    if json_path:
        write_results(results, json_path)
    console = Console()
    # a pipe has no width of its own: room for the whole table
    print_results(results, console if console.is_terminal else Console(width=200))
    if results.interrupted:
        raise click.Abort(f"{len(results.rows)} rows were measured{f', in {json_path}' if json_path else ''}")
