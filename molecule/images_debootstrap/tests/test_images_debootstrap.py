"""The base image was made here, from this host's mirror: a Debian that runs, in the registry too."""

from tests.support.parts import base_image, registry_tags


def test_it_was_made_by_debootstrap(host):
    """Its ground is the file system that debootstrap made; no registry of images was asked."""
    assert host.check_output("docker image ls --quiet rtcdn/rootfs:trixie")
    assert host.check_output("docker image inspect --format '{{.Comment}}' rtcdn/rootfs:trixie") == "debootstrap trixie"


def test_it_is_a_debian_that_runs(host):
    """Of the suite that its recipe names, with the user of our images and without packages' lists."""
    image = base_image(host)
    assert "VERSION_CODENAME=trixie" in host.check_output(f"docker run --rm --network none {image} cat /etc/os-release")
    assert host.check_output(f"docker run --rm --network none {image} id -u rtcdn") == "10001"


def test_it_is_in_the_registry(host):
    """Under the tag that the engine has."""
    assert registry_tags(host, "base") == [base_image(host).rpartition(":")[2]]
