"""System checks: mistakes in settings, definitions and the database, each with what to write instead.

Errors are ``actorqueues.E…``, warnings ``actorqueues.W…``; ``docs/reference/checks.md`` lists them.
"""

from actorqueues.checks.databases import check_database, check_journal_mode, check_memory
from actorqueues.checks.permissions import check_permissions
from actorqueues.checks.pools import check_pool, check_pooler
from actorqueues.checks.project import check_definitions, check_settings, check_time_zones, check_times
from actorqueues.checks.routing import check_routing
from actorqueues.checks.serving import check_asgi, check_middleware

__all__ = [
    "check_asgi",
    "check_database",
    "check_definitions",
    "check_journal_mode",
    "check_memory",
    "check_middleware",
    "check_permissions",
    "check_pool",
    "check_pooler",
    "check_routing",
    "check_settings",
    "check_time_zones",
    "check_times",
]
