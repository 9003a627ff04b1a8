"""The gate: the only code that opens a camera frame, and it asks every rule first.

Two steps a frame. `codes` gives luma to the marker and QR readers, also under a refusal, so that signs are seen and
passes keep working. `admit` then decides: either a `PermittedFrame` with the excluded regions black, or a `Refusal`
that names every ground; both end the raw frame. Deny is the default: no policy, an unknown, an exception, all refuse.
Pixels are blacked out, not boxes: nothing is left of an excluded region that a detector could find.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
import numpy.typing as npt
from shapely import contains_xy
from shapely.geometry import Polygon as Area

from agent.policy._mint import MINT
from agent.policy.attempt import MarkedSpace, OptIn, TrackId
from agent.policy.bundle import ExcludedRegion
from agent.policy.circumstances import Circumstances
from agent.policy.fields import Mode, Place, Purpose
from agent.policy.footprint import Cells, cell_px
from agent.policy.frames import CapturedFrame, CodeFrame, Permit, PermittedFrame, Preview
from agent.policy.grounds import Ground
from agent.policy.hold import Resumption, holds
from agent.policy.law import Law
from agent.policy.preview import Aiming, block_px, blocks, veil
from agent.policy.rules import room_for_one_more, unmet
from agent.units import Box, Luma, Polygon, Rgb, Sha256, SiteId

Keep = npt.NDArray[np.uint8]
"""255 where looking is allowed, 0 where it is not; (height, width, 3) for colour, (height, width) for luma."""

AT_THE_DOOR = frozenset({
    Ground.SIGN_MISSING, Ground.SIGN_FORBIDS, Ground.LOCATION_UNKNOWN, Ground.IN_ZONE, Ground.VIEW_UNKNOWN,
    Ground.DEVICE_MOVED,
})  # fmt: skip
"""What says nothing about a picture that was not taken at the door, and may pass by itself for one that is."""


@final
@dataclass(frozen=True, slots=True)
class Refusal:
    """Recognition is not permitted on this frame. Carries grounds only: nothing of the picture."""

    grounds: tuple[Ground, ...]

    def __post_init__(self) -> None:
        if not self.grounds:
            raise ValueError("a refusal names at least one ground")


class ConsentInForce(Protocol):
    """What the gallery's consent answers for itself; see gallery/consent.py."""

    def in_force(
        self, *, purpose: Purpose, site: SiteId, notice_sha256: Sha256, unix_s: float, guardian_below: int
    ) -> bool: ...


