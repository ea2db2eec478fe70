import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.adapters.toml_lines import Path, TomlLines

SAMPLE = '''# a comment with [brackets] and = signs
id = "x"  # and one after
"quoted key" = 'a literal # no comment'
a.b . "c.d" = 1

[capture]
snapshot_every_s = 10
text = """
not = "a key"
[neither]
"""
other = \'\'\'
'' \'\'\'
when = 1979-05-27 07:32:00

[[flag]]
when = "dark"
[[flag]]
when = "covered"
sections = [
  "a", # one
  "b",
]
[flag.more]
deep = true
[[flag.inner]]
x = 1
[[flag.inner]]
x = 2

[system]
refuse = [
  { os = "windows", below = "10" },
  { maker = "Microsoft", model = "Surface \\" }" },
]
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param(("id",), 2, id="a key"),
        pytest.param(("quoted key",), 3, id="a quoted key"),
        pytest.param(("a", "b", "c.d"), 4, id="a dotted key"),
        pytest.param(("capture",), 6, id="a table"),
        pytest.param(("capture", "text"), 8, id="a text over several lines"),
        pytest.param(("capture", "when"), 14, id="a key after such texts"),
        pytest.param(("flag", 0, "when"), 17, id="a key of an array's first table"),
        pytest.param(("flag", 1), 18, id="an array's second table"),
        pytest.param(("flag", 1, "sections", 1), 22, id="an element on a line of its own"),
        pytest.param(("flag", 1, "more", "deep"), 25, id="a table in an array's table"),
        pytest.param(("flag", 1, "inner", 1, "x"), 29, id="an array in an array's table"),
        pytest.param(("system", "refuse", 0, "below"), 33, id="a key of an inline table"),
        pytest.param(("system", "refuse", 1, "model"), 34, id="a key after an escaped quote"),
        pytest.param(("flag", 1, "for_s"), 18, id="a key that is not there: its table"),
        pytest.param(("review", "adverse_needs"), 1, id="nothing near: the first line"),
    ],
)
def test_the_line_of_a_path_is_found(path: Path, line: int) -> None:
    assert TomlLines(SAMPLE).line_of(path) == line


def test_windows_line_ends_count_once() -> None:
    assert TomlLines("a = 1\r\n\r\nb = 2\r\n").line_of(("b",)) == 3


def paths(node: object, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from paths(inner, (*path, name))
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from paths(inner, (*path, index))


def test_everything_the_parser_reads_has_a_line() -> None:
    assert set(paths(tomllib.loads(SAMPLE))) == set(TomlLines(SAMPLE).lines)


NAMES = st.sampled_from(["a", "b-1", "'q u'", '"x\\"]"'])
SCALARS = st.sampled_from(["1", "true", "'#'", '"]}\\\\"', "'''\n]'''", '"""a\n\\""""', "1.5"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda many: "[\n" + " , # ,\n".join(many) + "\n]")
        | st.dictionaries(NAMES, inner, max_size=3).map(
            lambda pairs: (
                "{ " + ", ".join(f"{name} = {value}" for name, value in pairs.items()) + " }"
            )
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, VALUES), st.lists(st.dictionaries(NAMES, VALUES), max_size=3))
def test_any_text_the_parser_reads_is_located(
    top: dict[str, str], rows: list[dict[str, str]]
) -> None:
    def body(pairs: dict[str, str]) -> str:
        return "".join(f"{name} = {value} # c\n" for name, value in pairs.items())

    text = body(top) + "".join(f"[[ r . rows ]]\n{body(row)}" for row in rows)

    assert set(paths(tomllib.loads(text))) == set(TomlLines(text).lines)
