"""Flower's options, which it reads from this file (``--conf``): nobody comes in without the password, and who does may
look and change nothing, for what an operator may do is done, and told in the log, by ``python -m bot``."""

from flower.urls import handlers
from flower.views.monitor import Healthcheck, Metrics

from bot.links import installation_secret
from bot.settings import FLOWER_USER, load_settings

_settings = load_settings()

# These two of Flower's pages ask for no password and tell the workers' names; /metrics of web has what they have.
handlers[:] = [page for page in handlers if not (isinstance(page, tuple) and page[1] in (Healthcheck, Metrics))]

address = _settings.host
port = _settings.flower_port
basic_auth = [f"{FLOWER_USER}:{installation_secret(_settings.flower_password_path)}"]
read_only = True
max_tasks = 5000  # half a day of an idle system's; ten thousand would be another 20 MB
max_workers = 100
logging = "warning"
