"""qkernels info: what this machine is and can do."""

from __future__ import annotations

import dataclasses
import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def info(as_json: bool) -> None:
    """CPU, instruction sets built, supported and in use, measured peak and bandwidth on one thread."""
    import qkernels
    from qkernels import _native
    from qkernels.measure import machine
    from qkernels.measure.roofline import measure_roofline

    caches = machine.caches()
    roofline = measure_roofline(_native, caches, threads=1)
    found = {"version": qkernels.__version__, "cpu": machine.cpu_model(), **qkernels.cpu_info(),
             "caches": [dataclasses.asdict(cache) for cache in caches], "peak_gmacs": roofline.peak_gmacs,
             "bandwidth_gbs": roofline.bandwidth_gbs}
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"qkernels {found['version']} on {found['cpu']}")
    click.echo(f"instruction sets: built {', '.join(found['built'])}; supported {', '.join(found['supported'])}; "
               f"in use {found['isa']}")
    click.echo(f"threads: {found['threads']} in use, by {found['threads_from']}; {found['threads_available']} available "
               f"(affinity {found['cpus_allowed']}, cgroup quota {found['cpu_quota'] or 'none'})")
    click.echo(f"peak: {roofline.peak_gmacs:.1f} GMAC/s, one thread")
    for level, bandwidth in roofline.bandwidth_gbs.items():
        click.echo(f"reads from {level}: {bandwidth:.1f} GB/s, one thread")
