"""The recogniser process: opens everything once, runs the loop, closes everything in the other order.

It has the camera, the keys and the ledger, and no network: `sandbox.leave_network()` comes before all else (see
cli/processes.py), and nothing in here opens a socket but the AF_UNIX one to the link. What it prints is one line a
fault, on standard error, about files and devices and never about people.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from agent import __version__
from agent.adapters.channel import Channel
from agent.adapters.keys import KeySource, own_file
from agent.adapters.litert import LiteRtDetector, LiteRtEmbedder, LoadedModel, load_models
from agent.adapters.markers import ArucoReader
from agent.adapters.picture import read_picture
from agent.adapters.qr import ZxingReader
from agent.adapters.store import Store
from agent.adapters.token import Slot
from agent.adapters.watchdog import handed_over, watchdog
from agent.app.alternative import self_test
from agent.app.authority import Authority
from agent.app.commands import Commands
from agent.app.config import DeviceConfig
from agent.app.custody import Custody
from agent.app.elsewhere import Deliveries
from agent.app.erasure import Erasure
from agent.app.eye import Eye
from agent.app.fault import one_fate, report
from agent.app.heartbeat import Constant, Heartbeat
from agent.app.keys import introduce, open_keys
from agent.app.loop import Loop
from agent.app.measure import Measure
from agent.app.opening import Opening
from agent.app.ordering import distant
from agent.app.outbox import SWITCH_S, Outbox
from agent.app.pad import PadOnDemand, open_pad
from agent.app.parts import Parts
from agent.app.pulse import Pulse
from agent.app.standing import Standing
from agent.app.strain import Strain
from agent.app.telemetry import Telemetry
from agent.app.timekeeping import trusted_clock
from agent.app.writing import Writing
from agent.core import Core
from agent.errors import ConfigError, DeviceError, DoorwardError
from agent.events import bodies
from agent.gallery.gallery import Gallery
from agent.gallery.named import Names
from agent.gallery.reference import ModelIdentity
from agent.gallery.vault import Rotation, VaultContext, unlock
from agent.ledger.entry import started
from agent.policy.gate import Gate
from agent.ports import TokenReader
from agent.units import DeviceId, SiteId

_TWO: Final = ThreadPoolExecutor(2, "gallery")
"""Searches the two halves of a large gallery; begins no thread before there is one."""


def run(config: DeviceConfig, parts: Parts) -> int:
    """Run until SIGTERM or SIGINT; the exit code.

    Raises:
        DoorwardError: something cannot be opened at start, or the disk failed.
    """
    sys.setswitchinterval(SWITCH_S)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    pulse = Pulse(watchdog())
    with one_fate(report) as died, ExitStack() as opened:
        loop = opened_loop(config, parts, pulse, opened)
        loop.run(stop)
        pulse.ended()
    return int(died.is_set())


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """One process at a time works on a state folder.

    Raises:
        ConfigError: another one does, or the folder cannot be made or written.
        DeviceError: the lock is a link, or no file, or the disk takes nothing.
    """
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = own_file(state / "lock", os.O_RDWR | os.O_CREAT)
    except OSError as error:
        if error.errno == errno.EROFS:
            raise DeviceError(
                f"{state}: its disk is mounted read-only, as after an error of the medium: start the machine anew, and "
                "replace card or disk if it happens again"
            ) from None
        raise ConfigError(f"{state}: {error.strerror}; correct device.state, or who owns the folder") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"{state}: in use by a running recogniser; stop it first") from None
        yield


def opened_loop(config: DeviceConfig, parts: Parts, pulse: Pulse, opened: ExitStack) -> Loop:
    """Everything that a recogniser needs, opened; `opened` closes it.

    Raises:
        DoorwardError: something cannot be opened.
    """
    site, device = SiteId(config.site.name), DeviceId(config.device.id)
    opened.enter_context(alone(config.state))
    door = parts.open_door()  # first of all, so that it rests whatever else does not open
    opened.callback(door.close)
    contacts = None if parts.open_contacts is None else parts.open_contacts()
    if contacts is not None:
        opened.callback(contacts.close)
    keys = open_keys(config)
    introduce(config.state, keys)
    server = handed_over()
    channel = Channel.listen(config.socket, report) if server is None else Channel(server, report=report).started()
    opened.callback(channel.close)
    store = Store.open(config.state / "store.sqlite", site=site, device=device, ledger_key=keys.ledger_key)
    opened.callback(store.close)
    store.rows.limit_bytes = round(share_of_disk(config.state, config.device.outbox_share))
    clock, trusted = parts.clock, trusted_clock(store, parts.clock.monotonic_ns())
    unix_s = trusted.now(clock.unix_s(), clock.monotonic_ns())
    writing, start = Writing(store, clock, report), started(site, device, __version__, unix_s)
    writing.owe(lambda: store.note(start))  # without room it refuses, since an end would make none
    erasure = Erasure(store, keys, report)
    erasure.settle(unix_s)

    measure, telemetry = Measure(), Telemetry(config, channel, keys, trusted, clock)
    authority = Authority(
        config.state / "tuf",
        config.site.root_sha256,
        channel,
        config.site.check_every_s,
        lambda: trusted.proved(clock.monotonic_ns()),
        report,
        device,
    )
    authority.start()
    opened.callback(authority.close)

    detector, embedder = load_models(config.path(config.models.directory), threads=config.models.threads)
    pad = PadOnDemand(
        detector,
        embedder,
        partial(open_pad, config.path(config.models.directory), report, config.models.threads),
    )
    gate = Gate(None, None if config.preview.empty is None else read_picture(str(config.path(config.preview.empty))))
    core = Core(
        gate,
        parts.detector(LiteRtDetector(detector)),
        parts.embedder(LiteRtEmbedder(embedder)),
        parts.markers(ArucoReader()),
        parts.qrs(ZxingReader()),
        measure,
        store.passes.used(),
        pad,
        Names(store.spent.known(), clock.monotonic_ns()),
    )
    eye = Eye(parts.open_camera, config.camera.stall_s, report, Strain(report))
    opened.callback(eye.close)
    locator = None if parts.open_locator is None else parts.open_locator()
    if locator is not None:
        opened.callback(locator.close)
    named_from_afar = Slot(clock)
    channel.on_token(named_from_afar.put)
    readers: list[TokenReader] = [named_from_afar]
    if parts.open_reader is not None:
        readers.append(parts.open_reader())
        opened.callback(readers[-1].close)
    identity = ModelIdentity(embedder.sha256, embedder.runtime)
    # A row that does not open is told when the gallery is opened.
    custody = Custody(store, keys, erasure, lambda line: None)
    standing = Standing(
        store,
        custody,
        lambda: open_gallery(store, erasure, identity),
        report,
        Deliveries(store, erasure, identity, embedder.dimensions, report).take,
    )
    commands = Commands(
        store,
        keys=lambda: () if standing.law is None else standing.law.policy.document.command_keys,
        look=authority.look_now,
        answer=telemetry.send,
        report=report,
    )
    channel.on_command(commands.arrived)
    outbox = Outbox(store, channel, config.broker.acknowledge, report)
    opened.callback(outbox.close)
    return Loop(
        config=config,
        core=core,
        gate=gate,
        store=store,
        writing=writing,
        channel=channel,
        outbox=outbox,
        authority=authority,
        commands=commands,
        standing=standing,
        custody=custody,
        erasure=erasure,
        heartbeat=Heartbeat(_constant(config, keys, detector, embedder), telemetry.send, clock),
        measure=measure,
        pulse=pulse,
        clock=clock,
        trusted=trusted,
        eye=eye,
        self_test=self_test(report),
        opening=Opening(
            store,
            distant(config, channel, clock, trusted, keys.sign_secret) or door,
            clock,
            site=site,
            device=device,
            sign_secret=keys.sign_secret,
            contacts=contacts,
        ),
        locator=locator,
        readers=tuple(readers),
        pad=pad,
        sign_secret=keys.sign_secret,
        report=report,
    )


def share_of_disk(folder: Path, share: float) -> float:
    """So many bytes are this share of the file system that the folder is on.

    Raises:
        DeviceError: it cannot be asked.
    """
    try:
        found = os.statvfs(folder)
    except OSError as error:
        raise DeviceError(f"{folder}: {error.strerror}; check the disk") from None
    return share * found.f_blocks * found.f_frsize


def open_gallery(store: Store, erasure: Erasure, model: ModelIdentity) -> Gallery | None:
    """The vault, opened; None if it does not open: then nobody is recognised, and nothing is overwritten."""
    context = VaultContext(store.device, store.site, model)
    try:
        keys = erasure.vault_keys()
        references = [unlock(row, context, keys) for row in store.references()]
        dimensions = len(references[0].rotated) if references else 1
        return Gallery(references, Rotation(keys.gallery, context.rotation, dimensions), model, _TWO.map)
    except DoorwardError as error:
        report(str(error))
        return None


def _constant(config: DeviceConfig, keys: KeySource, detector: LoadedModel, embedder: LoadedModel) -> Constant:
    return Constant(
        models=bodies.Models(
            detector=detector.sha256, embedder=embedder.sha256, runtime=embedder.runtime.replace(" ", "-")
        ),
        key_backend=bodies.Backend(keys.backend),
        erase_strength=bodies.EraseStrength(keys.erase_strength),
        acknowledge=bodies.Acknowledge(config.broker.acknowledge),
    )
