import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import proctor
from proctor.adapters import policies
from proctor.adapters.policies import PolicyError
from proctor.adapters.policy_file import FILE_BYTES_MOST
from proctor.domain.policy import CaptureRules, FlagRule, Paper, Site, Software, Website

HEAD = 'schema = 1\nid = "mine"\ntitle = "Mine"\n'


def write(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def load(folder: Path, text: str) -> policies.LoadedPolicy:
    return policies.load(write(folder, HEAD + text))


def refused(folder: Path, text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        policies.load(write(folder, text))
    return caught.value


def other(folder: Path, name: str, text: str) -> Path:
    return write(folder, f'schema = 1\nid = "{name}"\ntitle = "T"\n{text}', name)


# --- what a file becomes ---------------------------------------------------------------------


def test_a_file_of_three_lines_is_a_whole_policy(tmp_path: Path) -> None:
    policy = load(tmp_path, "").policy
    assert (policy.id, policy.title, policy.schema) == ("mine", "Mine", 1)
    assert policy.allow == ()
    assert policy.flags == ()
    assert policy.capture == CaptureRules()


def test_every_kind_of_row_becomes_its_type(tmp_path: Path) -> None:
    policy = load(
        tmp_path,
        """
        [[allow]]
        kind = "paper"
        sheets = 2
        [[allow]]
        kind = "website"
        of = [{ name = "A", url = "https://a.org" }]
        sections = ["s"]
        [[allow]]
        kind = "software"
        name = "R"
        programs = ["R", "Rgui"]
        [[flag]]
        when = "dark"
        below = 30
        severity = 1
        """,
    ).policy
    assert policy.allow == (
        Paper(sheets=2, sides=2, must_be="blank"),
        Website(choose=1, of=(Site(name="A", url="https://a.org"),), sections=("s",)),
        Software(name="R", programs=("R", "Rgui")),
    )
    assert policy.flags == (FlagRule(when="dark", below=30.0, severity=1.0),)


def test_the_digest_is_that_of_the_canonical_body_without_tests(tmp_path: Path) -> None:
    loaded = load(tmp_path, "")
    tested = load(
        tmp_path,
        '[[test]]\nname = "t"\ngiven = [{ kind = "gap", cause = "network" }]\nexpect = []\n',
    )
    assert loaded.sha256 == hashlib.sha256(loaded.body).hexdigest()
    assert tested.body == loaded.body
    assert [test.name for test in tested.tests] == ["t"]
    document = json.loads(loaded.body)
    assert loaded.body.decode() == json.dumps(document, sort_keys=True, separators=(",", ":"))
    assert "test" not in document
    assert document["capture"]["snapshot_every_s"] == 10


def test_what_is_written_as_a_default_does_not_change_the_digest(tmp_path: Path) -> None:
    assert load(tmp_path, "[capture]\nquality = 80\n").sha256 == load(tmp_path, "").sha256
    assert load(tmp_path, "[capture]\nquality = 81\n").sha256 != load(tmp_path, "").sha256


def test_a_body_is_read_back_as_the_same_policy() -> None:
    for path in policies.builtin_folder().glob("*.toml"):
        loaded = policies.load(path)
        assert policies.parse_body(loaded.body) == loaded.policy


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="no policy"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"[" * 10_000, id="brackets"),
        pytest.param(b'{"schema":1,"id":"p","title":"P","test":[]}', id="a file's own key"),
        pytest.param(b'{"schema":2,"id":"p","title":"P"}', id="another schema"),
    ],
)
def test_bytes_that_are_no_policy_are_refused(body: bytes) -> None:
    with pytest.raises(PolicyError):
        policies.parse_body(body)


# --- errors ----------------------------------------------------------------------------------

