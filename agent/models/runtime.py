"""Starting a TFLite runtime on the bytes of a model file, without the line that it greets with.

LiteRT writes one line about its delegate to stderr at its first start and has no switch for it
(google-ai-edge/LiteRT, issue 7420). Whatever else is written meanwhile comes out afterwards.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

_GREETING: Final = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
_STDERR: Final = 2
_turn: Final = threading.Lock()


def start(interpreter: Any, data: bytes, threads: int = 1) -> Any:
    """An object of the class `interpreter` that is ready to run.

    Raises:
        ValueError, RuntimeError: this runtime cannot load the file.
    """
    with _turn, _greeting_left_out():
        made = interpreter(model_content=data, num_threads=threads)
        made.allocate_tensors()
        return made


@contextmanager
def _greeting_left_out() -> Iterator[None]:
    try:
        shown = os.dup(_STDERR)
    except OSError:  # started without stderr: nothing is shown anyway
        yield
        return
    aside = os.memfd_create("stderr")
    os.dup2(aside, _STDERR)
    try:
        yield
    finally:
        os.dup2(shown, _STDERR)
        os.close(shown)
        with open(aside, "rb") as file:
            file.seek(0)
            rest = file.read().replace(_GREETING, b"")
        with suppress(OSError):  # nobody reads it any more
            os.write(_STDERR, rest)
