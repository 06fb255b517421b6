"""The way in by HTTP: the JSON API, streams of events, and plain pages, on FastAPI.

app.py hands it the services (services.py) and serves it (serve.py) on a port and on the home's socket.

    app = make_app(Services(...))                        # asgi.py: all routes behind the gate
    async with serving(app, news, port=bind_port("127.0.0.1", 8321), socket_path=path): ...

One file for each resource, with a table of its routes (`ROUTES`): turns, events, threads, messages, files,
models, connections, sign_ins, keys, settings, ledger, health, docs, page. They translate and nothing else.
security.py is the gate in front of all, event_stream.py the hot path, openapi.py the description.
"""
