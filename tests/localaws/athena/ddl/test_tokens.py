"""The tokens of a statement."""

from __future__ import annotations

from localaws.athena.ddl.tokens import tokenize


def test_a_token_has_its_line_and_column() -> None:
    places = [(token.text, token.line, token.column) for token in tokenize("a\n  'x''y' `b`")]
    assert places == [("a", 1, 1), ("'x''y'", 2, 3), ("`b`", 2, 10)]
