"""What was asked of providers, what it took and what it cost: the ledger.

For the turns, which record each step (the port `Ledger`), and for whoever shows what a thread cost.

    spending = Spending(database, ids, clock, providers.seller)
    price = await spending.record(row)                  # twice for the same step is once
    spent = await spending.spent_in(user, thread)       # spent.requests, spent.usage, spent.price
    by_month = await spending.sums(user, "month", zone="Europe/Berlin")

What it is made of: rates.py (prices, pure), sums.py and export.py (adding up and CSV, pure), store.py.
"""

from windowseat.features.spending.rates import OwnRates
from windowseat.features.spending.service import Page, Speed, Spending
from windowseat.features.spending.store import Chosen, Recorded
from windowseat.features.spending.sums import BY, By, Spent

__all__ = ["BY", "By", "Chosen", "OwnRates", "Page", "Recorded", "Speed", "Spending", "Spent"]
