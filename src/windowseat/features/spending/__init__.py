"""What was asked of providers and what it took: the ledger.

For the turns, which record each step (the port `Ledger`), and for whoever shows what a thread cost.

    spending = Spending(database, ids)
    await spending.record(row)                      # twice for the same step is once
    spent = await spending.spent_in(user, thread)   # spent.requests, spent.usage, spent.price
"""

from windowseat.features.spending.service import Page, Spending, Spent

__all__ = ["Page", "Spending", "Spent"]
