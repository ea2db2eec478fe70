import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

import proctor.demo
from proctor.adapters import exams
from proctor.adapters.exams import (
    MAX_EXAM_TOML_BYTES,
    MAX_ITEM_BYTES,
    ExamError,
    learner_section,
    load,
    parse_body,
)
from proctor.domain.exam import (
    MAX_IMAGE_BYTES,
    ChoiceKey,
    ExamWithoutSections,
    Kind,
    NumberKey,
    TextKey,
    TooManySections,
    Window,
    check_response,
)
from proctor.domain.scoring import Outcome, score

DEMO = Path(proctor.demo.__path__[0]) / "exams"
EACH = [pytest.param(name, id=name) for name in ("short", "capstone", "practice")]

EXAM = """\
schema = 1
id = "e"
title = "E"
programme = "P"
policy_id = "demo"

[[section]]
id = "part-a"
title = "Part A"
limit_s = 60
items = ["one"]
"""
ITEM = """\
+++
kind = "single-choice"
points = 1
+++
Which?

- [ ] this
- [x] that
"""
FILL_IN = '+++\nkind = "fill-in"\npoints = 1\n'


def folder(at: Path, *, exam: str = EXAM, item: str = ITEM) -> Path:
    (at / "items").mkdir()
    (at / "exam.toml").write_text(exam, encoding="utf-8")
    (at / "items" / "one.md").write_text(item, encoding="utf-8")
    return at


def html_of(at: Path, text: str) -> str:
    item = f'+++\nkind = "short-text"\npoints = 1\n+++\n{text}\n'
    return load(folder(at, item=item)).exam.items[0].html


@pytest.mark.parametrize("name", EACH)
def test_a_demo_exam_is_its_body_and_its_digest(name: str) -> None:
    loaded = load(DEMO / name)

    assert parse_body(loaded.body) == loaded.exam
    assert loaded.sha256 == hashlib.sha256(loaded.body).hexdigest()
    assert loaded.exam.window is None
    assert loaded.exam.in_order


@pytest.mark.parametrize("name", EACH)
def test_the_demo_answers_fit_and_are_not_all_right(name: str) -> None:
    exam = load(DEMO / name).exam
    answers = json.loads((DEMO / name / "answers.json").read_text(encoding="utf-8"))

    assert set(answers) == {item.id for item in exam.items}
    for item in exam.items:
        check_response(item, answers[item.id])
        if item.kind is Kind.FILE_UPLOAD:
            data = (DEMO / name / answers[item.id]["name"]).read_bytes()
            assert answers[item.id]["size"] == len(data)
            assert answers[item.id]["sha256"] == hashlib.sha256(data).hexdigest()
    scored = score(exam, answers)
    outcomes = [one for section in scored.sections for one in section.items]
    assert {one.outcome for one in outcomes} == {Outcome.SCORED, Outcome.AWAITING}
    assert any(one.points < one.possible for one in outcomes if one.outcome is Outcome.SCORED)


def test_the_short_exam_has_every_kind_of_item_and_the_capstone_four_two_hour_sections() -> None:
    short, capstone = load(DEMO / "short").exam, load(DEMO / "capstone").exam

    assert {item.kind for item in short.items} == set(Kind)
    assert [s.id for s in short.sections] == ["part-a", "part-b", "part-c"]
    assert short.policy_id == "demo"
    assert [s.id for s in capstone.sections] == ["part-a1", "part-a2", "part-b1", "part-b2"]
    assert {s.limit for s in capstone.sections} == {timedelta(hours=2)}
    assert capstone.policy_id == "mitx-sds-capstone"
    assert capstone.pass_mark == Fraction(3, 5)


def test_all_that_is_wrong_with_items_is_told_at_once(tmp_path: Path) -> None:
    exam = EXAM.replace('items = ["one"]', 'items = ["one", "two", "three"]')
    wrong = ITEM.replace("points = 1", 'points = 0\ncolour = "red"')
    at = folder(tmp_path, exam=exam, item=wrong)
    (at / "items" / "three.md").write_text(ITEM.replace("Which?", "$\\foo$"), encoding="utf-8")

    with pytest.raises(ExamError) as caught:
        load(at)

    told = [(each.file, each.line) for each in (caught.value, *caught.value.others)]
    assert told == [
        ("items/one.md", 3),
        ("items/one.md", 4),
        ("items/two.md", None),
        ("items/three.md", 5),
    ]


