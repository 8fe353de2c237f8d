"""Counts what a simulated GPU has to do: launches, copies between host and device, and waits."""

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple


class DeviceSynchronized(RuntimeError):
    """The host would have to wait for the device where it may not. CuPy's name for this error."""


class Launch(NamedTuple):
    """One kernel or library call: its name, the bytes it moves, and the function of this package that asked for it."""

    name: str
    bytes_read: int
    bytes_written: int
    asked_by: str | None


@dataclass
class Transfers:
    """Copies in one direction."""

    count: int = 0
    bytes: int = 0


@dataclass
class Count:
    """Everything that the device did while someone counted."""

    host_to_device: Transfers = field(default_factory=Transfers)
    device_to_host: Transfers = field(default_factory=Transfers)
    hidden_transfers: int = 0  # copies to the device that no line of code asks for explicitly
    synchronisations: int = 0
    launches: list[Launch] = field(default_factory=list)


_counts = []  # of everyone who counts at the moment
_waiting_allowed = True


@contextmanager
def count():
    """Inside, everything is counted. Yields the `Count`, which grows until the end of the block."""
    counted = Count()
    _counts.append(counted)
    try:
        yield counted
    finally:
        _counts[:] = [other for other in _counts if other is not counted]


@contextmanager
def allow_synchronize(allow):
    """Whether the host may wait for the device inside. If not, hidden copies to the device are refused too.

    Raises:
        DeviceSynchronized: inside, where it happens.
    Source: cupyx.allow_synchronize, which refuses the waits only.
    """
    global _waiting_allowed
    before, _waiting_allowed = _waiting_allowed, allow
    try:
        yield
    finally:
        _waiting_allowed = before


def launched(name, reads=(), writes=()):
    """Records a kernel launch, unless there was nothing to do.

    Args:
        reads, writes: its inputs and outputs: NumPy arrays (the device's memory) or numbers of bytes.
    """
    if _counts:
        read, written = bytes_of(reads), bytes_of(writes)
        if not read and not written:
            return
        launch = Launch(name, read, written, asking_function())
        for counted in _counts:
            counted.launches.append(launch)


def synchronised(why):
    """Records that the host waited for the device."""
    if not _waiting_allowed:
        raise DeviceSynchronized(f"Device synchronization was detected while disallowed: {why}.")
    for counted in _counts:
        counted.synchronisations += 1


def copied_to_device(size, hidden=None):
    """Records this many bytes to the device; `hidden` gives the reason, if nobody asked for the copy explicitly."""
    if hidden and not _waiting_allowed:
        raise DeviceSynchronized(f"A hidden copy to the device was detected while disallowed: {hidden}.")
    for counted in _counts:
        counted.host_to_device.count += 1
        counted.host_to_device.bytes += size
        counted.hidden_transfers += bool(hidden)


def copied_to_host(size):
    """Records this many bytes from the device."""
    for counted in _counts:
        counted.device_to_host.count += 1
        counted.device_to_host.bytes += size


def bytes_of(moved):
    """The sum of arrays' bytes and numbers of bytes; an array that occurs twice counts once."""
    arrays = [array for array in moved if not isinstance(array, int)]
    viewed = {(array.ctypes.data, array.shape, array.strides): viewed_bytes(array) for array in arrays}
    return sum(viewed.values()) + sum(size for size in moved if isinstance(size, int))


def viewed_bytes(array):
    """The bytes of memory behind an array; a broadcast axis counts as one element."""
    size = array.itemsize
    for length, stride in zip(array.shape, array.strides, strict=True):
        size *= length if stride or length == 0 else 1
    return size


def asking_function():
    """The innermost running function of this package: "minidit.layers.…".

    In the backend only functions that launch our kernels count; the others only pass calls on.
    """
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("minidit.") and (is_launcher(module) or not module.startswith("minidit.backend")):
            return f"{module}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    return None


def is_launcher(module):
    """Whether a module stands for a kernel, as `minidit.backend.kernels.gelu` does."""
    folder, _, name = module.rpartition(".")
    return folder == "minidit.backend.kernels" and name not in ("launch", "grids")
