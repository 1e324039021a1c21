"""How long it takes to make a context: the modules' import counts, the first job does not."""

from peer import context, measure

kept = []


def job() -> str:
    kept.append(context())
    return "a context"


measure(job, runs=1)
kept[0].stop()