@pytest.mark.parametrize("name", EACH)
def test_every_demo_formula_survives_as_mathml(name: str) -> None:
    for item in load(DEMO / name).exam.items:
        for html, text in [(item.html, item.text), *((c.html, c.text) for c in item.choices)]:
            assert html.count("<math") == len(re.findall(r"\$\$?[^$]+\$\$?", text))
            assert "$" not in html


def test_the_digest_is_the_same_in_another_process() -> None:
    digests = {
        subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys, pathlib; from proctor.adapters.exams import load;"
                "print(load(pathlib.Path(sys.argv[1])).sha256)",
                str(DEMO / "short"),
            ],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert digests == {load(DEMO / "short").sha256}


def test_answers_and_other_files_beside_an_exam_do_not_change_its_digest(tmp_path: Path) -> None:
    copy = shutil.copytree(DEMO / "short", tmp_path / "short")
    (copy / "answers.json").write_text("{}")
    (copy / "README.md").write_text("notes")

    assert load(copy).sha256 == load(DEMO / "short").sha256


def test_one_letter_of_one_choice_changes_the_digest(tmp_path: Path) -> None:
    before = load(folder(tmp_path)).sha256
    (tmp_path / "items" / "one.md").write_text(ITEM.replace("this", "thin"))

    assert load(tmp_path).sha256 != before


def test_all_of_exam_toml_arrives(tmp_path: Path) -> None:
    extra = """\
pass_mark = 0.75
in_order = true
window = { start = 2026-06-01T11:00:00+02:00, end = 2026-06-03T09:00:00.5Z }

[[section]]
"""
    loaded = load(folder(tmp_path, exam="\ufeff" + EXAM.replace("[[section]]\n", extra)))

    assert loaded.exam.pass_mark == Fraction(3, 4)
    assert loaded.exam.in_order
    assert loaded.exam.window == Window(
        start=datetime(2026, 6, 1, 9, tzinfo=UTC),
        end=datetime(2026, 6, 3, 9, 0, 0, 500_000, tzinfo=UTC),
    )
    assert parse_body(loaded.body) == loaded.exam


def test_choices_are_named_by_their_place_or_by_their_author(tmp_path: Path) -> None:
    item = """\
+++
kind = "multiple-choice"
points = 0.5
partial = true
+++

Which of

- ordinary lists
- are part of the question

do you like?

* [x] $x^2$ {#square}
* [ ] two lines
  of `code`
* [X] two paragraphs

  here
"""
    one = load(folder(tmp_path, item=item.replace("\n", "\r\n"))).exam.items[0]

    assert one.text.startswith("Which of\n")
    assert one.text.endswith("do you like?\n")
    assert [(c.id, c.text) for c in one.choices] == [
        ("square", "$x^2$"),
        ("b", "two lines\nof `code`"),
        ("c", "two paragraphs\n\nhere"),
    ]
    assert one.choices[1].html == "two lines\nof <code>code</code>"
    assert one.choices[2].html == "<p>two paragraphs</p>\n<p>here</p>"
    assert one.key == ChoiceKey(right=("c", "square"))
    assert one.points == Fraction(1, 2)
    assert one.partial


@pytest.mark.parametrize(
    ("front", "key"),
    [
        pytest.param(
            "number = 0.1\nwithin = 1e-3",
            NumberKey(value=Fraction(1, 10), within=Fraction(1, 1000), relative=Fraction(0)),
            id="a decimal, exactly",
        ),
        pytest.param(
            'number = "1/3"\nrelative = 0.01',
            NumberKey(value=Fraction(1, 3), within=Fraction(0), relative=Fraction(1, 100)),
            id="a fraction",
        ),
        pytest.param('accept = ["yes", "ja"]', TextKey(accept=("yes", "ja")), id="strings"),
    ],
)
def test_a_fill_in_has_a_key_of_numbers_or_of_strings(
    tmp_path: Path, front: str, key: NumberKey | TextKey
) -> None:
    loaded = load(folder(tmp_path, item=f"{FILL_IN}{front}\n+++\nHow much?\n"))

    assert loaded.exam.items[0].key == key
    assert parse_body(loaded.body) == loaded.exam


