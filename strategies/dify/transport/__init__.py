"""The links between the plugin's process and Dify: ours where the SDK allows them, or its own.

What hangs on the SDK's inner parts stands in `sdk_links`, `links` and `stdio`;
no other room imports them.
"""
