"""The recogniser as the bench starts it: the same process as at a door, before a camera that plays painted pictures.

Started as `python -m agent.bench.recogniser PARENT FD CONFIG PLAY`; SIGTERM ends it. Records go to FD.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from agent.adapters import sandbox
from agent.demo.process import die_with_parent


def main() -> int:
    die_with_parent(int(sys.argv[1]))
    fd = int(sys.argv[2])
    os.set_inheritable(fd, False)
    sandbox.keep_private()
    sandbox.one_heap()
    sandbox.leave_network()

    from agent.adapters.door import NoDoor
    from agent.app.config import load
    from agent.app.parts import Parts
    from agent.app.recogniser import run
    from agent.bench.camera import PlayedCamera, Receiver, read_play
    from agent.demo.recorder import WatchedCamera, WatchedDoor, WatchedEmbedder
    from agent.errors import DoorwardError

    play = read_play(Path(sys.argv[4]))
    try:
        return run(
            load(Path(sys.argv[3])),
            Parts(
                open_camera=lambda: WatchedCamera(PlayedCamera(play), fd, threading.Event()),
                open_locator=lambda: Receiver(play.fix),
                open_door=lambda: WatchedDoor(NoDoor(), fd),
                embedder=lambda embedder: WatchedEmbedder(embedder, fd),
            ),
        )
    except DoorwardError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
