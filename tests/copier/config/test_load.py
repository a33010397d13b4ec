"""One run tells every mistake, each in its line."""

from pathlib import Path

import pytest

from copier.config import ConfigError, format_problem, load_config
from copier.config.load import FILE_BYTES_MAX
from tests.copier.config.files import ACCOUNTS, ENV, LINK, VENUES, line_of, load, one_problem, problems_of

TEN_MISTAKES = """\
[service]
ledger = "mysql:copier.db"                 # 1
timezone = "Europe/Pragu"                  # 2

[accounts.master]
venue = "toy"
login = "abc"                              # 3
token = "${env:NOWHERE}"                   # 4

[accounts.small]
venue = "toy"
login = "2"
token = "${env:TOKEN}"

[symbols.names]
map = [
  { match = 'GOLD', to = 'XAUUSD' },
  { match = '(?=X)Y', to = 'Z' },          # 5
]

[schedules.day]
open = [
  { cron = "0 8 * *", for = "8h" },        # 6
]

[policies.careful]
size = { mode = "equity_ratio", multipler = 0.5 }   # 7
symbols = "names"
guard = { max_age = "3 parsecs" }          # 8

[[links]]
source = "master"
targets = [
  "smal",                                  # 9
]
policy = "careful"

[[limits]]
account = "small"
kind = "daily_loss"
reset = "25:00"                            # 10
amount = "4 %"
"""


def test_ten_mistakes_are_ten_problems_each_in_its_line(tmp_path: Path):
    problems = problems_of(tmp_path, TEN_MISTAKES)
    assert [(problem.line, problem.key) for problem in problems] == [
        (line_of(TEN_MISTAKES, f"# {number}\n"), key)
        for number, key in enumerate(
            (
                "service.ledger",
                "service.timezone",
                "accounts.master.login",
                "accounts.master.token",
                "symbols.names.map[1].match",
                "schedules.day.open[0].cron",
                "policies.careful.size.multipler",
                "policies.careful.guard.max_age",
                "links[0].targets[0]",
                "limits[0].reset",
            ),
            1,
        )
    ]


def test_each_problem_says_what_was_expected_and_found(tmp_path: Path):
    by_key = {problem.key: problem for problem in problems_of(tmp_path, TEN_MISTAKES)}
    age = by_key["policies.careful.guard.max_age"]
    assert age.expected.startswith("a duration")
    assert age.found == '"3 parsecs"'
    assert by_key["policies.careful.size.multipler"].hint == "did you mean `multiplier`?"
    assert by_key["links[0].targets[0]"].hint == "did you mean `small`?"
    assert by_key["accounts.master.token"].expected == "the environment variable NOWHERE to be set"
    assert "look-ahead is not supported" in by_key["symbols.names.map[1].match"].found
    assert format_problem(age) == (
        f"{tmp_path / 'copier.toml'}:29: policies.careful.guard.max_age: "
        'expected a duration such as "3s", "500ms" or "8h30m", found "3 parsecs"'
    )


def test_a_small_good_config_has_the_documented_defaults(tmp_path: Path):
    configuration = load(tmp_path, ACCOUNTS + LINK)
    (link,) = configuration.links
    assert (link.link_id, link.source, link.target, link.policy.name) == (
        "master->small",
        "master",
        "small",
        "default",
    )
    assert configuration.service.ledger == tmp_path / "copier.db"
    assert configuration.service.timezone.key == "UTC"
    assert configuration.accounts[link.source].reconcile_every.total_seconds() == 10
    assert configuration.warnings == ()


def test_the_ledger_lies_beside_the_config_unless_its_path_is_absolute(tmp_path: Path):
    relative = load(tmp_path, '[service]\nledger = "sqlite:books/x.db"\n' + ACCOUNTS)
    assert relative.service.ledger == tmp_path / "books" / "x.db"
    absolute = load(tmp_path, '[service]\nledger = "sqlite:/var/x.db"\n' + ACCOUNTS)
    assert absolute.service.ledger == Path("/var/x.db")


