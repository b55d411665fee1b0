"""The command line, as a person runs it."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from airflow_provider_ittybit.emulator.cli import main

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "airflow_provider_ittybit.emulator"]
FREE_PORTS = ["--port", "0", "--uploads-port", "0", "--delivery-port", "0"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own command


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_where_it_is_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    arguments = ["serve", *FREE_PORTS, "--state", str(tmp_path), "--api-key", "k", "--default-version", "tasks"]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        urls = dict(line.split() for line in lines[:3])
        assert set(urls) == {"api", "uploads", "delivery"}
        name, _, value = lines[4].strip().removeprefix("export ").partition("=")
        connection = json.loads(shlex.split(value)[0])
        assert (name, connection["password"]) == ("AIRFLOW_CONN_ITTYBIT_DEFAULT", "k")
        answer = httpx.get(f"{connection['host']}/tasks", headers={"Authorization": "Bearer k"})
        assert (answer.json(), answer.headers["has-more"]) == ([], "false")
        process.send_signal(number)
        assert process.wait(30) == 0
    assert (tmp_path / "state.sqlite3").exists()


def test_exec_gives_a_command_its_emulator_and_returns_its_status() -> None:
    script = (
        "import json, os, sys, urllib.request as u\n"
        "c = json.loads(os.environ['AIRFLOW_CONN_ITTYBIT_DEFAULT'])\n"
        "assert c['host'] == os.environ['ITTYBIT_EMULATOR_URL'], c\n"
        "assert c['password'] == os.environ['ITTYBIT_EMULATOR_API_KEY'], c\n"
        "assert c['extra']['uploads_url'] == os.environ['ITTYBIT_EMULATOR_UPLOADS_URL'], c\n"
        "assert os.environ['ITTYBIT_EMULATOR_DELIVERY_URL'].startswith('http://127.0.0.1:')\n"
        "r = u.Request(c['host'] + '/files', headers={'Authorization': 'Bearer ' + c['password']})\n"
        "print(c['extra']['api_version'], u.urlopen(r).read().decode()[:8])\n"
        "sys.exit(7)\n"
    )
    done = run("exec", "--api-version", "2025-01-01", "--", sys.executable, "-c", script)
    assert (done.returncode, done.stdout.split()) == (7, ["2025-01-01", '{"meta":'])


def test_exec_passes_the_arguments_of_the_command_on_untouched() -> None:
    done = run("exec", "--", sys.executable, "-c", "import sys; print(sys.argv[1:])", "--port", "1", "--", "-x")
    assert done.stdout.strip() == "['--port', '1', '--', '-x']"


def test_exec_passes_signals_on_and_reports_the_death_of_its_command() -> None:
    script = "import signal, sys; print('up', flush=True); signal.pause()"
    arguments = [*COMMAND, "exec", "--", sys.executable, "-c", script]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM


SIGNALLED = """
import os, signal, subprocess, sys, threading
from airflow_provider_ittybit.emulator.cli import main

def tell_main():
    os.kill(os.getpid(), signal.SIGTERM)

def tell_another_thread():  # as if it came just before the main thread waits
    threading.Timer(0.3, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)).start()

def in_between(holder, name, before=lambda: None, after=lambda: None):
    original = getattr(holder, name)
    def replaced(*arguments, **options):
        setattr(holder, name, original)
        before()
        result = original(*arguments, **options)
        after()
        return result
    setattr(holder, name, replaced)

"""
"""A signal that is not seen ends nothing for 50 s, or for ever."""


@pytest.mark.parametrize("when", ["before=tell_main", "after=tell_another_thread"])
def test_exec_passes_a_signal_on_whenever_it_comes(when: str) -> None:
    script = f"{SIGNALLED}in_between(subprocess, 'Popen', {when})\nsys.exit(main(['exec', '--', 'sleep', '50']))"
    done = subprocess.run([sys.executable, "-c", script], timeout=40, check=False)  # noqa: S603 - our own script
    assert done.returncode == 128 + signal.SIGTERM


def test_serve_ends_at_a_signal_that_another_thread_receives() -> None:
    script = f"{SIGNALLED}in_between(sys.stdout, 'flush', after=tell_another_thread)\nsys.exit(main(['serve']))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=40, check=False)  # noqa: S603 - same
    assert (done.returncode, done.stderr) == (0, b"")


def test_exec_leaves_a_signal_ignored_that_was_ignored_before() -> None:
    script = "import signal, sys; sys.exit(7 if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else 0)"
    command = ["nohup", *COMMAND, "exec", "--", sys.executable, "-c", script]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)  # noqa: S603 - same
    assert done.returncode == 7


def test_exec_says_when_there_is_no_such_command() -> None:
    done = run("exec", "--", "no-such-command-anywhere")
    assert done.returncode == 127
    assert "no-such-command-anywhere: command not found" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--default-version", "2024-06-01"], "2024-06-01"),
        (["--processing", "never"], "never"),
        (["--rate-limit", "many"], "100/60"),
        (["--content-range-form", "star"], "star"),
    ],
)
def test_a_wrong_option_is_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], word: str
) -> None:
    assert main(["exec", *arguments, "--", "true"]) == 2
    complaint = capsys.readouterr().err
    assert re.match(r"ittybit-emulator: .*\n$", complaint)
    assert word in complaint


def test_options_become_settings() -> None:
    script = (
        "import os, urllib.request as u\n"
        "print(u.urlopen(os.environ['ITTYBIT_EMULATOR_URL'] + '/_emulator/settings').read().decode())\n"
    )
    done = run(
        *("exec", "--rate-limit", "100/60", "--discard-bytes", "--signed-delivery", "--answer-wait", "1.5"),
        *("--max-upload-bytes", "5", "--processing", "held", "--", sys.executable, "-c", script),
    )
    settings = json.loads(done.stdout)
    assert settings["rate_limit"] == {"requests": 100, "per_seconds": 60.0}
    assert (settings["discard_bytes"], settings["public_delivery"], settings["answer_wait"]) == (True, False, 1.5)
    assert (settings["max_upload_bytes"], settings["processing"]) == (5, "held")
