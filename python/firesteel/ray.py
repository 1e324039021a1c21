"""The connection to Ray, for the masters ``ray`` and ``ray://HOST:PORT``; :mod:`firesteel.rayactors` asks it for
executors.

The library ``ray`` is imported here alone, and only for such a master.
"""

from __future__ import annotations

import importlib
import logging
import socket
from typing import TYPE_CHECKING, Any

from firesteel.errors import FiresteelError

if TYPE_CHECKING:
    from firesteel._native import Pool
    from firesteel.rayactors import Manager

__all__ = ["Connection", "connect"]

#: How often it is tried to become a client of Ray's where its server fails to make a process for it.
CLIENT_ATTEMPTS = 3


def is_master(master: str) -> bool:
    """Returns whether a master is Ray.

    >>> is_master("ray"), is_master("ray://head:10001"), is_master("local[4]")
    (True, True, False)
    """
    return master == "ray" or master.startswith("ray://")


def connect(master: str) -> Connection:
    """Connects to the Ray that a master names, or takes the connection that the program has already.

    >>> connect("ray://nowhere.invalid:10001")  # doctest: +SKIP
    Traceback (most recent call last):
        ...
    firesteel.errors.FiresteelError: with the master `ray://nowhere.invalid:10001`: ...
    """
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise FiresteelError(
            f"the master `{master}` needs the library ray, of the version that the cluster has: pip install ray"
            f" ({error})"
        ) from None
    if ray.is_initialized():
        return Connection(ray, master, is_ours=False)
    try:
        if master == "ray":
            ray.init(address="auto", logging_level=logging.WARNING)
        else:
            _become_client(ray, master)
    except Exception as error:  # whatever Ray raises: a connection's errors have no common class
        raise FiresteelError(f"with the master `{master}`: {_why_not_connected(master, error)}") from None
    return Connection(ray, master, is_ours=True)


def _become_client(ray: Any, master: str) -> None:
    """Connects to a client server of Ray's.

    The server forks a process for each client, which now and then dies of its libraries' threads before it serves.
    Another one does not, mostly.
    """
    for left in reversed(range(CLIENT_ATTEMPTS)):
        try:
            # Further arguments would be those of the process on the other side.
            ray.init(address=master)
            return
        except ConnectionError as error:
            if not left or "Initialization failure" not in str(error):
                raise
            ray.util.disconnect()


def _why_not_connected(master: str, error: Exception) -> str:
    text = first_line(error).rstrip(":")
    if master == "ray" and "Could not find any running Ray" in text:
        return (
            "no Ray runs on this machine: `ray start --head` starts one, `ray start --address HOST:PORT` joins one on"
            " another machine, and the variable RAY_ADDRESS says which where there are several"
        )
    if master == "ray":
        return f"Ray cannot be reached: {text}"
    return (
        f"Ray cannot be reached: {text} (the port is that of Ray's client server, 10001 unless it was started with"
        " --ray-client-server-port, and needs `pip install 'ray[client]'` on both sides; a program on a machine of the"
        " cluster has the master `ray`)"
    )


class Connection:
    """The program's connection to Ray."""

    def __init__(self, ray: Any, master: str, is_ours: bool) -> None:
        self._ray = ray
        self._master = master
        self._is_ours = is_ours

    def settings(self, settings: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Returns an application's settings with the driver's address by which Ray's nodes reach it.

        >>> Connection(None, "ray", False).settings([("firesteel.driver.host", "10.0.0.7")])
        [('firesteel.driver.host', '10.0.0.7')]
        """
        if any(key == "firesteel.driver.host" for key, _ in settings):
            return settings
        return [*settings, ("firesteel.driver.host", self._own_address())]

    def _own_address(self) -> str:
        if self._is_client():
            # This machine is no node of the cluster: its address is the one from which it reaches the cluster.
            host, _, port = self._master.removeprefix("ray://").rpartition(":")
            if host and port.isdigit():
                found = _address_towards(host, int(port))
                if found:
                    return found
        address: str = self._ray.util.get_node_ip_address()
        return address

    def _is_client(self) -> bool:
        return bool(self._ray.util.client.ray.is_connected())

    def manager(self, plan: dict[str, Any], pool: Pool) -> Manager:
        """Makes the manager of an application; the engine calls it."""
        from firesteel.rayactors import Manager

        return Manager(self._ray, plan, pool)

    def close(self) -> None:
        """Ends the connection, unless the program had made it before.

        >>> Connection(None, "ray", False).close()
        """
        if self._is_ours:
            self._ray.shutdown()


def _address_towards(host: str, port: int) -> str | None:
    """Returns the address of this machine that packets to another one leave from. Nothing is sent to find it.

    >>> _address_towards("127.0.0.1", 10001)
    '127.0.0.1'
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError:
        return None


def first_line(error: object) -> str:
    """Returns an error's text without what follows its first line.

    >>> first_line(OSError("no such file\\nand more"))
    'no such file'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
