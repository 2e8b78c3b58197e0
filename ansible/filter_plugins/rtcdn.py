"""Filters of the playbooks: shims over ``ops``, which holds and tests the logic."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ops import (
    acme,
    addresses,
    declared,
    duties,
    entries,
    firewall,
    images,
    inventory,
    mirrors,
    node_secrets,
    pki,
    precheck,
    precheck_needs,
    precheck_seen,
    rollout,
    turn,
    verify,
)


class FilterModule:
    """Entry point of Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name in Jinja -> function."""
        return {
            "rtcdn_acme_served": acme.served,
            "rtcdn_declared": declared.read,
            "rtcdn_stacks": declared.stacks,
            "rtcdn_last_first": declared.last_first,
            "rtcdn_certificates": pki.certificates,
            "rtcdn_certificates_due": pki.due,
            "rtcdn_serving": pki.serving,
            "rtcdn_csp_sources": entries.sources,
            "rtcdn_entries": entries.entries,
            "rtcdn_host_images": duties.images,
            "rtcdn_image_actions": images.actions,
            "rtcdn_node_secrets": node_secrets.read,
            "rtcdn_node_secrets_all": node_secrets.read_all,
            "rtcdn_inventory_problems": inventory.problems,
            "rtcdn_is_among": firewall.is_among,
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
            "rtcdn_images_of": rollout.images_of,
            "rtcdn_node_turns": rollout.node_turns,
            "rtcdn_nodes_in_order": rollout.nodes_in_order,
            "rtcdn_verify_results": verify.results,
            "rtcdn_verify_variables": lambda variables: {
                name: variables[name] for name in verify.VARIABLES if name in variables
            },
            "rtcdn_mirrors": mirrors.mirrors,
            "rtcdn_peers": firewall.peers,
            "rtcdn_precheck_listen": precheck_needs.ask_listen,
            "rtcdn_precheck_probe": precheck_needs.ask_probe,
            "rtcdn_precheck_ports": precheck_seen.ports,
            "rtcdn_precheck_seen": precheck_seen.seen,
            "rtcdn_precheck_variables": lambda variables: {
                name: variables[name] for name in precheck.VARIABLES if name in variables
            },
            "rtcdn_public_tcp": firewall.public_tcp,
            "rtcdn_public_udp": firewall.public_udp,
            "rtcdn_reach": addresses.reach,
            "rtcdn_seen_from": addresses.seen_from,
            "rtcdn_turn_files": turn.files,
            "rtcdn_turn_peers": turn.peers,
            "rtcdn_turn_servers": turn.servers,
        }
