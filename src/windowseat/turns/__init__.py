"""The spine: from an ask to a settled answer, in events that are written before they are shown.

`Turns` starts, follows, stops and resumes turns; `run_turn` is the way of one. It stands on
windowseat.core alone; the rest of the house comes in through `World`'s ports.

    begun = await turns.start(Ask(id=..., user=owner, new=NewThread(), parts=(Text(text="Hello"),)))
    async for lines in turns.follow(owner, begun.turn.id, after=0): ...
"""
