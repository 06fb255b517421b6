"""A connection whose address comes late, without an engine: it reports, waits, and then stands at a URL.

It serves nothing itself; put a `ScriptedProvider` behind it. No model is loaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from windowseat.core.errors import NotFound
from windowseat.core.model import Model


@dataclass(frozen=True, slots=True)
class LateProgress:
    """How long the address has been waited for."""

    seconds: float


@dataclass(frozen=True, slots=True)
class LateUrl:
    """Where requests go, and the key that is asked for there."""

    base_url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class LateFacts:
    """A model behind it."""

    model: Model
    installed: bool = True


@dataclass(slots=True)
class LateProvider:
    """`reports` are the seconds that it reports before the address is there; then it waits for `gate`,
    or raises `failure`. `held` is how many hold the address now."""

    base_url: str
    api_key: str = "late-key"
    reports: Sequence[float] = ()
    gate: asyncio.Event | None = None
    failure: Exception | None = None
    held: int = 0
    ids: Sequence[str] = ("echo",)
    missing: Sequence[str] = ()
    asked: list[str] = field(default_factory=list)

    def models(self) -> tuple[LateFacts, ...]:
        """`ids`, and after them what is `missing`."""
        return (
            *(LateFacts(self._model(model_id)) for model_id in self.ids),
            *(LateFacts(self._model(model_id), installed=False) for model_id in self.missing),
        )

    def model(self, model_id: str) -> LateFacts:
        """One of them. Raises NotFound `local_model_unknown`."""
        for found in self.models():
            if found.model.id == model_id:
                return found
        raise NotFound("local_model_unknown", f"There is no model {model_id}.", hint="Take another.")

    @asynccontextmanager
    async def address(
        self, model_id: str, on_progress: Callable[[LateProgress], None]
    ) -> AsyncIterator[LateUrl]:
        """The address, held until the block is left."""
        self.asked.append(model_id)
        for seconds in self.reports:
            on_progress(LateProgress(seconds))
            await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.held += 1
        try:
            yield LateUrl(self.base_url, self.api_key)
        finally:
            self.held -= 1

    def _model(self, model_id: str) -> Model:
        return Model(connection="elsewhere", id=model_id, dialect="openai-chat", window=8192)
