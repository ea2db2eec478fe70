"""Commands for people who keep a server: what they print, and how they refuse."""

import fcntl
import json
import os
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from proctor import config
from proctor.adapters import keys
from proctor.adapters.policies import builtin_folder
from proctor.adapters.read_only import LOCK
from proctor.demo import day
from tests.cli.running import ROOT, Terminal, in_its_own_process
from tests.conftest import PASSWORD, SHORT_EXAM, full_disk
from tests.pictures import need

BUILTIN = sorted(path for path in builtin_folder().glob("*.toml"))


# --- policies ------------------------------------------------------------------------------------


def test_the_policies_that_come_along_are_right_and_tested(terminal: Terminal) -> None:
    assert terminal.run("policy", "check", *BUILTIN).status == 0
    ran = terminal.run("policy", "test", *BUILTIN)
    assert ran.status == 0
    assert len(ran.out.splitlines()) >= len(BUILTIN)


@pytest.mark.parametrize("audience", ["learner", "proctor"])
def test_a_policy_is_shown_to_people(terminal: Terminal, audience: str) -> None:
    ran = terminal.run("policy", "show", builtin_folder() / "closed-book.toml", "--as", audience)
    assert ran.status == 0
    assert len(ran.out.splitlines()) > 5


def test_the_schema_of_policies_is_json(terminal: Terminal) -> None:
    assert json.loads(terminal.run("policy", "schema").out)["$schema"]


def _cycle(folder: Path) -> Path:
    for name, parent in (("a", "b"), ("b", "a")):
        text = f'schema = 1\nid = "{name}"\ntitle = "T"\nextends = "{parent}"\n'
        (folder / f"{name}.toml").write_text(text)
    return folder / "a.toml"


def _itself(folder: Path) -> Path:
    (folder / "a.toml").write_text('schema = 1\nid = "a"\ntitle = "T"\nextends = "a"\n')
    return folder / "a.toml"


def _unknown_key(folder: Path) -> Path:
    (folder / "a.toml").write_text('schema = 1\nid = "a"\ntitle = "T"\ncolour = "red"\n')
    return folder / "a.toml"


def _no_toml(folder: Path) -> Path:
    (folder / "a.toml").write_bytes(b"\xff\xfe = [")
    return folder / "a.toml"


def _absent(folder: Path) -> Path:
    return folder / "a.toml"


@pytest.mark.parametrize(
    ("make", "word"),
    [
        pytest.param(_cycle, "extends", id="a cycle in extends"),
        pytest.param(_itself, "extends", id="a policy that extends itself"),
        pytest.param(_unknown_key, "colour", id="an unknown key"),
        pytest.param(_no_toml, "a.toml", id="no TOML"),
        pytest.param(_absent, "a.toml", id="no file"),
    ],
)
def test_a_policy_that_is_wrong_is_told_by_file_and_reason(
    terminal: Terminal, tmp_path: Path, make: Callable[[Path], Path], word: str
) -> None:
    path = make(tmp_path)
    for command in ("check", "test"):
        ran = terminal.run("policy", command, path)
        assert ran.status == 1
        assert word in ran.out + ran.err
        assert str(path.parent) in ran.out + ran.err
        assert "Traceback" not in ran.err
    shown = terminal.run("policy", "show", path)
    assert (shown.status, word in shown.out) == (1, True)
    ran = terminal.run("exam", "publish", SHORT_EXAM, "--policy", path)
    assert (ran.status, word in ran.err, "Traceback" in ran.err) == (1, True, False)


# --- exams ---------------------------------------------------------------------------------------


def _without_sections(folder: Path) -> None:
    toml = (folder / "exam.toml").read_text()
    (folder / "exam.toml").write_text(toml.partition("[[section]]")[0])


def _ten_thousand_sections(folder: Path) -> None:
    head = (folder / "exam.toml").read_text().partition("[[section]]")[0]
    sections = "".join(
        f'[[section]]\nid = "s{n}"\ntitle = "S"\nlimit_s = 60\nitems = ["two-dice"]\n'
        for n in range(10_000)
    )
    (folder / "exam.toml").write_text(head + sections)


