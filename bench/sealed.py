"""Problems written by somebody who had not seen the learner, and reported once.

Nothing is tuned on them. What a problem is does not turn on the seed; only its cases do. Gains of
the oracle are those of 200,000 cases with seed 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.plans import Problem
from training.learning.scores import Floats

UNKNOWN = np.nan

# Of `office_markets`: what each office's labour market is, and the mix it is fondest of. Offices
# are numbered as they were opened, so that near numbers say nothing.
TIGHT, SLACK, DECLINING = 0, 1, 2
MARKETS = np.array([0, 2, 1, 0, 0, 1, 2, 0, 1, 1, 0, 2, 0, 1, 2, 0, 1, 0, 2, 1, 0, 2, 0, 1])
HABITS = np.array([1, 0, 2, 4, 0, 3, 2, 2, 0, 1, 3, 4, 1, 4, 0, 0, 2, 2, 3, 0, 4, 1, 0, 3])

# Of `turning_dose`: how used advisers are to each amount; round ones come first to mind.
ROUND = np.array([1.2, 0.0, 0.2, 1.3, 0.0, 1.0, -0.6, -0.2, 0.6, -0.8, -0.4, -0.8])
ADVISERS = 80


def wide_register(n: int, seed: int) -> Problem:
    """Draws four mixes whose effects are smooth in three of 63 columns, most of them noise.

    Wage, tenure and own search matter, in curves and in pairs. Twelve columns are echoes of the
    three from earlier years, some of them unknown; 45 are noise of the kinds that registers hold.

    The oracle gains 2.8 points over the best single mix.
    """
    random = np.random.default_rng(seed)
    # Natural logarithms, standardised: effects are smooth on the scale of shares.
    wage, tenure, search = random.normal(0, 1, (3, n))
    tenure = 0.35 * wage + np.sqrt(1 - 0.35**2) * tenure
    age = np.clip(random.normal(41 + 3 * tenure, 11, n), 18, 67).round()
    children = random.poisson(0.7, n).astype(float)
    days = random.gamma(1.5, 60, n).round()

    base = (
        -0.75
        + 0.30 * wage
        - 0.10 * tenure
        + 0.25 * np.tanh(search)
        - 0.015 * (age - 41)
        - 0.003 * (days - 90)
    )
    effects = np.column_stack(
        [
            np.zeros(n),
            -0.02 + 0.40 * np.tanh(wage - 0.5 * search),
            -0.12 + 0.65 * np.exp(-((wage + 0.2) ** 2 + (tenure - 0.3) ** 2) / 1.6),
            -0.05 - 0.40 * np.tanh(search) + 0.25 * np.tanh(wage * tenure),
        ]
    )

    # Advisers look at the wage, at age and at how long it has lasted, not at search.
    need = -0.6 * wage + 0.03 * (age - 41) + 0.006 * (days - 90)
    wish = np.array([0.8, 0.3, 0.2, -0.3]) + need[:, None] * np.array([-0.6, -0.2, 0.3, 0.6])

    known = [
        (38 * np.exp(0.35 * wage)).round(1),
        (4 * np.exp(0.8 * tenure)).round(1),
        (6 * np.exp(0.5 * search)).round(1),
        age,
        children,
        days,
    ]
    earlier = [
        _forgotten(0.8 * number + 0.6 * random.normal(0, 1, n), 0.04 * year, random).round(2)
        for number in (wage, tenure, search)
        for year in range(1, 5)
    ]
    noise = [
        *random.normal(0, 1, (15, n)).round(2),
        *random.poisson(1.5, (15, n)),
        *(random.random((10, n)) < 0.15),
        *random.lognormal(2, 1, (5, n)).round(1),
    ]
    return _logged([*known, *earlier, *noise], base, effects, [5, 20, 45, 120], wish, 0.08, random)


def rare_groups(n: int, seed: int) -> Problem:
    """Draws six mixes, three of them of use to one small group each and a loss to all others.

    Each group is one case in twenty, where two or three fields meet; advisers go by one of them
    only. Three in four cases were given one of the two light mixes.

    The oracle gains 3.5 points over the best single mix.
    """
    random = np.random.default_rng(seed)
    age = np.clip(random.normal(39, 13, n), 18, 67).round()
    school = random.choice(5, n, p=[0.08, 0.22, 0.35, 0.22, 0.13]).astype(float)
    abroad = random.random(n) < 0.22
    years = np.where(abroad, np.minimum(random.gamma(1.5, 5, n).round(), age), age)
    # The language is tested only of those who came from abroad.
    language = np.where(
        abroad, np.clip(random.normal(1 + 0.25 * years, 1.2, n).round(), 0, 5), UNKNOWN
    )
    mental = (random.random(n) < 0.13).astype(float)
    pain = (random.random(n) < 0.2).astype(float)
    wants = np.clip(random.normal(3.3, 1.1, n).round(), 1, 5)
    months = random.gamma(1.3, 6, n).round()
    children = random.poisson(0.8, n).astype(float)

    supported = (mental > 0) & (wants >= 4)
    apprentice = (age < 27) & (school <= 1)
    bridged = abroad & (years <= 8) & (school >= 3)

    base = (
        0.1
        + 0.15 * (school - 2)
        - 0.7 * mental
        - 0.3 * pain
        + 0.12 * (wants - 3)
        - 0.03 * months
        - 0.3 * (abroad & (years <= 8))
        - 0.015 * np.maximum(age - 45, 0)
    )
    # Of little use to most, as trials find: a call helps a little, and what takes long holds back.
    effects = np.tile([0.0, 0.08, 0.03, -0.12, -0.12, -0.18], (n, 1))
    effects[:, 3] += 1.1 * apprentice
    effects[:, 4] += 1.1 * bridged
    effects[:, 5] += 1.3 * supported

    need = 0.8 * mental + 0.4 * pain + 0.05 * months - 0.2 * (school - 2)
    wish = np.tile([2.2, 1.8, 0.6, -0.7, -0.7, -0.9], (n, 1))
    wish[:, 1] += 0.5 * need
    wish[:, 2] += 0.4 * need
    wish[:, 3] += 1.6 * (age < 27)
    wish[:, 4] += 1.6 * abroad
    wish[:, 5] += 1.8 * mental

    rows = [age, school, years, language, mental, pain, wants, months, children]
    return _logged(rows, base, effects, [5, 30, 45, 60, 90, 200], wish, 0.09, random)


def office_markets(n: int, seed: int) -> Problem:
    """Draws five mixes whose effects turn on the labour market of 24 offices, crossed with skill.

    A market is tight, slack or declining. The log has the office's number only, and vacancies,
    which tell tight from the others but not slack from declining. Each office has a habit, and
    offices differ in whom they meet and in how many find work: much of the confounding is theirs.

    The oracle gains 5.2 points over the best single mix.
    """
    random = np.random.default_rng(seed)
    offices = len(MARKETS)
    # Towns are larger than villages.
    size = 1 / (3 + np.arange(offices))
    office = random.choice(offices, n, p=size / size.sum())
    market = MARKETS[office]
    tight, slack, declining = market == TIGHT, market == SLACK, market == DECLINING

    skill = random.normal(0.25 * tight - 0.25 * declining, 1, n)
    age = np.clip(random.normal(41 + 4 * declining, 12, n), 18, 67).round()
    vacancies = np.clip(random.normal(0.5 + 0.5 * tight, 0.12, n), 0.05, None).round(2)
    car = (random.random(n) < 0.65).astype(float)
    months = random.gamma(1.4, 5, n).round()

    base = (
        -0.35
        + 0.5 * tight
        - 0.25 * declining
        + 0.35 * skill
        - 0.01 * (age - 41)
        - 0.03 * (months - 7)
        + 0.15 * car
    )
    low, high = _sigmoid(-3 * skill), _sigmoid(3 * (skill - 0.2))
    effects = np.column_stack(
        [
            np.zeros(n),
            # A course on the net pays the skilled where there is work to apply for.
            -0.10 + 0.45 * tight * high,
            # Employers take whom the office sends when they lack people, and only then.
            -0.05 + 0.55 * tight * low - 0.15 * slack + 0.05 * declining,
            # Moving pays those whose skills are asked for elsewhere.
            -0.15 + 0.65 * slack * high * (0.6 + 0.4 * car) + 0.20 * declining * high,
            # Retraining pays where the old trade is gone, and locks in everybody else.
            -0.30 + 0.85 * declining * low + 0.35 * slack * low,
        ]
    )

    habit = 1.3 * (np.arange(5) == HABITS[office][:, None])
    need = -0.7 * skill + 0.06 * (months - 7)
    wish = habit + need[:, None] * np.array([-0.5, -0.3, 0.2, 0.0, 0.5])

    number = office + 101
    rows = [number, skill.round(2), age, vacancies, car, months]
    # Employer contact and moving take an adviser as long.
    return _logged(rows, base, effects, [5, 20, 40, 40, 150], wish, 0.08, random)


def turning_dose(n: int, seed: int) -> Problem:
    """Draws twelve amounts of one follow-up, with a turning point that moves with the person.

    More helps up to the point and holds back beyond it. The point moves with distance from work,
    in curves and with one jump. Advisers go by duration and age, each with a leniency that nobody
    records and that has no part in the outcome; round amounts are given most.

    The oracle gains 2.3 points over the best single mix.
    """
    random = np.random.default_rng(seed)
    minutes = np.array([5, 10, 20, 30, 45, 60, 80, 100, 130, 160, 200, 240])
    # Twice as long is one step, wherever it begins: 0 is the least and 1 the most.
    dose = np.log(minutes / minutes[0]) / np.log(minutes[-1] / minutes[0])

    age = np.clip(random.normal(43, 12, n), 18, 67).round()
    months = np.clip(random.lognormal(1.8, 0.9, n), 0, 84).round()
    confidence = np.clip(random.normal(5.5, 2, n).round(), 0, 10)
    plan = (random.random(n) < 0.45).astype(float)
    carer = (random.random(n) < 0.15).astype(float)
    jobs = random.poisson(3, n).astype(float)
    skipped = random.poisson(0.6, n).astype(float)

    far = 0.9 * np.log1p(months / 6) - 0.45 * (confidence - 5.5) - 0.9 * plan + 0.5 * skipped - 0.1
    # Who cares for others at home has no time for much, whatever the need.
    turning = np.where(carer > 0, 0.15, 0.1 + 0.8 * _sigmoid(far))

    base = (
        -1.5
        - 0.35 * np.log1p(months / 6)
        + 0.08 * (confidence - 5.5)
        + 0.06 * (jobs - 3)
        - 0.015 * (age - 43)
        - 0.2 * carer
    )
    # Too much is worse than too little: it takes the time to search.
    past = dose - turning[:, None]
    effects = 0.5 - np.where(past > 0, 3.8, 2.6) * past**2

    leniency = np.linspace(-1.5, 1.5, ADVISERS)[random.integers(0, ADVISERS, n)]
    wanted = _sigmoid(0.9 * np.log1p(months / 6) - 1.1 + 0.02 * (age - 43) + 0.6 * leniency)
    wish = ROUND - 7 * (dose - wanted[:, None]) ** 2

    rows = [age, months, confidence, plan, carer, jobs, skipped]
    return _logged(rows, base, effects, minutes, wish, 0.12, random)


def unanswered_form(n: int, seed: int) -> Problem:
    """Draws three mixes that suit the young and the old oppositely, and a form not all answer.

    Digital suits the young and a meeting the old, unless the form says otherwise: who never opened
    it needs a meeting at any age, and who skips when work is expected needs a call. The wage is
    unknown by chance, and that tells nothing. Seven in ten were given the digital mix.

    The oracle gains 4.0 points over the best single mix.
    """
    random = np.random.default_rng(seed)
    age = np.clip(random.normal(40, 14, n), 18, 67).round()
    school = random.integers(0, 5, n).astype(float)
    months = random.gamma(1.2, 4, n).round()
    wage = random.normal(0, 1, n)

    unopened = random.random(n) < 0.10 + 0.08 * (school < 2)
    unsure = ~unopened & (random.random(n) < 0.2)
    digital = np.clip(random.normal(3.6 - 0.02 * (age - 40), 1, n).round(), 1, 5)
    applications = random.poisson(4, n).astype(float)
    expected = np.clip(random.gamma(2, 2, n).round(), 1, 12)

    base = (
        0.75
        + 0.12 * (school - 2)
        + 0.25 * wage
        - 0.05 * (months - 5)
        - 0.02 * np.maximum(age - 50, 0)
        - 0.5 * unopened
        - 0.2 * unsure
        + np.where(unopened, 0, 0.05 * (applications - 4))
    )
    old = np.tanh((age - 43) / 10)
    able = np.where(unopened, 0, digital - 3.5)
    effects = np.column_stack(
        [
            0.05 - 0.25 * old * ~unopened + 0.12 * able - 0.35 * unopened,
            -0.02 + 0.40 * unsure,
            -0.10 + 0.30 * old * ~unopened + 0.40 * unopened,
        ]
    )

    # Silence worries advisers some, and a low wage too where they know it.
    shown = _forgotten(wage, 0.2, random)
    need = 0.06 * (months - 5) - 0.3 * np.nan_to_num(shown) + 0.8 * unopened + 0.02 * (age - 40)
    wish = np.array([2.0, 0.6, 0.0]) + need[:, None] * np.array([-0.4, 0.2, 0.5])

    rows = [
        age,
        school,
        months,
        (40 * np.exp(0.3 * shown)).round(1),
        np.where(unopened, UNKNOWN, digital),
        np.where(unopened, UNKNOWN, applications),
        np.where(unopened | unsure, UNKNOWN, expected),
    ]
    return _logged(rows, base, effects, [5, 30, 75], wish, 0.06, random)


def _sigmoid(logit: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logit)))


def _forgotten(number: Floats, share: float, random: np.random.Generator) -> Floats:
    """Makes a share of the cells unknown by lot, so that what is unknown tells nothing."""
    return np.where(random.random(len(number)) < share, UNKNOWN, number)


def _logged(
    rows: Sequence[NDArray[Any]],
    base: Floats,
    effects: Floats,
    minutes: Sequence[float] | NDArray[Any],
    wish: Floats,
    lot: float,
    random: np.random.Generator,
) -> Problem:
    """Logs what advisers chose and what came of it.

    Args:
        rows: columns of the log, each (n,).
        base: (n,) logit of success, whatever the mix.
        effects: (n, mixes) what each mix adds to it.
        minutes: (mixes,).
        wish: (n, mixes) how much advisers lean to each mix, as logits.
        lot: share of the choices that are made at random, so that everybody may get every mix.
        random: of the choices and outcomes.
    """
    lean = np.exp(wish - wish.max(axis=1, keepdims=True))
    lean /= lean.sum(axis=1, keepdims=True)
    chance = (1 - lot) * lean + lot / wish.shape[1]
    # The last sum may be a hair below 1, and no draw may fall beyond it.
    reached = chance.cumsum(axis=1)
    reached[:, -1] = 1
    mix = (reached > random.random(len(base))[:, None]).argmax(axis=1)

    each = np.arange(len(base))
    truth = _sigmoid(base[:, None] + effects)
    return Problem(
        rows=np.column_stack(rows).astype(float),
        mix=mix,
        outcome=(random.random(len(base)) < truth[each, mix]).astype(float),
        truth=truth,
        minutes=np.array(minutes, dtype=float),
        propensity=chance[each, mix],
    )


SEALED: dict[str, Callable[[int, int], Problem]] = {
    "wide_register": wide_register,
    "rare_groups": rare_groups,
    "office_markets": office_markets,
    "turning_dose": turning_dose,
    "unanswered_form": unanswered_form,
}
