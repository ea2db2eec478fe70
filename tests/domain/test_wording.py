from dataclasses import replace

import pytest

from proctor.domain.policy import (
    Book,
    Calculator,
    CaptureRules,
    FlagRule,
    IdentityRules,
    Notes,
    Paper,
    Policy,
    Resource,
    RetainRules,
    ReviewRules,
    SectionRules,
    Site,
    Software,
    SystemRule,
    SystemRules,
    TimeRules,
    Website,
    Writing,
)
from proctor.domain.resource_words import document_words, resource_words, system_rule_words
from proctor.domain.wording import Chapter, for_learner, for_proctor

PAPER = Paper(sheets=1, sides=2, must_be="blank")
R = Software(name="R", programs=("R",), sections=("b1", "b2"))
TWO_PARTS = Policy(
    id="p",
    title="P",
    allow=(PAPER, R),
    sections=SectionRules(order=("a1", "a2", "b1", "b2"), limit_s=7200),
    flags=(
        FlagRule(when="person-count", for_s=10, severity=0.6),
        FlagRule(when="program", programs=("chatgpt",), sections=("a1",)),
        FlagRule(when="no-face", for_s=60, severity=0.2),
    ),
)
NAMES = {"a1": "Part A1", "a2": "Part A2", "b1": "Part B1", "b2": "Part B2"}


def chapter(chapters: tuple[Chapter, ...], heading: str) -> str:
    (found,) = (" ".join(one.lines) for one in chapters if one.heading == heading)
    return found


def headings(chapters: tuple[Chapter, ...]) -> list[str]:
    return [one.heading for one in chapters]


SITE = Site(name="A", url="https://a.org")
OTHER = Site(name="B", url="https://b.org")
THIRD = Site(name="C", url="https://c.org")


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        pytest.param(PAPER, "1 blank sheet of paper, used on both sides", id="a blank sheet"),
        pytest.param(
            Paper(sheets=3, sides=1, must_be="anything"),
            "3 sheets of paper, used on one side",
            id="sheets",
        ),
        pytest.param(Writing(pen=True, pencil=True), "Pen or pencil", id="pen or pencil"),
        pytest.param(Writing(pen=True, pencil=False), "Pen", id="pen"),
        pytest.param(Writing(pen=False, pencil=True), "Pencil", id="pencil"),
        pytest.param(Website(choose=1, of=(SITE,)), "The website A (https://a.org)", id="a site"),
        pytest.param(
            Website(choose=2, of=(SITE, OTHER)),
            "These websites: A (https://a.org); B (https://b.org)",
            id="all sites",
        ),
        pytest.param(
            Website(choose=1, of=(SITE, OTHER)),
            "One of these websites, the same one throughout: A (https://a.org); B (https://b.org)",
            id="one of two sites",
        ),
        pytest.param(
            Website(choose=2, of=(SITE, OTHER, THIRD)),
            "Up to 2 of these websites: A (https://a.org); B (https://b.org); C (https://c.org)",
            id="two of three sites",
        ),
        pytest.param(R, "The software R", id="software"),
        pytest.param(Calculator(model="any"), "A calculator of any kind", id="any calculator"),
        pytest.param(Calculator(model="basic"), "A basic calculator", id="a basic calculator"),
        pytest.param(Book(title=""), "Printed books", id="books"),
        pytest.param(Book(title="Heat"), "The printed book “Heat”", id="a book"),
        pytest.param(
            Notes(sheets=0, must_be="anything"),
            "Your own notes on paper, any number of sheets",
            id="notes",
        ),
        pytest.param(
            Notes(sheets=1, must_be="handwritten"),
            "Your own handwritten notes on paper, 1 sheet",
            id="handwritten notes",
        ),
    ],
)
def test_a_thing_is_said_in_words(thing: Resource, words: str) -> None:
    assert resource_words(thing) == words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        pytest.param(SystemRule(os="windows", below="10"), "Windows before 10", id="a version"),
        pytest.param(SystemRule(os="haiku"), "haiku", id="an unknown system"),
        pytest.param(
            SystemRule(maker="Microsoft", model="Surface"), "Microsoft Surface", id="a model"
        ),
        pytest.param(SystemRule(form="phone"), "Phones", id="a form"),
        pytest.param(SystemRule(os="android", form="tablet"), "Android, tablets", id="both"),
    ],
)
def test_a_refused_computer_is_said_in_words(rule: SystemRule, words: str) -> None:
    assert system_rule_words(rule) == words


