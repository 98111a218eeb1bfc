"""Findings as a JUnit report, which GitLab shows beside a pipeline (https://docs.gitlab.com/ci/testing/unit_test_reports/)."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

# https://www.w3.org/TR/xml/#charsets: XML cannot hold these at all.
_NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(suite: str, cases: Mapping[str, Sequence[str]]) -> str:
    """Give a report with one case for each thing that was checked; a case with findings failed."""
    failed = sum(bool(findings) for findings in cases.values())
    rows = [f'<testsuite name={_attribute(suite)} tests="{len(cases)}" failures="{failed}">']
    for name, findings in cases.items():
        rows.append(f"  <testcase classname={_attribute(suite)} name={_attribute(name)}>")
        if findings:
            rows.append(f"    <failure message={_attribute(findings[0])}>{_text(chr(10).join(findings))}</failure>")
        rows.append("  </testcase>")
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *rows, "</testsuite>", ""])


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))
