import time

import numpy as np
import pytest

import minidit.backend.simulated.cupy as xp


def test_the_device_introduces_itself():
    assert xp.cuda.runtime.getDeviceCount() == 1
    properties = xp.cuda.runtime.getDeviceProperties(xp.cuda.Device().id)
    assert isinstance(properties["name"], bytes)
    assert f"{properties['major']}{properties['minor']}" == xp.cuda.Device(0).use().compute_capability
    assert xp.cuda.runtime.runtimeGetVersion() // 1000 == xp.cuda.runtime.driverGetVersion() // 1000 == 13
    free, total = xp.cuda.Device().mem_info
    assert 0 < free <= total == properties["totalGlobalMem"]
    with pytest.raises(xp.cuda.runtime.CUDARuntimeError):
        xp.cuda.Device(1)


def test_events_tell_the_milliseconds_between_them():
    first, second = xp.cuda.Event(), xp.cuda.Event()
    begin = time.perf_counter()
    first.record()
    second.record()
    second.synchronize()
    assert 0 <= xp.cuda.get_elapsed_time(first, second) <= 1000 * (time.perf_counter() - begin)
    with pytest.raises(xp.cuda.runtime.CUDARuntimeError):
        xp.cuda.get_elapsed_time(first, xp.cuda.Event())


def test_its_arrays_lead_to_the_module(x):
    assert type(x).__module__ == xp.__name__ == "minidit.backend.simulated.cupy"
    assert xp.get_array_module(x) is xp
    assert xp.get_array_module(np.zeros(3)) is np
    assert x.device == xp.cuda.Device(0)
