"""The one place that turns what can go wrong into a sentence and an exit code. Called by `main` only.

0 is success, 1 a failure, 2 a wrong command line or an invalid spec, 130 an interruption. What is not listed here is
a defect of Lepton's and keeps its traceback.
"""

import errno
import os
import sys
from collections.abc import Callable

from rich.text import Text

from lepton.cli.console import stderr
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
_INVALID = frozenset({Reason.INVALID_SPEC})


class CommandError(Exception):
    """What a person asked for cannot be done; the message says why and what to do."""

    def __init__(self, message: str, exit_code: int = FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


def guarded(command: Callable[[], object]) -> int:
    """Run the command and give its exit code; SystemExit passes through."""
    try:
        command()
        sys.stdout.flush()
    except CommandError as error:
        return _fail(error.message, error.exit_code)
    except LeptonError as error:
        return _fail(error.message, USAGE if error.reason in _INVALID else FAILURE)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        return _fail_with(error)
    return 0


def _fail_with(error: OSError) -> int:
    if error.errno == errno.EPIPE:
        # whoever read our output has gone; the interpreter must not try to flush into the closed pipe again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    if isinstance(error, ConnectionError | TimeoutError):
        return _fail(
            f"can't reach the server ({error}): `lepton doctor` tells what runs, `lepton up` starts it", FAILURE
        )
    what = error.strerror or str(error)
    return _fail(f"{error.filename}: {what}" if error.filename else what, FAILURE)


def _fail(message: str, code: int) -> int:
    stderr().print(Text.assemble(("error: ", "bold red"), message))
    return code
