"""The one tree of errors.

::

    BotError
    ├── ConfigError        environment or bots.yaml is wrong; carries every problem found
    ├── UsageError         the command line or an operator asked for something that cannot be; says what to do
    ├── InputError         a person's message or command cannot be served; told to the person in their language
    ├── KnowledgeError     a document, table or index cannot be read or written
    ├── Unavailable        Redis, SQL, the broker or the index owner does not answer (worth trying again)
    ├── LeaseLost          another worker owns the conversation now; whoever sees this must stop writing
    └── ChannelError       the platform (see :mod:`bot.channel`)
        ├── Rejected       an inbound callback is not acceptable
        ├── Retry          a send failed and may be tried again later
        ├── Refused        a send failed for good
        └── Unknown        a send may or may not have arrived

``str(error)`` is one English line for logs and operators. Callers catch classes, never text.
"""


class BotError(Exception):
    """Base of every error this product raises on purpose."""


class ConfigError(BotError):
    """The environment or ``bots.yaml`` is wrong.

    ``problems`` holds one readable line per fault; all faults are collected before raising.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class UsageError(BotError):
    """A command line call or an operator's wish that cannot be served; the text says what to do."""


class InputError(BotError):
    """A person's input that cannot be served.

    ``text_key`` names the sentence in ``bot/texts`` that is said to the person, ``values`` fill its placeholders.
    """

    def __init__(self, text_key: str, **values: object) -> None:
        self.text_key = text_key
        self.values = values
        super().__init__(f"{text_key} {values}" if values else text_key)


class KnowledgeError(BotError):
    """A document, table or index cannot be read or written; the text says why and what to do."""


class Unavailable(BotError):
    """A part of the installation (Redis, SQL, broker, index owner) does not answer; worth trying again."""


class LeaseLost(BotError):
    """Another worker owns the conversation now; whoever sees this must stop writing at once."""
