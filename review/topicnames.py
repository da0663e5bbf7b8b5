"""Names for topics by a language model, marked as its own: suggestions in ``topics.toml``, to be applied.

The model sees a topic's words and the titles of its three most typical studies, nothing else, and only
after somebody agreed. Names that people wrote are left alone. What was asked and answered is kept as a
run of its own.
"""

import json

import pyarrow as pa

from classifiers.prompting.endpoint import Endpoint, Settings, object_in
from corpora import schema
from corpora.errors import InputError
from corpora.progress import Progress, silent
from corpora.run import Account, Run
from corpora.words import counted
from review import patches, topicfile, topicparts
from review.analysis.topics import KEYWORDS, MODEL
from review.gathering.ingest import Outcome
from review.topicfile import Group
from review.topicparts import Fitted
from review.workspace import Workspace

_SYSTEM = (
    "You name topics of a literature review. You get the most telling words of one topic and titles of "
    "typical studies. Answer with a JSON object with one field, name: a noun phrase of two to six words "
    "that a reader of a journal understands, no abbreviation that the titles do not explain."
)
_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
_LONGEST = 80


def sends(workspace: Workspace) -> str:
    """What would be sent where, for somebody to agree to; empty if nothing leaves this machine."""
    settings = Settings.from_environment()
    count = len(_unnamed(*_state(workspace)))
    if settings.local or not count:
        return ""
    return (
        f"Words and titles of three studies each of {counted(count, 'topic')} would go to {settings.host}, "
        f"model {settings.model}. No abstract is sent."
    )


def name_by_llm(workspace: Workspace, progress: Progress = silent) -> Outcome:
    """Ask for a name of every topic that people did not name, and write them into the file.

    Raises:
        InputError: no fit, no endpoint, or a file that is not of the fit.
        TransportError: the endpoint fails; the file is untouched.

    """
    settings = Settings.from_environment()
    fitted, groups = _state(workspace)
    wanted = _unnamed(fitted, groups)
    if not wanted:
        return Outcome("topics --name-by-llm, every topic has a name by a person or a model", None)
    run = Run.begin(
        "topics --name-by-llm",
        {"step": "names", "fit": fitted.part.run.id, "endpoint": settings.to_dict(), "system": _SYSTEM},
    )
    prompts = _prompts(workspace, fitted, wanted)
    kept, made = [], dict(groups)
    with Endpoint(settings) as endpoint:
        for number, topic in enumerate(wanted, 1):
            told, name = _asked(endpoint, prompts[topic])
            kept.append({"topic": topic, **told})
            if name:
                # Only people merge topics, by giving them one name.
                name += f" ({topic})" if any(name == group.name for group in made.values()) else ""
                made[topic] = Group(name, groups[topic].removed, f"{MODEL}{told['model']}")
            progress("naming topics", number, len(wanted))
    named = sum(made[topic] != groups[topic] for topic in wanted)
    run.account = Account(len(wanted), named, len(wanted) - named)
    rows = [{"topic": topic, "name": group.name, "removed": group.removed, "named_by": group.named_by}
            for topic, group in made.items()]  # fmt: skip
    with workspace.writing("topics", run) as part:
        part.add("groups", pa.Table.from_pylist(rows, schema=schema.TOPIC_GROUPS))
        lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in kept)
        (part.path / "answers.jsonl").write_text(lines, "utf-8")
    topicfile.rename(workspace, made, fitted.part.run.id, fitted.tables)
    note = f"{topicfile.FILE} holds the model's names, marked; look at them, then run: review topics --apply"
    return Outcome("topics --name-by-llm", run, (note,))


def _state(workspace: Workspace) -> tuple[Fitted, dict[str, Group]]:
    fitted = topicparts.current(workspace)
    if fitted is None:
        raise InputError(f"{workspace.root}: no topics were fitted; run: review topics")
    return fitted, topicfile.read(workspace, fitted.part.run.id, fitted.tables["topics"])


def _unnamed(fitted: Fitted, groups: dict[str, Group]) -> list[str]:
    order = fitted.tables["topics"]["topic"].tolist()
    return [topic for topic in order if groups[topic].named_by == KEYWORDS]


def _prompts(workspace: Workspace, fitted: Fitted, wanted: list[str]) -> dict[str, str]:
    table = patches.records(workspace, ["record_id", "title"])
    titles = dict(zip(table["record_id"].to_pylist(), table["title"].to_pylist(), strict=True))
    rows = {row["topic"]: row for row in fitted.tables["topics"].to_dict("records")}
    return {
        topic: "Words: " + ", ".join(rows[topic]["words"]) + "\nTitles:\n"
        + "\n".join(f"- {titles.get(one) or '(no title)'}" for one in rows[topic]["examples"])
        for topic in wanted
    }  # fmt: skip


def _asked(endpoint: Endpoint, prompt: str) -> tuple[dict[str, str], str]:
    """What was asked and answered, and the name in it; empty if there is none."""
    messages = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": prompt}]
    reply = endpoint.ask(messages, _SCHEMA)
    told = {"prompt": prompt, "answer": reply.text, "model": reply.model}
    return told, "" if reply.refusal else _name(reply.text)


def _name(answer: str) -> str:
    """The name in an answer, on one line and of a length that fits; empty if there is none."""
    said = (object_in(answer) or {}).get("name")
    name = " ".join(str(said).split()) if isinstance(said, str) else ""
    return name if len(name) <= _LONGEST else ""