class Gate:
    """Holds the law in force and the excluded regions as masks; knows no camera, model or clock.

    Args:
        law: None refuses every frame.
        empty: the commissioned picture of the empty scene, (height, width, 3); None shows previews as blocks alone.
    """

    def __init__(self, law: Law | None, empty: Rgb | None = None) -> None:
        self._empty = empty
        self._resumption, self._aiming = Resumption(), Aiming()
        self.adopt(law)

    def adopt(self, law: Law | None) -> None:
        """Replace the law as a whole; waiting holds go on waiting."""
        self._law = law
        self._keep: Keep | None = None
        self._code_keep: dict[int, Keep] = {}
        if law is not None:
            document = law.policy.document
            keep = _mask(document.excluded, document.view.width, document.view.height, 1)
            self._keep = np.repeat(keep[:, :, np.newaxis], 3, axis=2)
        self._hidden: Cells | None = None
        self._seen = self._keep
        """What the latest permitted frame showed: the excluded regions, and the cells of zones, are 0."""

    @property
    def law(self) -> Law | None:
        return self._law

    def closed(self) -> Refusal | None:
        """Why the camera must stay shut, so that no frame is ever taken (art. 13); None when it may open."""
        if self._law is None:
            return Refusal((Ground.NO_POLICY,))
        document = self._law.policy.document
        if document.place is Place.PRIVATE_SPACE:
            return Refusal((Ground.PLACE_PRIVATE,))
        return Refusal((Ground.MODE_BLIND,)) if document.mode is Mode.BLIND else None

    def codes(self, captured: CapturedFrame) -> CodeFrame | Refusal:
        """Luma for code readers; refused where no camera may be open or the view is not the attested one."""
        closed, law = self.closed(), self._law
        if closed is not None or law is None:
            return closed or Refusal((Ground.NO_POLICY,))
        luma = captured._luma
        document = law.policy.document
        scale = 0 if luma is None else luma.shape[0] // document.view.height
        if luma is None or scale < 1 or luma.shape != (document.view.height * scale, document.view.width * scale):
            return Refusal((Ground.VIEW_MISMATCH,))
        visible = self._visible_luma(luma, scale)
        return CodeFrame(key=MINT, luma=visible, scale=scale, number=captured.number, captured_ns=captured.captured_ns)

    def _visible_luma(self, luma: Luma, scale: int) -> Luma:
        if scale not in self._code_keep:
            assert self._law is not None
            document = self._law.policy.document
            hidden = [region for region in document.excluded if not region.code_readable]
            self._code_keep[scale] = _mask(hidden, document.view.width, document.view.height, scale)
        visible = luma & self._code_keep[scale]
        visible.flags.writeable = False
        return visible

    def admit(self, captured: CapturedFrame, here: Circumstances) -> PermittedFrame | Refusal:
        """Decide on one frame and end it: after this call nobody can open it again."""
        law = self._law
        return self._admit(captured, here, None if law is None else law.threshold(here.surroundings.stock))

    def _admit(self, captured: CapturedFrame, here: Circumstances, threshold: float | None) -> PermittedFrame | Refusal:
        rgb, captured._rgb, captured._luma = captured._rgb, None, None
        law = self._law
        if law is None:
            return Refusal((Ground.NO_POLICY,))
        assert self._keep is not None  # it comes with the law
        faults = unmet(law, here)
        if rgb is None or rgb.shape != self._keep.shape or here.captured_ns != captured.captured_ns:
            faults += (Ground.VIEW_MISMATCH,)
        grounds = self._resumption.settle(faults, here.captured_ns, holds(law.policy))
        unix_s = here.surroundings.unix_s
        if grounds or rgb is None or unix_s is None or threshold is None:
            return Refusal(grounds or (Ground.CLOCK_UNTRUSTED,))
        cards = None if here.sign is None else here.sign.cards
        return _permit(rgb & self._without(self._keep, law.hidden(here)), law, threshold, unix_s, captured, cards)

    def take_back(self, frame: PermittedFrame, ground: Ground) -> Refusal:
        """End the permission of a frame for what only its faces could tell; the ground's hold begins here."""
        law = self._law
        grounds = () if law is None else self._resumption.settle((ground,), frame.captured_ns, holds(law.policy))
        return Refusal(grounds or (ground,))

    def _without(self, keep: Keep, hidden: Cells | None) -> Keep:
        """What is left beside the cells in which a zone may be seen; worked out when they change."""
        if hidden is not self._hidden:
            self._hidden, self._seen = hidden, keep
            if hidden is not None:
                height, width, _ = keep.shape
                side = cell_px(width, height)
                black = hidden.repeat(side, axis=0).repeat(side, axis=1)[:height, :width, np.newaxis]
                self._seen = np.where(black, np.uint8(0), keep)
        assert self._seen is not None  # it begins as what is kept
        return self._seen

    def enrol(
        self, captured: CapturedFrame, here: Circumstances, consent: ConsentInForce
    ) -> tuple[PermittedFrame, OptIn] | Refusal:
        """Leave to look at a picture that a consenting person handed in for enrolment, and end the raw frame.

        The place's own grounds (sign, position, view) do not apply to a picture that was not taken at the door; the
        policy, clock, models and keys do, and so does the consent: without it the ground is `no-consent`. Past the
        profile's filing threshold nobody is enrolled without a filing that covers one more: `stock-unfiled`; nor, for
        1:N, past the size that the operating point covers: `gallery-too-large`.
        """
        rgb, captured._rgb, captured._luma = captured._rgb, None, None
        law, unix_s = self._law, here.surroundings.unix_s
        refusal = self.closed_to(consent, here)
        if refusal is not None:
            return refusal
        assert law is not None and unix_s is not None  # else it would be closed
        if rgb is None or self._keep is None or rgb.shape != self._keep.shape:
            return Refusal((Ground.VIEW_MISMATCH,))
        frame = _permit(rgb.copy(), law, law.policy.document.operating_point.threshold, unix_s, captured)
        return frame, OptIn(key=MINT, track=TrackId(0), number=frame.number, face=None)

    def closed_to(self, consent: ConsentInForce, here: Circumstances) -> Refusal | None:
        """Why this person may not be enrolled now, whatever a picture shows; None when they may."""
        law, unix_s = self._law, here.surroundings.unix_s
        grounds = tuple(ground for ground in unmet(law, here) if ground not in AT_THE_DOOR)
        if law is None or unix_s is None or grounds:
            return Refusal(grounds or (Ground.CLOCK_UNTRUSTED,))
        policy = law.policy
        if not room_for_one_more(law, here.surroundings.stock):
            return Refusal((Ground.STOCK_UNFILED,))
        if not law.covers(here.surroundings.stock, more=1):
            return Refusal((Ground.GALLERY_TOO_LARGE,))
        agreed = consent.in_force(
            purpose=policy.document.purpose,
            site=policy.site,
            notice_sha256=Sha256(policy.document.notice.sha256),
            unix_s=unix_s,
            guardian_below=law.profile.guardian_below,
        )
        return None if agreed else Refusal((Ground.NO_CONSENT,))

    def enrol_here(
        self, captured: CapturedFrame, here: Circumstances, consent: ConsentInForce
    ) -> tuple[PermittedFrame, MarkedSpace] | Refusal:
        """Leave to enrol a consenting person at this very camera, and end the raw frame.

        All of `enrol` and all of `admit`: the place's grounds apply as to any frame of the door, and what is excluded
        is black. Others may walk by, so only a face in the marked space can be looked at.
        """
        law = self._law
        # The least threshold of all: by it two references are soonest too alike.
        frame = self._admit(captured, here, None if law is None else law.policy.document.operating_point.threshold)
        if isinstance(frame, Refusal):
            return frame
        refusal = self.closed_to(consent, here)
        if refusal is not None:
            return refusal
        assert law is not None  # a permitted frame was admitted under a law
        return frame, MarkedSpace(key=MINT, rules=law.policy.document.attempt, number=frame.number)

    def blocks(self, captured: CapturedFrame) -> Preview | Refusal:
        """The whole picture as coarse blocks: all that may be shown without a permit. Does not end the frame."""
        rgb = captured._rgb
        closed = self.closed()
        if closed is not None or self._seen is None:
            return closed or Refusal((Ground.NO_POLICY,))
        if rgb is None or rgb.shape != self._seen.shape:
            return Refusal((Ground.VIEW_MISMATCH,))
        return _preview(blocks(rgb & self._seen), captured.number)

    def aim(self, captured: CapturedFrame, marks: Sequence[Polygon]) -> Preview | Refusal:
        """The picture to aim a camera by while nobody is recognised: fine blocks, sharp on marks; ends it."""
        rgb, captured._rgb, captured._luma = captured._rgb, None, None
        closed = self.closed()
        if closed is not None or self._keep is None:
            return closed or Refusal((Ground.NO_POLICY,))
        if rgb is None or rgb.shape != self._keep.shape:
            return Refusal((Ground.VIEW_MISMATCH,))
        return _preview(self._aiming.picture(rgb & self._keep, marks, captured.captured_ns), captured.number)

    def preview(self, frame: PermittedFrame, faces: Sequence[Box]) -> Preview:
        """The commissioned empty picture, with coarse blocks wherever the permitted frame differs from it.

        May be called on another thread, while a law is adopted here: what was seen is read once.
        """
        empty, seen = self._empty, self._seen
        if empty is None or seen is None or not empty.shape == frame.pixels.shape == seen.shape:
            picture = blocks(frame.pixels, block_px(faces))
        else:
            picture = veil(frame.pixels, empty & seen, faces)
        return _preview(picture, frame.number)


