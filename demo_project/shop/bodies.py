"""What the shop's actors are told, what they answer and what they remember."""

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
    supplier: str
    products: int = Field(ge=1, le=10_000)


class Imported(BaseModel):
    products: int


class Prompt(BaseModel):
    text: str


class Answer(BaseModel):
    text: str
    stopped: bool


class Chat(BaseModel):
    answers: list[Answer] = []
