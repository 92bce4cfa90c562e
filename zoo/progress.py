"""One progress bar for every long job: what is done, time left, the current number."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Bar:
    """A bar that can jump ahead (a resumed job) and print lines above itself."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def step(self, note: str = "", advance: float = 1) -> None:
        """One unit further; ``note`` is the current number."""
        self._progress.update(self._task, advance=advance, note=note)

    def to(self, done: float) -> None:
        """Set what is done."""
        self._progress.update(self._task, completed=done)

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self._progress.console.print(line, highlight=False)


@contextmanager
def bar(title: str, *, total: float) -> Iterator[Bar]:
    """A progress bar on standard error, with time left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield Bar(progress, progress.add_task(title, total=total, note=""))
