"""Pages to register, to log in and out, and of who somebody is."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from trr_api.pages import site
from trr_api.problems import Problem
from trr_api.webapp.forms import mistakes
from trr_api.webapp.visits import PREFIX, Fields, Visit, Visitor, site_router

router = site_router()


async def _tried(visit: Visit, template: str, fields: dict[str, str], path: str, wanted: dict[str, Any]) -> Any:
    """What an address of the API answers to a form; the form again as a response, where it refuses."""
    try:
        return await visit.api.send("POST", path, wanted)
    except Problem as problem:
        given = {name: value for name, value in fields.items() if name != "password"}
        answer = visit.page(template, status=problem.kind.status, problem=problem, wrong=mistakes(problem), given=given)
        if "retry-after" in problem.headers:
            answer.headers["retry-after"] = problem.headers["retry-after"]
        return answer


@router.get("/login")
async def login(visit: Visitor) -> Response:
    """The form."""
    return visit.page("login.html", given={"back": visit.request.query_params.get("back", "")})


@router.post("/login")
async def log_in(visit: Visitor, fields: Fields) -> Response:
    """Log in, and go on where one was."""
    wanted = {"email": fields.get("email", "").strip(), "password": fields.get("password", "")}
    found = await _tried(visit, "login.html", fields, "/accounts/login", wanted)
    if isinstance(found, Response):
        return found
    visit.log_in(found["access_token"], found["refresh_token"])
    return visit.go(site.local(fields.get("back", "")))


@router.post("/logout")
async def log_out(visit: Visitor, fields: Fields) -> Response:
    """End the log-in here, or everywhere."""
    if visit.me is not None:
        await visit.api.send("POST", "/accounts/logout", {"everywhere": fields.get("everywhere") == "true"})
    visit.log_out()
    return visit.go(f"{PREFIX}/login", done="logged-out")


@router.get("/register")
async def register(visit: Visitor) -> Response:
    """The form for an address."""
    return visit.page("register.html")


@router.post("/register")
async def ask_for_account(visit: Visitor, fields: Fields) -> Response:
    """Ask for the mail."""
    wanted = {"email": fields.get("email", "").strip()}
    found = await _tried(visit, "register.html", fields, "/accounts/registration", wanted)
    return found if isinstance(found, Response) else visit.page("mailed.html", what="register")


@router.get("/confirm")
async def confirm(visit: Visitor) -> Response:
    """Where the link in the mail leads: choose a name and a password."""
    return visit.page("confirm.html", is_kept=False, given={"token": visit.request.query_params.get("token", "")})


@router.post("/confirm")
async def open_account(visit: Visitor, fields: Fields) -> Response:
    """Open the account, logged in."""
    wanted = {name: fields.get(name, "").strip() for name in ("token", "name", "display_name") if fields.get(name)}
    found = await _tried(visit, "confirm.html", fields, "/accounts", {**wanted, "password": fields.get("password", "")})
    if isinstance(found, Response):
        return found
    visit.log_in(found["access_token"], found["refresh_token"])
    return visit.go(f"{PREFIX}/shows", done="registered")


@router.get("/forgot")
async def forgot(visit: Visitor) -> Response:
    """The form for who forgot the password."""
    return visit.page("forgot.html")


@router.post("/forgot")
async def ask_for_reset(visit: Visitor, fields: Fields) -> Response:
    """Ask for the mail."""
    wanted = {"email": fields.get("email", "").strip()}
    found = await _tried(visit, "forgot.html", fields, "/accounts/password-reset", wanted)
    return found if isinstance(found, Response) else visit.page("mailed.html", what="forgot")


@router.get("/reset")
async def reset(visit: Visitor) -> Response:
    """Where the link in that mail leads."""
    return visit.page("reset.html", is_kept=False, given={"token": visit.request.query_params.get("token", "")})


@router.post("/reset")
async def choose_password(visit: Visitor, fields: Fields) -> Response:
    """Take another password; every log-in ends."""
    wanted = {"token": fields.get("token", ""), "password": fields.get("password", "")}
    found = await _tried(visit, "reset.html", fields, "/accounts/password", wanted)
    if isinstance(found, Response):
        return found
    visit.log_out()
    return visit.go(f"{PREFIX}/login", done="password-changed")


@router.get("/account")
async def account(visit: Visitor) -> Response:
    """How one is seen, and log-ins."""
    if visit.me is None:
        raise Problem("unauthorized", "Log in to see your account.")
    return _account(visit, visit.me)


def _account(visit: Visit, given: dict[str, Any], problem: Problem | None = None, **context: Any) -> Response:
    status = 200 if problem is None else problem.kind.status
    told = {"given": given, "problem": problem, "wrong": mistakes(problem), "is_leaving": False, **context}
    visit.address = f"{PREFIX}/account"
    return visit.page("account.html", status=status, is_kept=False, **told)


@router.post("/account")
async def change_account(visit: Visitor, fields: Fields) -> Response:
    """Be seen otherwise."""
    wanted = {name: fields.get(name, "").strip() or None for name in ("display_name", "bio")}
    try:
        await visit.api.send("PUT", "/me", wanted)
    except Problem as problem:
        return _account(visit, fields, visit.again(problem))
    return visit.go(f"{PREFIX}/account", done="saved")


@router.post("/account/export")
async def export_account(visit: Visitor, _: Fields) -> Response:
    """All that is kept of the reader, as a file."""
    content = await visit.api.file("/me/export")
    headers = {"cache-control": "private, no-store", "content-disposition": 'attachment; filename="me.zip"'}
    return Response(content, media_type="application/zip", headers=headers)


@router.post("/account/delete")
async def delete_account(visit: Visitor, fields: Fields) -> Response:
    """End the account, for good."""
    wanted = {"content": fields.get("content", ""), "password": fields.get("password", "")}
    try:
        await visit.api.send("DELETE", "/me", wanted)
    except Problem as problem:
        if visit.me is None:
            raise
        return _account(visit, visit.me, problem, is_leaving=True)
    visit.log_out()
    return visit.go(f"{PREFIX}/shows", done="deleted")


@router.get("/users/{name}")
async def user(visit: Visitor, name: str) -> Response:
    """Somebody, as everybody sees them."""
    return visit.page("user.html", user=await visit.api.get(f"/users/{name}"))
