"""Whether reports of adverse events reach anybody: the mail server, and who is to hear of each bot's cases."""

from collections.abc import Mapping

from bot.bots_file import BotConfig
from bot.channel import Channel
from bot.doctor.redaction import place_of
from bot.errors import MailError
from bot.finding import Finding, State
from bot.mail import Mailer
from bot.safety.cases.ledger import desk_of
from bot.settings import Settings

MAIL_SERVER = "mail server"
MAIL_WITHIN_S = 65.0
"""As long as one mail may take."""


def mail_server(settings: Settings, bots: Mapping[str, BotConfig]) -> list[Finding]:
    """The server of SMTP_URL is asked for a greeting, and lets us in; no mail is sent."""
    writing = [bot.id for bot in bots.values() if bot.safety.email and not bot.safety.off]
    mailer = Mailer.from_settings(settings)
    if mailer is None or settings.smtp_url is None:
        if writing:
            detail = f"SMTP_URL is unset, and the reports of {', '.join(writing)} wait for it"
            return [Finding(name=MAIL_SERVER, state=State.BROKEN, detail=detail, cure="set SMTP_URL")]
        return [Finding(name=MAIL_SERVER, state=State.OK, detail="none set, and no bot names a mailbox")]
    place = place_of(settings.smtp_url)
    try:
        mailer.greet()
    except MailError as error:
        detail = f"{place} does not take us: {error.code}"
        wrong = "its user and password" if error.code == "smtp_535" else "it, or its server"
        cure = f"correct SMTP_URL: {wrong}"
        return [Finding(name=MAIL_SERVER, state=State.BROKEN, detail=detail, cure=cure)]
    used = f"reports of {', '.join(writing)}" if writing else "no bot names a mailbox (safety.email)"
    return [Finding(name=MAIL_SERVER, state=State.OK, detail=f"{place} answers; {used}")]


def desk(bot: BotConfig, channels: Mapping[str, Channel]) -> Finding:
    """Who hears of the cases of ``bot``, whose channels are ``channels``, and whether they can be written to."""
    name = f"safety desk {bot.id}"
    people, boxes = desk_of(bot), bot.safety.email
    if bot.safety.off:
        return Finding(name=name, state=State.OK, detail="no messages are screened (safety.off)")
    if not people and not boxes:
        cure = "name a safety.desk or a safety.email, or screen nothing: safety: {off: true}"
        return Finding(name=name, state=State.BROKEN, detail="nobody hears of a report", cure=cure)
    if people and not any(channel.limits.pushes for channel in channels.values()):
        state = State.WARNING if boxes else State.BROKEN
        detail = "no channel of it can write to the desk" + (", mails go all the same" if boxes else "")
        return Finding(name=name, state=state, detail=detail, cure="give the bot a wecom-app channel")
    unnamed = "" if bot.safety.desk or not people else " (no safety.desk is named)"
    called = ", ".join((*people, *boxes))
    return Finding(name=name, state=State.OK, detail=f"{called} hear of a report{unnamed}")
