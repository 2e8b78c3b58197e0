"""The door: https, the page, problem documents when nobody is behind it."""

import json

from tests.support.parts import healthy


def ask(host, path, *words):
    return host.check_output(f"curl -sSk {' '.join(words)} https://127.0.0.1:8443{path}")


def test_it_is_healthy(host):
    """As its own health check says."""
    assert healthy(host, "nginx_local")


def test_it_serves_the_page(host):
    """Over https only."""
    assert "<title>rtcdn</title>" in ask(host, "/")
    assert host.run("curl -fsS http://127.0.0.1:8443/").rc != 0


def test_the_page_may_load_nothing_foreign(host):
    """The content security policy is on every answer."""
    assert "default-src 'none'" in ask(host, "/", "-I")


def test_it_says_when_nobody_is_behind_it(host):
    """503 as a problem document with a cure."""
    problem = json.loads(ask(host, "/v1/nodes"))
    assert problem["status"] == 503
    assert problem["cure"]


def test_calls_of_gateways_do_not_pass(host):
    """They go to the broker directly."""
    assert json.loads(ask(host, "/v1/sessions/a/participants/b/attach", "-X", "POST"))["status"] == 404
