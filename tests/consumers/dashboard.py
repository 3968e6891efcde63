from channels.generic.websocket import AsyncJsonWebsocketConsumer

from actorqueues.consumers.layer import actor_group, user_group
from tests.consumers.actors import Parrot


class Dashboard(AsyncJsonWebsocketConsumer):
    """A project's own, as the documentation has it: it hears through the channel layer."""

    async def connect(self):
        await self.channel_layer.group_add(actor_group(Parrot.get_or_create("x")), self.channel_name)
        if self.scope["user"].is_authenticated:
            await self.channel_layer.group_add(user_group(self.scope["user"]), self.channel_name)
        await self.accept()
        await self.send_json({"type": "hello"})

    async def actor_event(self, message):
        await self.send_json(message)