def _too_many_sections(folder: Path) -> None:
    head = (folder / "exam.toml").read_text().partition("[[section]]")[0]
    sections = "".join(
        f'[[section]]\nid = "s{n}"\ntitle = "S"\nlimit_s = 60\nitems = ["i{n}"]\n'
        for n in range(101)
    )
    (folder / "exam.toml").write_text(head + sections)
    for n in range(101):
        shutil.copy(folder / "items" / "two-dice.md", folder / "items" / f"i{n}.md")


def _missing_item(folder: Path) -> None:
    (folder / "items" / "two-dice.md").unlink()


def _no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        pytest.param(_without_sections, "section", id="no sections"),
        pytest.param(_too_many_sections, "at most 100", id="101 sections"),
        pytest.param(_ten_thousand_sections, "too large", id="10,000 sections"),
        pytest.param(_missing_item, "two-dice", id="an item without a file"),
        pytest.param(_no_folder, "exam.toml", id="no folder"),
    ],
)
def test_an_exam_that_is_wrong_is_refused_in_one_line(
    terminal: Terminal, tmp_path: Path, spoil: Callable[[Path], None], word: str
) -> None:
    folder = shutil.copytree(SHORT_EXAM, tmp_path / "exam")
    spoil(folder)
    assert word in terminal.refused("exam", "check", folder)
    assert word in terminal.refused("exam", "publish", folder)
    assert "no exam short" in terminal.refused("invite", "short", "Ada")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("invite", "short", "Ada"), id="invite"),
        pytest.param(("exam", "readiness", "short"), id="exam readiness"),
        pytest.param(("staff", "add", "bo", "proctor", "--exam", "short"), id="staff add --exam"),
        pytest.param(("staff", "list"), id="staff list"),
        pytest.param(("staff", "exams", "bo", "--all"), id="staff exams"),
        pytest.param(("staff", "password", "bo"), id="staff password"),
        pytest.param(("staff", "close", "bo"), id="staff close"),
    ],
)
def test_a_folder_without_a_database_is_refused_and_nothing_is_made_in_it(
    terminal: Terminal, arguments: tuple[str, ...]
) -> None:
    line = terminal.refused(*arguments, typed=f"{PASSWORD}\n")
    assert line.startswith(str(terminal.data))
    assert line.endswith("there is no such database; which folder is --data?")
    assert not terminal.data.exists()


def test_the_demonstration_s_own_command_invites_another_learner(
    terminal: Terminal, tmp_path: Path
) -> None:
    program, *words = shlex.split(day.invitation("http://127.0.0.1:8099", tmp_path / "de mo"))
    assert program == "proctor"
    terminal.run("exam", "publish", SHORT_EXAM, "--data", tmp_path / "de mo" / day.SERVER_DATA)
    invited = terminal.run(*words)
    assert (invited.status, invited.err) == (0, "")
    assert invited.out.split()[1].startswith("http://127.0.0.1:8099/join/")


def test_who_invites_to_no_exam_is_told_which_there_are(terminal: Terminal) -> None:
    terminal.run("staff", "add", "bo", "proctor", typed=f"{PASSWORD}\n")
    assert "proctor exam publish FOLDER" in terminal.refused("invite", "shrot", "Ada")
    terminal.run("exam", "publish", SHORT_EXAM)
    assert terminal.refused("invite", "shrot", "Ada") == "no exam shrot; published: short"


def test_an_exam_is_checked_published_and_learners_are_invited(terminal: Terminal) -> None:
    checked = terminal.run("exam", "check", SHORT_EXAM)
    assert (checked.status, "3 sections, 7 items" in checked.out) == (0, True)
    published = terminal.run("exam", "publish", SHORT_EXAM)
    assert (published.status, published.err) == (0, "")
    assert "policy demo" in published.out
    again = terminal.run("exam", "publish", SHORT_EXAM)
    assert again.out == published.out
    invited = terminal.run(
        "invite",
        "short",
        "Ada Lovelace",
        "--url",
        "https://exams.example/",
        "--time-factor",
        "1.25",
    )
    session, link = invited.out.split()
    assert session.startswith("s_")
    assert link.startswith("https://exams.example/join/")
    ready = terminal.run("exam", "readiness", "short")
    assert ready.out == f"{session}  never rehearsed  Ada Lovelace\n"
    with closing(sqlite3.connect(terminal.data / "proctor.db")) as rows, rows:
        rows.execute("UPDATE sessions SET body = json_set(body, '$.state', 'submitted')")
    ready = terminal.run("exam", "readiness", "short")
    assert ready.out == f"{session}  never rehearsed; their exam is over  Ada Lovelace\n"
    assert terminal.refused("exam", "readiness", "shrot") == "no exam shrot; published: short"


