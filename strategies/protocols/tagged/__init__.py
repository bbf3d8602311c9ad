"""Reading calls in tags, which hermes, qwen3_coder and native replies share."""
