"""The dashboard's files, as its build left them beside this package: read once, served from memory."""

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from copier.web.surface import Surface
from rules.model.frozen import frozen

BUILT: Final = Path(__file__).parents[1] / "dashboard" / "dist"

FIRST_PAGE: Final = "index.html"

NOT_BUILT: Final = """\
The dashboard has not been built.

A checkout builds it by `make dashboard` (or `make demo`, or `make test`), once; that needs a registry of npm packages,
and fetches node by itself where there is none. A wheel brings it along. Then start the service again.

Until then `copier status`, `copier limits` and `copier explain ID` tell the same in a terminal.
"""

_MEDIA: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

# Only our own files run, and none of them may make markup out of text (`trusted-types 'none'`): what brokers name
# their symbols stays text whatever happens. No page may frame us; forms are sent by scripts only.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


@frozen
class Built:
    """One file, and the same squeezed."""

    media: str
    body: bytes
    squeezed: bytes
    etag: str
    lasting: bool
    """Its name changes with what is in it, so that a browser may keep it for ever."""

    def answer(self, request: Request) -> Response:
        headers = {
            "content-security-policy": CONTENT_SECURITY_POLICY,
            "cache-control": "public, max-age=31536000, immutable" if self.lasting else "no-cache",
            "etag": self.etag,
            "vary": "accept-encoding",
        }
        if request.headers.get("if-none-match") == self.etag:
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self.body, headers=headers, media_type=self.media)
        return Response(self.squeezed, headers=headers | {"content-encoding": "gzip"}, media_type=self.media)


def page_routes(_: Surface) -> list[BaseRoute]:
    """Return a route for each file of the dashboard."""
    return routes_of(BUILT)


def routes_of(folder: Path) -> list[BaseRoute]:
    """Return a route for each file of a build; where there is none, one that says how to make it."""
    files = dict(read_build(folder))
    if FIRST_PAGE not in files:
        return [Route("/", _not_built)]
    files[""] = files.pop(FIRST_PAGE)
    return [Route(f"/{name}", _endpoint(file)) for name, file in files.items()]


def read_build(folder: Path) -> Iterator[tuple[str, Built]]:
    """Yield the files of a build by their path in it."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in _MEDIA and path.is_file():
            body = path.read_bytes()
            name = path.relative_to(folder).as_posix()
            etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            squeezed = gzip.compress(body, 9, mtime=0)
            yield name, Built(_MEDIA[path.suffix], body, squeezed, etag, name.startswith("assets/"))


def _endpoint(file: Built) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return file.answer(request)

    return endpoint


async def _not_built(_: Request) -> Response:
    return Response(NOT_BUILT, 503, media_type="text/plain; charset=utf-8")
