"""The command line as a whole: its commands, its codes, and no neighbours of others."""

import subprocess
import sys
from pathlib import Path

import pytest

from copier.__main__ import app

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "command", ["init", "check", "test", "run", "demo", "schema", "explain", "replay", "status", "simulate", "ledger"]
)
def test_every_command_is_there_and_says_what_it_does(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    app([command, "--help"], exit_on_error=True, result_action="return_value")
    assert len(capsys.readouterr().out.splitlines()) > 3


def run(code: str, *path: Path) -> "subprocess.CompletedProcess[str]":
    environment = {"PYTHONPATH": ":".join(map(str, path)), "PATH": ""}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)


@pytest.mark.slow  # starts a process
@pytest.mark.parametrize(("outcome", "code"), [("return 2", 2), ("return None", 0), ("raise KeyboardInterrupt", 130)])
def test_the_code_of_a_command_is_the_code_of_the_process(outcome: str, code: int) -> None:
    command = f"def f():\n    {outcome}\nm.app.command(f, name='f')\n"
    program = f"import sys, copier.__main__ as m\n{command}sys.argv = ['copier', 'f']\nm.main()"
    assert run(program, ROOT).returncode == code


@pytest.mark.slow  # starts a process
def test_somebody_elses_rules_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "__init__.py").write_text("", encoding="utf-8")
    program = (
        "import sys, copier.__main__ as m\n"
        f"for name in [n for n in sys.modules if n.partition('.')[0] == 'rules']: del sys.modules[name]\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\nsys.argv = ['copier', '--version']\nm.main()"
    )
    result = run(program, ROOT)
    assert result.returncode == 1
    assert "the package rules was expected in" in result.stderr
    assert "use an environment of its own" in result.stderr
