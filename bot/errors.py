"""The one tree of errors.

::

    BotError
    ├── ConfigError        environment or bots.yaml is wrong; carries every problem found
    ├── UsageError         the command line or an operator asked for something that cannot be; says what to do
    ├── InputError         a person's message or command cannot be served; told to the person in their language
    ├── KnowledgeError     a document, table or index cannot be read or written
    ├── Unavailable        Redis, SQL, the broker or the index owner does not answer (worth trying again)
    ├── MailError          a mail server did not take a mail (:mod:`bot.mail`)
    ├── BadLink            a link to a source that opens nothing (:mod:`bot.links`): ForgedLink, ExpiredLink
    ├── LeaseLost          another worker owns the conversation now; whoever sees this must stop writing
    ├── ModelError         the language model gave no usable answer (see :mod:`bot.llm`)
    │   ├── ModelTimeout       it did not answer in time
    │   ├── ModelUnavailable   it cannot be reached, is overloaded or broken, or is left alone after failures
    │   ├── ModelRefused       it will not answer this request
    │   ├── ModelNonsense      what came is no answer
    │   └── BudgetSpent        the bot has used up its tokens of the day
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


class MailError(BotError):
    """A mail was not taken. ``code`` is a constant word such as ``timeout`` or ``smtp_550``; ``perhaps`` says that it
    may have arrived all the same."""

    def __init__(self, code: str, *, perhaps: bool) -> None:
        self.code = code
        self.perhaps = perhaps
        super().__init__(f"mail not taken: {code}")


class LeaseLost(BotError):
    """Another worker owns the conversation now; whoever sees this must stop writing at once."""


class ModelError(BotError):
    """The language model gave no usable answer.

    ``code`` is a constant word such as ``first_token`` or ``http_500``. No error of this family carries or is chained
    to one that carries the prompt, the answer, the key or the server's URL.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"language model: {code}")


class ModelTimeout(ModelError):
    """The model did not begin, go on or end in time (``first_token``, ``between_tokens``, ``deadline``)."""


class ModelUnavailable(ModelError):
    """The model cannot be reached, is overloaded or broken, or its circuit is open."""


class ModelRefused(ModelError):
    """The server will not answer this request: a 4xx (``http_400``), or its content filter."""


class ModelNonsense(ModelError):
    """What came is no answer: empty, endless, or not in the API's format."""


class BudgetSpent(ModelError):
    """The bot has used up its tokens of the day; no call was made."""
