"""The link as the demo starts it: the same process as at a door, which waits for its config on stdin.

Started as `python -m agent.demo.link PARENT`; one line on stdin names the device config.
"""

from __future__ import annotations

import sys
from pathlib import Path

from agent.demo.process import die_with_parent


def main() -> int:
    die_with_parent(int(sys.argv[1]))
    from agent.app import link
    from agent.app.config import load
    from agent.app.link_settings import settings_of
    from agent.errors import DoorwardError

    named = sys.stdin.readline().strip()
    if not named:
        return 1  # the demo ended before it had made a device
    try:
        return link.main(settings_of(load(Path(named))))
    except DoorwardError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
