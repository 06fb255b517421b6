"""Testing a connection: one cheap real request, and what a failure means in words, with the one thing to do.

A list of models is asked for first, which costs nothing: where that already fails for the key or the
network, nothing is spent. Each test that did ask a model has its row in the ledger.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from windowseat.core.ask import User
from windowseat.core.errors import Fault, ProviderFault
from windowseat.core.exchange import Finished
from windowseat.core.message import Message, Usage
from windowseat.core.model import Model, Options
from windowseat.core.parts import Text
from windowseat.core.ports import Ledger, LedgerRow
from windowseat.core.price import Money
from windowseat.core.window import assemble
from windowseat.platform.clock import Clock
from windowseat.platform.ids import Ids

if TYPE_CHECKING:
    from windowseat.features.providers.service import ProviderService

SECONDS = 60.0
_WORDS = "Reply with the word OK."
# The least that any provider takes as a bound: OpenAI refuses less than 16.
_MOST_TOKENS = 16
_SETTLED = frozenset(
    f"provider_{each}"
    for each in (
        *("key_refused", "region", "no_credit", "certificate", "clock"),
        *("unreachable", "wrong_type", "redirected", "timeout"),
    )
)
"""Faults of asking for the list that asking a model would meet as well."""
_SMALL = re.compile(r"nano|mini|lite|flash|haiku|luna|small|tiny|fast|instant|\b[1-9]b\b")
_NO_TEXT = re.compile(
    r"embed|tts|whisper|transcri|image|audio|realtime|live|moderation|guard|rerank|ocr|video|veo|imagen|"
    r"dall-e|sora|speech|search|robotics|computer-use|deep-research|babbage|davinci|instruct-vision"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What a test found: `ok`, or a stable `code`; in words, with what to do.

    `model` is the one that was asked, None where it did not come to that. `seconds` until the whole answer.
    """

    ok: bool
    code: str
    says: str
    hint: str = ""
    model: str | None = None
    seconds: float | None = None
    usage: Usage | None = None
    price: Money | None = None


class Checker:
    """Tests connections of a service."""

    def __init__(self, service: ProviderService, ledger: Ledger | None, clock: Clock, ids: Ids) -> None:
        self._service = service
        self._ledger = ledger
        self._clock = clock
        self._ids = ids

    async def test(self, user: User, name: str, model: str | None) -> TestResult:
        """Ask one of its models for a word. Raises Refused `connection_unknown`; all else is told."""
        connection = await self._service.connections.get(user, name)
        if connection.needs_key:
            return TestResult(
                ok=False,
                code="connection_key_lost",
                says=f"The key of {name} cannot be read any more: it was sealed with another key file.",
                hint="Enter the key again, or put the right key file back.",
            )
        listed = await self._service.models(user, name)
        if listed.fault is not None and listed.fault.code in _SETTLED:
            return _failed(listed.fault, None)
        chosen = model or _cheap(listed.models)
        if chosen is None:
            return TestResult(
                ok=False,
                code="test_needs_model",
                says=f"{name} lists no model that could be asked.",
                hint="Name a model for the test.",
            )
        ids = [] if listed.fault is not None else [each.id for each in listed.models]
        try:
            return await self._asked(user, await self._service.model(user, f"{name}/{chosen}"))
        except Fault as fault:
            return _failed(fault, chosen, ids)

    async def _asked(self, user: User, model: Model) -> TestResult:
        began = self._clock.now()
        message = Message(
            id="test", thread="test", parent=None, role="user", parts=(Text(text=_WORDS),), created=began
        )
        options = Options(max_output_tokens=_MOST_TOKENS, effort="none")
        request = await self._service.encode(assemble((), [message]), model, options)
        finished: Finished | None = None
        quick = replace(model, silence=SECONDS)
        try:
            async with asyncio.timeout(SECONDS):
                async with aclosing(self._service.exchange(user, request, quick)) as batches:  # type: ignore[type-var]
                    async for batch in batches:
                        finished = next((each for each in batch if isinstance(each, Finished)), finished)
        except TimeoutError:
            raise ProviderFault(
                "provider_timeout", f"{model.name} did not answer within {SECONDS:g} s.", hint="Try again."
            ) from None
        now = self._clock.now()
        usage = None if finished is None else finished.usage
        price = await self._record(user, model, usage)
        seconds = (now - began).total_seconds()
        return TestResult(
            ok=True,
            code="ok",
            says=f"{model.name} answered in {seconds:.1f} s.",
            model=model.name,
            seconds=seconds,
            usage=usage,
            price=price,
        )

    async def _record(self, user: User, model: Model, usage: Usage | None) -> Money | None:
        if self._ledger is None:
            return None
        row = LedgerRow(
            turn=self._ids.new(),
            step=1,
            user=user.id,
            thread=None,
            purpose="test",
            model=model.name,
            at=self._clock.now(),
            usage=usage,
            estimated=usage is None,
        )
        return await self._ledger.record(row)


def _cheap(models: Sequence[Model]) -> str | None:
    """A small model that writes text; the shortest name first, as the newest of a family often has it."""
    write = [each.id for each in models if not _NO_TEXT.search(each.id.lower())]
    known = {each.id for each in models if each.window is not None}
    ranked = sorted(write, key=lambda id: (id not in known, not _SMALL.search(id.lower()), len(id), id))
    return ranked[0] if ranked else None


def _failed(fault: Fault, model: str | None, ids: Sequence[str] = ()) -> TestResult:
    says, hint = fault.detail, fault.hint
    if fault.code == "provider_not_found" and model is not None and ids:
        close = get_close_matches(model, ids, n=3, cutoff=0.5)
        says = f"The address is right, but the provider has no model “{model}” for this key."
        hint = f"Take another model, such as {', '.join(close)}." if close else "Take another model."
    return TestResult(ok=False, code=fault.code, says=says, hint=hint, model=model)
