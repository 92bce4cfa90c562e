"""What a person sees: a bar on every long job, one sentence for what they can mend."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from zoo.memory import keep_freed


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
def bar(title: str, *, total: float, transient: bool = False) -> Iterator[Bar]:
    """A progress bar on standard error, with time left; a transient one goes when it is done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=transient) as progress:
        yield Bar(progress, progress.add_task(title, total=total, note=""))


def run_app(app: Callable[[], object], expected: tuple[type[Exception], ...]) -> None:
    """Run a command line; an expected error is one sentence on standard error and exit code 2."""
    keep_freed()
    try:
        app()
    except expected as error:
        sentence = f"[red]error:[/] {escape(str(error))}"
        Console(stderr=True).print(sentence, soft_wrap=True, highlight=False)
        sys.exit(2)
