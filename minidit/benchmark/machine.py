"""What the figures were measured on."""

import os
import platform
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")


def available_cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor():
    """The CPU's name, as far as the system tells."""
    lines = CPU_INFO.read_text(encoding="utf-8").splitlines() if CPU_INFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def our_side():
    """Versions, and the library that computes NumPy's matrix products, with its kernel. To be run where they run."""
    import numpy as np
    from threadpoolctl import threadpool_info

    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    chosen = {name: os.environ[name] for name in ("OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS") if name in os.environ}
    return {
        "processor": processor(),
        "cores": available_cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": [
            {key: library.get(key) for key in ("internal_api", "version", "architecture", "threading_layer")}
            for library in libraries
        ],
        "chosen": chosen,
    }


def pytorch_side():
    """Version of PyTorch, the library of its matrix products and the instructions it uses. To be run where it runs."""
    import torch

    settings = torch.__config__.show()
    blas = settings.partition("BLAS_INFO=")[2].partition(",")[0]
    return {"version": torch.__version__, "blas": blas, "instructions": torch.backends.cpu.get_cpu_capability()}
