"""A printed sign on a wall before a pinhole camera: the real file, rasterised by PDFium, from anywhere in any light.

The wall is darker than the paper, the lens a little soft, the sensor noisy. Distances are metres, places on the sheet
millimetres from its top left corner, angles degrees.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import pypdfium2

from agent.crypto import SignSecret, sign_public
from agent.policy.bundle import PolicyDocument
from agent.policy.declared import notice_sha256
from agent.policy.document import read
from agent.policy.frames import CapturedFrame, CodeFrame
from agent.policy.gate import Gate
from agent.site.signs.layout import PAPERS, Paper
from agent.units import Luma, Polygon
from tests.policy.given import NOW_S, document, iso, law

PER_MM: Final = 4
VIEW_DEG: Final = 62.0
SECRET: Final = SignSecret(b"\x07" * 32)
SITE: Final = "hofgarten"
TEXTS: Final = {
    "en": {
        "controller": "Hofgarten Housing Cooperative, 12 Quay Street",
        "contact": "Data protection: privacy@hofgarten.example, or the desk in the hall",
        "complaint": "At the data protection authority of your country, or with our works council",
        "purpose": "To open this door for residents who agreed to it",
        "method": "A box at this door compares your face with encrypted templates of people who agreed. "
        "No picture is kept, none leaves the box",
        "retention": "Your template stays encrypted in this box until you withdraw, at most one year. "
        "Everyone else leaves nothing",
        "necessity": "Residents come home with both hands full, with prams and wheelchairs",
        "effect": "Whoever does not agree is not recognised, and loses nothing",
        "rights": "See, correct, withdraw and have erased, at any time and without giving reasons",
        "alternative": "A pass with a code, the intercom, or the desk open the same door, as fast and free of charge",
    },
    "zh-Hans": {
        "controller": "码头花园住宅合作社，码头街12号",
        "contact": "个人信息保护负责人：privacy@hofgarten.example，或大厅服务台",
        "complaint": "可向所在地网信部门投诉，也可向本合作社投诉，我们在30日内答复",
        "purpose": "为已同意的住户打开这道门",
        "method": "门旁的设备在本地将您的人脸与已同意住户的加密特征进行比对；不保存任何图像，任何图像都不离开设备",
        "retention": "您的人脸特征以加密方式仅存于本设备，直至您撤回同意，最长一年；其他人不留下任何信息",
        "necessity": "住户常常双手提物、推婴儿车或使用轮椅回家",
        "effect": "不同意的人不会被识别，也不会因此受到任何不利影响",
        "rights": "您可随时查阅、更正、撤回同意并要求删除，无须说明理由",
        "alternative": "通行码、对讲机或服务台人员均可打开同一道门，同样快捷且免费",
    },
}


def policy_of(texts: dict[str, dict[str, str]] = TEXTS, **changes: Any) -> PolicyDocument:
    """A policy whose sign is worth printing; it names the pass key of `SECRET`."""
    notice = {"version": "notice-3", "sha256": notice_sha256(texts), "texts": texts, "accessible": ["staff"]}
    keys = [{"key": sign_public(SECRET).hex(), "doors": ["main"], "until": iso(NOW_S + 86_400)}]
    fields = document(**({"site": SITE, "notice": notice, "pass_keys": keys} | changes))
    return read(json.dumps(fields).encode(), PolicyDocument, "policy.json")


@dataclass(frozen=True, slots=True, eq=False)
class Printed:
    """One sheet of paper; `grey` has `PER_MM` pixels for a millimetre."""

    grey: Luma
    paper: Paper
    mark: float
    """Side of the mark on it."""

    def mark_corners(self) -> Polygon:
        return _square(*self.paper.mark_at(self.mark), self.mark)

    def code_corners(self) -> Polygon:
        return _square(*self.paper.code_at(45), 45 * self.paper.module)


def printed(data: bytes, size: str = "A3") -> Printed:
    """The PDF as it comes out of the printer; the side of the mark is measured on the paper."""
    page = pypdfium2.PdfDocument(data)[0]
    rendered = page.render(scale=PER_MM * 25.4 / 72, grayscale=True).to_numpy()
    grey = np.ascontiguousarray(rendered.reshape(rendered.shape[:2]), np.uint8)
    paper = PAPERS[size]
    inside, bottom = round(paper.edge * PER_MM) + 8, round((paper.height - paper.edge) * PER_MM)
    above = np.flatnonzero(grey[: bottom - 8, inside] > 128)[-1]
    return Printed(grey, paper, (bottom - above - 1) / PER_MM)


@dataclass(frozen=True, slots=True)
class Camera:
    """Looks at the point `aim` of the sheet, which then lies `off` millimetres beside the optical axis."""

    width: int
    height: int
    distance_m: float
    aim: tuple[float, float]
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    off: tuple[float, float] = (0.0, 0.0)

    def sees(self, points: Iterable[tuple[float, float]]) -> npt.NDArray[np.float64]:
        """Pixels of points of the sheet; whole numbers are edges of pixels."""
        focal = self.width / 2 / np.tan(np.radians(VIEW_DEG / 2))
        turn = np.eye(3)
        for angle, axis in ((self.yaw, (0, 1, 0)), (self.pitch, (1, 0, 0)), (self.roll, (0, 0, 1))):
            turn = turn @ np.asarray(cv2.Rodrigues(np.radians(angle) * np.array(axis, np.float64))[0])
        flat = np.array([(x - self.aim[0], y - self.aim[1], 0.0) for x, y in points])
        space = flat @ turn.T + np.array((*self.off, self.distance_m * 1000))
        return np.asarray(space[:, :2] / space[:, 2:] * focal + (self.width / 2, self.height / 2), np.float64)


def seen(
    sheet: Printed,
    camera: Camera,
    random: np.random.Generator,
    *,
    light: float = 1.0,
    covers: Sequence[tuple[float, float, float, float]] = (),
) -> Luma:
    """What the camera gives.

    Args:
        covers: what somebody holds before the sheet: x, y, width and height on it.
    """
    paper = np.asarray(sheet.grey, np.float32) * 0.86 + 20
    for x, y, width, height in covers:
        paper[round(y * PER_MM) : round((y + height) * PER_MM), round(x * PER_MM) : round((x + width) * PER_MM)] = 150
    high, wide = paper.shape
    corners = ((0, 0), (wide / PER_MM, 0), (wide / PER_MM, high / PER_MM), (0, high / PER_MM))
    outline = camera.sees(corners)
    x0, y0 = np.clip(np.floor(outline.min(axis=0)) - 8, 0, (camera.width, camera.height)).astype(int)
    x1, y1 = np.clip(np.ceil(outline.max(axis=0)) + 8, 0, (camera.width, camera.height)).astype(int)
    fine = 4 if camera.width <= 800 else 2
    size = np.sqrt(cv2.contourArea(outline.astype(np.float32)) / (wide * high)) * fine
    if size < 0.7:
        paper = np.asarray(cv2.GaussianBlur(paper, (0, 0), 0.4 / size))
    move = cv2.getPerspectiveTransform(
        np.array(corners, np.float32) * PER_MM - 0.5, ((outline - (x0, y0)) * fine - 0.5).astype(np.float32)
    )
    part = np.full(((y1 - y0) * fine, (x1 - x0) * fine), 105, np.float32)
    cv2.warpPerspective(
        paper, move, (part.shape[1], part.shape[0]), dst=part, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
    )
    picture = np.full((camera.height, camera.width), 105, np.float32)
    picture[y0:y1, x0:x1] = cv2.resize(part, (int(x1 - x0), int(y1 - y0)), interpolation=cv2.INTER_AREA)
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.6)) * light
    picture += random.normal(0, 2.5, picture.shape).astype(np.float32)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def codes_of(luma: Luma, number: int = 1, captured_ns: int = 0) -> CodeFrame:
    """Through a real gate whose policy has a view of 640 x 480."""
    frame = _GATE.codes(CapturedFrame(number, captured_ns, np.zeros((480, 640, 3), np.uint8), luma))
    assert isinstance(frame, CodeFrame)
    return frame


_GATE = Gate(law(view={"width": 640, "height": 480}))


def _square(x: float, y: float, side: float) -> Polygon:
    return ((x, y), (x + side, y), (x + side, y + side), (x, y + side))


def centre(corners: Polygon) -> tuple[float, float]:
    return sum(x for x, _ in corners) / len(corners), sum(y for _, y in corners) / len(corners)
