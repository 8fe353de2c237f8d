"""Training on several machines: MPI ranks, each with the whole state in its own memory, sum their gradients.

`mpiexec -n 4 minidit train …` starts four processes that differ only in their rank. Rank 0 leads: it does what the only
process of a run does otherwise, and tells the others what to do. A step needs one Allreduce, over one vector that holds
all gradients and, at its end, the loss. Every rank then has the same sums and makes the same update to the same
parameters, so that nothing else needs to be sent.

The Allreduce waits for the whole backward pass. Sending the gradients of late layers while earlier ones are being
computed doesn't help: MPICH moves data only during its own calls, and a non-blocking Allreduce next to matrix products
took as long as one after them, or longer. `mpiexec -n 2 minidit bench --mpi` measures its share of a step.
"""

import os
import signal
import sys
import traceback
import warnings
import zlib
from contextlib import contextmanager, suppress
from time import perf_counter, sleep

import numpy as np

from minidit.errors import UserError
from minidit.models.parameters import Parameters
from minidit.training.parallel.launcher import Watch, launched
from minidit.training.state import TrainingState
from minidit.training.steps import Member, Stopped, check_shares, size_of

NAP = 0.001  # seconds between two looks for an order
LAST_WORDS_TAKE = 1.0  # seconds that the launcher is given to pass on why a rank failed, before it ends them all


def lead_or_follow(work, last_words=None):
    """Does `work(ranks)` on rank 0, while the other ranks do what it tells them through that `Ranks`.

    Every rank is one process with one thread: the launcher starts one per core.

    Args:
        work: function of `Ranks`.
        last_words: what to say on standard error if rank 0 doesn't live to the end.
    Returns:
        what `work` returns; None on the other ranks.
    Raises:
        UserError: mpi4py is missing, or belongs to another MPI than the launcher; or `work` raised it.
    """
    from threadpoolctl import threadpool_limits

    rank, count = launched()
    with Watch(last_words if rank == 0 else None) as watch, threadpool_limits(1):
        ranks = Ranks(world(count), watch)
        if rank > 0:
            return ranks.follow()
        try:
            return work(ranks)
        finally:
            ranks.dismiss()


def world(count):
    """mpi4py's communicator of all ranks; the launcher says that there are `count`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of a foreign launcher, which is said below
            from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # a RuntimeError: mpi4py is there, but no MPI library
        raise UserError(
            f"mpiexec started this, but Python has no MPI to use ({error}). Start minidit without mpiexec, or install "
            'one: pip install "minidit[mpi]" (in a clone: pip install -e ".[mpi]").'
        ) from error
    if MPI.COMM_WORLD.size != count:
        raise UserError(
            f"mpiexec started {count} processes, but each finds itself alone: mpi4py uses another MPI ({library()}). "
            f"Start them with that one's mpiexec; pip puts it beside {sys.executable}."
        )
    return MPI.COMM_WORLD


def library():
    """Name and version of the MPI library that mpi4py uses."""
    from mpi4py import MPI

    return " ".join(MPI.Get_library_version().splitlines()[0].split())


class Ranks:
    """All ranks of a launch. Rank 0 forms teams of them; the others follow its orders.

    Args:
        comm: mpi4py's communicator of all ranks.
        watch: Watch, to be ended once a failure has been explained.
    """

    def __init__(self, comm, watch):
        from mpi4py import MPI

        self.comm, self.watch, self.count = comm, watch, comm.size
        self.members, self.teams = {}, 0
        neighbours = comm.Split_type(MPI.COMM_TYPE_SHARED)
        self.on_one_machine = neighbours.size == comm.size
        neighbours.Free()

    def team(self, job, count=None):
        """The first `count` ranks (by default all) as a RankTeam; for rank 0."""
        self.teams += 1
        return RankTeam(self, self.teams, job, count or self.count)

    def tell(self, count, *order):
        """Gives the first `count` ranks an order, this one included. Returns its result; for rank 0."""
        with self.or_end_all():
            for rank in range(1, count):
                self.comm.send(order, rank)
            return self.obey(*order)

    def dismiss(self):
        """Lets the other ranks end; for rank 0."""
        for rank in range(1, self.count):
            self.comm.send(None, rank)

    def follow(self):
        """What the other ranks do: each follows orders until it is dismissed."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every rank, and rank 0 answers it
        while True:
            while not self.comm.iprobe(0):  # a blocking receive would keep a core busy with waiting
                sleep(NAP)
            order = self.comm.recv(source=0)
            if order is None:
                return
            with suppress(Stopped), self.or_end_all():  # rank 0 reports what has stopped all of them
                self.obey(*order)

    def obey(self, team, action, *arguments):
        """Carries out an order to the member of a team that this rank is."""
        if action == "join":
            self.members[team] = RankMember(self.comm, *arguments)
        elif action == "leave":
            self.members.pop(team).leave()
        else:
            return getattr(self.members[team], action)(*arguments)

    @contextmanager
    def or_end_all(self):
        """If this rank alone fails inside, says so and ends all ranks: they would wait for it for ever.

        Raises:
            Stopped: it failed on all of them.
        """
        try:
            yield
        except Stopped:
            raise
        except BaseException as error:
            self.watch.end()
            reason = f"rank {self.comm.rank} failed.\n{traceback.format_exc()}"
            status = 1
            if isinstance(error, UserError):
                reason, status = f"{error}\n", 2
            elif isinstance(error, KeyboardInterrupt):
                reason, status = "stopped.\n", 130
            print(f"minidit: {reason}", end="", file=sys.stderr, flush=True)
            with suppress(KeyboardInterrupt):  # a second one
                sleep(LAST_WORDS_TAKE)
            self.comm.Abort(status)
            os._exit(status)  # should Abort come back, which it may