def test_sections_that_allow_the_same_are_told_together() -> None:
    chapters = for_learner(TWO_PARTS, NAMES)
    first = chapter(chapters, "What you may use in Part A1 and Part A2")
    second = chapter(chapters, "What you may use in Part B1 and Part B2")
    assert "paper" in first
    assert "software R" not in first
    assert "software R" in second
    order = chapter(chapters, "The sections")
    assert "Part A1, Part A2, Part B1, Part B2" in order
    assert "2 hours" in order


def test_what_holds_everywhere_is_told_once() -> None:
    chapters = for_learner(replace(TWO_PARTS, allow=(PAPER,)))
    assert "Nothing else." in chapter(chapters, "What you may use")


def test_a_thing_named_in_every_section_is_told_once() -> None:
    everywhere = replace(R, sections=("a1", "a2", "b1", "b2"))
    assert "What you may use" in headings(for_learner(replace(TWO_PARTS, allow=(everywhere,))))


def test_where_nothing_is_allowed_it_says_so() -> None:
    chapters = for_learner(replace(TWO_PARTS, allow=()))
    assert chapter(chapters, "What you may use") == "Nothing but the exam's own page."


def test_a_policy_for_any_exam_tells_of_the_sections_it_does_not_name() -> None:
    chapters = for_learner(replace(TWO_PARTS, sections=SectionRules()))
    assert "software R" in chapter(chapters, "What you may use in b1 and b2")
    assert "software R" not in chapter(chapters, "What you may use in the other sections")
    assert "The sections" not in headings(chapters)


def test_a_single_section_is_no_order() -> None:
    one = replace(TWO_PARTS, allow=(), sections=SectionRules(order=("a1",)))
    assert "The sections" not in headings(for_learner(one))


def test_the_learner_reads_what_is_watched_and_how_often() -> None:
    watched = chapter(for_learner(TWO_PARTS, NAMES), "What is watched")
    assert "every 10 seconds" in watched
    assert "never held against you: whether your face can be found." in watched
    assert "chatgpt (only in Part A1)" in watched
    fast = replace(TWO_PARTS, flags=(), capture=CaptureRules(snapshot_every_s=1))
    watched = chapter(for_learner(fast), "What is watched")
    assert "every second" in watched
    # The server tells of a fork, whatever the policy says: so the learner reads of it.
    assert "one unbroken story" in watched
    assert "To help you" not in watched


def test_the_learner_reads_what_a_browser_writes_down_whatever_the_rules_are() -> None:
    for policy in (TWO_PARTS, replace(TWO_PARTS, flags=())):
        watched = chapter(for_learner(policy), "What is watched")
        assert "in a browser" in watched
        assert "while a section is open: that full screen was left" in watched
        assert "a long text was pasted, in which question and how many characters" in watched
        assert "never what" in watched


def test_the_learner_reads_what_is_never_done() -> None:
    never = chapter(for_learner(TWO_PARTS), "What is never done").lower()
    for word in ("eyes", "feelings", "score", "punishes", "room"):
        assert word in never


def test_the_learner_reads_who_decides_and_how_long_it_is_kept() -> None:
    kept = "Who sees it, and for how long"
    told = chapter(for_learner(TWO_PARTS), kept)
    assert "two people must agree" in told
    assert "90 days" in told
    assert "30 days" in told
    assert "may answer within 14 days: another person then looks." in told
    assert "until you can no longer answer" in told
    held = replace(TWO_PARTS, review=ReviewRules(results_held="until-contest-over"))
    assert "Your result is held until then." in chapter(for_learner(held), kept)
    never = replace(TWO_PARTS, review=ReviewRules(contest_days=0))
    assert "answer" not in chapter(for_learner(never), kept).replace("as answers", "").replace(
        "your answers", ""
    )
    alone = replace(
        TWO_PARTS, review=ReviewRules(adverse_needs=1), identity=IdentityRules(document="none")
    )
    told = chapter(for_learner(alone), kept)
    assert "one person decides" in told
    assert "document" not in told


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        pytest.param(TimeRules(), "an outage of 10 seconds or more gives you", id="given back"),
        pytest.param(TimeRules(after_s=0), "The clock: an outage gives you", id="from the start"),
        pytest.param(TimeRules(give_back="none"), "is not given back", id="not given back"),
    ],
)
def test_the_learner_reads_what_an_outage_does_to_the_clock(rules: TimeRules, words: str) -> None:
    assert words in chapter(for_learner(replace(TWO_PARTS, time=rules)), "If the network goes")


