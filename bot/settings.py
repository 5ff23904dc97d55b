"""The environment, read once and checked as a whole.

Every setting is an environment variable with the upper-case name of a field of :class:`Settings`; a ``.env`` file in
the working directory supplies what the environment does not set. An empty value counts as unset, and an unset URL
means the embedded default.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.environment import Sources, read_sources
from bot.errors import ConfigError
from bot.run_dir import redis_socket_of, run_dir_of
from bot.setting_types import (
    BrokerUrl,
    Count,
    DatabaseUrl,
    Days,
    Expected,
    HttpUrl,
    MailAddress,
    Name,
    Port,
    Price,
    RedisUrl,
    Seconds,
    Secret,
    SecretKey,
    SmtpUrl,
    Switch,
    absolute_folder,
    expanded,
    zone_name,
)

DOTENV = Path(".env")
WECOM_API = "https://qyapi.weixin.qq.com"
FLOWER_USER = "ops"
DEMO_BOTS_FILE = Path(__file__).parent.parent / "deploy/demo/bots.yaml"


class Settings(BaseModel):
    """Everything that is set outside ``bots.yaml``. Tests and tools may build one with keyword arguments; the
    environment is read by :func:`load_settings` alone. ``str()`` shows no secret and no URL that may hold one."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
        use_attribute_docstrings=True,
    )

    host: Annotated[str, Field(pattern=r"^[0-9A-Za-z.:_-]+$"), Expected("a host name or an IP address")] = "127.0.0.1"
    """The address that web and simulator listen on."""
    port: Port = 8000
    """The web process' port."""
    simulator_port: Port = Field(default_factory=lambda known: known["port"] + 1)
    """The simulator's port; PORT + 1 when unset."""
    simulator: Switch = True
    """Whether ``make run`` starts the simulator, and calls to WeCom go there unless WECOM_API_BASE is set."""
    flower: Switch = True
    """Whether ``make run`` starts Flower, the page of Celery's workers and tasks, behind a password."""
    flower_port: Port = Field(
        default_factory=lambda known: known["port"] + 2 + (known["simulator_port"] == known["port"] + 2)
    )
    """Flower's port; PORT + 2 when unset, and PORT + 3 where that is the simulator's."""

    public_url: HttpUrl = Field(default_factory=lambda known: local_url(known["host"], known["port"]))
    """Where people reach the web process, as links to sources say; https in production; HOST and PORT when unset."""
    citation_link_days: Annotated[int, Field(ge=1, le=365), Expected("a whole number from 1 to 365")] = 30
    """Days that a link to a source opens; a day at most where the source is not for everybody."""
    secret_key: SecretKey | None = None
    """What signs those links, the same in every process; unset, one is made at random and kept below DATA_DIR."""
    audit_key: SecretKey | None = None
    """What seals the audit log and makes its pseudonyms, the same in every process and for as long as the log is kept;
    unset, one is made at random and kept below DATA_DIR."""
    case_key: SecretKey | None = None
    """What encrypts who is behind a report of an adverse event, the same in every process and for as long as cases are
    kept; unset, one is made at random and kept below DATA_DIR."""
    audit_keep_days: Annotated[int, Field(ge=184), Expected("a whole number of at least 184")] = 365
    """Days that an entry of the audit log stays in the database at least; older ones may be exported and removed."""
    keep_words_days: Days = 30
    """Days after which personal data in the words of a recorded turn is masked for good."""
    keep_turns_days: Days = 184
    """Days after which recorded turns, and what people thought of them, are removed."""
    keep_tickets_days: Days = 184
    """The same for tickets that no human is working on."""
    keep_broadcasts_days: Days = 184
    """The same for broadcasts and the list of those they went to."""

    data_dir: Annotated[Path, AfterValidator(absolute_folder), Expected("a folder's path without '?'")] = Path("var")
    """Everything that is kept on this machine lies below this folder."""
    media_dir: Annotated[Path, AfterValidator(absolute_folder), Expected("a folder's path without '?'")] | None = None
    """Where media are kept for a while; below DATA_DIR when unset. Processes on several machines share this folder."""
    media_keep_s: Seconds = 3 * 86400.0
    """Seconds that what is sent to people is kept."""
    ask_file_s: Seconds = 7200.0
    """Seconds that what people send is kept, and that they can ask about it."""
    media_max_total_mb: Count = 2048
    """Megabytes of all media together; those kept longest ago go first."""
    media_max_mb: Annotated[int, Field(ge=1, le=100), Expected("a whole number from 1 to 100")] = 20
    """Megabytes of one picture, voice or file that is fetched to be read."""
    media_fetch_s: Seconds = 30.0
    """Seconds that fetching it may take."""
    bots_file: Annotated[Path, AfterValidator(expanded), Expected("a path")] = Path("bots.yaml")
    """Who the bots are."""
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
        Expected("DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    ] = "INFO"
    """The least severe events that are logged."""
    timezone: Annotated[str, AfterValidator(zone_name), Expected("a time zone such as Asia/Shanghai")] = "Asia/Shanghai"
    """The zone that dates without a zone are meant in, such as a FAQ's validity."""

    redis_url: RedisUrl = Field(
        default_factory=lambda known: f"unix://{quote(str(redis_socket_of(known['data_dir'])))}"
    )
    """What is in flight; a Redis of our own on a socket in ``run_dir`` when unset."""
    broker_url: BrokerUrl = Field(default_factory=lambda known: known["redis_url"])
    """Celery's broker; REDIS_URL when unset."""
    database_url: DatabaseUrl = Field(default_factory=lambda known: f"sqlite:///{known['data_dir']}/bot.sqlite")
    """What is true; SQLite below DATA_DIR when unset."""
    qdrant_url: HttpUrl | None = None
    """A Qdrant server; the engine inside the worker when unset."""
    qdrant_api_key: Secret | None = None
    """The Qdrant server's key."""
    qdrant_collection: Annotated[
        str, Field(pattern=r"^[0-9A-Za-z_-]{1,60}$"), Expected("at most 60 letters, digits, - and _")
    ] = "knowledge"
    """The alias of this installation's index on the Qdrant server; several installations may share a server."""
    qdrant_quantization: Annotated[Literal["none", "scalar", "binary"], Expected("none, scalar or binary")] = "none"
    """How vectors are held in the Qdrant server's memory; with ``none`` they are searched exactly."""
    qdrant_replicas: Annotated[int, Field(ge=1, le=10), Expected("a whole number from 1 to 10")] = 1
    """Nodes of a Qdrant cluster that hold the index."""
    qdrant_timeout: Annotated[float, Field(ge=0.5, le=120), Expected("a number of seconds from 0.5 to 120")] = 10.0
    """Seconds that one request to the Qdrant server may take, with its repeats."""
    evidence_cache: Annotated[int, Field(ge=0, le=100_000), Expected("a whole number from 0 to 100000")] = 1_000
    """Questions of which a worker keeps what it found for who asks the same next, while the knowledge stays as it is,
    in at most 32 MB; 0 searches for every one."""
    reading_check: Switch = False
    """Read the first hit together with the question where the search is unsure: fewer wrong answers, 50 to 150 ms."""

    openai_base_url: HttpUrl | None = None
    """Any OpenAI-compatible server; OpenAI's own when only the key is set."""
    openai_api_key: Secret | None = None
    """That server's key."""
    openai_model: Name | None = None
    """The model that composes; no language model is used when unset."""
    openai_small_model: Name | None = None
    """The model that understands; OPENAI_MODEL when unset."""
    vision_model: Name | None = None
    """A model of the same server that reads pictures; they are read on this machine, and only their words, when
    unset."""
    llm_first_token_s: Seconds = 15.0
    """Seconds a language model may take to begin its answer."""
    llm_timeout_s: Seconds = 60.0
    """Seconds it may take for the whole answer, whatever it does meanwhile."""
    llm_daily_tokens: Annotated[int, Field(ge=1), Expected("a whole number of at least 1")] | None = None
    """Tokens a bot may use up in a day of TIMEZONE; no limit when unset."""
    llm_price_input: Price = 0.0
    """What a million tokens of questions cost, in any currency: what the cost in the metrics is counted with."""
    llm_price_output: Price = 0.0
    """The same for answers."""
    embedding_base_url: HttpUrl | None = None
    """Any OpenAI-compatible server with ``/embeddings``; the model inside the worker when unset."""
    embedding_model: Name | None = None
    """The embedding server's model."""

    speech_base_url: HttpUrl | None = None
    """Any OpenAI-compatible server with ``/audio/transcriptions``; voices are not understood when unset."""
    speech_api_key: Secret | None = None
    """That server's key."""
    speech_model: Name | None = None
    """Its model that writes down what is said."""
    speech_timeout_s: Seconds = 20.0
    """Seconds it may take for one voice message."""

    smtp_url: SmtpUrl | None = None
    """The mail server for the safety desk, ``smtp://user:password@host:port`` (STARTTLS where the server offers it) or
    ``smtps://…``; no mail is sent when unset."""
    mail_from: MailAddress | None = None
    """Whom mails come from; the user of SMTP_URL, or ``bot@`` its host, when unset."""

    wecom_api_base: HttpUrl = Field(default_factory=lambda known: _simulator_url(known) or WECOM_API)
    """Where WeCom's API is; the simulator when SIMULATOR is on and this is unset."""
    callback_max_skew: Seconds = 3600.0
    """Callbacks stamped further than so many seconds from our clock are refused."""

    inbox_wait_replicas: Annotated[int, Field(ge=0, le=10), Expected("a whole number from 0 to 10")] = 0
    """How many Redis replicas must have a message before the platform hears 200."""
    limit_person_per_minute: Count = 20
    """Messages one person may send to one bot in a minute; more are refused with a busy notice."""
    limit_bot_waiting: Count = 10_000
    """Messages of one bot that may wait for an answer."""
    limit_conversation_waiting: Count = 50
    """Messages of one conversation that may wait for an answer."""
    pace_per_minute: Count = 30
    """Messages an app sends to one member in a minute; WeCom discards what is above it without a word."""
    pace_per_hour: Count = 1000
    """The same for an hour."""
    useful_s: Seconds = 600.0
    """Seconds after which a message is apologised for instead of answered, and a part no longer sent."""
    handoff_wait_s: Seconds = 1800.0
    """Seconds a person waits for a human before the bot says so and answers again."""

    worker_threads: Annotated[int, Field(ge=1, le=1024), Expected("a whole number from 1 to 1024")] = 256
    """Conversations that the worker works at the same time."""
    web_workers: Annotated[int, Field(ge=1, le=32), Expected("a whole number from 1 to 32")] = 2
    """Processes of the web server."""
    web_threads: Annotated[int, Field(ge=1, le=64), Expected("a whole number from 1 to 64")] = 8
    """Threads of each of them."""

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """What ``str()`` and ``repr()`` show."""
        return [(name, getattr(self, name)) for name in type(self).model_fields if not _expected(name).private]

    @property
    def run_dir(self) -> Path:
        """Sockets of the running system: below ``data_dir``, or below /tmp where that path is too long for a socket.

        The folder in /tmp is made by ``up``, which refuses one that is not its own.
        """
        return run_dir_of(self.data_dir)

    @property
    def redis_socket(self) -> Path | None:
        """The embedded Redis' socket; ``None`` when ``REDIS_URL`` is set."""
        return None if "redis_url" in self.model_fields_set else redis_socket_of(self.data_dir)

    @property
    def index_dir(self) -> Path:
        """The embedded index."""
        return self.data_dir / "index"

    @property
    def cache_dir(self) -> Path:
        """What can be computed again, such as vectors by content."""
        return self.data_dir / "cache"

    @property
    def media_path(self) -> Path:
        """What people sent and what is sent to them."""
        return self.media_dir or self.data_dir / "media"

    @property
    def proofs_dir(self) -> Path:
        """Domain proofs that the web process serves (:mod:`bot.web.proofs`)."""
        return self.data_dir / "domain-proofs"

    @property
    def flower_password_path(self) -> Path:
        """The password of :data:`FLOWER_USER`, made at the first start."""
        return self.data_dir / "flower_password"

    @property
    def audit_anchors_path(self) -> Path:
        """Where the head of the audit log is written down at intervals (:mod:`bot.audit.anchors`)."""
        return self.data_dir / "audit-anchors.jsonl"

    @property
    def metrics_dir(self) -> Path:
        """The files through which the processes share their metrics."""
        return self.data_dir / "metrics"

    @property
    def llm_configured(self) -> bool:
        """Whether a language model may be used: a model and somewhere to ask it."""
        return self.openai_model is not None and bool(self.openai_base_url or self.openai_api_key)

    @property
    def uses_demo_bots(self) -> bool:
        """Whether the demo's bots stand in: the simulator is on, BOTS_FILE is unset and there is no ``bots.yaml``."""
        return self.simulator and "bots_file" not in self.model_fields_set and not self.bots_file.exists()

    @property
    def bots_path(self) -> Path:
        """The file to read bots from."""
        return DEMO_BOTS_FILE if self.uses_demo_bots else self.bots_file


_NAMES = {field.upper(): field for field in Settings.model_fields}
"""Environment variable to field."""


def load_settings(environ: Mapping[str, str] | None = None, dotenv: Path = DOTENV) -> Settings:
    """The settings of this process; ``environ`` is the process environment unless given.

    Raises :class:`~bot.errors.ConfigError` with every problem: where it stands, the key, what was found (never a
    secret's value) and what is expected.
    """
    sources = read_sources(environ, dotenv, _NAMES)
    problems = list(sources.problems)
    given = {_NAMES[key]: value.strip() for key, value in sources.values.items() if key in _NAMES}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        problems += [_problem(sources, given, fault) for fault in error.errors() if _is_cause(fault)]
    else:
        problems += _contradictions(settings)
    if problems:
        raise ConfigError(problems)
    return settings


def read_environment(environ: Mapping[str, str] | None = None, dotenv: Path = DOTENV) -> Mapping[str, str]:
    """The process environment over the ``.env`` file, without empty values: what ``${…}`` in ``bots.yaml`` sees.

    Raises :class:`~bot.errors.ConfigError` when the ``.env`` file cannot be read.
    """
    sources = read_sources(environ, dotenv, _NAMES)
    if sources.problems:
        raise ConfigError(sources.problems)
    return sources.values


def reloadable_names(environ: Mapping[str, str] | None = None, dotenv: Path = DOTENV) -> frozenset[str]:
    """What only the ``.env`` file sets and is no setting: ``bots.yaml`` may use it, and it may change at any time."""
    return frozenset(read_sources(environ, dotenv, _NAMES).lines) - frozenset(_NAMES)


def prepare_process(settings: Settings) -> None:
    """Set what libraries read from the environment when they are imported; call it before heavy imports.

    One OpenMP thread unless the operator chose otherwise: beside a busy process the default made an embedding take
    seven times as long. prometheus-client shares metrics through files below DATA_DIR, created here.
    Raises :class:`~bot.errors.ConfigError` when that folder cannot be made.
    """
    try:
        settings.metrics_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError([f"DATA_DIR: cannot create {settings.metrics_dir}: {error.strerror}"]) from error
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.metrics_dir)


