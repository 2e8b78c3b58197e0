"""Comments that stand beside the fields of a message in its source: they are the fields' documentation."""

from __future__ import annotations

import ast
import functools
import inspect
import io
import textwrap
import tokenize

from msgspec import Struct


def comments(kind: type[Struct]) -> dict[str, str]:
    """Field -> comment, for the fields of a message that have one, those of its bases first."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if issubclass(each, Struct) and each is not Struct:
            found |= _own(each)
    return found


@functools.cache
def _own(kind: type[Struct]) -> dict[str, str]:
    text = textwrap.dedent(inspect.getsource(kind))
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    beside = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    body = ast.parse(text).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        each.target.id: beside[each.end_lineno or each.lineno]
        for each in body.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.end_lineno in beside
    }
