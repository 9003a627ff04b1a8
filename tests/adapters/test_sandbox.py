"""What a process gives up: looked at from outside, in processes that have given it up."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_GIVE_UP = """
import ctypes, json, os, resource, socket, sys, threading
from agent.adapters import sandbox

found = {}
waiting = threading.Event()
if "thread" in sys.argv:
    threading.Thread(target=waiting.wait).start()
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1] + "/before.sock")
server.listen(1)
sandbox.keep_private()
owner = os.getuid(), os.geteuid(), os.getgid()
found["left"] = sandbox.leave_network()
found["same owner"] = owner == (os.getuid(), os.geteuid(), os.getgid())
with open("/proc/self/net/dev") as table:
    found["interfaces"] = sorted(line.split(":")[0].strip() for line in table if ":" in line)
found["core"] = resource.getrlimit(resource.RLIMIT_CORE)
found["dumpable"] = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
with open(sys.argv[1] + "/made", "w") as made:
    found["mode"] = os.fstat(made.fileno()).st_mode & 0o777
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=2).close()
    found["reached"] = True
except OSError:
    found["reached"] = False
with socket.socket(socket.AF_UNIX) as end:
    end.connect(sys.argv[1] + "/before.sock")
    found["unix"] = True
waiting.set()
print(json.dumps(found))
"""


def gave_up(
    cwd: Path, folder: Path, port: int, *words: str, python: tuple[str, ...] = (sys.executable,), code: str = _GIVE_UP
) -> dict[str, Any]:
    done = subprocess.run(
        [*python, "-c", code, str(folder), str(port), *words], capture_output=True, text=True, cwd=cwd, timeout=30
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def may_leave(*prefix: str) -> bool:
    """Whether this kernel and container allow an empty network namespace, asked of util-linux."""
    user = () if os.geteuid() == 0 and not prefix else ("--user",)
    return subprocess.run([*prefix, "unshare", *user, "--net", "true"], capture_output=True).returncode == 0


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that every user of this machine can enter."""
    with tempfile.TemporaryDirectory(prefix="doorward-test-") as made:
        Path(made).chmod(0o777)
        yield Path(made)


def test_core_dumps_tracing_and_readers_are_off(root: Path, tmp_path: Path, listening: int) -> None:
    found = gave_up(root, tmp_path, listening)
    assert found["core"] == [0, 0]
    assert found["dumpable"] == 0
    assert found["mode"] == 0o600


def test_the_network_is_empty_and_unix_sockets_go_on(root: Path, tmp_path: Path, listening: int) -> None:
    found = gave_up(root, tmp_path, listening)
    assert found["left"] == may_leave()
    assert found["reached"] != found["left"]
    if found["left"]:
        assert found["interfaces"] == ["lo"]
    assert found["same owner"]
    assert found["unix"]


def test_a_process_with_threads_says_that_it_stayed(root: Path, tmp_path: Path, listening: int) -> None:
    found = gave_up(root, tmp_path, listening, "thread")
    assert not found["left"]
    assert found["reached"]


def test_who_is_not_root_leaves_through_a_user_namespace_and_stays_who_it_was(
    root: Path, listening: int, open_folder: Path
) -> None:
    somebody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.geteuid() == 0 else ()
    pythons = [
        python
        for python in (sys.executable, "/usr/bin/python3")  # the first may lie where nobody else may look
        if subprocess.run([*somebody, python, "-c", ""], capture_output=True, cwd="/").returncode == 0
    ]
    if not pythons or not may_leave(*somebody):
        pytest.skip("no Python that somebody else may start, or no user namespaces here")
    source = (root / "agent" / "adapters" / "sandbox.py").read_text()
    code = f"import types; sandbox = types.ModuleType('sandbox'); exec({source!r}, vars(sandbox))"
    found = gave_up(
        Path("/"),
        open_folder,
        listening,
        python=(*somebody, pythons[0]),
        code=_GIVE_UP.replace("from agent.adapters import sandbox", code),
    )
    assert found["left"]
    assert found["interfaces"] == ["lo"]
    assert not found["reached"]
    assert found["same owner"]
    assert found["dumpable"] == 0
    assert found["mode"] == 0o600


_HEAPS = """
import ctypes, sys, threading
from agent.adapters import sandbox

if "one" in sys.argv:
    sandbox.one_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
alive = threading.Barrier(5)

def work():
    held = [libc.malloc(2000) for _ in range(50)]
    alive.wait()

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
alive.wait()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def heaps(*words: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _HEAPS, *words], capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.count("<heap nr=")


def test_all_threads_share_one_heap() -> None:
    assert heaps() > 1, "without it each has its own"
    assert heaps("one") == 1
