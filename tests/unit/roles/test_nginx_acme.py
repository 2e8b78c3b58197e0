"""What the role nginx makes of ACME: a second service per host, a port, and nothing where it is not set."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from tests.unit.roles.rendered import render
from tests.unit.roles.test_addresses import ONE, variables

SERVICES = "roles/nginx/templates/services.yml.j2"
ACME: dict[str, Any] = {
    "nginx_acme": {"directory": "https://acme.example/dir", "ca": "/root.pem"},
    "__nginx_acme_names": {"eu": ["eu.example.org", "ap.example.org"]},
    "nginx_acme_port": 80,
    "nginx_acme_retry_s": 120,
    "nginx_listen": "0.0.0.0",
    "nginx_acme_image": "registry/rtcdn/acme:1",
    "nginx_image": "registry/rtcdn/nginx:1",
    "nginx_entries": {"eu": "https://eu.example.org", "us": "https://us.example.org"},
}
HOSTS = {**ONE, "eu2": {"private": "10.0.0.3", "public": "203.0.113.3", "region": "eu"}}


def services(**changed: Any) -> dict[str, dict[str, Any]]:
    """The services of three hosts by name."""
    listed = yaml.safe_load(render(SERVICES, {**variables(HOSTS), **copy.deepcopy(ACME), **changed}))
    return {each["name"]: each for each in listed}


def conf(service: dict[str, Any]) -> str:
    """Its nginx configuration."""
    return str(next(each["content"] for each in service["files"] if each["target"] == "/etc/nginx/rtcdn.conf"))


def test_each_nginx_that_acme_serves_has_a_client_and_its_volume() -> None:
    """A region with a certificate of its own has neither, nor the port."""
    found = services()
    assert list(found) == ["eu1", "us1", "eu2", "acme-eu1", "acme-eu2"]
    client = found["acme-eu1"]
    assert client["environment"]["ACME_NAMES"] == "eu.example.org ap.example.org"
    assert client["environment"]["REQUESTS_CA_BUNDLE"] == client["files"][0]["target"]
    assert client["volumes"] == found["eu1"]["volumes"]
    assert "$shown/public.crt" in conf(found["eu1"])
    assert "volumes" not in found["us1"]
    assert "acme" not in conf(found["us1"])
    assert found["us1"]["command"][0] == "nginx"


def test_a_challenge_is_passed_on_to_the_others_of_the_region() -> None:
    """To no host of another region, and not at all where there is one."""
    text = conf(services()["eu1"])
    assert "server 10.0.0.3:80 max_fails=0;" in text
    assert "10.0.0.2:80" not in text
    assert "return 301 https://eu.example.org$request_uri;" in text
    alone = conf(services(nginx_hosts=["eu1", "us1"])["eu1"])
    assert "acme_others" not in alone
    assert "try_files $uri =404;" in alone


def test_nothing_of_it_is_there_without() -> None:
    """Neither service, volume nor port; a system's authority needs no file."""
    plain = services(nginx_acme={}, __nginx_acme_names={})
    assert list(plain) == ["eu1", "us1", "eu2"]
    assert not [each for each in plain.values() if "acme" in str(each)]
    known = services(nginx_acme={"directory": "https://acme.example/dir"})["acme-eu1"]
    assert known["files"] == []
    assert "REQUESTS_CA_BUNDLE" not in known["environment"]
