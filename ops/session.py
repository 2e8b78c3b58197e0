"""``bin/rtcdn session``: a session of one's own, with links for speakers and viewers."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import jwt

from ops.client import CallRefused, Operator, find
from rtcdn.errors import RtcdnError
from rtcdn.ids import check_id

SCENARIOS = ("archipelago", "atollo", "big_island")
ROLES = ("moderator", "speaker", "viewer")
MAY = {"watch": ["view"], "ask": ["view", "speak"], "publish": ["view", "speak", "publish"]}
MAY_HELP = "what viewers may: watch, ask to speak (raise a hand), or publish (go on stage by themselves)"
DAY_S = 86400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--deployment", default="local", help="name of the deployment (default: local)")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    verbs = parser.add_subparsers(dest="verb", required=True)
    opening = verbs.add_parser("open", help="open a session and print its links")
    opening.add_argument("session")
    opening.add_argument("--scenario", choices=SCENARIOS, default="archipelago", help="its shape; pages are the same")
    opening.add_argument("--codec", choices=("vp8", "h264"), default="vp8", help="the session's one video codec")
    opening.add_argument("--slots", type=int, default=4, help="most speakers on stage")
    opening.add_argument("--audience", metavar="REGION=N", action="append", help="viewers expected in a region")
    opening.add_argument(
        "--audience-each", metavar="N", type=int, default=50, help="the same for every other region (50)"
    )
    opening.add_argument("--viewers", choices=tuple(MAY), default="ask", help=f"{MAY_HELP}; default: ask")
    closing = verbs.add_parser("close", help="end a session with all it holds")
    closing.add_argument("session")
    token = verbs.add_parser("token", help="admit one participant and print his token and links")
    token.add_argument("session")
    token.add_argument("participant")
    token.add_argument("--role", choices=ROLES, default="viewer")
    token.add_argument("--name", default="", help="as others see it")
    token.add_argument("--shared", action="store_true", help="one link for many viewers")
    token.add_argument("--may", choices=tuple(MAY), default="watch", help=f"{MAY_HELP}; default: watch")
    token.add_argument(
        "--keep", type=Path, metavar="FILE", help="write the token to FILE, unless one with half its life is there"
    )
    for each in (opening, token):
        each.add_argument("--life-s", type=int, default=DAY_S, help="life of the tokens in seconds (default: a day)")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; 1 when the broker refused."""
    try:
        deployment = find(args.deployment)
        check_id("session", args.session)
        with Operator(deployment) as operator:
            answer = {"open": _open, "close": _close, "token": _token}[args.verb](operator, args)
    except RtcdnError as error:
        print(f"session: {error}", file=sys.stderr)
        return 1
    print(json.dumps(answer, indent=2) if args.json else _text(answer))
    return 0


def audience(texts: list[str] | None, regions: list[str], each: int) -> dict[str, int]:
    """Viewers by region out of ``REGION=N``; ``each`` in every other region that has an egress."""
    found = dict.fromkeys(regions, each)
    for text in texts or []:
        region, _, number = text.partition("=")
        check_id("audience", region)
        if not number.isdigit():
            raise CallRefused(0, f"audience: {text!r} is not REGION=N, such as local=50")
        found[region] = int(number)
    return found


def _open(operator: Operator, args: argparse.Namespace) -> dict[str, Any]:
    _, nodes = operator.call("GET", "/v1/nodes")
    regions = sorted({node["region"] for node in nodes["nodes"] if node["kind"] == "ST"})
    body = {
        "scenario": args.scenario,
        "codec": args.codec,
        "slots": args.slots,
        "audience": audience(args.audience, regions, args.audience_each),
    }
    status, _ = operator.call("PUT", f"/v1/sessions/{args.session}", body)
    answer: dict[str, Any] = {"session": args.session, "created": status == 201}
    for role in ("moderator", "speaker"):
        answer[role] = admit(operator, args.session, role, role=role, life_s=args.life_s)
    answer["viewer"] = admit(
        operator, args.session, "viewer", role="viewer", life_s=args.life_s, shared=True, may=args.viewers
    )
    return answer


def _close(operator: Operator, args: argparse.Namespace) -> dict[str, Any]:
    operator.call("DELETE", f"/v1/sessions/{args.session}")
    return {"session": args.session, "closed": True}


def _token(operator: Operator, args: argparse.Namespace) -> dict[str, Any]:
    made = admit(
        operator,
        args.session,
        args.participant,
        role=args.role,
        life_s=args.life_s,
        name=args.name,
        shared=args.shared,
        may=args.may,
    )
    renewed = args.keep is not None and keep(args.keep, made["token"], args.life_s, time.time())
    return {"session": args.session, args.role: made, "renewed": renewed}


def keep(path: Path, token: str, life_s: int, now_s: float) -> bool:
    """Write ``token`` to ``path``, for its owner alone, unless the one there has half of ``life_s`` left."""
    try:
        old = jwt.decode(path.read_text(encoding="utf-8").strip(), options={"verify_signature": False})
        new = jwt.decode(token, options={"verify_signature": False})
        same = all(old.get(name) == new.get(name) for name in ("sub", "sid", "ns", "role", "rights"))
        if same and float(old["exp"]) - now_s > life_s / 2:
            return False
    except (FileNotFoundError, jwt.InvalidTokenError, KeyError, ValueError):
        pass
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(token, encoding="utf-8")
    return True


def admit(
    operator: Operator,
    session: str,
    participant: str,
    *,
    role: str,
    life_s: int,
    name: str = "",
    shared: bool = False,
    may: str = "watch",
) -> dict[str, Any]:
    """Admit a participant; his token and the links that carry it. ``may``: what a viewer may, of ``MAY``."""
    body = {"role": role, "name": "" if shared else name or participant, "shared": shared, "ttl_s": life_s}
    if role == "viewer":
        body["rights"] = MAY[may]
    _, answer = operator.call("PUT", f"/v1/sessions/{session}/participants/{participant}", body)
    base = operator.deployment.public_url
    made = {
        "participant": participant,
        "token": answer["token"],
        "expires_s": answer["expires_s"],
        # The page's parameters stand in the fragment, which no server sees.
        "page": f"{base}/#session={session}&token={answer['token']}",
        "whep": f"{base}/whep/{session}",
    }
    return made if role == "viewer" else {**made, "whip": f"{base}/whip/{session}"}


def _text(answer: dict[str, Any]) -> str:
    lines = [f"session {answer['session']}" + (" closed" if answer.get("closed") else "")]
    for role in ROLES:
        if role not in answer:
            continue
        made = answer[role]
        lines += ["", f"{role} ({made['participant']})", f"  page     {made['page']}", f"  WHEP     {made['whep']}"]
        lines += [f"  WHIP     {made['whip']}"] if "whip" in made else []
        lines += [f"  token    {made['token']}"]
    return "\n".join(lines)
