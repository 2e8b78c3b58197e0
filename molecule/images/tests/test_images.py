"""The image is in the engine of the host, under the tag of its content."""


def test_the_image_is_there(host):
    """The plan's tag is what the engine has."""
    tags = host.check_output("docker image ls --format '{{.Repository}}:{{.Tag}}'").split()
    assert any(tag.startswith("rtcdn/base:") for tag in tags)
