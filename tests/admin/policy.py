"""The strict Content-Security-Policy of the browser tests."""

# The pages need no script, style or picture but the server's own files.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def under_policy(application):
    """Every answer comes with it."""

    async def answering(scope, receive, send):
        async def send_with_policy(message):
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"content-security-policy", POLICY.encode())]
                message = {**message, "headers": headers}
            await send(message)

        await application(scope, receive, send_with_policy)

    return answering