def test_the_id_check_is_told_as_it_is() -> None:
    told = chapter(for_learner(TWO_PARTS), "Who you are")
    for words in ("government-issued photo ID", "your face", "the name", "before your first"):
        assert words in told
    later = replace(
        TWO_PARTS,
        identity=IdentityRules(document="student-id", face="none", name="none", hold=False),
    )
    told = chapter(for_learner(later), "Who you are")
    assert "student ID" in told
    assert "You need not wait" in told
    assert "A person may ask you for this once more, with a reason, until you hand in." in told
    assert "face" not in told
    assert "name" not in told.replace("document with your name", "")


def test_the_learner_reads_what_programs_compare_and_that_people_decide() -> None:
    compared = (*TWO_PARTS.flags, FlagRule(when="another-person"))
    told = chapter(for_learner(replace(TWO_PARTS, flags=compared)), "Who you are")
    for words in (
        "A program reads its text. It suggests; a person looks and decides.",
        "a program compares the number of your document and your face with those of other accounts"
        " in the same programme",
        "a person is told and asks: nothing happens by itself",
        "a code of the number is kept",
        "compares some snapshots with the picture of your face from check-in",
        "No code of your face is kept",
    ):
        assert words in told
    # Only where a rule says so are snapshots compared, and only what is shown.
    told = chapter(for_learner(TWO_PARTS), "Who you are")
    assert "snapshots" not in told
    number = IdentityRules(document="any-photo-id", face="none", name="none")
    told = chapter(for_learner(replace(TWO_PARTS, identity=number)), "Who you are")
    assert "compares the number of your document with those" in told
    assert "face" not in told
    face = IdentityRules(document="none", name="none")
    told = chapter(for_learner(replace(TWO_PARTS, identity=face)), "Who you are")
    assert "compares your face with those" in told
    assert "document" not in told
    assert "number" not in told


def test_the_learner_reads_when_what_was_read_and_compared_is_erased() -> None:
    told = chapter(for_learner(TWO_PARTS), "Who sees it, and for how long")
    assert "The picture of your face from check-in is erased with them." in told
    assert "What a program read on it, and the code of its number, are erased with them." in told


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        pytest.param(
            IdentityRules(),
            "a passport, a national ID or a driving licence, with photo and not expired",
            id="every government ID",
        ),
        pytest.param(
            IdentityRules(kinds=("passport", "national-id"), unexpired=False),
            "a passport or a national ID, with photo",
            id="two of them, expired or not",
        ),
        pytest.param(
            IdentityRules(kinds=("passport",)),
            "a passport, with photo and not expired",
            id="one of them",
        ),
        pytest.param(
            IdentityRules(document="student-id"),
            "a student ID, with photo and not expired",
            id="a student ID",
        ),
        pytest.param(
            IdentityRules(document="any-photo-id", unexpired=False),
            "a document with your name, with photo",
            id="any document",
        ),
        pytest.param(IdentityRules(document="none"), "", id="none"),
    ],
)
def test_the_document_that_is_asked_for_is_said_in_words(rules: IdentityRules, words: str) -> None:
    assert document_words(rules) == words
    if words:
        policy = replace(TWO_PARTS, identity=rules)
        assert words in chapter(for_learner(policy), "Who you are")
        theirs = words.replace("your", "the learner's")
        assert theirs in chapter(for_proctor(policy), "ID check")


def test_the_learner_reads_that_faces_are_compared_where_a_rule_says_so() -> None:
    watched = chapter(for_learner(TWO_PARTS), "What is watched")
    assert "check-in" not in watched
    rules = (*TWO_PARTS.flags, FlagRule(when="another-person"), FlagRule(when="looped"))
    watched = chapter(for_learner(replace(TWO_PARTS, flags=rules)), "What is watched")
    asked = watched.partition("A person is asked to look at: ")[2]
    assert "whether your face looks like the one that you showed at check-in" in asked
    assert "come again" in asked


def test_without_an_id_check_none_is_told() -> None:
    none = IdentityRules(document="none", face="none", name="none", hold=False)
    unknown = replace(TWO_PARTS, identity=none)
    assert "Who you are" not in headings(for_learner(unknown))
    decision = chapter(for_proctor(unknown), "ID check")
    assert decision == "The learner does not wait for the decision."


