"""Why a page gave no items. Every message is one sentence that names the page's part and what is wrong with it."""


class PageError(Exception):
    """The page cannot be used; nothing of it is stored."""


class ShapeError(PageError):
    """The page is not built as the parser knows it: it changed, or it was cut."""


class WrongPage(PageError):
    """The page is about another title than the one asked for."""


class NotASeries(PageError):
    """The title has no episodes by its nature: a film, an episode, a game."""


class NoSuchTitle(PageError):
    """The source does not know the id."""


class Refused(PageError):
    """The source understood the question and declined to answer: a private list, a field it does not have."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"the source refused the query ({code}): {message}")
        self.code = code