ROW = '[[allow]]\nkind = "paper"\n'
SHAPES = [
    pytest.param("[capture]\nsnapshot_evry_s = 5\n", "5", "capture.snapshot_evry_s",
                 "did you mean snapshot_every_s?", id="a key misspelt"),
    pytest.param("[capture]\nwombat = 5\n", "5", "capture.wombat",
                 "the keys here are snapshot_every_s, max_px, quality, second_camera",
                 id="a key never heard of"),
    pytest.param('[capture]\nsecond_camera = "webcam"\n', "5", "capture.second_camera",
                 "phone", id="a second camera of no kind"),
    pytest.param(ROW + "adverse_needs = 1\n", "6", "allow.adverse_needs",
                 "it belongs under [review]", id="a key under the wrong table"),
    pytest.param("[[alow]]\n", "4", "alow", "did you mean allow?", id="a table misspelt"),
    pytest.param("[review]\nsecond_looks = 1.5\n", "5", "review.second_looks",
                 "a number from 0 to 1", id="more second looks than verdicts"),
    pytest.param('[review]\ncontest_days = 0\nresults_held = "until-contest-over"\n', "6",
                 "review.results_held", "contest_days of 1 or more", id="held for no contest"),
    pytest.param("[capture]\nsnapshot_every_s = 0\n", "5", "capture.snapshot_every_s",
                 "a whole number from 1 to 600", id="a number out of range"),
    pytest.param("[capture]\nsnapshot_every_s = 1.5\n", "5", "capture.snapshot_every_s",
                 "a whole number from 1 to 600", id="half a second"),
    pytest.param("[identity]\nhold = 1\n", "5", "identity.hold", "true or false",
                 id="a number for yes"),
    pytest.param('[identity]\nface = "asist"\n', "5", "identity.face",
                 "did you mean assist? one of assist, none", id="a word misspelt"),
    pytest.param(ROW + "sheets = true\n", "6", "allow.sheets", "a whole number from 1 to 50",
                 id="yes for a number"),
    pytest.param("[[allow]]\nsheets = 1\n", "4", "allow.kind", "one of book, calculator",
                 id="a row without kind"),
    pytest.param('[[allow]]\nkind = "papr"\n', "5", "allow.kind", "did you mean paper? one of",
                 id="a kind misspelt"),
    pytest.param("[[allow]]\nkind = 5\n", "5", "allow.kind", "one of book", id="a kind by number"),
    pytest.param("allow = 5\n", "4", "allow", "a list of tables", id="a list by number"),
    pytest.param("allow = [5]\n", "4", "allow", "a table with a kind", id="a row by number"),
    pytest.param("capture = 5\n", "4", "capture", "a table", id="a table by number"),
    pytest.param("[[flag]]\n", "4", "flag.when", "one of person-count", id="a rule of nothing"),
    pytest.param('[[flag]]\nwhen = "gaze"\n', "5", "flag.when", "one of person-count",
                 id="gaze is no rule"),
    pytest.param('[[flag]]\nwhen = "dark"\nseverity = nan\n', "6", "flag.severity",
                 "a number from 0 to 1", id="a severity that is no number"),
    pytest.param('[[flag]]\nwhen = "dark"\nflag_class = "conduct"\n', "6", "flag.flag_class",
                 "the keys here are", id="a class set by hand"),
    pytest.param('[[flag]]\nwhen = "dark"\nsections = ["ok",\n"No way"]\n', "7", "flag.sections",
                 "an id of at most 64", id="an element on its own line"),
    pytest.param('[[allow]]\nkind = "website"\nof = [\n{ name = "A", url = "https://a.org" },\n'
                 '{ name = "B" },\n]\n', "8", "allow.of.url", "a line of text",
                 id="a site without address"),
    pytest.param('[system]\nrefuse = [{ os = "windows", below = "ten" }]\n', "5",
                 "system.refuse.below", "a version such as", id="a version in letters"),
    pytest.param('[[test]]\nname = "t"\nexpect = []\ngiven = [{ kind = "focus", fr_s = 4 }]\n',
                 "7", "test.given.fr_s", "did you mean for_s?", id="a key in a test"),
    pytest.param('[[test]]\nname = "two\\nlines"\nexpect = []\n'
                 'given = [{ kind = "focus" }]\n', "5", "test.name", "a line of text",
                 id="a name of two lines"),
    pytest.param('extends = "No"\n', "4", "extends", "an id of at most 64", id="no id"),
    pytest.param("extends = 4\n", "4", "extends", "an id of at most 64", id="a parent by number"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "key", "right"), SHAPES)
