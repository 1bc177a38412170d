"""What a todo is, and which input makes one. No HTTP and no storage in here."""

from datetime import date, timedelta

PRIORITIES = ("low", "medium", "high")
TITLE_LIMIT = 200  # characters
DUE_IN = timedelta(days=7)  # from today, where no due_date is given


class Invalid(Exception):
    """Input that makes no todo. The text names the field and what it must be."""


def parse_new(data):
    """Fields of a new todo, each default filled in."""
    fields = parse_changes(data)
    if "title" not in fields:
        raise Invalid("title: is required")
    return {
        "title": fields["title"],
        "done": fields.get("done", False),
        "due_date": fields.get("due_date", (date.today() + DUE_IN).isoformat()),
        "priority": fields.get("priority", "medium"),
    }


def parse_changes(data):
    """The fields that `data` gives, checked; a field that is not given is not in the result."""
    if not isinstance(data, dict):
        raise Invalid("body: must be a JSON object, sent as application/json")
    for name in data:
        if name not in _PARSERS:
            raise Invalid(f"{name}: unknown field; known are {', '.join(_PARSERS)}")
    return {name: _PARSERS[name](value) for name, value in data.items()}


def _title(value):
    if not isinstance(value, str) or not value.strip():
        raise Invalid("title: must be a text that is not empty")
    if len(value.strip()) > TITLE_LIMIT:
        raise Invalid(f"title: must have at most {TITLE_LIMIT} characters")
    return value.strip()


def _done(value):
    if not isinstance(value, bool):
        raise Invalid("done: must be true or false")
    return value


def _due_date(value):
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise Invalid("due_date: must be a date such as 2025-12-31") from None


def _priority(value):
    if value not in PRIORITIES:
        raise Invalid(f"priority: must be one of {', '.join(PRIORITIES)}")
    return value


_PARSERS = {"title": _title, "done": _done, "due_date": _due_date, "priority": _priority}
