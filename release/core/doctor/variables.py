"""Whether each stage's key is a variable of its own environment, protected and masked, and is seen nowhere else."""

from collections.abc import Iterator, Sequence
from typing import Final

from release.core.config import Config
from release.core.doctor.facts import Unread, Variable
from release.core.doctor.finding import Finding, missing, ok, unknown
from release.core.identities import ROTATE, stages_of

ROLE: Final = "AWS_ROLE_ARN"
STATIC: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
LOG_KEY: Final = "RELEASE_LOG_KEY"
LOG_KEY_FILE: Final = "RELEASE_LOG_KEY_FILE"
TOKEN: Final = "RELEASE_GITLAB_TOKEN"  # noqa: S105 - the name of a variable
# What a job must not get from the project: it names a key, or changes which one is used.
_KEYS: Final = frozenset({ROLE, *STATIC, LOG_KEY, LOG_KEY_FILE, TOKEN, "AWS_SESSION_TOKEN", "AWS_PROFILE"})
_SECRET: Final = frozenset({"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", LOG_KEY, TOKEN})
_PLACE: Final = "Settings > CI/CD > Variables"


def about_variables(config: Config, variables: tuple[Variable, ...] | Unread) -> Iterator[Finding]:
    """Judge a project's own variables; those that it inherits from groups are not among them."""
    if isinstance(variables, Unread):
        yield unknown("variables", variables.why, variables.mend)
        return
    stages = stages_of(config)
    for stage in stages:
        mine = {v.key: v for v in variables if v.scope == _scope(stage)}
        yield from _key(config, stage, mine)
        if stage == "record":
            yield from _log_key(mine)
    yield from _strays(variables, _allowed(config, stages), {_scope(stage) for stage in stages})
    yield from _flags([v for v in variables if v.key in _KEYS])


def _key(config: Config, stage: str, mine: dict[str, Variable]) -> Iterator[Finding]:
    check, scope = f"key of {stage}", _scope(stage)
    roles = config.keys.kind == "roles"
    wanted, other = ((ROLE,), STATIC) if roles else (STATIC, (ROLE,))
    if absent := [name for name in wanted if name not in mine]:
        yield missing(
            check,
            f"{' and '.join(absent)} with the scope {scope} is not there",
            f"the {stage} jobs have no key",
            "release keys provision --gitlab",
        )
    elif both := [name for name in other if name in mine]:
        yield missing(
            check,
            f"{' and '.join(both)} with the scope {scope} is there besides {' and '.join(wanted)}",
            "a job with two keys stops",
            f"{_PLACE}: delete {' and '.join(both)}",
        )
    else:
        yield ok(check, f"{' and '.join(wanted)} with the scope {scope}")


def _log_key(mine: dict[str, Variable]) -> Iterator[Finding]:
    check, found = "log key", [name for name in (LOG_KEY, LOG_KEY_FILE) if name in mine]
    mend = f"{_PLACE}: {LOG_KEY_FILE} of type File, scope {_scope('record')}, protected"
    if len(found) != 1:
        what = f"neither {LOG_KEY} nor {LOG_KEY_FILE}" if not found else f"both {LOG_KEY} and {LOG_KEY_FILE}"
        yield missing(check, f"{what} with the scope {_scope('record')}", "no log entry can be signed", mend)
    elif found == [LOG_KEY_FILE] and not mine[LOG_KEY_FILE].file:
        yield missing(check, f"{LOG_KEY_FILE} is not of type File", "it must name a file, and holds the key", mend)
    elif found == [LOG_KEY] and not mine[LOG_KEY].raw:
        yield missing(
            check,
            f"references in {LOG_KEY} are expanded",
            "a $ in it is replaced, and the key is another one",
            f"{_PLACE}: {LOG_KEY}: clear 'Expand variable reference'",
        )
    else:
        yield ok(check, f"{found[0]} with the scope {_scope('record')}")


def _allowed(config: Config, stages: Sequence[str]) -> set[tuple[str, str]]:
    """Give which key may have which scope."""
    names = (ROLE,) if config.keys.kind == "roles" else STATIC
    keys = {(name, _scope(stage)) for stage in stages for name in names}
    log = {(name, _scope("record")) for name in (LOG_KEY, LOG_KEY_FILE)}
    return keys | log | {(TOKEN, _scope(ROTATE)), (TOKEN, _scope("doctor"))}


def _strays(variables: Sequence[Variable], allowed: set[tuple[str, str]], scopes: set[str]) -> Iterator[Finding]:
    found = False
    for variable in variables:
        told = variable.key in {ROLE, *STATIC} and variable.scope in scopes  # with its stage, as a second kind of key
        if variable.key in _KEYS and (variable.key, variable.scope) not in allowed and not told:
            found = True
            yield missing(
                "keys elsewhere",
                f"{variable.key} has the scope {variable.scope}",
                "jobs that are not its stage's see it",
                f"{_PLACE}: delete {variable.key} of {variable.scope}; if anybody could read it, renew the key",
            )
    if not found:
        yield ok("keys elsewhere", "no key has another scope than its stage's")


def _flags(keys: Sequence[Variable]) -> Iterator[Finding]:
    bad = False
    for variable in keys:
        where = f"{variable.key} of {variable.scope}"
        if not variable.protected:
            bad = True
            yield missing(
                "protected variables",
                f"{where} is not protected",
                "jobs of any branch and of merge requests can name that environment and get it",
                f"{_PLACE}: {where}: Protect variable",
            )
        if variable.key in _SECRET and not variable.masked:
            bad = True
            yield missing(
                "masked variables",
                f"{where} is not masked",
                "a job that prints it shows it in its log",
                f"{_PLACE}: {where}: Masked and hidden; a hidden one must be made anew",
            )
    if keys and not bad:
        yield ok("protected variables", "all keys are protected, and secrets are masked")


def _scope(stage: str) -> str:
    return f"release/{stage}"
