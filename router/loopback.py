"""Which hosts are this machine: no proxy can reach it, so none is asked for it."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Tells whether a host is this machine, by an address of it or as `localhost`.

    Another name may lead anywhere, or elsewhere tomorrow.

    Args:
        host: without its port; an IPv6 address with or without brackets.
    """
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        # Names know no capitals.
        return host.casefold() == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
