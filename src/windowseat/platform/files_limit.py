"""How many files and sockets this process may have open at once; raised at start, not by an import."""

from __future__ import annotations

WANTED = 65_536
# What macOS allows per process by default (kern.maxfilesperproc), though it reports no limit.
_SAFE = 10_240


def raise_files_limit(wanted: int = WANTED) -> int:
    """Raise the soft limit towards `wanted`, as far as the hard one allows; returns what holds now.

    Never lowers it, and never fails: too few files is no reason not to start.
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for target in (wanted, _SAFE):
        possible = target if hard == resource.RLIM_INFINITY else min(target, hard)
        if soft == resource.RLIM_INFINITY or soft >= possible:
            break
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
            return possible
        except (ValueError, OSError):
            continue
    return soft
