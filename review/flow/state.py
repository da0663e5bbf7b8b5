"""Where every report stands, by its decisions and by what took it out before them."""

from collections.abc import Iterable

from review.flow.known import Known

TITLE_ABSTRACT, FULL_TEXT = "title-abstract", "full-text"


class State:
    """Looks up one report at a time; a report is whatever the clusters say now."""

    def __init__(self, known: Known) -> None:
        self.screening = TITLE_ABSTRACT in known.stages
        self.full_text = FULL_TEXT in known.stages
        self.stages = [stage for stage in (TITLE_ABSTRACT, FULL_TEXT) if stage in known.stages]
        self.more = known.screening
        self._verdicts: dict[str, dict[str, str]] = {TITLE_ABSTRACT: {}, FULL_TEXT: {}}
        self._reasons: dict[tuple[str, str], str] = {}
        # Lists: a column of a frame gives its cells one by one ten times as slowly.
        columns = (known.decisions[name].tolist() for name in ("report_id", "stage", "verdict", "reason"))
        for report, stage, verdict, reason in zip(*columns, strict=True):
            self._verdicts[stage][report] = verdict
            if isinstance(reason, str) and reason:
                self._reasons[report, stage] = reason

    def verdict(self, report: str, stage: str) -> str | None:
        """What a stage settled, conflict, or None."""
        return self._verdicts[stage].get(report)

    def reason(self, report: str, stage: str) -> str | None:
        """Why a stage excluded it, where somebody said so."""
        return self._reasons.get((report, stage))

    def removed(self, report: str) -> tuple[bool, str] | None:
        """Whether a model decided, and why, if it was removed before screening; a decision wins."""
        return None if self.verdict(report, self.stages[0]) else self.more.removed.get(report)

    def unscreened(self, report: str) -> bool:
        """Whether a stop left it out."""
        return (
            report in self.more.unscreened
            and not self.verdict(report, self.stages[0])
            and not self.removed(report)
        )

    def not_retrieved(self, report: str) -> bool:
        """Whether its text could not be had, so that nobody assessed it."""
        return self.verdict(report, FULL_TEXT) is None and report in self.more.not_retrieved

    def passed(self, reports: Iterable[str]) -> set[str]:
        """Those that go on to full text: included by title and abstract, or all without that stage."""
        if self.screening:
            return {one for one in reports if self.verdict(one, TITLE_ABSTRACT) == "include"}
        return {one for one in reports if not self.removed(one) and not self.unscreened(one)}

    def end(self, report: str) -> str:
        """Where it stands: ``in``, ``out`` (excluded, removed, left out, not to be had) or ``open``."""
        for stage in self.stages:
            verdict = self.verdict(report, stage)
            if verdict is None and (self.removed(report) or self.unscreened(report)):
                return "out"
            if verdict is None:
                return "out" if stage == FULL_TEXT and self.not_retrieved(report) else "open"
            if verdict != "include":
                return "out" if verdict == "exclude" else "open"
        return "in"