def test_an_invitation_takes_an_address_and_prints_it_nowhere(terminal: Terminal) -> None:
    terminal.run("exam", "publish", SHORT_EXAM)
    invited = terminal.run("invite", "short", "Ada", "--email", "ada@example.edu")
    assert (invited.status, "example.edu" in invited.out + invited.err) == (0, False)
    line = terminal.refused("invite", "short", "Ada", "--email", "ada and eve")
    assert line.startswith("an email address is")


def test_an_invitation_names_the_learner_s_account_and_the_group_that_they_are_seen_among(
    terminal: Terminal,
) -> None:
    terminal.run("exam", "publish", SHORT_EXAM)
    session, _ = terminal.run(
        "invite", "short", "Ada", "--group", "Boston", "--account", "u17"
    ).out.split()
    with closing(sqlite3.connect(terminal.data / "proctor.db")) as rows:
        found = "SELECT body ->> '$.group', body ->> '$.account' FROM sessions WHERE id = ?"
        assert rows.execute(found, [session]).fetchall() == [("Boston", "u17")]
    line = terminal.refused("invite", "short", "Ada", "--group", "x" * 65)
    assert line.startswith("a group is")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(["--mail-from", "exams@example.edu"], "--mail-host", id="no host"),
        pytest.param(["--mail-host", "mail.example.edu"], "--mail-from", id="no sender"),
    ],
)
def test_settings_for_mail_that_are_not_whole_are_refused(
    terminal: Terminal, given: list[str], told: str
) -> None:
    assert told in terminal.refused("serve", "--port", "0", *given)


