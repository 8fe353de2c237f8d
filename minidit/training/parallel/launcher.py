"""An MPI launch, without MPI: what the environment says about it, and last words."""

import os
import subprocess
import sys

# (rank, number of ranks), as named by MPICH's Hydra and its kin, and Slurm's pmi2; Open MPI; Slurm's pmix
VARIABLES = (
    ("PMI_RANK", "PMI_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMIX_RANK", "SLURM_NTASKS"),
)
LOCAL_RANKS = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")  # among those on the same machine


def launched():
    """(rank, number of ranks) that mpiexec, mpirun or srun gave this process; None if none of them started it."""
    for rank, count in VARIABLES:
        if rank in os.environ and count in os.environ:
            return int(os.environ[rank]), int(os.environ[count])
    return None


def speaks():
    """Whether this process reports mistakes: one that was started alone, or the first rank on its machine.

    All ranks find most mistakes alike, but a missing package may be missing on one machine only.
    """
    local = next((os.environ[name] for name in LOCAL_RANKS if name in os.environ), None)
    return launched() is None or int(local or launched()[0]) == 0


class Watch:
    """A small process that says something on standard error if this one is killed; a context.

    As soon as one rank has died, MPI launchers kill the others, and leave them no time to say why.

    Args:
        words: what to say; None: nothing is watched.
    """

    CODE = "import sys; sys.stdin.read() or print(sys.argv[1], file=sys.stderr)"

    def __init__(self, words):
        self.process = None
        if words:
            command = [sys.executable, "-ISc", self.CODE, words]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Ends the watch without a word."""
        if self.process:
            self.process.communicate(b"all is well")
            self.process = None
