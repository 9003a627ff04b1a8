"""A camera of the network that plays a film: run in the container by Debian's own Python, with GStreamer's bindings.

Arguments: address, port, user, password, film. Whoever connects sees it from its beginning, and is cut off at its end.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

address, port, user, password, film = sys.argv[1:]
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address(address)
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f"( filesrc location={film} ! avidemux ! jpegdec ! identity sync=true ! videoconvert ! video/x-raw,format=I420 ! "
    "x264enc tune=zerolatency speed-preset=ultrafast bitrate=8000 key-int-max=5 ! rtph264pay name=pay0 pt=96 )"
)
token = GstRtspServer.RTSPToken()
token.set_string("media.factory.role", "user")
auth = GstRtspServer.RTSPAuth()
auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
server.set_auth(auth)
factory.add_role_from_structure(
    Gst.Structure.new_from_string("user, media.factory.access=(boolean)true, media.factory.construct=(boolean)true")
)
server.get_mount_points().add_factory("/door", factory)
server.attach(None)
GLib.MainLoop().run()
