"""The OpenID providers that the settings name."""

from collections.abc import Iterator, Mapping

from hunmin.errors import ProviderUnknown
from hunmin.settings import ProviderSettings
from hunmin.signin.provider import Provider


class Providers:
    """Every provider that people may sign in with, by name."""

    def __init__(self, settings: Mapping[str, ProviderSettings]) -> None:
        """Note where they are; nobody is asked yet.

        Raises:
            ProviderWrong: The settings of one make no sense.
        """
        self._by_name = {name: Provider(name, section) for name, section in settings.items()}

    def __iter__(self) -> Iterator[Provider]:
        """Go through them in the order of the settings."""
        return iter(self._by_name.values())

    def get(self, name: str) -> Provider:
        """Return the provider of that name, or raise `ProviderUnknown`."""
        if name not in self._by_name:
            raise ProviderUnknown
        return self._by_name[name]