def test_a_wrong_key_or_value_is_named_with_its_line_and_what_would_be_right(
    tmp_path: Path, text: str, line: str, key: str, right: str
) -> None:
    error = refused(tmp_path, HEAD + text)
    assert (error.line, error.key) == (int(line), key)
    assert right in error.right
    assert str(error) == f"{tmp_path / 'mine.toml'}:{line}: {key}: {error.problem}; {error.right}"
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('"a\\nb\\u001b" = 1\n', id="in a key"),
        pytest.param('schema = "a\\nb\\u001b"\n', id="in a value"),
    ],
)
def test_what_a_terminal_would_act_on_is_spelt_out(tmp_path: Path, text: str) -> None:
    error = refused(tmp_path, text)
    said = [str(one) for one in (error, *error.others)]
    assert [line for line in said if "a\\nb\\x1b" in line]
    assert all(line.isprintable() for line in said)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param("[1, 2]", "a list of 2", id="a list"),
        pytest.param("{ a = 1 }", "a table", id="a table"),
        pytest.param("true", "true", id="a yes"),
        pytest.param('"' + "x" * 99 + '"', '"' + "x" * 40 + "…", id="a long text"),
        pytest.param("1979-05-27", "1979-05-27", id="a date"),
    ],
)
def test_a_wrong_value_is_repeated_in_short(tmp_path: Path, value: str, words: str) -> None:
    error = refused(tmp_path, f'id = "mine"\ntitle = "T"\nschema = {value}\n')
    assert error.problem.startswith(f"is {words}")


DEAD = [
    pytest.param(
        '[sections]\norder = ["part-a"]\n[[flag]]\nwhen = "dark"\nsections = ["part-b"]\n',
        8, "flag.sections", "did you mean part-a?", id="a rule for no section"),
    pytest.param(
        '[sections]\norder = ["a"]\n[[allow]]\nkind = "book"\nsections = ["zebra"]\n',
        8, "allow.sections", "sections.order has a", id="a thing for no section"),
    pytest.param('[sections]\norder = ["a", "a"]\n', 5, "sections.order", "each section once",
                 id="a section twice"),
    pytest.param('[[flag]]\nwhen = "person-count"\nfor_s = 5\n', 6, "flag.for_s",
                 "0 for at once, 10 or more", id="faster than the camera"),
    pytest.param('[sections]\nlimit_s = 60\n[[flag]]\nwhen = "left-page"\nfor_s = 60\n', 8,
                 "flag.for_s", "less than 60", id="longer than a section"),
    pytest.param('[[flag]]\nwhen = "program"\nprograms = ["x"]\nfor_s = 30\n', 7, "flag.for_s",
                 "leave it out, or 0", id="a program for some time"),
    pytest.param('[[flag]]\nwhen = "second-display"\nfor_s = 1\n', 6, "flag.for_s",
                 "leave it out, or 0", id="a display for some time"),
    pytest.param('[[flag]]\nwhen = "log-fork"\nfor_s = 5\n', 6, "flag.for_s",
                 "leave it out, or 0", id="two histories for some time"),
    pytest.param('[[flag]]\nwhen = "program"\n', 4, "flag", "programs =", id="no program"),
    pytest.param('[[flag]]\nwhen = "dark"\nabove = 2\n', 6, "flag.above", "person-count",
                 id="a limit that is not read"),
    pytest.param('[[flag]]\nwhen = "no-face"\nbelow = 2\n', 6, "flag.below", "covered, dark",
                 id="a grey level that is not read"),
    pytest.param('[[flag]]\nwhen = "another-person"\nbelow = 30\n', 6, "flag.below",
                 "a likeness from 0 to 1", id="a grey level for a likeness"),
    pytest.param('[identity]\nface = "none"\n[[flag]]\nwhen = "another-person"\n', 7,
                 "flag.when", 'face = "assist"', id="faces that are not compared"),
    pytest.param('[identity]\ndocument = "student-id"\nkinds = ["passport"]\n', 6,
                 "identity.kinds", "no kinds", id="government IDs that are not asked for"),
    pytest.param('[identity]\nkinds = ["passport", "passport"]\n', 5, "identity.kinds",
                 "each kind once", id="a kind of ID twice"),
    pytest.param('[[flag]]\nwhen = "dark"\nprograms = ["x"]\n', 6, "flag.programs", "program",
                 id="programs that are not read"),
    pytest.param('[[flag]]\nwhen = "dark"\n[[flag]]\nwhen = "dark"\nseverity = 0.9\n', 7,
                 "flag.when", "one of the two", id="a rule twice"),
    pytest.param(ROW + ROW, 7, "allow.kind", "one row for each section", id="paper twice"),
    pytest.param('[[allow]]\nkind = "writing"\npen = false\npencil = false\n', 4, "allow",
                 "pen = true", id="nothing to write with"),
    pytest.param('[[allow]]\nkind = "website"\nchoose = 2\n'
                 'of = [{ name = "A", url = "https://a.org" }]\n', 6, "allow.choose",
                 "from 1 to 1", id="two of one"),
    pytest.param('[[allow]]\nkind = "website"\nof = [{ name = "A", url = "a.org" }]\n', 6,
                 "allow.of.url", "https://example.org", id="no address"),
    pytest.param('[[allow]]\nkind = "software"\nname = "R"\nprograms = ["R"]\n'
                 '[[flag]]\nwhen = "program"\nprograms = ["r.exe"]\n', 10, "flag.programs",
                 "leave it out here", id="allowed and looked for"),
    pytest.param('[identity]\ndocument = "none"\n', 4, "identity.name", 'name = "none"',
                 id="a name on no document"),
    pytest.param('[identity]\ndocument = "none"\nname = "none"\nface = "none"\nhold = true\n', 8,
                 "identity.hold", "hold = false", id="waiting for nothing"),
    pytest.param("[time]\nafter_s = 60\nmost_s = 60\n", 6, "time.most_s", "more than",
                 id="time back that is never given"),
    pytest.param("[system]\nrefuse = [{}]\n", 5, "system.refuse", "at least one of",
                 id="every computer refused"),
    pytest.param('[system]\nrefuse = [{ below = "10" }]\n', 5, "system.refuse.below", "an os",
                 id="a version of nothing"),
    pytest.param('[sections]\norder = ["a"]\n[[test]]\nname = "t"\nexpect = []\n'
                 'given = [{ kind = "focus", section = "b" }]\n', 9, "test.given.section",
                 "sections.order has a", id="a test in no section"),
    pytest.param('[drop]\nflag = ["dark"]\n', 5, "drop.flag", "leave it out", id="a drop of none"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "key", "right"), DEAD)
