"""Who is a health-care professional: records that the operator brings, who is bound to which, and what that proves.

Nothing is guessed: neither what people say of themselves nor a profile of the platform binds anybody
(docs/identity.md).
"""
