"""Whether AWS would give a job the role that its identity token asks for."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from release.core.config import Config
from release.core.doctor.finding import Finding, missing, ok, unknown
from release.core.doctor.protection import covers
from release.core.id_token import AUDIENCE, audiences, claims, subjects
from release.core.identities import stages_of
from release.core.key_section import GitLab

VARIABLE: Final = "RELEASE_ID_TOKEN"
_CHECK: Final = "identity token"


def about_token(config: Config, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Hold a job's token against the trust policies; nothing where there is none, or where the stages are users.

    The token itself is never shown. What it says of project, ref and environment is.
    """
    token, gitlab = environment.get(VARIABLE, ""), config.keys.gitlab
    if not token or gitlab is None or config.keys.kind != "roles":
        return
    said = claims(token)
    if said is None:
        yield unknown(_CHECK, f"{VARIABLE} is no identity token", "id_tokens: RELEASE_ID_TOKEN: aud: release-<stage>")
        return
    stage = next((one for one in stages_of(config) if audiences(token) == [AUDIENCE + one]), None)
    if said.get("iss") != gitlab.url.rstrip("/"):
        yield missing(
            _CHECK,
            f"its issuer is {said.get('iss')}, [keys.gitlab] url is {gitlab.url}",
            "AWS's identity provider is that of another issuer: no job gets a role",
            "release.toml: [keys.gitlab] url, as GitLab writes it in its tokens",
        )
    elif stage is None:
        yield missing(
            _CHECK,
            f"its audience is {', '.join(audiences(token)) or 'none'}",
            "it is that of no stage, so that no role takes it",
            "id_tokens: RELEASE_ID_TOKEN: aud: release-<stage>",
        )
    else:
        yield _judged(config, gitlab, stage, said)


def _judged(config: Config, gitlab: GitLab, stage: str, said: Mapping[str, Any]) -> Finding:
    patterns, subject = subjects(config, gitlab, stage), str(said.get("sub"))
    if any(covers(pattern, subject) for pattern in patterns):
        return ok(_CHECK, f"AWS gives this job the role of {stage}")
    return missing(
        _CHECK,
        f"its sub is {subject}, the role of {stage} takes {patterns[0]}",
        f"this job does not get the role of {stage}",
        "compare part by part: another environment or ref, one that is not protected, or the project's setting "
        "ci_id_token_sub_claim_components",
    )
