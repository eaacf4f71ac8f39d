"""What a user can put right, and how other people's errors are put to him."""


class UserError(Exception):
    """The message is one sentence for a person: what is wrong, with which input, and what to do. No traceback."""


def one_line(error: BaseException) -> str:
    """The message of any error on one line; its name where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