@pytest.mark.parametrize(
    ("text", "html"),
    [
        pytest.param("a <script>alert(1)</script>", "&lt;script&gt;", id="HTML is text"),
        pytest.param("| a |\n|--:|\n| 1 |", "<td>1</td>", id="a table"),
        pytest.param("It costs $5 and $6.", "costs $5 and $6.", id="money is no formula"),
        pytest.param(r"$\frac{1}{2}$", "<mfrac>", id="a formula in a line"),
        pytest.param("$$\n\\sum_{i=1}^n x_i\n$$", 'display="block"', id="a formula of its own"),
        pytest.param("$a<b$", "<mo>&lt;</mo>", id="less than"),
        pytest.param(
            r"$\begin{cases}1 & x > 0 \\ 0 & x \le 0\end{cases}$",
            'columnalign="left"',
            id="cases",
        ),
        pytest.param("[R](https://www.r-project.org/)", 'rel="noopener', id="a link"),
    ],
)
def test_markdown_becomes_html(tmp_path: Path, text: str, html: str) -> None:
    assert html in html_of(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(r"$\text{</mtext></math><script>alert(1)</script>}$", id="script in text"),
        pytest.param(r"$\text{<img src=x onerror=alert(1)>}$", id="image in text"),
        pytest.param("`<script>alert(1)</script>`", id="script in code"),
        pytest.param("<div style='x' onclick=alert(1)>", id="raw div"),
        pytest.param(r"$\color{red\" onload=\"x}y$", id="quotes in a colour"),
    ],
)
def test_no_markup_gets_past_the_sanitiser(tmp_path: Path, text: str) -> None:
    html = html_of(tmp_path, text)

    assert not re.search(r"<(script|img|svg|style|iframe)|<[^>]*\s(on\w+|style|src)=", html)


PNG = b"\x89PNG\r\n\x1a\n and so on"


def illustrated(at: Path, text: str, *, name: str = "tree.png", data: bytes = PNG) -> Path:
    (at / "images").mkdir()
    (at / "images" / name).write_bytes(data)
    return folder(at, item=f'+++\nkind = "short-text"\npoints = 1\n+++\n{text}\n')


def test_an_item_names_its_images_by_digest(tmp_path: Path) -> None:
    loaded = load(
        illustrated(tmp_path, "See ![A *tree*](images/tree.png) twice\n\n![It](images/tree.png)")
    )
    (item,) = loaded.exam.items
    digest = hashlib.sha256(PNG).hexdigest()
    assert f'alt="A tree" src="sha256:{digest}"' in _ordered(item.html)
    assert [(one.sha256, one.type, one.size) for one in item.images] == [
        (digest, "image/png", len(PNG))
    ]
    assert loaded.images == {digest: PNG}
    assert digest.encode() in loaded.body
    assert parse_body(loaded.body) == loaded.exam
    (shown,) = learner_section(loaded.exam, "part-a")["items"]
    assert shown["images"] == [{"sha256": digest, "type": "image/png", "size": len(PNG)}]


def _ordered(html: str) -> str:
    """Return HTML with the attributes of each image in their order by name."""
    return re.sub(
        r"<img ([^>]*)>",
        lambda found: "<img " + " ".join(sorted(re.findall(r'\w+="[^"]*"', found[1]))) + ">",
        html,
    )


def test_choices_have_images_too(tmp_path: Path) -> None:
    item = ITEM.replace("this", "![this](images/tree.png)")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "tree.png").write_bytes(PNG)
    (found,) = load(folder(tmp_path, item=item)).exam.items
    assert "<img" in found.choices[0].html
    assert len(found.images) == 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(r"$\text{<img src=https://evil.example/x.png>}$", id="elsewhere"),
        pytest.param(r"$\text{<img src=images/tree.png>}$", id="by its name"),
        pytest.param(r"$\text{<img src=sha256:%s>}$" % ("0" * 64), id="another digest"),
    ],
)
def test_beside_an_image_no_other_gets_in(tmp_path: Path, text: str) -> None:
    (item,) = load(illustrated(tmp_path, f"![A](images/tree.png)\n\n{text}")).exam.items
    assert len(re.findall("src=", item.html)) == 1


