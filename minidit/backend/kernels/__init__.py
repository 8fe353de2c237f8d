"""The hot path in CUDA C: a `.cu` file per operation, and beside it the Python that launches it.

A layer's own lines are the reference, on either device; on a GPU, `launch.on_gpu` replaces them by a kernel.
"""
