"""The host: packages, UDP buffers, and ports closed to the outside."""


def test_packages_are_there(host):
    """What other roles and operators need."""
    for name in ("ca-certificates", "curl", "iproute2", "nftables"):
        assert host.package(name).is_installed


def test_the_table_closes_ports(host):
    """One table of ours, loaded, and again at each start."""
    assert "table inet rtcdn" in host.check_output("nft list tables")
    assert host.service("rtcdn-nftables").is_enabled


def test_links_between_nodes_are_closed(host):
    """The UDP range of links into mountpoints is named in a rule; the ones of WebRTC are not dropped."""
    rules = host.check_output("nft list table inet rtcdn")
    assert "25500-26999" in rules
    assert "24000-25499" not in rules


def test_ssh_is_never_named(host):
    """Whatever the rules are, port 22 stays as it was."""
    assert " 22 " not in host.check_output("nft list table inet rtcdn")
