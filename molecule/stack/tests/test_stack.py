"""The shared verbs: a stack as its services say, immutable content by hashed names, and a wait that tells the truth."""

import json

from tests.support.parts import container, healthy


def test_the_service_runs_and_is_healthy(host):
    """One task, where its host is."""
    assert healthy(host, "one_sleeper")


def test_files_are_inside(host):
    """The config is readable, the secret belongs to the service's user alone."""
    task = container(host, "one_sleeper")
    assert host.check_output(f"docker exec {task} cat /etc/plain") == "plain"
    assert host.check_output(f"docker exec {task} stat -c %a:%u /run/secrets/hidden") == "400:10001"


def test_names_end_in_a_hash(host):
    """So that changed content makes a new object and a rolling update."""
    names = host.check_output("docker config ls --format '{{.Name}}'; docker secret ls --format '{{.Name}}'").split()
    assert len(names) == 2
    assert all(len(name.rpartition("-")[2]) >= 8 or len(name.rpartition("_")[2]) >= 8 for name in names)


def test_the_service_rolls_back_by_itself(host):
    """Failed updates do not stay."""
    spec = json.loads(host.check_output("docker service inspect one_sleeper"))[0]["Spec"]
    assert spec["UpdateConfig"]["FailureAction"] == "rollback"
    assert spec["TaskTemplate"]["ContainerSpec"]["Init"] is True
