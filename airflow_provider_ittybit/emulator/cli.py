"""The command ``ittybit-emulator``: ``serve`` runs an emulator, ``exec`` a command against one, ``demo`` a DAG.

A further subcommand is one more entry in ``SUBCOMMANDS``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.emulator.profiles import UnknownVersionError, resolve
from airflow_provider_ittybit.emulator.running import RunningEmulator
from airflow_provider_ittybit.emulator.settings import InvalidSettingError, RateLimit, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

DEFAULT_PORTS = {"port": 8800, "uploads_port": 8801, "delivery_port": 8802}
DEMO_DAG = Path("example_dags/media_lifecycle.py")
USAGE_ERROR = 2
NOT_EXECUTABLE = 126
NOT_FOUND = 127
KILLED_BY = 128

LOOK_EVERY = 0.5
"""Seconds; Python handles a signal between two steps of the main thread, so no wait there may be without end."""
STOPPING = (signal.SIGINT, signal.SIGTERM)
PASSED_ON = (*STOPPING, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    :param argv: the arguments after the program's name; default those of the process.
    :returns: the exit status: 0 after a clean stop, that of the command for ``exec``, 2 for wrong arguments.
    """
    arguments = make_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (InvalidSettingError, UnknownVersionError) as error:
        return _complain(str(error), USAGE_ERROR)
    except OSError as error:
        return _complain(str(error), 1)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="ittybit-emulator", description="A local ittybit for tests and demos, on 127.0.0.1, without an account."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for add in SUBCOMMANDS:
        add(commands)
    return parser


def add_emulator_options(parser: argparse.ArgumentParser, *, ports: dict[str, int]) -> None:
    """Add the options of every subcommand that runs an emulator.

    :param ports: the default of each of the three port options.
    """
    defaults = Settings()
    for name, default in ports.items():
        role = name.removesuffix("port").rstrip("_") or "api"
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=int,
            default=default,
            help=f"port for {role} (default {default}; 0 is a free one)",
        )
    parser.add_argument("--state", metavar="DIR", help="folder that keeps everything (default a temporary one)")
    parser.add_argument("--api-key", metavar="KEY", help="the key that requests must carry (default a random one)")
    parser.add_argument(
        "--default-version",
        metavar="VERSION",
        help=f"for requests without a version header (default {defaults.default_version})",
    )
    parser.add_argument("--processing", metavar="MODE", help="auto (default), held or after_reads:N")
    parser.add_argument("--max-upload-bytes", type=int, metavar="N", help="more is answered 413")
    parser.add_argument("--rate-limit", metavar="N/SECONDS", help="such as 100/60; more is answered 429")
    parser.add_argument("--content-range-form", metavar="FORM", help="any (default), equals or space")
    parser.add_argument("--answer-wait", type=float, metavar="SECONDS", help="how long an answer waits for ready")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="worker threads (default 2)")
    parser.add_argument("--discard-bytes", action="store_true", help="count and hash uploads, but keep none")
    parser.add_argument("--signed-delivery", action="store_true", help="serve files to signed URLs only")


def emulator_from(arguments: argparse.Namespace) -> RunningEmulator:
    """Return the emulator that the options describe, not yet started."""
    names = ("default_version", "processing", "max_upload_bytes", "content_range_form", "answer_wait")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    settings: dict[str, Any] = {**given, "discard_bytes": arguments.discard_bytes}
    settings["public_delivery"] = not arguments.signed_delivery
    if arguments.rate_limit:
        settings["rate_limit"] = _rate_limit(arguments.rate_limit)
    return RunningEmulator(
        arguments.state,
        api_key=arguments.api_key,
        ports=tuple(getattr(arguments, name) for name in DEFAULT_PORTS),
        threads=arguments.workers,
        **settings,
    )


def environment_for(emulator: RunningEmulator, api_version: str | None = None) -> dict[str, str]:
    """Return the environment variables by which a command finds a running emulator."""
    return {
        "AIRFLOW_CONN_ITTYBIT_DEFAULT": emulator.airflow_connection(api_version),
        "ITTYBIT_EMULATOR_URL": emulator.api_url,
        "ITTYBIT_EMULATOR_UPLOADS_URL": emulator.uploads_url,
        "ITTYBIT_EMULATOR_DELIVERY_URL": emulator.delivery_url,
        "ITTYBIT_EMULATOR_API_KEY": emulator.api_key,
    }


