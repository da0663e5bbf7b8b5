"""What goes to an editor, opened by the programs that editors have: LibreOffice, LaTeX and R.

Debian: apt-get install libreoffice-writer-nogui poppler-utils r-base-core texlive-latex-recommended
texlive-latex-extra texlive-fonts-recommended. A test whose program is absent is skipped, and says so.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from review.counting import flow_of
from review.flow import files
from review.report import build, checklists
from review.tables.save import save, tables
from review.workspace import Workspace
from tests.review import reported
from tests.review.test_flow_figure import full
from tests.review.test_tables import HOSTILE, table

pytestmark = pytest.mark.slow

FIELDS = """
d <- read.csv(commandArgs(TRUE)); options(warn = 2); names <- commandArgs(TRUE)[-1]
stopifnot(colnames(d) == c("data", "node", "box", "description", "boxtext", "tooltips", "url", "n"))
for (name in c(%s)) {
  row <- d[grep(name, d[, 1]), ]
  if (nrow(row) != 1 || is.na(row$boxtext)) stop(name)
  if (grepl("specific|(dbr|other)_excluded", name)) {
    if (!is.na(row$n)) as.numeric(gsub(".*,", "", unlist(strsplit(row$n, "; "))))
  } else as.numeric(row$n)
}
"""
NAMES = (
    "previous_studies previous_reports database_results database_specific_results register_results "
    "register_specific_results website_results organisation_results citations_results duplicates "
    "excluded_automatic excluded_other records_screened records_excluded dbr_sought_reports "
    "dbr_notretrieved_reports other_sought_reports other_notretrieved_reports dbr_assessed dbr_excluded "
    "other_assessed other_excluded new_studies new_reports total_studies total_reports identification "
    "screening included"
)
TYPES = 'for (f in commandArgs(TRUE)) { d <- read.csv(f); cat(sapply(d, class), sep = ","); cat("\\n") }'


def needed(*programs: str) -> None:
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed: nothing was checked")


def run(*line: str | Path, where: Path) -> str:
    return subprocess.run(
        line, cwd=where, check=True, capture_output=True, text=True, errors="replace"
    ).stdout


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a review with everything that it writes in it."""
    workspace: Workspace = reported.make(tmp_path_factory.mktemp("documents") / "review")
    root = workspace.root
    build.report(workspace)
    checklists.write(workspace, ["prisma-2020", "prisma-scr", "prisma-s", "prisma-traice"], ["docx", "csv"])
    tables(workspace)
    long = "pharmacoepidemiological-1234567890/abcdefghijklmnopqrstuvwxyz.0123456789"
    save(table(HOSTILE, "β-blocker, κ ≥ 0.8 ∩ CO₂", long), root / "tables", ["tex", "docx"], {})
    for name, flow in (("own", flow_of(workspace)), ("full", full())):
        files.write(workspace, flow, root / f"flow-{name}.docx")
        files.write_fields(flow, root / f"fields-{name}.csv")
    return root


def test_word_files_open_with_their_pages(written: Path) -> None:
    needed("soffice", "pdfinfo", "pdftotext")
    paths = sorted(written.rglob("*.docx"))
    run("soffice", "--headless", "--convert-to", "pdf", "--outdir", "pdf", *paths, where=written)
    pages = {}
    for path in paths:
        pdf = written / "pdf" / f"{path.stem}.pdf"
        pages[path.stem] = int(re.findall(r"Pages: +(\d+)", run("pdfinfo", pdf, where=written))[0])
        text = run("pdftotext", "-layout", pdf, "-", where=written)
        assert len(text) > 200, path
    first = run("pdftotext", "-l", "1", "-layout", written / "pdf" / "flow-full.pdf", "-", where=written)
    assert "Total studies included" in first
    assert len(paths) >= 11
    assert pages["flow-own"] == 1


def test_latex_tables_compile_within_their_margins(written: Path) -> None:
    needed("pdflatex")
    paths = sorted((written / "tables").glob("*.tex"))
    body = "\n".join(rf"\input{{tables/{path.name}}}" for path in paths)
    packages = "array,booktabs,longtable,textcomp,pdflscape"
    document = rf"\documentclass{{article}}\usepackage[T1]{{fontenc}}\usepackage{{{packages}}}"
    # A letter of no Latin or Greek alphabet is for XeLaTeX, as the module says.
    document += r"\DeclareUnicodeCharacter{4E2D}{?}"
    (written / "all.tex").write_text(f"{document}\n\\begin{{document}}\n{body}\n\\end{{document}}\n", "utf-8")
    for _ in range(3):
        run("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex", where=written)
    log = (written / "all.log").read_text("utf-8", "replace")
    assert not re.findall(r"^! .*", log, re.MULTILINE)
    assert [wide for wide in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(wide) > 6] == []
    assert len(paths) >= 6


@pytest.mark.parametrize("name", ["own", "full"])
def test_r_finds_the_fields_of_the_prisma2020_package(written: Path, name: str) -> None:
    needed("Rscript")
    listed = ", ".join(f'"{one}"' for one in NAMES.split())
    run("Rscript", "-e", FIELDS % listed, written / f"fields-{name}.csv", where=written)


def test_r_reads_numbers_as_numbers(written: Path) -> None:
    needed("Rscript")
    paths = sorted((written / "tables").glob("*.csv"))
    lines = run("Rscript", "-e", TYPES, *paths, where=written).splitlines()
    for path, line in zip(paths, lines, strict=True):
        for (column, held), kind in zip(pd.read_csv(path).items(), line.split(","), strict=True):
            wanted = {"i": "integer", "f": "numeric", "b": "logical"}.get(held.dtype.kind, "character")
            wanted = "logical" if held.isna().all() else wanted
            # Whole numbers beside gaps are fractions for pandas only.
            assert kind in (wanted, "integer" if wanted == "numeric" else wanted), (path, column)
