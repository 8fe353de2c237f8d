"""A GPU for those who have none: runs CUDA kernels on the CPU, and CuPy's functions with NumPy.

It shows whether GPU code is right, not how fast it is.
"""
