"""The office that commands work in."""

from tests.handoff.conftest import office, open_office

__all__ = ["office", "open_office"]
