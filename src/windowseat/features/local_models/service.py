"""The models on this machine: which there are, fetching a known one, and an address to send requests to.

It stands between the folder of GGUF files and the rest of the house, to which a local model is an
ordinary model of the connection `local`. It sends no request and keeps no table: the folder is the truth.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from windowseat.core.errors import NotFound, Refused
from windowseat.core.model import Model
from windowseat.features.local_models import download
from windowseat.features.local_models.catalogue import KNOWN, KnownModel, known_by_file, known_by_name
from windowseat.features.local_models.engine import IDLE_SECONDS, Report
from windowseat.features.local_models.engines import MOST_LOADED, Engines
from windowseat.features.local_models.gguf import Header, read_header
from windowseat.features.local_models.machine import read_machine
from windowseat.features.local_models.plan import Plan, make_plan
from windowseat.features.local_models.process import Address

CONNECTION = "local"

# Large models come in numbered pieces; llama.cpp is given the first and finds the rest.
LATER_PIECE = re.compile(r"-(?!0*1-of)\d+-of-\d+\.gguf$")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalModel:
    """A model on this machine, or a known one that could be. `size` in bytes; `path` None until installed.

    `plan` is how it will be run here; None until installed.
    """

    model: Model
    size: int
    path: Path | None
    plan: Plan | None
    licence: str | None
    card: str | None

    @property
    def installed(self) -> bool:
        """Whether its file is here."""
        return self.path is not None


class LocalModels:
    """The local models of one home.

    `models_dir` is its folder; `also` are GGUF files elsewhere that its owner names. Belongs to one
    event loop from its first address on.
    """

    def __init__(
        self,
        models_dir: Path,
        *,
        also: Sequence[Path] = (),
        idle_seconds: float = IDLE_SECONDS,
        most_loaded: int = MOST_LOADED,
    ) -> None:
        self._models_dir = models_dir
        self._also = tuple(also)
        self._engines = Engines(most_loaded=most_loaded, idle_seconds=idle_seconds)

    def models(self) -> tuple[LocalModel, ...]:
        """What is installed, by id, then the known models that could be fetched. Reads the files' heads."""
        here = {found.model.id: found for found in self._installed()}
        missing = [as_missing(known) for known in KNOWN if known.name not in here]
        return (*sorted(here.values(), key=lambda found: found.model.id), *missing)

    def model(self, model_id: str) -> LocalModel:
        """One model by its id. Raises NotFound `local_model_unknown`."""
        for found in self.models():
            if found.model.id == model_id:
                return found
        raise NotFound(
            "local_model_unknown",
            f"There is no local model “{model_id}”.",
            hint=f"`windowseat models` lists them; put a GGUF file into {self._models_dir} to add one.",
        )

    def get(self, name: str, progress: download.Report) -> LocalModel:
        """Fetches a known model where it is missing; blocks.

        Raises NotFound `local_model_unknown` and what `download.get_model` raises.
        """
        known = known_by_name(name)
        download.get_model(known, self._models_dir, progress=progress)
        return self.model(known.name)

    @asynccontextmanager
    async def address(self, model_id: str, on_progress: Report) -> AsyncIterator[Address]:
        """Where one request to the model goes; it stays loaded until the block is left.

        Raises NotFound `local_model_unknown`, `local_model_missing` and what `Engine.use` raises.
        """
        found = self.model(model_id)
        if found.path is None or found.plan is None:
            raise NotFound(
                "local_model_missing",
                f"{found.model.title} is not on this machine yet.",
                hint=f"Fetch it with `windowseat models get {model_id}`.",
            )
        async with self._engines.use(found.path, model_id, found.plan, on_progress) as address:
            yield address

    async def stop(self) -> None:
        """Ends every engine and waits until they are gone."""
        await self._engines.stop()

    def _installed(self) -> Iterator[LocalModel]:
        """The language models among the files; what cannot be read is passed over and fails when named."""
        machine = read_machine()
        for path in [*sorted(self._models_dir.glob("*.gguf")), *self._also]:
            known = known_by_file(path.name)
            if LATER_PIECE.search(path.name) or not path.is_file():
                continue
            size = path.stat().st_size
            if known and size != known.size:
                continue
            try:
                header = read_header(path)
            except Refused:
                continue
            if header.is_language_model:
                yield as_installed(path, size, header, known, make_plan(header, machine))


def as_installed(path: Path, size: int, header: Header, known: KnownModel | None, plan: Plan) -> LocalModel:
    """A file that is here. Of a stranger we say only what its head says."""
    name = known.name if known else path.name.removesuffix(".gguf")
    return LocalModel(
        model=as_model(name, known, title=known.title if known else header.title or name, window=plan.window),
        size=size,
        path=path,
        plan=plan,
        licence=known.licence if known else header.licence,
        card=known.card if known else None,
    )


def as_missing(known: KnownModel) -> LocalModel:
    """A known model that is not here."""
    model = as_model(known.name, known, title=known.title, window=known.window)
    return LocalModel(
        model=model, size=known.size, path=None, plan=None, licence=known.licence, card=known.card
    )


def as_model(name: str, known: KnownModel | None, *, title: str, window: int) -> Model:
    """The facts as the rest of the house reads them."""
    return Model(
        connection=CONNECTION,
        id=name,
        dialect="openai-chat",
        title=title,
        window=window,
        inputs=frozenset({"text"}),
        outputs=frozenset({"text"}),
        tools=known.tools if known else None,
        prefill=known.prefill if known else None,
        defaults=dict(known.defaults) if known else {},
    )