def _is_cause(fault: Any) -> bool:
    """False for a default that could not be derived only because another setting is wrong."""
    return bool(fault["type"] != "default_factory_not_called")


def _problem(sources: Sources, given: Mapping[str, str], fault: Any) -> str:
    field = str(fault["loc"][0])
    key = field.upper()
    expected = _expected(field)
    if field not in given:
        return f"environment: {key}: cannot be {fault['input']} (derived from other settings); expected {expected.text}"
    value = given[field]
    found = f"{len(value)} characters" if expected.private else repr(value if len(value) <= 60 else value[:57] + "…")
    return f"{sources.where(key)}: {key}: found {found}; expected {expected.text}"


def _expected(field: str) -> Expected:
    """What a field's annotation says about its values; that of an optional one lies inside the union."""
    info = Settings.model_fields[field]
    inner = [item for member in get_args(info.annotation) for item in getattr(member, "__metadata__", ())]
    return next(item for item in [*info.metadata, *inner] if isinstance(item, Expected))


def _contradictions(settings: Settings) -> list[str]:
    """What is wrong only in combination."""
    problems = []
    if settings.simulator and settings.port == settings.simulator_port:
        problems.append(f"environment: SIMULATOR_PORT: found {settings.port}; expected another port than PORT")
    others = {settings.port} | ({settings.simulator_port} if settings.simulator else set())
    if settings.flower and settings.flower_port in others:
        problems.append(f"environment: FLOWER_PORT: found {settings.flower_port}; expected a port of its own")
    if settings.embedding_base_url and not settings.embedding_model:
        problems.append(
            "environment: EMBEDDING_MODEL: missing; expected the model's name, as EMBEDDING_BASE_URL is set"
        )
    if settings.speech_base_url and not settings.speech_model:
        problems.append("environment: SPEECH_MODEL: missing; expected the model's name, as SPEECH_BASE_URL is set")
    if settings.vision_model and not settings.llm_configured:
        problems.append("environment: OPENAI_MODEL: missing; expected a language model, as VISION_MODEL is set")
    return problems


def _simulator_url(known: Mapping[str, Any]) -> str:
    """The simulator as this machine reaches it; empty when it is off."""
    return local_url(known["host"], known["simulator_port"]) if known["simulator"] else ""


def local_url(host: str, port: int) -> str:
    """What listens on ``host`` and ``port``, as this machine reaches it."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://{bracketed(reached)}:{port}"


def bracketed(host: str) -> str:
    """``host`` as it stands before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host
