"""A file of answers: what is refused before the link is used, and what is said and left out."""

import asyncio
import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from proctor_client.agent import Plan, joined_before, take
from proctor_client.answers import check_files, fitting, read_answers
from proctor_client.errors import BadInput
from proctor_client.screen import Script
from proctor_client.server import parse_link
from proctor_client.spool import Spool
from proctor_client.standing import Memory

from proctor.adapters import exams
from proctor.domain.exam import BadResponse, check_response, learner_section
from proctor.evidence.record import MAX_BLOB_BYTES, Kind
from tests.client.clips import grey, write_clip
from tests.client.exam_server import serving
from tests.conftest import SHORT_EXAM, Server

ROOT = Path(__file__).parents[2]
MEDIAN = SHORT_EXAM.parent / "capstone" / "median_error.r"


class Quiet(Script):
    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(answers, accepts=True, pace_s=0.0)
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.avi", 8, lambda at: grey(60 + 10 * at))


def plan_for(link: str, clip: Path) -> Plan:
    return Plan(
        link=parse_link(link),
        data=clip.parent / "home",
        camera=str(clip),
        answers_folder=clip.parent,
        blobs_limit_bytes=10_000_000,
        use_keyring=False,
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("[]", "holds no JSON object", id="a list"),
        pytest.param('"x"', "holds no JSON object", id="a text"),
        pytest.param("{bad", "Expecting property name", id="no JSON"),
        pytest.param("\xff", "can't be used", id="no text"),
        pytest.param("[" * 200_000, "lists in lists", id="nested too deep"),
        pytest.param('{"q": "a", "q": "b"}', '"q" stands in it twice', id="an item twice"),
        pytest.param('{"q": 1.5}', '"q" is a number: put it in quotes', id="a number"),
        pytest.param('{"q": NaN}', '"q" is a number', id="no number"),
        pytest.param('{"q": false}', '"q" is true or false', id="a truth"),
        pytest.param('{"q": null}', '"q" is null: leave it out', id="nothing"),
        pytest.param('{"q": ["a", 1]}', '"q" is a list of other things', id="a list of numbers"),
        pytest.param('{"q": {"name": "a.txt"}}', '"q" is an object, and names no file', id="half"),
        pytest.param(
            '{"\\ud800\\n": 1}', r'"\ud800\n" is a number', id="a name that can't be said"
        ),
    ],
)
def test_a_file_that_holds_what_no_answer_can_be_is_refused(
    tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "answers.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(BadInput) as no:
        read_answers(path)
    assert says in no.value.happened
    assert (no.value.safe, bool(no.value.do)) == ("Nothing was sent in this run.", True)


def test_all_answers_that_can_be_none_are_named_at_once_but_not_without_end(
    tmp_path: Path,
) -> None:
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({f"q{at}": at for at in range(12)}))
    with pytest.raises(BadInput) as no:
        read_answers(path)
    lines = no.value.happened.splitlines()
    assert (lines[1].strip(), len(lines)) == ('"q0" is a number: put it in quotes.', 12)
    assert lines[-1].strip() == "and 2 more."
    with pytest.raises(BadInput, match="can't be read"):
        read_answers(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("response", "says"),
    [
        pytest.param("gone.pdf", "not there", id="missing"),
        pytest.param("folder.zip", "not there", id="a folder"),
        pytest.param("large.txt", "an exam takes 1 to 4194304", id="larger than any exam takes"),
        pytest.param("empty.txt", "of 0 bytes", id="empty"),
        pytest.param({"name": "gone", "sha256": "ab", "size": 1}, "not there", id="an object's"),
        pytest.param("\ud800.txt", "names a file", id="half a character"),
        pytest.param("x" * 5000 + ".txt", "names a file", id="a name without end"),
    ],
)
def test_a_named_file_that_can_t_be_taken_is_refused(
    tmp_path: Path, response: Any, says: str
) -> None:
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "empty.txt").touch()
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(MAX_BLOB_BYTES + 1)
    with pytest.raises(BadInput) as no:
        check_files({"work": response}, tmp_path / "answers.json")
    assert no.value.happened.splitlines()[1].startswith('  "work" names a file ')
    assert says in no.value.happened


@pytest.mark.parametrize(
    "text", ["x.mean", "main.py ", "See work.pdf", "c", "3.14", "", "a\nb.txt"]
)
def test_a_text_is_not_taken_for_a_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "here.txt").write_text("notes")
    check_files({"q": text, "work": "here.txt"}, tmp_path / "answers.json")


