"""The entry for a public algorithm register, as JSON.

Keys are those of the Dutch Algoritmeregister's publication standard 1.0 (general, responsible use,
functioning), in its order; under "more" stands what Norwegian public registers ask for besides: who
is affected, how decisive it is, how it performs and for whom, how to complain. What only the agency
can say is marked "[AGENCY: ...]" and must be filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.evaluation.figures import Difference, Estimate, Figures
from training.evaluation.gate import Verdict
from training.report.first_screen import first_screen
from training.report.groups import in_order
from training.report.words import COMPARED, confounding_words, heterogeneity_words, hours, names
from training.version.card import fingerprint

STANDARD_VERSION = "1.0"
_RIGHTS = "docs/fundamental-rights-assessment.md"
_LAWS = (
    ("GDPR art. 6(1)(e), art. 9(2)(g), art. 22", "https://eur-lex.europa.eu/eli/reg/2016/679/oj"),
    (
        "AI Act, Annex III 5(a), art. 9-15, 26, 27, 86",
        "https://eur-lex.europa.eu/eli/reg/2024/1689/oj",
    ),
    ("NAV-loven §§ 14 a, 15", "https://lovdata.no/lov/2006-06-16-20"),
    ("Forvaltningsloven §§ 11, 13, 15 a", "https://lovdata.no/lov/1967-02-10"),
    ("eForvaltningsforskriften §§ 8-9", "https://lovdata.no/forskrift/2004-06-25-988"),
)
_SHORT = (
    "Gives an adviser advice on one job seeker's case: how to mix digital self-service and "
    "personal follow-up, and why. The adviser decides, and can always give more."
)
_GOAL = (
    "To use advisers' time where it helps people most, and to keep personal contact for those "
    "who need it. The advice has to do with users of the employment service. It bears on how, "
    "how often and in which order they meet an adviser. It is not a formal decision, and does "
    "not touch benefits."
)
_PROPORTIONALITY = (
    "Each field is a number with bounds, or a choice. There are no names, identity numbers, "
    "gender, origin or health records. There is no free text, and no trace of clicks. Fields on "
    "health, language and missed meetings can only add human contact. In learning they adjust "
    "for who got which mix. We compared simpler rules: today's rule, and each mix for all."
)
_HUMAN = (
    "An adviser decides every case together with the user. The adviser sees reasons and "
    "alternatives, and can choose any other mix. Advisers alone look at cases that are rare, "
    "little known or too close to call. A user can always ask for an adviser. Each office must "
    "watch how often advisers depart from the advice, both ways. Too seldom is as bad a sign as "
    "too often."
)
_RISKS = (
    "A version decides only after it meets a gate of published conditions, and a person "
    "promotes it. Safeguards are hard rules, and tests try them on every value. Values by group "
    "with intervals are part of the gate. The agency watches drift, unknown values and how the "
    "advice spreads. It can go back to an older version. The record keeps all advice."
)
_METHODS = (
    "We estimate propensities and outcomes across folds, and join them to doubly robust scores. "
    "Least squares without negative weights joins a set of learners to a stack. The stack "
    "becomes tables that we add up: one number for each value of a field and mix. So reasons "
    "are exact. The tables do not learn while in use."
)
_UNIT = "share of test cases that reach their goal, 0 to 1, with 90% intervals"
_BY_GROUP = "value, gain over the logged practice, minutes and mixes by group, none under 50 cases"


def register_entry(
    figures: Figures, verdict: Verdict, manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """Gives the register entry of a version, ready for `json.dumps`.

    Raises:
        ValueError: if the figures have no candidate.
    """
    screen = first_screen(figures, verdict)
    return {
        "name": "Channel router",
        "organization": _agency("full name of the organisation"),
        "description_short": _SHORT,
        # The standard's own words, which are Dutch; so are those of the status.
        "category": ["Werk", "Sociale zekerheid"],
        "status": "In ontwikkeling"
        if figures.synthetic or not verdict.passed
        else _agency("In gebruik when in use"),
        "begin_date": _agency("YYYY-MM of first use"),
        "end_date": None,
        "contact_email": _agency("e-mail"),
        "website": _agency("page about the service"),
        "publication_category": "Hoog-risico AI-systeem",
        "url": _agency("this entry in the agency's own register"),
        "goal": _GOAL,
        "proportionality": _PROPORTIONALITY,
        "human_intervention": _HUMAN,
        "risks": _RISKS,
        "lawful_basis": "; ".join(law for law, _ in _LAWS)
        + ". "
        + _agency("confirm, and add the national basis"),
        "lawful_basis_grouping": [{"title": law, "link": link} for law, link in _LAWS],
        "process_index_url": None,
        "impacttoetsen": "DPIA and fundamental-rights impact assessment; "
        + _agency("date and outcome of each"),
        "impacttoetsen_grouping": [
            {"title": "Data Protection Impact Assessment (DPIA)", "link": "docs/dpia.md"},
            {"title": "Fundamental rights impact assessment (AI Act art. 27)", "link": _RIGHTS},
        ],
        "source_data": _source_data(figures, manifest),
        "source_data_grouping": [
            {"title": f"Logged cases, SHA-256 {fingerprint(manifest)}", "link": None}
        ],
        "methods_and_models": _METHODS,
        "provider": _agency("supplier, if any"),
        "publiccode": _agency("address of the source code"),
        "lang": "ENG",
        "standard_version": STANDARD_VERSION,
        "source_id": figures.version,
        "tags": "employment, adviser support, policy learning, additive model",
        "revision_date": figures.trained_at[:10],
        "more": _more(figures, verdict, manifest)
        | {"verdict": f"{screen.answer}. {screen.sentence}"},
    }


def _agency(what: str) -> str:
    return f"[AGENCY: {what}]"


def _source_data(figures: Figures, manifest: Mapping[str, Any]) -> str:
    kind = "Simulated" if figures.synthetic else "Logged"
    dates = manifest.get("training", {}).get("dates")
    told = f", decided {' to '.join(dates)}" if dates else ""
    fields = "; ".join(f"{f.name} ({', '.join(f.roles)})" for f in figures.fields)
    counts = f"{figures.trained_on} for learning, {figures.held_out.cases} for testing"
    return f"{kind} cases{told}: {counts}. Fields and roles: {fields}."


def _more(figures: Figures, verdict: Verdict, manifest: Mapping[str, Any]) -> dict[str, Any]:
    candidate = figures.policy("candidate")
    return {
        "synthetic": figures.synthetic,
        "version": figures.version,
        "trained_at": figures.trained_at,
        "digests": manifest.get("sha256"),
        "affected": "Users of the employment service whose adviser asks for advice",
        "decisive": "Advice to an adviser; never a formal decision with legal effect (vedtak)",
        "self_learning": False,
        "performance": {
            "unit": _UNIT,
            "held_out_cases": figures.held_out.cases,
            "gains": {
                than: _gain(one)
                for than in COMPARED
                if (one := figures.difference(than)) is not None
            },
            "minutes_a_case": candidate.minutes if candidate else None,
            "hours_per_1000_cases": hours(candidate.minutes) if candidate else None,
            "calibration_slope": _interval(figures.calibration.slope),
            "heterogeneity": heterogeneity_words(figures),
            "hidden_confounding": list(confounding_words(figures)),
            "abstention": figures.abstention,
        },
        "non_discrimination": {
            "method": _BY_GROUP,
            "groups": [
                {
                    "field": g.field,
                    "source": g.source,
                    "group": g.group,
                    "cases": g.cases,
                    "gain": _interval(g.gain),
                }
                for g in in_order(figures)
                if not g.suppressed and g.gain is not None
            ],
        },
        "gate": {
            "version": verdict.version,
            "passed": verdict.passed,
            "not_met": [condition.name for condition in verdict.conditions if not condition.passed],
        },
        "mixes": {mix: names().both(mix) for mix in figures.logged_mixes},
        "complaint": _agency("how to complain, and to whom"),
        "data_protection_officer": _agency("contact"),
        "retention": _agency("how long recommendations are kept"),
    }


def _gain(one: Difference) -> dict[str, float]:
    return _interval(one.outcome) | {"minutes_a_case": one.minutes}


def _interval(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
