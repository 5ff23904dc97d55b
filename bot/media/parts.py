"""What media are fetched, read, kept and asked with, built from the settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from bot.channel import Channel
from bot.knowledge.calibration import SURE, Calibration
from bot.media.fetch import MEGABYTE, FetchLimits, MediaFetcher
from bot.media.own_evidence import OwnEvidence
from bot.media.own_files import OwnFiles
from bot.media.parsing.sandbox import Sandbox
from bot.media.reading import MediaReader
from bot.media.speech import SpeechService
from bot.media.store import MediaStore
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.knowledge_service import KnowledgeService
    from bot.llm.model import LanguageModel


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaParts:
    """``keep_s`` is how long what people send is kept, and can be asked about, in seconds."""

    store: MediaStore
    fetcher: MediaFetcher
    reader: MediaReader
    files: OwnFiles
    evidence: OwnEvidence
    keep_s: float

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        store: MediaStore,
        channels: Mapping[tuple[str, str], Channel],
        knowledge: "KnowledgeService",
        model: "LanguageModel | None",
    ) -> Self:
        """The parts the settings name; files are searched with the model and the tokenizer of ``knowledge``."""
        limits = FetchLimits(
            max_bytes=settings.media_max_mb * MEGABYTE, fetch_s=settings.media_fetch_s, keep_s=settings.ask_file_s
        )
        vision = None
        if model is not None and settings.vision_model:
            from bot.media.vision import Vision  # with the model comes its library

            vision = Vision(model)
        files = OwnFiles(store, settings.ask_file_s)
        evidence = OwnEvidence(files, knowledge.embedder, knowledge.tokenizer, Calibration.shipped(), SURE)
        return cls(
            store=store,
            fetcher=MediaFetcher(store, channels, limits),
            reader=MediaReader(Sandbox(), vision, _speech(settings)),
            files=files,
            evidence=evidence,
            keep_s=settings.ask_file_s,
        )


def _speech(settings: Settings) -> SpeechService | None:
    if settings.speech_base_url is None or settings.speech_model is None:
        return None
    key = settings.speech_api_key.get_secret_value() if settings.speech_api_key else ""
    return SpeechService(settings.speech_base_url, settings.speech_model, key, settings.speech_timeout_s)
