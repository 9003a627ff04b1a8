"""A report as one HTML file that asks for nothing: style and pictures are inside, there is no script.

Every picture has its words for who cannot see it; tables become lists of named values where there is no width.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import assert_never
from xml.sax.saxutils import escape, quoteattr

from agent.report import pictures
from agent.report.document import (
    Bands,
    Bars,
    Block,
    Code,
    Columns,
    Document,
    List,
    Note,
    Section,
    Steps,
    Table,
    Terms,
    Text,
    Tick,
    Tiles,
)

_LONG = 8
"""A picture of more bands than this has its days above it as well."""
_RULES = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html(document: Document) -> bytes:
    style = resources.files(__package__).joinpath("style.css").read_text("utf-8")
    parts = [
        "<!doctype html>",
        f"<html lang={quoteattr(document.language)}>",
        '<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_RULES}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(document.title)} · Doorward</title>",
        f"<style>\n{style}</style>\n</head>\n<body>",
        f'<header>\n<p class="brand">{pictures.BRAND} Doorward</p>',
        f'<h1>{escape(document.title)}</h1>\n<p class="subtitle">{escape(document.subtitle)}</p>',
        _note(document.verdict, "note verdict"),
        f"{_contents(document)}\n</header>\n<main>",
        *_sections(document),
        f"</main>\n<footer><p>{escape(document.foot)}</p></footer>\n</body>\n</html>\n",
    ]
    return "\n".join(parts).encode()


def _contents(document: Document) -> str:
    links = "".join(
        f'<li><a href="#part-{number}">{escape(section.title)}</a></li>'
        for number, section in enumerate(document.sections, 1)
        if section.level == 2
    )
    return f"<nav aria-label={quoteattr(document.title)}><ul>{links}</ul></nav>"


def _sections(document: Document) -> Iterator[str]:
    above = ""
    for number, section in enumerate(document.sections, 1):
        above = f"part-{number}" if section.level == 2 else above
        yield _section(f"part-{number}", above, section)


def _section(name: str, above: str, section: Section) -> str:
    """One part; parts of the same name, of several devices, are told apart by the heading above them."""
    blocks = "\n".join(_block(block) for block in section.blocks)
    if section.level == 2:
        card = f'\n<div class="card">\n{blocks}\n</div>' if blocks else ""
        return f'<h2 id="{name}">{escape(section.title)}</h2>{card}'
    heading = f'<h3 id="{name}">{escape(section.title)}</h3>'
    return f'<section class="card" aria-labelledby="{above} {name}">\n{heading}\n{blocks}\n</section>'


def _block(block: Block) -> str:
    match block:
        case Text():
            return f"<p{' class=quiet' if block.quiet else ''}>{escape(block.text)}</p>"
        case Note():
            return _note(block, "note")
        case Tiles():
            tiles = "".join(
                f'<li class="{each.tone}"><b>{escape(each.figure)}</b><span>{escape(each.label)}</span></li>'
                for each in block.tiles
            )
            return f'<ul class="tiles">{tiles}</ul>'
        case Bands():
            return _bands(block)
        case Bars():
            rows = "".join(
                f"<li>{_label(each.label, each.note)}{pictures.bar(each.length)}"
                f'<span class="figure">{escape(each.figure)}</span></li>'
                for each in block.bars
            )
            return _figure(block.title, f'<ul class="bars">{rows}</ul>', block.caption)
        case Columns():
            hours = tuple(Tick(hour / 24, f"{hour:02d}:00") for hour in range(0, 24, 6))
            drawn = pictures.columns(block.heights, "; ".join((block.title, *block.says)))
            return _figure(block.title, _plot(drawn, block.top, hours), block.caption)
        case Steps():
            drawn = pictures.steps(block.points, block.ticks, block.says)
            return _figure(block.title, _plot(drawn, block.top, block.ticks), block.caption)
        case Table():
            return _table(block)
        case Terms():
            pairs = "".join(f"<dt>{escape(term)}</dt><dd>{_cell(value)}</dd>" for term, value in block.pairs)
            return f"<dl>{pairs}</dl>"
        case List():
            return f'<ul class="points">{"".join(f"<li>{escape(item)}</li>" for item in block.items)}</ul>'
        case _:
            assert_never(block)


def _note(note: Note, kind: str) -> str:
    return (
        f'<div class="{kind} {note.tone}">{pictures.mark(note.tone)}<strong>{escape(note.title)}</strong>'
        f"<p>{escape(note.text)}</p></div>"
    )


def _bands(block: Bands) -> str:
    parts = list[str]()
    for heading, bands in block.groups:
        rows = "".join(
            f"<li>{_label(each.label, each.note)}{pictures.band(each.pieces, block.ticks, each.says)}"
            f'<span class="figure {each.tone}">{escape(each.figure)}</span></li>'
            for each in bands
        )
        parts.append((f"<h4>{escape(heading)}</h4>" if heading else "") + f'<ul class="bands">{rows}</ul>')
    legend = "".join(f"<li>{pictures.swatch(tone)}{escape(name)}</li>" for tone, name in block.legend)
    axis = _axis(block.ticks)
    long = sum(len(bands) for _, bands in block.groups) > _LONG
    inside = f'<ul class="legend">{legend}</ul>{axis if long else ""}{"".join(parts)}{axis}'
    return _figure(block.title, inside, block.caption)


def _figure(title: str, inside: str, caption: str) -> str:
    return f'<figure><p class="name">{escape(title)}</p>\n{inside}\n<figcaption>{escape(caption)}</figcaption></figure>'


def _plot(drawn: str, top: str, ticks: tuple[Tick, ...]) -> str:
    return f'<div class="plot"><span class="top">{escape(top)}</span>{drawn}{_axis(ticks)}</div>'


def _axis(ticks: tuple[Tick, ...]) -> str:
    marks = "".join(f'<span style="left:{tick.place * 100:.4g}%">{escape(tick.label)}</span>' for tick in ticks)
    return f'<div class="axis" aria-hidden="true"><div>{marks}</div></div>'


def _label(label: str, note: str) -> str:
    small = f"<small>{escape(note)}</small>" if note else ""
    return f'<span class="label">{escape(label)}{small}</span>'


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col" role="columnheader">{escape(name)}</th>' for name in table.head)
    rows = "\n".join(
        '<tr role="row">'
        + "".join(
            f'<td role="cell" data-head={quoteattr(name)}><span>{_cell(value)}</span></td>'
            for name, value in zip(table.head, row, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    # A table that is shown as a list on a small screen stays a table for who hears it: hence the roles.
    shown = (
        f'<table role="table"><caption>{escape(table.title)}</caption><thead role="rowgroup"><tr role="row">{head}</tr>'
        f'</thead>\n<tbody role="rowgroup">\n{rows}\n</tbody></table>'
    )
    return shown + (f'\n<p class="quiet">{escape(table.caption)}</p>' if table.caption else "")


def _cell(value: str) -> str:
    return f"<code>{escape(value)}</code>" if isinstance(value, Code) else escape(value)
