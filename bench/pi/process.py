"""What this process holds, in the guest."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path


def resident_mb() -> float:
    """Memory that is its own, after a collection: of /proc/self/statm, what is resident less what is shared."""
    gc.collect()
    _, resident, shared, *_ = (int(word) for word in Path("/proc/self/statm").read_text().split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd")) - 1  # the listing's own


def threads() -> int:
    return threading.active_count()
