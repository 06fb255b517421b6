"""Models that run on this machine, for whoever asks without a key or wants to keep a question at home.

    local = LocalModels(home / "models")
    local.get("smollm2", print)                              # fetched once, checked; blocks
    async with local.address("smollm2", print) as address:   # loaded on first use, unloaded when idle
        ...                                                  # openai-chat: address.base_url, address.api_key
    await local.stop()

What it is made of: catalogue.py (models we can fetch), download.py (fetching), gguf.py (a file's head),
machine.py and plan.py (how to run it here), child.py and process.py (llama.cpp in a process of its own),
engine.py and engines.py (its lifetime), service.py (the list). llama.cpp is never imported in our process.
"""

from windowseat.features.local_models.download import Progress, get_smollm2
from windowseat.features.local_models.engine import Loading
from windowseat.features.local_models.process import Address
from windowseat.features.local_models.service import CONNECTION, LocalModel, LocalModels

__all__ = ["CONNECTION", "Address", "Loading", "LocalModel", "LocalModels", "Progress", "get_smollm2"]
