"""What an address is for: the public, or somebody's own network."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from typing import Literal


Kind = Literal["public", "private", "loopback", "link-local", "other"]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class PrivateAddressError(OSError):
    """A redirect leads to an address that is none of the public ones."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, "it has an address that is not public")

    def __reduce__(self) -> tuple[type[PrivateAddressError], tuple[()]]:
        return type(self), ()


def kind_of(address: str) -> Kind:
    """Tell what an IP address is for."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        # An IPv4 address may be wrapped into one of IPv6, in several ways.
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return kind_of(str(inner))
    if found.is_loopback:
        return "loopback"
    if found.is_link_local:
        return "link-local"
    if found.is_multicast or found.is_unspecified or found.is_reserved:
        return "other"
    return "public" if found.is_global else "private"


async def kinds_of(host: str) -> frozenset[Kind]:
    """Tell what kinds of address a host has; none when that cannot be found out."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return frozenset(kind_of(str(address[4][0])) for address in found)
    except (OSError, ValueError):
        return frozenset()
