"""What molecule's verifications ask of running parts, each by a real call from within a container of the host."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

IMAGE = "{{.Config.Image}}"
_TRUST = "/etc/docker/certs.d/registry.rtcdn.internal:8090"
_ESCAPED = _TRUST.replace(":", "\\:")  # curl takes what follows a colon for a passphrase, in this option alone
REGISTRY_TLS = f"--cacert {_TRUST}/ca.crt --cert '{_ESCAPED}/client.cert' --key {_TRUST}/client.key"
CERTIFICATES = {"--cacert": "/run/secrets/ca.crt", "--cert": "/run/secrets/tls.crt", "--key": "/run/secrets/tls.key"}


def container(host: Any, service: str) -> str:
    """Id of the running container of a Swarm service; fails with its log when none runs."""
    found = host.check_output(f"docker ps --quiet --filter label=com.docker.swarm.service.name={service}")
    assert found, f"{service} does not run:\n{host.run(f'docker service logs --tail 30 {service}').stdout}"
    return found.splitlines()[0]


def healthy(host: Any, service: str) -> bool:
    """Whether the service's own health check passes."""
    form = "{{.State.Health.Status}}"
    return bool(host.check_output(f"docker inspect --format '{form}' {container(host, service)}") == "healthy")


def curl(host: Any, service: str, url: str, *words: str) -> str:
    """Body of a call from within the service's container, with its own certificate."""
    tls = " ".join(f"{name} {path}" for name, path in CERTIFICATES.items()) if url.startswith("https") else ""
    return str(
        host.check_output(f"docker exec {container(host, service)} curl -fsS -m 5 {tls} {' '.join(words)} {url}")
    )


def base_image(host: Any) -> str:
    """Reference of the one base image in the engine of the host, as the registry has it."""
    listed = host.check_output("docker image ls --format '{{.Repository}}:{{.Tag}}'").split()
    found = [tag for tag in listed if tag.startswith("registry.rtcdn.internal:8090/rtcdn/base:")]
    assert len(found) == 1, f"base images in the engine: {listed}"
    return str(found[0])


def registry_tags(host: Any, name: str) -> list[str]:
    """Tags of ``rtcdn/<name>`` in the deployment's registry, asked as engines do."""
    url = f"https://registry.rtcdn.internal:8090/v2/rtcdn/{name}/tags/list"
    return list(json.loads(host.check_output(f"curl -fsS {REGISTRY_TLS} {url}"))["tags"])


def etcdctl(host: Any, user: str, *words: str) -> Any:
    """Result of etcdctl as the user of a certificate; certificates reach the container by standard input only."""
    image = host.check_output(f"docker inspect --format '{IMAGE}' {container(host, 'etcd_local')}")
    pki = Path("/var/lib/rtcdn") / f"molecule-{os.environ['MOLECULE_SCENARIO_NAME']}" / "pki"
    pem = "\n".join(
        f"cat > /tmp/{name} <<'PEM'\n{(pki / source).read_text(encoding='utf-8')}PEM"
        for name, source in (("ca.crt", "ca.crt"), ("tls.crt", f"{user}.crt"), ("tls.key", f"{user}.key"))
    )
    flags = "--endpoints=https://127.0.0.1:8379 --cacert=/tmp/ca.crt --cert=/tmp/tls.crt --key=/tmp/tls.key"
    script = f"{pem}\netcdctl {flags} {' '.join(words)}"
    command = f"docker run --rm -i --network host --tmpfs /tmp:mode=1777 {image} sh"
    return host.run(f"{command} <<'SCRIPT'\n{script}\nSCRIPT")
