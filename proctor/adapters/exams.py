r"""A folder becomes an exam.

    short/
      exam.toml              title, policy, pass mark; the sections in order, their limits and items
      items/die.md           one file for each item; its name is the item's id
      images/tree.png        what items show: ![A tree with three leaves](images/tree.png)
      answers.json           not read here, not part of the exam

    schema = 1                              items/die.md:
    id = "short"
    title = "A short exam"                  +++
    programme = "Proctor demo"              kind = "single-choice"
    policy_id = "demo"                      points = 1
    pass_mark = 0.6         # optional      +++
    in_order = true         # optional      A die is rolled twice. What is $P(6, 6)$?
    # [window]              # optional
    # start = 2026-06-01T09:00:00Z          - [ ] $\frac{1}{6}$
    # end = 2026-06-03T09:00:00Z            - [x] $\frac{1}{36}$ {#one-in-36}

    [[section]]
    id = "part-a"
    title = "Part A"
    limit_s = 7200
    items = ["die", "bayes"]

Every kind's front matter is in `proctor/demo/exams/README.md`. The choices of an item are the list
at its end. A choice is named by `{#its-id}` at its end, or else a, b, c … by its place.

Markdown is CommonMark with tables and LaTeX between dollars, which becomes MathML. Raw HTML is
shown as text. An image is a PNG or JPEG file of the folder and has a text for whoever can't see it;
the HTML names it by its digest. What comes out is sanitised once more by nh3.

The digest of an exam is the SHA-256 of its `body`: RFC 8785 JSON of the whole exam, keys and HTML
included, so it pins what the learner saw to the character. It follows that another release of
latex2mathml can change a digest; a published exam is therefore kept as its body, never re-made.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal
from fractions import Fraction
from operator import itemgetter
from pathlib import Path
from string import ascii_lowercase
from typing import Annotated, Any, Literal, TypeVar

import nh3
import rfc8785
from latex2mathml.converter import convert as mathml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from proctor.adapters.toml_lines import TomlLines
from proctor.domain.errors import Refusal
from proctor.domain.exam import (
    BY_CHOICE,
    BY_PEOPLE,
    MAX_CHOICES,
    MAX_IMAGE_BYTES,
    MAX_ITEMS,
    MAX_SECTIONS,
    Choice,
    ChoiceKey,
    Exam,
    ExamWithoutSections,
    Image,
    Item,
    Key,
    Kind,
    NumberKey,
    Section,
    TextKey,
    TooManySections,
    Window,
    learner_section,
)
from proctor.domain.scoring import readings

__all__ = ["ExamError", "LoadedExam", "learner_section", "load", "parse_body"]

MAX_EXAM_TOML_BYTES = 256 * 1024
MAX_ITEM_BYTES = 64 * 1024
MAX_ITEMS_BYTES = 16 * 1024 * 1024  # of all items together: they are held in memory
MAX_IMAGES_BYTES = 64 * 1024 * 1024  # of all images together
MAX_LATEX_CHARS = 4000
MAX_LATEX_DEPTH = 40  # latex2mathml recurses
_MOST_OF_A_FILE = 50  # errors; whoever made more mends those first


class ExamError(Exception):
    """An exam's folder or body is wrong.

    `file` is relative to the exam's folder; `line` counts from 1, or is None for the file as a
    whole. A rule of the domain that said no is the `__cause__`. `others` is what else is wrong: a
    file's front matter and each item are looked at whatever another says.
    """

    def __init__(self, *, file: str, line: int | None, problem: str, right: str) -> None:
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {problem}; right would be: {right}")
        self.file = file
        self.line = line
        self.problem = problem
        self.right = right
        self.others: tuple[ExamError, ...] = ()


def _first_of(found: Sequence[ExamError]) -> ExamError:
    """Return the first of several, which has the others; each may have had its own."""
    first, *others = [each for error in found for each in (error, *error.others)]
    first.others = tuple(others)
    return first


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedExam:
    exam: Exam
    sha256: str  # of the body, lower-case hex: the exam's digest
    body: bytes
    images: Mapping[str, bytes]  # by digest: all that items show


def load(folder: Path) -> LoadedExam:
    """Read an exam's folder. Raises ExamError, and OSError if the disk itself fails."""
    source = _read(folder, "exam.toml", MAX_EXAM_TOML_BYTES)
    raw = _toml(source, file="exam.toml", first_line=1)
    sections = raw.get("section")
    # Counted before anything else is looked at, so that 10,000 sections are one error, not 10,000.
    refusal: Refusal | None = None
    if not sections:
        refusal = ExamWithoutSections(exam_id=str(raw.get("id", "")))
    elif isinstance(sections, list) and len(sections) > MAX_SECTIONS:
        refusal = TooManySections(exam_id=str(raw.get("id", "")), found=len(sections))
    if refusal:
        right = f"1 to {MAX_SECTIONS} tables [[section]]"
        raise ExamError(file="exam.toml", line=None, problem=str(refusal), right=right) from refusal
    meta = _validated(_ExamFile, raw, source=source, file="exam.toml", first_line=1)
    _refuse_stray_items(folder, {item_id for part in meta.section for item_id in part.items})
    album = _Album(folder)
    try:
        exam = _exam(folder, meta, album)
    except Refusal as refused:
        right = "ids that differ, and counts and times within an exam's bounds"
        raise ExamError(file="exam.toml", line=None, problem=str(refused), right=right) from refused
    body = _body(exam)
    digest = hashlib.sha256(body).hexdigest()
    return LoadedExam(exam=exam, sha256=digest, body=body, images=album.bytes)


