"""At how many iterations each attack is read: rates at unequal budgets do not compare."""

import pandas as pd


def steps_read(rows: pd.DataFrame) -> dict[str, int]:
    """The number of iterations each condition is read at, by condition.

    Untargeted conditions, whoever's pictures they show, are read at one number: the largest that
    all of them reach. One without exactly that number is read at its largest below, or, where it
    has none below, at its smallest. Others, such as targeted ones that need some hundred steps and
    noise that needs none, are read at their own largest; all targets of an attack share theirs,
    which also stands under their common name, "<norm>/targeted".

    Args:
        rows: lines with ``condition`` and ``step``, of the transfer suite.
    """
    lines = rows[["condition", "step"]].drop_duplicates()
    plain = lines["condition"].str.replace(r"(?<=/targeted)/-?\d+$", "", regex=True)
    steps = {str(name): sorted(set(part)) for name, part in lines["step"].groupby(plain)}
    open_ended = [name for name in steps if name.endswith("/untargeted")]
    shared = min((steps[name][-1] for name in open_ended), default=0)
    read = {name: int(known[-1]) for name, known in steps.items()}
    for name in open_ended:
        read[name] = int(max((s for s in steps[name] if s <= shared), default=steps[name][0]))
    return read | {str(c): read[str(p)] for c, p in zip(lines["condition"], plain, strict=True)}
