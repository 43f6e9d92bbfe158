"""Litestar without what we do not use of it."""

from __future__ import annotations

from litestar import Litestar
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin


class Plain(Litestar):
    """Our shapes are msgspec's: support for pydantic 1 and attrs would cost 0.2 s and 7 MB."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]
