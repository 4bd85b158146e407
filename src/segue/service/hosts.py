"""Which names the service answers to, and from which origins pages may use it.

A service on somebody's own machine can be reached by every page in that person's browser. Browsers
keep pages of other sites from reading its answers, unless such a site makes its own name lead to
this machine (DNS rebinding): then only the name in the request's ``Host`` gives it away. So a
request must ask for a name that this service is known by.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import Scope

ANY = "*"
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\s:\[\]/?#@]+)(?::\d{1,5})?")


class Hosts:
    """The names that are answered to: those of this machine for itself, and others that are given.

    Parameters
    ----------
    names
        Names or addresses without a port; ``*`` is any.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = {_plain(name) for name in names}

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """For a request that is not to be answered: the status, and why in one sentence."""
        if ANY in self._names:
            return None
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1").lower()
        found = _HOST.fullmatch(host)
        if found is None or [name for name, _ in scope["headers"]].count(b"host") > 1:
            return 400, "The request names no host, or not in a valid form."
        if not self._answers(_plain(found["name"]), scope):
            return 421, (
                "This service does not answer under this host name; if it should, start it with "
                "--allow-host."
            )
        if self._foreign(headers, host):
            return 403, "Pages of other sites may not ask this service."
        return None

    def _answers(self, name: str, scope: Scope) -> bool:
        if name in self._names or name == "localhost" or name.endswith(".localhost"):
            return True
        address = _address(name)
        if address is None:
            return False
        local = scope.get("server")
        return address.is_loopback or (local is not None and address == _address(local[0]))

    def _foreign(self, headers: dict[bytes, bytes], host: str) -> bool:
        """Whether a browser says that a page of another site asks."""
        origin = headers.get(b"origin")
        if origin is None:
            site = headers.get(b"sec-fetch-site", b"none")
            # A link that somebody follows comes from another site, too.
            return site == b"cross-site" and headers.get(b"sec-fetch-mode") != b"navigate"
        try:
            parts = urlsplit(origin.decode("latin-1").lower())
            return parts.netloc != host and _plain(parts.hostname or "") not in self._names
        except ValueError:
            return True


def _plain(name: str) -> str:
    """A name as it is compared."""
    return name.lower().strip("[]").rstrip(".")


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