def test_a_password_for_mail_that_others_can_read_is_refused_before_anything_is_served(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text("secret")
    file.chmod(0o644)
    monkeypatch.setenv("PROCTOR_MAIL_HOST", "mail.example.edu")
    monkeypatch.setenv("PROCTOR_MAIL_FROM", "exams@example.edu")
    monkeypatch.setenv("PROCTOR_MAIL_USER", "exams")
    monkeypatch.setenv("PROCTOR_MAIL_PASSWORD_FILE", str(file))
    line = terminal.refused("serve", "--port", "0")
    assert f"chmod 600 {file}" in line
    file.chmod(0o600)
    file.write_text("")
    assert "one line" in terminal.refused("serve", "--port", "0")
    file.unlink()
    assert terminal.refused("serve", "--port", "0").startswith(f"{file}: ")


def test_a_policy_for_other_sections_is_refused(terminal: Terminal) -> None:
    policy = builtin_folder() / "mitx-sds-capstone.toml"
    assert "section" in terminal.refused("exam", "publish", SHORT_EXAM, "--policy", policy)


@pytest.mark.parametrize("command", ["check", "publish"])
def test_an_exam_whose_policy_is_not_there_is_refused_by_check_as_by_publish(
    terminal: Terminal, tmp_path: Path, command: str
) -> None:
    folder = shutil.copytree(SHORT_EXAM, tmp_path / "exam")
    toml = (folder / "exam.toml").read_text()
    assert '"demo"' in toml
    (folder / "exam.toml").write_text(toml.replace('"demo"', '"nopolicy"'))
    said = terminal.refused("exam", command, folder)
    assert "there is no nopolicy.toml beside it" in said
    assert "closed-book, demo, mitx-pom-final, mitx-sds-capstone, open-book; or a file" in said


@pytest.mark.parametrize("command", ["check", "publish"])
def test_a_policy_that_fails_its_own_tests_is_refused_with_those_that_fail(
    terminal: Terminal, tmp_path: Path, command: str
) -> None:
    policy = tmp_path / "t.toml"
    policy.write_text(
        'schema = 1\nid = "t"\ntitle = "T"\nextends = "demo"\n[[test]]\nname = "two are none"\n'
        'given = [{ kind = "snapshots", faces = 2, for_s = 2 }]\nexpect = []\n'
    )
    line = terminal.refused("exam", command, SHORT_EXAM, "--policy", policy)
    assert line == f"{policy}: FAILED: two are none: expected no flag, raised person-count"
    assert "none is published yet" in _invited_to_none(terminal)


def _invited_to_none(terminal: Terminal) -> str:
    terminal.run("staff", "add", "bo", "proctor", typed=f"{PASSWORD}\n")
    return terminal.refused("invite", "short", "Ada")


@pytest.mark.parametrize("command", ["check", "publish"])
def test_a_policy_other_than_the_one_that_the_exam_names_is_said(
    terminal: Terminal, tmp_path: Path, command: str
) -> None:
    policy = tmp_path / "t.toml"
    policy.write_text('schema = 1\nid = "t"\ntitle = "T"\nextends = "demo"\n')
    told = terminal.run("exam", command, SHORT_EXAM, "--policy", policy)
    assert (told.status, told.err, len(told.out.splitlines())) == (0, "", 2)
    last = told.out.splitlines()[-1]
    assert last == "The exam names the policy demo; its learners sit it under t."
    assert len(terminal.run("exam", command, SHORT_EXAM).out.splitlines()) == 1


@pytest.mark.parametrize("factor", ["fast", "NaN", "sNaN", "Infinity", "0.5", "-1", "5", "1e400"])
def test_a_time_factor_that_is_none_is_refused_in_one_line(terminal: Terminal, factor: str) -> None:
    terminal.run("exam", "publish", SHORT_EXAM)
    line = terminal.refused("invite", "short", "Ada", f"--time-factor={factor}")
    assert "factor" in line


# --- staff ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["proctor", "lead"])
def test_a_password_comes_from_standard_input(terminal: Terminal, asked: str) -> None:
    ran = terminal.run("staff", "add", "bo", asked, typed=f"{PASSWORD}\n")
    assert (ran.status, ran.out) == (0, f"bo can sign in as {asked}, for every exam.\n")
    with sqlite3.connect(terminal.data / "proctor.db") as database:
        ((name, role, password_hash),) = database.execute(
            "SELECT name, role, password_hash FROM staff"
        )
    database.close()
    assert (name, role) == ("bo", asked)
    assert password_hash.startswith("$argon2id$")
    assert PASSWORD not in password_hash


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        pytest.param(("bo", "proctor"), "short\n", id="a password too short"),
        pytest.param(("bo", "proctor"), "", id="no password"),
        pytest.param(("b o/..", "proctor"), f"{PASSWORD}\n", id="a name that is none"),
    ],
)
def test_an_account_that_cannot_be_made_is_refused_in_one_line(
    terminal: Terminal, arguments: tuple[str, str], typed: str
) -> None:
    terminal.refused("staff", "add", *arguments, typed=typed)


def test_an_account_is_closed_and_opened_again_with_a_new_password(terminal: Terminal) -> None:
    terminal.run("staff", "add", "bo", "proctor", typed=f"{PASSWORD}\n")
    closed = terminal.run("staff", "close", "bo")
    assert (closed.status, "proctor staff password bo" in closed.out) == (0, True)
    opened = terminal.run("staff", "password", "bo", typed="another password\n")
    assert (opened.status, opened.out) == (0, "bo has a new password.\n")
    assert terminal.refused("staff", "password", "bo", typed="short\n")


def test_an_account_is_for_the_exams_it_was_made_for_until_that_is_changed(
    terminal: Terminal,
) -> None:
    terminal.run("exam", "publish", SHORT_EXAM)
    typed = f"{PASSWORD}\n"
    made = terminal.run("staff", "add", "bo", "proctor", "--exam", "short", typed=typed)
    assert (made.status, made.out) == (0, "bo can sign in as proctor, for short.\n")
    terminal.run("staff", "add", "ada", "administrator", typed=typed)
    terminal.run("staff", "close", "ada")
    listed = terminal.run("staff", "list").out
    assert listed == "ada  administrator  every exam  (closed)\nbo  proctor  short\n"
    changed = terminal.run("staff", "exams", "bo", "--all")
    assert (changed.status, changed.out) == (0, "bo is for every exam.\n")
    changed = terminal.run("staff", "exams", "bo", "--exam", "short", "--exam", "short")
    assert (changed.status, changed.out) == (0, "bo is for short.\n")


def test_without_accounts_the_list_says_how_to_make_one(terminal: Terminal) -> None:
    terminal.run("exam", "publish", SHORT_EXAM)
    listed = terminal.run("staff", "list")
    assert (listed.status, "proctor staff add" in listed.out) == (0, True)


