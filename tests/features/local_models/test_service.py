"""The models of a home: the folder is the truth, any GGUF file is served, the first one answers sense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from windowseat.core.errors import Fault
from windowseat.features.local_models import LocalModels
from windowseat.features.local_models.engine import Loading

from .conftest import MakeGguf, ask, ask_streamed, silent

MakeModels = Callable[..., LocalModels]


@pytest.fixture
async def local_models(tmp_path: Path) -> AsyncIterator[MakeModels]:
    made: list[LocalModels] = []

    def make(folder: Path = tmp_path / "models", **options: object) -> LocalModels:
        made.append(LocalModels(folder, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for models in made:
        await models.stop()


def test_an_empty_home_offers_the_first_model(local_models: MakeModels) -> None:
    (found,) = local_models().models()
    assert found.model.name == "local/smollm2"
    assert not found.installed
    assert (found.model.window, found.size, found.licence) == (8192, 98_362_432, "Apache-2.0")
    assert found.card == "Small, quick, private, often wrong."


@pytest.mark.engine
def test_the_first_model_has_the_facts_of_an_ordinary_model(
    local_models: MakeModels, first_model: Path
) -> None:
    found = local_models(first_model.parent).model("smollm2")
    assert found.path == first_model
    assert (found.model.dialect, found.model.window, found.model.defaults) == (
        "openai-chat",
        8192,
        {"temperature": 0},
    )
    assert (found.model.tools, found.model.prefill) == (False, True)


def test_a_file_in_the_folder_is_a_model_by_its_name(local_models: MakeModels, make_gguf: MakeGguf) -> None:
    path = make_gguf("Mine-1B.Q4_K_M.gguf", window=1024)
    found = local_models().model("Mine-1B.Q4_K_M")
    assert (found.path, found.size) == (path, path.stat().st_size)
    assert (found.model.title, found.model.window, found.licence) == ("A small llama", 1024, "cc0-1.0")
    assert found.model.tools is None  # nobody said so


def test_a_file_elsewhere_that_the_owner_names_is_a_model_too(
    local_models: MakeModels, make_gguf: MakeGguf, tmp_path: Path
) -> None:
    models = local_models(tmp_path / "none", also=[make_gguf("elsewhere.gguf")])
    assert models.model("elsewhere").installed


def test_what_is_no_language_model_is_not_listed(
    local_models: MakeModels, make_gguf: MakeGguf, tmp_path: Path
) -> None:
    make_gguf("whole.gguf")
    make_gguf("large-00001-of-00002.gguf")
    make_gguf("large-00002-of-00002.gguf")
    make_gguf("mmproj.gguf", pairs={"general.architecture": "clip"})
    (tmp_path / "models" / "damaged.gguf").write_bytes(b"nothing")
    (tmp_path / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"cut off")
    installed = [found.model.id for found in local_models().models() if found.installed]
    assert installed == ["large-00001-of-00002", "whole"]


@pytest.mark.parametrize(
    ("model", "code"), [("nothing", "local_model_unknown"), ("smollm2", "local_model_missing")]
)
async def test_a_model_that_is_not_here_says_how_to_get_it(
    local_models: MakeModels, model: str, code: str
) -> None:
    with pytest.raises(Fault) as caught:
        async with local_models().address(model, silent):
            pass
    assert caught.value.code == code
    assert "windowseat models" in caught.value.hint


def test_only_known_models_can_be_fetched(local_models: MakeModels) -> None:
    with pytest.raises(Fault) as caught:
        local_models().get("gpt-5", silent)
    assert caught.value.code == "local_model_unknown"
    assert "smollm2" in caught.value.hint


@pytest.mark.engine
@pytest.mark.parametrize("head_size", [32, 16])
async def test_any_gguf_file_is_served(local_models: MakeModels, make_gguf: MakeGguf, head_size: int) -> None:
    """Also one whose heads do not fit the packed cache."""
    make_gguf("mine.gguf", head_size=head_size)
    async with local_models().address("mine", silent) as address:
        assert await ask(address) != ""


@pytest.mark.engine
async def test_the_first_model_answers_sense(local_models: MakeModels, first_model: Path) -> None:
    seen = list[Loading]()
    async with local_models(first_model.parent).address("smollm2", seen.append) as address:
        answer = await ask(address, "How many legs does a dog have?", max_tokens=40)
        assert "four" in answer.lower() or "4" in answer
    assert {step.state for step in seen} >= {"starting", "loading", "ready"}


@pytest.mark.engine
async def test_the_first_model_goes_on_from_the_start_of_an_answer(
    local_models: MakeModels, first_model: Path
) -> None:
    async with local_models(first_model.parent).address("smollm2", silent) as address:
        question = {"role": "user", "content": "Count from one to ten in digits."}
        messages = [question, {"role": "assistant", "content": "1, 2, 3, 4,"}]
        # Streamed, only what is new comes; a whole answer repeats the start that it was given.
        assert await ask_streamed(address, messages=messages) == " 5, "
        assert await ask(address, messages=messages) == "1, 2, 3, 4, 5, "


@pytest.mark.engine
async def test_each_slot_has_the_whole_window_at_the_same_time(
    local_models: MakeModels, make_gguf: MakeGguf
) -> None:
    make_gguf("mine.gguf", window=512)
    async with local_models().address("mine", silent) as address:
        long = {"max_tokens": 400, "ignore_eos": True}  # two of these are more than one window
        answers = await asyncio.gather(ask(address, **long), ask(address, **long))
    assert all(answers)
