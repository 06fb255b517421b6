"""Models, and the way to and from their providers, in any of four dialects.

For the turns (the port `Providers`) and for whoever keeps connections and lists models.

    providers = ProviderService(database, secrets, clock, ids, transport=Transport(), files=files,
                                dialects={"openai-chat": OpenaiChat}, late={"local": local_models})
    await providers.connections.add(user, provider="openai", name="work", key=KEY)
    result = await providers.test(user, "work")        # in words: result.ok, result.says, result.hint
    model = await providers.model(user, "work/any-model-id")
    request = await providers.encode(window, model, options)
    async for batch in providers.exchange(user, request, model): ...

What it is made of: connections.py and connection.py (kept, checked), environment.py and finding.py (given),
providers_data.py (known by name), dialects/ (pure, with quirks: how providers differ), exchange.py and
transport/ (sending), listing.py and catalogue.py (lists of models), facts.py, known_models.py and friendly.py
(what is known of models, and names that people use), checking.py (testing), reach.py (late addresses).
"""

from windowseat.features.providers.connection import Connection
from windowseat.features.providers.connections import Connections
from windowseat.features.providers.facts import Fact, Facts
from windowseat.features.providers.providers_data import PROVIDERS, KnownProvider
from windowseat.features.providers.reach import Address, LateAddress, LateModel, Progress
from windowseat.features.providers.service import Dialects, ModelList, ProviderService, WindowFiles
from windowseat.features.providers.transport.client import Transport

__all__ = [
    "PROVIDERS",
    "Address",
    "Connection",
    "Connections",
    "Dialects",
    "Fact",
    "Facts",
    "KnownProvider",
    "LateAddress",
    "LateModel",
    "ModelList",
    "Progress",
    "ProviderService",
    "Transport",
    "WindowFiles",
]
