"""Where the engine meets what is outside of it: ports that it asks, events that it tells, usage.

Values and protocols alone; nothing here may import another room of the engine.
"""
