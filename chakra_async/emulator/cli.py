"""The emulator on the command line."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from types import FrameType

from attrs import frozen

from chakra_async.emulator.cli_webhooks import add_webhook_options, start_webhooks
from chakra_async.emulator.server import Emulator
from chakra_async.emulator.store import MEMORY
from chakra_async.emulator.webhooks import Webhook


@frozen
class _Procedure:
    short_id: str
    keys: tuple[str, ...]
    states: tuple[str, ...] | None
    attributes: tuple[str, ...] | None


_FORM = "NAME:KEY[+KEY][:[STATE,STATE][:ATTRIBUTE,ATTRIBUTE]]"


def main(argv: Sequence[str] | None = None, *, prog: str = "python -m chakra_async.emulator") -> int:
    """Serve an emulator until SIGINT or SIGTERM.

    Args:
        prog: the command's name in its help.
        argv: the arguments, by default those of the process.

    Returns:
        The exit code: 0, or 1 when it could not start. Bad arguments raise ``SystemExit(2)``.
    """
    options = _parser(prog).parse_args(argv)
    emulator = Emulator(
        host=options.host,
        port=options.port,
        db=options.db,
        token=options.token,
        rows_per_second=options.rows_per_second,
        requests_per_second=options.requests_per_second,
    )
    with _until_told_to_stop() as stop:
        try:
            emulator.start()
        except (OSError, ValueError) as error:
            return _failed(
                f"cannot listen on {options.host}:{options.port}: {error}"
                if isinstance(error, OSError)
                else str(error)
            )
        try:
            for procedure in options.procedure:
                emulator.add_procedure(
                    procedure.short_id,
                    primary_key=procedure.keys,
                    states=procedure.states,
                    attributes=procedure.attributes,
                )
            _say(emulator, start_webhooks(emulator, options))
            # In steps, as some platforms deliver no signal to a thread that waits for ever.
            while not stop.wait(0.5):
                pass
        except ValueError as error:
            return _failed(str(error))
        finally:
            emulator.close()
    return 0


def _failed(reason: str) -> int:
    sys.stderr.write(f"error: {reason}\n")
    return 1


def _say(emulator: Emulator, webhook: Webhook | None) -> None:
    hooks = "" if webhook is None else f"hooks  {webhook.url}\n"
    variables = {
        "CHAKRA_BASE_URL": emulator.url,
        "CHAKRA_ACCESS_TOKEN": emulator.token,
        "CHAKRA_PLUGIN_ID": emulator.plugin_id,
        "CHAKRA_PHONE_NUMBER_ID": emulator.phone_number_id,
    }
    exported = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    sys.stdout.write(f"url    {emulator.url}\ntoken  {emulator.token}\n{hooks}export {exported}\n")
    sys.stdout.flush()


@contextmanager
def _until_told_to_stop() -> Generator[threading.Event]:
    stop = threading.Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Serve Chakra on localhost: a stateful emulator of its API. Ctrl-C ends it.",
        epilog="The procedures lead (keys lead_id, phone_number) and ticket (ticket_id) exist by themselves.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=0, help="port to listen on (default: a free one)")
    parser.add_argument(
        "--db", default=MEMORY, metavar="FILE", help="keep the state in this file (default: in memory)"
    )
    parser.add_argument("--token", metavar="T", help="access token (default: the one in the file, or random)")
    parser.add_argument(
        "--procedure",
        type=_procedure,
        action="append",
        default=[],
        metavar=_FORM,
        help="add a procedure, such as aircraft:tailnum:NEW,IN_SERVICE, or aircraft:tailnum::seats,year for"
        " any states; the attributes are those that the team's config, and so a dry run, knows before a"
        " process has them; may be repeated",
    )
    parser.add_argument(
        "--rows-per-second",
        type=_speed,
        default=50_000.0,
        metavar="N",
        help="speed of each background job; 0 is as fast as possible (default: %(default)g)",
    )
    parser.add_argument(
        "--requests-per-second",
        type=_rate,
        metavar="N",
        help="rate allowed to each token; more is answered 429 with Retry-After (default: any rate)",
    )
    add_webhook_options(parser)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: expected 0 to 65535")
    return int(text)


def _speed(text: str) -> float | None:
    speed = _number(text)
    if speed is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed: expected rows per second, or 0")
    return speed or None


def _rate(text: str) -> float:
    rate = _number(text)
    if not rate:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate: expected requests per second, more than 0")
    return rate


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _procedure(text: str) -> _Procedure:
    short_id, _, rest = text.partition(":")
    key, *others = rest.split(":")
    keys, lists = tuple(key.split("+")), [tuple(names.split(",")) for names in others]
    if len(lists) == 2 and lists[0] == ("",):
        lists[0] = ()
    if not short_id or len(lists) > 2 or any("" in names for names in (keys, *lists)):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no procedure: expected a name and at least one key, {_FORM},"
            " such as aircraft:tailnum"
        )
    states, attributes = (*lists, (), ())[:2]
    return _Procedure(short_id, keys, states or None, attributes or None)
