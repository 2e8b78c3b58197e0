"""``rtcdn role``: a new role with its molecule scenario, from ``ops/skeleton``; and the READMEs of all roles.

What is written passes lint, the tree's tests and its own scenario as it is. More: docs/developing-roles.md.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import yaml

from ops import role_readme
from rtcdn.errors import ConfigError

TREE = Path(__file__).resolve().parents[1]
SKELETON = Path(__file__).resolve().parent / "skeleton"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_NAME = 24  # of a stack, in the names of its configs and secrets
PORTS = range(8500, 10000, 10)  # services' ports are 8080-9999; the first tables begin at 8080
PORT_IN_TEXT = re.compile(r"\b[89]\d{3}\b")
TAKEN = {"all", "ungrouped", "localhost", "shared", "site", "regions"}  # of Ansible, and of molecule/


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs of the verb."""
    verbs = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    maker = verbs.add_parser("new", help="write roles/NAME and molecule/NAME")
    maker.add_argument("name", metavar="NAME", help="a-z, 0-9 and _, such as page_counter")
    maker.add_argument("--port", type=int, help="where it listens (default: the first that nobody has)")
    maker.add_argument("--summary", default="", help="what it is, in one line")
    verbs.add_parser("readme", help="write the README of every role from its argument_specs")


def run(args: argparse.Namespace) -> int:
    """Write, and say what comes next."""
    if args.what == "readme":
        role_readme.main()
        return 0
    written = new(args.name, args.port, args.summary)
    print("\n".join(str(path.relative_to(TREE)) for path in written))
    print(f"\n{next_steps(args.name)}")
    return 0


def new(name: str, port: int | None = None, summary: str = "", tree: Path = TREE) -> list[Path]:
    """Write the role and its scenario into ``tree``; the files. Raises ConfigError, having written nothing."""
    problems = list(_problems(name, port, tree))
    if problems:
        raise ConfigError(problems)
    words = {
        "@name@": name,
        "@port@": str(port or free_port(tree)),
        "@summary@": summary.replace('"', "'") or f"Counts how often it was asked, as {name}",
    }
    written = []
    for part, folder in (("role", tree / "roles" / name), ("molecule", tree / "molecule" / name)):
        for source in sorted((SKELETON / part).rglob("*.in")):
            target = folder / _filled(str(source.relative_to(SKELETON / part).with_suffix("")), words)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled(source.read_text(encoding="utf-8"), words), encoding="utf-8")
            written.append(target)
    readme = tree / "roles" / name / "README.md"
    readme.write_text(role_readme.render(tree / "roles" / name), encoding="utf-8")
    return [*written, readme]


def _problems(name: str, port: int | None, tree: Path) -> list[str]:
    found = []
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        found.append(f"NAME {name!r}: use a-z, 0-9 and _, a letter first, at most {LONGEST_NAME} characters")
    elif name in TAKEN | groups(tree):
        found.append(f"NAME {name!r} is taken (a group of the inventories, a word of Ansible): choose another")
    else:
        there = [folder for folder in (f"roles/{name}", f"molecule/{name}") if (tree / folder).exists()]
        found += [f"NAME: {folder} is there already: choose another name, or remove it" for folder in there]
    if port is not None and not 1024 <= port <= 65535:
        found.append(f"--port {port}: choose one from 1024 to 65535, better from 8080 to 9999")
    elif port is not None and port in used_ports(tree):
        found.append(f"--port {port} is in a table or a role's defaults: leave the option out for {free_port(tree)}")
    return found


def groups(tree: Path = TREE) -> set[str]:
    """Groups that the inventories have; a role's hosts are those of the group of its name."""
    inventories = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in tree.glob("inventories/*/hosts.yml"))
    return {str(group) for each in inventories for group in each["all"].get("children", {})}


def used_ports(tree: Path = TREE) -> set[int]:
    """Ports of services that the inventories and the roles' defaults name."""
    named = [*tree.glob("inventories/*/group_vars/all/*.yml"), *tree.glob("roles/*/defaults/main.yml")]
    return {int(found) for path in named for found in PORT_IN_TEXT.findall(path.read_text(encoding="utf-8"))}


def free_port(tree: Path = TREE) -> int:
    """The first port, in steps of ten, that nobody has."""
    used = used_ports(tree)
    return next(port for port in PORTS if port not in used)


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def next_steps(name: str) -> str:
    """What is left to do, as commands and lines to paste."""
    return f"""It passes as it is:  bin/rtcdn test molecule --scenario {name}

Then make it part of the site (docs/developing-roles.md):
  inventories/<name>/hosts.yml   {name}: {{hosts: {{HOST: {{}}}}}}
  ansible/site.yml               - name: Run {name}
                                   hosts: managers[0]
                                   roles: [{name}]"""
