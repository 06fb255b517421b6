"""Models, and the way to and from their providers, in any of four dialects.

For the turns (the port `Providers`) and for whoever keeps connections and lists models.

    providers = ProviderService(database, secrets, clock, ids, transport=Transport(), files=files,
                                dialects={"openai-chat": OpenaiChat}, late={"local": local_models})
    await providers.connections.add(user, name="work", dialect="openai-chat", url=URL, key=KEY)
    model = await providers.model(user, "work/any-model-id")
    request = await providers.encode(window, model, options)
    async for batch in providers.exchange(user, request, model): ...

What it is made of: connections.py and connection.py (kept, checked), a pair of files per dialect (pure),
quirks.py (how providers differ), exchange.py and transport.py (sending), listing.py and catalogue.py
(lists of models), reach.py (addresses that come late).
"""

from windowseat.features.providers.connection import Connection
from windowseat.features.providers.connections import Connections
from windowseat.features.providers.reach import Address, LateAddress, LateModel, Progress
from windowseat.features.providers.service import Dialects, ModelList, ProviderService, WindowFiles
from windowseat.features.providers.transport.client import Transport

__all__ = [
    "Address",
    "Connection",
    "Connections",
    "Dialects",
    "LateAddress",
    "LateModel",
    "ModelList",
    "Progress",
    "ProviderService",
    "Transport",
    "WindowFiles",
]
