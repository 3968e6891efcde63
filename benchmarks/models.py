from django.db import models


class Bare(models.Model):
    """The table that ``baseline`` makes."""

    body = models.TextField()

    class Meta:
        managed = False
        db_table = "bare"
