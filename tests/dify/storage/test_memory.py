"""What a conversation's turns called is kept for the next ones: bounded, and without secrets."""

import json

from strategies.agent.interface.events import ToolCall
from strategies.agent.prompt.conversation import DoneCall, RoundRecord
from strategies.agent.turns.recall import PastTurn, remember
from strategies.dify.storage.memory import Memory
from strategies.dify.storage.places import Places, Room, name_of
from tests.dify.storage.fakes import FakeStorage, patient_store

CONVERSATION = name_of("app", "conversation")


def turn(question: str = "What is new?", result: str = "rain", **arguments: object) -> PastTurn:
    """A turn with one call."""
    raw = json.dumps(arguments, ensure_ascii=False)
    done = DoneCall(call=ToolCall("1", "look", arguments, raw), result=result)
    record = RoundRecord(content="Let me see.", visible="Let me see.", done=(done,), in_text=False)
    return remember(question, ["It rains."], [record])


def keep(storage: FakeStorage, kept: PastTurn, conversation: str = CONVERSATION) -> None:
    """Remember one more turn, as a run does."""
    store = patient_store(storage)
    memory = Memory(store, conversation)
    memory.recall()
    memory.keep(kept)
    store.settle()


def known(storage: FakeStorage, conversation: str = CONVERSATION) -> list[PastTurn]:
    """What the next run knows."""
    memory = Memory(patient_store(storage), conversation)
    memory.recall()
    return memory.turns


def test_turns_come_back_as_they_were_the_newest_last() -> None:
    """Calls, results, and what was said beside them."""
    storage = FakeStorage()
    first, second = turn(q="Rome", n=1), turn("And in Oslo?", "snow")
    keep(storage, first)
    keep(storage, second)
    assert known(storage) == [first, second]
    assert known(storage, name_of("app", "another")) == []


def test_secrets_are_hidden_before_anything_is_written() -> None:
    """In arguments by their names, and wherever they look like one."""
    storage = FakeStorage()
    keep(
        storage,
        turn(
            result="the key is sk-abcdefghijklmnop", api_key="12345678", deep=[{"password": "x1"}]
        ),
    )
    (record,) = known(storage)[0].rounds
    (done,) = record.done
    assert "sk-abc" not in done.result
    assert done.call.arguments == {"api_key": "[hidden]", "deep": [{"password": "[hidden]"}]}
    assert json.loads(done.call.raw) == done.call.arguments


def test_secrets_of_the_question_are_hidden() -> None:
    """Before its blanks are left out, which tell where a secret begins."""
    storage = FakeStorage()
    keep(storage, turn("Please use sk-abcdefghijklmnop1234567 and send it"))
    assert known(storage)[0].question == "Pleaseuse[hidden]andsendit"


def test_the_last_turns_stay_and_older_results_become_short() -> None:
    """However long a conversation is, and however little its results can be packed."""
    storage = FakeStorage()
    noise = "".join(name_of(str(number)) for number in range(400))
    for number in range(20):
        keep(storage, turn(f"Question {number}", noise))
    turns = known(storage)
    assert 1 <= len(turns) <= 8
    assert turns[-1].question == "Question19"
    assert len(turns[0].rounds[0].done[0].result) <= len(turns[-1].rounds[0].done[0].result)
    assert max(map(len, storage.values.values())) <= 16 * 1024


def test_a_turn_that_is_too_large_whatever_is_cut_is_not_kept() -> None:
    """Arguments are not cut: half of them would be no call of the model's."""
    storage = FakeStorage()
    keep(storage, turn(body="".join(name_of(str(number)) for number in range(2_000))))
    assert known(storage) == []


def test_a_value_of_another_shape_is_no_memory() -> None:
    """A fault of an older version costs the memory, not the run."""
    storage = FakeStorage()
    keep(storage, turn())
    room = Room(name="memory", places=2_048, seconds=100)
    for odd in ({"turns": 5}, {"turns": [5]}, {"turns": [{"rounds": [{"done": [[1]]}]}]}):
        Places(patient_store(storage), room).put(CONVERSATION, odd)
        assert all(not one.rounds for one in known(storage))
