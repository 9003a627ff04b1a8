"""A camera of the network that shows the picture in a file: GStreamer's RTSP server, run with Debian's own Python.

Arguments: port, and the file, 640 × 480 pixels of three bytes, red first, read anew for each frame. Prints `ready`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

FPS, BYTES = 15, 640 * 480 * 3
Gst.init(None)
picture = Path(sys.argv[2])


def push(source: Any) -> bool:
    """One frame; False ends a source that nobody takes from any more."""
    taken: bool = source.emit("push-buffer", Gst.Buffer.new_wrapped(picture.read_bytes()[:BYTES])) == Gst.FlowReturn.OK
    return taken


def configured(factory: Any, media: Any) -> None:
    GLib.timeout_add(1000 // FPS, push, media.get_element().get_by_name("picture"))


server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
made = GstRtspServer.RTSPMediaFactory()
made.set_launch(
    "( appsrc name=picture is-live=true do-timestamp=true format=time max-bytes=2000000 leaky-type=downstream "
    f"caps=video/x-raw,format=RGB,width=640,height=480,framerate={FPS}/1 ! videoconvert ! video/x-raw,format=I420 ! "
    f"x264enc tune=zerolatency speed-preset=ultrafast key-int-max={FPS} ! rtph264pay name=pay0 pt=96 )"
)
made.set_shared(True)
made.connect("media-configure", configured)
server.get_mount_points().add_factory("/door", made)
server.attach(None)
sys.stdout.write("ready\n")
sys.stdout.flush()
GLib.MainLoop().run()
