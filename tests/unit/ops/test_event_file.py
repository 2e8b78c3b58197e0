"""An event file that is wrong says where and what to do about it, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ops import event
from ops.event.schema import FILE
from ops.event.source import read
from rtcdn.errors import ConfigError

GOOD = """\
event: expo
about: Two halls
ssh: {user: root}
regions:
  eu:
    place: [50.1, 8.7]
    hosts:
      eu1: {private: 192.0.2.11, zone: a, price_hour: 0.5}
      eu2: {private: 192.0.2.12, zone: b, price_hour: 0.5}
  us:
    place: [39.0, -77.5]
    hosts:
      us1: {private: 198.51.100.11, price_hour: 0.5}
control: {region: eu, managers: 1, etcd: 3}
sessions:
  - {name: talk, speakers: 2, viewers: 100, length: 2h, codec: vp8}
  - {name: room, scenario: atollo, count: 5, speakers: 4}
audience:
  regions: {eu: 60%, us: 40%}
  curve:
    - {at: 0m, share: 0%}
    - {at: 30m, share: 100%}
    - {at: 2h, share: 0%}
features: {turn: true}
ports: {udp: 20000-39999, turn_relay: 40000-40999}
firewall: {policy: closed}
limits: {hosts: 4, cost_per_hour: 100}
"""

# What is written instead of what; then the line, the key and words of the cure.
MUTATIONS = [
    ("about: Two", "abuot: Two", "2: abuot: ", "did you mean about?"),
    ("about: Two halls", "description: Two halls", "2: description: ", "did you mean about?"),
    ("event: expo", "event: Expo!", "1: event: ", "use a-z, 0-9 and '-'"),
    ("event: expo\n", "", "1: lacks `event`", "name of the event"),
    ("place: [50.1, 8.7]", "place: [50.1]", "6: regions.eu.place: ", "write [latitude, longitude]"),
    ("place: [50.1, 8.7]", "place: [95, 8.7]", "6: regions.eu.place[0]: ", "90"),
    ("private: 192.0.2.11, ", "", "8: regions.eu.hosts.eu1: lacks `private`", "reach it"),
    ("zone: a,", "zones: a,", "8: regions.eu.hosts.eu1.zones: ", "did you mean zone?"),
    (
        "price_hour: 0.5}\n      eu2",
        "price_hour: cheap}\n      eu2",
        "8: regions.eu.hosts.eu1.price_hour: ",
        "0 or more",
    ),
    ("      us1: {private: 198.51.100.11, price_hour: 0.5}", "      {}", "12: regions.us.hosts: is empty", "one host"),
    ("us1: {private: 198.51.100.11,", "eu1: {private: 198.51.100.11,", "13: regions.us.hosts.eu1: ", "leave it in one"),
    (
        "      us1: {private: 198.51.100.11, price_hour: 0.5}",
        "      [us-*]",
        "13: regions.us.hosts[0]: ",
        "`inventory`",
    ),
    ("private: 192.0.2.12", "private: 192.0.2.11", "9: regions.eu.hosts.eu2.private: ", "its own"),
    ("eu2: {private", "etcd: {private", "9: regions.eu.hosts.etcd: ", "name of a group"),
    ("region: eu,", "region: euu,", "14: control.region: euu is no region", "did you mean eu?"),
    ("etcd: 3", "etcd: 2", "14: control.etcd: ", "use 1, 3 or 5"),
    ("etcd: 3", "etcd: 5", "14: control.etcd: is 5, and the event has 3", "add hosts"),
    ("managers: 1", "managers: 3", "14: control.managers: is 3, and eu has 2", "add hosts"),
    ("codec: vp8", "codec: vp9", "16: sessions[0].codec: ", "did you mean vp8?"),
    ("viewers: 100", "viewers: -1", "16: sessions[0].viewers: is -1", "0 or more"),
    ("speakers: 2,", "speakers: 5,", "16: sessions[0].speakers: 5 speakers and 4 slots", "raise slots"),
    ("speakers: 4}", "speakers: 17}", "17: sessions[1].speakers: 17 people", "use archipelago or big_island"),
    ("count: 5,", "count: 5, at_once: 6,", "17: sessions[1].at_once: ", "raise count"),
    ("name: room", "name: talk", "17: sessions[1].name: ", "its own name"),
    ("length: 2h", "length: 2 hours", "16: sessions[0].length: ", "such as 90m"),
    ("scenario: atollo", "scenario: island", "17: sessions[1].scenario: ", "big_island"),
    ("us: 40%}", "us: 30%}", "19: audience.regions: come to 90%", "sum to 100%"),
    ("us: 40%}", "us: 40}", "19: audience.regions.us: ", "shares for all"),
    ("{eu: 60%, us: 40%}", "{eu: 60, us: -4}", "19: audience.regions.us: is -4", "0 or more"),
    ("{eu: 60%, us: 40%}", "{eu: 60, us: 40}", "19: audience.regions: come to 100 people", "hold 122"),
    ("us: 40%}", "asia: 40%}", "19: audience.regions.asia: is no region", "use one of eu, us"),
    ("at: 30m", "at: 3h", "23: audience.curve[2].at: 2h does not come after 3h", "in order"),
    ("share: 100%", "share: 120%", "22: audience.curve[1].share: ", "0% to 100%"),
    ("features: {turn: true}", "features: {recordings: true}", "24: features.recordings: ", "not part of this release"),
    ("turn: true", 'turn: "yes"', "24: features.turn: ", "true or false"),
    ("turn_relay: 40000-40999", "turn_relay: 39000-40999", "25: ports.turn_relay: ", "overlap"),
    ("udp: 20000-39999", "udp: 9000-12000", "25: ports.udp: ", "10000-10999"),
    ("udp: 20000-39999", "udp: 20000-22000", "25: ports.udp: ", "widen it"),
    ("udp: 20000-39999", "udp: 39999-20000", "25: ports.udp: ", "upwards"),
    ("ports: {", "ports: {broker: 8201, ", "25: ports.gateway: port 8201 of eu1", "move one"),
    ("policy: closed", "policy: open", "26: firewall.policy: ", "list, closed"),
    ("hosts: 4,", "hosts: 2,", "27: limits.hosts: 3 hosts carry duties", "raise it"),
    (
        "cost_per_hour: 100",
        "cost_per_hour: 1",
        "27: limits.cost_per_hour: the plan costs 1.50 EUR",
        "raise the ceiling",
    ),
    ("ssh: {user: root}", "ssh: {password: hunter2}", "3: ssh.password: ", "secret does not belong"),
    ("about: Two halls", 'about: "-----BEGIN PRIVATE KEY-----"', "2: about: is a key", "path of its file"),
    (
        "about: Two halls",
        "engine: {options: {https-proxy: 'http://me:pass@192.0.2.1'}}",
        "2: engine.options",
        "password",
    ),
    ("about: Two halls", "variables: {chat_secret: hunter2}", "2: variables.chat_secret: ", "secret in plain"),
    ("about: Two halls", "variables: {rtcdn_nodes: []}", "2: variables.rtcdn_nodes: ", "is compiled"),
    ("about: Two halls", "event: other", "2: event: is there twice", "line 1"),
    ("about: Two halls", "\tabout: Two halls", "2: a tab", "indent by spaces"),
    ("about: Two halls", "about: [Two", "3: is no YAML", "look at this line"),
    ("about: Two halls", "certificates: {kind: acme}", "2: certificates: lacks `acme`", "directory"),
    ("about: Two halls", "certificates: {acme: {email: a@b}}", "2: certificates.acme: lacks `directory`", "https URL"),
    (
        "about: Two halls",
        "certificates: {acme: {directory: 'http://a.example'}}",
        "2: certificates.acme.directory: ",
        "https",
    ),
    (
        "about: Two halls",
        "certificates: {acme: {directory: 'https://a.example', mail: a@b}}",
        "2: certificates.acme.mail: ",
        "did you mean email?",
    ),
    (
        "about: Two halls",
        "certificates: {acme: {directory: 'https://a.example', ca: none.pem}}",
        "2: certificates.acme.ca: none.pem is not there",
        "PEM",
    ),
    (
        "about: Two halls",
        "certificates: {certificate: a.pem, key: b.pem, acme: {directory: 'https://a.example'}}",
        "2: certificates.acme: stands beside certificate",
        "keep one",
    ),
    (
        "about: Two halls",
        "certificates: {certificate: a.pem, key: expo.yml}",
        "2: certificates.certificate: a.pem",
        "PEM",
    ),
    ("about: Two halls", "policy: {name: nearer}", "2: policy.name: nearer is no policy", "did you mean nearest?"),
    ("about: Two halls", "policy: {policies: {own: {scores: {nera: 1}}}}", "2: policy.policies.own", "'near'"),
    ("about: Two halls", "versions: {janos: tree}", "2: versions.janos: ", "did you mean janus?"),
    ("about: Two halls", "inventory: nowhere", "2: inventory: ", "path of an inventory"),
    ("zone: b, ", "zone: b, spare: true, duties: [etcd], ", "9: regions.eu.hosts.eu2.duties: ", "spare"),
    ("zone: b, ", "zone: b, nodes: {AB: 1}, ", "9: regions.eu.hosts.eu2.nodes: AB without VR", "private_network"),
    ("zone: b, ", "zone: b, network: other, ", "8: regions.eu.hosts.eu1: lacks `public`", "other networks"),
    ("private: 192.0.2.12", "private: 127.0.0.1", "9: regions.eu.hosts.eu2.private: ", "cannot reach it"),
    ("zone: b, ", "zone: b, connection: local, ", "9: regions.eu.hosts.eu2.connection: ", "write `public`"),
]


def problems(folder: Path, text: str) -> list[str]:
    """What is said of a text."""
    path = folder / "expo.yml"
    path.write_text(text, encoding="utf-8")
    try:
        event.load(path)
    except ConfigError as error:
        return [problem.replace(str(path), "expo.yml") for problem in error.problems]
    return []


def test_entries_by_acme_have_names(tmp_path: Path) -> None:
    """Each region's, unless it has a certificate of its own."""
    acme = GOOD + "certificates: {acme: {directory: 'https://acme.example/dir'}}\n"
    told = problems(tmp_path, acme)
    assert [line.partition(", for which")[0] for line in told] == [
        "expo.yml:5: regions.eu.url: is 192.0.2.11",
        "expo.yml:10: regions.us.url: is 198.51.100.11",
    ]
    named = acme.replace("    place: [50.1", "    url: https://eu.example.org\n    place: [50.1")
    own = "    certificate: {certificate: us.pem, key: us.pem}\n"
    (tmp_path / "us.pem").write_text("", encoding="utf-8")
    assert problems(tmp_path, named.replace("    place: [39.0", own + "    place: [39.0")) == []


