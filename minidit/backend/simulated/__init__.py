"""A GPU for those who have none: CUDA kernels run on the CPU, and CuPy's functions by NumPy.

It shows whether GPU code is right, not how fast it is.
"""
