"""The spine: how one turn runs, from the ask to the settled answer. It knows `core` and nothing else of the house."""