def test_the_good_file_is_good(tmp_path: Path) -> None:
    """The one that the mutations break."""
    assert problems(tmp_path, GOOD) == []


@pytest.mark.parametrize(("old", "new", "where", "cure"), MUTATIONS, ids=[each[2] for each in MUTATIONS])
def test_a_mutation_is_told_once_with_line_key_and_cure(
    old: str, new: str, where: str, cure: str, tmp_path: Path
) -> None:
    """One thing wrong, one sentence: file, line, key, what to do."""
    assert GOOD.count(old) >= 1
    told = problems(tmp_path, GOOD.replace(old, new, 1))
    assert len(told) == 1, told
    assert told[0].startswith(f"expo.yml:{where}")
    assert cure in told[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expo.yml:1: is empty"),
        ("# nothing\n", "expo.yml:1: is empty"),
        ("- event\n", "expo.yml:1: is no mapping"),
        ("event: &a [*a]\nregions: {}\n", "grows without end"),
    ],
)
def test_what_is_no_event_at_all(text: str, said: str, tmp_path: Path) -> None:
    """Nothing, a list, a knot."""
    (told,) = problems(tmp_path, text)
    assert said in told


def test_a_file_that_is_not_there() -> None:
    """The path is told."""
    with pytest.raises(ConfigError, match=r"nowhere/expo\.yml: No such file"):
        event.load("nowhere/expo.yml")


