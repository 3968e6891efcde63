"""What may be shown of stored data to a person who operates actors."""

from __future__ import annotations

import json
import logging
from typing import Any, Final
from weakref import WeakSet

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext_lazy

from actorqueues.definitions.actor import Actor
from actorqueues.definitions.redaction import Kind, masked
from actorqueues.definitions.registry import registry

logger = logging.getLogger("actorqueues.access")

HIDDEN: Final = gettext_lazy("(not shown: hiding its secrets failed, see the log)")
told: WeakSet[type[Actor[Any]]] = WeakSet()


def redacted(type_name: str, kind: Kind, name: str, value: Any) -> Any:
    """``value`` (parsed JSON) as the actor's class lets people see it. Never raises.

    ``name``: the wire name of the queue or event; "" for state and input. A type without code here gets the default
    masks. What fails shows nothing: an error in a hook must not be the way to a secret.
    """
    actor_class = registry.find(type_name)
    try:
        shown = masked(value) if actor_class is None else actor_class.redact(kind, name, value)
        return json.loads(json.dumps(shown, cls=DjangoJSONEncoder))  # whatever it gave, pages can show it
    except Exception:
        if actor_class is None:
            logger.exception("%s of a %s cannot be redacted and is not shown", kind, type_name)
        elif actor_class not in told:
            told.add(actor_class)
            logger.exception("%s.redact() failed; nothing it is asked for is shown", actor_class.__qualname__)
        return str(HIDDEN)
