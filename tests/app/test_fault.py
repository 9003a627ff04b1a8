"""A process ends with any of its threads, in order if it can, and says no more than which one and what kind of error"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import signal, sys, threading
from agent.app.fault import one_fate, report

stop = threading.Event()
signal.signal(signal.SIGTERM, {handler})
before = threading.excepthook

def ends() -> None:
    raise {error}

with one_fate(report, orderly_s=0.3) as died:
    threading.Thread(target=ends, name="carrier").start()
    stop.wait(20)
print("in order" if threading.excepthook is before else "no", flush=True)
sys.exit(int(died.is_set()))
"""
IN_ORDER, DEAF = "lambda *_: stop.set()", "signal.SIG_IGN"


def ran(root: Path, **words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(**words)], cwd=root, capture_output=True, text=True, timeout=15
    )
    return done.returncode, done.stdout, done.stderr


def test_it_ends_in_order_and_says_nothing_of_what_the_error_held(root: Path) -> None:
    code, said, line = ran(root, handler=IN_ORDER, error="ValueError('Ada was here')")
    assert (code, said) == (1, "in order\n")
    assert line == "doorward: thread carrier: ended by ValueError; the process ends with it, to be started anew\n"


def test_it_ends_all_the_same_where_the_rest_hangs(root: Path) -> None:
    code, said, line = ran(root, handler=DEAF, error="OSError(5, 'x')")
    assert (code, said) == (1, "") and line.startswith("doorward: thread carrier: ended by OSError; ")


def test_a_thread_that_is_to_end_ends_alone(root: Path) -> None:
    words = {"handler": IN_ORDER, "error": "SystemExit(3)"}
    program = PROGRAM.replace("stop.wait(20)", "stop.wait(1)").format(**words)
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=15)
    assert (done.returncode, done.stdout, done.stderr) == (0, "in order\n", "")


def test_a_line_that_nobody_can_read_any_more_is_no_fault(root: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    program = "from agent.app.fault import report; report('the journal is gone'); report('twice'); print('goes on')"
    with os.fdopen(write, "w") as gone:
        done = subprocess.run([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, stderr=gone, text=True)
    assert done.stdout == "goes on\n"


def waits(root: Path, *, carrier: str) -> tuple[int, str, str]:
    """A process that is fed every 50 ms, and says so; told to end in order after a second."""
    program = f"""
import signal, sys, threading, time
from agent.app.fault import report, until_told

signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGTERM}})
threading.Thread(target=lambda: {carrier}, name="carrier", daemon=True).start()
threading.Timer(1, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)).start()
told = until_told({{signal.SIGTERM}}, {{"carrier"}}, lambda: print("fed"), report, every_s=0.05)
sys.exit(0 if told else 1)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=15)
    return done.returncode, done.stdout, done.stderr


def test_it_is_fed_while_all_threads_live_until_it_is_told_to_end(root: Path) -> None:
    code, fed, line = waits(root, carrier="time.sleep(20)")
    assert (code, line) == (0, "") and 5 <= fed.count("fed") <= 21


def test_a_thread_that_ends_without_an_error_is_missed_and_nothing_fed(root: Path) -> None:
    code, fed, line = waits(root, carrier="time.sleep(0.3)")
    assert code == 1 and 1 <= fed.count("fed") <= 7
    assert line == "doorward: thread carrier: is no more; the process ends with it, to be started anew\n"
