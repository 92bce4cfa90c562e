"""Where a run's pictures lie, by what they are, and what they are, by where they lie."""

import re
from pathlib import Path


def picture_file(run: Path, model: str, condition: str, case: str, *, seed: int = 0) -> Path:
    """A stylised picture."""
    return _file(run / "artifacts" / "style" / model, condition, case, seed)


def feature_file(run: Path, model: str, condition: str, case: str, *, seed: int = 0) -> Path:
    """A picture of what excites a channel or logit."""
    return _file(run / "artifacts" / "features" / model, condition, case, seed)


def condition_and_case(file: Path) -> tuple[str, str]:
    """The condition and case of a picture that lies here, whatever its seed."""
    condition, case = re.sub(r"__s\d+$", "", file.stem).split("__", 1)
    return condition.replace("_", "/"), case


def _file(folder: Path, condition: str, case: str, seed: int) -> Path:
    name = f"{condition.replace('/', '_')}__{case}"
    # the first seed's is the plain name
    return folder / (f"{name}__s{seed}.png" if seed else f"{name}.png")
