"""Usage as servers of the dialect `openai-chat` report it, in the house's own counts.

Not here: prices, and the other dialects.
"""

from __future__ import annotations

from typing import Any

from windowseat.core.message import Usage
from windowseat.features.providers.dialects.decoding import as_dict, as_int


def usage_of(usage: dict[str, Any]) -> Usage:
    """Tokens as the house counts them; details of zero are left out.

    Where the total says more than input and output together (xAI, Gemini's compatible endpoint), the
    rest is thinking that the output left out. Cached tokens have four names: OpenAI's, DeepSeek's
    `prompt_cache_hit_tokens`, Mistral's `num_cached_tokens`, Together's `cached_tokens`.
    """
    read = as_dict(usage.get("prompt_tokens_details"))
    written = as_dict(usage.get("completion_tokens_details"))
    input_tokens, output_tokens = as_int(usage.get("prompt_tokens")), as_int(usage.get("completion_tokens"))
    thinking, total = as_int(written.get("reasoning_tokens")), as_int(usage.get("total_tokens"))
    if total is not None and input_tokens is not None and output_tokens is not None:
        left_out = total - input_tokens - output_tokens
        if left_out > 0:
            output_tokens, thinking = output_tokens + left_out, max(thinking or 0, left_out)
    cached = (read.get("cached_tokens"), *(usage.get(n) for n in _CACHED))
    searches = as_dict(usage.get("server_tool_use_details")).get("web_search_requests")
    details = {
        "audio_input_tokens": read.get("audio_tokens"),
        "image_input_tokens": read.get("image_tokens"),
        "video_input_tokens": read.get("video_tokens"),
        "audio_output_tokens": written.get("audio_tokens"),
        "image_output_tokens": written.get("image_tokens"),
        "searches": searches or usage.get("num_search_queries"),
    }
    return Usage(
        input_tokens=input_tokens,
        cached_tokens=next((n for each in cached if (n := as_int(each)) is not None), None),
        cache_write_tokens=as_int(read.get("cache_write_tokens")),
        output_tokens=output_tokens,
        thinking_tokens=thinking,
        details={name: n for name, each in details.items() if (n := as_int(each))} or None,
    )


_CACHED = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
