"""Who may use this home: the owner, browsers that were signed in, and keys for programs.

Checking a request costs no SQL in the common case: what a token stands for is remembered for a minute
and forgotten at once when it is ended here. Cookies, headers and addresses are the entrypoints'.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from windowseat.core.ask import User
from windowseat.core.errors import NotAllowed, NotFound, Refused, StoreFault
from windowseat.features.users.store import Pass, UserStore
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.platform.moments import from_number, to_number
from windowseat.platform.secrets import hash_token, new_token

Scope = Literal["v1", "api"]
"""What a key opens: `/v1` alone, or all of `/api` and `/v1`."""

LINK_LASTS = timedelta(hours=1)
KEY_PREFIX = "ws-"
_REMEMBERED_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLink:
    """The secret of a link that signs one browser in, once, until it expires."""

    token: str = field(repr=False)
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A browser that was just signed in; `cookie` is told this once."""

    user: User
    sign_in: str
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A browser that may use this home; `here` is the one that asks."""

    id: str
    agent: str
    created: datetime
    seen: datetime
    here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key for programs, without its secret."""

    id: str
    name: str
    scope: Scope
    created: datetime
    used: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made; `secret` is told this once."""

    key: ApiKey
    secret: str = field(repr=False)


class Users:
    """The users of one home. Belongs to one event loop."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._store = UserStore(database)
        self._clock = clock
        self._ids = ids
        # Apart, so that a key never passes for a cookie.
        self._cookies: dict[str, tuple[Pass, float]] = {}
        self._keys: dict[str, tuple[Pass, float]] = {}
        self._ended = 0

    async def owner(self) -> User:
        """The owner; made on a fresh install."""
        found = await self._store.first_user()
        return found or await self._store.add_first_user(User(id=self._ids.new(), name="owner"), self._now())

    async def new_link(self, user: User) -> SignInLink:
        """A link that signs one browser in, good for an hour and for one use."""
        token, now = new_token(), self._clock.now()
        await self._store.add_link(hash_token(token), user.id, to_number(now), to_number(now + LINK_LASTS))
        return SignInLink(token=token, expires=now + LINK_LASTS)

    async def sign_in(self, token: str, agent: str) -> SignedIn:
        """Use a link up; `agent` is what the browser calls itself. Raises NotAllowed `link_not_valid`."""
        link_hash, now = hash_token(token), self._now()
        link = await self._store.link(link_hash)
        if link is None:
            raise _link_fault("This sign-in link is not known here.")
        cookie, row = new_token(), self._ids.new()
        used = await self._store.use_link(
            link_hash, row=row, user=link.user.id, token_hash=hash_token(cookie), agent=agent[:400], at=now
        )
        if not used:
            over = link.used_at is None and link.expires_at <= now
            raise _link_fault("This sign-in link is over." if over else "This sign-in link was used already.")
        return SignedIn(user=link.user, sign_in=row, cookie=cookie)

    async def user_of(self, cookie: str | None) -> User:
        """The user of a browser. Raises NotAllowed `not_signed_in` (401)."""
        found = None
        if cookie:
            found = await self._known(self._cookies, cookie, self._store.sign_in_of, self._store.saw_sign_in)
        if found is None:
            raise NotAllowed(
                "not_signed_in",
                "This browser is not signed in, or its sign-in was ended.",
                hint="Open a new sign-in link: `windowseat link` prints one.",
                status=401,
            )
        return found.user

    async def sign_ins(self, user: User, cookie: str | None = None) -> tuple[SignIn, ...]:
        """The user's browsers, the one seen last first; the one with this cookie is marked."""
        here = hash_token(cookie) if cookie else None
        return tuple(
            SignIn(
                id=row.id,
                agent=row.agent,
                created=from_number(row.created_at),
                seen=from_number(row.seen_at),
                here=row.token_hash == here,
            )
            for row in await self._store.sign_ins(user.id)
        )

    async def end_sign_in(self, user: User, sign_in: str) -> None:
        """Sign a browser out; its next request is refused. Raises NotFound `sign_in_not_found`."""
        if not await self._store.end_sign_in(user.id, sign_in, self._now()):
            raise NotFound(
                "sign_in_not_found", "There is no such sign-in.", hint="It may have been ended already."
            )
        self._forget(sign_in)

    async def new_key(self, user: User, name: str, scope: Scope = "v1") -> NewKey:
        """A key for programs; its secret is in the answer and nowhere else. Raises Refused `key_name`."""
        name = name.strip()
        if not name or len(name) > 100 or not name.isprintable():
            raise Refused(
                "key_name", "A key needs a name of 1 to 100 characters.", hint="Say what will use it."
            )
        secret, now = new_token(KEY_PREFIX), self._clock.now()
        key = ApiKey(id=self._ids.new(), name=name, scope=scope, created=now, used=None)
        await self._store.add_key(
            {
                "id": key.id,
                "user_id": user.id,
                "name": name,
                "key_hash": hash_token(secret),
                "scope": scope,
                "created_at": to_number(now),
                "version": 1,
            }
        )
        return NewKey(key=key, secret=secret)

    async def user_of_key(self, key: str, scope: Scope) -> User:
        """The user of a program that asks for `scope`.

        Raises NotAllowed `key_not_valid` (401), or `key_scope` (403) for a key that opens less.
        """
        found = await self._known(self._keys, key, self._store.key_of, self._store.saw_key)
        if found is None:
            raise NotAllowed(
                "key_not_valid",
                "The key is not known here, or was revoked.",
                hint="Make one with `windowseat key new NAME`.",
                status=401,
            )
        if found.scope not in (scope, "api"):
            raise NotAllowed(
                "key_scope",
                f"This key opens /{found.scope} only.",
                hint="Make one with `windowseat key new NAME --api`.",
            )
        return found.user

    async def keys(self, user: User) -> tuple[ApiKey, ...]:
        """The user's keys, the newest first, without their secrets."""
        return tuple(
            ApiKey(
                id=row.id,
                name=row.name,
                scope=row.scope,
                created=from_number(row.created_at),
                used=None if row.used_at is None else from_number(row.used_at),
            )
            for row in await self._store.keys(user.id)
        )

    async def revoke_key(self, user: User, key: str) -> None:
        """The key opens nothing from now on. Raises NotFound `key_not_found`."""
        if not await self._store.revoke_key(user.id, key, self._now()):
            raise NotFound("key_not_found", "There is no such key.", hint="It may have been revoked already.")
        self._forget(key)

    async def _known(
        self,
        remembered: dict[str, tuple[Pass, float]],
        token: str,
        look_up: Callable[[str], Awaitable[Pass | None]],
        saw: Callable[[str, int], Awaitable[None]],
    ) -> Pass | None:
        token_hash, tick, ended = hash_token(token), self._clock.monotonic(), self._ended
        if (known := remembered.get(token_hash)) and tick < known[1]:
            return known[0]
        # Looked up anew each minute: another process on the same database may have ended it.
        found = await look_up(token_hash)
        if found is None:
            remembered.pop(token_hash, None)
            return None
        if ended == self._ended:  # else it may have ended while we looked
            remembered[token_hash] = (found, tick + _REMEMBERED_SECONDS)
        now = self._now()
        if found.seen_at is None or now - found.seen_at >= _REMEMBERED_SECONDS * 1_000_000:
            # A full disk must not lock people out of what they could still read.
            with suppress(StoreFault):
                await saw(found.row, now)
        return found

    def _forget(self, row: str) -> None:
        self._ended += 1
        for remembered in (self._cookies, self._keys):
            for token_hash in [each for each, (found, _) in remembered.items() if found.row == row]:
                del remembered[token_hash]

    def _now(self) -> int:
        return to_number(self._clock.now())


def _link_fault(detail: str) -> NotAllowed:
    return NotAllowed(
        "link_not_valid", detail, hint="`windowseat link` prints a new one, good for an hour.", status=401
    )
