"""Which addresses a customer's URL may lead to: the public internet's, nothing else.

`ipaddress.is_global` alone is no guard: it passes multicast, 6to4, NAT64, IPv4 written as IPv6, and the
address at which one cloud answers its own machines.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier NAT; a cloud's metadata at 100.100.100.200
        "168.63.129.16/32",  # a cloud's host agent, on a public-looking address
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relay
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",  # Teredo among others
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)


def is_public(address: Address) -> bool:
    """Whether the address is an ordinary host of the public internet."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address.version == network.version and address in network for network in _NEVER)


def parse_address(text: str) -> Address:
    """An address as a resolver or a URL gives it; a zone id (`%eth0`) is dropped. Raises ValueError."""
    return ip_address(text.partition("%")[0])
