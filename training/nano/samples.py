"""Training samples: lists of (role, text, trained?) turns."""

from __future__ import annotations

import random
from dataclasses import dataclass

from domain import FAMILIES
from names import COMMON, convention, pseudo_word, random_name
from negatives import negative
from protocol import (REFUSAL, Job, block, canonical_cases, code, plan, random_cases, review, run_wrong, source, spec, tests, wrong_variant)
from wording import make_goal, number_for

Turn = tuple[str, str, bool]
KEYS = list(FAMILIES)
WEIGHTS = {"spec": 0.36, "refuse": 0.15, "plan": 0.06, "tests": 0.14, "code": 0.10, "fix": 0.11, "review": 0.08}
ADVERSE_TWINS = ["add", "add_n", "multiply", "multiply_n", "power", "square", "max_list", "larger", "min_list", "smaller", "sum_list"]


def some_job(r: random.Random, cases: bool = True) -> Job:
    family = FAMILIES[r.choice(KEYS)]
    language = r.choice(["python", "typescript"])
    n = number_for(family, r, False)
    own = [x.replace("{n}", str(n)) for x in family.names]
    name = random_name(r, language, False, own) if r.random() < 0.8 else convention(own[0], language)
    return Job(family, language, name, n, random_cases(family, n, r) if cases else canonical_cases(family, n))


def sample_spec(r: random.Random) -> list[Turn]:
    key = r.choice(ADVERSE_TWINS) if r.random() < 0.15 else r.choice(KEYS)
    goal = make_goal(FAMILIES[key], r)
    job = Job(goal.family, goal.language, goal.name, goal.n, canonical_cases(goal.family, goal.n))
    return [("user", f"spec\n{goal.text}", False), ("assistant", spec(job), True)]


def sample_refusal(r: random.Random) -> list[Turn]:
    return [("user", f"spec\n{negative(r)}", False), ("assistant", REFUSAL, True)]


def sample_plan(r: random.Random) -> list[Turn]:
    job = some_job(r, r.random() < 0.6)
    return [("user", f"plan\n{spec(job)}", False), ("assistant", plan(job), True)]


def sample_tests(r: random.Random) -> list[Turn]:
    job = some_job(r, r.random() < 0.6)
    return [("user", f"tests\n{spec(job)}\n{plan(job)}", False), ("assistant", tests(job), True)]


def code_request(job: Job) -> Turn:
    return ("user", f"code\n{plan(job)}\n{spec(job)}\n{tests(job)}", False)


def sample_code(r: random.Random) -> list[Turn]:
    job = some_job(r, r.random() < 0.6)
    return [code_request(job), ("assistant", code(job), True)]


def sample_fix(r: random.Random) -> list[Turn]:
    job = some_job(r, r.random() < 0.6)
    turns = [code_request(job)]
    for _ in range(2 if r.random() < 0.2 else 1):
        for _ in range(12):
            wrong = wrong_variant(job, r)
            outcome = run_wrong(job, wrong, r)
            if outcome.failed > 0:
                break
        failure = outcome.failure or "timeout: no result after 60 s"
        if r.random() < 0.03:
            failure = "timeout: no result after 60 s"
        turns += [("assistant", block(job.file, job.language, wrong.source), False), ("user", f"failed\n{failure}", False)]
    return turns + [("assistant", code(job), True)]


def sample_review(r: random.Random) -> list[Turn]:
    job = some_job(r, r.random() < 0.6)
    total = len(job.cases)
    wrong = wrong_variant(job, r) if r.random() < 0.5 else None
    passed, failed = total, 0
    if wrong is not None:
        outcome = run_wrong(job, wrong, r)
        passed, failed = outcome.passed, outcome.failed
    text = source(job) if wrong is None else wrong.source
    request = f"review\n{spec(job)}\n{block(job.file, job.language, text)}\nTESTS: {passed} passed, {failed} failed"
    return [("user", request, False), ("assistant", review(job, wrong), True)]


def sample_echo(r: random.Random, most: int = 12) -> list[Turn]:
    """Plain copying: it makes the copying heads form early, and keeps them general."""
    words = []
    for _ in range(r.randint(1, most)):
        words.append(random_name(r, r.choice(["python", "typescript"]), False, COMMON) if r.random() < 0.75 else str(r.randint(-99, 999)))
    if r.random() < 0.3:
        words.append(pseudo_word(r, False).capitalize())
    text = "".join(word + r.choice([" ", " ", ", ", "\n", "(", ") ", " - ", " = ", ".", "\n- "]) for word in words)
    return [("user", f"echo\n{text}", False), ("assistant", text, True)]


SAMPLERS = {"spec": sample_spec, "refuse": sample_refusal, "plan": sample_plan, "tests": sample_tests, "code": sample_code, "fix": sample_fix, "review": sample_review}


SHORT_KINDS = {"spec": 0.15, "refuse": 0.05, "plan": 0.15}


@dataclass(frozen=True)
class Lesson:
    """A stretch of training. Copying comes first, in few words and small batches: the heads that copy
    form within some hundred steps on such text, and hardly at all on the long exchanges alone."""

    until: float
    echo: float
    words: int
    batch_tokens: int
    kinds: dict[str, float]


LESSONS = (
    Lesson(300, 1.0, 2, 768, WEIGHTS),
    Lesson(450, 1.0, 6, 1024, WEIGHTS),
    Lesson(750, 0.5, 12, 1536, SHORT_KINDS),
    Lesson(float("inf"), 0.02, 12, 2048, WEIGHTS),
)

# While the learning rate falls, half of the samples are specifications: they alone meet free wording.
# Goals outside the domain get a smaller share than before, since the guard refuses them as well.
SETTLING = Lesson(float("inf"), 0.02, 12, 2048, {"spec": 0.50, "refuse": 0.11, "plan": 0.06, "tests": 0.13, "code": 0.07, "fix": 0.07, "review": 0.06})

# Last, goals outside become rare. The line between the domain and its near misses is drawn by the guard,
# which knows every word; a model of this size that is shown many near misses refuses plain goals too.
POLISHING = Lesson(float("inf"), 0.02, 12, 2048, {"spec": 0.50, "refuse": 0.03, "plan": 0.05, "tests": 0.18, "code": 0.08, "fix": 0.09, "review": 0.07})
# At the very end, no goal outside at all: by then unfamiliar wording is what a refusal is said to, and telling the
# domain's own wordings apart is what is left to learn.
FINISHING = Lesson(float("inf"), 0.02, 12, 2048, {"spec": 0.62, "plan": 0.04, "tests": 0.14, "code": 0.07, "fix": 0.07, "review": 0.06})
STAGES = {"learn": LESSONS, "settle": (SETTLING,), "polish": (POLISHING,), "finish": (FINISHING,)}


def sample(r: random.Random, lesson: Lesson = LESSONS[-1]) -> list[Turn]:
    if r.random() < lesson.echo:
        return sample_echo(r, lesson.words)
    kind = r.choices(list(lesson.kinds), weights=list(lesson.kinds.values()))[0]
    return SAMPLERS[kind](r)
