"""The registry has the image under the tag of its content, and so has the engine."""

import json

from tests.support.parts import REGISTRY_TLS


def tags(host):
    listed = host.check_output("docker image ls --format '{{.Repository}}:{{.Tag}}'").split()
    return [tag for tag in listed if tag.startswith("registry.rtcdn.internal:8090/rtcdn/etcd:")]


def test_the_image_is_in_the_engine(host):
    """Once, tagged with the hash of what it is made of."""
    assert len(tags(host)) == 1


def test_the_image_is_in_the_registry(host):
    """Under the same tag."""
    listed = host.check_output(f"curl -fsS {REGISTRY_TLS} https://registry.rtcdn.internal:8090/v2/rtcdn/etcd/tags/list")
    assert json.loads(listed)["tags"] == [tags(host)[0].rpartition(":")[2]]