@pytest.mark.parametrize(
    ("text", "name", "data", "problem"),
    [
        pytest.param("![](images/tree.png)", "tree.png", PNG, "has no text", id="no text"),
        pytest.param("![a](images/no.png)", "tree.png", PNG, "is missing", id="no such file"),
        pytest.param("![a](tree.png)", "tree.png", PNG, "has an image", id="another folder"),
        pytest.param("![a](images/../x.png)", "tree.png", PNG, "has an image", id="a way out"),
        pytest.param("![a](https://x.example/y.png)", "tree.png", PNG, "has an image", id="web"),
        pytest.param("![a](images/x.svg)", "x.svg", b"<svg/>", "is no image", id="a drawing"),
        pytest.param(
            "![a](images/x.png)", "x.png", PNG + bytes(MAX_IMAGE_BYTES), "too large", id="large"
        ),
    ],
)
def test_an_image_that_can_t_be_shown_is_refused(
    tmp_path: Path, text: str, name: str, data: bytes, problem: str
) -> None:
    with pytest.raises(ExamError, match=problem):
        load(illustrated(tmp_path, text, name=name, data=data))


def test_an_image_is_no_link_out_of_the_folder(tmp_path: Path) -> None:
    at = illustrated(tmp_path, "![a](images/link.png)")
    (at / "images" / "link.png").symlink_to(at / "images" / "tree.png")
    with pytest.raises(ExamError, match="symbolic link"):
        load(at)


def test_all_images_together_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exams, "MAX_IMAGES_BYTES", len(PNG) - 1)
    with pytest.raises(ExamError, match="too large"):
        load(illustrated(tmp_path, "![a](images/tree.png)"))


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        pytest.param("x\n\n![a](b.png)", 7, "image", id="an image"),
        pytest.param("one\ntwo [a](data.csv)", 6, "links to data.csv", id="a relative link"),
        pytest.param("$\\foo$", 5, r"\\foo is unknown", id="an unknown command"),
        pytest.param("a\n\n$$\nx^\n$$", 7, "LaTeX: Missing", id="a power of nothing"),
        pytest.param("$\\frac{a$", 5, "braces do not match", id="a brace not closed"),
        pytest.param("$a}$", 5, "braces do not match", id="a brace not opened"),
        pytest.param(f"${'{' * 41}x{'}' * 41}$", 5, "nest too deep", id="41 braces"),
        pytest.param(f"${'x' * 4001}$", 5, "longer than 4000", id="4,001 characters"),
        pytest.param(r"$\begin{foo}x\end{foo}$", 5, "environment foo", id="an environment"),
        pytest.param(r"$\def\a{x}\a$", 5, "not allowed", id="a macro"),
        pytest.param(r"$\href{javascript:x}{y}$", 5, "not allowed", id="a link in a formula"),
        pytest.param(" \n", 5, "asks nothing", id="no question"),
        pytest.param("| a |\n|---|\n| $\\foo$ |", 7, "unknown", id="a formula in a table"),
    ],
)
def test_markdown_that_would_not_show_names_its_line(
    tmp_path: Path, text: str, line: int, problem: str
) -> None:
    with pytest.raises(ExamError, match=problem) as caught:
        html_of(tmp_path, text)

    assert (caught.value.file, caught.value.line) == ("items/one.md", line)


