"""Is the name on a document the account's? Compared loosely, as a hint to the person who decides.

No check digit covers a name, states transliterate as they like, cut it short and turn it round,
and people have more names, or fewer, than a form has room for. So a difference found here refuses
nobody, and "differs" is said only where nothing fits.
"""

# ruff: noqa: RUF001, SIM905 - letters of other alphabets are what this is about, in one table

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Result = Literal["agrees", "unsure", "differs"]

# What a name field of a machine-readable zone holds, filler between surname and given names
# included: 39 characters in a passport, 31 and 30 on cards (ICAO 9303-4 to -6). One that is this
# long may have been cut.
_CUT_FROM = 29
_NEAR_CHARS = 4  # a word of fewer letters is another one if a letter differs

# ICAO 9303-3 section 6: Latin letters that are more than a letter with a mark; Cyrillic; and Greek
# by ISO 843, which ICAO does not give. Where states differ, `_alike` makes the same of both.
_LETTERS = dict(
    pair.split(":")
    for pair in """
    Æ:AE Œ:OE Ø:OE Þ:TH Ð:D Đ:D Ħ:H ı:I ĸ:Q Ł:L Ŋ:N Ŧ:T Ə:E
    А:A Б:B В:V Г:G Д:D Е:E Ж:ZH З:Z И:I К:K Л:L М:M Н:N О:O П:P Р:R С:S Т:T У:U Ф:F Х:KH Ц:TS
    Ч:CH Ш:SH Щ:SHCH Ъ:IE Ы:Y Ь: Э:E Ю:IU Я:IA І:I Є:IE Ґ:G Ђ:D Ј:J Љ:LJ Њ:NJ Ћ:C Џ:DZ Ѕ:DZ
    Α:A Β:V Γ:G Δ:D Ε:E Ζ:Z Η:I Θ:TH Ι:I Κ:K Λ:L Μ:M Ν:N Ξ:X Ο:O Π:P Ρ:R Σ:S Τ:T Υ:Y Φ:F Χ:CH
    Ψ:PS Ω:O
    """.split()
)
# Written one way by one state and another by the next: Müller is MUELLER, MULLER or MUXXLLER.
_ALIKE = (
    *(("UXX", "U"), ("NXX", "N"), ("KH", "H"), ("Y", "I")),
    *(("AE", "A"), ("OE", "O"), ("UE", "U"), ("AA", "A")),
)
# Words that many names share: that one of them fits says nothing by itself.
_SMALL = frozenset(
    {"AL", "BIN", "BINT", "D", "DA", "DAS", "DE", "DEL", "DEN", "DER", "DOS", "EL", "IBN", "LAS"}
    | {"LOS", "VAN", "VOM", "VON"}
)
# What forms put where somebody has no first, or no last name.
_NO_NAME = frozenset({"FNU", "LNU", "NFN", "NLN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NameMatch:
    result: Result
    why: str  # plain words, quoting neither name


def compare_names(account: str, *, surname: str, given: str) -> NameMatch:
    """Compare an account's name with a document's.

    Case, accents, hyphens, apostrophes and the order of words never matter.

    Args:
        account: As the account has it, in any order and alphabet.
        surname: As the machine-readable zone has it, or the document's print.
        given: All given names; empty for people who have one name alone.

    Returns:
        "agrees" where one has no name that the other lacks, and a surname and a given name are the
        same; "differs" only where no word of one fits any of the other.

    Source: ICAO 9303-3 sections 4.6 and 6 (what is cut, how letters are transliterated).
    """
    ours, last, first = _words(account), _words(surname), _words(given)
    if not ours or not last + first:
        return NameMatch(result="unsure", why="There is no name to compare, in letters we know.")
    ours, theirs = _parted_alike(ours, [*last, *first])
    if set(ours) == set(theirs):
        return NameMatch(result="agrees", why="The names are the same.")
    more_ours, more_theirs = _rest(ours, theirs), _rest(theirs, ours)
    was_cut = len(surname) + len(given) + 2 >= _CUT_FROM
    shortened = _shortened(more_ours, more_theirs)
    if shortened and was_cut:
        more_ours = _rest(more_ours, [whole for whole, _ in shortened])
        more_theirs = _rest(more_theirs, [short for _, short in shortened])
    same = set(theirs) - set(more_theirs)
    if not more_ours and not more_theirs:
        return NameMatch(
            result="agrees", why="The names are the same; the document cuts a long one short."
        )
    if not more_ours or not more_theirs:
        if len(same) > 1:
            why = "The names are the same; one of them has more names."
            return NameMatch(result="agrees", why=why)
        return NameMatch(result="unsure", why="Only one name is the same.")
    if same - _SMALL:
        return NameMatch(result="unsure", why="A part of the name is the same, another is not.")
    if shortened or _near(more_ours, more_theirs):
        return NameMatch(result="unsure", why="The names are alike, but none is the same.")
    return NameMatch(result="differs", why="No part of the name is the same.")


def _words(name: str) -> list[str]:
    """Return a name's words so that those which are the same to us are equal."""
    letters = unicodedata.normalize("NFKD", name.upper())  # ß has two capitals
    bare = "".join(each for each in letters if unicodedata.category(each) != "Mn")
    # In Greek, two letters are one sound here.
    latin = "".join(_LETTERS.get(each, each) for each in bare.replace("ΟΥ", "OU"))
    # An apostrophe joins, as in passports; whatever else is no letter parts.
    joined = "".join(each for each in latin if each not in "'’ʼ`´")
    parted = "".join(each if "A" <= each <= "Z" else " " for each in joined)
    return [_alike(word) for word in parted.split() if word not in _NO_NAME]


def _alike(word: str) -> str:
    for written, same in _ALIKE:
        word = word.replace(written, same)
    return word


def _parted_alike(one: Sequence[str], other: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return both names, words that one writes as several and the other as one written as one."""
    return _joined_as(one, other), _joined_as(other, one)


def _joined_as(words: Sequence[str], other: Sequence[str]) -> list[str]:
    wholes, done, at = set(other) - set(words), list[str](), 0
    while at < len(words):
        ends = range(len(words), at + 1, -1)
        end = next((end for end in ends if "".join(words[at:end]) in wholes), at + 1)
        done.append("".join(words[at:end]))
        at = end
    return done


def _rest(words: Sequence[str], without: Sequence[str]) -> list[str]:
    """Return the words that another name lacks.

    One that it has at all is no name more for standing twice: people with one name write it twice.
    """
    return [word for word in words if word not in without]


def _shortened(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, str]]:
    """Return words of an account that the document may have cut, each with what it was cut to."""
    return [(whole, short) for whole in ours for short in theirs if whole.startswith(short)]


def _near(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Tell whether some word is another with one letter changed, more or less, or an initial."""
    return any(
        whole[:1] == short
        or (min(len(whole), len(short)) >= _NEAR_CHARS and _one_edit(whole, short))
        for one in ours
        for other in theirs
        for whole, short in ((one, other), (other, one))
    )


def _one_edit(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) == 1
    return short in {long[:at] + long[at + 1 :] for at in range(len(long))}
