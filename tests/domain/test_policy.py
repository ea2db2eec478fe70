from dataclasses import replace

import pytest

from proctor.domain.policy import (
    Calculator,
    FlagRule,
    Paper,
    Policy,
    SectionRules,
    Site,
    Software,
    SystemReport,
    SystemRule,
    SystemRules,
    Website,
    address_problem,
    program_allowed,
    program_name,
    resources_for,
    section_mismatches,
    site_covers,
    system_refusals,
    version_numbers,
    watched_programs,
    website_allowed,
)

R = Software(name="R", programs=("R", "Rgui", "rstudio"), sections=("b",))
PAPER = Paper(sheets=1, sides=2, must_be="blank")
YOUDAO = Site(name="Youdao", url="http://fanyi.youdao.com")
BING = Site(name="Bing", url="https://cn.bing.com/translator")
POLICY = Policy(
    id="p", title="P", allow=(PAPER, R, Website(choose=1, of=(YOUDAO, BING), sections=("a",)))
)


def test_a_thing_without_sections_is_allowed_in_all() -> None:
    assert PAPER in resources_for(POLICY, "a")
    assert PAPER in resources_for(POLICY, "b")
    assert PAPER in resources_for(POLICY, None)


def test_a_thing_with_sections_is_allowed_in_these_alone() -> None:
    assert R in resources_for(POLICY, "b")
    assert R not in resources_for(POLICY, "a")
    assert R not in resources_for(POLICY, None)


