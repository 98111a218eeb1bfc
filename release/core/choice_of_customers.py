"""Which customers are meant: by name, by pattern, by label."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from release.core.customer import Customer
from release.core.shards import Shard, members
from release.errors import NothingToDoError


def choose(customers: Mapping[str, Customer], only: Sequence[str], shard: Shard | None) -> list[Customer]:
    """Choose customers, in the order of their names.

    Args:
        customers: all, by name.
        only: names, patterns such as `a*`, or labels such as `tier=gold`; one that fits is enough; none: all.
        shard: of those, only the ones that belong to it.

    Raises:
        NothingToDoError: nobody is meant, or one of `only` means nobody.
    """
    if not customers:
        raise NothingToDoError("there are no customers", hint="each has a file in the folder that [customers] names")
    chosen = set(customers) if not only else set[str]()
    for wish in only:
        found = set(_meant(customers.values(), wish))
        if not found:
            raise NothingToDoError(f"no customer is {wish!r}", hint="release customers list")
        chosen |= found
    if shard is not None:
        sizes = {name: size(customer) for name, customer in customers.items()}
        chosen &= set(members(sizes, shard.of)[shard.number - 1])
    return [customers[name] for name in sorted(chosen)]


def size(customer: Customer) -> int:
    """Give what a customer costs, against others: every one costs something, large configurations more."""
    return 1024 + len(customer.configuration_text)


def _meant(customers: Iterable[Customer], wish: str) -> Iterable[str]:
    label, equals, value = wish.partition("=")
    for customer in customers:
        if customer.file.labels.get(label) == value if equals else fnmatchcase(customer.name, wish):
            yield customer.name