def parse_body(body: bytes) -> Exam:
    """Return the exam whose body this is, equal in every field. Raises ExamError."""
    right = "the exact bytes that `load` made"
    try:
        exam = _EXAM.validate_json(_unwrap(body), strict=True)
    except (ValidationError, Refusal) as error:
        raise ExamError(file="body", line=None, problem=str(error), right=right) from error
    # Whatever the parser was lenient about (an unknown key, another spelling of a number) is caught
    # here: there is one body for an exam, and one exam for a body.
    if _body(exam) != body:
        problem = "it is not canonical, or has keys which no exam has"
        raise ExamError(file="body", line=None, problem=problem, right=right)
    return exam


_EXAM = TypeAdapter(Exam)
_HEAD, _TAIL = b'{"exam":', b',"v":1}'


def _body(exam: Exam) -> bytes:
    plain = _EXAM.dump_python(exam, mode="json")
    for section in plain["sections"]:
        for item in section["items"]:
            if not item["images"]:
                del item["images"]  # as it was before there were any: a digest is for ever
    return rfc8785.dumps({"exam": plain, "v": 1})


def _unwrap(body: bytes) -> bytes:
    if body.startswith(_HEAD) and body.endswith(_TAIL):
        return body[len(_HEAD) : -len(_TAIL)]
    return b""


# --- the folder ---


def _read_bytes(folder: Path, name: str, max_bytes: int, *, what: str) -> bytes:
    """Return a file's bytes."""
    path = folder / name

    def wrong(problem: str, right: str) -> ExamError:
        return ExamError(file=name, line=None, problem=problem, right=right)

    # A link could bring any file of the server into a learner's question.
    if any(step.is_symlink() for step in (path, path.parent) if step != folder):
        raise wrong("it is a symbolic link", "a file in the exam's own folder")
    if not path.is_file():
        raise wrong("it is missing or no plain file", f"{what} of that name")
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise wrong("it is too large", f"at most {max_bytes // 1024} KiB")
    return data


