"""The customers of a library: their files, and a workspace for each."""

import dataclasses
from pathlib import Path

from release.adapters.directory import Directory
from release.compose.library import Workspace
from release.core.customer import LARGEST, Customer, of_customer, parse_customer
from release.errors import ConfigError


def customers_of(work: Workspace) -> dict[str, Customer]:
    """Read all customers' files, in the order of their names.

    Raises:
        ConfigError: the library has none, or a file is wrong.
    """
    section = work.config.customers
    if section is None or work.customer is not None:
        raise ConfigError(
            f"{work.file.name} has no [customers]", hint="name the library's release.toml; docs/customers.md"
        )
    folder = Directory(work.folder / section.folder, within=work.folder)
    found = {}
    for path in folder.paths():
        if "/" in path or not path.endswith(".toml"):
            continue
        customer = parse_customer(folder.read(path, limit=LARGEST) or b"", file=f"{section.folder}/{path}")
        library = (work.folder / section.folder / customer.file.customer_of).resolve()
        if library != work.library.resolve():
            raise ConfigError(f"{section.folder}/{path} is of another library", hint=f"it says {library}")
        found[customer.name] = customer
    return found


def workspace_of(work: Workspace, customer: Customer) -> Workspace:
    """Open a customer's workspace."""
    return dataclasses.replace(work, file=file_of(work, customer), config=of_customer(work.config, customer))


def file_of(work: Workspace, customer: Customer) -> Path:
    """Give the path of a customer's file."""
    folder = work.config.customers.folder if work.config.customers else ""
    return work.folder / folder / f"{customer.name}.toml"