def _permit(
    pixels: Rgb,
    law: Law,
    threshold: float,
    unix_s: float,
    captured: CapturedFrame,
    cards: tuple[Polygon, ...] | None = None,
) -> PermittedFrame:
    """Stamp pixels that have been masked, or handed in for enrolment, with the permit that they were opened under."""
    pixels.flags.writeable = False
    document = law.policy.document
    permit = Permit(
        key=MINT,
        purpose=document.purpose,
        policy_version=document.version,
        notice_sha256=Sha256(document.notice.sha256),
        threshold=threshold,
        unix_s=unix_s,
        guardian_below=law.profile.guardian_below,
    )
    return PermittedFrame(
        key=MINT, pixels=pixels, permit=permit, number=captured.number, captured_ns=captured.captured_ns, cards=cards
    )


def _preview(picture: Rgb, number: int) -> Preview:
    picture.flags.writeable = False
    return Preview(key=MINT, picture=picture, number=number)


def _mask(regions: Sequence[ExcludedRegion], width: int, height: int, scale: int) -> Keep:
    """255 outside all regions. A pixel that a region touches at all is inside it: regions grow by one pixel."""
    keep = np.full((height, width), 255, np.uint8)
    ys, xs = np.mgrid[0:height, 0:width]
    for region in regions:
        polygon = Area(region.polygon)
        if not polygon.is_valid:
            # Growing a region that crosses itself would drop a part of it; what cannot be drawn excludes everything.
            keep[:] = 0
        else:
            keep[contains_xy(polygon.buffer(1.0), xs + 0.5, ys + 0.5)] = 0
    return keep if scale == 1 else keep.repeat(scale, axis=0).repeat(scale, axis=1)