def test_the_computer_is_told_to_both() -> None:
    rules = SystemRules(refuse=(SystemRule(form="phone"),), displays_most=2)
    policy = replace(TWO_PARTS, system=rules)
    for told in (
        chapter(for_learner(policy), "Your computer"),
        chapter(for_proctor(policy), "The computer"),
    ):
        assert "At most 2 displays connected." in told
        assert "Phones cannot be used." in told


def test_the_proctor_reads_the_heaviest_conduct_rule_first() -> None:
    chapters = for_proctor(TWO_PARTS, NAMES)
    review = chapter(chapters, "Flags to review")
    assert review.index("two histories") < review.index("more than 1 person for 10 seconds")
    assert "(only in Part A1); severity 0.5" in review
    assert "no face found for 1 minute" in chapter(chapters, "Flags to help with")
    assert "no face" not in review


def test_what_is_erased_is_told_with_what_keeps_it_longer() -> None:
    policy = replace(TWO_PARTS, retain=RetainRules(snapshots_days=1, id_document_days=7))
    told = chapter(for_learner(policy), "Who sees it, and for how long")
    assert "Snapshots are erased from the exam server 1 day after your exam ends." in told
    assert "Pictures of your document are erased 7 days after your exam ends." in told
    assert "open then, pictures are kept until it is decided" in told
    late = replace(policy, time=TimeRules(late_h=72))
    told = chapter(for_learner(late), "Who sees it, and for how long")
    assert "3 days after your exam ends" in told


def test_a_proctor_is_told_how_often_to_interrupt_where_the_policy_says() -> None:
    assert "Interrupting a learner" not in headings(for_proctor(TWO_PARTS))
    seldom = replace(TWO_PARTS, review=ReviewRules(interruptions_most=3))
    assert "At most 3 times" in chapter(for_proctor(seldom), "Interrupting a learner")
    once = replace(TWO_PARTS, review=ReviewRules(interruptions_most=1))
    assert "At most 1 time with" in chapter(for_proctor(once), "Interrupting a learner")


def test_a_proctor_is_told_to_decide() -> None:
    chapters = for_proctor(TWO_PARTS)
    assert "You decide." in chapter(chapters, "ID check")
    assert "two people must agree" in chapter(chapters, "Deciding")
    assert "10% are checked by another person" in chapter(chapters, "Deciding")
    assert "Two people end an exam early" in chapter(chapters, "Deciding")
    alone = replace(TWO_PARTS, review=ReviewRules(second_looks=0, terminate_needs=1))
    assert "checked" not in chapter(for_proctor(alone), "Deciding")
    assert "One person may end an exam early" in chapter(for_proctor(alone), "Deciding")
    assert "gives the learner its time back" in chapter(chapters, "Outages")
    assert "90 days" in chapter(chapters, "Kept")
    assert "Flags to help with" not in headings(for_proctor(replace(TWO_PARTS, flags=())))


PHONE = replace(TWO_PARTS, capture=CaptureRules(second_camera="phone"))


def test_a_second_camera_is_told_to_both_where_the_policy_asks_for_one() -> None:
    told, shown = for_learner(PHONE), for_proctor(PHONE)
    assert "a phone with a camera is needed" in chapter(told, "Your computer")
    assert "Your phone stands beside you" in chapter(told, "What is watched")
    assert "No program looks at these pictures" in chapter(told, "What is watched")
    assert "a phone with a camera is needed" in chapter(shown, "The computer")
    assert "they raise no flag" in chapter(shown, "Second camera")
    without = for_learner(TWO_PARTS)
    assert "phone" not in chapter(without, "What is watched")
    assert "phone" not in chapter(without, "Your computer")
    assert "Second camera" not in headings(for_proctor(TWO_PARTS))


def test_what_is_never_done_is_true_of_a_second_camera_too() -> None:
    never = chapter(for_learner(PHONE), "What is never done")
    assert "Your room is not scanned" not in never
    assert "carry a camera through your room, and nothing is watched before check-in" in never


def test_nobody_is_shouted_at() -> None:
    for chapters in (for_learner(PHONE, NAMES), for_proctor(PHONE, NAMES)):
        assert not [line for one in chapters for line in one.lines if "!" in line]
