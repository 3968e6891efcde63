from django.db import models


class Product(models.Model):
    """What the shop sells. The importer writes these rows."""

    sku = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=100)
    price_cents = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.name} ({self.sku})"


class Invoice(models.Model):
    """One paid order. Nothing here is unique: an order that was invoiced twice would show."""

    order = models.CharField(max_length=64, db_index=True)
    total_cents = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.order}: {self.total_cents / 100:.2f}"
