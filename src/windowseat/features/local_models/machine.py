"""What this machine lets us use: memory and cores, containers' limits included.

It reads the system when asked and keeps nothing. It does not say how much is free just now:
plans must not change with the weather.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
CPUS = Path("/sys/devices/system/cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """`memory` in bytes. `cores` that do arithmetic at full speed, None where the system does not tell."""

    memory: int
    cores: int | None


def read_machine() -> Machine:
    """The limits of the process that asks."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if sys.platform != "linux":
        return Machine(memory=memory, cores=None)
    folders = control_groups()
    memory = min([memory, *memory_limits(folders)])
    cores = min([physical_cores(), *cpu_quotas(folders)])
    return Machine(memory=memory, cores=max(cores, 1))


def control_groups() -> list[Path]:
    """The folders of our control group and its parents (cgroup version 2), innermost first."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    inner = next((line[len("0::/") :] for line in lines if line.startswith("0::/")), None)
    if inner is None:
        return []
    folder = CGROUPS / inner
    return [folder, *(parent for parent in folder.parents if parent.is_relative_to(CGROUPS))]


def memory_limits(folders: list[Path]) -> list[int]:
    """Limits in bytes that the control groups set; a group without one says "max"."""
    limits = [read_words(folder / "memory.max") for folder in folders]
    return [int(words[0]) for words in limits if words and words[0].isdigit()]


def cpu_quotas(folders: list[Path]) -> list[int]:
    """Whole cores that the control groups allow: quota per period, rounded up."""
    quotas = [read_words(folder / "cpu.max") for folder in folders]
    return [-(-int(words[0]) // int(words[1])) for words in quotas if len(words) == 2 and words[0].isdigit()]


def physical_cores() -> int:
    """Cores that we may run on, hyper-threads counted once: a second thread on one core slows a model."""
    allowed = os.sched_getaffinity(0)
    siblings = {
        tuple(read_words(CPUS / f"cpu{cpu}/topology/thread_siblings_list")) or (str(cpu),) for cpu in allowed
    }
    return len(siblings)


def read_words(path: Path) -> list[str]:
    """The words of a small system file; none where it is not there."""
    try:
        return path.read_text().split()
    except OSError:
        return []
