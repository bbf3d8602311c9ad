"""A plan first: steps that are small runs of the engine, side by side, and one answer from them."""
