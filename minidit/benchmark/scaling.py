"""How training scales over MPI ranks: `mpiexec -n N minidit bench --mpi`, and what to expect of more machines.

One rank and all N take turns at the same training. *Strong* scaling shares a batch that stays the same, *weak*
scaling gives every rank the clips of the one rank.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np

from minidit.benchmark.machine import our_side
from minidit.benchmark.ours import starting_state
from minidit.benchmark.report import blas, milliseconds, table
from minidit.errors import UserError
from minidit.presets import PRESETS
from minidit.training.job import VideoTraining
from minidit.training.parallel.launcher import launched

ROUND_SECONDS = 0.5  # what a contender's round takes at least
WARM_UP = 5  # steps before anything is timed
SUMS = 100  # Allreduces that are timed by themselves
MACHINES = (2, 4, 8, 16, 32)

# name -> (bytes per second, seconds that a message takes to arrive), as such networks usually have them
NETWORKS = {
    "1 Gbit/s Ethernet": (0.117e9, 50e-6),
    "10 Gbit/s Ethernet": (1.17e9, 25e-6),
    "100 Gbit/s InfiniBand": (12e9, 2e-6),
}


def run(presets=("quick", "sky"), rounds=11):
    """Measures, on all ranks of a launch: each of them has to call this.

    Args:
        presets: names of what is trained.
        rounds: that one rank and all take turns.
    Returns:
        Markdown; nothing on other ranks than 0.
    Raises:
        UserError: mpiexec didn't start this, or only one rank.
    """
    if not launched() or launched()[1] < 2:
        raise UserError("scaling is measured with at least two ranks: mpiexec -n 2 minidit bench --mpi")
    from minidit.training.parallel.mpi import lead_or_follow

    return lead_or_follow(partial(measure, presets=presets, rounds=rounds)) or ""


def measure(ranks, presets, rounds):
    """All measurements as Markdown, on rank 0."""
    results = [scaling(ranks, name, rounds) for name in presets]
    return report(ranks.count, results)


@dataclass(frozen=True)
class Scaling:
    """What was measured of a preset.

    Attributes:
        name: of the preset.
        clips: of a batch: of the one rank, and of all in strong scaling. In weak scaling, of each.
        one, strong, weak: seconds of a step, (rounds,) each.
        adding, waiting: seconds of a step of strong scaling in the Allreduce: by itself, and with waiting for others.
        size: bytes that each rank contributes to the Allreduce.
    """

    name: str
    clips: int
    one: np.ndarray
    strong: np.ndarray
    weak: np.ndarray
    adding: float
    waiting: float
    size: int


def scaling(ranks, name, rounds):
    """Lets one rank and all of them train a preset in turns: a Scaling."""
    training = PRESETS[name].diffusion_training
    clips, shards = training.batch // training.shards, -(-training.shards // ranks.count) * ranks.count  # to be even
    with ExitStack() as stack:
        enter = stack.enter_context
        one = enter(trained(ranks, name, 1, clips, shards))
        strong = enter(trained(ranks, name, ranks.count, clips, shards))
        weak = enter(trained(ranks, name, ranks.count, clips, ranks.count * shards))
        steps = max(1, round(ROUND_SECONDS / seconds(one, WARM_UP)))
        for team in (strong, weak):
            seconds(team, WARM_UP)
        before = strong.member.group.seconds
        times = np.array([[seconds(team, steps) for team in (one, strong, weak)] for _ in range(rounds)])
        waiting = (strong.member.group.seconds - before) / (rounds * steps)
        adding = float(np.median(strong.tell("time_sums", SUMS)))
        size = strong.member.group.buffer.nbytes
    return Scaling(name, shards * clips, *times.T, adding, waiting, size)


def trained(ranks, name, count, clips, shards):
    """A team of the first `count` ranks that trains a preset with this many shards, from random parameters."""
    preset = PRESETS[name]
    training = replace(preset.diffusion_training, steps=10**6, batch=clips * shards, shards=shards)
    return ranks.team(VideoTraining.with_random_codec(preset.model, training), count)


def seconds(team, steps):
    """Seconds per step, over this many steps from the start."""
    team.load(starting_state(len(team.member.state.params)))
    begin = perf_counter()
    team.run(0, steps)
    return (perf_counter() - begin) / steps


def report(count, results):
    """What was measured and what follows, as Markdown."""
    from minidit.training.parallel.mpi import library

    ours = our_side()
    machine = f"{ours['processor']}, {ours['cores']} cores; {library()}; {', '.join(map(blas, ours['blas']))}"
    parts = [f"### Training on {count} MPI ranks", machine, measured(count, results)]
    parts += ["### More machines: a projection, not a measurement", projection(count, results)]
    return "\n\n".join(parts) + "\n"


def measured(count, results):
    """Times of a step, efficiencies, and the share of the Allreduce, preset by preset."""
    strong = [f"{count} ranks, same batch", "efficiency"]
    weak = [f"{count} ranks, {count} times the batch", "efficiency"]
    header = ["milliseconds a step", "clips", "1 rank", *strong, *weak]
    rows = [
        [
            result.name,
            str(result.clips),
            milliseconds(result.one),
            milliseconds(result.strong),
            percent(np.median(result.one / (count * result.strong))),
            milliseconds(result.weak),
            percent(np.median(result.one / result.weak)),
        ]
        for result in results
    ]
    header_of_sums = ["one Allreduce a step, same batch", "bytes", "milliseconds", "share", "share with waiting"]
    sums = [
        [
            result.name,
            f"{result.size:,}",
            f"{1000 * result.adding:.2f}",
            percent(result.adding / np.median(result.strong)),
            percent(result.waiting / np.mean(result.strong)),
        ]
        for result in results
    ]
    return (
        f"{table(header, rows)}\n\nMedians, with quartiles in brackets, of rounds in which they took turns.\n\n"
        f"{table(header_of_sums, sums)}\n\nBy itself, and with the wait for the slower rank."
    )


def projection(count, results):
    """Efficiency on more machines like this one, from bytes, bandwidth and latency."""
    header = ["efficiency", "between the machines", *(f"{machines} machines" for machines in MACHINES)]
    rows = []
    for result in results:
        here = float(np.median(result.weak))
        for network, (bandwidth, latency) in NETWORKS.items():
            added = [ring_seconds(machines, result.size, bandwidth, latency) for machines in MACHINES]
            rows.append([result.name, network, *(percent(here / (here + between)) for between in added)])
    networks = "; ".join(
        f"{name} {bandwidth / 1e6:,.0f} MB/s and {1e6 * latency:.0f} µs"
        for name, (bandwidth, latency) in NETWORKS.items()
    )
    return (
        f"{table(header, rows)}\n\nEach machine has {count} ranks and its own batch, as in the last columns above. "
        "Its time is taken as it was measured there. Between M machines comes a ring Allreduce of B bytes, which takes "
        f"2 (M - 1) / M · B / bandwidth + 2 (M - 1) · latency. Assumed: {networks}. "
        "Nothing overlaps, and all machines are as fast as this one."
    )


def ring_seconds(machines, size, bandwidth, latency):
    """Seconds that a ring Allreduce of `size` bytes takes between the machines.

    Each sends its neighbour 2 (M - 1) messages of size / M bytes, one after the other.
    Source: Patarasu & Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of workstations", section 4.
    """
    return 2 * (machines - 1) * (size / machines / bandwidth + latency)


def percent(share):
    """A share in words."""
    return f"{100 * share:.{0 if share > 0.0995 else 1}f} %"
