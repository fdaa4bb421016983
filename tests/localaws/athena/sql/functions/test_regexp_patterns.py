"""Patterns have the same meaning as in Trino; patterns that could differ are rejected."""

from __future__ import annotations

import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.sql.functions.regexp_patterns import UnsupportedPattern, compiled


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("a.c", "abc", "abc"),
        ("a.c", "a\nc", None),
        ("(?s)a.c", "a\nc", "a\nc"),
        ("(?s:a.)(.)", "a\nc", "a\nc"),
        ("a$", "ba\n", "a"),
        ("a$", "a\nb", None),
        ("(?m)a$", "a\nb", "a"),
        ("^b", "a\nb", None),
        ("(?m)^b", "a\nb", "b"),
        ("(?m)^$", "a\n", None),
        (r"a\Z", "a\n", "a"),
        (r"a\z", "a\n", None),
        (r"\Ab", "ab", None),
        (r"\d+", "a٣7", "7"),
        (r"\w+", "äa_1ö", "a_1"),
        (r"\W", "aä", "ä"),
        (r"\s+", "a \v\t", " \v\t"),
        (r"\s", "\u00a0", None),
        (r"\bä", "aä", None),
        ("[a-z&&[^aeiou]]+", "aebcd", "bcd"),
        ("[^a&&[ab]]+", "abc", "bc"),
        (r"[\d[a-c]]+", "x1a9", "1a9"),
        (r"[^\d]+", "1ab", "ab"),
        ("[a-]+", "b-a", "-a"),
        ("[-a]+", "b-a", "-a"),
        (r"[\]\\^]+", r"a\]^", r"\]^"),
        ("[.*$(]+", "a.*$(", ".*$("),
        ("foo(?=bar)", "foobar", "foo"),
        ("foo(?!bar)", "foobar foo", "foo"),
        ("(?<=a|bc)d", "bcd", "d"),
        ("(?<!a)d", "ad", None),
        ("(?>a+)ab", "aaab", None),
        ("a++ab", "aaab", None),
        ("a+?", "aaa", "a"),
        ("a{2}", "aaa", "aa"),
        ("a{1,}", "aaa", "aaa"),
        ("a{,2}", "a{,2}", "a{,2}"),
        ("{a}", "{a}", "{a}"),
        (r"(a|b)\1", "abb", "bb"),
        (r"(?<twice>.)\k<twice>", "abb", "bb"),
        ("(?i)straße", "STRASSE", "STRASSE"),
        ("a(?i)b|C", "aB", "aB"),
        ("a(?i)b|C", "ac", "ac"),
        ("(?i:a)b", "Ab", "Ab"),
        ("(?i:a)b", "AB", None),
        ("(?i)a(?-i)b", "AB", None),
        (r"\Qa.b", "a.b", "a.b"),
        (r"\x41\u00e4\t", "Aä\t", "Aä\t"),
        (r"\p{Lu}\P{Lu}", "aAb", "Ab"),
        (r"\p{Greek}+", "aλό", "λό"),
        ("", "a", ""),
        ("a||b", "b", ""),
        (r"\.\-\/\#", ".-/#", ".-/#"),
        ("a b#c", "a b#c", "a b#c"),
    ],
)  # fmt: skip
def test_a_pattern_finds_the_matches_of_trino(pattern: str, text: str, found: str | None) -> None:
    match = compiled(pattern).search(text)
    assert (match and match[0]) == found


@pytest.mark.parametrize(
    "pattern", ["(", "(a", ")", "a)", "*", "a|+", "[", "[a", "[b-a]", "\\", "a{100001}", "(?=a"]
)
def test_an_invalid_pattern_fails(pattern: str) -> None:
    with pytest.raises(QueryFailed, match="INVALID_FUNCTION_ARGUMENT: "):
        compiled(pattern)


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        (r"\h", r"\h"),
        (r"\R", r"\R"),
        (r"\G", r"\G"),
        (r"\07", r"\07"),
        (r"(a)\2", r"\2"),
        (r"(?<n>a)\1", r"\1"),
        (r"\xff", r"\xff"),
        (r"\ud83d", r"\ud83d"),
        (r"\p{Block}", r"\p{Block}"),
        (r"\pL", r"\pL"),
        ("(?x)a", "the option x"),
        ("(?u)a", "the option u"),
        ("(?#a)", "a comment"),
        ("(?<=a*)b", "a look-behind without fixed length"),
        ("(?<=(a))b", "a group in a look-behind"),
        ("a**", "the repeat *"),
        ("^*", "the repeat *"),
        (r"\Qab\E*", "the repeat *"),
        ("(?=a)+", "the repeat +"),
        ("[[:alpha:]]", "[: :] in a class"),
        ("[]a]", "[] with ] first"),
        (r"[a-\d]", "a range to a class"),
        (r"[\d-z]", "a range from a class"),
        ("[a-c-e]", "- in the middle of a class"),
        ("[a&&]", "&& without two operands"),
    ],
)
def test_a_pattern_that_could_differ_is_rejected(pattern: str, named: str) -> None:
    with pytest.raises(UnsupportedPattern) as refused:
        compiled(pattern)
    assert str(refused.value).startswith(named)
    assert str(refused.value).endswith(f"in the regular expression {pattern}")
