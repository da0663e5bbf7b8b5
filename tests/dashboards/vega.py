"""What a chart that was sent to the browser must be: valid Vega-Lite over columns that are there."""

import json
from collections.abc import Iterator
from typing import Any

import altair as alt
import pyarrow as pa
from streamlit.testing.v1 import AppTest


def check_charts(shown: AppTest) -> int:
    """Check each chart of a page against Vega-Lite's schema and against its own table; gives how many."""
    charts = [one.proto for one in shown.get("vega_lite_chart")]
    for chart in charts:
        spec = json.loads(chart.spec)
        alt.Chart.from_dict({**spec, "data": {"name": "sent"}}, validate=True)
        held = pa.ipc.open_stream(chart.data.data).read_all()
        assert held.num_rows
        assert set(_fields(spec)) <= set(held.column_names)
        assert chart.alt
    return len(charts)


def _fields(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("field"), str):
            yield part["field"]
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from _fields(one)