def test_a_rule_that_can_never_act_is_an_error(
    tmp_path: Path, text: str, line: int, key: str, right: str
) -> None:
    error = refused(tmp_path, HEAD + text)
    assert (error.line, error.key) == (line, key)
    assert right in error.right


LIVE = [
    pytest.param('[[flag]]\nwhen = "dark"\nsections = ["a"]\n', id="a section of any exam"),
    pytest.param('[[flag]]\nwhen = "person-count"\nfor_s = 0\n', id="at once"),
    pytest.param('[[flag]]\nwhen = "left-page"\nfor_s = 1\n', id="shorter, but not by camera"),
    pytest.param('[[flag]]\nwhen = "dark"\nsections = ["a"]\n'
                 '[[flag]]\nwhen = "dark"\nsections = ["b"]\n', id="two sections, two rules"),
    pytest.param(ROW + 'sections = ["a"]\n' + ROW + 'sections = ["b"]\n', id="paper in each part"),
    pytest.param('[[allow]]\nkind = "software"\nname = "R"\nprograms = ["R"]\nsections = ["b"]\n'
                 '[[flag]]\nwhen = "program"\nprograms = ["R"]\n', id="allowed in one part only"),
    pytest.param('[identity]\ndocument = "none"\nname = "none"\n', id="a face without document"),
    pytest.param('[[flag]]\nwhen = "another-person"\nbelow = 0.3\n', id="a likeness"),
    pytest.param('[[flag]]\nwhen = "looped"\nbelow = 0.3\n', id="a grey level for a repeat"),
    pytest.param('extends = "closed-book"\n[identity]\nface = "none"\n'
                 '[drop]\nflag = ["another-person"]\n', id="no comparing, and no rule about it"),
    pytest.param('[identity]\nkinds = ["passport", "national-id"]\n', id="two kinds of ID"),
    pytest.param('[time]\ngive_back = "none"\nafter_s = 60\nmost_s = 0\n', id="no time back"),
]  # fmt: skip


