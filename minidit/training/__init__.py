"""Training: optimiser, batches, steps, processes, checkpoints, evaluation."""
