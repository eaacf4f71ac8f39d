"""What a user can put right."""


class UserError(Exception):
    """The message is one sentence for a person: what is wrong, with which input, and what to do. No traceback."""
