"""The shell for Dify: the only place that touches its session and its messages.

What it takes for granted about Dify is gathered in docs/dify.md; it may not import the workbench.
"""
