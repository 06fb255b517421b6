"""Where a continued answer repeats its last words: the repeat is taken out, nothing else.

A model that is asked to go on often begins with the last words that it had said. A reworded start
is not recognised, and kept. Pure; used at a seam only.
"""

from __future__ import annotations

LOOKS_BACK = 400
"""How many characters of the earlier text are compared: about a long sentence or two."""
LEAST = 8
"""A shorter repeat may well be meant ("no, no, no"), and stays."""


class Overlap:
    """Takes a repeat of the end of `said` from the beginning of what follows.

    Text is held back while it may still be such a repeat, at most `LOOKS_BACK` characters.

    >>> seam = Overlap("the sky is blue because of")
    >>> seam.feed("is blue because of") + seam.feed(" scattering") + seam.end()
    ' scattering'
    """

    def __init__(self, said: str) -> None:
        self._tail = said[-LOOKS_BACK:]
        self._held: str | None = "" if len(self._tail) >= LEAST else None

    def feed(self, text: str) -> str:
        """What may be shown now of the text that came."""
        if self._held is None:
            return text
        self._held += text
        if self._may_still_repeat():
            return ""
        return self.end()

    def end(self) -> str:
        """What was held back, without the repeat; nothing is held from here on."""
        held, self._held = self._held or "", None
        for size in range(min(len(self._tail), len(held)), LEAST - 1, -1):
            if self._tail.endswith(held[:size]):
                return held[size:]
        return held

    def _may_still_repeat(self) -> bool:
        """Whether all that is held stands in the earlier text and could reach its end with more."""
        held = self._held or ""
        start = self._tail.find(held)
        while start != -1:
            if start + len(held) < len(self._tail):
                return True
            start = self._tail.find(held, start + 1)
        return False
