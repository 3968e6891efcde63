"""The URLs of one test, which puts into ``urlpatterns`` what it wants there."""

urlpatterns = []
