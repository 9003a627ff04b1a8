"""`doorward aim`: an installer looks where the camera looks, while nobody is recognised and the vault stays shut."""

from agent.app.aim.session import Kept, aim

__all__ = ["Kept", "aim"]