@pytest.mark.parametrize(
    ("exam", "line", "problem", "right"),
    [
        pytest.param("a = \nb = 1", 1, "Invalid value", "TOML", id="no TOML"),
        pytest.param(f"n = {'9' * 5000}", None, "digits", "TOML", id="5,000 digits"),
        pytest.param(f"a = {'[' * 3000}", None, "recursion", "TOML", id="3,000 brackets"),
        pytest.param(
            f"a = {'[' * 200}{']' * 200}\n" + EXAM, 1, "unknown", "schema", id="200 brackets"
        ),
        pytest.param("", None, "no sections", "1 to 100", id="an empty file"),
        pytest.param(
            EXAM.partition("[[")[0] + "section = []",
            None,
            "no sections",
            "1 to 100",
            id="no sections",
        ),
        pytest.param(
            EXAM + "[[section]]\n" * 100, None, "101 sections", "1 to 100", id="101 sections"
        ),
        pytest.param(
            "[[section]]\n" * 10_000, None, "10000 sections", "1 to 100", id="10,000 sections"
        ),
        pytest.param(
            EXAM.replace("[[section]]", "[section]"), 7, "section", "tables", id="one table"
        ),
        pytest.param(EXAM.replace("schema = 1", ""), 1, "schema", "1", id="no schema"),
        pytest.param(EXAM.replace("schema = 1", "schema = 2"), 1, "schema", "1", id="schema 2"),
        pytest.param(EXAM.replace('"demo"', '"Demo"'), 5, "policy_id", "a-z, 0-9", id="a bad id"),
        pytest.param(
            EXAM.replace("limit_s = 60", "limit_s = 0"), 10, "limit_s", "1 to 86400", id="no time"
        ),
        pytest.param(
            EXAM.replace("limit_s = 60", "limit_s = 86401"), 10, "limit_s", "86400", id="over 24 h"
        ),
        pytest.param(
            EXAM.replace("limit_s = 60", 'limit_s = "1 h"'), 10, "limit_s", "seconds", id="a string"
        ),
        pytest.param(
            EXAM.replace("limit_s = 60\n", ""), 7, "limit_s", "seconds", id="limit missing"
        ),
        pytest.param(EXAM + 'color = "red"\n', 12, "unknown key", "limit_s", id="unknown key"),
        pytest.param('colour = "red"\n' + EXAM, 1, "unknown key", "schema", id="unknown at top"),
        pytest.param(
            EXAM.replace('["one"]', '["../one"]'), 11, "items", "files in items/", id="a path"
        ),
        pytest.param(EXAM.replace('["one"]', "[]"), 11, "items", "1 to 500", id="no items"),
        pytest.param(
            EXAM.replace('["one"]', '["one", "one"]'), None, "named one", "bounds", id="item twice"
        ),
        pytest.param(
            EXAM + EXAM[EXAM.index("[[") :], None, "named part-a", "bounds", id="section twice"
        ),
        pytest.param("pass_mark = 60\n" + EXAM, 1, "pass_mark", "0 to 1", id="60 for 60 %"),
        pytest.param("pass_mark = nan\n" + EXAM, 1, "not a number", "0 to 1", id="not a number"),
        pytest.param("pass_mark = true\n" + EXAM, 1, "not a number", "0 to 1", id="true"),
        pytest.param('pass_mark = "0,6"\n' + EXAM, 1, "not a number", "0 to 1", id="a comma"),
        pytest.param(
            EXAM + "[window]\nstart = 2026-06-01T09:00:00\nend = 2026-06-02T09:00:00Z",
            13,
            "timezone",
            "with its zone",
            id="no zone",
        ),
        pytest.param(
            EXAM + "[window]\nstart = 2026-06-02T09:00:00Z\nend = 2026-06-01T09:00:00Z",
            None,
            "start before it ends",
            "bounds",
            id="window backwards",
        ),
        pytest.param("#" * (MAX_EXAM_TOML_BYTES + 1), None, "too large", "256 KiB", id="too large"),
    ],
)
def test_a_wrong_exam_toml_says_where_and_what_would_be_right(
    tmp_path: Path, exam: str, line: int | None, problem: str, right: str
) -> None:
    with pytest.raises(ExamError) as caught:
        load(folder(tmp_path, exam=exam))

    assert (caught.value.file, caught.value.line) == ("exam.toml", line)
    assert problem in caught.value.problem
    assert right in caught.value.right
    assert str(caught.value).startswith("exam.toml:")


@pytest.mark.parametrize(
    ("sections", "cause"),
    [
        pytest.param(0, ExamWithoutSections, id="none"),
        pytest.param(10_000, TooManySections, id="10,000"),
    ],
)
def test_a_wrong_number_of_sections_keeps_the_domains_refusal(
    tmp_path: Path, sections: int, cause: type[Exception]
) -> None:
    with pytest.raises(ExamError) as caught:
        load(folder(tmp_path, exam='id = "e"\n' + "[[section]]\n" * sections))

    assert type(caught.value.__cause__) is cause


