"""What an operator could read of an error."""


def told_by(error: BaseException | None) -> str:
    """The texts and fields of ``error`` and of everything behind it."""
    text = ""
    while error is not None:
        text += repr(error) + str(vars(error))
        error = error.__cause__ or error.__context__
    return text
