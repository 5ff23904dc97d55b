"""Media stores that tests lend to channels."""

from pathlib import Path

from bot.media.store import MediaStore

NO_MEDIA = MediaStore(Path("/nonexistent"), keep_s=1.0)
"""For channels that send no media: nothing is ever found in it."""
