"""Why a file cannot be read, where one reason has to be told from another: chats have their own words for each."""

from bot.errors import KnowledgeError


class Encrypted(KnowledgeError):
    """It is protected by a password."""

    def __init__(self) -> None:
        super().__init__("it asks for a password: save it without one")


class TooMuch(KnowledgeError):
    """It holds, or unpacks to, more than a reader may take in."""


class TooManyPixels(TooMuch):
    """A picture of ``width`` × ``height`` pixels is above the limit."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        super().__init__(f"a picture of {width} × {height} pixels is too large: make it smaller")
