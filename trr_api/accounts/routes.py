"""/accounts, /me and /users. No answer tells whether an address has an account."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import BackgroundTasks, Path, Query, Response

from trr_api import routing
from trr_api.accounts import mail, passwords, queries
from trr_api.accounts.schemas import (
    LogIn,
    LogOut,
    Me,
    NewAccount,
    NewPassword,
    Profile,
    Refresh,
    Registration,
    TokenPair,
    User,
)
from trr_api.accounts.service import Accounts, Pair
from trr_api.answers import personal
from trr_api.deps import Address, Catalog, People, Session, Somebody
from trr_api.parameters import Parameters
from trr_api.problems import Problem
from trr_api.session import banned

REGISTRATION_MINUTES = 24 * 60
RESET_MINUTES = 30

router = routing.router("", "accounts", max_body_size=routing.LARGEST_BODY)

Named = Annotated[str, Path(pattern="^[a-z0-9_]{3,30}$", examples=["ada"])]


@router.post("/accounts/registration", status_code=202, response_class=Response, summary="Ask for an account")
async def ask_for_account(
    address: Address, database: Catalog, accounts: People, tasks: BackgroundTasks, wanted: Registration
) -> Response:
    """A mail with a link comes; the answer is the same for an address that has an account already."""
    await accounts.count_attempt("mail", wanted.email, address)
    if await database.fetch(queries.HAS_EMAIL, [wanted.email]):
        text = "Somebody asked for an account with this address, which has one. If you forgot the password, reset it."
    else:
        token = accounts.tokens.mail("register", wanted.email, REGISTRATION_MINUTES)
        text = f"Choose a name and a password here:\n\n{accounts.settings.site_url}/confirm?token={token}"
    tasks.add_task(mail.send, accounts.settings, wanted.email, "Your account", text)
    return Response(status_code=202, background=tasks)


@router.post("/accounts", status_code=201, response_model=TokenPair, summary="Open the account that was asked for")
async def open_account(accounts: People, wanted: NewAccount) -> TokenPair:
    """Opens it and logs in. A name is somebody's alone."""
    email = accounts.tokens.read_mail("register", wanted.token)["sub"]
    kept = await passwords.hashed(wanted.password.get_secret_value())
    user = await accounts.create(wanted.name, wanted.display_name, email, kept)
    if user is None:
        raise Problem("conflict", f"The name {wanted.name} is taken, or this link was used before.")
    return _pair(accounts, await accounts.begin(user, kept))


@router.post("/accounts/login", response_model=TokenPair, summary="Log in")
async def log_in(address: Address, database: Catalog, accounts: People, given: LogIn) -> TokenPair:
    """A wrong password and an address without an account answer the same, after the same time."""
    await accounts.count_attempt("login", given.email, address)
    rows = await database.fetch(queries.BY_EMAIL, [given.email])
    user, kept = rows[0] if rows else (None, None)
    is_right = await passwords.is_right(given.password.get_secret_value(), kept)
    return _pair(accounts, await accounts.begin(user, kept) if is_right else None)


@router.post("/accounts/refresh", response_model=TokenPair, summary="Stay logged in")
async def refresh(accounts: People, given: Refresh) -> TokenPair:
    """Uses a refresh token up. One that comes a second time is in two hands: it ends the log-in on both."""
    return _pair(accounts, await accounts.refresh(given.refresh_token))


@router.post("/accounts/logout", status_code=204, summary="Log out")
async def log_out(session: Session, caller: Somebody, where: LogOut) -> Response:
    """Here or everywhere. Access tokens end with their log-in."""
    if caller.session_id is None and not where.everywhere:
        raise Problem("conflict", "This log-in belongs to an identity provider. Log out there.")
    await session.fetch(queries.log_out(None if where.everywhere else caller.session_id))
    return Response(status_code=204)


@router.post(
    "/accounts/password-reset", status_code=202, response_class=Response, summary="Ask for a link to a new password"
)
async def ask_for_reset(
    address: Address, database: Catalog, accounts: People, tasks: BackgroundTasks, wanted: Registration
) -> Response:
    """The answer is the same whether the address has an account or not."""
    await accounts.count_attempt("mail", wanted.email, address)
    for user, print_ in await database.fetch(queries.RESETTABLE, [wanted.email]):
        token = accounts.tokens.mail("reset", str(user), RESET_MINUTES, fingerprint=print_)
        text = f"Choose another password here:\n\n{accounts.settings.site_url}/reset?token={token}"
        tasks.add_task(mail.send, accounts.settings, wanted.email, "Your password", text)
    return Response(status_code=202, background=tasks)


@router.post("/accounts/password", status_code=204, summary="Choose another password")
async def choose_password(accounts: People, wanted: NewPassword) -> Response:
    """Ends all log-ins. The link is good once."""
    claims = accounts.tokens.read_mail("reset", wanted.token)
    kept = await passwords.hashed(wanted.password.get_secret_value())
    if not await accounts.set_password(UUID(claims["sub"]), claims["fingerprint"], kept):
        raise Problem("unauthorized", "This link is not valid any more. Ask for another one.")
    return Response(status_code=204)


@router.get("/me", response_model=Me, summary="Who I am")
async def get_me(session: Session, _: Somebody, __: Annotated[Parameters, Query()]) -> Response:
    """The caller, and whether they are banned."""
    [(body,)] = await session.fetch(queries.me())
    return personal(body)


@router.put("/me", status_code=204, summary="How I am seen")
async def change_me(session: Session, _: Somebody, profile: Profile) -> Response:
    """What is left out is taken away."""
    if not await session.fetch(queries.change_profile(profile.display_name, profile.bio)):
        raise banned()
    return Response(status_code=204)


@router.get("/users/{name}", response_model=User, summary="Somebody, by name")
async def get_user(session: Session, name: Named, _: Annotated[Parameters, Query()]) -> Response:
    """As everybody sees them."""
    rows = await session.fetch(queries.person(name))
    if not rows:
        raise Problem("not-found", f"There is nobody called {name}.")
    return personal(rows[0][0])


def _pair(accounts: Accounts, pair: Pair | None) -> TokenPair:
    if pair is None:
        raise Problem("unauthorized", "The address or the password is wrong.")
    seconds = round(accounts.settings.access_minutes * 60)
    return TokenPair(access_token=pair[0], expires_in=seconds, refresh_token=pair[1])
