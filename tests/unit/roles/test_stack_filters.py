"""From a role's services to the configs and secrets of its stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from tests.unit.roles.load import load

stack = load("stack/filter_plugins/stack.py")


def service(content: str, target: str = "/run/secrets/tls.key") -> list[dict[str, Any]]:
    return [{"name": "one", "files": [{"kind": "secret", "target": target, "content": content}]}]


def test_a_changed_file_has_a_new_name() -> None:
    """Contents in the swarm never change, so a new content needs a new name."""
    old, same, new = (stack.stack_objects(service(text), "nginx")[0]["name"] for text in ("a", "a", "b"))
    assert old == same
    assert old != new


def test_services_name_what_objects_make() -> None:
    """The stack file refers to exactly the objects that are made, and holds no content."""
    named = stack.stack_services(service("hush"), "nginx")
    assert [item["name"] for item in named[0]["files"]] == [
        made["name"] for made in stack.stack_objects(service("hush"), "nginx")
    ]
    assert "hush" not in str(named)


def test_names_fit_into_the_swarm() -> None:
    """A name has at most 64 characters, whatever the node is called."""
    name = stack.stack_objects(service("x", "/etc/janus/janus.plugin.audiobridge.jcfg"), "janus_" + "n" * 63)[0]["name"]
    assert len(name) <= 64


def test_the_same_content_of_two_stacks_is_two_objects() -> None:
    """Else removing one stack would take the other's file."""
    one, other = (stack.stack_objects(service("ca"), name)[0]["name"] for name in ("a" * 30 + "1", "a" * 30 + "2"))
    assert one != other


def test_a_file_that_is_missing_says_who_makes_it(tmp_path: Path) -> None:
    """Only check mode may go on without it."""
    lacking = [{"name": "one", "files": [{"kind": "secret", "target": "/x", "file": str(tmp_path / "ca.crt")}]}]
    with pytest.raises(AnsibleFilterError, match="run the play that makes it"):
        stack.stack_objects(lacking, "etcd")
    assert len(stack.stack_objects(lacking, "etcd", missing_ok=True)) == 1


def test_a_service_is_known_by_what_it_is_made_of() -> None:
    """Another file, another setting or another template is another specification."""
    made = [stack.stack_services(service(text), "nginx", form=form)[0]["spec"] for text, form in (("a", ""), ("a", ""))]
    others = [
        stack.stack_services(service(text), "nginx", form=form)[0]["spec"] for text, form in (("b", ""), ("a", "x"))
    ]
    assert made[0] == made[1]
    assert len({made[0], *others}) == 3


def test_what_is_stale_is_replaced_in_order_and_the_leader_last() -> None:
    """Others stay as they are."""
    services = [{"name": name} for name in ("one", "two", "three")]
    assert turns(services, ["one", "three"], ["one"], {}) == [["three"], ["one"]]


def turns(*given: Any) -> list[list[str]]:
    """Names of what is replaced at a time."""
    return [[each["name"] for each in turn] for turn in stack.stack_turns(*given)]


def test_one_host_of_each_region_is_replaced_at_a_time() -> None:
    """With all that stands there; where a region has but one host it takes a turn of its own."""
    services = [{"name": f"{part}{host}", "host": f"h{host}"} for host in range(1, 6) for part in "gp"]
    hosts = {"h1": {"region": "eu"}, "h2": {"region": "eu"}, "h3": {"region": "us"}, "h4": {"region": "us"}, "h5": {}}
    names = [each["name"] for each in services]
    expected = [["g1", "p1", "g3", "p3"], ["g2", "p2", "g4", "p4"], ["g5", "p5"]]
    assert turns(services, names, [], hosts, True) == expected
    assert turns(services, ["g2", "g3", "g4"], [], hosts, True) == [["g2", "g3"], ["g4"]]
    assert turns(services, names, ["g1"], hosts, True)[-1] == ["g1"]
    assert turns(services, names, [], hosts) == [[name] for name in names]


def test_regions_choose_services_by_their_hosts() -> None:
    """None named means all."""
    services, hosts = [{"name": "a", "host": "h1"}, {"name": "b", "host": "h2"}], {"h1": {"region": "eu"}, "h2": {}}
    assert stack.stack_of_regions(services, hosts, []) == services
    assert stack.stack_of_regions(services, hosts, ["eu"]) == services[:1]