async def test_what_is_wrong_with_the_file_is_said_before_anything_is_sent(clip: Path) -> None:
    answers = clip.parent / "answers.json"

    async def run() -> tuple[int | None, str]:
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proctor_client.cli", "take", server.link, "--accept"),
            *("--answers", str(answers), "--data", str(clip.parent / "home")),
            *("--camera", str(clip), "--pace", "0"),
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "client")]),
                "PROCTOR_CLIENT_KEYRING": "off",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await running.communicate()
        return running.returncode, out.decode()

    async with serving() as server:
        for answer in (1, "gone.txt"):
            answers.write_text(json.dumps({"a0": answer}))
            code, told = await run()
            assert (code, told.splitlines()[1].startswith('  "a0" ')) == (1, True)
            assert "Nothing was sent in this run." in told
        assert server.device is None
        assert not (clip.parent / "home").exists()

        # Once the exam is begun, a file that is gone stops nothing.
        server.items["a"] = [{"id": "a0", "kind": "file-upload", "suffixes": [".txt"]}]
        answers.write_text("{}")
        server.holds = True
        server.id_check = "refused"
        await run()
        server.id_check, server.holds = "awaited", False
        answers.write_text(json.dumps({"a0": "gone.txt", "b0": "kept"}))
        code, told = await run()
        assert (code, server.answers()) == (1, {})
        assert 'Your answer to "a0" is not sent: ' in told
        assert "is not handed in" in told
        answers.write_text(json.dumps({"b0": "kept"}))
        code, told = await run()
        assert (code, server.answers()) == (0, {"b0": "kept"})


async def test_answers_that_fit_nothing_are_said_with_what_would_before_their_section_is_handed_in(
    server: Server, clip: Path
) -> None:
    invited = await server.invite()
    answers = {
        "two-dice": "zz",
        "independent": ["given", "both", "both"],
        "matrix": "-2",
        "overfit": "a\x00b",
        "randomise": "x" * 66_000,
        "work": "work.zip",
        "tow-dice": "c",
    }
    plan = plan_for(f"{server.url}/join/{invited['join_token']}", clip)
    all_said: list[str] = []
    for section in ("Part A", "Part B", "Part C"):
        screen = Quiet(answers)
        with pytest.raises(BadInput, match=f"{section}.* is not handed in"):
            async with asyncio.timeout(60):
                await take(plan, screen)
        all_said += screen.said
        unsent = [each.split('"')[1] for each in screen.said if "is not sent: " in each]
        answers = {item: each for item, each in answers.items() if item not in unsent}
    screen = Quiet(answers)
    async with asyncio.timeout(60):
        await take(plan, screen)
    all_said += screen.said

    said = [each for each in all_said if "not sent" in each]
    assert said[0] == (
        'Your answer to "two-dice" is not sent: it does not fit. Needed: one of a, b, c, d.'
    )
    assert all_said.index(said[0]) == 1 + next(
        at for at, each in enumerate(all_said) if each.startswith("Opening Part A")
    )
    assert [each.split('"')[1] for each in said] == [
        "two-dice",
        "overfit",
        "randomise",
        "work",
        "tow-dice",
    ]
    assert "Needed: text of at most 20000 characters." in said[2]
    assert said[3].endswith("Needed: a file that ends in .txt or .pdf, of 1 to 65536 bytes.")
    assert said[4] == (
        'No section opened by this run has "tow-dice": not sent.'
        ' Without an answer: "randomise", "work".'
    )
    joined = joined_before(plan.joined_path)
    assert joined
    spool = Spool(plan.folder, session=joined.session, device=joined.device)
    try:
        # Choices in the order that the server takes, each once.
        assert Memory.of(spool).given == {"independent": ["both", "given"], "matrix": "-2"}
        assert spool.receipted == spool.size
    finally:
        spool.close()


@pytest.mark.parametrize("right", [True, False])
async def test_a_file_named_with_its_digest_is_sent_if_it_is_that_file(
    clip: Path, right: bool
) -> None:
    given = json.loads((MEDIAN.parent / "answers.json").read_bytes())["median-error"]
    (clip.parent / given["name"]).write_bytes(MEDIAN.read_bytes() if right else b"other")
    async with serving() as server:
        server.items["a"] = [{"id": "a0", "kind": "file-upload", "suffixes": [".r"]}]
        screen = Quiet({"a0": given, "b0": "yes"})
        async with asyncio.timeout(60):
            with nullcontext() if right else pytest.raises(BadInput):
                await take(plan_for(server.link, clip), screen)
        files = [each for each in server.records(Kind.SNAPSHOT) if each.facts["purpose"] == "file"]
    assert server.answers() == ({"a0": given, "b0": "yes"} if right else {})
    assert len(files) == right
    assert (
        any("is another file than the one that is named" in each for each in screen.said) != right
    )


@pytest.mark.parametrize(
    "response",
    [
        "a",
        "zz",
        "",
        ["a"],
        [],
        ["both", "given"],
        ["nope"],
        [["both"]],
        "x" * 1000,
        "x" * 1001,
        "x" * 20_001,
        "é" * 20_000,
        "有" * 20_000,
        "有" * 20_001,
        "🙂" * 15_001,
        "tab\tand\nline",
        "a\x00b",
        "\ud800",
        7,
    ],
)
def test_what_fits_an_item_here_is_what_the_server_takes(response: Any) -> None:
    exam = exams.load(SHORT_EXAM).exam
    for section in exam.sections:
        shown = {each["id"]: each for each in learner_section(exam, section.id)["items"]}
        for item in section.items:
            if item.kind.value == "file-upload":
                continue
            try:
                check_response(item, response)
            except BadResponse:
                assert fitting(shown[item.id], response) is None
            else:
                assert fitting(shown[item.id], response) == response
