"""The providers known by name, as rows of data: where they are, what they speak, where keys come from.

A row only fills in what a user would otherwise look up; any other URL works as well, and a connection
belongs to a provider by its URL alone. Each row says who says so and when that was read. None was tried
live with a key unless its row says so.

Not here: how providers differ within their dialect (quirks_*.py), and facts of models (facts.jsonl).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from urllib.parse import urlsplit

from windowseat.core.errors import Refused
from windowseat.core.model import Dialect

_READ = date(2026, 11, 25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """How a server found on a port is told from a stranger: the answer to `path` holds `field` = `value`.

    `field` is looked for at the top and in the first entry of `data`; an empty value fits any.
    """

    path: str
    field: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProvider:
    """One provider. `name` is also what its connection is called unless the user says otherwise.

    `url` is "" where it is the customer's own, and `url_example` shows how it looks then. `variables` are
    the environment variables that usually hold its key; `url_variable` the one that usually holds another
    URL, and `url_ends` what that URL lacks. `list_url` is where its models are listed, where that is not
    beside its other addresses; `lists` is False where there is no list. `prices` is its name in genai-prices,
    `facts` its name in the catalogue of facts. `port` and `sign` are of programs on this machine, which ask
    for no key and no money.
    """

    name: str
    title: str
    dialect: Dialect
    url: str
    key_url: str = ""
    url_example: str = ""
    variables: tuple[str, ...] = ()
    url_variable: str = ""
    url_ends: str = ""
    list_url: str = ""
    lists: bool = True
    prices: str = ""
    facts: str = ""
    port: int | None = None
    sign: Sign | None = None
    source: str
    read: date = _READ
    tried_live: bool = False


PROVIDERS: tuple[KnownProvider, ...] = (
    KnownProvider(
        name="openai",
        title="OpenAI",
        dialect="openai-responses",
        url="https://api.openai.com/v1",
        key_url="https://platform.openai.com/api-keys",
        variables=("OPENAI_API_KEY",),
        url_variable="OPENAI_BASE_URL",
        prices="openai",
        facts="openai",
        source="https://platform.openai.com/docs/api-reference/introduction",
    ),
    KnownProvider(
        name="anthropic",
        title="Anthropic",
        dialect="anthropic-messages",
        url="https://api.anthropic.com",
        key_url="https://platform.claude.com/settings/keys",
        variables=("ANTHROPIC_API_KEY",),
        url_variable="ANTHROPIC_BASE_URL",
        prices="anthropic",
        facts="anthropic",
        source="https://platform.claude.com/docs/en/api/overview",
    ),
    KnownProvider(
        name="google",
        title="Google Gemini",
        dialect="gemini-generate",
        url="https://generativelanguage.googleapis.com",
        key_url="https://aistudio.google.com/apikey",
        variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        url_variable="GOOGLE_GEMINI_BASE_URL",
        prices="google",
        facts="google",
        source="https://ai.google.dev/api",
    ),
    KnownProvider(
        name="xai",
        title="xAI",
        dialect="openai-chat",
        url="https://api.x.ai/v1",
        key_url="https://console.x.ai",
        variables=("XAI_API_KEY",),
        prices="x-ai",
        facts="xai",
        source="https://docs.x.ai/docs/api-reference",
    ),
    KnownProvider(
        name="meta",
        title="Meta",
        dialect="openai-chat",
        url="https://api.meta.ai/v1",
        key_url="https://dev.meta.ai",
        variables=("META_API_KEY",),
        prices="meta",
        facts="meta",
        source="https://dev.meta.ai/docs/protocols/chat-completions, named in genai-prices 0.2.3",
    ),
    KnownProvider(
        name="llama",
        title="Meta Llama API",
        dialect="openai-chat",
        url="https://api.llama.com/compat/v1",
        key_url="https://llama.developer.meta.com",
        variables=("LLAMA_API_KEY",),
        facts="llama",
        source="https://llama.developer.meta.com/docs/features/compatibility",
    ),
    KnownProvider(
        name="azure",
        title="Azure OpenAI",
        dialect="openai-responses",
        url="",
        url_example="https://YOUR-RESOURCE.openai.azure.com/openai/v1",
        key_url="https://ai.azure.com",
        variables=("AZURE_OPENAI_API_KEY",),
        url_variable="AZURE_OPENAI_ENDPOINT",
        url_ends="/openai/v1",
        prices="azure",
        facts="openai",
        source="https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle",
    ),
    KnownProvider(
        name="github",
        title="GitHub Models",
        dialect="openai-chat",
        url="https://models.github.ai/inference",
        key_url="https://github.com/settings/personal-access-tokens",
        variables=("GITHUB_TOKEN",),
        list_url="https://models.github.ai/catalog/models",
        facts="github",
        source="https://docs.github.com/rest/models/inference",
    ),
    KnownProvider(
        name="groq",
        title="Groq",
        dialect="openai-chat",
        url="https://api.groq.com/openai/v1",
        key_url="https://console.groq.com/keys",
        variables=("GROQ_API_KEY",),
        prices="groq",
        facts="groq",
        source="https://console.groq.com/docs/openai",
    ),
    KnownProvider(
        name="mistral",
        title="Mistral",
        dialect="openai-chat",
        url="https://api.mistral.ai/v1",
        key_url="https://console.mistral.ai/api-keys",
        variables=("MISTRAL_API_KEY",),
        prices="mistral",
        facts="mistral",
        source="https://docs.mistral.ai/api/",
    ),
    KnownProvider(
        name="deepseek",
        title="DeepSeek",
        dialect="openai-chat",
        url="https://api.deepseek.com",
        key_url="https://platform.deepseek.com/api_keys",
        variables=("DEEPSEEK_API_KEY",),
        prices="deepseek",
        facts="deepseek",
        source="https://api-docs.deepseek.com",
    ),
    KnownProvider(
        name="openrouter",
        title="OpenRouter",
        dialect="openai-chat",
        url="https://openrouter.ai/api/v1",
        key_url="https://openrouter.ai/settings/keys",
        variables=("OPENROUTER_API_KEY",),
        prices="openrouter",
        source="https://openrouter.ai/docs/api-reference/overview",
    ),
    KnownProvider(
        name="cerebras",
        title="Cerebras",
        dialect="openai-chat",
        url="https://api.cerebras.ai/v1",
        key_url="https://cloud.cerebras.ai",
        variables=("CEREBRAS_API_KEY",),
        prices="cerebras",
        facts="cerebras",
        source="https://inference-docs.cerebras.ai/resources/openai",
    ),
    KnownProvider(
        name="together",
        title="Together",
        dialect="openai-chat",
        url="https://api.together.xyz/v1",
        key_url="https://api.together.ai/settings/api-keys",
        variables=("TOGETHER_API_KEY",),
        prices="together",
        facts="together",
        source="https://docs.together.ai/docs/openai-api-compatibility",
    ),
    KnownProvider(
        name="huggingface",
        title="Hugging Face",
        dialect="openai-chat",
        url="https://router.huggingface.co/v1",
        key_url="https://huggingface.co/settings/tokens",
        variables=("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
        facts="huggingface",
        source="https://huggingface.co/docs/inference-providers",
    ),
    KnownProvider(
        name="perplexity",
        title="Perplexity",
        dialect="openai-chat",
        url="https://api.perplexity.ai",
        key_url="https://www.perplexity.ai/account/api/keys",
        variables=("PERPLEXITY_API_KEY", "PPLX_API_KEY"),
        lists=False,
        prices="perplexity",
        facts="perplexity",
        source="https://docs.perplexity.ai/api-reference/chat-completions-post",
    ),
    KnownProvider(
        name="cohere",
        title="Cohere",
        dialect="openai-chat",
        url="https://api.cohere.ai/compatibility/v1",
        key_url="https://dashboard.cohere.com/api-keys",
        variables=("COHERE_API_KEY", "CO_API_KEY"),
        list_url="https://api.cohere.com/v1/models",
        prices="cohere",
        facts="cohere",
        source="https://docs.cohere.com/docs/compatibility-api",
    ),
    KnownProvider(
        name="ollama",
        title="Ollama",
        dialect="openai-chat",
        url="http://127.0.0.1:11434/v1",
        key_url="https://ollama.com/download",
        port=11434,
        sign=Sign(path="/api/version", field="version"),
        source="https://docs.ollama.com/api/openai-compatibility",
    ),
    KnownProvider(
        name="lm-studio",
        title="LM Studio",
        dialect="openai-chat",
        url="http://127.0.0.1:1234/v1",
        key_url="https://lmstudio.ai/download",
        port=1234,
        sign=Sign(path="/v1/models", field="owned_by", value="organization_owner"),
        source="https://lmstudio.ai/docs/developer/openai-compat",
    ),
    KnownProvider(
        name="llama-cpp",
        title="llama.cpp",
        dialect="openai-chat",
        url="http://127.0.0.1:8080/v1",
        key_url="https://github.com/ggml-org/llama.cpp/releases",
        port=8080,
        sign=Sign(path="/v1/models", field="owned_by", value="llamacpp"),
        source="https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
    ),
    KnownProvider(
        name="vllm",
        title="vLLM",
        dialect="openai-chat",
        url="http://127.0.0.1:8000/v1",
        key_url="https://docs.vllm.ai/en/stable/getting_started/installation",
        port=8000,
        sign=Sign(path="/v1/models", field="owned_by", value="vllm"),
        source="https://docs.vllm.ai/en/stable/serving/openai_compatible_server",
    ),
)


def known_provider(name: str) -> KnownProvider:
    """The provider of that name. Raises Refused `provider_unknown`."""
    for each in PROVIDERS:
        if each.name == name:
            return each
    raise Refused(
        "provider_unknown",
        f"“{name[:80]}” is not a provider that is known by name.",
        hint=f"Known are {', '.join(each.name for each in PROVIDERS)}; "
        "any other one needs its URL and its dialect.",
    )


@lru_cache(maxsize=256)
def provider_of(url: str) -> KnownProvider | None:
    """The provider that a connection's URL leads to, None for a stranger.

    Programs on this machine are not told by a URL: what answers on a port may be anything.
    """
    host = (urlsplit(url).hostname or "").lower()
    for each in PROVIDERS:
        if each.port is None and host:
            known = urlsplit(each.url or each.url_example).hostname or ""
            if host == known or (not each.url and host.endswith("." + known.partition(".")[2])):
                return each
    return None
