from django.apps import AppConfig


class PlaygroundConfig(AppConfig):
    name = "tests.playground"
    label = "playground"
