"""The event by its verbs: an empty plan, drift that it names, an apply that puts it right, and no trace left."""

from __future__ import annotations

import json
import subprocess

from tests.support.site import STATE, TREE, Site

EVENT = "events/local.yml"
LIMIT_S = 580


def rtcdn(site: Site, *words: str) -> tuple[int, str]:
    """How a command ends, and what it says on standard output."""
    command = ["docker", "exec", "--env", "CI=true", site.host.name, f"{TREE}/bin/rtcdn", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode in (0, 1, 2), done.stderr[-3000:]
    return done.returncode, done.stdout or done.stderr


def test_after_an_apply_the_plan_is_empty(deployment: Site) -> None:
    """Whatever the suite did before is put right; then nothing would change, and the plan ends with 0."""
    code, said = rtcdn(deployment, "apply", EVENT, "--yes")
    assert code == 0, said[-3000:]
    code, said = rtcdn(deployment, "plan", EVENT, "--json")
    plan = json.loads(said)
    assert (plan["changes"], plan["drift"], plan["certificates"], plan["images"], plan["leaving"]) == (
        [],
        [],
        [],
        [],
        [],
    )
    assert (code, plan["notice"], plan["notes"]) == (0, "", [])
    assert "ST local-st1" in plan["declared"]["duties"]["local"]


def test_a_plan_names_what_was_done_by_hand(deployment: Site) -> None:
    """A service scaled to nothing, one removed, a stack that nobody declared: named, and put right by an apply."""
    deployment.docker("service", "scale", "--detach", "gateway_gateway-2=0")
    deployment.docker("service", "rm", "gateway_prober-1")
    image = deployment.docker(
        "service", "inspect", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Image}}", "nginx_local"
    )
    labels = ("--label", "rtcdn.deployment=local", "--label", "com.docker.stack.namespace=janus_stray")
    words = (
        "service",
        "create",
        "--detach",
        "--name",
        "janus_stray_x",
        *labels,
        "--entrypoint",
        "sleep",
        image.strip(),
        "999",
    )
    deployment.docker(*words)
    code, said = rtcdn(deployment, "plan", EVENT, "--drift")
    assert code == 2, said[-3000:]
    for words_of_drift in (
        "service gateway_gateway-2: replicas is 0, deployed was 1",
        "service gateway_prober-1 is not there: it was removed by hand",
        "stack janus_stray runs and the inventory does not have it: apply removes it",
    ):
        assert words_of_drift in said, said[-3000:]


def test_an_apply_puts_it_right(deployment: Site) -> None:
    """The services are back, the stack is gone, nothing drifts, and status tells who applied it."""
    code, said = rtcdn(deployment, "apply", EVENT, "--yes")
    assert code == 0, said[-3000:]
    assert "janus_stray" not in deployment.docker("stack", "ls")
    deployment.healthy("gateway_gateway-2")
    deployment.healthy("gateway_prober-1")
    assert "applied 20" in deployment.rtcdn("status", EVENT)


def test_a_second_command_is_refused_while_one_is_at_work(deployment: Site) -> None:
    """And told which; nothing is changed by it, and nobody is locked out afterwards."""
    holder = "flock /var/lib/rtcdn/.local.lock sh -c 'echo held; cat'"
    words = ["docker", "exec", "--interactive", deployment.host.name, "sh", "-c", holder]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "held\n"
        code, said = rtcdn(deployment, "apply", EVENT, "--yes")
        process.stdin.close()
    assert code == 1
    assert rtcdn(deployment, "plan", EVENT, "--offline")[0] == 0, said


def test_destroy_proves_that_nothing_is_left(deployment: Site) -> None:
    """No container, volume, network, config, secret, table, file or swarm; what it says, the host says too."""
    code, said = rtcdn(deployment, "destroy", EVENT, "--yes")
    assert code == 0, said[-3000:]
    assert "nothing is left on local" in said
    for words in (("ps", "--all", "--quiet"), ("volume", "ls", "--quiet"), ("service", "ls", "--quiet")):
        what = deployment.host.run("sh", "-c", f"docker {' '.join(words)} 2> /dev/null || true")
        assert what == "", what
    assert deployment.docker("info", "--format", "{{.Swarm.LocalNodeState}}").strip() == "inactive"
    assert "rtcdn" not in deployment.host.run("cat", "/etc/hosts").replace(deployment.host.name, "")
    assert "rtcdn" not in deployment.host.run("sh", "-c", "nft list tables || true")
    for path in (STATE, "/opt/rtcdn", "/etc/rtcdn", "/etc/docker/certs.d/registry.rtcdn.internal:8090"):
        assert not deployment.host.succeeds("test", "-e", path), path
    assert rtcdn(deployment, "destroy", EVENT, "--yes")[0] == 0
