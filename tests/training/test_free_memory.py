import os
import sys

import numpy as np
import pytest

from minidit.training.free_memory import free_bytes, peak_bytes, resident_bytes

GIB = 2**30


@pytest.fixture
def machine(tmp_path):
    """Writes files of a pretended machine with 8 GiB available, and returns where it is."""

    def write(**files):
        files = {"proc/meminfo": f"MemTotal: 99 kB\nMemAvailable:    {8 * GIB // 1024} kB\n"} | files
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return write


def test_without_a_group_all_that_is_available_is_free(machine):
    assert free_bytes(machine()) == 8 * GIB


def test_a_group_of_version_2_with_a_limit_leaves_what_is_below_it(machine):
    root = machine(**{
        "proc/self/cgroup": "0::/batch/job\n",
        "sys/fs/cgroup/batch/job/memory.max": f"{3 * GIB}\n",
        "sys/fs/cgroup/batch/job/memory.current": f"{2 * GIB}\n",
        "sys/fs/cgroup/batch/job/memory.stat": f"anon {GIB}\ninactive_file {GIB // 2}\n",
    })  # fmt: skip
    assert free_bytes(root) == 1.5 * GIB


def test_a_limit_of_a_group_around_it_counts_as_well(machine):
    root = machine(**{
        "proc/self/cgroup": "0::/batch/job\n",
        "sys/fs/cgroup/batch/job/memory.max": "max\n",
        "sys/fs/cgroup/batch/memory.max": f"{4 * GIB}\n",
        "sys/fs/cgroup/batch/memory.current": f"{GIB}\n",
        "sys/fs/cgroup/batch/memory.stat": "inactive_file 0\n",
    })  # fmt: skip
    assert free_bytes(root) == 3 * GIB


def test_in_a_container_the_group_is_found_at_the_top(machine):
    root = machine(**{
        "proc/self/cgroup": "0::/../outside\n",
        "sys/fs/cgroup/memory.max": f"{2 * GIB}\n",
        "sys/fs/cgroup/memory.current": f"{3 * GIB}\n",
        "sys/fs/cgroup/memory.stat": "inactive_file 0\n",
    })  # fmt: skip
    assert free_bytes(root) == 0  # the limit was lowered below what is used


def test_a_group_of_version_1_with_a_limit_leaves_what_is_below_it(machine):
    root = machine(**{
        "proc/self/cgroup": "3:cpu,cpuacct:/a\n2:hugetlb,memory:/a\n1:name=systemd:/a\n",
        "sys/fs/cgroup/memory/a/memory.limit_in_bytes": f"{5 * GIB}\n",
        "sys/fs/cgroup/memory/a/memory.usage_in_bytes": f"{GIB}\n",
        "sys/fs/cgroup/memory/a/memory.stat": "inactive_file 7\ntotal_inactive_file 0\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "0\n",
        "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 0\n",
    })  # fmt: skip
    assert free_bytes(root) == 4 * GIB


def test_where_the_system_says_nothing_it_is_unknown(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sysconf_names", raising=False)
    assert free_bytes(tmp_path) is None


def test_this_machine_has_some_or_does_not_say():
    free = free_bytes()
    assert free is None or 2**20 < free < 2**50


def grown_by_an_array():
    """How much larger the process is with an array of 512 MB, more than any process keeps for later."""
    before = resident_bytes()
    array = np.ones(2**26)
    return resident_bytes() - before if array.all() else None


def test_an_array_that_is_written_to_becomes_resident():
    assert sys.platform != "linux" or grown_by_an_array() > 0.9 * 8 * 2**26


def test_where_the_system_says_nothing_a_process_has_a_usual_size(tmp_path):
    assert 2**24 < resident_bytes(tmp_path, own=True) < resident_bytes(tmp_path) < 2**28


def test_the_libraries_code_is_not_a_process_s_own():
    assert resident_bytes(own=True) < resident_bytes()


def test_the_peak_is_at_least_what_there_is_now():
    slack = 1e6  # the system counts the two at slightly different moments
    assert peak_bytes() + slack > resident_bytes() > 10e6
