"""How long a training step takes on this machine, found out within seconds, even of a network that is far too large.

A step takes a time for each clip and one for the vectors of parameters, gradients and moments. Steps with few clips
and with twice as many tell the two apart. The first grows as the multiply-accumulates do, the second with the
parameters, so that a network of one block is enough to time.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace

from minidit.benchmark.cases import Case
from minidit.benchmark.ours import FixedBatch, running
from minidit.benchmark.timing import interleave, timed
from minidit.layers.patchify import sizes_of_grid
from minidit.models.cost import multiply_accumulates
from minidit.training.job import VideoTraining

MOST_TIMED = 2e10  # multiply-accumulates of a step that is timed whole: about a second's work on two cores
ROUNDS = 3


@dataclass(frozen=True)
class Pace:
    """How fast a training runs.

    Attributes:
        seconds: of a step.
        estimated: from one block and fewer clips; otherwise the step itself was timed.
    """

    seconds: float
    estimated: bool


def pace_of(workload, processes, threads=1, preset=None):
    """Times steps, or estimates how long they would take.

    Args:
        workload: Workload.
        processes, threads: that share each step, and threads of each.
        preset: Preset whose clips are drawn and encoded; without one, random latents are used again and again.
    Returns:
        Pace.
    """
    if work(workload) <= MOST_TIMED:
        (seconds,) = seconds_of([job_of(workload, preset)], processes, threads)
        return Pace(seconds, estimated=False)

    few, twice = timeable(workload, processes), timeable(workload, processes, times=2)
    one, two = seconds_of([job_of(few, preset), job_of(twice, preset)], processes, threads)
    clip = (two - one) / few.clips(processes)
    vectors = max(0, one - few.clips(processes) * clip)
    clip *= work(workload) / work(few) * few.batch / workload.batch
    vectors *= workload.parameters / few.parameters
    return Pace(workload.clips(processes) * clip + vectors, estimated=True)


def work(workload):
    """Multiply-accumulates of a step."""
    return multiply_accumulates(
        workload.dit, workload.batch, workload.grid, workload.words, recompute=workload.recompute
    )


def timeable(workload, processes, times=1):
    """The same with one block, and so few clips that twice as many can be timed: at least one for each process.

    Args:
        times: multiplies the clips.
    """
    block = replace(workload, dit=replace(workload.dit, depth=1))
    clips = int(MOST_TIMED / 2 * block.batch / work(block)) // processes
    clips = times * min(max(1, clips), workload.clips(processes))
    return replace(block, batch=processes * clips, shards=processes)


def job_of(workload, preset=None):
    """The job (see `minidit.training.job`) of training this network, of a preset's clips or of random latents."""
    if preset is None:
        return fixed_batch(workload)
    settings = replace(preset.model, dit=workload.dit)
    training = replace(
        preset.diffusion_training, batch=workload.batch, shards=workload.shards, recompute=workload.recompute
    )
    return VideoTraining.with_random_codec(settings, training)


def fixed_batch(workload):
    """The job of training a workload's network on random latents."""
    shape = sizes_of_grid(workload.grid, workload.dit.patch)
    case = Case("planned", workload.dit, (*shape, workload.dit.in_channels), workload.batch)
    return FixedBatch(case, workload.shards, workload.recompute)


def seconds_of(jobs, processes, threads):
    """Seconds of a step of each job, which take turns; of the fastest round, as others may need the machine, too."""
    with ExitStack() as stack:
        clocks = {
            index: stack.enter_context(timed(running, job, processes, threads)) for index, job in enumerate(jobs)
        }
        return [times.wall.min().item() for times in interleave(clocks, ROUNDS).values()]