@pytest.mark.parametrize(
    ("program", "name"),
    [
        pytest.param("Rgui", "rgui", id="case"),
        pytest.param("RGUI.EXE", "rgui", id="the ending of Windows"),
        pytest.param("C:\\Program Files\\R\\Rgui.exe", "rgui", id="a folder of Windows"),
        pytest.param("/usr/bin/rstudio", "rstudio", id="a folder of Linux"),
        pytest.param("/Applications/RStudio.app/", "rstudio", id="a bundle of macOS"),
        pytest.param("  R ", "r", id="white space around"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_program_is_compared_by_its_bare_name(program: str, name: str) -> None:
    assert program_name(program) == name


def test_software_is_allowed_by_program_and_section() -> None:
    assert program_allowed(POLICY, "Rgui.exe", "b")
    assert not program_allowed(POLICY, "Rgui.exe", "a")
    assert not program_allowed(POLICY, "python", "b")


@pytest.mark.parametrize(
    ("site", "url"),
    [
        pytest.param("http://fanyi.youdao.com", "http://fanyi.youdao.com", id="the same"),
        pytest.param("http://fanyi.youdao.com", "http://fanyi.youdao.com/x", id="a page of it"),
        pytest.param("http://fanyi.youdao.com", "https://fanyi.youdao.com/", id="http made safe"),
        pytest.param("http://fanyi.youdao.com", "http://FANYI.youdao.COM./", id="case, last dot"),
        pytest.param("https://a.org", "https://a.org:443/", id="the usual port"),
        pytest.param("https://a.org:8443", "https://a.org:8443/", id="a port of its own"),
        pytest.param("https://a.org/t", "https://a.org/t?q=1#x", id="query and fragment"),
        pytest.param("https://a.org/t", "https://a.org/t/u", id="below the path"),
        pytest.param("https://a.org/t/", "https://a.org/t", id="a last slash"),
        pytest.param("https://*.a.org", "https://a.org/", id="a star covers the host itself"),
        pytest.param("https://*.a.org", "https://b.c.a.org/", id="and hosts below it"),
        pytest.param("https://a.org", "https://me:pw@a.org/", id="a login before the host"),
    ],
)
def test_a_site_covers(site: str, url: str) -> None:
    assert site_covers(Site(name="s", url=site), url)


@pytest.mark.parametrize(
    ("site", "url"),
    [
        pytest.param("https://a.org", "http://a.org/", id="https made unsafe"),
        pytest.param("http://a.org", "ftp://a.org/", id="another scheme"),
        pytest.param("https://a.org", "https://www.a.org/", id="a host below"),
        pytest.param("https://www.a.org", "https://a.org/", id="the host above"),
        pytest.param("https://a.org", "https://a.org.example.org/", id="a host that begins so"),
        pytest.param("https://a.org", "https://nota.org/", id="a host that ends so"),
        pytest.param("https://*.a.org", "https://nota.org/", id="a star and a host that ends so"),
        pytest.param("https://a.org", "https://a.org@example.org/", id="the host as a login"),
        pytest.param("https://a.org", "https://example.org\\@a.org/", id="a backslash"),
        pytest.param("https://a.org", "https://a.org/ x", id="white space"),
        pytest.param("https://a.org", "https://a.org:8443/", id="another port"),
        pytest.param("https://a.org", "https://a.org:x/", id="a port that is no number"),
        pytest.param("https://a.org", "https://[::1/", id="brackets that do not close"),
        pytest.param("https://a.org", "https:///x", id="no host"),
        pytest.param("https://a.org", "a.org", id="no scheme"),
        pytest.param("https://a.org/t", "https://a.org/", id="above the path"),
        pytest.param("https://a.org/t", "https://a.org/tu", id="a path that begins so"),
        pytest.param("https://a.org/t", "https://a.org/t/../s", id="out by dots"),
        pytest.param("https://a.org/t", "https://a.org/t/%2E%2e/s", id="out by dots in disguise"),
        pytest.param("nonsense", "https://a.org/", id="a site that is no address"),
    ],
)
def test_a_site_does_not_cover(site: str, url: str) -> None:
    assert not site_covers(Site(name="s", url=site), url)


def test_a_website_is_allowed_in_its_sections() -> None:
    assert website_allowed(POLICY, "https://cn.bing.com/translator", "a")
    assert not website_allowed(POLICY, "https://cn.bing.com/search", "a")
    assert not website_allowed(POLICY, "https://cn.bing.com/translator", "b")


@pytest.mark.parametrize(
    ("url", "word"),
    [
        pytest.param("https://a.org/t", "", id="a plain address"),
        pytest.param("https://*.a.org", "", id="a star for hosts below"),
        pytest.param("a.org", "plain", id="no scheme"),
        pytest.param("https://a.org/?q=1", "query", id="a query"),
        pytest.param("https://a.org/#x", "fragment", id="a fragment"),
        pytest.param("https://me@a.org/", "login", id="a login"),
        pytest.param("https://a.*.org/", "*", id="a star elsewhere"),
    ],
)
def test_an_address_that_covers_nothing_says_why(url: str, word: str) -> None:
    problem = address_problem(url)
    assert word in problem
    assert bool(problem) == bool(word)


REFUSE = SystemRules(
    refuse=(
        SystemRule(os="windows", below="10"),
        SystemRule(maker="Microsoft", model="Surface"),
        SystemRule(form="phone"),
        SystemRule(os="linux", below="nonsense"),
    )
)


@pytest.mark.parametrize(
    ("report", "refused"),
    [
        pytest.param(SystemReport(os="Windows", os_version="XP"), [0], id="Windows XP"),
        pytest.param(SystemReport(os="windows", os_version="2000"), [0], id="Windows 2000"),
        pytest.param(SystemReport(os="windows", os_version="8.1"), [0], id="Windows 8.1"),
        pytest.param(SystemReport(os="windows", os_version="6.1.7601"), [0], id="Windows 7"),
        pytest.param(SystemReport(os="windows", os_version="10.0.19045"), [], id="Windows 10"),
        pytest.param(SystemReport(os="windows", os_version="11"), [], id="Windows 11"),
        pytest.param(SystemReport(os="windows"), [], id="a Windows that does not say"),
        pytest.param(SystemReport(os="macos", os_version="9"), [], id="an old Mac"),
        pytest.param(SystemReport(os="linux", os_version="1"), [], id="a rule of nonsense"),
        pytest.param(
            SystemReport(maker="Microsoft Corporation", model="Surface Laptop 4"), [1], id="Surface"
        ),
        pytest.param(
            SystemReport(maker="Microsoft Corporation", model="Virtual Machine"), [], id="Hyper-V"
        ),
        pytest.param(SystemReport(maker="Dell", model="Surface"), [], id="another maker"),
        pytest.param(SystemReport(form="Phone"), [2], id="a phone"),
        pytest.param(SystemReport(form="laptop"), [], id="a laptop"),
        pytest.param(SystemReport(), [], id="a computer that says nothing"),
        pytest.param(
            SystemReport(
                os="windows", os_version="8", maker="microsoft", model="surface rt", form="phone"
            ),
            [0, 1, 2],
            id="every reason at once",
        ),
    ],
)
def test_a_computer_is_refused_by_what_it_says(report: SystemReport, refused: list[int]) -> None:
    policy = replace(POLICY, system=REFUSE)
    assert system_refusals(policy, report) == tuple(REFUSE.refuse[index] for index in refused)


def test_a_version_is_its_numbers() -> None:
    assert version_numbers("10.0.19045-beta") == (10, 0, 19045)
    assert version_numbers("Vista") == (6,)
    assert version_numbers("unknown") is None


def test_a_client_looks_for_named_programs_and_not_for_allowed_ones() -> None:
    policy = replace(
        POLICY,
        flags=(
            FlagRule(when="program", programs=("ChatGPT", "rstudio")),
            FlagRule(when="program", programs=("anydesk",), sections=("a",)),
            FlagRule(when="left-page"),
        ),
    )
    assert watched_programs(policy, "a") == ("anydesk", "chatgpt", "rstudio")
    assert watched_programs(policy, "b") == ("chatgpt",)


TWO = replace(POLICY, sections=SectionRules(order=("a", "b"), limit_s=7200))


def test_an_exam_that_fits_its_policy_has_no_mismatch() -> None:
    assert section_mismatches(TWO, [("a", 7200), ("b", 7200)]) == ()
    assert section_mismatches(POLICY, [("a", 60), ("b", 90), ("c", 1)]) == ()


@pytest.mark.parametrize(
    ("policy", "sections", "word"),
    [
        pytest.param(TWO, [("b", 7200), ("a", 7200)], "in this order", id="another order"),
        pytest.param(TWO, [], "none", id="no sections"),
        pytest.param(TWO, [("a", 7200), ("b", 60)], "b has 60 s", id="another limit"),
        pytest.param(POLICY, [("a", 60)], "for the section b", id="a rule for no section"),
        pytest.param(
            replace(POLICY, allow=(Calculator(model="any", sections=("c",)),)),
            [("a", 60)],
            "for the section c",
            id="a resource for no section",
        ),
    ],
)
def test_an_exam_that_does_not_fit_is_told_why(
    policy: Policy, sections: list[tuple[str, int]], word: str
) -> None:
    (mismatch,) = section_mismatches(policy, sections)
    assert word in mismatch
