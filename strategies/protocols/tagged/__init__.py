"""Reading calls in tags, which hermes, qwen3_coder and native replies share.

It holds no prompt and chooses no protocol; what is checked against a schema comes later.
"""
