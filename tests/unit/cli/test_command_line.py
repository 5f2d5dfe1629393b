"""What the command line makes of arguments and of errors, before any server is asked."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
import typer

from cli import exits, main
from cli.context import actor, hoisted, surround, surroundings
from cli.exits import EXIT_BUG, EXIT_INTERRUPTED, Refused, TimedOut, exit_code
from cli.main import FAMILIES, run_command
from failover.domain.errors import (
    ClusterUnreachable,
    FailoverError,
    Forbidden,
    InvalidInput,
    MissingKey,
    NotFound,
    UnknownCluster,
    UnknownKind,
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        pytest.param(["list"], ["list"], id="nothing to move"),
        pytest.param(["list", "--fleet", "f"], ["--fleet", "f", "list"], id="value apart"),
        pytest.param(["list", "--fleet=f"], ["--fleet=f", "list"], id="value joined"),
        pytest.param(["list", "-A", "--debug"], ["--debug", "list", "-A"], id="flag"),
        pytest.param(["list", "--fleet"], ["--fleet", "list"], id="value missing"),
        pytest.param(["x", "--", "--fleet", "f"], ["x", "--", "--fleet", "f"], id="after --"),
    ],
)
def test_global_options_may_stand_after_the_verb(typed: list[str], meant: list[str]) -> None:
    """They are moved before it, each with its value; what follows `--` stays."""
    assert hoisted(typed) == meant


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(InvalidInput("x"), 2, id="bad input"),
        pytest.param(UnknownKind("x"), 2, id="unknown kind"),
        pytest.param(UnknownCluster("x"), 2, id="unknown cluster"),
        pytest.param(
            MissingKey("{.a}", key="a", path="", present="it has no keys", keys=()),
            2,
            id="json path",
        ),
        pytest.param(TimedOut("x"), 4, id="timed out"),
        pytest.param(Refused("x"), 5, id="refused"),
        pytest.param(NotFound("x"), 1, id="not found"),
        pytest.param(Forbidden("x"), 1, id="forbidden"),
        pytest.param(ClusterUnreachable("x"), 1, id="unreachable"),
    ],
)
def test_every_error_has_its_documented_exit_code(error: FailoverError, code: int) -> None:
    """1 failed, 2 bad input, 4 in time, 5 refused."""
    assert exit_code(error) == code


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["nonsense"], "No such command 'nonsense'", id="no such verb"),
        pytest.param(["status"], "Missing argument 'KIND/NAME'", id="argument missing"),
        pytest.param(["status", "orders"], "say KIND/NAME", id="no kind"),
        pytest.param(["status", "a/b/c"], "say KIND/NAME", id="too many slashes"),
        pytest.param(["list", "--wat"], "--wat", id="no such option"),
        pytest.param(["list", "-o", "xml"], "xml", id="no such form"),
        pytest.param(["start", "a/b"], "'-f'", id="no policy"),
        pytest.param(["start", "a/b", "-f", "x", "--force"], "--reason", id="force without why"),
        pytest.param(["skip", "a/b", "--declare-gone"], "--reason", id="gone without why"),
        pytest.param(["skip", "a/b", "--cold-start"], "--rule", id="cold start of what"),
        pytest.param(["retarget", "a/b"], "--cluster", id="retarget where"),
        pytest.param(["pause", "--all"], "--reason", id="pause without why"),
        pytest.param(["pause", "--reason", "r"], "exactly one", id="pause of what"),
        pytest.param(["resume", "--all", "--cluster", "c"], "exactly one", id="resume of what"),
        pytest.param(["status", "a/b", "--timeout", "1"], "--wait", id="timeout without wait"),
    ],
)
def test_wrong_usage_is_one_sentence_and_2(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard error says what is wrong, on one line; nothing else is printed."""
    assert run_command(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert told in said.err
    assert said.err.count("\n") == 1


def _raising(error: BaseException) -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.callback()(main._globals)

    def fail() -> None:
        raise error

    app.command(name="fail")(fail)
    return app


def _replace_verbs(monkeypatch: pytest.MonkeyPatch, app: typer.Typer) -> None:
    def assemble(_arguments: Sequence[str]) -> typer.Typer:
        return app

    monkeypatch.setattr(main, "assemble", assemble)


def test_a_bug_shows_no_traceback_unless_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It exits with 70 and says how to see the traceback; --debug shows it."""
    _replace_verbs(monkeypatch, _raising(KeyError("gone")))
    assert run_command(["fail"]) == EXIT_BUG
    said = capsys.readouterr().err
    assert said == "internal error (KeyError: 'gone'), run with --debug for the traceback\n"
    assert run_command(["fail", "--debug"]) == EXIT_BUG
    assert "Traceback" in capsys.readouterr().err


def test_an_error_of_ours_is_its_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message alone, after `error:`; square brackets in it are no markup."""
    _replace_verbs(monkeypatch, _raising(Refused("no [bold] way")))
    assert run_command(["fail"]) == 5
    assert capsys.readouterr().err == "error: no [bold] way\n"


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is the shell's usual code."""
    _replace_verbs(monkeypatch, _raising(KeyboardInterrupt()))
    assert run_command(["fail"]) == EXIT_INTERRUPTED


def test_every_verb_stands_in_the_table_that_finds_it() -> None:
    """The family named for a verb adds exactly the verbs that it is named for."""
    for family in FAMILIES:
        app = main.assemble([family.verbs[0]])
        assert {each.name or each.callback.__name__ for each in app.registered_commands if each.callback} == set(family.verbs)  # fmt: skip


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    """`failover --help` has all of them."""
    assert run_command(["--help"]) == 0
    said = capsys.readouterr().out
    for family in FAMILIES:
        for verb in family.verbs:
            assert f" {verb} " in said


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the table in `cli/exits.py`, which stands in the documentation as it is."""
    assert run_command(["--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    rows = [line for line in (exits.__doc__ or "").splitlines() if line.startswith("| ")]
    codes = [row.split("|")[1].strip() for row in rows if row.split("|")[1].strip().isdigit()]
    assert len(codes) == 8
    for code in codes:
        assert f" {code} " in said.partition("Exit codes:")[2]
    page = (Path(__file__).parents[3] / "docs" / "architecture.md").read_text()
    assert all(f"\n  {row}\n" in page for row in rows)


def test_without_the_packages_of_the_local_world_its_verbs_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever options are given, and in the help of all: the bracket of the extra is no markup."""
    real = importlib.import_module

    def lacking(name: str) -> ModuleType:
        if name == "cli.up":
            raise ModuleNotFoundError(name="psutil")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", lacking)
    assert run_command(["up", "--clusters", "1"]) == 2
    assert "pip install '.[devstack]'" in capsys.readouterr().err
    assert run_command(["--help"]) == 0
    assert ".[devstack]" in capsys.readouterr().out


def test_a_wrong_variable_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `FAILOVER_*` variable that cannot be used is bad input with its name."""
    monkeypatch.setenv("FAILOVER_METRICS_PORT", "many")
    with pytest.raises(InvalidInput, match="FAILOVER_METRICS_PORT"):
        surround()


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--fleet` before FAILOVER_FLEET."""
    monkeypatch.setenv("FAILOVER_FLEET", "from-environment.yaml")
    assert str(surround().settings.fleet) == "from-environment.yaml"
    assert str(surround(fleet="from-flag.yaml").settings.fleet) == "from-flag.yaml"
    assert str(surroundings().settings.fleet) == "from-flag.yaml"


def test_links_name_the_run_and_survive_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workflow id is one segment of the address; without an address there is no link."""
    monkeypatch.setenv("FAILOVER_UI", "http://ui/")
    link = surround().link("default", "failover/shop/Kind.group/orders", "run")
    assert (
        link
        == "http://ui/namespaces/default/workflows/failover%2Fshop%2FKind.group%2Forders/run/history"
    )
    monkeypatch.delenv("FAILOVER_UI")
    assert surround().link("default", "id") == ""


def test_kubectl_finds_its_plugin_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Called as kubectl-failover, usage speaks of `kubectl failover`."""
    monkeypatch.setattr(sys, "argv", ["/usr/bin/kubectl-failover"])
    assert run_command(["status"]) == 2
    assert "kubectl failover status --help" in capsys.readouterr().err


def test_the_actor_is_a_person_at_a_host() -> None:
    """Left out, it is who runs the command."""
    assert actor("ada") == "ada"
    assert "@" in actor()
