"""Importing this checks the types and shapes that zoo's functions declare, whenever they run."""

from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

# an int is a float, as mypy sees it
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
HOOK = install_import_hook(["zoo"], "tests.shapes.checked")
