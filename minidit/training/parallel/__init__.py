"""Who shares a training step: processes of one machine, or MPI ranks."""
