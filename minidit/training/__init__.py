"""Training: what a step computes, the loop over steps, and a whole run with its files.

Read first: job.py (the loss and its gradients), steps.py (one step, and the loop over steps), trainer.py (a run).

    learn       settings.py, buckets.py and known_parts.py (batches), job.py (loss), optimizer.py (AdamW, EMA), steps.py
    share       parallel/: processes of one machine, MPI ranks of several
    keep        state.py (what a step changes, saved and loaded), trainer.py (a run in a folder), interrupts.py
                (Ctrl-C), warm_start.py (begin with another model's weights), preview.py (pictures on the way)
    other runs  codec.py (comes first), distillation.py (few sampling steps), short.py (experiments)
    plan        budget.py and free_memory.py: does it fit?
"""
