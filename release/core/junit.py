"""Findings as a JUnit report, which GitLab shows beside a pipeline (https://docs.gitlab.com/ci/testing/unit_test_reports/)."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

# https://www.w3.org/TR/xml/#charsets: XML cannot hold these at all.
_NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(suite: str, cases: Mapping[str, Sequence[str]], skipped: Mapping[str, str] | None = None) -> str:
    """Give a report with one case for each thing there is to check; a case with findings failed.

    Args:
        suite: what was checked.
        cases: the findings of each case.
        skipped: why a case was not judged, for those that were not; findings are said all the same.
    """
    untold = {name: why for name, why in (skipped or {}).items() if not cases[name]}
    failed = sum(bool(findings) for findings in cases.values())
    counts = f'tests="{len(cases)}" failures="{failed}" skipped="{len(untold)}"'
    rows = [f"<testsuite name={_attribute(suite)} {counts}>"]
    for name, findings in cases.items():
        rows.append(f"  <testcase classname={_attribute(suite)} name={_attribute(name)}>")
        if findings:
            rows.append(f"    <failure message={_attribute(findings[0])}>{_text(chr(10).join(findings))}</failure>")
        if name in untold:
            rows.append(f"    <skipped message={_attribute(untold[name])}/>")
        rows.append("  </testcase>")
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *rows, "</testsuite>", ""])


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))
