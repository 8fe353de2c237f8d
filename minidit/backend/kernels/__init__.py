"""The hot path in CUDA C: a `.cu` file per operation, and beside it the Python that launches it.

A layer's own lines are the reference, on either device; `launch.on_gpu` puts a kernel in their place on a GPU.
"""