def _add_serve(commands: Any) -> None:
    parser = commands.add_parser("serve", help="run an emulator until it is told to stop")
    add_emulator_options(parser, ports=DEFAULT_PORTS)
    parser.set_defaults(run=_serve)


def _serve(arguments: argparse.Namespace) -> int:
    stopped: SimpleQueue[int] = SimpleQueue()  # whose lock a handler may take while the main thread waits for it
    for number in STOPPING:
        signal.signal(number, lambda number, _frame: stopped.put(number))
    with emulator_from(arguments) as emulator:
        connection = environment_for(emulator)["AIRFLOW_CONN_ITTYBIT_DEFAULT"]
        lines = (
            f"api       {emulator.api_url}",
            f"uploads   {emulator.uploads_url}",
            f"delivery  {emulator.delivery_url}",
            "",
            f"export AIRFLOW_CONN_ITTYBIT_DEFAULT={shlex.quote(connection)}",
            "",
        )
        sys.stdout.write("\n".join(lines))
        sys.stdout.flush()
        while True:  # what comes just before a wait is handled after it
            with contextlib.suppress(Empty):
                stopped.get(timeout=LOOK_EVERY)
                break
    return 0


def _add_exec(commands: Any) -> None:
    parser = commands.add_parser(
        "exec",
        help="run a command against an emulator of its own",
        usage="ittybit-emulator exec [options] [--api-version V] -- COMMAND...",
    )
    add_emulator_options(parser, ports=dict.fromkeys(DEFAULT_PORTS, 0))
    parser.add_argument("--api-version", metavar="V", help="of the connection, and of requests without a header")
    parser.add_argument("argv", nargs="+", metavar="COMMAND", help="the command and its arguments")
    parser.set_defaults(run=_exec)


def _exec(arguments: argparse.Namespace) -> int:
    if arguments.default_version is None and _is_known(arguments.api_version):
        arguments.default_version = arguments.api_version
    with emulator_from(arguments) as emulator:
        environment = {**os.environ, **environment_for(emulator, arguments.api_version)}
        return _run(arguments.argv, environment)


def _add_demo(commands: Any) -> None:
    parser = commands.add_parser("demo", help="run a DAG on real media against an emulator, and check the result")
    parser.add_argument("--dag", type=Path, default=DEMO_DAG, metavar="FILE", help=f"the DAG file (default {DEMO_DAG})")
    parser.set_defaults(run=_demo)


def _demo(arguments: argparse.Namespace) -> int:
    from airflow_provider_ittybit.emulator.demo import run_demo

    return run_demo(arguments.dag)


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run a command, pass signals on to it, and return its exit status as a shell would."""
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        return _complain(f"{command[0]}: command not found", NOT_FOUND)
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []
    has_terminal = sys.stdin is not None and sys.stdin.isatty()

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if child is None:
            early.append(number)
        elif number != signal.SIGINT or not has_terminal:  # the terminal sends Ctrl-C to the command itself
            child.send_signal(number)

    for number in PASSED_ON:
        if signal.getsignal(number) != signal.SIG_IGN:  # as with nohup; the command is to ignore it too
            signal.signal(number, pass_on)
    try:
        child = subprocess.Popen([program, *command[1:]], env=environment)  # noqa: S603 - running it is the purpose
    except PermissionError as error:
        return _complain(str(error), NOT_EXECUTABLE)
    for noted in early:
        child.send_signal(noted)
    status: int | None = None
    while status is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = child.wait(LOOK_EVERY)
    return KILLED_BY - status if status < 0 else status


def _is_known(version: str | None) -> bool:
    """Tell whether a version can be the default: the emulator knows it, and it says which one it is."""
    if version in (None, "", "latest"):
        return False
    try:
        resolve(version, str(version))
    except UnknownVersionError:
        return False
    return True


def _rate_limit(text: str) -> RateLimit:
    requests, _, seconds = text.partition("/")
    try:
        return RateLimit(int(requests), float(seconds or 1))
    except ValueError:
        message = f"{text!r} is not a rate limit; write requests and seconds, such as 100/60."
        raise InvalidSettingError(message) from None


def _complain(message: str, status: int) -> int:
    sys.stderr.write(f"ittybit-emulator: {message}\n")
    return status


SUBCOMMANDS: tuple[Callable[[Any], None], ...] = (_add_serve, _add_exec, _add_demo)

if __name__ == "__main__":
    sys.exit(main())
