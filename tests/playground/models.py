from django.db import models


class Ledger(models.Model):
    """What actors did, one line a deed. Nothing is unique here: a deed that was done twice has two lines."""

    actor_key = models.CharField(max_length=255)
    message_id = models.CharField(max_length=64, db_index=True)
    value = models.BigIntegerField(default=0)
    note = models.TextField(default="", blank=True)
    written_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.actor_key} {self.value} {self.message_id}"
