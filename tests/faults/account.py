"""What the senders were told, added up."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field

SURE = {"sent", "many", "keyed", "asked"}  # the send returned: it is stored


@dataclass
class Sent:
    """Of one sender to one actor."""

    sure: set[int] = field(default_factory=set)
    unclear: list[set[int]] = field(default_factory=list)
    """Each the numbers of one call whose answer was lost: all of them are stored, or none."""

    @property
    def doubtful(self):
        return set().union(*self.unclear)


class Account:
    def __init__(self):
        self.kinds = Counter()
        self.sent = defaultdict(Sent)  # by the actor's key and the sender
        self.wrong = []
        self.has_ended = set()

    @property
    def total(self):
        return sum(len(sent.sure) for sent in self.sent.values())

    def read(self, sender, path):
        for line in path.read_text().splitlines(keepends=True):
            if line.endswith("\n"):  # else it is being written
                self.add(sender, json.loads(line))

    def add(self, sender, line):
        kind = line["kind"]
        self.kinds[kind] += 1
        if kind in SURE:
            self.sent[" ".join(line["address"]), sender].sure.update(line["numbers"])
        elif kind == "unclear":
            self.sent[" ".join(line["address"]), sender].unclear.append(set(line["numbers"]))
        elif kind == "wrong":
            self.wrong.append(f"{sender} got a wrong reply from {line['address']}: {line['reply']}")
        elif kind == "end":
            self.has_ended.add(sender)
            if line["owed"]:
                self.wrong.append(f"{sender} never got the replies to {line['owed']}")


def account_of(records):
    """``records``: the file of each sender."""
    account = Account()
    for sender, path in records.items():
        account.read(sender, path)
    return account