def test_words_are_words(tmp_path: Path) -> None:
    """Norway is no refusal, and half past one no number."""
    path = tmp_path / "words.yml"
    path.write_text("no: 1:30\nday: 2026-11-29\nyes: true\n", encoding="utf-8")
    assert read(path).content == {"no": "1:30", "day": "2026-11-29", "yes": True}


def test_the_schema_is_one_and_describes_every_key() -> None:
    """An editor shows something at each key."""
    schema = json.loads(FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)

    def bare(part: object, where: str) -> list[str]:
        if not isinstance(part, dict):
            return []
        own = part.get("properties", {})
        found = [
            f"{where}.{name}"
            for name, each in own.items()
            if "description" not in each and each.get("type") != "integer"
        ]
        for name, each in own.items():
            found += bare(each, f"{where}.{name}")
        return found + bare(part.get("additionalProperties"), f"{where}.*") + bare(part.get("items"), f"{where}[]")

    assert bare(schema, "") == []


def test_the_page_names_every_key() -> None:
    """docs/events.md tells of each key that the schema has, two levels deep, and of a host's."""
    page = (FILE.parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
    schema = json.loads(FILE.read_text(encoding="utf-8"))["properties"]
    names = set(schema)
    for part in schema.values():
        names |= set(part.get("properties", {}))
    names |= set(schema["sessions"]["items"]["properties"])
    names |= set(schema["regions"]["additionalProperties"]["properties"]["hosts"]["additionalProperties"]["properties"])
    assert {name for name in names if f"`{name}`" not in page and f"`{name}[]`" not in page} == set()
