"""Knowledge that lies elsewhere, brought into a folder that :mod:`bot.knowledge.ingest` reads: a Git repository, the
pages that a sitemap names."""