def test_keys_of_the_service_are_read(tmp_path: Path):
    text = '[service]\nclose_orphans = true\nreconcile_every = "5s"\ndrain = "0s"\nlog_level = "debug"\n' + ACCOUNTS
    service = load(tmp_path, text).service
    assert service.close_orphans is True
    assert service.reconcile_every.total_seconds() == 5
    assert service.drain.total_seconds() == 0
    assert service.log_level.value == "debug"


@pytest.mark.parametrize(
    ("line", "key", "found"),
    [
        ("close_orphans = 1", "service.close_orphans", "1"),
        ('reconcile_every = "10ms"', "service.reconcile_every", '"10ms"'),
        ("drain = 10", "service.drain", "10"),
        ('ledger = "postgresql://db"', "service.ledger", "PostgreSQL, which is not supported in this version"),
        ('ledger = "sqlite:"', "service.ledger", '"sqlite:"'),
        ('log_level = "inf"', "service.log_level", '"inf"'),
        ('listen = "0.0.0.0:8377"', "service.listen", "0.0.0.0:8377"),
        ('listen = "[::]:8377"', "service.listen", "[::]:8377"),
        ('listen = "127.0.0.1"', "service.listen", '"127.0.0.1"'),
        ('listen = "127.0.0.1:99999"', "service.listen", '"127.0.0.1:99999"'),
        ('listen = "127.0.0.999:1"', "service.listen", '"127.0.0.999:1"'),
        ("listen = 8377", "service.listen", "8377"),
        ('allowed_hosts = ["copier.lan:8377"]', "service.allowed_hosts", '"copier.lan:8377"'),
        ('allowed_hosts = "copier.lan"', "service.allowed_hosts", '"copier.lan"'),
        ('allowed_origins = ["copier.lan"]', "service.allowed_origins", '"copier.lan"'),
        ("tls = true", "service.tls", "`tls`, which is not supported in this version"),
        ('tls_key = "k.pem"', "service.tls_key", "none"),
        ('tls_certificate = "c.pem"', "service.tls_certificate", "none"),
        ("tls_key = 1", "service.tls_key", "1"),
        ("sessions_per_key = 0", "service.sessions_per_key", "0"),
        ("sessions_per_ip = 10001", "service.sessions_per_ip", "10001"),
        ('behind_proxy = "yes"', "service.behind_proxy", '"yes"'),
        ('timezon = "UTC"', "service.timezon", "the unknown key `timezon`"),
    ],
)
def test_a_bad_key_of_the_service_is_told(tmp_path: Path, line: str, key: str, found: str):
    problem = one_problem(tmp_path, f"[service]\n{line}\n{ACCOUNTS}")
    assert (problem.line, problem.key, problem.found) == (2, key, found)


def test_a_syntax_error_is_one_problem_with_its_line(tmp_path: Path):
    problem = one_problem(tmp_path, "[service]\nledger = \n[accounts]\n[[[\n")
    assert (problem.line, problem.expected) == (2, "TOML")
    assert "column 10" in problem.found


def test_a_key_written_twice_is_told_with_its_line(tmp_path: Path):
    problem = one_problem(tmp_path, '[service]\ntimezone = "UTC"\ntimezone = "UTC"\n')
    assert problem.line == 3


def test_a_file_that_is_not_there_is_told_without_a_line(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "none.toml", ENV, VENUES)
    (problem,) = caught.value.problems
    assert (problem.line, problem.key, problem.found) == (None, "", "No such file or directory")
    assert (
        format_problem(problem)
        == f"{tmp_path / 'none.toml'}: expected a readable file, found No such file or directory"
    )


def test_a_byte_that_is_not_utf_8_is_told_with_its_line(tmp_path: Path):
    (tmp_path / "copier.toml").write_bytes(b"[service]\n# caf\xe9\n")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "copier.toml", ENV, VENUES)
    (problem,) = caught.value.problems
    assert (problem.line, problem.found) == (2, "the byte 0xe9")