def test_an_exam_that_is_not_published_is_refused_with_those_that_are(terminal: Terminal) -> None:
    typed = f"{PASSWORD}\n"
    terminal.run("staff", "add", "ada", "administrator", typed=typed)
    terminal.run("staff", "close", "ada")
    add = ("staff", "add", "bo", "proctor", "--exam", "shrot")
    assert "proctor exam publish" in terminal.refused(*add, typed=typed)
    terminal.run("exam", "publish", SHORT_EXAM)
    assert "published: short" in terminal.refused(*add, typed=typed)
    assert "bo" not in terminal.run("staff", "list").out
    terminal.run("staff", "add", "bo", "proctor", typed=typed)
    line = terminal.refused("staff", "exams", "bo", "--exam", "short", "--exam", "shrot")
    assert ("shrot" in line, "published: short" in line) == (True, True)
    assert terminal.run("staff", "list").out.endswith("\nbo  proctor  every exam\n")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        pytest.param(("bo",), "--all", id="no exam, and not all"),
        pytest.param(("bo", "--exam", "short", "--all"), "--all", id="one, and all"),
        pytest.param(("nobody", "--all"), "nobody", id="no such account"),
    ],
)
def test_exams_that_cannot_be_given_are_refused_in_one_line(
    terminal: Terminal, arguments: tuple[str, ...], word: str
) -> None:
    terminal.run("exam", "publish", SHORT_EXAM)
    terminal.run("staff", "add", "bo", "proctor", typed=f"{PASSWORD}\n")
    assert word in terminal.refused("staff", "exams", *arguments)


@pytest.mark.parametrize("command", ["password", "close"])
def test_an_account_that_is_none_is_refused_in_one_line(terminal: Terminal, command: str) -> None:
    terminal.run("exam", "publish", SHORT_EXAM)
    assert "nobody" in terminal.refused("staff", command, "nobody", typed=f"{PASSWORD}\n")


def test_a_name_is_taken_once(terminal: Terminal) -> None:
    terminal.run("staff", "add", "bo", "proctor", typed=f"{PASSWORD}\n")
    line = terminal.refused("staff", "add", "bo", "administrator", typed=f"{PASSWORD}\n")
    assert "bo" in line


def test_a_role_that_is_none_is_told_with_those_there_are(terminal: Terminal) -> None:
    ran = terminal.run("staff", "add", "bo", "king", typed=f"{PASSWORD}\n")
    assert ran.status == 2
    assert "course-team" in ran.err


# --- folders that can't be used -------------------------------------------------------------------


def _file_for_folder(data: Path) -> None:
    data.write_text("a file")


def _open_secret(data: Path) -> None:
    keys.load(data / "keys", server="localhost")
    (data / "keys" / "signing").chmod(0o644)


