"""Entry point for gunicorn: ``gunicorn bot.web.wsgi:app``."""

import os

from bot.settings import load_settings, prepare_process

prepare_process(load_settings())  # prometheus_client decides while it is imported where it counts

from bot.assembly import build_web  # noqa: E402
from bot.web.app import create_app  # noqa: E402

services = build_web()
services.reloader.start()
os.register_at_fork(after_in_child=services.reloader.start)  # `gunicorn --preload` forks after this, without threads
app = create_app(services)
