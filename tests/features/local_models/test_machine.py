"""What the machine lets us use is read from the system, and a container's limits count."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from windowseat.features.local_models.machine import cpu_quotas, memory_limits, read_machine


def test_the_machine_has_memory_and_no_more_cores_than_the_system_counts() -> None:
    machine = read_machine()
    assert 64 * 1024**2 < machine.memory <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert machine.cores is None or 1 <= machine.cores <= (os.cpu_count() or 1)


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is Linux's")
def test_a_process_held_to_one_processor_gets_one_core() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert read_machine().cores == 1
    finally:
        os.sched_setaffinity(0, before)


def test_limits_of_control_groups_are_read_and_their_absence_is_none(tmp_path: Path) -> None:
    outer, inner = tmp_path, tmp_path / "inner"
    inner.mkdir()
    (inner / "memory.max").write_text("max\n")
    (outer / "memory.max").write_text("1073741824\n")
    (inner / "cpu.max").write_text("150000 100000\n")
    (outer / "cpu.max").write_text("max 100000\n")
    assert memory_limits([inner, outer]) == [1073741824]
    assert cpu_quotas([inner, outer]) == [2]
    assert memory_limits([tmp_path / "nowhere"]) == []