@pytest.mark.parametrize("text", LIVE)
def test_a_rule_that_can_act_is_none(tmp_path: Path, text: str) -> None:
    load(tmp_path, text)


def test_all_that_is_wrong_is_told_in_the_order_of_lines(tmp_path: Path) -> None:
    error = refused(tmp_path, 'schema = 2\nid = "mine"\n[capture]\nquality = 1\nmax_px = 1\n')
    assert [(one.line, one.key) for one in (error, *error.others)] == [
        (1, "schema"),
        (1, "title"),
        (4, "capture.quality"),
        (5, "capture.max_px"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        pytest.param(b"a = \n", 1, "is not TOML: invalid value", id="no value"),
        pytest.param(b"a = 1\n\nb = 2 3\n", 3, "is not TOML: expected newline", id="two values"),
        pytest.param(b'a = 1\nb = "x', 2, "is not TOML", id="a text that does not end"),
        pytest.param(b"a = 1\na = 2\n", 2, "is not TOML: cannot overwrite", id="a key twice"),
        pytest.param(b"[a]\n[a]\n", 2, "is not TOML: cannot declare", id="a table twice"),
        pytest.param(b"# \n# \xff\n", 2, "is not UTF-8", id="bytes that are no text"),
        pytest.param(b"a = " + b"[" * 9000, 1, "is nested too deep", id="brackets"),
        pytest.param(b"a = " + b"9" * 5000, 1, "has a number too long", id="digits"),
        pytest.param(b"#" * (FILE_BYTES_MOST + 1), 1, "is longer than 256 KiB", id="too long"),
        pytest.param(b"", 1, "is missing", id="nothing at all"),
    ],
)
def test_what_is_no_policy_at_all_is_refused_with_its_line(
    tmp_path: Path, text: bytes, line: int, problem: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(text)
    with pytest.raises(PolicyError) as caught:
        policies.load(path)
    assert caught.value.line == line
    assert caught.value.problem.startswith(problem)


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path, Path("/dev/zero"), tmp_path / ("x" * 5000)):
        with pytest.raises(PolicyError):
            policies.load(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_a_policy_escapes_as_anything_but_an_error_of_ours(
    tmp_path: Path, data: st.DataObject
) -> None:
    text = (policies.builtin_folder() / "mitx-pom-final.toml").read_bytes()[:2500]
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 12))
    new = data.draw(st.sampled_from([b"", b"[", b"]]", b'"', b"'''", b"= 5", b"{}", b"\n", b".x"]))
    path = tmp_path / "mitx-pom-final.toml"
    path.write_bytes(text[:at] + new + text[at + cut :])
    (printed,) = policies.check_files([path])
    assert all(
        re.match(r"[^\n]+:[1-9][0-9]*: [^\n]+; [^\n]+$", line)
        for line in printed.lines
        if not printed.ok
    )


# --- parents ---------------------------------------------------------------------------------


def test_a_child_takes_over_what_it_does_not_say(tmp_path: Path) -> None:
    other(
        tmp_path,
        "base",
        """
        [capture]
        quality = 50
        max_px = 800
        [[allow]]
        kind = "book"
        [[allow]]
        kind = "paper"
        sheets = 1
        [[flag]]
        when = "dark"
        for_s = 60
        [[flag]]
        when = "dark"
        for_s = 600
        [[flag]]
        when = "covered"
        [[test]]
        name = "of the parent"
        given = [{ kind = "focus" }]
        expect = []
        """,
    )
    loaded = load(
        tmp_path,
        """
        extends = "base"
        [capture]
        quality = 60
        [[allow]]
        kind = "paper"
        sheets = 3
        [[flag]]
        when = "dark"
        for_s = 30
        """,
    )
    policy = loaded.policy
    assert (policy.id, policy.title) == ("mine", "Mine")
    assert (policy.capture.quality, policy.capture.max_px) == (60, 800)
    assert [getattr(thing, "sheets", "book") for thing in policy.allow] == ["book", 3]
    assert [(rule.when, rule.for_s) for rule in policy.flags] == [("covered", 0), ("dark", 30)]
    assert loaded.tests == ()


