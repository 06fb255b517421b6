"""No operation on a tree loses a message."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowseat.core.errors import NotFound, Refused
from windowseat.core.message import Message
from windowseat.core.parts import Citation, Text
from windowseat.core.thread import Tree, check_parts, fork

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def message(id, parent, **more):
    return Message(id=id, thread="t", parent=parent, role="user", parts=(Text(text=id),), created=NOW, **more)


@st.composite
def trees(draw):
    listed = []
    for number in range(draw(st.integers(1, 25))):
        parent = draw(st.none() | st.sampled_from([m.id for m in listed])) if listed else None
        listed.append(message(f"m{number}", parent))
    return listed


@given(trees(), st.data())
def test_a_path_leads_from_a_root_to_its_tip(listed, data):
    tip = data.draw(st.sampled_from(listed))
    path = Tree(listed).path(tip.id)
    assert path[0].parent is None
    assert path[-1] == tip
    assert all(child.parent == parent.id for parent, child in pairwise(path))


@given(trees())
def test_every_message_is_reached_from_the_roots(listed):
    tree = Tree(listed)
    roots = [m.id for m in listed if m.parent is None]
    reached = [below for root in roots for below in tree.descendants(root)]
    assert sorted(reached) == sorted(m.id for m in listed)


@given(trees(), st.data())
def test_a_fork_has_the_same_words_and_leaves_the_tree_alone(listed, data):
    tree = Tree(listed)
    path = tree.path(data.draw(st.sampled_from(listed)).id)
    numbers = count()
    copies = fork(path, "other", lambda: f"new{next(numbers)}")
    assert [m.parts for m in copies] == [m.parts for m in path]
    assert {m.thread for m in copies} == {"other"}
    assert not {m.id for m in copies} & {m.id for m in listed}
    assert Tree(copies).path(copies[-1].id) == copies
    assert len(tree) == len(listed)


@given(trees(), st.data())
def test_hiding_a_message_moves_the_tip_to_what_stays(listed, data):
    tree = Tree(listed)
    gone = data.draw(st.sampled_from(listed)).id
    tip = data.draw(st.sampled_from(listed)).id
    moved = tree.tip_without(gone, tip)
    hidden = set(tree.descendants(gone))
    assert moved not in hidden
    if tip not in hidden:
        assert moved == tip


def test_siblings_keep_their_order_and_the_newest_leads_on():
    tree = Tree([message("a", None), message("b", "a"), message("c", "a"), message("d", "c")])
    assert tree.siblings("b") == ("b", "c")
    assert tree.newest_leaf("a") == "d"
    assert tree.newest_leaf(None) == "d"


def test_what_is_not_there_is_said():
    with pytest.raises(NotFound) as missing:
        Tree([message("a", None)]).path("x")
    assert missing.value.code == "message_not_found"
    with pytest.raises(ValueError, match="hangs on"):
        Tree([message("a", "nowhere")])


def test_a_running_answer_is_not_forked():
    with pytest.raises(Refused, match="still being written"):
        fork((message("a", None, n=4),), "other", lambda: "x")


def test_parts_are_checked():
    with pytest.raises(Refused, match="no parts"):
        check_parts(())
    with pytest.raises(Refused, match="points at part 3"):
        check_parts((Citation(part=3),))
