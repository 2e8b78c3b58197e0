"""Opens a session to verify a deployment with, says what is to be asked in each region, judges the answers.

``python -m ops.verify open`` and ``close`` serve ``ansible/verify.yml``, by JSON on standard input and output; what
``open`` prints holds tokens and keys. ``ops.verifier`` runs in between, in every region.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ops import addresses
from ops.client import CallRefused, Operator, find
from ops.entries import entries
from ops.firewall import PORT as TURN
from ops.turn import secrets as turn_secrets
from rtcdn import tls
from rtcdn.errors import ConfigError, RtcdnError
from rtcdn.tokens import OPERATOR, Claims, SigningKey

Json = dict[str, Any]
Table = Mapping[str, Any]
PREFIX = "verify-"
WITHIN_S = 25.0
TOKEN_S = 300
LEFT_S = 900  # a session of a run that was interrupted is ended by the next one after so long
MOST_SPEAKERS = 16  # on one stage
LOWEST_HZ, STEP_HZ = 400, 100  # tones of the speakers, apart from each other and their harmonics far enough
VARIABLES = (
    "rtcdn_hosts", "rtcdn_nodes", "rtcdn_brokers", "rtcdn_gateways", "rtcdn_turns", "rtcdn_ports", "rtcdn_regions",
    "rtcdn_deployment", "rtcdn_public_url", "rtcdn_pki", "rtcdn_secrets", "nginx_port",
)  # fmt: skip


# ---- who asks what


def places(variables: Table, among: Iterable[str] | None = None) -> dict[str, str]:
    """Region -> host of its gateway, of ``among``, that speaks and views there; one with a prober if there is one."""
    found: dict[str, str] = {}
    here = None if among is None else set(among)
    for gateway in sorted(variables["rtcdn_gateways"], key=lambda row: not row.get("prober")):
        if here is not None and gateway["host"] not in here:
            continue
        found.setdefault(str(variables["rtcdn_hosts"][gateway["host"]]["region"]), gateway["host"])
    return dict(sorted(found.items())[:MOST_SPEAKERS])


def url_of(region: str, variables: Table, groups: Table) -> str:
    """Where clients of a region enter."""
    hosts, regions = variables["rtcdn_hosts"], variables.get("rtcdn_regions") or {}
    port, url = variables["rtcdn_ports"]["nginx"], str(variables["rtcdn_public_url"])
    return entries(hosts, regions, groups.get("nginx", []), port, url).get(region) or url.rstrip("/")


def services(place: str, regions: Iterable[str], variables: Table, groups: Table, secret: str) -> list[Json]:
    """Services on hosts of ``regions``, at the addresses by which host ``place`` reaches them; all members of etcd."""
    hosts, ports = variables["rtcdn_hosts"], variables["rtcdn_ports"]
    wanted = set(regions)

    def near(name: str) -> bool:
        return str(hosts[name]["region"]) in wanted

    def at(name: str) -> str:
        address = addresses.reach(hosts, place, name)
        return f"[{address}]" if ":" in address else address

    found: list[Json] = [
        {"kind": "etcd", "name": f"etcd on {name}", "address": f"{at(name)}:{ports['etcd_client']}"}
        for name in groups.get("etcd", [])
    ]
    found += [
        {"kind": "broker", "name": row["id"], "url": f"https://{at(row['host'])}:{row['api']}"}
        for row in variables["rtcdn_brokers"]
        if near(row["host"])
    ]
    for row in variables["rtcdn_gateways"]:
        if not near(row["host"]):
            continue
        region, where = str(hosts[row["host"]]["region"]), at(row["host"])
        name = f"gateway {row['id']}"
        found.append({"kind": "gateway", "name": name, "url": f"http://{where}:{row['port']}", "region": region})
        if row.get("prober"):
            found.append({"kind": "prober", "name": f"prober {row['id']}", "url": f"https://{where}:{row['prober']}"})
    found += [
        {"kind": "registry", "name": "registry", "url": f"https://{at(name)}:{ports['registry']}"}
        for name in groups.get("registry", [])[:1]
        if near(name)
    ]
    for turn in variables.get("rtcdn_turns") or []:
        if near(turn["host"]):
            server = {"host": str(hosts[turn["host"]]["public"]), "port": int(turn.get("port", TURN)), "secret": secret}
            found.append({"kind": "turn", "name": f"turn {turn['id']}", **server})
    return found


def questions(variables: Table, groups: Table, secret: str, among: Iterable[str] | None = None) -> dict[str, Json]:
    """Host -> what is asked there, without tokens, certificates and trust. ``among``: hosts of a limited run."""
    by_region = places(variables, among)
    elsewhere = sorted({str(row["region"]) for row in variables["rtcdn_hosts"].values()} - set(by_region))
    speakers = [
        {"region": region, "participant": f"speaker-{region}", "tone": LOWEST_HZ + STEP_HZ * number}
        for number, region in enumerate(by_region)
    ]
    found: dict[str, Json] = {}
    for number, (region, host) in enumerate(by_region.items()):
        url = url_of(region, variables, groups)
        mine = [region, *(elsewhere if number == 0 else [])]
        door = {"kind": "nginx", "name": f"nginx of {region}", "url": url}
        found[host] = {
            "region": region,
            "regions": list(by_region),
            "url": url,
            "tone": speakers[number]["tone"],
            "speakers": speakers,
            "within_s": WITHIN_S,
            "services": [*services(host, mine, variables, groups, secret), door],
        }
    return found


# ---- what came of it


def judge(answers: Mapping[str, Json], regions: Iterable[str]) -> tuple[list[str], list[str]]:
    """Problems, and lines to show. ``answers`` by region; ``{"failed": why}`` where there is none."""
    names = list(regions)
    problems: list[str] = []
    for region in names:
        answer = answers.get(region) or {"failed": "nothing was asked there"}
        if "failed" in answer:
            problems.append(f"region {region}: could not be asked: {answer['failed']}")
            continue
        problems += [
            f"region {region}: {each['name']}: {each['error']}" for each in answer["services"] if each["error"]
        ]
        if answer["error"]:
            problems.append(f"region {region}: nobody could speak or view there: {answer['error']}")
            continue
        if answer["egress"] != region:
            problems.append(f"region {region}: its viewer was taken for one of {answer['egress']}")
        problems += [
            f"region {region}: the speaker of {speaker} {pair['error']}"
            for speaker, pair in answer["pairs"].items()
            if pair["error"]
        ]
    asked = sum(len(answer.get("services", [])) for answer in answers.values())
    return problems, [*table(answers, names), f"{asked} services answered a real call" if not problems else ""]


def table(answers: Mapping[str, Json], regions: list[str]) -> list[str]:
    """First frame in ms, from the speaker's region (row) to the viewer's (column); ``!`` where he was not got."""
    rows = [["first frame, ms", *regions]]
    for speaker in regions:
        pairs = [(answers.get(viewer) or {}).get("pairs", {}).get(speaker) for viewer in regions]
        rows.append([speaker, *("!" if not pair or pair["error"] else str(pair["frame_ms"]) for pair in pairs)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def results(hostvars: Mapping[str, Table], asks: Mapping[str, Json]) -> dict[str, Json]:
    """Region -> answer, out of what the task on each host registered."""
    found: dict[str, Json] = {}
    for host, ask in asks.items():
        result = hostvars[host].get("verify_answer") or {}
        try:
            found[ask["region"]] = json.loads(result["stdout"])
        except (KeyError, ValueError):
            said = str(result.get("stderr") or result.get("msg") or "no answer").strip()
            found[ask["region"]] = {"failed": said.splitlines()[-1] if said else "no answer"}
    return found


# ---- the session


def open_session(variables: Table, groups: Table, among: Iterable[str] | None = None) -> Json:
    """A new session with a speaker and a viewer of each region admitted, and the whole question of each host."""
    deployment = find(str(variables["rtcdn_deployment"]))
    folder = Path(variables["rtcdn_pki"])
    pem = {name: _pem(folder, name) for name in ("ops", "root")}
    files = [each for each in (deployment.ca, *deployment.also) if each and each != tls.SYSTEM]
    ca = "".join(Path(each).read_text(encoding="utf-8") for each in files)
    system = not files or tls.SYSTEM in deployment.also
    turns = variables.get("rtcdn_turns") or []
    secret = turn_secrets(f"{variables['rtcdn_secrets']}/turn.json")[0] if turns else ""
    asks = questions(variables, groups, secret, among)
    if not asks:
        raise ConfigError(["no host of a gateway is in this run: leave --limit away, or set rtcdn_verify=false"])
    session = f"{PREFIX}{int(time.time()):x}-{secrets.token_hex(3)}"
    with Operator(deployment) as operator:
        _close_left(operator)
        regions = [ask["region"] for ask in asks.values()]
        body = {"slots": len(regions), "audience": dict.fromkeys(regions, 1)}
        operator.call("PUT", f"/v1/sessions/{session}", body)
        try:
            for ask in asks.values():
                for role in ("speaker", "viewer"):
                    path = f"/v1/sessions/{session}/participants/{role}-{ask['region']}"
                    _, admitted = operator.call("PUT", path, {"role": role, "name": role, "ttl_s": TOKEN_S})
                    ask[role] = admitted["token"]
        except RtcdnError:
            operator.call("DELETE", f"/v1/sessions/{session}")
            raise
    key = SigningKey.from_pem(deployment.state / "secrets" / "token_key.pem")
    token = key.sign(Claims(sub="verify", scope=OPERATOR, exp=time.time() + TOKEN_S))
    for ask in asks.values():
        ask |= {"ca": ca, "system": system, "pem": pem}
        for each in ask["services"]:
            if each["kind"] == "broker":
                each["token"] = token
    return {"session": session, "asks": asks}


def _close_left(operator: Operator) -> None:
    """End sessions that an interrupted run left behind."""
    _, listed = operator.call("GET", "/v1/sessions")
    for each in listed["sessions"]:
        name = each["id"] if isinstance(each, Mapping) else str(each)
        begun = name.removeprefix(PREFIX).partition("-")[0]
        if name.startswith(PREFIX) and _hex(begun) < time.time() - LEFT_S:
            operator.call("DELETE", f"/v1/sessions/{name}")


def _hex(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0


def _pem(folder: Path, name: str) -> dict[str, str]:
    files = {"ca": "ca.crt", "crt": f"{name}.crt", "key": f"{name}.key"}
    return {part: (folder / file).read_text(encoding="utf-8") for part, file in files.items()}


def close_session(deployment: str, session: str, answers: Mapping[str, Json], regions: Iterable[str]) -> Json:
    """End the session; what stands against the deployment, and what to show."""
    problems, lines = judge(answers, regions)
    try:
        with Operator(find(deployment)) as operator:
            operator.call("DELETE", f"/v1/sessions/{session}")
    except CallRefused as error:
        problems.append(f"session {session} could not be closed: {error}; bin/rtcdn session close {session}")
    return {"problems": problems, "lines": [line for line in lines if line]}


def main(arguments: list[str]) -> int:
    """``open`` or ``close``; 1 with the reason on standard error."""
    given = json.load(sys.stdin)
    try:
        if arguments == ["open"]:
            print(json.dumps(open_session(given["variables"], given["groups"], given.get("among"))))
        else:
            print(json.dumps(close_session(given["deployment"], given["session"], given["answers"], given["regions"])))
    except (RtcdnError, OSError, ValueError) as error:
        print(f"verify: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
