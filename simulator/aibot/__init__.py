"""The AI bot (智能机器人) in callback mode (§4): what it is told, what it may answer, and how its streams grow."""
