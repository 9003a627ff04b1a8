"""The recogniser as the demo starts it: the same process as at a door, with a played camera and records for the demo.

Started as `python -m agent.demo.recogniser PARENT FD`; then one line on stdin names the device config and, after a
tab, a file with the texts of the passes; a second line ends the play, SIGTERM the process. It gives up the network
before it imports anything else, as every recogniser does.
"""

from __future__ import annotations

import os
import sys
import threading

from agent.adapters import sandbox
from agent.demo.process import die_with_parent


def main() -> int:
    die_with_parent(int(sys.argv[1]))
    fd = int(sys.argv[2])
    os.set_inheritable(fd, False)
    sandbox.keep_private()
    sandbox.one_heap()
    sandbox.leave_network()

    # Imported here, while the demo makes the site: this is most of the time to the first frame.
    from agent.app.recogniser import run
    from agent.demo.wiring import parts
    from agent.errors import DoorwardError

    words = sys.stdin.readline().rstrip("\n").split("\t")
    if len(words) != 2:
        return 1  # the demo ended before it had made a device
    enough = threading.Event()
    threading.Thread(target=_obey, args=(enough,), name="demo-says", daemon=True).start()
    try:
        config, brought = parts(words[0], words[1], fd, enough)
        return run(config, brought)
    except DoorwardError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _obey(enough: threading.Event) -> None:
    sys.stdin.readline()  # `enough`, or the end of stdin: the play is over in either case
    enough.set()


if __name__ == "__main__":
    sys.exit(main())
