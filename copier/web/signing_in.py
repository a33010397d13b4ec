"""`/api/v1/session`: a browser gives a key for a cookie, looks whom it stands for, and gives the cookie back."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from copier.web.doors import cookie_name
from copier.web.dto.visitor import Visitor
from copier.web.dto.words import to_json
from copier.web.key_file import KeysRefused
from copier.web.principal import LOCAL_READER, Principal, principal_of
from copier.web.surface import Surface


def session_routes(surface: Surface) -> list[BaseRoute]:
    """Return what a browser needs before it can read anything else. The key comes as everywhere, in a header."""

    async def look(request: Request) -> Response:
        return _shown(_known(request))

    async def sign_in(request: Request) -> Response:
        principal = _known(request)
        if principal is LOCAL_READER or principal.sign_in is not None:
            raise HTTPException(403, "expected a key, in the header X-API-Key or as a bearer token")
        try:
            value, until = await surface.keys.sign_in(principal)
        except KeysRefused:
            raise HTTPException(503, "sign-ins cannot be kept now") from None
        response = _shown(principal)
        response.set_cookie(
            cookie_name(request.scope),
            value.reveal(),
            expires=until,
            secure=request.scope["scheme"] == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    async def sign_out(request: Request) -> Response:
        principal: Principal | None = request.scope["state"]["principal"]
        response = Response(status_code=204)
        response.delete_cookie(
            cookie_name(request.scope),
            secure=request.scope["scheme"] == "https",
            httponly=True,
            samesite="strict",
        )
        if principal is not None and principal.sign_in is not None:
            try:
                await surface.keys.forget(principal)
            except KeysRefused:
                raise HTTPException(503, "the sign-in cannot be forgotten now") from None
        return response

    return [
        Route("/api/v1/session", look),
        Route("/api/v1/session", sign_in, methods=["POST"]),
        Route("/api/v1/session", sign_out, methods=["DELETE"]),
    ]


def _known(request: Request) -> Principal:
    """Return who asks; at this door also nobody is let in."""
    if request.scope["state"]["principal"] is None:
        raise HTTPException(401, "expected a key that is good", {"www-authenticate": "Bearer"})
    return principal_of(request.scope)


def _shown(principal: Principal) -> Response:
    visitor = Visitor(
        principal.name,
        sorted(scope.value for scope in principal.scopes),
        None if principal.accounts is None else sorted(principal.accounts),
        principal.sign_in is not None,
    )
    return Response(to_json(visitor), media_type="application/json")
