"""How much memory is free, in the machine and in its control group (a container, a batch job); how much is used."""

import os
import sys
from pathlib import Path

USUAL, USUAL_OWN = 40 * 10**6, 20 * 10**6  # bytes of a process with NumPy, where the system doesn't say: all, its own


def free_bytes(root="/"):
    """Bytes that new processes can have without swapping, or None where the system doesn't say.

    Args:
        root: where /proc and /sys are.
    """
    root = Path(root)
    limits = [found for found in (available_in_machine(root), *available_in_groups(root)) if found is not None]
    return max(0, min(limits)) if limits else None


def available_in_machine(root):
    """Bytes that Linux says are available, elsewhere all that the machine has; None if that is unknown, too."""
    file = root / "proc/meminfo"
    if file.exists():
        fields = dict(line.split(":", 1) for line in file.read_text().splitlines())
        return 1024 * int(fields["MemAvailable"].split()[0])
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def available_in_groups(root):
    """For each control group with a limit that this process is in: bytes up to the limit.

    What the group holds of files counts as free, where it hasn't been used lately: it makes room when it has to.
    Source: the kernel's cgroup-v1/memory and cgroup-v2 documents.
    """
    file = root / "proc/self/cgroup"
    lines = file.read_text().splitlines() if file.exists() else []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mount, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            mount = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        group = mount / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(mount) and (folder / names[0]).exists():
                yield left_in_group(folder, *names)


def left_in_group(folder, limit, usage, reclaimable):
    """Bytes up to the limit of a control group, None if it has none."""
    limit = (folder / limit).read_text().strip()
    if limit == "max":
        return None
    statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    return int(limit) - int((folder / usage).read_text()) + int(statistics[reclaimable])


def resident_bytes(root="/", own=False):
    """Bytes of memory that this process has now, or a usual number where the system doesn't say.

    Args:
        root: where /proc is.
        own: without the libraries' code, of which all processes have one copy.
    """
    return from_status("RssAnon" if own else "VmRSS", root) or (USUAL_OWN if own else USUAL)


def peak_bytes():
    """The most memory that this process has had."""
    # Not from getrusage where it can be helped: there, a process starts with the peak of the one that started it.
    if peak := from_status("VmHWM"):
        return peak
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def from_status(field, root="/"):
    """Bytes that Linux notes about this process under this name, None elsewhere."""
    file = Path(root) / "proc/self/status"
    if not file.exists():
        return None
    fields = dict(line.split(":", 1) for line in file.read_text().splitlines())
    return 1024 * int(fields[field].split()[0])
