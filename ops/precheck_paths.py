"""What is wrong on the way from host to host: ports that do not answer, small packets, clocks apart; the matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ops import precheck_needs
from ops.addresses import reach

Table = Mapping[str, Any]
LEAST_MTU, WHOLE_MTU = 1280, 1400  # an RTP packet of Janus with its headers; what an overlay network likes
LARGEST_OFFSET_S, WISE_OFFSET_S = 5.0, 0.5
SAID = {
    "silent": "no answer",
    "refused": "refused, though somebody listens",
    "wrong host": "another host answers",
    "cut": "cut off",
}


def findings(variables: Table, groups: Table, looked: Table, probed: Table) -> Iterator[tuple[Any, ...]]:
    """Check, host, text and whether it only warns."""
    wanted = precheck_needs.needs(variables, groups) if probed else []
    for source, results in probed.items():
        for target, result in results.items():
            address = reach(variables["rtcdn_hosts"], source, target)
            services = {
                (need.protocol, need.port): need.service
                for need in wanted
                if (need.source, need.target) == (source, target)
            }
            if _unknown_to(looked.get(target, {}), variables["rtcdn_hosts"][source]):
                text = f"was not tried from {source}: its firewall does not know {source} yet, this deployment tells it"
                yield "paths", target, text, True
            else:
                yield from _ports(source, target, address, services, result)
            yield from _quality(source, target, result)


def _unknown_to(facts: Table, source: Table) -> bool:
    """Has the host rules of ours that were made before there was ``source``?"""
    comes_from = {str(source.get(side)) for side in ("private", "public")}
    return bool(facts.get("firewalled")) and not comes_from & set(facts.get("firewall", []))


def _ports(
    source: str, target: str, address: str, services: Mapping[tuple[str, str], str], result: Table
) -> Iterator[tuple[Any, ...]]:
    tried = {(protocol, port): word for protocol in ("tcp", "udp") for port, word in result[protocol].items()}
    failed = {which: word for which, word in tried.items() if word != "ok"}
    if failed and failed == tried and set(failed.values()) == {"silent"}:
        text = (
            f"does not reach {target} at {address} on any port: is there a route, is {address} right in rtcdn_hosts, "
            f"does a firewall before {target} let {source} in?"
        )
        yield "paths", source, text
        return
    for word in sorted(set(failed.values())):
        by_service: dict[tuple[str, str], list[int]] = {}
        for (protocol, port), each in failed.items():
            if each == word:
                by_service.setdefault((protocol, _service(services, protocol, port)), []).append(int(port))
        ports = ", ".join(
            f"{protocol} {', '.join(map(str, sorted(numbers)))}{service}"
            for (protocol, service), numbers in by_service.items()
        )
        cure = (
            f"{address} leads elsewhere: mend rtcdn_hosts.{target}, or the mapping of addresses"
            if word == "wrong host"
            else f"open them for {source} in the firewalls of {target} and of its provider"
        )
        yield "paths", source, f"to {target} ({address}), {SAID.get(word, word)}: {ports}: {cure}"


def _service(services: Mapping[tuple[str, str], str], protocol: str, port: str) -> str:
    found = [
        name for (kind, text), name in services.items() if kind == protocol and precheck_needs.within(int(port), text)
    ]
    return f" ({found[0]})" if found else ""


def _quality(source: str, target: str, result: Table) -> Iterator[tuple[Any, ...]]:
    mtu, offset_s = result["mtu"], result["offset_s"]
    if mtu is not None and mtu < WHOLE_MTU:
        text = f"packets to {target} pass up to {mtu} bytes: media need {LEAST_MTU}; mend the tunnel or its MTU"
        yield "mtu", source, text, mtu >= LEAST_MTU
    if offset_s is not None and source < target and abs(offset_s) > WISE_OFFSET_S:
        text = (
            f"clocks of {source} and {target} are {abs(offset_s):.1f} s apart: start a time service (chrony or "
            "systemd-timesyncd) on both"
        )
        yield "clock", source, text, abs(offset_s) <= LARGEST_OFFSET_S


def table(probed: Table) -> str:
    """Round trips in ms from host (row) to host (column), and what packets and clocks are like; empty for one host."""
    hosts = sorted({*probed, *(target for results in probed.values() for target in results)})
    measured = [result for results in probed.values() for result in results.values()]
    if not measured:
        return ""
    rows = [["ms", *hosts]]
    for source in hosts:
        results = probed.get(source, {})
        rows.append([source, *(_ms(results[target]) if target in results else "." for target in hosts)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    mtus = [result["mtu"] for result in measured if result["mtu"]]
    offsets = [abs(result["offset_s"]) for result in measured if result["offset_s"] is not None]
    lines += [f"path MTU: {min(mtus)}" + (f" to {max(mtus)}" if len(set(mtus)) > 1 else "")] if mtus else []
    lines += [f"clocks: at most {1000 * max(offsets):.0f} ms apart"] if offsets else []
    return "\n".join(lines)


def _ms(result: Table) -> str:
    ms = result["rtt_ms"]
    return "-" if ms is None else f"{ms:.1f}" if ms >= 1 else f"{ms:.2f}"
