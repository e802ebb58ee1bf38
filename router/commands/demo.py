"""`python -m router demo`: a server, a sample caseload over real gRPC, and what ops would see."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import click
import grpc
import orjson

from router.commands.nearby import open_channel, read
from router.v1 import case_pb2, channel_router_pb2, channel_router_pb2_grpc, recommendation_pb2

# Of a laptop that does much else: a server that has ended is told at once.
_READY_SECONDS = 120.0


def plain_case(reference: str) -> case_pb2.Case:
    """Gives a case with everything known and no hindrance."""
    return case_pb2.Case(
        case_ref=reference,
        shielded=False,
        age_band=case_pb2.AGE_BAND_30_39,
        education_level=case_pb2.EDUCATION_LEVEL_BACHELOR,
        education_recognised=case_pb2.TRI_STATE_YES,
        job_situation=case_pb2.JOB_SITUATION_DISMISSED,
        months_since_last_work=2,
        worked_6_of_last_12_months=case_pb2.TRI_STATE_YES,
        weeks_registered=12,
        benefit_type=case_pb2.BENEFIT_TYPE_UNEMPLOYMENT,
        benefit_weeks_left=80,
        need_group=case_pb2.NEED_GROUP_GOOD_OPPORTUNITIES,
        main_goal=case_pb2.MAIN_GOAL_GET_WORK,
        self_assessed_need=case_pb2.SELF_ASSESSED_NEED_CAN_MANAGE,
        expected_weeks_to_job=8,
        applications_4w=6,
        plan_has_goal=case_pb2.TRI_STATE_YES,
        goal_by_user=case_pb2.TRI_STATE_YES,
        plan_activities_active=3,
        plan_activities_overdue=0,
        plan_user_created_percent=60,
        messages_90d=1,
        phone_talks_90d=1,
        video_talks_90d=0,
        office_talks_90d=0,
        days_since_personal_contact=14,
        digital_skill=case_pb2.DIGITAL_SKILL_STRONG,
        digital_access=case_pb2.DIGITAL_ACCESS_FULL,
        has_eid=case_pb2.TRI_STATE_YES,
        digitally_reserved=case_pb2.TRI_STATE_NO,
        manual_follow_up=case_pb2.TRI_STATE_NO,
        channel_preference=case_pb2.CHANNEL_PREFERENCE_PREFERS_DIGITAL,
        channel_preference_strength=2,
        travel_minutes_band=case_pb2.TRAVEL_MINUTES_BAND_20_TO_60,
        unemployed_per_100_vacancies=150,
        health_hindrance=case_pb2.HINDRANCE_NO,
        other_hindrance=case_pb2.HINDRANCE_NO,
        language_support=case_pb2.LANGUAGE_SUPPORT_NONE,
        can_use_phone=case_pb2.TRI_STATE_YES,
        no_shows_180d=0,
        unread_messages=0,
        days_since_user_plan_activity=3,
        days_waiting_for_agency_reply=0,
    )


def sample_caseload() -> list[tuple[str, case_pb2.Case]]:
    """Gives what a newcomer should see: eight people, and each way in which a case is not plain."""
    outside = plain_case("demo-11")
    outside.plan_user_created_percent = 900
    return [
        *eight_people(),
        ("shielded: no features sent", case_pb2.Case(shielded=True)),
        ("almost all unknown", case_pb2.Case(case_ref="demo-10", shielded=False)),
        ("900% of the plan own", outside),
    ]


def eight_people() -> list[tuple[str, case_pb2.Case]]:
    """Gives eight people whom different follow-up serves."""
    writes = plain_case("demo-2")
    writes.messages_90d = 6

    guidance = plain_case("demo-3")
    guidance.self_assessed_need = case_pb2.SELF_ASSESSED_NEED_WANTS_GUIDANCE
    guidance.need_group = case_pb2.NEED_GROUP_NEEDS_GUIDANCE
    guidance.weeks_registered, guidance.messages_90d = 2, 0
    guidance.channel_preference = case_pb2.CHANNEL_PREFERENCE_PREFERS_REMOTE_TALK
    guidance.channel_preference_strength = 3

    young = plain_case("demo-4")
    young.age_band, young.weeks_registered = case_pb2.AGE_BAND_18_24, 2
    young.need_group = case_pb2.NEED_GROUP_NEEDS_GUIDANCE
    young.digital_skill = case_pb2.DIGITAL_SKILL_WEAK
    young.channel_preference = case_pb2.CHANNEL_PREFERENCE_NO_PREFERENCE
    young.messages_90d = 0

    meeting = plain_case("demo-5")
    meeting.channel_preference = case_pb2.CHANNEL_PREFERENCE_PREFERS_MEETING
    meeting.channel_preference_strength = 3
    meeting.messages_90d = 0

    stuck = plain_case("demo-6")
    stuck.months_since_last_work, stuck.weeks_registered = 18, 20
    stuck.worked_6_of_last_12_months = case_pb2.TRI_STATE_NO
    stuck.need_group = case_pb2.NEED_GROUP_NEEDS_GUIDANCE
    stuck.plan_has_goal = stuck.goal_by_user = case_pb2.TRI_STATE_NO
    stuck.travel_minutes_band = case_pb2.TRAVEL_MINUTES_BAND_OVER_60
    stuck.channel_preference = case_pb2.CHANNEL_PREFERENCE_NO_PREFERENCE
    stuck.messages_90d = 0

    health = plain_case("demo-7")
    health.months_since_last_work, health.weeks_registered = 20, 60
    health.worked_6_of_last_12_months = case_pb2.TRI_STATE_NO
    health.need_group = case_pb2.NEED_GROUP_NEEDS_GUIDANCE_REDUCED_CAPACITY
    health.education_level = case_pb2.EDUCATION_LEVEL_COMPULSORY
    health.health_hindrance = case_pb2.HINDRANCE_YES
    health.plan_has_goal = health.goal_by_user = case_pb2.TRI_STATE_NO
    health.channel_preference = case_pb2.CHANNEL_PREFERENCE_NO_PREFERENCE

    reserved = plain_case("demo-8")
    reserved.digitally_reserved = case_pb2.TRI_STATE_YES
    return [
        ("can manage on their own", plain_case("demo-1")),
        ("can manage, likes to write", writes),
        ("wants guidance, by phone", guidance),
        ("young, digital is hard", young),
        ("wishes a meeting", meeting),
        ("stuck, no goal, far away", stuck),
        ("long out of work, health", health),
        ("opted out of digital", reserved),
    ]


def run_demo(models: Path, policies: Path) -> None:
    """Starts a server of its own, shows a sample caseload, and stops it.

    Raises:
        click.ClickException: if the server does not get ready.
    """
    with tempfile.TemporaryDirectory() as folder:
        # A process of its own: what is shown went over real gRPC, and nothing of it stays behind.
        command = [
            sys.executable,
            "-m",
            "router",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--metrics",
            "127.0.0.1:0",
        ]
        command += [
            "--models",
            str(models),
            "--policies",
            str(policies),
            "--journal",
            f"sqlite:///{folder}/demo.db",
        ]
        log = Path(folder) / "log"
        with log.open("wb") as out, subprocess.Popen(command, stderr=out) as server:
            try:
                listen, metrics = _addresses(server, log)
                _show_answers(listen)
                _show_metrics(metrics)
            finally:
                server.terminate()
    click.echo("\nKeep a server running, and ask it from another terminal:")
    click.echo("  make serve")
    click.echo("  .venv/bin/python examples/python/recommend.py")


def _addresses(server: subprocess.Popen[bytes], log: Path) -> tuple[str, str]:
    deadline = time.monotonic() + _READY_SECONDS
    # Port 0 is any free one: only the server's log tells which it became.
    while time.monotonic() < deadline and server.poll() is None:
        for line in log.read_bytes().splitlines():
            entry = orjson.loads(line) if line.startswith(b"{") else {}
            if entry.get("message") == "serving":
                return entry["listen"], entry["metrics"]
        time.sleep(0.05)
    code = server.poll()
    happened = (
        f"the server was not ready after {_READY_SECONDS:.0f} s: the machine is too busy, try again"
        if code is None
        else f"the server ended with exit code {code} before it was ready"
    )
    raise click.ClickException(f"{happened}; its log:\n{log.read_text() or '(empty)'}")


def _show_answers(listen: str) -> None:
    caseload = sample_caseload()
    click.echo(
        f"A server of its own answers {len(caseload)} invented cases over gRPC.\n"
        "min: adviser minutes in twelve weeks; digital: share of contacts that are; ms: per answer."
    )
    click.echo(
        f"\n{'case':<29}{'status':<18}{'mix':<20}{'min':>4}{'digital':>9}{'ms':>7}  first reason"
    )
    with open_channel(listen) as channel:
        router = channel_router_pb2_grpc.ChannelRouterStub(channel)
        grpc.channel_ready_future(channel).result(_READY_SECONDS)
        for name, case in caseload:
            click.echo(f"{name:<29}{_answer(router, case)}")

        name, case = caseload[0]
        told = router.Recommend(_asked(case), timeout=5).recommendation
        click.echo(f"\nWhat the user reads ({name}):\n")
        for paragraph in told.text.split("\n\n"):
            click.echo(textwrap.fill(paragraph, 100, initial_indent="  ", subsequent_indent="  "))

        # Metrics tell of twenty cases at once: these make up the number.
        more = [case for _, case in eight_people()] * 2
        router.RecommendBatch(channel_router_pb2.RecommendBatchRequest(cases=more), timeout=5)


def _asked(case: case_pb2.Case) -> channel_router_pb2.RecommendRequest:
    return channel_router_pb2.RecommendRequest(
        case=case, view=channel_router_pb2.VIEW_FULL, language=recommendation_pb2.LANGUAGE_EN
    )


def _answer(router: channel_router_pb2_grpc.ChannelRouterStub, case: case_pb2.Case) -> str:
    request = _asked(case)
    began = time.perf_counter()
    try:
        advice = router.Recommend(request, timeout=5).recommendation
    except grpc.RpcError as error:
        took = (time.perf_counter() - began) * 1000
        return f"{error.code().name:<42}{'':>9}{took:>7.1f}  {error.details()}"
    took = (time.perf_counter() - began) * 1000

    status = recommendation_pb2.Status.Name(advice.status).removeprefix("STATUS_")
    reason = advice.reasons[0].text if advice.reasons else advice.plan
    if not advice.mix.id:
        return f"{status:<18}{'-':<20}{'-':>4}{'-':>9}{took:>7.1f}  {reason}"

    mix, share = advice.mix, f"{advice.mix.digital_share:.0%}"
    figures = f"{mix.adviser_minutes:>4}{share:>9}{took:>7.1f}"
    return f"{status:<18}{mix.id:<20}{figures}  {reason}"


def _show_metrics(metrics: str) -> None:
    lines = read(f"http://{metrics}/metrics").splitlines()
    shown = ("router_recommendations_total{", "grpc_server_handled_total{", "router_model_info{")
    click.echo(f"\nFrom http://{metrics}/metrics, as Prometheus scrapes it:")
    for line in lines:
        # Series that are there from the start at 0 would drown the few that tell something.
        if line.startswith(shown) and not line.endswith(" 0.0"):
            click.echo(f"  {line}")
