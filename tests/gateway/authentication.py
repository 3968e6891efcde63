from django.contrib.auth import get_user_model
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed


class BearerIsName(TokenAuthentication):
    """``Authorization: Bearer ada`` is the user ada: who one is, is not what these tests are about."""

    keyword = "Bearer"

    def authenticate_credentials(self, key):
        user = get_user_model().objects.filter(username=key).first()
        if user is None:
            raise AuthenticationFailed("No such token.")
        return user, key
