"""Filters of the playbooks: shims over ``ops``, which holds and tests the logic."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ops import addresses, images, inventory, mirrors, node_secrets, pki


class FilterModule:
    """Entry point of Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name in Jinja -> function."""
        return {
            "rtcdn_certificates": pki.certificates,
            "rtcdn_certificates_due": pki.due,
            "rtcdn_image_actions": images.actions,
            "rtcdn_node_secrets": node_secrets.read,
            "rtcdn_inventory_problems": inventory.problems,
            "rtcdn_jwks": node_secrets.jwks,
            "rtcdn_json_file": node_secrets.json_file,
            "rtcdn_image_plan": lambda names, cache: [
                asdict(each) for each in images.plan(list(names), cache=Path(cache))
            ],
            "rtcdn_image_references": lambda names, registry="": images.references(list(names), registry),
            "rtcdn_links": addresses.links,
            "rtcdn_listen": addresses.listen,
            "rtcdn_networks": addresses.networks,
            "rtcdn_meet": addresses.meet,
            "rtcdn_mirrors": mirrors.mirrors,
            "rtcdn_reach": addresses.reach,
            "rtcdn_seen_from": addresses.seen_from,
        }
