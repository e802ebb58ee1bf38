"""Asks a running server for a mix, and tells it what was chosen: recommend.py [HOST:PORT]."""

import argparse
import sys

from channel_router_client import ChannelRouterClient, ChannelRouterError, new_case_ref
from channel_router_client.v1 import (
    case_pb2,
    channel_router_pb2,
    feedback_pb2,
    recommendation_pb2,
)

case = case_pb2.Case(
    case_ref=new_case_ref(),
    shielded=False,
    age_band=case_pb2.AGE_BAND_30_39,
    education_level=case_pb2.EDUCATION_LEVEL_UPPER_SECONDARY,
    education_recognised=case_pb2.TRI_STATE_YES,
    job_situation=case_pb2.JOB_SITUATION_DISMISSED,
    months_since_last_work=4,
    worked_6_of_last_12_months=case_pb2.TRI_STATE_YES,
    weeks_registered=12,
    benefit_type=case_pb2.BENEFIT_TYPE_UNEMPLOYMENT,
    benefit_weeks_left=60,
    need_group=case_pb2.NEED_GROUP_NEEDS_GUIDANCE,
    main_goal=case_pb2.MAIN_GOAL_GET_WORK,
    self_assessed_need=case_pb2.SELF_ASSESSED_NEED_WANTS_GUIDANCE,
    expected_weeks_to_job=20,
    applications_4w=5,
    plan_has_goal=case_pb2.TRI_STATE_YES,
    goal_by_user=case_pb2.TRI_STATE_YES,
    plan_activities_active=2,
    plan_activities_overdue=0,
    plan_user_created_percent=50,
    messages_90d=3,
    phone_talks_90d=1,
    video_talks_90d=0,
    office_talks_90d=0,
    days_since_personal_contact=30,
    digital_skill=case_pb2.DIGITAL_SKILL_OK,
    digital_access=case_pb2.DIGITAL_ACCESS_FULL,
    has_eid=case_pb2.TRI_STATE_YES,
    digitally_reserved=case_pb2.TRI_STATE_NO,
    manual_follow_up=case_pb2.TRI_STATE_NO,
    channel_preference=case_pb2.CHANNEL_PREFERENCE_NO_PREFERENCE,
    channel_preference_strength=1,
    travel_minutes_band=case_pb2.TRAVEL_MINUTES_BAND_20_TO_60,
    unemployed_per_100_vacancies=180,
    health_hindrance=case_pb2.HINDRANCE_NO,
    other_hindrance=case_pb2.HINDRANCE_NO,
    language_support=case_pb2.LANGUAGE_SUPPORT_NONE,
    can_use_phone=case_pb2.TRI_STATE_YES,
    no_shows_180d=0,
    unread_messages=0,
    days_since_user_plan_activity=6,
    days_waiting_for_agency_reply=0,
)

parser = argparse.ArgumentParser(description="Ask a running server for a mix of a made-up case.")
parser.add_argument(
    "address",
    nargs="?",
    default="127.0.0.1:50051",
    metavar="HOST:PORT",
    help="of the server (default: %(default)s)",
)
target = parser.parse_args().address
try:
    with ChannelRouterClient(target, language=recommendation_pb2.LANGUAGE_EN) as router:
        advice = router.recommend(case, view=channel_router_pb2.VIEW_FULL)
        # Adviser and user talk, and agree on the mix that was advised.
        choice = router.record_choice(
            advice.decision_id, advice.mix.id, wished_by=feedback_pb2.WISHED_BY_BOTH
        )
except ChannelRouterError as error:
    sys.exit(f"{target}: {error}")

status = recommendation_pb2.Status.Name(advice.status)
print(status, advice.mix.id, f"{advice.mix.adviser_minutes} minutes")
for element in advice.mix.elements:
    name = recommendation_pb2.Channel.Name(element.channel)
    print(f"  {name}: {element.contacts} x {element.minutes} minutes")
for reason in advice.reasons:
    print(" -", reason.text)
print(advice.notice)
print("choice recorded:", feedback_pb2.ChoiceDirection.Name(choice.direction))
