"""A resource that a task or the driver was given."""

from __future__ import annotations

__all__ = ["ResourceInformation"]


class ResourceInformation:
    """The name of a resource and the addresses of the assigned ones: of GPUs, say, their numbers.

    >>> ResourceInformation("gpu", ["0", "1"]).addresses
    ['0', '1']
    """

    def __init__(self, name: str, addresses: list[str]) -> None:
        self._name = name
        self._addresses = addresses

    @property
    def name(self) -> str:
        """The resource's name."""
        return self._name

    @property
    def addresses(self) -> list[str]:
        """The addresses that tell one from another."""
        return self._addresses
