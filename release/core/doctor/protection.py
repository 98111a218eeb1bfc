"""Whether GitLab protects what lets a job release: tags, the branch, environments."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from release.core.config import Config
from release.core.doctor.facts import (
    DEVELOPER,
    NO_ONE,
    Grant,
    ProjectFacts,
    ProtectedBranch,
    ProtectedEnvironment,
    ProtectedTag,
    Unread,
)
from release.core.doctor.finding import Finding, advice, missing, ok, unknown
from release.core.identities import stages_of

_TAGS: Final = "Settings > Repository > Protected tags"
_BRANCHES: Final = "Settings > Repository > Branch rules"
_ENVIRONMENTS: Final = "Settings > CI/CD > Protected environments"
_SAMPLES: Final = ("0.0.1", "1.2.3", "12.34.56", "2.0.0-rc.1")


def about_protection(config: Config, facts: ProjectFacts) -> Iterator[Finding]:
    """Judge protected tags, the protected branch, and the environments of the stages."""
    yield from _tags(config, facts.tags)
    yield from _branch(config, facts.branches)
    yield from _environments(config, facts)


def covers(pattern: str, name: str) -> bool:
    """Tell whether a pattern of GitLab covers a name: `*` stands for anything, all else for itself.

    https://docs.gitlab.com/user/project/protected_tags/#wildcard-protected-tags
    """
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), name, re.DOTALL) is not None


def _tags(config: Config, tags: tuple[ProtectedTag, ...] | Unread) -> Iterator[Finding]:
    check, prefix = "protected tags", config.library.tag_prefix
    if isinstance(tags, Unread):
        yield unknown(check, tags.why, tags.mend)
        return
    open_ = [s for s in _SAMPLES if not any(covers(rule.name, prefix + s) for rule in tags)]
    if open_:
        yield missing(
            check,
            f"a tag such as {prefix}{open_[0]} is not protected",
            "release jobs do not start on it, and whoever may push can move or delete it",
            f"{_TAGS}: protect {prefix}*, allowed to create: those who may release",
        )
        return
    yield ok(check, f"all tags {prefix}* are protected")
    matching = [rule for rule in tags if any(covers(rule.name, prefix + s) for s in _SAMPLES)]
    grants = [grant for rule in matching for grant in rule.create]
    names = ", ".join(rule.name for rule in matching)
    yield from _creators(grants, names)


def _creators(grants: Sequence[Grant], names: str) -> Iterator[Finding]:
    check = "who may tag"
    if any(grant.who == "role" and grant.level == DEVELOPER for grant in grants):
        yield missing(
            check,
            f"every Developer may create tags of {names}",
            "whoever creates such a tag can write a job in it that runs with any stage's key",
            f"{_TAGS}: {names}: allow Maintainers, or a few named people (Premium)",
        )
    elif any(grant.who == "deploy key" for grant in grants):
        yield advice(
            check,
            f"a deploy key may create tags of {names}",
            "whoever has that key can start a release with a job of his own",
            f"{_TAGS}: {names}: take the deploy key away, unless a machine must tag",
        )
    elif not grants or all(grant.level == NO_ONE for grant in grants):
        yield advice(
            check,
            f"nobody may create tags of {names}",
            "nothing can be released",
            f"{_TAGS}: {names}: allow those who may release",
        )
    else:
        yield ok(check, f"Maintainers or named people may create tags of {names}")


def _branch(config: Config, branches: tuple[ProtectedBranch, ...] | Unread) -> Iterator[Finding]:
    check, name = "protected branch", config.library.protected_branch
    if isinstance(branches, Unread):
        yield unknown(check, branches.why, branches.mend)
        return
    rules = [rule for rule in branches if covers(rule.name, name)]
    if not rules:
        yield missing(
            check,
            f"{name} is not protected",
            "a release must be on it, so whoever may push decides what can be released; schedules get no keys",
            f"{_BRANCHES}: protect {name}",
        )
        return
    if any(rule.force_push for rule in rules):
        yield missing(
            check,
            f"{name} may be pushed to by force",
            "history that was released can be rewritten",
            f"{_BRANCHES}: {name}: do not allow force push",
        )
    elif any(grant.who == "role" and grant.level == DEVELOPER for rule in rules for grant in rule.push):
        yield advice(
            check,
            f"every Developer may push to {name}",
            ".gitlab-ci.yml and release.toml can change without a review",
            f"{_BRANCHES}: {name}: allowed to push: no one, so that merge requests are the only way",
        )
    else:
        yield ok(check, f"{name} is protected")
    if not any(rule.owners_approve for rule in rules):
        yield advice(
            "code owners",
            f"no approval of code owners is required on {name}",
            "CODEOWNERS says who should review .gitlab-ci.yml and release.toml; GitLab does not insist on it",
            f"{_BRANCHES}: {name}: require code owner approval (Premium)",
        )


def _environments(config: Config, facts: ProjectFacts) -> Iterator[Finding]:
    check = "environments"
    wanted = [f"release/{stage}" for stage in stages_of(config)]
    there = facts.environments
    if isinstance(there, Unread):
        yield unknown(check, there.why, there.mend)
    elif absent := [name for name in wanted if name not in there]:
        yield advice(
            check,
            f"not made yet: {', '.join(absent)}",
            "the first job makes them, and then they are not protected",
            "Operate > Environments > New environment, before the first release",
        )
    else:
        yield ok(check, f"{len(wanted)} environments of the stages are there")
    yield from _protected(config, wanted, facts.protected_environments)


def _protected(
    config: Config, wanted: Sequence[str], found: tuple[ProtectedEnvironment, ...] | Unread
) -> Iterator[Finding]:
    check, needed = "protected environments", "environment_protected" in _subject(config)
    why = "a hostile job on a protected tag gets the key of any environment that it names"
    if isinstance(found, Unread):
        if found.absent and not needed:
            yield advice(check, "this GitLab protects none (they are Premium)", why, "docs/gitlab.md: what remains")
        else:
            yield unknown(check, found.why, found.mend)
        return
    rules = {rule.name: rule for rule in found}
    if bare := [name for name in wanted if name not in rules]:
        say = missing if needed else advice
        more = "; no role is given without it ([keys.gitlab] subject)" if needed else ""
        yield say(check, f"not protected: {', '.join(bare)}", why + more, f"{_ENVIRONMENTS}: {', '.join(bare)}")
    else:
        yield ok(check, "the stages' environments are protected")
    promote = rules.get("release/promote")
    if promote and not promote.approvals and not config.approvals.required:
        yield advice(
            "who may promote",
            "release/promote needs nobody's approval, and neither does release.toml",
            "one person alone can release",
            f"{_ENVIRONMENTS}: release/promote: approval rules; or signed approvals: docs/approvals.md",
        )
    if wide := [name for name in wanted if name in rules and _is_wide(rules[name])]:
        yield advice(
            "who may deploy",
            f"every Developer may deploy to {', '.join(wide)}",
            "each of them can run a job with that stage's key on a protected tag",
            f"{_ENVIRONMENTS}: allow those who may release",
        )


def _is_wide(rule: ProtectedEnvironment) -> bool:
    return any(grant.who == "role" and grant.level == DEVELOPER for grant in rule.deploy)


def _subject(config: Config) -> Sequence[str]:
    gitlab = config.keys.gitlab
    return gitlab.subject if gitlab is not None and config.keys.kind == "roles" else ()