def test_the_size_of_the_file_is_bounded(tmp_path: Path):
    just = ACCOUNTS + "#" * (FILE_BYTES_MAX - len(ACCOUNTS))
    assert load(tmp_path, just).accounts
    assert one_problem(tmp_path, just + "#").expected == f"a file of at most {FILE_BYTES_MAX} bytes"


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a." * 5000 + "a = 1"])
def test_hostile_nesting_is_refused(tmp_path: Path, text: str):
    assert one_problem(tmp_path, text).expected == "at most 32 levels of keys and brackets"


def test_moderate_nesting_is_refused_with_its_line(tmp_path: Path):
    problem = one_problem(tmp_path, "\na = " + "[" * 40 + "]" * 40)
    assert (problem.line, problem.expected) == (2, "at most 32 levels of keys and brackets")


def test_a_number_of_thousands_of_digits_is_refused_with_its_line(tmp_path: Path):
    problem = one_problem(tmp_path, "\n\na = " + "9" * 5000)
    assert (problem.line, problem.expected) == (3, "numbers of at most 20 digits")


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e400000", "1E+400000"),
        ("1e99999999999999999999", "inf"),
        ("9" * 30, "9" * 30),
        ("true", "true"),
        ('"0.5"', '"0.5"'),
        ("1979-05-27", "1979-05-27"),
    ],
)
def test_hostile_numbers_are_refused_where_they_stand(tmp_path: Path, number: str, found: str):
    problem = one_problem(tmp_path, f"{ACCOUNTS}{LINK}\n[policies.default.size]\nmultiplier = {number}\n")
    assert (problem.key, problem.found) == ("policies.default.size.multiplier", found)


def test_numbers_are_exact_as_they_are_written(tmp_path: Path):
    text = f"{ACCOUNTS}{LINK}\n[policies.default.size]\nmultiplier = 1_0.10\n"
    assert str(load(tmp_path, text).links[0].policy.size.multiplier) == "10.10"


def test_unknown_sections_are_refused_with_the_nearest_name(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS + "[[link]]\nsource = 'x'\n")
    assert (problem.key, problem.found, problem.hint) == (
        "link",
        "the unknown section `link`",
        "did you mean `links`?",
    )


@pytest.mark.parametrize("section", ["[presets]", "[prop]"])
def test_sections_of_later_versions_are_refused_by_name(tmp_path: Path, section: str):
    problem = one_problem(tmp_path, f"{ACCOUNTS}\n{section}\nx = 1\n")
    assert problem.found.endswith("which is not supported in this version")
    assert problem.line == ACCOUNTS.count("\n") + 2


@pytest.mark.parametrize(
    "text", ["accounts = 3\n", "links = 3\n", "policies = []\n", "[links]\nsource = 'x'\n", "service = 1\n"]
)
def test_a_section_of_another_shape_is_told(tmp_path: Path, text: str):
    more = "" if text.startswith("accounts") else ACCOUNTS
    problems = problems_of(tmp_path, text + more)
    assert problems[0].line in {None, 1}
    assert any(problem.line == 1 for problem in problems)


def test_a_config_without_accounts_is_refused(tmp_path: Path):
    assert one_problem(tmp_path, "").found == "none"


def test_what_nothing_uses_draws_a_warning(tmp_path: Path):
    text = ACCOUNTS + LINK + "[symbols.a]\nmap = []\n[schedules.b]\n[policies.c]\n"
    assert [warning.key for warning in load(tmp_path, text).warnings] == ["symbols.a", "schedules.b", "policies.c"]


def test_a_flood_of_mistakes_is_counted_and_not_listed(tmp_path: Path):
    problems = problems_of(tmp_path, ACCOUNTS + "[[links]]\n" * 1100)
    assert len(problems) == 1001
    assert any("more than shown" in problem.found for problem in problems)


def test_an_unknown_name_is_told_beside_the_policys_other_mistakes(tmp_path: Path):
    problems = problems_of(tmp_path, '[policies.p]\nguard = { max_age = "soon" }\nsymbols = "none"\n')
    assert {"policies.p.guard.max_age", "policies.p.symbols"} <= {problem.key for problem in problems}
