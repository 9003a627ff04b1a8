"""What libcamera's virtual camera needs of picamera2 beyond a Pi's camera; importing this gives picamera2 that.

Rules: picamera2 itself is as it was published. Only its class is another one, for three things that the virtual camera
of libcamera 0.4 has not: raw modes, pictures in one piece of memory, and the time that a first frame takes. `opened` of
the adapter takes this class where it asks picamera2 for one, and pytest takes this module as a plug-in.
"""

from __future__ import annotations

import sys
import types
from typing import Any, Final

_PIXELS: Final = ("RGB888", "BGR888", "XRGB8888", "XBGR8888", "YUV420", "YVU420", "NV12", "NV21")
_kms: Any = types.ModuleType("pykms")  # for previews on a screen, of which there is none; Debian has no such package
_kms.PixelFormat = type("PixelFormat", (), dict.fromkeys(_PIXELS))
sys.modules.setdefault("pykms", _kms)

import libcamera
import picamera2
from picamera2.allocators import DmaAllocator


class TwoPlanes(DmaAllocator):  # type: ignore[misc]  # published without types
    """picamera2's memory for frames, of which the virtual camera is told where luma ends and colour begins."""

    def allocate(self, libcamera_config: Any, use_case: Any) -> None:
        super().allocate(libcamera_config, use_case)
        for about in libcamera_config:
            luma = about.stride * about.size.height
            for place, whole in enumerate(self.frame_buffers[about.stream]):
                planes = [libcamera.FrameBuffer.Plane(), libcamera.FrameBuffer.Plane()]
                for plane, offset, length in zip(planes, (0, luma), (luma, about.frame_size - luma), strict=True):
                    plane.fd, plane.offset, plane.length = whole.planes[0].fd, offset, length
                split = libcamera.FrameBuffer(planes)
                self.libcamera_fds.append(split.planes[0].fd)
                self.mapped_buffers_used[split.planes[0].fd] = False
                self.mapped_buffers[split] = self.mapped_buffers.pop(whole)
                self.frame_buffers[about.stream][place] = split


class VirtualPicamera2(picamera2.Picamera2):  # type: ignore[misc]  # the same
    def __init__(self, number: int = 0) -> None:
        super().__init__(number, allocator=TwoPlanes())

    def _get_raw_modes(self) -> list[dict[str, Any]]:
        return [{"format": "NV12", "size": (1920, 1440)}]

    def start_(self) -> None:
        """Hand frames out only when picamera2 has noted that it runs: what comes before that is never filled again.

        A sensor takes some thirtieths of a second to its first frame; the virtual camera has filled all at once.
        """
        with self._cm._lock:
            super().start_()


picamera2.Picamera2 = VirtualPicamera2
