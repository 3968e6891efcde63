"""What must hold after every fault, compared with what the senders were told."""

from collections import Counter, defaultdict

from actorqueues.models import ActorInstance, DeadLetter, Message
from tests.playground.actors import Pages
from tests.playground.models import Ledger

TYPES = ("clerk", "teller")


class BrokenPromise(AssertionError):
    pass


def pages():
    """The committed state of every actor of the fault tests, by its key."""
    rows = ActorInstance.objects.filter(type__in=TYPES, state__isnull=False).values_list("key", "state")
    return {key: Pages.model_validate_json(state) for key, state in rows}


def settled():
    """How many messages have been acknowledged so far."""
    return sum(page.count for page in pages().values())


def broken_promises(account):
    """Yields each one in words. To be asked when nothing is on its way any more."""
    yield from account.wrong
    if left := Message.objects.count():
        yield f"{left} messages are still stored"
    for letter in DeadLetter.objects.all():
        yield f"message {letter.uid.hex} ended in the dead letters ({letter.reason}): {letter.error}"
    folds, ledgers = pages(), read_ledger()
    for (key, sender), sent in account.sent.items():
        page = folds.get(key, Pages())
        yield from broken_by_actor(key, sender, sent, page)
        if key.startswith("forward"):
            yield from broken_by_forwarding(key, sender, sent, page, folds.get(f"{key}, heard", Pages()))
        if key.startswith(("file", "copy")):
            yield from broken_in_ledger(key, sender, sent, page, ledgers[key, sender])
    for key, page in folds.items():
        if page.count != (known := sum(len(entered(page, sender)) for sender in senders_of(page))):
            yield f"{key} acknowledged {page.count} messages, of which {page.count - known} twice"
    for message_id, lines in doubled_lines().items():
        yield f"message {message_id} has {lines} lines in the ledger, written in its own transaction"


def senders_of(page):
    return {*page.runs, *(sender for sender, _ in page.disorder)}


def entered(page, sender):
    """The numbers of this sender that the actor has acknowledged."""
    numbers = {number for first, last in page.runs.get(sender, ()) for number in range(first, last + 1)}
    return numbers | {number for name, number in page.disorder if name == sender}


def broken_by_actor(key, sender, sent, page):
    got = entered(page, sender)
    if lost := sent.sure - got:
        yield f"{key} lost {shown(lost)} of {sender}"
    if strange := got - sent.sure - sent.doubtful:
        yield f"{key} got {shown(strange)} of {sender}, who never sent that"
    for numbers in sent.unclear:
        if numbers & got and numbers - got:
            yield f"{key} got {shown(numbers & got)} of {sender}, without {shown(numbers - got)} of the same call"
    yield from broken_order(key, sender, sent, page)


def broken_order(key, sender, sent, page):
    """A send whose answer was lost may have committed after a later one. Nothing else comes late."""
    if late := {number for name, number in page.disorder if name == sender} - sent.doubtful:
        yield f"{key} got {shown(late)} of {sender} out of order, or twice"


def broken_by_forwarding(key, sender, sent, page, heard):
    if entered(page, sender) != entered(heard, sender):
        difference = entered(page, sender) ^ entered(heard, sender)
        yield f"{key} and whom it forwards to disagree about {shown(difference)} of {sender}"
    yield from broken_order(f"whom {key} forwards to", sender, sent, heard)


def broken_in_ledger(key, sender, sent, page, lines):
    """Where a line commits by itself it may be repeated, but none is skipped or swapped."""
    numbers = list(dict.fromkeys(lines))
    if set(numbers) != (got := entered(page, sender)):
        yield f"the ledger of {key} and its state disagree about {shown(set(numbers) ^ got)} of {sender}"
    ordered = [number for number in numbers if number not in sent.doubtful]
    if ordered != sorted(ordered):
        yield f"the ledger of {key} has the lines of {sender} out of order"


def read_ledger():
    lines = defaultdict(list)
    for key, sender, number in Ledger.objects.order_by("id").values_list("actor_key", "note", "value"):
        lines[key, sender].append(number)
    return lines


def doubled_lines():
    lines = Counter(Ledger.objects.filter(actor_key__startswith="file").values_list("message_id", flat=True))
    return {message_id: number for message_id, number in lines.items() if number > 1}


def crashes_counted():
    """Of each settled message whose worker died under it: how often that was counted."""
    return {message_id: count for page in pages().values() for message_id, count in page.crashes.items()}


def failures_counted():
    return {message_id: count for page in pages().values() for message_id, count in page.failures.items()}


def shown(numbers):
    few = sorted(numbers)[:10]
    return f"{len(numbers)} messages ({', '.join(map(str, few))}{', …' if len(numbers) > 10 else ''})"
