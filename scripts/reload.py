"""Starts the server, and again whenever a Python file under src changes: `make dev`.

It looks at the files' times twice a second and needs no library. The server is a process of its own that is
asked to stop as any other, so what it does on stopping and starting is seen with every change. Options are
the server's. It is not part of the program, and it does not reload pages in browsers.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOOK_SECONDS = 0.5
STOP_SECONDS = 15.0


def times() -> dict[Path, int]:
    """When each source file was last written, in nanoseconds."""
    found: dict[Path, int] = {}
    for file in (PROJECT / "src").rglob("*.py"):
        try:
            found[file] = file.stat().st_mtime_ns
        except FileNotFoundError:
            continue  # an editor replaces files by renaming
    return found


def start(options: list[str]) -> subprocess.Popen[bytes]:
    """The server, started now."""
    return subprocess.Popen([sys.executable, "-m", "windowseat", "serve", *options])


def stop(server: subprocess.Popen[bytes]) -> None:
    """Ask the server to stop, and wait until it has; after STOP_SECONDS end it."""
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def main(options: list[str]) -> int:
    """Run until interrupted; returns the exit code for the shell."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seen = times()
    server = start(options)
    try:
        while True:
            time.sleep(LOOK_SECONDS)
            now = times()
            if now != seen:
                changed = sorted(file.name for file, _ in set(now.items()) ^ set(seen.items()))
                print("Changed:", ", ".join(dict.fromkeys(changed)), "— starting again", file=sys.stderr)
                seen = now
                stop(server)
                server = start(options)
    except KeyboardInterrupt:
        return 130
    finally:
        stop(server)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