def _read(folder: Path, name: str, max_bytes: int) -> str:
    """Return a file's text, its line ends made line feeds."""
    data = _read_bytes(folder, name, max_bytes, what="a text file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ExamError(
            file=name, line=line, problem="it is not UTF-8", right="text in UTF-8"
        ) from error
    return text.replace("\r\n", "\n")


class _Album:
    """The images that an exam's items show, read once each."""

    def __init__(self, folder: Path) -> None:
        self.bytes: dict[str, bytes] = {}
        self._folder = folder
        self._known: dict[str, Image] = {}

    def image(self, name: str) -> Image:
        """Return the image in a file such as images/tree.png. Raises ExamError."""
        if name not in self._known:
            data = _read_bytes(self._folder, name, MAX_IMAGE_BYTES, what="an image file")
            kind = next((kind for mark, kind in _MAGIC.items() if data.startswith(mark)), None)
            if kind is None:
                raise ExamError(
                    file=name, line=None, problem="it is no image", right="a PNG or JPEG file"
                )
            digest = hashlib.sha256(data).hexdigest()
            self.bytes[digest] = data
            if sum(map(len, self.bytes.values())) > MAX_IMAGES_BYTES:
                right = f"at most {MAX_IMAGES_BYTES // 1024**2} MiB of images"
                raise ExamError(file=name, line=None, problem="the exam is too large", right=right)
            self._known[name] = Image(sha256=digest, type=kind, size=len(data))
        return self._known[name]


