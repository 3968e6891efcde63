"""What the shop's actors are told, what they answer and what they remember."""

from decimal import Decimal

from pydantic import BaseModel, Field


class CounterState(BaseModel):
    value: int = 0


class Increment(BaseModel):
    amount: int = 1


class Value(BaseModel):
    value: int


class Line(BaseModel):
    sku: str
    quantity: int = Field(default=1, ge=1)
    price_cents: int = Field(ge=0)


class CartState(BaseModel):
    lines: list[Line] = []
    paid: bool = False


class Total(BaseModel):
    lines: int
    cents: int


class Bill(BaseModel):
    order: str
    cents: int


class Catalogue(BaseModel):
    file: bytes = Field(max_length=300_000)


class Item(BaseModel):
    """A line of the file."""

    sku: str = Field(min_length=1, max_length=32)
    name: str = Field(min_length=1, max_length=100)
    price: Decimal = Field(ge=0, le=1_000_000, decimal_places=2)
    stock: int = Field(default=0, ge=0, le=1_000_000)


class Imported(BaseModel):
    products: int
    refused: list[str]


class Prompt(BaseModel):
    text: str = Field(min_length=1, max_length=500)


class Answer(BaseModel):
    text: str
    stopped: bool


class Turn(BaseModel):
    id: str
    prompt: str
    answer: Answer


class Chat(BaseModel):
    turns: list[Turn] = []


class Plan(BaseModel):
    messages: int = Field(ge=1, le=20_000)
    accounts: int = Field(ge=1, le=1_000)


class StormState(BaseModel):
    sent: int = 0


class Posting(BaseModel):
    storm: str
    number: int


class Ledger(BaseModel):
    sent: int
    waiting: int
    once: int
    lost: int
    doubled: int
    again: int
    accounts: dict[int, int]
