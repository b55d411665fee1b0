"""The page as HTML. Whatever comes from outside goes through ``escape``; there is no script and no style in it."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.page.overview import Card, Overview, Row
    from airflow_provider_ittybit.emulator.service import Service

SIGNS = {"waiting": "○", "processing": "◔", "ready": "✓", "failed": "✕", "cancelled": "⊘", "empty": "·"}
"""Beside each state's word and colour, so that it can be told without either."""
KIND_SIGNS = {"video": "▶", "image": "▣", "audio": "♪"}
UNITS = ("bytes", "kB", "MB", "GB", "TB")
THOUSAND = 1000


def whole_page(service: Service, seen: Overview, base: str) -> str:
    """Return the whole page.

    :param base: the path under which script, style and thumbnails are.
    """
    addresses = service.addresses
    rows = (("API", addresses.api), ("uploads", addresses.uploads), ("delivery", addresses.delivery))
    places = "".join(f"<div><dt>{name}</dt><dd><code>{escape(url)}</code></dd></div>" for name, url in rows)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>ittybit emulator</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="{base}page.css">
<link rel="icon" href="data:,">
<script src="{base}page.js" defer></script>
<noscript><meta http-equiv="refresh" content="5"></noscript>
</head>
<body>
<a class="skip" href="#media">Skip to the media</a>
<header>
<h1>ittybit emulator</h1>
<dl>{places}<div><dt>processing</dt><dd><code>{escape(service.settings.processing)}</code></dd></div></dl>
<nav aria-label="Descriptions"><a href="/openapi.json">OpenAPI</a></nav>
</header>
<main id="live" data-source="{base}page.html">
{fragment(seen, base)}
</main>
</body>
</html>
"""


def fragment(seen: Overview, base: str) -> str:
    """Return the part of the page that changes."""
    cards = "\n".join(_card(card, base) for card in seen.cards)
    rows = "\n".join(map(_row, seen.rows))
    nothing = '<p class="nothing">Nothing has been uploaded yet.</p>' if not seen.cards else ""
    more = seen.media - len(seen.cards)
    rest = f'<p class="more">and {more} more, older</p>' if more else ""
    work = ""
    if seen.rows:
        head = "".join(f'<th scope="col">{name}</th>' for name in ("Made", "Kind", "State", "Id", "What went wrong"))
        older = seen.work - len(seen.rows)
        caption = f"<caption>{older} older ones are not shown</caption>" if older else ""
        work = f"""<section aria-labelledby="work-title" id="work"><h2 id="work-title">Tasks, runs and jobs</h2>
<div class="wide"><table>{caption}<thead><tr>{head}</tr></thead><tbody>
{rows}
</tbody></table></div></section>"""
    return f"""<section aria-labelledby="media-title" id="media">
<div class="line"><h2 id="media-title">Media</h2><p id="summary" role="status">{_summary(seen)}</p></div>
{nothing}<ol id="cards" reversed>
{cards}
</ol>{rest}
</section>
{work}"""


def _summary(seen: Overview) -> str:
    if not seen.media:
        return "none"
    states = ", ".join(f"{number} {state}" for state, number in seen.states)
    return (
        f"{seen.media} in all: {states}" if seen.media == len(seen.cards) else f"{seen.media} in all; newest: {states}"
    )


def _card(card: Card, base: str) -> str:
    title = escape(card.title)
    if card.picture:
        source = f"{base}thumbnails/{quote(card.picture, safe='')}"
        picture = f'<img src="{source}" alt="" loading="lazy" width="320" height="180">'
    else:
        picture = f'<span aria-hidden="true">{KIND_SIGNS.get(card.kind or "", "…")}</span>'
    facts = [part for part in (card.kind, _dimensions(card), _duration(card.duration), _amount(card)) if part]
    files = "".join(_file(*file) for file in card.files) if _says_more(card) else ""
    listed = f"<ul>{files}</ul>" if files else ""
    return f"""<li id="{escape(card.id)}" class="card"><div class="picture">{picture}{_badge(card.state)}</div>
<h3 title="{title}">{title}</h3><p>{escape(" · ".join(facts))}</p>
<p class="id"><code>{escape(card.id)}</code> {_moment(card.created)}</p>{listed}</li>"""


def _says_more(card: Card) -> bool:
    """Tell whether the files of a media say more than the media itself."""
    return len(card.files) > 1 or any(error for _, _, error in card.files)


def _file(name: str, state: str, error: str | None) -> str:
    words = f'<span class="error">{escape(error)}</span>' if error else ""
    return f"<li>{_sign(state)} {escape(name)} <small>{escape(state)}</small>{words}</li>"


def _row(row: Row) -> str:
    return f"""<tr id="{escape(row.id)}"><td>{_moment(row.created)}</td><td>{escape(row.kind)}</td>
<td>{_badge(row.state)}</td><td><code>{escape(row.id)}</code></td><td>{escape(row.error or "")}</td></tr>"""


def _badge(state: str) -> str:
    return f'<span class="badge {escape(state)}">{_sign(state)} {escape(state)}</span>'


def _sign(state: str) -> str:
    return f'<span class="sign {escape(state)}" aria-hidden="true">{SIGNS.get(state, "?")}</span>'


def _moment(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f'<time datetime="{moment.isoformat(timespec="seconds")}">{moment:%Y-%m-%d %H:%M:%S} UTC</time>'


def _dimensions(card: Card) -> str:
    return f"{card.width} x {card.height}" if card.width and card.height else ""


def _duration(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"


def _amount(card: Card) -> str:
    return _size(card.size) if card.files else "no files"


def _size(number: int) -> str:
    size, unit = float(number), 0
    while size >= THOUSAND and unit < len(UNITS) - 1:
        size, unit = size / THOUSAND, unit + 1
    return f"{number:,}\N{NO-BREAK SPACE}bytes" if unit == 0 else f"{size:.1f}\N{NO-BREAK SPACE}{UNITS[unit]}"
