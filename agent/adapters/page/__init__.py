"""The pages that a device serves to a browser: the watcher's, and the one by which an installer aims the camera."""

from agent.adapters.page.aim import AimPage, PageAnswer
from agent.adapters.page.dashboard import ASKED, Page, page_files, strict_headers

__all__ = ["ASKED", "AimPage", "Page", "PageAnswer", "page_files", "strict_headers"]
