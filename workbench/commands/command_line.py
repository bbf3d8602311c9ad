"""The command lines' parser, with one sentence for whoever mistyped."""

import argparse
from typing import NoReturn, override

from workbench.base.ports import UsageError


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is a `UsageError`."""

    @override
    def error(self, message: str) -> NoReturn:
        sentence = message[:1].upper() + message[1:]
        raise UsageError(f"{sentence}. See: python -m {self.prog} --help")