_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_IMAGE_NAME = re.compile(r"images/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def _refuse_stray_items(folder: Path, listed: set[str]) -> None:
    found = {path.stem for path in (folder / "items").glob("*.md")}
    if stray := [
        ExamError(
            file=f"items/{name}.md",
            line=None,
            problem="no section lists this item",
            right=f'"{name}" in the items of a [[section]], or no such file',
        )
        for name in sorted(found - listed)
    ]:
        raise _first_of(stray)


def _exam(folder: Path, meta: "_ExamFile", album: _Album) -> Exam:
    sections = []
    left = MAX_ITEMS_BYTES
    wrong: list[ExamError] = []
    for part in meta.section:
        items = []
        for item_id in part.items:
            file, source = f"items/{item_id}.md", ""
            try:
                source = _read(folder, file, MAX_ITEM_BYTES)
                items.append(_item(source, item_id=item_id, file=file, album=album))
            except ExamError as error:
                wrong.append(error)
            left -= len(source)
            if left < 0:
                right = f"at most {MAX_ITEMS_BYTES // 1024**2} MiB of items"
                raise ExamError(file=file, line=None, problem="the exam is too large", right=right)
        if wrong:
            continue  # what is made of it is never used
        sections.append(
            Section(
                id=part.id,
                title=part.title,
                limit=timedelta(seconds=part.limit_s),
                items=tuple(items),
            )
        )
    if wrong:
        raise _first_of(wrong)
    window = None
    if meta.window:
        start, end = (at.astimezone(UTC) for at in (meta.window.start, meta.window.end))
        window = Window(start=start, end=end)
    return Exam(
        id=meta.id,
        title=meta.title,
        programme=meta.programme,
        policy_id=meta.policy_id,
        sections=tuple(sections),
        window=window,
        pass_mark=meta.pass_mark,
        in_order=meta.in_order,
    )


# --- TOML, and where in it something is wrong ---


def _exact(value: object) -> Fraction:
    if isinstance(value, (int, Decimal, str)) and not isinstance(value, bool):
        found = readings(str(value))
        if len(found) == 1 and "," not in str(value):
            return next(iter(found))
    raise ValueError("not a number")


Number = Annotated[Fraction, BeforeValidator(_exact)]
Id = Annotated[
    str, Field(pattern=r"^[a-z0-9-]{1,64}$", description="1 to 64 of a-z, 0-9 and -, in quotes")
]
Title = Annotated[str, Field(min_length=1, max_length=200, description="text, 1 to 200 characters")]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _WindowFile(_Strict):
    start: AwareDatetime = Field(description="an instant with its zone, 2026-06-01T09:00:00Z")
    end: AwareDatetime = Field(description="an instant with its zone, 2026-06-03T09:00:00Z")


class _SectionFile(_Strict):
    id: Id
    title: Title
    limit_s: int = Field(ge=1, le=86_400, description="seconds, 1 to 86400")
    items: list[Id] = Field(
        min_length=1, max_length=MAX_ITEMS, description=f"1 to {MAX_ITEMS} ids of files in items/"
    )


class _ExamFile(_Strict):
    schema_version: Literal[1] = Field(alias="schema", description="1")
    id: Id
    title: Title
    programme: Title
    policy_id: Id
    pass_mark: Number = Field(
        default=Fraction(3, 5), ge=0, le=1, description="0 to 1, 0.6 if left out"
    )
    in_order: bool = Field(default=False, description="true or false")
    window: _WindowFile | None = Field(default=None, description="a table with start and end")
    section: list[_SectionFile] = Field(description="tables [[section]]")


class _ItemFile(_Strict):
    """All kinds' front matter. Which keys a kind takes is in `_FOR`."""

    kind: Literal["single-choice", "multiple-choice", "fill-in", "short-text", "file-upload"] = (
        Field(description="single-choice, multiple-choice, fill-in, short-text or file-upload")
    )
    points: Number = Field(gt=0, le=1000, description="a number above 0, at most 1000")
    partial: bool = Field(default=False, description="true or false")
    number: Number | None = Field(default=None, description='a number, 0.5 or "1/3"')
    within: Number | None = Field(default=None, ge=0, description="an absolute tolerance, >= 0")
    relative: Number | None = Field(default=None, ge=0, description="a relative tolerance, >= 0")
    accept: list[Annotated[str, Field(pattern=r"\S", max_length=1000)]] | None = Field(
        default=None, min_length=1, max_length=100, description="1 to 100 strings, none empty"
    )
    max_bytes: int | None = Field(default=None, ge=1, description="bytes, 1 to 4194304")
    suffixes: list[Annotated[str, Field(pattern=r"^(\.[a-z0-9]+)+$")]] | None = Field(
        default=None, min_length=1, max_length=20, description='endings in lower case, [".pdf"]'
    )


_FOR: Mapping[Kind, frozenset[str]] = {
    Kind.SINGLE_CHOICE: frozenset(),
    Kind.MULTIPLE_CHOICE: frozenset({"partial"}),
    Kind.FILL_IN: frozenset({"number", "within", "relative", "accept"}),
    Kind.SHORT_TEXT: frozenset(),
    Kind.FILE_UPLOAD: frozenset({"max_bytes", "suffixes"}),
}

_M = TypeVar("_M", bound=_Strict)


def _toml(source: str, *, file: str, first_line: int) -> dict[str, Any]:
    try:
        # Decimal, for a tolerance of 0.1 is not a binary fraction.
        return tomllib.loads(source, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        at = re.search(r"at line (\d+)", str(error))
        line = int(at[1]) + first_line - 1 if at else None
        raise ExamError(file=file, line=line, problem=str(error), right="valid TOML 1.0") from error


def _validated(
    model: type[_M], raw: Mapping[str, Any], *, source: str, file: str, first_line: int
) -> _M:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        lines, found = TomlLines(source), []
        for each in error.errors(include_url=False)[:_MOST_OF_A_FILE]:
            loc = each["loc"]
            where = ".".join(str(step) for step in loc)
            problem = f"{where}: {each['msg'].lower()}"
            right = _right(model, loc) or "a value of another type"
            if each["type"] == "extra_forbidden":
                problem = f"{where}: unknown key"
                right = f"one of {', '.join(_known(model, loc))}"
            line = lines.line_of(tuple(loc)) + first_line - 1
            found.append((line, ExamError(file=file, line=line, problem=problem, right=right)))
        raise _first_of([wrong for _, wrong in sorted(found, key=itemgetter(0))]) from error


def _fields(model: type[BaseModel], loc: Sequence[int | str]) -> type[BaseModel]:
    """Return the model of the table in which the last key of `loc` stands."""
    tables: dict[str, type[BaseModel]] = {"section": _SectionFile, "window": _WindowFile}
    return tables.get(str(loc[0]), model) if len(loc) > 1 and model is _ExamFile else model


def _known(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    return [f.alias or name for name, f in _fields(model, loc).model_fields.items()]


def _right(model: type[BaseModel], loc: Sequence[int | str]) -> str | None:
    for name, field in _fields(model, loc).model_fields.items():
        if name in loc[-2:] or field.alias in loc:
            return field.description
    return None


# --- an item ---


def _item(source: str, *, item_id: str, file: str, album: _Album) -> Item:
    matter = re.match(r"\+\+\+\n(.*?\n)?\+\+\+\n", source, re.DOTALL)
    if not matter:
        right = "TOML between two lines of +++, then the question"
        raise ExamError(file=file, line=1, problem="it has no front matter", right=right)
    front = matter[1] or ""
    raw = _toml(front, file=file, first_line=2)
    meta = _validated(_ItemFile, raw, source=front, file=file, first_line=2)
    kind = Kind(meta.kind)
    for key in sorted(meta.model_fields_set - {"kind", "points"} - _FOR[kind]):
        known = ", ".join(["kind", "points", *sorted(_FOR[kind])])
        line = TomlLines(front).line_of((key,)) + 1
        problem = f"{kind} takes no {key}"
        raise ExamError(file=file, line=line, problem=problem, right=f"one of {known}")
    first_line = matter[0].count("\n") + 1
    page = _Page(source[matter.end() :], file=file, first_line=first_line, album=album)
    text = page.text
    choices: tuple[Choice, ...] = ()
    right_ones: tuple[str, ...] = ()
    if kind in BY_CHOICE:
        text, choices, right_ones = page.choices()
    if not text.strip():
        raise page.wrong(0, "it asks nothing", "a question below the front matter")
    html = page.render(text)
    try:
        return Item(
            id=item_id,
            kind=kind,
            points=meta.points,
            text=text,
            html=html,
            choices=choices,
            partial=meta.partial,
            max_bytes=meta.max_bytes,
            suffixes=tuple(meta.suffixes or ()),
            key=_key(kind, meta, right_ones, file=file),
            images=tuple(page.images.values()),
        )
    except Refusal as refused:
        right = f"what {kind} needs: proctor/demo/exams/README.md"
        raise ExamError(file=file, line=None, problem=str(refused), right=right) from refused


def _key(kind: Kind, meta: _ItemFile, right_ones: tuple[str, ...], *, file: str) -> Key | None:
    if kind in BY_PEOPLE:
        return None
    if kind in BY_CHOICE:
        return ChoiceKey(right=right_ones)
    tolerances = (meta.within, meta.relative)
    if meta.accept is not None and meta.number is None and tolerances == (None, None):
        return TextKey(accept=tuple(meta.accept))
    if meta.accept is None and meta.number is not None:
        within, relative = (one or Fraction(0) for one in tolerances)
        return NumberKey(value=meta.number, within=within, relative=relative)
    raise ExamError(
        file=file,
        line=1,
        problem="fill-in needs one kind of answer",
        right="number, with within or relative if wanted; or accept",
    )


# --- Markdown and mathematics ---


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS = _words(
    """
    a blockquote br code div em h1 h2 h3 h4 h5 h6 hr li ol p pre span strong
    table tbody td th thead tr ul
    math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow ms mspace msqrt mstyle msub
    msubsup msup mtable mtd mtext mtr munder munderover
    """
)
_ATTRIBUTES = {
    "a": _words("href title"),
    "img": _words("alt src"),
    "ol": _words("start"),
    "math": _words("display xmlns"),
    "menclose": _words("notation"),
    "mfrac": _words("linethickness"),
    "mi": _words("mathvariant"),
    "mo": _words(
        """
        accent fence form largeop lspace maxsize minsize movablelimits rspace separator stretchy
        symmetric
        """
    ),
    "mover": _words("accent"),
    "mpadded": _words("depth height lspace voffset width"),
    "mspace": _words("depth height width"),
    "mstyle": _words("displaystyle scriptlevel"),
    "mtable": _words("columnalign columnlines columnspacing displaystyle rowlines rowspacing"),
    "mtd": _words("columnalign"),
    "munder": _words("accentunder"),
}
_ENVIRONMENTS = _words(
    """
    align align* array bmatrix Bmatrix cases matrix pmatrix smallmatrix split vmatrix Vmatrix
    """
)
# Macros can grow without bound, and the others speak HTML, which is not a formula's business.
_NOT_IN_EXAMS = _words(
    "class DeclareMathOperator def href newcommand newenvironment renewcommand style"
)


class _BadFormula(Exception):
    pass


def _formula(latex: str, *, display: bool) -> str:
    """Return MathML. Raises _BadFormula where latex2mathml raises, and where it only shrugs."""
    if len(latex) > MAX_LATEX_CHARS:
        raise _BadFormula(f"longer than {MAX_LATEX_CHARS} characters")
    depth = 0
    for mark in re.findall(r"\\[A-Za-z]+|\\.|[{}]", latex, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        if not 0 <= depth <= MAX_LATEX_DEPTH:
            raise _BadFormula("its braces do not match, or nest too deep")
        if mark[1:] in _NOT_IN_EXAMS:
            raise _BadFormula(f"{mark} is not allowed")
    if depth:
        raise _BadFormula("its braces do not match")
    for name in re.findall(r"\\begin\{(.*?)\}", latex):
        if name not in _ENVIRONMENTS:
            raise _BadFormula(f"environment {name} is unknown")
    try:
        found = mathml(latex, display="block" if display else "inline")
    except Exception as error:  # a foreign parser, which promises no type of error
        raise _BadFormula(f"LaTeX: {type(error).__name__}") from error
    if unknown := re.search(r"<m[io][^>]*>(\\[A-Za-z]+)<", found):
        raise _BadFormula(f"{unknown[1]} is unknown")
    return found


_MARKDOWN = (
    MarkdownIt("commonmark", {"html": False})
    .enable("table")
    .use(
        dollarmath_plugin,
        allow_labels=False,
        allow_space=False,
        allow_digits=False,  # "$5 and $6" is money
        allow_blank_lines=False,
        renderer=lambda latex, how: _formula(latex, display=how["display_mode"]),
    )
)
_CHOICE = re.compile(r"([-*+] +)\[([ xX])\] +(\S.*)")
_CHOICE_ID = re.compile(r"\s*\{#([^{}\s]+)\}$")


class _Page:
    """The Markdown of one item. Its line 0 is line `first_line` of the file."""

    def __init__(self, text: str, *, file: str, first_line: int, album: _Album) -> None:
        self.images: dict[str, Image] = {}  # by digest: those that were rendered
        self._album = album
        self.text = text.strip("\n") + "\n"
        self.file = file
        self.first_line = first_line + len(text) - len(text.lstrip("\n"))

    def wrong(self, line: int, problem: str, right: str) -> ExamError:
        return ExamError(file=self.file, line=self.first_line + line, problem=problem, right=right)

    def render(self, text: str, *, at: int = 0, label: bool = False) -> str:
        """Return sanitised HTML of a piece of the page which begins on line `at`."""
        tokens = _MARKDOWN.parse(text)
        for line, token in _walk(tokens):
            self._check(at + line, token)
        if label and len(tokens) == 3 and tokens[0].type == "paragraph_open":  # noqa: PLR2004 - p, text, /p
            tokens = tokens[1:2]  # a choice of one paragraph stands in a label, where no <p> may
        return nh3.clean(
            _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}),
            tags=set(_TAGS) | ({"img"} if self.images else set()),
            attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
            attribute_filter=self._filtered,
            url_schemes={"http", "https", "sha256"},
        ).strip()

    def choices(self) -> tuple[str, tuple[Choice, ...], tuple[str, ...]]:
        """Split the page: the question, the choices at its end, the ids of the right ones."""
        tokens = [token for token in _MARKDOWN.parse(self.text) if token.level <= 1]
        opens = [n for n, token in enumerate(tokens) if token.type == "bullet_list_open"]
        lines = self.text.split("\n")
        right = "a list of - [ ] wrong and - [x] right choices at the end"
        if not tokens or tokens[-1].type != "bullet_list_close":
            raise self.wrong(len(lines) - 2, "it has no choices", right)
        choices, right_ones = [], []
        for n, token in enumerate(t for t in tokens[opens[-1] :] if t.type == "list_item_open"):
            assert token.map is not None
            first, last = token.map
            start = _CHOICE.fullmatch(lines[first])
            if not start:
                raise self.wrong(first, "a choice is not marked", right)
            margin = re.compile(rf" {{0,{len(start[1])}}}")
            rest = (margin.sub("", line, count=1) for line in lines[first + 1 : last])
            text = "\n".join([start[3], *rest]).strip()
            named = _CHOICE_ID.search(text)
            choice_id = named[1] if named else ascii_lowercase[n % MAX_CHOICES]
            text = text[: named.start()] if named else text
            html = self.render(text, at=first, label=True)
            choices.append(Choice(id=choice_id, text=text, html=html))
            if start[2] != " ":
                right_ones.append(choice_id)
        top = tokens[opens[-1]].map
        assert top is not None
        question = "\n".join(lines[: top[0]]).strip("\n") + "\n"
        return question, tuple(choices), tuple(sorted(right_ones))

    def _check(self, line: int, token: Token) -> None:
        if token.type == "image":
            token.attrSet("src", f"sha256:{self._image(line, token).sha256}")
        if token.type == "link_open":
            href = str(token.attrGet("href"))
            if not href.startswith(("http://", "https://")):
                raise self.wrong(line, f"it links to {href}", "a whole http or https address")
        if token.type in {"math_inline", "math_block"}:
            try:
                _formula(token.content, display=token.type == "math_block")
            except _BadFormula as error:
                problem = f"formula {token.content.strip()[:60]}: {error}"
                raise self.wrong(line, problem, "LaTeX that latex2mathml knows") from error

    def _image(self, line: int, token: Token) -> Image:
        name = str(token.attrGet("src"))
        if not _IMAGE_NAME.fullmatch(name):
            right = "a file of the exam's folder, like images/tree.png"
            raise self.wrong(line, f"it has an image {name[:60]}", right)
        if not token.content.strip():
            right = "what the image shows, in the square brackets, for whoever can't see it"
            raise self.wrong(line, f"the image {name} has no text", right)
        image = self._album.image(name)
        self.images[image.sha256] = image
        return image

    def _filtered(self, tag: str, name: str, value: str) -> str | None:
        """Let no other image in, such as a formula might name."""
        if name == "href":
            return None if value.startswith("sha256:") else value
        if (tag, name) != ("img", "src"):
            return value
        return value if value.removeprefix("sha256:") in self.images else None


def _walk(tokens: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    """Yield every token with the line it stands on: its own, or that of the last one before."""
    line = 0
    for token in tokens:
        line = token.map[0] if token.map else line
        yield line, token
        inside = line
        for child in token.children or ():
            yield inside, child
            inside += child.type in {"softbreak", "hardbreak"}