def _garbage(data: Path) -> None:
    data.mkdir()
    (data / "proctor.db").write_bytes(b"garbage" * 1000)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        pytest.param(_file_for_folder, "data", id="it is a file"),
        pytest.param(_open_secret, "chmod 600", id="others can read a secret"),
        pytest.param(_garbage, "not a database", id="its database is none"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_in_one_line(
    terminal: Terminal, spoil: Callable[[Path], None], word: str
) -> None:
    spoil(terminal.data)
    assert word in terminal.refused("exam", "publish", SHORT_EXAM)
    assert word in terminal.refused("serve", "--port", "0")


def test_another_folder_s_master_key_is_refused_before_anything_is_served(
    terminal: Terminal,
) -> None:
    terminal.run("exam", "publish", SHORT_EXAM)
    terminal.run("invite", "short", "Ada")
    (terminal.data / "keys" / "master").write_bytes(b"x" * 32)
    assert "not the master key" in terminal.refused("serve", "--port", "0")


def test_a_full_disk_is_one_line(terminal: Terminal) -> None:
    terminal.run("exam", "publish", SHORT_EXAM)
    with full_disk():
        line = terminal.refused("invite", "short", "Ada")
    assert "disk" in line
    assert terminal.run("invite", "short", "Ada").status == 0


def test_a_disk_that_is_full_from_the_start_is_one_line(terminal: Terminal) -> None:
    with full_disk():
        terminal.refused("exam", "publish", SHORT_EXAM)
    assert terminal.run("exam", "publish", SHORT_EXAM).status == 0


# --- the server ----------------------------------------------------------------------------------


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = in_its_own_process(
            "-c",
            "from proctor.cli import main; main()",
            "serve",
            "--data",
            tmp_path,
            "--port",
            port,
        )
    assert ran.status == 1
    assert ran.err == (
        f"port {port} on 127.0.0.1 is in use: stop what uses it, or choose another with --port\n"
    )


def test_a_server_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = ["-c", "from proctor.cli import main; main()", "serve", "--port", "0"]
    with subprocess.Popen(
        [sys.executable, *command, "--data", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[2]
        with urlopen(f"{url}/healthz", timeout=60) as answer:
            assert json.load(answer) == {"status": "ok", "failing": []}
        server.terminate()
        _, said = server.communicate(timeout=60)
    assert (server.returncode, "Traceback" in said) == (0, False)


def test_a_host_that_is_none_is_one_line(terminal: Terminal) -> None:
    line = terminal.refused("serve", "--host", "no.such.host.invalid", "--port", "0")
    assert "no.such.host.invalid" in line


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(None, "another server runs on it: stop that one", id="a folder in use"),
        pytest.param(
            lambda folder: (folder / "server" / "proctor.db").write_bytes(b"no database" * 1000),
            "not a database; or play it in another folder",
            id="a database that is none",
        ),
        pytest.param(
            lambda folder: (folder / "server" / "keys" / "master").chmod(0o644),
            "chmod 600",
            id="a key that others can read",
        ),
        pytest.param(
            lambda folder: (folder / "staff.json").write_text("[]"),
            "is not as this version writes it",
            id="passwords of another version",
        ),
    ],
)
def test_a_demonstration_that_cannot_be_played_says_so_in_one_line(
    terminal: Terminal, spoil: Callable[[Path], None] | None, says: str
) -> None:
    need("yunet", "sface", "astronaut")
    folder = terminal.data / "demo"
    with config._locked(folder / "server"):
        assert "another server" in terminal.refused("demo", "--once", "--data", folder)
        if spoil is None:
            return
    keys.load(folder / "server" / "keys", server="proctor.demo")
    spoil(folder)
    assert says in terminal.refused("demo", "--once", "--data", folder)


def test_two_servers_do_not_share_a_folder(terminal: Terminal) -> None:
    with config._locked(terminal.data):
        line = terminal.refused("serve", "--port", "0")
    assert "another server runs on it" in line


def test_who_looks_whether_a_server_runs_keeps_none_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = os.open(tmp_path / LOCK, os.O_CREAT | os.O_RDWR)
    fcntl.flock(looking, fcntl.LOCK_SH)
    monkeypatch.setattr(config, "sleep", lambda _: os.close(looking))  # it has looked
    with config._locked(tmp_path):
        monkeypatch.setattr(config, "sleep", lambda _: None)
        with pytest.raises(config.FolderInUse), config._locked(tmp_path):
            raise AssertionError


def test_commands_work_while_a_server_runs(terminal: Terminal) -> None:
    with config._locked(terminal.data):
        assert terminal.run("exam", "publish", SHORT_EXAM).status == 0
        assert terminal.run("invite", "short", "Ada").status == 0


def test_without_a_command_it_says_what_there_is(terminal: Terminal) -> None:
    ran = terminal.run()
    assert "serve" in ran.out + ran.err
    assert "verify" in ran.out + ran.err
    assert sys.argv == ["proctor"]


def test_the_table_of_the_demo_fits_a_terminal_of_80_columns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = day.Row(
        learner="Tomas Achterberg",
        sections=3,
        snapshots=1440,
        conduct=2,
        quality=1,
        gaps=12,
        verdict="breach",
        bundle=Path("bundles/s_f93yhrejnt.zip"),
        problems=[],
    )
    day._show([row], seconds=66, bundles=Path("bundles"), key="name+00+key")
    table, _, hint = capsys.readouterr().out.partition("The bundles")
    assert max(map(len, table.splitlines())) <= 80
    for word in ("Achterberg", "2 conduct", "1 quality", "breach", "s_f93yhrejnt.zip"):
        assert word in table
    assert "proctor verify bundles/s_f93yhrejnt.zip --key name+00+key" in hint
