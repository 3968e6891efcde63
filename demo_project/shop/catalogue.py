"""A file of products: reading it, and writing what it says."""

import csv
import io

from pydantic import ValidationError

from actorqueues import Reject
from demo_project.shop.bodies import Item
from demo_project.shop.models import Product

COLUMNS = {"sku", "name", "price"}
MOST_LINES = 5_000


def read_lines(file: bytes) -> list[dict[str, str]]:
    """Raises ``Reject`` for what is no such file: trying again would not help."""
    try:
        reader = csv.DictReader(io.StringIO(file.decode("utf-8-sig")))
        lines = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Reject(f"This is no CSV file in UTF-8: {error}") from error
    if missing := COLUMNS - set(reader.fieldnames or ()):
        raise Reject(f"The first line must name the columns: {', '.join(sorted(missing))} not found.")
    if len(lines) > MOST_LINES:
        raise Reject(f"The file has {len(lines)} lines; {MOST_LINES} is the most.")
    return lines


def read_item(line: dict[str, str]) -> Item | str:
    """The product, or what is wrong with it."""
    try:
        return Item.model_validate({name: value for name, value in line.items() if name and value})
    except ValidationError as error:
        problem = error.errors()[0]
        return f"{line.get('sku') or 'a line without sku'}: {problem['loc'][0]}: {problem['msg'].lower()}"


def write_product(item: Item, imported_by: str) -> None:
    """Twice is as good as once."""
    price_cents = int(item.price * 100)
    values = {"name": item.name, "price_cents": price_cents, "stock": item.stock, "imported_by": imported_by}
    Product.objects.update_or_create(sku=item.sku, defaults=values)