def test_a_child_may_drop_what_its_parent_has(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        'extends = "closed-book"\n[drop]\nallow = ["paper"]\nflag = ["dark", "left-page"]\n',
    )
    assert not [thing for thing in loaded.policy.allow if isinstance(thing, Paper)]
    assert not {"dark", "left-page"} & {rule.when for rule in loaded.policy.flags}


def test_a_parent_beside_the_file_goes_before_one_of_ours(tmp_path: Path) -> None:
    assert load(tmp_path, 'extends = "closed-book"').policy.capture.quality == 80
    other(tmp_path, "closed-book", "[capture]\nquality = 33\n")
    assert load(tmp_path, 'extends = "closed-book"').policy.capture.quality == 33


def test_a_cycle_is_named(tmp_path: Path) -> None:
    other(tmp_path, "a", 'extends = "b"\n')
    other(tmp_path, "b", 'extends = "mine"\n')
    error = refused(tmp_path, HEAD + 'extends = "a"\n')
    assert error.problem == "is a cycle: mine → a → b → mine"
    assert (Path(error.file).name, error.line, error.key) == ("b.toml", 4, "extends")


def test_a_policy_that_extends_itself_is_a_cycle(tmp_path: Path) -> None:
    assert "mine → mine" in refused(tmp_path, HEAD + 'extends = "mine"\n').problem


def test_a_parent_that_is_nowhere_is_named_with_the_nearest(tmp_path: Path) -> None:
    error = refused(tmp_path, HEAD + 'extends = "close-book"\n')
    assert (error.line, error.key) == (4, "extends")
    assert "did you mean closed-book?" in error.right
    assert "did you mean" not in refused(tmp_path, HEAD + 'extends = "zzz"\n').right


def test_a_parent_with_another_id_than_its_name_is_refused(tmp_path: Path) -> None:
    other(tmp_path, "base", "")
    (tmp_path / "base.toml").rename(tmp_path / "basis.toml")
    error = refused(tmp_path, HEAD + 'extends = "basis"\n')
    assert (Path(error.file).name, error.line) == ("basis.toml", 2)


@pytest.mark.parametrize(
    ("parents", "fits"), [pytest.param(8, True, id="eight"), pytest.param(9, False, id="nine")]
)
def test_parents_are_bounded(tmp_path: Path, parents: int, fits: bool) -> None:
    for number in range(1, parents):
        other(tmp_path, f"p{number}", f'extends = "p{number + 1}"\n')
    other(tmp_path, f"p{parents}", "")
    text = HEAD + 'extends = "p1"\n'
    if fits:
        policies.load(write(tmp_path, text))
    else:
        assert "at most 8" in refused(tmp_path, text).right


def test_a_second_camera_is_taken_over_and_can_be_done_without(tmp_path: Path) -> None:
    other(tmp_path, "base", '[capture]\nsecond_camera = "phone"\n')
    child = 'extends = "base"\n[capture]\nquality = 70\n'
    assert load(tmp_path, child).policy.capture == CaptureRules(quality=70, second_camera="phone")
    child += 'second_camera = "none"\n'
    assert load(tmp_path, child).policy.capture == CaptureRules(quality=70)


def test_an_error_of_a_parent_is_told_of_the_parent(tmp_path: Path) -> None:
    other(tmp_path, "base", "\n[capture]\nquality = 1\n")
    error = refused(tmp_path, HEAD + 'extends = "base"\n')
    assert (Path(error.file).name, error.line) == ("base.toml", 6)


def test_a_rule_that_a_child_made_dead_is_told_where_it_stands(tmp_path: Path) -> None:
    error = refused(tmp_path, HEAD + 'extends = "closed-book"\n[capture]\nsnapshot_every_s = 300\n')
    assert Path(error.file).name == "closed-book.toml"
    assert error.key == "flag.for_s"
    line = Path(error.file).read_text().splitlines()[error.line - 1]
    assert line.startswith("for_s = ")
    assert "a snapshot every 300 s" in error.problem


