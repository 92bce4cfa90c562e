"""The run as one page: self-contained HTML, see ``page``."""
