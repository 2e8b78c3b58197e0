"""What ``up`` and ``apply`` end with: addresses, secrets, and how to publish and watch."""

from __future__ import annotations

import sys
import time

from ops import client, session
from rtcdn.errors import RtcdnError

DEMO = "demo"
DAY_S = 86400


def text(name: str, demo: bool) -> str:
    """The lines for the deployment ``name``; with ``demo``, a link to watch its stage."""
    deployment = client.find(name)
    which = "" if name == "local" else f" --deployment {name}"
    lines = [
        f"Page and API    {deployment.public_url}   (OpenAPI: /openapi.json, with an operator token)",
        f"Authority       {_authority(deployment)}",
        f"Secrets         {deployment.state}/secrets and {deployment.state}/pki, for root alone",
        f"Look            bin/rtcdn status{which}    bin/rtcdn logs{which}",
        f"Your session    bin/rtcdn session{which} open NAME    prints links to publish and to watch",
    ]
    if demo:
        lines += ["", *_demo(deployment)]
    return "\n".join(lines)


def _authority(deployment: client.Deployment) -> str:
    if deployment.also:
        return f"by ACME; until it has answered {deployment.ca} (bin/rtcdn logs --deployment {deployment.name} nginx)"
    return f"{deployment.ca}   (own certificate: the browser warns once)" if deployment.ca else "public"


def _demo(deployment: client.Deployment) -> list[str]:
    try:
        with client.Operator(deployment) as operator:
            viewer = session.admit(operator, DEMO, "viewer", role="viewer", life_s=DAY_S, shared=True, may="publish")
    except RtcdnError as error:
        print(f"rtcdn: no link to the demo: {error}", file=sys.stderr)
        return ["The demo session could not be asked for a link; see bin/rtcdn status."]
    ends = time.strftime("%Y-%m-%d %H:%M", time.localtime(time.time() + DAY_S))
    return [
        f"The demo is on stage: a running clock and a tone. Watch it, or go on stage yourself, until {ends}:",
        f"  {viewer['page']}",
        f"By any WHEP player: {viewer['whep']} with the token of that link as bearer.",
    ]
