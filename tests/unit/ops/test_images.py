"""Images: what they are made of decides their tag; what is where decides what is done."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ops import images, wheels
from rtcdn.errors import ConfigError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree: root <- app (with a file of the tree and wheels) <- extra."""
    files = {
        "images/root/image.yml": "suite: trixie\n",
        "images/root/Dockerfile": "ARG BASE\n",
        "images/sibling/image.yml": "folder: root\nsuite: forky\n",
        "images/app/image.yml": "parent: root\ntree: [app]\nwheels: {python: '3.13', extras: [media]}\n",
        "images/app/Dockerfile": "ARG BASE\n",
        "images/extra/image.yml": "parent: app\n",
        "images/extra/Dockerfile": "ARG BASE\n",
        "app/code.py": "print(1)\n",
        "app/__pycache__/code.pyc": "x",
        "constraints.txt": "alpha==1\nbeta==2\n",
        "pyproject.toml": '[project]\nname = "p"\ndependencies = ["alpha>=1"]\n'
        '[project.optional-dependencies]\nmedia = ["beta>=2"]\n',
    }
    for name, text in files.items():
        path = tmp_path / "first" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "first"


def changed(tree: Path, name: str, text: str) -> Path:
    """A copy of ``tree`` with another content of one file."""
    other = tree.parent / "second"
    shutil.copytree(tree, other)
    (other / name).write_text(text, encoding="utf-8")
    return other


def tags(tree: Path) -> dict[str, str]:
    return {name: images.tag(name, tree) for name in ("root", "app", "extra")}


def test_the_tag_depends_on_content_alone(tree: Path) -> None:
    """The same tree elsewhere gives the same tags."""
    other = tree.parent / "elsewhere"
    shutil.copytree(tree, other)
    assert tags(tree) == tags(other)


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("images/root/Dockerfile", "ARG BASE\nRUN true\n", {"root", "app", "extra"}),
        ("app/code.py", "print(2)\n", {"app", "extra"}),
        ("constraints.txt", "alpha==1\nbeta==3\n", {"app", "extra"}),
        ("images/extra/Dockerfile", "ARG BASE\nUSER x\n", {"extra"}),
        ("app/__pycache__/code.pyc", "y", set()),
    ],
)
def test_a_change_reaches_the_image_and_its_children(tree: Path, file: str, text: str, expected: set[str]) -> None:
    """Neither more nor fewer images are built than the change needs."""
    before, after = tags(tree), tags(changed(tree, file, text))
    assert {name for name in before if before[name] != after[name]} == expected


def test_the_context_holds_the_folder_and_the_tree(tree: Path) -> None:
    """The recipe itself and caches stay out."""
    assert sorted(images.context("app", tree)) == ["Dockerfile", "tree/app/code.py"]
    assert sorted(images.context("sibling", tree)) == ["Dockerfile"]


def test_parents_come_first(tree: Path) -> None:
    """Each image once, after its parent."""
    planned = images.plan(["extra", "app"], tree, Path("/elsewhere"))
    assert [each.name for each in planned] == ["root", "app", "extra"]
    assert all(each.archive.startswith("/elsewhere/images/") for each in planned if each.archive)


def test_a_pattern_without_files_is_refused(tree: Path) -> None:
    """An image is never built without what it names."""
    shutil.rmtree(tree / "app")
    with pytest.raises(ConfigError, match=r"'app'.*matches 'app'"):
        images.context("app", tree)


def test_an_unknown_image_names_the_known_ones(tree: Path) -> None:
    """The operator reads what there is."""
    with pytest.raises(ConfigError, match=r"app.*extra.*root"):
        images.recipe("ap", tree)


def test_references_carry_the_registry(tree: Path) -> None:
    """With a registry its name comes first."""
    own = images.tag("root", tree)
    assert images.references(["root"], "reg:1", tree) == {"root": f"reg:1/{own}"}
    assert images.references(["root"], "", tree) == {"root": own}


def test_requirements_are_the_projects_and_the_extras(tree: Path) -> None:
    """What the image needs is read from pyproject.toml."""
    assert wheels.requirements("app", tree) == ["alpha>=1", "beta>=2"]


PLAN: list[dict[str, str]] = [
    {"name": "root", "tag": "r:1", "parent": "", "archive": "/r"},
    {"name": "app", "tag": "a:1", "parent": "r:1", "archive": "/a"},
    {"name": "extra", "tag": "e:1", "parent": "a:1", "archive": "/e"},
]


def shelves(registry: str = "", engine: str = "", archives: str = "") -> dict[str, list[str]]:
    return {"registry": registry.split(), "engine": engine.split(), "archives": archives.split()}


def done(actions: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    return [(each["name"], each["how"], each["push"]) for each in actions]


def test_archives_are_kept_of_what_is_built() -> None:
    """And, without a registry, of what the engine has; never of an image that is made in no time."""
    plan = [{**each, "archive": each["archive"].replace("/e", "")} for each in PLAN]

    def saved(where: dict[str, list[str]], push: bool) -> list[str]:
        return [each["name"] for each in images.actions(plan, ["extra"], where, push) if each["save"]]

    assert saved(shelves(), True) == ["root", "app"]
    assert saved(shelves(engine="r:1 a:1 e:1", archives="/r"), False) == ["app"]
    assert saved(shelves(engine="r:1 a:1 e:1", archives="/r"), True) == []


@pytest.mark.parametrize(
    ("where", "push", "expected"),
    [
        (shelves(), True, [("root", "build", False), ("app", "build", False), ("extra", "build", True)]),
        (shelves(registry="e:1"), True, []),
        (
            shelves(registry="e:1"),
            False,
            [("root", "build", False), ("app", "build", False), ("extra", "build", False)],
        ),
        (shelves(engine="e:1"), True, [("extra", "tag", True)]),
        (shelves(engine="e:1", archives="/e"), False, []),
        (shelves(archives="/e /a /r"), True, [("extra", "load", True)]),
        (shelves(archives="/a"), True, [("app", "load", False), ("extra", "build", True)]),
        (shelves(engine="a:1", archives="/r"), True, [("extra", "build", True)]),
    ],
)
def test_no_more_is_done_than_needed(where: dict[str, list[str]], push: bool, expected: list[Any]) -> None:
    """Registry, else engine, else archive, else a build on a parent that is got in the same way."""
    assert done(images.actions(PLAN, ["extra"], where, push)) == expected


def test_a_parent_that_is_wanted_too_is_pushed() -> None:
    """A child's need does not hide that the parent itself is asked for."""
    assert done(images.actions(PLAN, ["extra", "app"], shelves(), True)) == [
        ("root", "build", False),
        ("app", "build", True),
        ("extra", "build", True),
    ]


def test_a_context_is_packed_as_one_file(tree: Path, tmp_path: Path) -> None:
    """With every file of the folder at the same place; the archive lies beside it."""
    images.stage("root", tmp_path / "contexts" / "root", tree)
    archive = images.pack(tmp_path / "contexts" / "root")
    assert archive == tmp_path / "contexts" / "root.tar"
    with tarfile.open(archive) as tar:
        assert [member.name for member in tar.getmembers() if member.isfile()] == ["./Dockerfile"]
