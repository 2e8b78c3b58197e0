"""The base image was made from the archive that the host was given: a Debian that runs, in the registry too."""

from tests.support.parts import base_image, registry_tags


def test_nothing_was_debootstrapped(host):
    """The tool is not even there."""
    assert not host.package("debootstrap").is_installed
    assert host.check_output("docker image inspect --format '{{.Comment}}' rtcdn/rootfs:trixie").startswith("Imported")


def test_it_is_a_debian_that_runs(host):
    """The given one, with the user of our images."""
    image = base_image(host)
    assert "VERSION_CODENAME=trixie" in host.check_output(f"docker run --rm --network none {image} cat /etc/os-release")
    assert host.check_output(f"docker run --rm --network none {image} id -u rtcdn") == "10001"


def test_it_is_in_the_registry(host):
    """Under the tag that the engine has."""
    assert registry_tags(host, "base") == [base_image(host).rpartition(":")[2]]