class RankTeam:
    """MPI ranks that do a job together, for rank 0: what `minidit.training.parallel.workers.Team` is for processes.

    Args:
        ranks: Ranks.
        number: of this team.
        job: what is computed, see `minidit.training.job`.
        count: how many ranks, at most one per shard.
    Raises:
        UserError: there are more ranks than shards.
    """

    def __init__(self, ranks, number, job, count):
        check_shares(count, job.training)
        self.ranks, self.number, self.job, self.count = ranks, number, job, count

    def __enter__(self):
        self.tell("join", self.job, self.count)
        self.member = self.ranks.members[self.number]
        return self

    def __exit__(self, *_):
        self.tell("leave")

    def tell(self, *order):
        """Gives all members an order, this one included. Returns its result."""
        return self.ranks.tell(self.count, self.number, *order)

    def load(self, state):
        """Copies the vectors of a TrainingState to all ranks."""
        self.member.state.copy_vectors(state)
        self.tell("receive_state")

    def store(self, state):
        """Copies the vectors into a TrainingState."""
        state.copy_vectors(self.member.state)

    def run(self, first, last):
        """Does steps first … last - 1. Returns their losses and gradient norms.

        Raises:
            Stopped: the run diverged.
        """
        return self.tell("run", first, last)


class RankMember(Member):
    """One rank's part in a team, with the whole state in its own memory.

    Args:
        comm: the communicator of all ranks.
        job: what is computed.
        count: the team consists of the first `count` ranks.
    """

    def __init__(self, comm, job, count):
        self.comm = comm.Create_group(comm.group.Incl(range(count)))
        super().__init__(job, TrainingState.zeros(size_of(job.shapes)), MPIGroup(job.shapes, self.comm))

    def receive_state(self):
        """Copies the state of rank 0 to every member."""
        for vector in self.state.vectors.values():
            self.comm.Bcast(vector)

    def run(self, first, last):
        """Does steps first … last - 1, and makes sure that the ranks agree. Returns losses and gradient norms.

        Raises:
            Stopped: the run diverged, or the ranks' parameters differ.
        """
        answer = super().run(first, last)
        if len(set(self.comm.allgather(zlib.crc32(self.state.params)))) > 1:
            raise Stopped(
                f"before step {last}, the ranks no longer had the same parameters: these machines compute differently. "
                "Give them the same processors, Python and NumPy; the last checkpoint is whole: continue from it "
                "with --resume."
            )
        return answer

    def time_sums(self, count):
        """Seconds (count,) of an Allreduce that all ranks begin at the same time; for the benchmark."""
        seconds = []
        for _ in range(count):
            self.comm.Barrier()
            begin = perf_counter()
            self.group.all_reduce(0.0)
            seconds.append(perf_counter() - begin)
        return seconds

    def leave(self):
        """Frees the communicator."""
        self.comm.Free()


class MPIGroup:
    """The group of MPI ranks: each gets the sum of all gradients, and updates all of its own parameters.

    Args:
        shapes: name -> shape of each parameter.
        comm: mpi4py's communicator of the ranks.
        xp: numpy; or cupy, to sum gradients on GPUs.
    """

    part = slice(None)

    def __init__(self, shapes, comm, xp=np):
        self.rank, self.ranks, self.comm, self.xp = comm.rank, comm.size, comm, xp
        self.buffer = xp.zeros(size_of(shapes) + 1, np.float32)  # the gradients, and the loss
        self.grads = Parameters(shapes, buffer=self.buffer[:-1])
        self.direct = xp is np or understands_gpu_memory()
        self.seconds = 0.0  # spent on summing, and on waiting for slower ranks
        if xp is not np and self.rank == 0:
            way = "straight from the GPUs' memory" if self.direct else "through the hosts' memory (MPI without CUDA)"
            print(f"minidit: gradients go between the ranks {way}.", file=sys.stderr)

    def all_reduce(self, loss):
        """Gradients (n,), loss, and squared norm of the gradient."""
        self.buffer[-1] = loss
        begin = perf_counter()
        sum_over_ranks(self.comm, self.buffer, self.direct)
        self.seconds += perf_counter() - begin
        total = self.grads.flat
        return total, float(self.buffer[-1]), float(self.xp.vdot(total, total))

    def wait(self):
        """Returns at once: nobody sees this rank's parameters."""


def sum_over_ranks(comm, vector, direct):
    """Replaces a vector by its sum over all ranks, in place.

    This is the one place where MPI meets a GPU's memory. No command runs on a GPU yet, and the direct way has not
    been tried on one.

    Args:
        comm: mpi4py's communicator.
        vector: (n,) of NumPy's or CuPy's.
        direct: hand MPI the vector as it is, instead of a copy in the host's memory.
    """
    from mpi4py import MPI

    if isinstance(vector, np.ndarray):
        comm.Allreduce(MPI.IN_PLACE, vector)
    elif direct:
        vector.device.synchronize()  # MPI doesn't know what the GPU is still busy with
        comm.Allreduce(MPI.IN_PLACE, vector)
    else:
        host = vector.get()
        comm.Allreduce(MPI.IN_PLACE, host)
        vector.set(host)


def understands_gpu_memory():
    """Whether the MPI library accepts addresses in a GPU's memory ("is CUDA-aware").

    Source: MPIX_Query_cuda_support, an extension that MPICH and Open MPI have.
    """
    import ctypes

    from mpi4py import MPI

    query = getattr(ctypes.CDLL(MPI.__file__), "MPIX_Query_cuda_support", None)  # of the library that it has loaded
    return bool(query and query())
