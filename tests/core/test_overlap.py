"""At a seam a repeat of the last words goes, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowseat.core.overlap import LEAST, Overlap

SAID = "The sky is blue because of"


def joined(said, *pieces):
    seam = Overlap(said)
    return "".join(seam.feed(piece) for piece in pieces) + seam.end()


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (("is blue because of", " scattering"), " scattering"),
        (("is b", "lue because", " of scattering"), " scattering"),
        ((" scattering",), " scattering"),
        (("is blue and wide",), "is blue and wide"),
        (("The sky, to say it again, is blue",), "The sky, to say it again, is blue"),
        (("of of of",), "of of of"),
        ((SAID,), ""),
    ],
)
def test_only_a_repeat_of_the_end_is_taken_out(pieces, shown):
    assert joined(SAID, *pieces) == shown


@given(st.text(max_size=60), st.text(max_size=60), st.lists(st.integers(0, 60), max_size=4).map(sorted))
def test_what_is_shown_is_the_new_text_or_its_rest_after_a_repeat(said, new, cuts):
    pieces = [new[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
    shown = joined(said, *pieces)
    assert new.endswith(shown)
    taken = new[: len(new) - len(shown)]
    assert taken == "" or (len(taken) >= LEAST and said.endswith(taken))
