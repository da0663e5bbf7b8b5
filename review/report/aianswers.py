"""What the ledger can answer of PRISMA-trAIce, as `review.report.answers` does of the other checklists."""

from collections.abc import Callable

from review.labelling import auditing
from review.report import screening, searching, tagging
from review.report.document import Answer
from review.report.gathering import Material
from review.report.numbers import counted, listed, sentence, without_hints
from review.screening.suggestions import boxes

_AI = "Methods, Use of artificial intelligence"


def _protocol(m: Material) -> Answer | None:
    if not m.versions or not (m.taggers or m.protocol.suggestions):
        return None
    named = sorted(m.protocol.labels.taggers())
    told = f"The protocol names the tagger {listed(named)}"
    told += f" and the model {m.protocol.suggestions.model} for suggestions" if m.protocol.suggestions else ""
    return Answer(f"{told}. {searching.fixed(m)}", "Methods, Protocol and registration")


def _tools(m: Material) -> Answer | None:
    return Answer(" ".join(map(sentence, tagging.uses(m))), _AI)


def _stages(m: Material) -> Answer | None:
    return _tools(m)


def _input(m: Material) -> Answer | None:
    return Answer("Title and abstract of every record.", "Methods, Classification") if m.taggers else None


def _output(m: Material) -> Answer | None:
    if not m.taggers:
        return None
    return Answer(
        "A probability for each label, cut at its threshold; what lies near it is marked unsure. A study's "
        "labels are the union over its reports.",
        "Methods, Classification",
    )


def _prompts(m: Material) -> Answer | None:
    asked = any(len(boxes(board)) > 1 for board in m.boards.values())
    told = []
    if asked:
        told.append("Prompt, model and parameters are kept in the ledger with every answer.")
    if any(tagger == "llm" for tagger, _ in m.taggers):
        told.append("The tagger llm asks by a prompt made of the codebook; settings stand with its run.")
    if not told:
        return Answer("The ledger holds no use of a language model with prompts.", _AI)
    return Answer(" ".join(told), f"{_AI}; Appendices, Runs")


def _settings(m: Material) -> Answer | None:
    if not m.taggers:
        return None
    runs = listed([f"{tagger} (run {run})" for tagger, run in m.taggers])
    return Answer(f"Settings stand with the runs of {runs}.", "Appendices, Runs")


def _oversight(m: Material) -> Answer | None:
    told = [screening.people(m, board) for board in m.boards.values()] if m.decisions else []
    told += [
        f"{one.name}: {counted(len(one.studies), f'{len(one.studies):,}', 'study')} drawn to be coded by "
        "people with the tagger's word hidden."
        for one in auditing.audits(m.workspace)
    ]
    return Answer(" ".join(told), "Methods, Selection; Audit of the labels") if told else None


def _evaluation(m: Material) -> Answer | None:
    told = []
    if any(tagging.card(m, tagger) for tagger, _ in m.taggers):
        told.append("Taggers are scored out of fold against the labels they learnt from.")
    if auditing.audits(m.workspace):
        told.append("An audit drawn at random measures their errors in this review.")
    return Answer(" ".join(told), "Methods, Classification; Audit of the labels") if told else None


def _results(m: Material) -> Answer | None:
    if not any(tagging.card(m, tagger) for tagger, _ in m.taggers):
        return None
    _, state = auditing.standing(m.workspace, m.held)
    told = [
        f"{score['dimension']} {score['macro_f1']:.3f}"
        for tagger, _ in m.taggers
        for score in (tagging.card(m, tagger) or ("", "", []))[2]
        if score["labels"]
    ]
    audit = without_hints(state)
    return Answer(
        f"Macro-F1 against the labels it learnt from: {listed(told)}. Audit: {audit}.",
        "Methods, Classification",
    )


def _data(m: Material) -> Answer | None:
    where = [f"suggestions were asked of {m.protocol.suggestions.url}"] if m.protocol.suggestions else []
    local = [tagger for tagger, _ in m.taggers if tagger != "llm"]
    where += [f"the tagger {tagger} asks no service" for tagger in local]
    return Answer(sentence("; ".join(where)), _AI) if where else None


def _flow(m: Material) -> Answer | None:
    if not m.decisions:
        return None
    return Answer(
        "Reports that people screened are counted apart from those that a stop or a tool left out.",
        "Results, Flow of records, reports and studies",
    )


ANSWERS: dict[str, Callable[[Material], Answer | None]] = {
    "ai_protocol": _protocol,
    "ai_tools": _tools,
    "ai_stages": _stages,
    "ai_input": _input,
    "ai_output": _output,
    "ai_prompts": _prompts,
    "ai_settings": _settings,
    "ai_oversight": _oversight,
    "ai_evaluation": _evaluation,
    "ai_results": _results,
    "ai_data": _data,
    "ai_flow": _flow,
}
