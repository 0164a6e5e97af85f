"""The page of one's own account on which OpenID providers are linked and unlinked."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import RedirectResponse

from hunmin import accounts, faces
from hunmin.signin import challenges, provider_actions, provider_queries
from hunmin.signin.owner import check_owner
from hunmin.signin.provider_routes import Name, address_back, keep_secret, provider_of
from hunmin.signin.providers import Providers

router = faces.PageRouter(tags=["sign-in"])


class ProviderView(BaseModel):
    """A provider as its people see it."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    issuer: str
    linked: bool
    """Whether one's own account is opened with it."""


class ProvidersView(faces.View):
    """The providers, and which of them open one's own account."""

    template: ClassVar[str] = "signin/providers.html"

    providers: list[ProviderView]


class SetOutView(faces.View):
    """The page that leads to a provider which is to be linked."""

    template: ClassVar[str] = "signin/set_out.html"
    no_store: ClassVar[bool] = True

    provider: ProviderView


@router.get("/account/providers")
def show_providers(request: Request, act: accounts.PersonAct) -> ProvidersView:
    """Show the providers, and which of them open one's own account."""
    providers: Providers = request.app.state.providers
    linked = provider_queries.linked_issuers(act)
    return ProvidersView(
        providers=[
            ProviderView(
                name=one.name, title=one.title, issuer=one.issuer, linked=one.issuer in linked
            )
            for one in providers
        ]
    )


@router.post("/account/providers/{provider}/link")
def link(request: Request, act: accounts.PersonAct, provider: Name) -> SetOutView:
    """Begin to link one's own account with a provider, and show the way there.

    The way is a link and no redirect: a form of ours leads nowhere else.
    """
    check_owner(act, act.actor.user_id or "")
    there = provider_of(request, provider)
    data = {"provider": there.name, "back": address_back(request, there)}
    begun = challenges.make(
        act,
        "oidc",
        data=data,
        user_id=act.actor.user_id,
        session_id=accounts.session_id_of(request),
    )
    keep_secret(request, "link", begun.secret)
    return SetOutView(
        provider=ProviderView(name=there.name, title=there.title, issuer=there.issuer, linked=False)
    )


@router.post(
    "/account/providers/{provider}/unlink", status_code=303, response_class=RedirectResponse
)
def unlink(request: Request, act: accounts.PersonAct, provider: Name) -> RedirectResponse:
    """End that one's own account is opened with a provider."""
    provider_actions.unlink(act, provider_of(request, provider))
    return RedirectResponse("/account/providers", status_code=303)
