"""Celery: thin tasks that call the product. Nothing here knows a platform or a model."""
