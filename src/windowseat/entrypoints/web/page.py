"""The plain pages: what runs here, how to ask, and signing a browser in. No script, one served style sheet.

What they say is plain HTML made here; what may be asked of the server is the API's.
"""

from __future__ import annotations

from html import escape
from string import Template
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from windowseat import __version__
from windowseat.core.errors import Fault, Refused
from windowseat.entrypoints.web.reading import read_body
from windowseat.entrypoints.web.route import Route
from windowseat.entrypoints.web.security import COOKIE, is_signed_in, user_of
from windowseat.entrypoints.web.services import services_of

COOKIE_SECONDS = 400 * 24 * 3600
"""As long as browsers keep any cookie (RFC 6265bis, 5.5); a sign-in ends when it is ended."""

_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_MOST_FORM = 4096


async def show_page(request: Request) -> Response:
    """What runs here, and how to ask."""
    services = services_of(request)
    if not is_signed_in(request):
        return as_page(request, "Windowseat", _STRANGER)
    try:
        model = (await services.providers.model(user_of(request), None)).name
        opens = f"It opens on the model <code>{escape(model)}</code>."
    except Fault as fault:
        opens = escape(str(fault))
    base = services.settings.base_path
    return as_page(request, "Windowseat", _RUNS.substitute(opens=opens, base=escape(base, quote=True)))


async def show_style(_request: Request) -> Response:
    """The style sheet of the plain pages."""
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})


async def show_sign_in(request: Request) -> Response:
    """A page with one button; only the button uses the link up (docs/decisions/0007)."""
    token = request.query_params.get("token", "")
    if not token:
        return as_page(request, "Sign in", _STRANGER)
    base = services_of(request).settings.base_path
    values = {"token": escape(token, quote=True), "base": escape(base, quote=True)}
    return as_page(request, "Sign in", _BUTTON.substitute(values))


async def sign_in(request: Request) -> Response:
    """Use the link up, give the browser its cookie, and open the page."""
    form = parse_qs((await read_body(request, _MOST_FORM)).decode("ascii", "replace"))
    token = form.get("token", [""])[0]
    services = services_of(request)
    try:
        if not token:
            raise Refused(
                "link_not_valid",
                "There is no sign-in link in this form.",
                hint="`windowseat link` prints one.",
                status=401,
            )
        signed_in = await services.users.sign_in(token, request.headers.get("user-agent", ""))
    except Fault as fault:
        return as_page(request, "Sign in", _WRONG.substitute(reason=escape(str(fault))), fault.status)
    base = services.settings.base_path
    answer = Response(status_code=303, headers={"Location": f"{base}/"})
    answer.set_cookie(
        COOKIE,
        signed_in.cookie,
        max_age=COOKIE_SECONDS,
        path=base or "/",
        secure=request.scope["scheme"] == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


def as_page(request: Request, title: str, content: str, status: int = 200) -> Response:
    """A plain page with this content, which is HTML."""
    base = escape(services_of(request).settings.base_path, quote=True)
    html = _FRAME.substitute(title=title, base=base, content=content, version=__version__)
    headers = {"Content-Security-Policy": _POLICY}
    return Response(html, status, headers, media_type="text/html")


_FRAME = Template("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="stylesheet" href="$base/plain.css">
<main>
$content
</main>
<footer>Windowseat $version</footer>
</html>
""")

_RUNS = Template("""\
<h1>Windowseat runs</h1>
<p>$opens</p>
<h2>Ask on the command line</h2>
<pre><code>windowseat ask "Why is the sky blue?"
windowseat chat</code></pre>
<h2>Ask by HTTP</h2>
<p>Everything it can do is an address; <a href="$base/docs">the list of them</a> says what each takes
and gives.</p>
""")

_STRANGER = """\
<h1>Windowseat runs</h1>
<p>This browser is not signed in. On the machine where it runs, ask for a link and open it here:</p>
<pre><code>windowseat link</code></pre>
<p>A link signs one browser in, once, within an hour.</p>
"""

_BUTTON = Template("""\
<h1>Sign in</h1>
<p>This link signs in this browser, and then it is used up.</p>
<form method="post" action="$base/sign-in">
<input type="hidden" name="token" value="$token">
<button autofocus>Sign in this browser</button>
</form>
""")

_WRONG = Template("""\
<h1>Not signed in</h1>
<p>$reason</p>
""")

_STYLE = """\
:root { color-scheme: light dark; font: 16px/1.65 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 46rem; padding: 12vh 1.5rem 2rem; }
h1 { font-size: 1.75rem; line-height: 1.35; font-weight: 620; }
h2 { font-size: 1rem; font-weight: 620; margin-top: 2rem; }
pre { padding: 0.75rem 1rem; overflow-x: auto; border-radius: 6px;
  border: 1px solid color-mix(in oklab, currentColor 18%, transparent); }
code { font: 0.875rem/1.5 ui-monospace, monospace; }
button { font: inherit; padding: 0.4rem 1rem; border-radius: 6px; border: 0; cursor: pointer;
  background: CanvasText; color: Canvas; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: 0.3rem 1rem 0.3rem 0; }
a { color: inherit; }
footer { margin-top: 4rem; font-size: 0.8rem; opacity: 0.6; }
"""

ROUTES = (
    Route("GET", "/", show_page, internal=True),
    Route("GET", "/plain.css", show_style, internal=True),
    Route("GET", "/sign-in", show_sign_in, internal=True),
    Route("POST", "/sign-in", sign_in, internal=True),
)
