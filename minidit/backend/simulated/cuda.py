"""The parts of `cupy.cuda` that minidit uses: what the device is, waiting for it, the time between two events."""

import time
from types import SimpleNamespace

from minidit.backend.simulated import counting
from minidit.backend.simulated.memory import pool

TOTAL_MEMORY = 80 * 2**30  # bytes


class CUDARuntimeError(RuntimeError):
    """An error of the CUDA runtime."""


class Device:
    """The only device, number 0."""

    def __init__(self, device=0):
        if device != 0:
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        self.id = 0

    compute_capability = "90"

    @property
    def mem_info(self):
        """Bytes that are free, and bytes in all."""
        return TOTAL_MEMORY - pool.total_bytes(), TOTAL_MEMORY

    def use(self):
        return self

    def synchronize(self):
        counting.synchronised("Device.synchronize()")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __int__(self):
        return self.id

    def __eq__(self, other):
        return isinstance(other, Device)

    def __hash__(self):
        return self.id

    def __repr__(self):
        return "<CUDA Device 0>"


class Stream:
    """A queue of work; here all work is done at once."""

    def __init__(self, null=False, non_blocking=False, ptds=False):
        self.ptr = 0

    def synchronize(self):
        counting.synchronised("Stream.synchronize()")

    def record(self, event=None):
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event):
        pass

    def use(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


Stream.null = Stream(null=True)


class Event:
    """A mark in a stream, here the time at which it was recorded."""

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.seconds = None

    def record(self, stream=None):
        self.seconds = time.perf_counter()

    def synchronize(self):
        counting.synchronised("Event.synchronize()")


def get_elapsed_time(start_event, end_event):
    """Milliseconds between two events that were recorded."""
    if start_event.seconds is None or end_event.seconds is None:
        raise CUDARuntimeError("cudaErrorInvalidResourceHandle: invalid resource handle")
    return (end_event.seconds - start_event.seconds) * 1000


def get_current_stream():
    """The stream that kernels are launched on: always the default one."""
    return Stream.null


def _properties(device):
    Device(device)
    return {
        "name": b"simulated on the CPU",
        "major": 9,
        "minor": 0,
        "multiProcessorCount": 132,
        "totalGlobalMem": TOTAL_MEMORY,
        "sharedMemPerBlock": 48 * 2**10,
        "warpSize": 32,
        "maxThreadsPerBlock": 1024,
    }


runtime = SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDeviceCount=lambda: 1,
    getDevice=lambda: 0,
    getDeviceProperties=_properties,
    runtimeGetVersion=lambda: 13020,
    driverGetVersion=lambda: 13020,
    deviceSynchronize=lambda: counting.synchronised("runtime.deviceSynchronize()"),
)
