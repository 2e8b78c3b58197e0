"""The registry answers by TLS of the deployment's own authority."""

from tests.support.parts import REGISTRY_TLS


def test_it_answers_to_those_who_know_its_authority(host):
    """As engines do."""
    assert host.check_output(f"curl -fsS {REGISTRY_TLS} https://registry.rtcdn.internal:8090/v2/") == "{}"


def test_nobody_else_is_served(host):
    """Without trusting the authority there is no connection, and no plain one at all."""
    assert host.run("curl -sS https://registry.rtcdn.internal:8090/v2/").rc != 0
    assert host.run("curl -fsS http://registry.rtcdn.internal:8090/v2/").rc != 0


def test_it_listens_on_the_private_address(host):
    """Not on every one."""
    assert not host.socket("tcp://0.0.0.0:8090").is_listening
    assert host.socket("tcp://127.0.0.1:8090").is_listening


def test_its_key_is_closed_to_others(host):
    """On the host, as on the controller."""
    assert host.file(REGISTRY_TLS.split()[-1]).mode & 0o077 == 0
