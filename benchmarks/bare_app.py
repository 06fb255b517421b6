"""The reference for start and memory: FastAPI on uvicorn with one route that answers an empty list.

    python benchmarks/bare_app.py --port 9200

It is what a server in this Python with these libraries costs at the least; it keeps nothing and knows nobody.
"""

from __future__ import annotations

import argparse

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/api/threads")
async def list_threads() -> dict[str, list[str]]:
    """Always nothing."""
    return {"threads": []}


def main() -> None:
    """Serve until interrupted, as our own server is served."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(app, port=parser.parse_args().port, http="httptools", log_level="critical", access_log=False)


if __name__ == "__main__":
    main()
