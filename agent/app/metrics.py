"""The metrics as they are at this moment: numbers about the process and its store, never about a person."""

from __future__ import annotations

from agent.adapters.store import Store
from agent.app.custody import Custody
from agent.app.eye import Eye
from agent.app.measure import Measure, rss_kb
from agent.events.bodies import Metrics, RefusedFrames, Stage, StageTime
from agent.events.counts import HourlyCounts
from agent.gallery.retention import DAY_S
from agent.policy.grounds import Ground


def metrics(
    measure: Measure, store: Store, custody: Custody, counts: HourlyCounts, eye: Eye, thinned: int, unix_s: float | None
) -> Metrics:
    """What is sent as `metrics`; without trusted time (None) no days are told.

    Args:
        thinned: metrics that gave way to a newer one before they could go out.

    Raises:
        DeviceError: the disk.
    """
    medians = measure.medians_ms()
    oldest_s, next_s = custody.oldest_s, custody.next_s
    hour_s, hourly = counts.closed(unix_s)
    strained = eye.strain.now()
    return Metrics(
        fps=measure.fps(),
        stages=tuple(StageTime(stage=stage, median_ms=medians[stage]) for stage in Stage if stage in medians),
        queue=store.rows.count,
        frames=measure.frames,
        refused=tuple(RefusedFrames(ground=Ground(name), frames=count) for name, count in measure.refused.items()),
        rss_kb=rss_kb(),
        oldest_days=None if unix_s is None or oldest_s is None else max(0, int((unix_s - oldest_s) // DAY_S)),
        purge_in_days=None if unix_s is None or next_s is None else max(0, int((next_s - unix_s) // DAY_S)),
        hour_s=hour_s,
        hourly=hourly,
        thinned=thinned,
        temperature_c=strained.temperature_c,
        throttled=strained.throttled,
        under_voltage=strained.under_voltage,
        camera_restarts=eye.restarts,
    )
