"""A language model, offline: it has read a few pages, and says what could come next."""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PAGES = Path(__file__).parent / "data" / "musings.txt"
ORDER = 2  # words that decide about the next one
ENOUGH = 140  # words; then it ends with its sentence


class LanguageModel:
    """N-grams: for every two words in a row, all words that ever followed them."""

    def __init__(self, text: str) -> None:
        words = text.split()
        self.following: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for place in range(len(words) - ORDER):
            self.following[tuple(words[place : place + ORDER])].append(words[place + ORDER])
        sentences = [sentence.split() for sentence in re.split(r"(?<=[.?])\s+", text.strip())]
        self.openings = [(tuple(sentence[:ORDER]), stems(sentence)) for sentence in sentences]

    def answer(self, question: str, seed: str) -> Iterator[str]:
        """Word by word. The same seed gives the same words: a second attempt says what the first one said."""
        choice = random.Random(seed)
        context = choice.choice(self.openings_for(question))
        yield from context
        said = ORDER
        while said < ENOUGH or not ends_sentence(context[-1]):
            nexts = self.following.get(context)
            if not nexts:  # the last words of the last page
                return
            word = choice.choice(nexts)
            yield word
            said += 1
            context = (*context[1:], word)

    def openings_for(self, question: str) -> list[tuple[str, ...]]:
        """Of the sentences that have most words in common with the question."""
        asked = stems(question.split())
        most = max(len(asked & known) for _, known in self.openings)
        return [opening for opening, known in self.openings if len(asked & known) == most]


def ends_sentence(word: str) -> bool:
    return word.endswith((".", "?"))


def stems(words: Iterable[str]) -> set[str]:
    """Words that say what it is about, without their endings."""
    return {word.strip(".,?!:").lower().rstrip("s") for word in words if len(word) > 4}


@cache
def language_model() -> LanguageModel:
    """Trained once a process, in some milliseconds."""
    return LanguageModel(PAGES.read_text())
