"""Entry point for gunicorn: ``gunicorn 'bot.web.wsgi:app'``."""

from bot.assembly import build_web
from bot.web.app import create_app

app = create_app(build_web())
