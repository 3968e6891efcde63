from channels.generic.websocket import AsyncWebsocketConsumer


class BareConsumer(AsyncWebsocketConsumer):
    """What a WebSocket costs that does nothing."""

    async def connect(self) -> None:
        await self.accept()
        await self.send('{"type":"hello"}')
