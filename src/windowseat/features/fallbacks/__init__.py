"""Which model takes over when one cannot answer: a list for a user, or for one of the user's threads.

For the turns (the port `Fallbacks`), and for whoever sets the list. A turn asks only before its first word,
and says in the answer who answers now and why.

    fallbacks = FallbackLists(database, clock, model_of=providers.model, rates_of=spending.rates)
    await fallbacks.set(user, None, FallbackList(models=("claude", "gemini"), most_per_mtok=Decimal(20)))
    model = await fallbacks.next(turn, tried=["openai/gpt-6.1-sol"])
"""

from windowseat.features.fallbacks.service import FallbackList, FallbackLists

__all__ = ["FallbackList", "FallbackLists"]
