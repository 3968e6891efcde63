from django.db import models


class Product(models.Model):
    """What the shop sells. The importer writes these rows."""

    sku = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=100)
    price_cents = models.PositiveIntegerField()
    stock = models.PositiveIntegerField(default=0)
    imported_by = models.CharField(max_length=32, default="", db_index=True)  # the id of a message

    def __str__(self) -> str:
        return f"{self.name} ({self.sku})"


class Invoice(models.Model):
    """One paid order. Nothing here is unique: an order that was invoiced twice would show."""

    order = models.CharField(max_length=64, db_index=True)
    total_cents = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.order}: {self.total_cents / 100:.2f}"


class Entry(models.Model):
    """One line of the ledger: one message of a storm, handled. Nothing is unique: what is handled twice shows."""

    storm = models.CharField(max_length=64, db_index=True)
    account = models.PositiveIntegerField()
    number = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()  # above 1: a worker died with the message in flight

    def __str__(self) -> str:
        return f"{self.storm}: no. {self.number}"
