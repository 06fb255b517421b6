"""The engine's process: loads one model into llama.cpp and serves it on a loopback port until told to go.

Run as `python -m windowseat.features.local_models.child`, never imported by the server. It gets its
order as one line of JSON on standard input, says how it goes in lines of JSON on standard output, and
llama.cpp's own log goes to standard error.

It outlives nobody. It leaves when its standard input closes, and only its parent holds the other end
(Python opens pipes close-on-exec, so that other children do not get it). While llama.cpp loads, no
Python runs here, so on Linux the kernel is asked as well to kill us with our parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Reads the order, loads, reports, and waits for the end of standard input."""
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    order = json.loads(sys.stdin.buffer.readline())
    die_with_parent(order["parent"])
    be_first_to_go()
    tell(reports, state="loading")
    try:
        import xllamacpp
    except ImportError as error:
        tell(reports, state="failed", code="local_engine_missing", detail=str(error))
        return
    try:
        server = xllamacpp.Server(parameters(xllamacpp, order))
    except RuntimeError as error:
        tell(reports, state="failed", code="local_model_unreadable", detail=str(error))
        return
    tell(reports, state="ready", address=server.listening_address)
    sys.stdin.buffer.read()
    # llama.cpp has nothing to save, and its destructors wait for answers that nobody reads any more.
    os._exit(0)


def parameters(xllamacpp: Any, order: dict[str, Any]) -> Any:
    """The order as llama.cpp's parameters: one model, on a loopback port that takes only our key."""
    result = xllamacpp.CommonParams()
    result.model.path = order["model"]
    result.model_alias = {order["name"]}
    result.n_parallel = order["slots"]
    result.n_ctx = order["window"] * order["slots"]
    result.cache_type_k = result.cache_type_v = getattr(
        xllamacpp.ggml_type, f"GGML_TYPE_{order['cache'].upper()}"
    )
    result.cache_ram_mib = order["prompt_cache"]
    if order["threads"] is not None:
        result.cpuparams.n_threads = result.cpuparams_batch.n_threads = order["threads"]
    result.hostnames = ["127.0.0.1"]
    result.port = 0
    result.api_keys = [order["key"]]
    result.cors_origins = ""
    result.ui = result.endpoint_slots = False
    return result


def die_with_parent(parent: int) -> None:
    """Asks Linux for our end when the thread that started us ends, and leaves if it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def be_first_to_go() -> None:
    """When memory runs out, Linux is to end this process and not the server with its journal."""
    if sys.platform == "linux":
        # Some sandboxes keep /proc read-only; the engine works there too.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500")


def tell(reports: IO[str], **report: str) -> None:
    """One line to the parent."""
    reports.write(json.dumps(report) + "\n")
    reports.flush()


if __name__ == "__main__":
    main()
