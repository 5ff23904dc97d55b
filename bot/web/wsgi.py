"""Entry point for gunicorn: ``gunicorn bot.web.wsgi:app``."""

from bot.settings import load_settings, prepare_process

prepare_process(load_settings())  # prometheus_client decides while it is imported where it counts

from bot.assembly import build_web  # noqa: E402
from bot.web.app import create_app  # noqa: E402

app = create_app(build_web())
