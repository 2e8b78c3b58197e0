"""Three members, one of which was made anew, hold what the snapshot held."""

import json
import os
from pathlib import Path

import pytest
import yaml

testinfra_hosts = ["ansible://local"]
STATE = Path("/var/lib/rtcdn/molecule-etcd_three")
INVENTORY = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "inventory" / "address.yml"
HOSTS = yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))["all"]["hosts"]["local"]["rtcdn_hosts"]


def ctl(host, *words, only=""):
    """What etcdctl answers to root, by all members or by one."""
    names = [only] if only else list(HOSTS)
    urls = ",".join(f"https://{HOSTS[name]['private']}:8379" for name in names)
    pem = "\n".join(
        f"cat > /tmp/{name} <<'PEM'\n{(STATE / 'pki' / name).read_text(encoding='utf-8')}PEM"
        for name in ("ca.crt", "root.crt", "root.key")
    )
    line = f"etcdctl --endpoints={urls} --cacert=/tmp/ca.crt --cert=/tmp/root.crt --key=/tmp/root.key {' '.join(words)}"
    image = host.check_output("docker service inspect etcd_local --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}'")
    command = f"docker run --rm -i --network host --tmpfs /tmp:mode=1777 {image} sh"
    return host.check_output(f"{command} <<'SCRIPT'\n{pem}\n{line}\nSCRIPT")


def test_three_members_run(host):
    """None is a leftover of the one that was lost."""
    members = json.loads(ctl(host, "member", "list", "-w", "json"))["members"]
    assert sorted(member["name"] for member in members) == sorted(HOSTS)


@pytest.mark.parametrize("name", HOSTS)
def test_each_of_them_answers_with_what_was_kept(host, name):
    """A snapshot is restored on every member."""
    assert ctl(host, "get", "--print-value-only", "SS:kept", only=name) == "yes"
    assert ctl(host, "get", "--print-value-only", "SS:forgotten", only=name) == ""


def test_who_watches_is_told_to_read_everything_again(host):
    """Revisions go on far above those before the snapshot, and all below are compacted away."""
    status = json.loads(ctl(host, "endpoint", "status", "-w", "json"))
    assert all(each["Status"]["header"]["revision"] > 1_000_000_000 for each in status)


def test_a_collector_still_has_its_own_keys_only(host):
    """Users and roles are there."""
    assert "collector-local-st1" in ctl(host, "user", "list").split()
