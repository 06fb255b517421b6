"""The way in for other programs: `/v1`, compatible with the OpenAI API, over every connection of the house.

    app = make_app(Services(...))                        # asgi.py; app.py mounts it at /v1

Chat completions (chat*.py), responses without state (responses*.py), embeddings, and the list of models. A
request is read into an ask whose turn lives in memory, and its events are written as the caller knows them.
No thread, instructions, memory or tools of the house: the caller's messages go to the model, the model's
calls back to the caller, and a row of the ledger is all that stays.
"""