@pytest.mark.parametrize(
    ("item", "line", "problem", "right"),
    [
        pytest.param("Which?\n", 1, "no front matter", "+++", id="no front matter"),
        pytest.param("+++\n+++\nWhich?\n", 2, "kind", "single-choice", id="no kind"),
        pytest.param(
            ITEM.replace("single-choice", "essay"), 2, "kind", "short-text", id="unknown kind"
        ),
        pytest.param(ITEM.replace("points = 1", "points ="), 3, "Invalid", "TOML", id="no TOML"),
        pytest.param(ITEM.replace("= 1", "= 0"), 3, "points", "above 0", id="no points"),
        pytest.param(
            ITEM.replace("= 1", "= 1e999999999"), 3, "points", "above 0", id="1e999999999"
        ),
        pytest.param(ITEM.replace("= 1", "= 1\nlabel = 1"), 4, "unknown key", "kind", id="key"),
        pytest.param(
            ITEM.replace("= 1", "= 1\npartial = true"),
            4,
            "single-choice takes no partial",
            "kind, points",
            id="another kind's key",
        ),
        pytest.param(
            ITEM.replace("[x]", "[ ]"), None, "none of its choices", "README", id="none right"
        ),
        pytest.param(ITEM.replace("[ ]", "[x]"), None, "exactly one", "README", id="two right"),
        pytest.param(
            ITEM.replace("- [ ] this\n", ""), None, "1 choices", "README", id="one choice"
        ),
        pytest.param(ITEM + "- [ ] more\n" * 25, None, "27 choices", "README", id="27 choices"),
        pytest.param(ITEM.replace("[ ] this", "this"), 7, "not marked", "[x]", id="no box"),
        pytest.param(ITEM.replace("[ ] this", "[ ]"), 7, "not marked", "[x]", id="empty choice"),
        pytest.param(ITEM.partition("- ")[0], 5, "no choices", "at the end", id="no choices"),
        pytest.param(ITEM + "\nGood luck.\n", 10, "no choices", "at the end", id="text below"),
        pytest.param(ITEM.replace("Which?", ""), 7, "asks nothing", "question", id="no question"),
        pytest.param(
            ITEM.replace("this", "this {#Big}"), None, "an id is", "README", id="bad choice id"
        ),
        pytest.param(
            ITEM.replace("this", "this {#b}"), None, "named b", "README", id="choice id twice"
        ),
        pytest.param(ITEM.replace("that", r"$\foo$"), 8, "unknown", "LaTeX", id="bad formula"),
        pytest.param(FILL_IN + "+++\nWhy?\n", 1, "one kind", "number", id="no key"),
        pytest.param(
            FILL_IN + 'number = 1\naccept = ["a"]\n+++\nWhy?\n', 1, "one kind", "or", id="two keys"
        ),
        pytest.param(
            FILL_IN + 'within = 1\naccept = ["a"]\n+++\nWhy?\n', 1, "one kind", "or", id="no number"
        ),
        pytest.param(
            FILL_IN + "number = 1\nwithin = -1\n+++\nWhy?\n", 5, "within", ">= 0", id="below 0"
        ),
        pytest.param(
            FILL_IN + 'accept = ["a", " "]\n+++\nWhy?\n', 4, "accept", "none empty", id="blank"
        ),
        pytest.param(
            '+++\nkind = "file-upload"\npoints = 1\nsuffixes = [".pdf"]\n+++\nWhat?\n',
            None,
            "max_bytes",
            "README",
            id="file without a bound",
        ),
        pytest.param(
            '+++\nkind = "file-upload"\npoints = 1\nsuffixes = ["pdf"]\n+++\nWhat?\n',
            4,
            "suffixes",
            "endings",
            id="suffix without a dot",
        ),
        pytest.param("x" * (MAX_ITEM_BYTES + 1), None, "too large", "64 KiB", id="too large"),
    ],
)
def test_a_wrong_item_says_where_and_what_would_be_right(
    tmp_path: Path, item: str, line: int | None, problem: str, right: str
) -> None:
    with pytest.raises(ExamError) as caught:
        load(folder(tmp_path, item=item))

    assert (caught.value.file, caught.value.line) == ("items/one.md", line)
    assert problem in caught.value.problem
    assert right in caught.value.right


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _link(path: Path) -> None:
    outside = path.parent.parent.parent / f"outside-{path.name}"
    path.rename(outside)
    path.symlink_to(outside)


