"""What answers under no fitting approval number (审批号): it was approved before the bot asked for one."""

from collections.abc import Iterable, Mapping

from sqlalchemy.exc import SQLAlchemyError

from bot.bots_file import BotConfig
from bot.doctor.database import is_there
from bot.errors import Unavailable
from bot.finding import Finding, State
from bot.knowledge.approval import in_words, rules_of, unfit_numbers
from bot.knowledge.store import KnowledgeStore
from bot.records.database import Database
from bot.settings import Settings

_NAMED = 3
"""Documents that a finding names."""


def approvals(settings: Settings, bots: Mapping[str, BotConfig]) -> list[Finding]:
    """A finding for each collection of a bot that asks for approval numbers; nothing where none does."""
    asking = [bot for bot in bots.values() if bot.safety.approval_number is not None]
    if not asking or not is_there(settings):
        return []
    try:
        database = Database(settings.database_url)
    except (ImportError, SQLAlchemyError):
        return [Finding(name="approval numbers", state=State.SKIPPED, detail="needs the database")]
    try:
        store = KnowledgeStore(database)
        return [_collection(store, bots, bot, collection) for bot in asking for collection in bot.knowledge]
    except (Unavailable, SQLAlchemyError):
        return [Finding(name="approval numbers", state=State.SKIPPED, detail="needs the database")]
    finally:
        database.dispose()


def _collection(store: KnowledgeStore, bots: Mapping[str, BotConfig], bot: BotConfig, collection: str) -> Finding:
    name = f"approval numbers {bot.id}/{collection}"
    rules = rules_of(bots, bot.tenant, collection)
    answering = store.approved_numbers(bot.tenant, collection)
    unfit = {
        source: numbers
        for source, audience, number in answering
        if (numbers := unfit_numbers([(audience, number)], rules))
    }
    if not unfit:
        sources = {source for source, _, _ in answering}
        return Finding(name=name, state=State.OK, detail=f"{len(sources)} documents, each as bots.yaml asks")
    detail = f"{len(unfit)} documents answer without a fitting number: {_words(unfit.items())}"
    cure = "ingest them again with --approval-number NUMBER --approve, or withdraw them: /kb withdraw"
    return Finding(name=name, state=State.WARNING, detail=detail, cure=cure)


def _words(unfit: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    named = [f"{source} ({in_words(numbers)})" for source, numbers in unfit]
    return ", ".join(named[:_NAMED]) + (", …" if len(named) > _NAMED else "")
