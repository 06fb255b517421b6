"""The input items of an `openai-responses` request: who says what, piece by piece.

What this very model answered goes back item by item as it came, but only in whole steps: a thought
without the item that it led to, or an item without its thought, is refused. Of a step that was cut or
changed the neutral values go, without its thoughts. What a program wrote on this wire goes as it was written.

Not here: options, tools and instructions (openai_responses.py), the neutral order (said.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from windowseat.core.errors import Refused
from windowseat.core.exchange import FileFacts
from windowseat.core.model import Model
from windowseat.core.parts import (
    Audio,
    Citation,
    File,
    Image,
    Media,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from windowseat.features.providers.dialects.decoding import as_str
from windowseat.features.providers.dialects.encoding import (
    SOUNDS,
    Body,
    arguments_of,
    data_of,
    facts_of,
    inner,
    media_of_result,
    why_not_read,
    words_of_file,
    words_of_result,
)
from windowseat.features.providers.dialects.moving import media_moved
from windowseat.features.providers.dialects.quirks import Quirks
from windowseat.features.providers.dialects.said import (
    CallIds,
    Keyed,
    Place,
    Raw,
    Said,
    as_written,
    merged,
    raw_items,
    written_whole,
)


class Items:
    """Writes the input items of one request into its body."""

    def __init__(self, body: Body, quirks: Quirks, model: Model, files: Mapping[str, FileFacts]) -> None:
        self._body = body
        self._quirks = quirks
        self._model = model
        self._files = files
        self._place = Place(dialect="openai-responses", connection=model.connection, model=model.id)
        self._ids = CallIds(quirks.call_id)
        self._custom: set[str] = set()
        self._begun = False

    def write(self, said: Sequence[Said]) -> None:
        """What was said. Raises Refused `model_cannot_take`, `file_not_found`."""
        ordered = media_moved(said, self._moves)
        for each in merged(ordered) if self._quirks.alternate else ordered:
            if each.role == "user" and (item := as_written(each, self._place)) is not None:
                self._item(each.parts[0][0], msgspec.json.encode(item))
            elif each.role == "user":
                self._user(each)
            elif each.role == "assistant":
                self._assistant(each)
            else:
                for key, part in each.parts:
                    if isinstance(part, ToolResult):
                        self._result(key, part)

    def _moves(self, said: Said, part: Part) -> list[Media]:
        if written_whole(part, self._place):
            return []
        if isinstance(part, Media):
            media: Iterable[Media] = [part]
        elif isinstance(part, ToolResult) and not self._place.made(part):
            stays = self._quirks.result_media if said.role == "tool" else ()
            media = [each for each in media_of_result(part, self._files) if each.type not in stays]
        else:
            media = ()
        return [each for each in media if self._why_left_out(each) is None]

    # -- items ------------------------------------------------------------------------------------

    def _item(self, key: str, start: bytes) -> None:
        self._body.add(key, b"," if self._begun else b"", start)
        self._begun = True

    def _user(self, said: Said) -> None:
        parts: list[Keyed] = []
        for key, part in said.parts:
            words = words_of_file(part, self._files) if isinstance(part, File) else None
            if words is not None:
                parts.append((key, Text(text=words)))
            elif (isinstance(part, Text) and part.text) or isinstance(part, Media):
                parts.append((key, part))
        if not parts:
            return
        self._item(parts[0][0], b'{"role":"user","content":')
        texts = [(key, part.text) for key, part in parts if isinstance(part, Text)]
        if len(texts) == len(parts):
            self._body.strings(texts, b"\\n\\n")
        else:
            self._contents(parts)
        self._body.add(parts[-1][0], b"}")

    def _assistant(self, said: Said) -> None:
        texts: list[tuple[str, str]] = []
        for item in self._in_whole_steps(raw_items(said.parts, self._place)):
            if not isinstance(item, Raw) and isinstance(item[1], Text):
                if item[1].text:
                    texts.append((item[0], item[1].text))
                continue
            if isinstance(item, Raw) or isinstance(item[1], ToolCall | Opaque):
                self._say(texts)
                texts = []
                self._raw(item) if isinstance(item, Raw) else self._neutral(*item)
        self._say(texts)

    def _say(self, texts: Sequence[tuple[str, str]]) -> None:
        if texts:
            self._item(texts[0][0], b'{"role":"assistant","content":')
            self._body.strings(texts)
            self._body.add(texts[-1][0], b"}")

    def _neutral(self, key: str, part: Part) -> None:
        if isinstance(part, ToolCall) and part.by != "provider":
            arguments = msgspec.json.encode(arguments_of(part)).decode()
            call = {"type": "function_call", "call_id": self._ids.new(part.id), "name": part.name}
            self._item(key, msgspec.json.encode({**call, "arguments": arguments}))
        elif isinstance(part, Opaque) and self._place.knows(part):
            self._item(key, msgspec.json.encode(part.data))

    def _raw(self, raw: Raw) -> None:
        part, item = raw.parts[0][1], raw.item
        if isinstance(part, ToolCall) and part.by != "provider":
            item = {**item, "call_id": self._ids.new(part.id, as_str(item.get("call_id")))}
            if item.get("type") == "custom_tool_call":
                self._custom.add(part.id)
        self._item(raw.key, msgspec.json.encode(item)[:-1])
        result = raw.parts[-1][1]
        if item.get("type") == "image_generation_call" and isinstance(result, ToolResult):
            for image in media_of_result(result, self._files):
                self._body.add(raw.parts[-1][0], b',"result":"')
                self._body.base64(raw.parts[-1][0], image, self._files)
                self._body.add(raw.parts[-1][0], b'"')
        self._body.add(raw.key, b"}")

    def _in_whole_steps(self, items: Sequence[Keyed | Raw]) -> list[Keyed | Raw]:
        whole = _whole_steps(items, self._place)
        out: list[Keyed | Raw] = []
        for item in items:
            if isinstance(item, Raw) and item.parts[0][1].step not in whole:
                out += item.parts
            else:
                out.append(item)
        return out

    def _result(self, key: str, part: ToolResult) -> None:
        if written_whole(part, self._place) and part.origin is not None:
            self._item(key, msgspec.json.encode({**part.origin.item, "call_id": self._ids.of(part.id)}))
            return
        kind = "custom_tool_call_output" if part.id in self._custom else "function_call_output"
        start = msgspec.json.encode({"type": kind, "call_id": self._ids.of(part.id)})[:-1]
        self._item(key, start + b',"output":')
        media = media_of_result(part, self._files)
        left_out = [why for each in media if (why := self._why_left_out(each))]
        read = [each for each in media if self._why_left_out(each) is None]
        stays = [each for each in read if each.type in self._quirks.result_media]
        words = words_of_result(part, left_out, self._files)
        if stays:
            self._contents([(key, each) for each in (*([Text(text=words)] if words else []), *stays)])
        else:
            self._body.value(key, words or ("(see the next message)" if read else "(no output)"))
        self._body.add(key, b"}")

    # -- content ----------------------------------------------------------------------------------

    def _contents(self, parts: Sequence[Keyed]) -> None:
        for index, (key, part) in enumerate(parts):
            self._body.add(key, b"," if index else b"[")
            self._content(key, part)
        self._body.add(parts[-1][0], b"]")

    def _content(self, key: str, part: Part) -> None:
        if isinstance(part, Text):
            self._body.add(key, b'{"type":"input_text","text":"', inner(part.text), b'"}')
            return
        assert isinstance(part, Media)
        if why := self._why_not(part):
            raise Refused(
                "model_cannot_take", f"{why}.", hint="Add it in another form, or choose another model."
            )
        if isinstance(part, Image):
            # The default, which the reference requires all the same.
            self._body.add(key, b'{"type":"input_image","detail":"auto","image_url":"')
            self._body.address(key, part, self._files)
        elif isinstance(part, Audio):
            self._body.add(key, b'{"type":"input_audio","input_audio":{"format":"')
            self._body.add(key, SOUNDS[part.media_type].encode(), b'","data":"')
            self._body.base64(key, part, self._files)
            self._body.add(key, b'"}')
        elif part.file is None and data_of(part) is None:
            self._body.add(key, b'{"type":"input_file","file_url":"')
            self._body.address(key, part, self._files)
        else:
            name = part.name or (facts_of(part, self._files).name if part.file else "") or "document.pdf"
            self._body.add(key, b'{"type":"input_file","filename":', msgspec.json.encode(name))
            self._body.add(key, b',"file_data":"')
            self._body.address(key, part, self._files)
        self._body.add(key, b"}" if isinstance(part, Audio) else b'"}')

    def _why_left_out(self, part: Media) -> str | None:
        return why_not_read(self._model, part) or self._why_not(part)

    def _why_not(self, part: Media) -> str | None:
        """Why this wire cannot carry the part, in words; None where it can."""
        only_address = part.file is None and data_of(part) is None
        if part.type == "video":
            return "This provider's wire has no place for video"
        if only_address and (part.type == "audio" or part.type not in self._quirks.takes_url):
            return f"This provider takes no address for {part.type}, only the bytes"
        if isinstance(part, Audio) and SOUNDS.get(part.media_type) not in self._quirks.sounds:
            return f"This provider does not take sound as {part.media_type}"
        return None


def _whole_steps(items: Sequence[Keyed | Raw], place: Place) -> set[int | None]:
    """The steps whose items are all there as they came: from the first on, none missing, no thought last."""
    keys: dict[int | None, list[str | None]] = {}
    last: dict[int | None, Part] = {}
    for item in items:
        part = item.parts[0][1] if isinstance(item, Raw) else item[1]
        if isinstance(part, Citation):
            continue
        came = isinstance(item, Raw) or (isinstance(part, Opaque) and place.made(part))
        keys.setdefault(part.step, []).append(part.origin.key if came and part.origin else None)
        last[part.step] = part
    return {
        step
        for step, found in keys.items()
        if found == [f"item/{n}" for n in range(len(found))] and not isinstance(last[step], Thinking)
    }
