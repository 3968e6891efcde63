from django.apps import AppConfig
from django.conf import settings as django_settings
from django.utils.translation import gettext_lazy as _


class ActorQueuesConfig(AppConfig):
    """Wires the parts: finds each app's ``actors.py``, hands the classes their clients, registers the checks."""

    name = "actorqueues"
    verbose_name = _("Actor queues")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from actorqueues import checks  # noqa: F401  registers itself
        from actorqueues.client.clients import DatabaseClients
        from actorqueues.definitions import ports
        from actorqueues.definitions.registry import registry

        ports.clients = DatabaseClients()
        registry.discover()
        if getattr(django_settings, "CHANNEL_LAYERS", None):
            from actorqueues.consumers import layer
            from actorqueues.events import publishing

            publishing.publish = layer.publish
