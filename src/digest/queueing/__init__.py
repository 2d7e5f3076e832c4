"""The Celery app, the names of queues and tasks, and how background work starts."""