def test_rows_are_bounded_with_those_of_the_parents(tmp_path: Path) -> None:
    row = '[[flag]]\nwhen = "person-count"\nabove = {}\nfor_s = {}\n'
    rules = "".join(row.format(n % 20 + 1, n // 20 * 10) for n in range(99))
    other(tmp_path, "base", rules)
    child = 'extends = "base"\n[[flag]]\nwhen = "dark"\n'
    assert len(load(tmp_path, child).policy.flags) == 100
    error = refused(tmp_path, HEAD + child + '[[flag]]\nwhen = "covered"\n')
    assert (error.key, error.right) == ("flag", "at most 100")


# --- tests and printing ----------------------------------------------------------------------

TESTED = """
[[flag]]
when = "person-count"
for_s = 10
[[test]]
name = "right"
given = [{ kind = "snapshots", faces = 2, for_s = 12 }]
expect = ["person-count"]
[[test]]
name = "wrong"
given = [{ kind = "snapshots", faces = 1, for_s = 12 }]
expect = ["person-count"]
"""


def test_a_test_that_fails_says_what_was_expected_and_raised(tmp_path: Path) -> None:
    right, wrong = policies.run_tests(load(tmp_path, TESTED))
    assert right.passed
    assert not wrong.passed
    assert wrong.words == "FAILED: wrong: expected person-count, raised no flag"


def test_rows_of_a_test_follow_each_other_in_their_sections(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        """
        [sections]
        order = ["a", "b"]
        [[flag]]
        when = "dark"
        for_s = 40
        sections = ["b"]
        [[test]]
        name = "forty seconds in one section are not twenty in each of two"
        given = [
          { kind = "snapshots", dark = true, for_s = 60 },
          { kind = "snapshots", dark = true, for_s = 20, section = "b" },
        ]
        expect = []
        [[test]]
        name = "rows of one section are one story"
        given = [
          { kind = "snapshots", dark = true, for_s = 20, section = "b" },
          { kind = "snapshots", dark = true, for_s = 20, section = "b" },
        ]
        expect = ["dark"]
        """,
    )
    assert [result.words for result in policies.run_tests(loaded) if not result.passed] == []


def test_checking_prints_one_line_a_file_or_an_error(tmp_path: Path) -> None:
    good = write(tmp_path, HEAD, "good")
    bad = write(tmp_path, HEAD + "a = 1\nb = 2\n", "bad")
    right, wrong = policies.check_files([good, bad])
    assert right.ok
    assert right.lines == (f"{good}: right; policy mine {policies.load(good).sha256}",)
    assert not wrong.ok
    assert [line.split(": ")[:2] for line in wrong.lines] == [[f"{bad}:4", "a"], [f"{bad}:5", "b"]]


def test_testing_prints_each_test_and_the_sum(tmp_path: Path) -> None:
    tested = write(tmp_path, HEAD + TESTED, "tested")
    empty = write(tmp_path, HEAD, "empty")
    bad = write(tmp_path, "", "bad")
    one, none, wrong = policies.test_files([tested, empty, bad])
    assert (one.ok, none.ok, wrong.ok) == (False, True, False)
    assert one.lines[-1] == f"{tested}: 1 of 2 tests passed"
    assert none.lines == (f"{empty}: 0 of 0 tests passed",)


def test_showing_prints_what_each_audience_reads(tmp_path: Path) -> None:
    path = policies.builtin_folder() / "mitx-pom-final.toml"
    learner, proctor = policies.show(path, "learner"), policies.show(path, "proctor")
    assert "What is never done" in learner.lines
    assert "Flags to review" in proctor.lines
    assert learner.lines[0] == "Principles of Manufacturing: final exam"
    assert not policies.show(write(tmp_path, ""), "learner").ok


def test_a_built_in_policy_is_named_by_its_id_where_no_file_has_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (said,) = policies.check_files([Path("closed-book")])
    assert said.ok
    (tmp_path / "closed-book").write_text("no policy", encoding="utf-8")
    (said,) = policies.check_files([Path("closed-book")])
    assert not said.ok


def test_without_a_repository_the_policies_in_the_package_are_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "proctor"
    monkeypatch.setattr(proctor, "__file__", str(package / "__init__.py"))
    assert policies.builtin_folder() == package / "policies"