@pytest.mark.parametrize(
    ("spoil", "file", "problem"),
    [
        pytest.param(lambda at: (at / "exam.toml").unlink(), "exam.toml", "missing", id="no exam"),
        pytest.param(
            lambda at: (at / "items/one.md").unlink(), "items/one.md", "missing", id="no item"
        ),
        pytest.param(lambda at: _link(at / "exam.toml"), "exam.toml", "link", id="exam linked"),
        pytest.param(
            lambda at: _link(at / "items/one.md"), "items/one.md", "link", id="item linked"
        ),
        pytest.param(lambda at: _link(at / "items"), "items/one.md", "link", id="folder linked"),
        pytest.param(
            lambda at: _pipe(at / "exam.toml"),
            "exam.toml",
            "no plain file",
            id="a pipe",
        ),
        pytest.param(
            lambda at: (at / "items/two.md").write_text("x"),
            "items/two.md",
            "no section",
            id="stray",
        ),
        pytest.param(
            lambda at: (at / "items/one.md").write_bytes(b"+++\n\xff"),
            "items/one.md",
            "UTF-8",
            id="not UTF-8",
        ),
    ],
)
def test_a_folder_that_is_not_all_its_own_is_refused(
    tmp_path: Path, spoil: Callable[[Path], object], file: str, problem: str
) -> None:
    at = tmp_path / "a" / "exam"
    at.mkdir(parents=True)
    spoil(folder(at))

    with pytest.raises(ExamError, match=problem) as caught:
        load(at)

    assert caught.value.file == file


def test_an_exam_of_more_than_16_mib_of_items_is_refused(tmp_path: Path) -> None:
    ids = [f"i{n}" for n in range(300)]
    at = folder(tmp_path, exam=EXAM.replace('["one"]', json.dumps(["one", *ids])))
    long = '+++\nkind = "short-text"\npoints = 1\n+++\n' + "x" * 60_000
    for one in ids:
        (at / "items" / f"{one}.md").write_text(long)

    with pytest.raises(ExamError, match="too large"):
        load(at)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda body: body[:0], id="nothing"),
        pytest.param(lambda body: body[:-1], id="cut"),
        pytest.param(lambda body: body + b"\n", id="a byte more"),
        pytest.param(lambda body: body.replace(b'"v":1', b'"v":2'), id="another version"),
        pytest.param(lambda body: body.replace(b'"title":"E"', b'"title": "E"'), id="a space"),
        pytest.param(lambda body: body.replace(b'"title":', b'"tint":1,"title":'), id="a key more"),
        pytest.param(lambda body: body.replace(b'"title":"E",', b""), id="a key less"),
        pytest.param(lambda body: body.replace(b'"3/5"', b'"6/10"'), id="another spelling"),
        pytest.param(lambda body: body.replace(b'"3/5"', b'"7/5"'), id="a bound broken"),
        pytest.param(lambda body: body.replace(b'"E"', b'"\xff"'), id="not UTF-8"),
    ],
)
def test_a_body_that_load_did_not_make_is_refused(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    body = load(folder(tmp_path)).body
    spoiled = spoil(body)
    assert spoiled != body

    with pytest.raises(ExamError):
        parse_body(spoiled)


@pytest.mark.parametrize("name", EACH)
def test_nothing_a_learner_is_sent_tells_the_key(name: str) -> None:
    exam = load(DEMO / name).exam

    for section in exam.sections:
        sent = learner_section(exam, section.id)
        assert json.loads(json.dumps(sent)) == sent
        assert not re.search(r'"(key|right|accept|value|within|relative)":', json.dumps(sent))
        assert "[x]" not in json.dumps(sent)


def test_the_readme_names_every_key_of_an_exam() -> None:
    readme = (DEMO / "README.md").read_text(encoding="utf-8")
    keys = {
        key
        for path in DEMO.glob("*/**/*")
        if path.suffix in {".toml", ".md"}
        for key in re.findall(r"^([a-z_]+) = ", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert {"limit_s", "suffixes", "relative"} <= keys
    assert not {key for key in keys if f"`{key}`" not in readme}
