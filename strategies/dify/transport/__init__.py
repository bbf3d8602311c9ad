"""The links between the plugin's process and Dify, made faster than the SDK's own."""
