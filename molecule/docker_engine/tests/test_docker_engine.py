"""An engine answers, starts at boot, and has the settings that were asked for."""


def test_the_engine_answers(host):
    """The client reaches the daemon."""
    assert host.check_output("docker info --format '{{.ServerVersion}}'")


def test_it_runs_a_container(host):
    """Made of the host's own shell: storage, namespaces and limits work, not the daemon alone."""
    files = "$(readlink -f /bin/sh) $(ldd /bin/sh | grep -o '/[^ ]*')"
    host.run_expect([0], f"tar --create --dereference /bin/sh {files} | docker import - rtcdn/shell")
    assert (
        host.check_output("docker run --rm --network none --memory 64m rtcdn/shell /bin/sh -c 'echo $((6 * 7))'")
        == "42"
    )


def test_it_starts_at_boot(host):
    """The service is enabled."""
    assert host.service("docker").is_enabled


def test_modules_find_what_they_need(host):
    """Ansible's Docker modules import these on the host."""
    host.run_expect([0], "python3 -c 'import docker, jsondiff, requests, yaml'")
