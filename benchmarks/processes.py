"""What processes use: CPU time, summed over each one's whole family, and memory.

On Linux from /proc, CPU in clock ticks of 10 ms; elsewhere from `ps`. Children that have ended count only
as far as their parent has waited for them.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")
_SECONDS_OF = (1, 60, 3600, 86400)


def cpu_seconds(pids: Iterable[int]) -> dict[int, float]:
    """User and system time of each process with its descendants, in seconds; 0 for one that is gone."""
    pids = tuple(pids)
    if not pids:
        return {}
    used, parents = _of_proc() if _PROC.joinpath("self", "stat").exists() else _of_ps()
    return {pid: sum(used[each] for each in _family(pid, parents) if each in used) for pid in pids}


def memory_megabytes(pid: int) -> dict[str, float]:
    """What the process alone holds, in MB of 10^6 bytes: `rss`, and where it is told `pss` and `private`."""
    told = _PROC / str(pid) / "smaps_rollup"
    if not told.exists():
        kilobytes = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
        )
        return {"rss": int(kilobytes.stdout) * 1.024e-3}
    sizes: dict[str, float] = {}
    for line in told.read_text().splitlines():
        name, _, value = line.partition(":")
        if value.endswith("kB"):
            sizes[name] = int(value.split()[0]) * 1.024e-3
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return {"rss": sizes["Rss"], "pss": sizes["Pss"], "private": private}


def _family(pid: int, parents: dict[int, int]) -> set[int]:
    family = {pid}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return family


def _of_proc() -> tuple[dict[int, float], dict[int, int]]:
    tick = os.sysconf("SC_CLK_TCK")
    used: dict[int, float] = {}
    parents: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            # The name in parentheses may hold spaces; what follows it is numbers (proc_pid_stat(5)).
            numbers = entry.joinpath("stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        pid = int(entry.name)
        parents[pid] = int(numbers[1])
        used[pid] = sum(map(int, numbers[11:15])) / tick
    return used, parents


def _of_ps() -> tuple[dict[int, float], dict[int, int]]:
    told = subprocess.run(["ps", "-axo", "pid=,ppid=,time="], capture_output=True, text=True, check=True)
    used: dict[int, float] = {}
    parents: dict[int, int] = {}
    for line in told.stdout.splitlines():
        pid, parent, clock = line.split()
        parents[int(pid)] = int(parent)
        places = reversed(clock.replace("-", ":").split(":"))
        used[int(pid)] = sum(float(place) * unit for place, unit in zip(places, _SECONDS_OF, strict=False))
    return used, parents
