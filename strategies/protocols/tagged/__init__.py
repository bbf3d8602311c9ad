"""Calls in tags: hermes, qwen3_coder and what models make of them."""
