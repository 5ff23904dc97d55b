"""The whole examination: which checks there are for this installation, and their findings without secrets."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

import redis

from bot.assembly import Configuration, channel_builder, load_bots
from bot.bots_file import BotConfig
from bot.channel import Channel, ChannelAddress
from bot.doctor import (
    approvals,
    callbacks,
    configuration,
    database,
    installation,
    knowledge,
    models,
    redis_server,
    running,
    safety_desk,
)
from bot.doctor.check import Check, run_checks
from bot.doctor.redaction import Redactor
from bot.errors import UsageError
from bot.finding import Finding, State
from bot.redis_client import connect
from bot.settings import Settings, local_url
from bot.supervision import run_file
from bot.supervision.readiness import get

CHANNEL_WITHIN_S = 8.0
"""For what a channel asks its platform; the check itself has a little longer."""

Progress = Callable[[Sequence[str]], None]
"""Told the names of the checks that still run."""


def examine(only_bot: str | None, progress: Progress) -> list[Finding]:
    """Everything that was found, in the order of the report; of the bots ``only_bot`` when it is given.

    Raises :class:`~bot.errors.UsageError` when there is no such bot.
    """
    settings, bots, findings = configuration.settings_and_bots(load_bots)
    closed = installation.closed(settings.data_dir) if settings else []
    if settings is None or closed:
        python = Check(name="installation", run=installation.python)
        needs = "needs the data folder" if closed else "needs the settings"
        rest = Finding(name="everything else", state=State.SKIPPED, detail=needs)
        return [*run_checks([python], progress), *findings, *closed, rest]
    if only_bot is not None and bots:
        if only_bot not in bots:
            raise UsageError(f"there is no bot {only_bot!r}; there are: {', '.join(bots)}")
        bots = {only_bot: bots[only_bot]}
    redactor = Redactor(settings, bots)
    with connect(settings.redis_url) as client:
        found = run_checks(_Plan(settings, bots, client, findings).checks(), progress)
    return [redactor.clean(finding) for finding in found]


class _Plan:
    """The checks of one installation."""

    def __init__(
        self,
        settings: Settings,
        bots: Mapping[str, BotConfig],
        client: "redis.Redis",
        configuration_findings: list[Finding],
    ) -> None:
        self._settings = settings
        self._bots = bots
        self._configuration_findings = configuration_findings
        self._run = run_file.running(settings.data_dir)
        self._web = local_url(settings.host, settings.port)
        self._running = self._run is not None or get(f"{self._web}/healthz")[0] == 200
        build = channel_builder(settings, client)
        self._channels = {
            (bot.id, name): build(ChannelAddress(bot=bot.id, channel=name, bot_name=bot.name), channel)
            for bot in bots.values()
            for name, channel in bot.channels.items()
        }

    def checks(self) -> list[Check]:
        """All of them, in the order of the report."""
        settings, up = self._settings, self._running
        whole = Configuration(settings=settings, bots=self._bots)
        waits = not up and redis_server.waits_for_start(settings)
        checks = [
            Check(name="installation", run=installation.python),
            Check(name="data folder", run=partial(installation.folder, settings)),
            Check(name="configuration", run=self._configuration),
            Check(name="redis", run=partial(redis_server.redis_server, settings, running=up)),
            Check(name="broker", run=partial(redis_server.broker, settings)),
            Check(name="database", run=partial(database.database, settings), within_s=15.0),
            Check(name="qdrant", run=partial(knowledge.qdrant, settings)),
            Check(name="index", run=partial(knowledge.index, whole, running=up), within_s=30.0),
            Check(name="approval numbers", run=partial(approvals.approvals, settings, self._bots), within_s=15.0),
            Check(
                name="language model",
                run=partial(models.language_models, settings),
                within_s=models.MODELS * models.LLM_WITHIN_S + 5.0,
            ),
            Check(name="embedding server", run=partial(models.embedding_server, settings), within_s=20.0),
            Check(
                name="speech service",
                run=partial(models.speech_service, settings),
                within_s=models.SPEECH_WITHIN_S + 5.0,
            ),
            Check(
                name=safety_desk.MAIL_SERVER,
                run=partial(safety_desk.mail_server, settings, self._bots),
                within_s=safety_desk.MAIL_WITHIN_S,
            ),
            *self._channel_checks(),
            Check(name="system", run=partial(running.system, settings, self._run)),
            Check(name="readiness", run=partial(running.readiness, settings, self._run)),
        ]
        if not waits:
            run = partial(running.queues, settings, list(self._bots.values()), running=up)
            checks.append(Check(name="queues", run=run))
        return checks

    def _configuration(self) -> list[Finding]:
        findings = [*self._configuration_findings, *configuration.public_url(self._settings)]
        findings += configuration.media_services(self._settings, self._bots)
        for bot in self._bots.values():
            own = {name: channel for (bot_id, name), channel in self._channels.items() if bot_id == bot.id}
            findings += [*configuration.bot(bot, own), safety_desk.desk(bot, own)]
        return findings

    def _channel_checks(self) -> list[Check]:
        checks = []
        for (bot, name), channel in self._channels.items():
            place = f"{bot}/{name}"
            checks += [
                Check(
                    name=f"channel {place}",
                    run=partial(self._channel, channel, place),
                    within_s=CHANNEL_WITHIN_S + 4.0,
                ),
            ]
            if not channel.limits.announces:  # nothing calls back a channel that only speaks
                checks.append(
                    Check(name=f"callback {place}", run=partial(self._callback, channel, place), within_s=30.0)
                )
        return checks

    def _channel(self, channel: Channel, place: str) -> list[Finding]:
        name = f"channel {place}"
        if self._asks_simulator and not self._answers(self._settings.wecom_api_base):
            detail = "the simulator, which plays the platform here, does not run"
            state = State.BROKEN if self._running else State.SKIPPED
            return [Finding(name=name, state=state, detail=detail, cure="make run, or set SIMULATOR=0")]
        found = channel.examine(time.time() + CHANNEL_WITHIN_S)
        return [replace(finding, name=f"{name} {finding.name}") for finding in found]

    def _callback(self, channel: Channel, place: str) -> list[Finding]:
        name, path = f"callback {place}", f"/callback/{place}"
        settings = self._settings
        if not self._running and "public_url" not in settings.model_fields_set:
            detail = f"nothing runs at {self._web}, and PUBLIC_URL is not set"
            return [Finding(name=name, state=State.SKIPPED, detail=detail, cure="make run")]
        url = f"{settings.public_url}{path}"
        return [callbacks.callback(url, channel.verification_request, name, f"{self._web}{path}")]

    @property
    def _asks_simulator(self) -> bool:
        return self._settings.simulator and "wecom_api_base" not in self._settings.model_fields_set

    @staticmethod
    def _answers(url: str) -> bool:
        parts = urlsplit(url)
        return get(f"{parts.scheme}://{parts.netloc}/")[0] != 0
