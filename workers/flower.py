"""What Flower looks at: Celery's broker, and nothing else of ours. Apart from :mod:`workers.app`, whose process counts
what it does and answers people."""

from bot.settings import load_settings
from bot.task_queue import create_celery

app = create_celery(load_settings().broker_url)
