"""An evaluation as a page: totals, a table of tasks, and every wrong run to open."""

from collections.abc import Sequence

from workbench.base.ports import Json
from workbench.evaluate.play import Played, Way
from workbench.evaluate.table import total
from workbench.evaluate.tasks import Task
from workbench.page.pages import page
from workbench.show import transcript


def evaluation_page(tasks: Sequence[Task], ways: Sequence[Way], games: Sequence[Played]) -> str:
    """Write the page. Right runs are counted; wrong ones are in it whole."""
    wrong = [game for game in games if not game.right]
    lines = [line for game in wrong for line in transcript.whole(game.run, game.setting)]
    rows = [
        {
            "name": task.name,
            "question": task.question,
            "cells": [
                [_cell(game) for game in games if game.task is task and game.way is way]
                for way in ways
            ],
        }
        for task in tasks
    ]
    totals = [{"name": way.name, **total(way, games)} for way in ways]
    return page(lines, evaluation={"totals": totals, "tasks": rows})


def _cell(game: Played) -> Json:
    return {
        "run": None if game.right else game.run.session,
        "rounds": game.rounds,
        "mistakes": list(game.mistakes),
        "answer": game.answer,
    }
