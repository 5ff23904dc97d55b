"""Cases: what was suspected in messages, until the safety desk has it (docs/adverse-events.md).

=============  =====================================================================================
``config``     the block ``safety`` of a bot
``heard``      what was said before, as it travels with a conversation
``watch``      the first step of every turn: screens what people write and what is said to them
``register``   the cases in SQL
``courier``    what the safety desk hears, by message and by mail
``refused``    the screen of messages that were refused
``forms``      a case as a table, a workbook, a PDF and E2B(R3) elements
=============  =====================================================================================

Nothing here asks a language model, and nothing decides whether a product caused anything.
"""
