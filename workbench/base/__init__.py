"""What every room of the workbench uses: its ports, services that stop, and the terminal.

It imports no other room; only `output` writes to stdout and stderr.
"""
