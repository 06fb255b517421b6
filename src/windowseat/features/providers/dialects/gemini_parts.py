"""Parts as parts of `gemini-generate`: what one part of a content looks like on the wire.

Calls and results are paired by name and order; an id stands on both where the call has one. What a
decoder kept as an item is a list of the provider's own parts, and goes back as it came; of media the
item lacks the bytes, which stand in the part.

Not here: which content a part stands in, and what is said beside the contents (gemini_encode).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from windowseat.core.errors import Refused
from windowseat.core.exchange import FileFacts
from windowseat.core.model import Model
from windowseat.core.parts import File, Json, Media, Opaque, Part, Text, ToolCall, ToolResult
from windowseat.features.providers.dialects.blocks import Block, FileBytes, of_json
from windowseat.features.providers.dialects.decoding import as_dict, as_str
from windowseat.features.providers.dialects.encoding import (
    arguments_of,
    data_of,
    facts_of,
    inner,
    takes,
    words_of_file,
    words_of_result,
)
from windowseat.features.providers.dialects.quirks import Quirks
from windowseat.features.providers.dialects.said import CallIds, Keyed, Place, Raw


def of_text(key: str, text: str) -> list[Block]:
    """Words as a part; none for none."""
    return [of_json(key, {"text": text})] if text else []


class WireParts:
    """Makes the wire's parts for one request. `together` are the provider's own calls that have a result."""

    def __init__(
        self, model: Model, quirks: Quirks, files: Mapping[str, FileFacts], together: frozenset[str]
    ) -> None:
        self._model = model
        self._quirks = quirks
        self._files = files
        self._together = together
        self.place = Place(dialect="gemini-generate", connection=model.connection, model=model.id)
        self._ids = CallIds(quirks.call_id)
        self._called: dict[str, dict[str, Json]] = {}

    # -- what a user says -------------------------------------------------------------------------

    def of_user(self, parts: Iterable[Keyed]) -> list[Block]:
        """A user's parts. Raises Refused `model_cannot_take` for what the wire has no place for."""
        blocks: list[Block] = []
        for key, part in parts:
            if isinstance(part, Text):
                blocks += of_text(key, part.text)
            elif isinstance(part, Media):
                blocks.append(self._media(key, part, {}))
            elif isinstance(part, Opaque) and self.place.knows(part):
                blocks.append(of_json(key, part.data))
        return blocks

    def why_not(self, part: Media) -> str | None:
        """Why the wire cannot carry it, in words; None where it can."""
        if isinstance(part, File):
            if words_of_file(part, self._files) is not None:
                return None
            if part.media_type != "application/pdf" and not part.media_type.startswith("text/"):
                return f"This provider takes documents as PDF or text, not as {part.media_type}"
        return None if takes(self._model, part.type) else f"{self._model.name} does not read {part.type}"

    def _media(self, key: str, part: Media, more: dict[str, Json]) -> Block:
        if why := self.why_not(part):
            raise Refused(
                "model_cannot_take", f"{why}.", hint="Add it in another form, or choose another model."
            )
        if isinstance(part, File) and (words := words_of_file(part, self._files)) is not None:
            return of_json(key, {"text": words})
        rest = b"".join(b"," + msgspec.json.encode({name: value})[1:-1] for name, value in more.items())
        data = data_of(part)
        if part.file is None and data is None:
            content: dict[str, Json] = {"mimeType": part.media_type, "fileUri": part.url or ""}
            return Block(key=key, data=(b'{"fileData":', msgspec.json.encode(content), rest))
        base64 = FileBytes(facts_of(part, self._files).id) if part.file is not None else inner(data or "")
        opening = b'{"inlineData":{"mimeType":' + msgspec.json.encode(part.media_type) + b',"data":"'
        return Block(key=key, data=(opening, base64, b'"}', rest))

    # -- what the model says ----------------------------------------------------------------------

    def of_answer(self, items: Sequence[Keyed | Raw]) -> list[Block]:
        """An answer's parts; thoughts go back only signed, which is what they are kept for."""
        blocks: list[Block] = []
        calls = 0
        for item in items:
            if isinstance(item, Raw):
                part = item.parts[0][1]
                blocks += self._raw(item)
            else:
                part = item[1]
                blocks += self._neutral(*item, first=calls == 0)
            calls += isinstance(part, ToolCall) and part.by != "provider"
        return blocks

    def _raw(self, raw: Raw) -> list[Block]:
        part = raw.parts[0][1]
        items = [as_dict(each) for each in (raw.item if isinstance(raw.item, list) else [raw.item])]
        if isinstance(part, ToolCall) and part.by != "provider":
            return [self._call(raw.key, part, items[0])]
        if isinstance(part, ToolCall | ToolResult) and part.id not in self._together:
            return []
        if isinstance(part, Media) and self.why_not(part) is None:
            rest = {name: value for name, value in items[0].items() if name not in ("inlineData", "fileData")}
            return [self._media(raw.key, part, rest)]
        return [of_json(raw.key, item) for item in items]

    def _neutral(self, key: str, part: Part, *, first: bool) -> list[Block]:
        if isinstance(part, Text):
            return of_text(key, part.text)
        if isinstance(part, ToolCall) and part.by != "provider":
            content = {"name": part.name, "args": arguments_of(part), "id": part.id}
            raw: dict[str, Json] = {"functionCall": content}
            if first and self._quirks.unsigned:
                raw["thoughtSignature"] = self._quirks.unsigned
            return [self._call(key, part, raw)]
        if isinstance(part, Media) and self.place.made(part) and self.why_not(part) is None:
            return [self._media(key, part, {})]
        if isinstance(part, Opaque) and self.place.knows(part):
            return [of_json(key, part.data)]
        return []

    def _call(self, key: str, part: ToolCall, raw: dict[str, Json]) -> Block:
        content = as_dict(raw.get("functionCall"))
        names: dict[str, Json] = {"name": as_str(content.get("name"))}
        if id := as_str(content.get("id")):
            names["id"] = self._ids.new(part.id, id)
        self._called[part.id] = names
        return of_json(key, {**raw, "functionCall": {**content, **names}})

    # -- what tools gave back ---------------------------------------------------------------------

    def of_results(self, parts: Iterable[Keyed]) -> list[Block]:
        """Results under the names of their calls. Media have no place in them (gemini_encode moves them)."""
        blocks: list[Block] = []
        for key, part in parts:
            if isinstance(part, ToolResult):
                answer = {**self._called[part.id], "response": _response(part)}
                blocks.append(of_json(key, {"functionResponse": answer}))
        return blocks


def _response(result: ToolResult) -> dict[str, Json]:
    """An object as it is; words as `output`, or as `error` where the tool failed.

    These are the keys that Google names: https://ai.google.dev/api/caching#FunctionResponse
    """
    words = words_of_result(result)
    if result.error is not None:
        return {"error": words.removeprefix("Error: ")}
    if words.startswith("{"):
        try:
            found = msgspec.json.decode(words)
        except (msgspec.DecodeError, RecursionError):
            return {"output": words}
        if isinstance(found, dict):
            return found
    return {"output": words}
